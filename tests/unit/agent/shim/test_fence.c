/* The lease of an engine that knows of none, with a clock and an engine of the test's own. */
#include "agent/shim/fence.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/shim_protocol.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING "AUTH a b\r\n"
#define CLOSE    "*1\r\n$5\r\nCLOSE\r\n*1\r\n$4\r\nKILL\r\n"
#define OPEN     "*1\r\n$4\r\nOPEN\r\n"
#define OTHER    "*1\r\n$5\r\nOTHER\r\n"

static struct arena arena;
static char folder[64];
static int listener, engine;
static struct fence f;

static void begin(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "admin.sock"};

    strcpy(folder, "/tmp/larder-fence-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 4), 0);
    engine = -1;
    fence_init(&f);
}

static void end(void)
{
    fence_fini(&f);
    fd_close(&engine);
    fd_close(&listener);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}

TestSuite(fence, .init = begin, .fini = end, .timeout = 60);

static void lease(int64_t until_ms, int64_t now_ms)
{
    const struct shim_command c = {.command = SHIM_LEASE,
                                   .until_ms = until_ms,
                                   .control = "admin.sock",
                                   .greeting = GREETING,
                                   .fence = CLOSE,
                                   .unfence = OPEN};
    fence_lease(&f, &c, now_ms);
}

/* What was said since. */
static const char *heard(void)
{
    char text[1024];

    if (engine < 0)
        engine = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ssize_t got = engine >= 0 ? recv(engine, text, sizeof(text), 0) : 0;
    return arena_strndup(&arena, text, got > 0 ? (size_t)got : 0);
}

static void answer(const char *text)
{
    cr_assert_eq(send(engine, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    fence_read(&f);
}

/* It has a lease until 1000, and the engine knows. */
static void open_it(void)
{
    lease(1000, 500);
    cr_assert_str_eq(heard(), GREETING OPEN);
    answer("+OK\r\n+OK\r\n");
    cr_assert_eq(f.phase, FENCE_OPEN);
    cr_assert_eq(f.due_ms, 1000);
}

Test(fence, is_due_when_the_lease_is_over)
{
    open_it();
    lease(1200, 700);
    fence_due(&f, 1199);
    cr_assert_str_eq(heard(), "", "it was renewed");
    fence_due(&f, 1200);
    cr_assert_str_eq(heard(), CLOSE);
    cr_assert_eq(f.phase, FENCE_CLOSING);
    answer("+OK\r\n");
    cr_assert_eq(f.phase, FENCE_CLOSING, "half of it");
    answer(":3\r\n");
    cr_assert_eq(f.phase, FENCE_CLOSED);
    cr_assert_eq(f.due_ms, INT64_MAX);
    fence_due(&f, 99999);
    cr_assert_eq(f.phase, FENCE_CLOSED);
}

Test(fence, that_is_not_confirmed_in_time_kills)
{
    open_it();
    fence_due(&f, 1000);
    answer("+OK\r\n");
    fence_due(&f, 1000 + FENCE_CONFIRM_MS - 1);
    cr_assert_eq(f.phase, FENCE_CLOSING);
    fence_due(&f, 1000 + FENCE_CONFIRM_MS);
    cr_assert_eq(f.phase, FENCE_IS_KILLED);
    lease(5000, 1100);
    cr_assert_eq(f.phase, FENCE_IS_KILLED, "there is no way back");
}

Test(fence, that_is_refused_kills)
{
    open_it();
    fence_due(&f, 1000);
    answer("-BUSY a script runs\r\n:0\r\n");
    cr_assert_eq(f.phase, FENCE_CLOSING);
    fence_due(&f, 1000 + FENCE_CONFIRM_MS);
    cr_assert_eq(f.phase, FENCE_IS_KILLED);
}

Test(fence, is_said_over_a_new_connection_where_the_first_one_ended)
{
    open_it();
    fd_close(&engine);
    fence_due(&f, 1000);
    cr_assert_str_eq(heard(), GREETING CLOSE);
    answer("+OK\r\n+OK\r\n:1\r\n");
    cr_assert_eq(f.phase, FENCE_CLOSED);
}

Test(fence, of_an_engine_that_nobody_reaches_kills)
{
    fd_close(&listener);
    lease(1000, 500);
    fence_due(&f, 1000);
    fence_due(&f, 1000 + FENCE_CONFIRM_MS);
    cr_assert_eq(f.phase, FENCE_IS_KILLED);
}

Test(fence, is_opened_by_the_next_lease)
{
    open_it();
    fence_due(&f, 1000);
    heard();
    answer("+OK\r\n:3\r\n");
    lease(1000, 1100);
    cr_assert_str_eq(heard(), "", "one that is over opens nothing");
    lease(2000, 1100);
    cr_assert_str_eq(heard(), OPEN);
    cr_assert_eq(f.phase, FENCE_OPEN);
    fence_due(&f, 1999);
    cr_assert_eq(f.phase, FENCE_OPEN);
}

Test(fence, what_allows_writes_is_said_when_it_is_another_or_was_refused)
{
    struct shim_command c = {.command = SHIM_LEASE,
                             .until_ms = 1400,
                             .control = "admin.sock",
                             .fence = CLOSE,
                             .unfence = OTHER};

    open_it();
    lease(1200, 700);
    cr_assert_str_eq(heard(), "");
    fence_lease(&f, &c, 800);
    cr_assert_str_eq(heard(), OTHER);
    answer("-ERR no\r\n");
    c.until_ms = 1600;
    fence_lease(&f, &c, 900);
    cr_assert_str_eq(heard(), OTHER);
}

Test(fence, is_none_for_who_needs_no_lease_any_more)
{
    const struct shim_command none = {.command = SHIM_LEASE};

    open_it();
    fence_lease(&f, &none, 600);
    fence_due(&f, 5000);
    cr_assert_str_eq(heard(), "");
    cr_assert_eq(f.phase, FENCE_OFF);
    lease(6000, 5000);
    cr_assert_str_eq(heard(), OPEN, "somebody else may have closed it meanwhile");
}
