/*
 * The one idea: all that may allocate, load or lock was done before, and what is left puts bytes
 * into a buffer of its own and writes them once. A handler knows nothing but globals, so here are
 * some.
 */
#include "base/crash.h"

#include "base/log.h"

#include <execinfo.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES_MAX      64
#define LINE_MAX_BYTES  8192
#define ABOUT_MAX_BYTES 1024
#define STACK_BYTES     65536

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER true
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER false
#endif

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"},
    {SIGBUS,  "SIGBUS" },
    {SIGFPE,  "SIGFPE" },
    {SIGABRT, "SIGABRT"},
};

static struct {
    const char *build;
    char build_id[64 + 1]; /* of the linker; empty: there is none */
    uintptr_t base;        /* where the program was loaded */
    crash_describe_fn *describe;
    void *ctx;
} watched;

static volatile sig_atomic_t has_crashed, is_describing;
static sigjmp_buf escape;

/* ---- putting, without a library ---- */

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void put(struct line *l, const char *text)
{
    for (; *text && l->len < sizeof(l->text) - 4; text++)
        l->text[l->len++] = *text;
}

static void put_base(struct line *l, uint64_t v, unsigned base, unsigned least)
{
    char digits[24];
    size_t at = sizeof(digits);

    digits[--at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v > 0 || sizeof(digits) - 1 - at < least);
    put(l, digits + at);
}

static void put_number(struct line *l, int64_t v)
{
    if (v < 0)
        put(l, "-");
    put_base(l, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, 1);
}

static void put_address(struct line *l, uintptr_t v)
{
    put(l, "0x");
    put_base(l, v, 16, 1);
}

/* ---- the moment ---- */

struct moment {
    uint64_t year, month, day, hour, minute, second, ms;
};

/* Days since 1970 as a date, counted in years that begin with March. */
static struct moment moment_now(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t s = (uint64_t)t.tv_sec, days = s / 86400 + 719468;
    uint64_t era = days / 146097, in_era = days % 146097;
    uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    uint64_t from_march = (5 * in_year + 2) / 153;

    return (struct moment){
        .month = from_march < 10 ? from_march + 3 : from_march - 9,
        .year = year + era * 400 + (from_march >= 10),
        .day = in_year - (153 * from_march + 2) / 5 + 1,
        .hour = s / 3600 % 24,
        .minute = s / 60 % 60,
        .second = s % 60,
        .ms = (uint64_t)t.tv_nsec / 1000000,
    };
}

static void put_clock(struct line *l, const struct moment *m)
{
    put_base(l, m->hour, 10, 2);
    put(l, ":");
    put_base(l, m->minute, 10, 2);
    put(l, ":");
    put_base(l, m->second, 10, 2);
    put(l, ".");
    put_base(l, m->ms, 10, 3);
}

/* ---- the line ---- */

static void put_head(struct line *l, const struct log_manner *how)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct moment m = moment_now();

    if (how->format == LOG_JSON) {
        put(l, "{\"LogLevel\":\"WARNING\",\"Time\":\"");
        put_base(l, m.day, 10, 2);
        put(l, " ");
        put(l, months[m.month - 1]);
        put(l, " ");
        put_base(l, m.year, 10, 4);
        put(l, " ");
        put_clock(l, &m);
        put(l, " UTC\"");
        return;
    }
    put_base(l, m.year, 10, 4);
    put(l, "-");
    put_base(l, m.month, 10, 2);
    put(l, "-");
    put_base(l, m.day, 10, 2);
    put(l, "T");
    put_clock(l, &m);
    put(l, "Z ");
    put(l, how->program);
    put(l, " error: crashed by signal");
}

/* Begins a field, whose text needs no escapes, and ends it. */
static void begin_field(struct line *l, const struct log_manner *how, const char *key)
{
    put(l, how->format == LOG_JSON ? ",\"" : " ");
    put(l, key);
    put(l, how->format == LOG_JSON ? "\":\"" : "=\"");
}

static void end_field(struct line *l)
{
    put(l, "\"");
}

static void put_field(struct line *l, const struct log_manner *how, const char *key,
                      const char *text)
{
    begin_field(l, how, key);
    put(l, text);
    end_field(l);
}

/* What stands in every line; texts that would need escapes have none here. */
static void put_always(struct line *l, const struct log_manner *how)
{
    for (const struct log_field *f = how->always; f && f->kind != LOG_FIELD_NONE; f++)
        if (f->kind == LOG_FIELD_STR && f->text && !strpbrk(f->text, "\"\\\n"))
            put_field(l, how, f->key, f->text);
}

static uintptr_t counter_of(const ucontext_t *u)
{
#if defined(__x86_64__)
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)u->uc_mcontext.pc;
#else
    (void)u;
    return 0;
#endif
}

