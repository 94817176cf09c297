#include "base/buf.h"
#include "base/crash.h"
#include "base/log.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER_REPORTS true
#else
#define SANITIZER_REPORTS false
#endif

static size_t say(void *ctx, char *out, size_t max)
{
    const char *text = ctx;
    size_t len = strlen(text) < max ? strlen(text) : max;

    memcpy(out, text, len);
    return len;
}

/* Crashes itself. */
static size_t fall(void *ctx, char *out, size_t max)
{
    (void)max;
    (void)out;
    *(volatile char *)ctx = 'x';
    return 1;
}

static void *page(void)
{
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(p, MAP_FAILED);
    return p;
}

static void write_there(void *at)
{
    *(volatile char *)at = 'x';
}

static void abort_now(void *at)
{
    (void)at;
    abort();
}

/* The stack is full: `more` keeps the compiler from making a loop of it. */
static int sink(volatile char *more, int depth)
{
    volatile char room[4096];

    room[0] = more[0];
    return depth < 0 ? 0 : sink(room, depth + 1) + room[0];
}

static void fill_stack(void *at)
{
    (void)at;
    volatile char first = 0;
    (void)sink(&first, 0);
}

/* What a child says before it ends; *status is how it does. */
static void crash(void (*how)(void *), void *at, crash_describe_fn *describe, void *ctx,
                  enum log_format format, struct buf *said, int *status)
{
    int ends[2];
    char bytes[4096];
    ssize_t got;

    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0};

        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        for (int s = 1; s < 32; s++)
            signal(s, SIG_DFL);
        log_setup("tested", LOG_LEVEL_INFO);
        log_shape(format, (const struct log_field[]){f_str("node", "n1"), {0}});
        crash_watch("1.2.3", describe, ctx);
        how(at);
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], bytes, sizeof(bytes))) > 0)
        buf_add(said, bytes, (size_t)got);
    close(ends[0]);
    cr_assert_eq(waitpid(child, status, 0), child);
}

#define has(said, part) cr_assert(strstr(buf_cstr(said), (part)), "%s: %s", part, buf_cstr(said))

Test(crash, a_signal_is_told_with_all_that_is_known_and_then_it_ends_the_process)
{
    static char about[] = "client 7: get";
    static const struct {
        void (*how)(void *);
        int signal;
        const char *name;
    } rows[] = {
        {write_there, SIGSEGV, "signal=\"SIGSEGV\""},
        {abort_now,   SIGABRT, "signal=\"SIGABRT\""},
        {fill_stack,  SIGSEGV, "signal=\"SIGSEGV\""},
    };

    if (SANITIZER_REPORTS)
        return;
    for (size_t i = 0; i < countof(rows); i++) {
        scoped(buf_fini) struct buf said = BUF_EMPTY;
        int status;

        crash(rows[i].how, page(), say, about, LOG_TEXT, &said, &status);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal, "row %zu", i);
        has(&said, "Z tested error: crashed by signal node=\"n1\" signal=");
        has(&said, rows[i].name);
        has(&said, " build=\"1.2.3\" build_id=\"");
        has(&said, " about=\"client 7: get\" at=\"0x");
        has(&said, " backtrace=\"0x");
        cr_assert_eq(strchr(buf_cstr(&said), '\n'), said.ptr + said.len - 1, "it is one line");
    }
}

Test(crash, the_address_is_that_of_the_access)
{
    scoped(buf_fini) struct buf said = BUF_EMPTY;
    char text[64];
    void *at = page();
    int status;

    if (SANITIZER_REPORTS)
        return;
    crash(write_there, at, NULL, NULL, LOG_JSON, &said, &status);
    snprintf(text, sizeof(text), "\"address\":\"%p\"", at);
    has(&said, text);
    has(&said, "{\"LogLevel\":\"WARNING\",\"Time\":\"");
    has(&said, " UTC\",\"node\":\"n1\",\"signal\":\"SIGSEGV\"");
    has(&said, "\",\"Message\":\"crashed by signal\"}\n");
}

Test(crash, who_crashes_while_it_describes_is_left_out)
{
    scoped(buf_fini) struct buf said = BUF_EMPTY;
    int status;

    if (SANITIZER_REPORTS)
        return;
    crash(abort_now, NULL, fall, page(), LOG_TEXT, &said, &status);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    has(&said, " about=\"\" at=");
    has(&said, "signal=\"SIGABRT\"");
}