static void put_signal(struct line *l, const struct log_manner *how, const siginfo_t *info)
{
    for (size_t i = 0; i < countof(signals); i++)
        if (signals[i].number == info->si_signo)
            put_field(l, how, "signal", signals[i].name);
    begin_field(l, how, "code");
    put_number(l, info->si_code);
    end_field(l);
    /* One that somebody has sent has a sender, and no address. */
    begin_field(l, how, info->si_code > 0 ? "address" : "sender");
    if (info->si_code > 0)
        put_address(l, (uintptr_t)info->si_addr);
    else
        put_number(l, info->si_pid);
    end_field(l);
}

static void put_places(struct line *l, const struct log_manner *how, const ucontext_t *u)
{
    void *frames[FRAMES_MAX];

    begin_field(l, how, "at");
    put_address(l, counter_of(u));
    end_field(l);
    begin_field(l, how, "base");
    put_address(l, watched.base);
    end_field(l);
    begin_field(l, how, "backtrace");
    int count = backtrace(frames, FRAMES_MAX);
    for (int i = 0; i < count; i++) {
        put(l, i ? " " : "");
        put_address(l, (uintptr_t)frames[i]);
    }
    end_field(l);
}

static void put_about(struct line *l, const struct log_manner *how)
{
    char text[ABOUT_MAX_BYTES];
    volatile size_t len = 0;

    if (!watched.describe)
        return;
    is_describing = 1;
    if (sigsetjmp(escape, 1) == 0)
        len = watched.describe(watched.ctx, text, sizeof(text) - 1);
    is_describing = 0;
    text[len] = 0;
    put_field(l, how, "about", text);
}

static void report(const siginfo_t *info, const ucontext_t *u)
{
    static struct line l;
    struct log_manner how = log_manner_now();

    put_head(&l, &how);
    put_always(&l, &how);
    put_signal(&l, &how, info);
    begin_field(&l, &how, "pid");
    put_number(&l, getpid());
    end_field(&l);
    put_field(&l, &how, "build", watched.build);
    put_field(&l, &how, "build_id", watched.build_id);
    put_about(&l, &how);
    put_places(&l, &how, u);
    if (how.format == LOG_JSON) {
        put_field(&l, &how, "Message", "crashed by signal");
        l.text[l.len++] = '}';
    }
    l.text[l.len++] = '\n';
    if (write(STDERR_FILENO, l.text, l.len) < 0)
        return; /* nowhere left to complain */
}

/* ---- the signal ---- */

static void on_crash(int number, siginfo_t *info, void *context)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};

    if (is_describing)
        siglongjmp(escape, 1);
    if (has_crashed++ == 0)
        report(info, context);
    for (size_t i = 0; i < countof(signals); i++)
        sigaction(signals[i].number, &standard, NULL);
    /* What the machine has raised it raises again where it happened. */
    if (info->si_code <= 0)
        raise(number);
}

/* ---- before ---- */

/* The linker's mark of the build: with it the symbols are found. */
static void read_note(const ElfW(Nhdr) * note, size_t bytes)
{
    const char *name = (const char *)(note + 1);
    const unsigned char *id = (const unsigned char *)name + (note->n_namesz + 3U) / 4U * 4U;

    if (bytes < sizeof(*note) || note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 ||
        memcmp(name, "GNU", 4) != 0)
        return;
    for (size_t i = 0; i < note->n_descsz && 2 * i < sizeof(watched.build_id) - 1; i++) {
        watched.build_id[2 * i] = "0123456789abcdef"[id[i] >> 4];
        watched.build_id[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
    }
}

/* The first object is the program itself. */
static int look_at_object(struct dl_phdr_info *object, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    watched.base = object->dlpi_addr;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];

        if (part->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(object->dlpi_addr + part->p_vaddr), *end;
        for (end = at + part->p_memsz; at + sizeof(ElfW(Nhdr)) <= end;) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(const void *)at;

            read_note(note, (size_t)(end - at));
            at += sizeof(*note) + (note->n_namesz + 3U) / 4U * 4U + (note->n_descsz + 3U) / 4U * 4U;
        }
    }
    return 1;
}

/* A stack of its own: the usual one may be what is full. */
static void use_own_stack(void)
{
    static char stack[STACK_BYTES];
    stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};

    sigaltstack(&own, NULL);
}

void crash_watch(const char *build, crash_describe_fn *describe, void *ctx)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    void *first[1];

    if (HAS_SANITIZER)
        return;
    watched.build = build;
    watched.describe = describe;
    watched.ctx = ctx;
    dl_iterate_phdr(look_at_object, NULL);
    /* The first call loads what it needs. */
    (void)backtrace(first, 1);
    use_own_stack();
    action.sa_sigaction = on_crash;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < countof(signals); i++)
        sigaction(signals[i].number, &action, NULL);
}
