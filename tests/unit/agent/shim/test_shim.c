/* The real larder-shim over a fake engine, as an agent meets it. */
#include "agent/shim/shim.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/shim_protocol.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct arena arena;
static char folder[64];
static struct proc shim = PROC_NONE;

/* A connection of an agent. */
struct agent {
    int fd;
    char in[2 * SHIM_LINE_BYTES];
    size_t len;
};

static void make_folder(void)
{
    strcpy(folder, "/tmp/larder-shim-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void end_all(void)
{
    proc_kill(&shim); /* and its engine */
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}

TestSuite(shim, .init = make_folder, .fini = end_all, .timeout = 60);

/* Starts the shim over an engine with these arguments (NULL-terminated). */
static void start_in(const char *dir, const char *const *engine, int agent_fd)
{
    const char *argv[16] = {SHIM_PROGRAM, "--dir", dir, "--tag", "a tag", "--agent-fd", "4", "--"};
    const struct proc_fd fds[] = {
        {agent_fd, 4}
    };
    size_t count = 8;

    if (agent_fd < 0) {
        argv[5] = "--";
        count = 6;
    }
    while (*engine)
        argv[count++] = *engine++;
    const struct proc_spec spec = {.argv = argv,
                                   .fds = fds,
                                   .fd_count = agent_fd >= 0,
                                   .is_quiet = true,
                                   .is_own_session = true};
    struct err e = proc_spawn(&arena, &spec, &shim);
    cr_assert_not(err_failed(e), "%s", e.why);
}

#define START(...) start_in(folder, (const char *const[]){FAKE_ENGINE, __VA_ARGS__, NULL}, -1)

static int try_connect(const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    scoped(fd_close) int dir_fd = open(dir, O_PATH | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SHIM_SOCKET, dir_fd);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fd_close(&fd);
    return fd;
}

static int64_t now(void)
{
    return clock_boot_ms(&clock_system);
}

static struct agent connect_to(const char *dir)
{
    struct agent agent = {.fd = -1};

    for (int64_t end = now() + PATIENCE_MS; agent.fd < 0 && now() < end;) {
        agent.fd = try_connect(dir);
        if (agent.fd < 0)
            poll(NULL, 0, 1);
    }
    cr_assert_geq(agent.fd, 0, "the shim listens");
    return agent;
}

/* The next state; false when the connection ended. */
static bool next_state(struct agent *agent, struct shim_state *out)
{
    char *end;

    while (!(end = memchr(agent->in, '\n', agent->len))) {
        struct pollfd watched = {.fd = agent->fd, .events = POLLIN};
        cr_assert_eq(poll(&watched, 1, PATIENCE_MS), 1, "a word within ten seconds");
        ssize_t got = recv(agent->fd, agent->in + agent->len, sizeof(agent->in) - agent->len, 0);
        if (got <= 0)
            return false;
        agent->len += (size_t)got;
    }
    const struct str line = {agent->in, (size_t)(end - agent->in)};
    *out = (struct shim_state){0};
    cr_assert_not(err_failed(jsonline_read(&arena, SHIM_STATE_LINE, line, out)));
    agent->len -= line.len + 1;
    memmove(agent->in, end + 1, agent->len);
    return true;
}

static struct shim_state await(struct agent *agent, const char *phase)
{
    struct shim_state state;

    do
        cr_assert(next_state(agent, &state), "the connection ended before %s", phase);
    while (strcmp(state.phase, phase) != 0);
    return state;
}

static void tell(const struct agent *agent, const char *text)
{
    cr_assert_eq(send(agent->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Waits until the engine's words have come through the pipe; each connection hears the last line.
 */
static struct shim_state await_line(const char *line)
{
    for (int64_t end = now() + PATIENCE_MS; now() < end; poll(NULL, 0, 1)) {
        struct agent look = connect_to(folder);
        struct shim_state state;
        cr_assert(next_state(&look, &state));
        close(look.fd);
        if (strcmp(state.last_line, line) == 0)
            return state;
    }
    cr_assert_fail("the engine never said %s", line);
    return (struct shim_state){0};
}

static void assert_ends(struct agent *agent)
{
    struct shim_state state;
    struct proc_exit exit;

    while (next_state(agent, &state))
        ;
    cr_assert_not(err_failed(proc_wait(&shim, PATIENCE_MS, &exit)));
    cr_assert(!exit.is_signal && exit.number == 0);
    cr_assert_not(fs_exists(fs_join(&arena, folder, SHIM_SOCKET)));
}

/* Waits until nothing holds the node's folder. */
static void await_unlocked(void)
{
    int fd = -1;

    for (int64_t end = now() + PATIENCE_MS; now() < end; poll(NULL, 0, 1))
        if (!err_failed(fs_lock(fs_join(&arena, folder, SHIM_LOCK), &fd))) {
            fd_close(&fd);
            return;
        }
    cr_assert_fail("the lock is still held");
}

Test(shim, readiness_is_told_when_the_engine_says_so)
{
    START("ready");
    struct agent agent = connect_to(folder);
    struct shim_state state = await(&agent, SHIM_READY);
    cr_assert_str_eq(state.tag, "a tag");
    cr_assert_gt(state.pid, 0);
    cr_assert_gt(state.started_ms, 1600000000000);
    cr_assert_geq(state.ready_ms, state.started_ms);
    cr_assert_null(state.exit);

    struct agent late = connect_to(folder); /* hears the state at once */
    cr_assert_eq(await(&late, SHIM_READY).pid, state.pid);
}

Test(shim, nobody_but_the_engine_may_call_it_ready)
{
    START("child-ready", "say=now");
    struct shim_state state = await_line("now");
    cr_assert_str_eq(state.phase, SHIM_STARTING);
}

Test(shim, a_crash_is_told_at_once_and_kept_until_it_is_taken)
{
    START("ready", "say=last words");
    struct agent agent = connect_to(folder);
    pid_t pid = (pid_t)await(&agent, SHIM_READY).pid;
    await_line("last words");

    int64_t killed = now();
    cr_assert_eq(kill(pid, SIGKILL), 0);
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_log_info("noticed within %lld ms", (long long)(now() - killed));
    cr_assert_lt(now() - killed, 1000);
    cr_assert_str_eq(state.exit, SHIM_EXIT_SIGNAL);
    cr_assert_eq(state.exit_number, SIGKILL);
    cr_assert_eq(state.pid, pid);
    cr_assert_str_eq(state.last_line, "last words");

    close(agent.fd); /* this agent dies; the next one hears the same */
    struct agent next = connect_to(folder);
    state = await(&next, SHIM_EXITED);
    cr_assert_eq(state.exit_number, SIGKILL);
    tell(&next, "{\"do\":\"ack\"}\n");
    assert_ends(&next);
    await_unlocked();
}

Test(shim, a_failed_start_says_why_in_its_last_line)
{
    START("out=hello", "say=port 6379 is taken", "exit=1");
    struct agent agent = connect_to(folder);
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_assert_str_eq(state.exit, SHIM_EXIT_STATUS);
    cr_assert_eq(state.exit_number, 1);
    cr_assert_eq(state.ready_ms, 0);
    cr_assert_str_eq(state.last_line, "port 6379 is taken");
}

Test(shim, an_engine_that_cannot_be_run_is_an_exit_too)
{
    static const char *const engine[] = {"/nonexistent/engine", NULL};

    start_in(folder, engine, -1);
    struct agent agent = connect_to(folder);
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_assert_str_eq(state.exit, SHIM_EXIT_UNRUN);
    cr_assert_not_null(strstr(state.last_line, "/nonexistent/engine"));
    tell(&agent, "{\"do\":\"ack\"}\n");
    assert_ends(&agent);
}

Test(shim, a_stop_is_graceful)
{
    START("ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    tell(&agent, "{\"do\":\"stop\",\"grace_ms\":60000}\n");
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_assert_str_eq(state.exit, SHIM_EXIT_STATUS);
    cr_assert_eq(state.exit_number, 0);
}

Test(shim, who_does_not_stop_within_the_grace_is_killed)
{
    START("stubborn", "ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    int64_t begun = now();
    tell(&agent, "{\"do\":\"stop\",\"grace_ms\":50}\n");
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_assert_str_eq(state.exit, SHIM_EXIT_SIGNAL);
    cr_assert_eq(state.exit_number, SIGKILL);
    cr_assert_geq(now() - begun, 50);
}

Test(shim, a_kill_asks_nobody)
{
    START("stubborn", "ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    tell(&agent, "{\"do\":\"kill\"}\n");
    cr_assert_eq(await(&agent, SHIM_EXITED).exit_number, SIGKILL);
}

/* A tracer holds its end up, as a disk does that does not answer. */
Test(shim, who_is_killed_and_not_gone_is_told_of_until_it_is)
{
    START("ready");
    struct agent agent = connect_to(folder);
    pid_t engine = (pid_t)await(&agent, SHIM_READY).pid;
    cr_assert_eq(ptrace(PTRACE_SEIZE, engine, NULL, PTRACE_O_TRACEEXIT), 0);
    tell(&agent, "{\"do\":\"kill\"}\n");
    struct shim_state state;
    cr_assert(next_state(&agent, &state));
    cr_assert(state.killed_ms > 0 && !state.exit);
    struct agent next = connect_to(folder);
    cr_assert(next_state(&next, &state));
    cr_assert(state.killed_ms > 0 && !state.exit, "the next agent hears so, too");
    cr_assert_eq(ptrace(PTRACE_DETACH, engine, NULL, NULL), 0);
    state = await(&agent, SHIM_EXITED);
    cr_assert(strcmp(state.exit, SHIM_EXIT_SIGNAL) == 0 && state.exit_number == SIGKILL);
}

Test(shim, nonsense_and_an_early_ack_are_passed_over)
{
    START("ready");
    struct agent agent = connect_to(folder);
    pid_t pid = (pid_t)await(&agent, SHIM_READY).pid;
    tell(&agent, "{\"do\":\"dance\"}\nnot json\n\n{\"do\":\"ack\"}\n{\"do\":5}\n{\"do\":\"kill\"");
    tell(&agent, "}\n"); /* a command may come in pieces */
    cr_assert_eq(await(&agent, SHIM_EXITED).pid, pid);
}

Test(shim, a_line_without_an_end_costs_the_connection_only)
{
    char noise[SHIM_LINE_BYTES];
    struct shim_state state;

    START("ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    memset(noise, 'x', sizeof(noise));
    cr_assert_eq(send(agent.fd, noise, sizeof(noise), MSG_NOSIGNAL), (ssize_t)sizeof(noise));
    cr_assert_not(next_state(&agent, &state));
    struct agent next = connect_to(folder);
    cr_assert(next_state(&next, &state));
    cr_assert_str_eq(state.phase, SHIM_READY);
}

Test(shim, a_killed_shim_takes_its_engine_along)
{
    START("ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    proc_kill(&shim);
    await_unlocked(); /* the engine held the lock too */
}

Test(shim, the_folder_stays_taken_while_anything_of_the_engine_lives)
{
    int fd = -1;

    START("keep=2", "ready");
    struct agent agent = connect_to(folder);
    pid_t pid = (pid_t)await(&agent, SHIM_READY).pid;
    cr_assert_eq(kill(pid, SIGKILL), 0);
    await(&agent, SHIM_EXITED);
    tell(&agent, "{\"do\":\"ack\"}\n");
    assert_ends(&agent);
    cr_assert(err_is(fs_lock(fs_join(&arena, folder, SHIM_LOCK), &fd), ERR_CONFLICT));
    await_unlocked();
}

Test(shim, two_shims_cannot_have_the_same_folder)
{
    START("ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    static const char *const argv[] = {SHIM_PROGRAM, "--dir", folder, "--", FAKE_ENGINE, NULL};
    struct buf said = BUF_EMPTY;
    struct proc_exit exit;
    cr_assert_not(err_failed(proc_run(&arena, argv, PATIENCE_MS, 1000, &said, &exit)));
    cr_assert_eq(exit.number, 1);
    cr_assert_not_null(strstr(buf_cstr(&said), "somebody else holds the lock"));
    buf_fini(&said);
}

Test(shim, sigterm_stops_the_engine_and_a_second_one_ends_the_shim)
{
    START("ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    cr_assert_not(err_failed(proc_signal(&shim, SIGHUP))); /* of a terminal that went away */
    cr_assert_not(err_failed(proc_signal(&shim, SIGTERM)));
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_assert_str_eq(state.exit, SHIM_EXIT_STATUS);
    cr_assert_not(err_failed(proc_signal(&shim, SIGTERM)));
    assert_ends(&agent);
}

Test(shim, what_the_engine_writes_never_holds_it_up_and_is_bounded_on_disk)
{
    struct buf text = BUF_EMPTY;

    START("flood=40000", "ready", "say=done");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    struct err e = fs_read_all(fs_join(&arena, folder, SHIM_LOG), 1 << 20, &text);
    cr_assert_not(err_failed(e), "%s", e.why);
    cr_assert(fs_exists(fs_join(&arena, folder, SHIM_LOG ".1")));
    buf_fini(&text);
}

Test(shim, an_inherited_connection_is_served_like_any_other)
{
    static const char *const engine[] = {FAKE_ENGINE, "ready", NULL};
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    start_in(folder, engine, pair[1]);
    close(pair[1]);
    struct agent agent = {.fd = pair[0]};
    await(&agent, SHIM_READY);
    tell(&agent, "{\"do\":\"kill\"}\n");
    await(&agent, SHIM_EXITED);
    tell(&agent, "{\"do\":\"ack\"}\n");
    assert_ends(&agent);
}

Test(shim, a_folder_may_be_deeper_than_a_socket_s_name_is_long)
{
    static const char *const engine[] = {FAKE_ENGINE, "ready", NULL};
    const char *deep = arena_printf(&arena, "%s/%0100d/%0100d", folder, 1, 2);

    cr_assert_not(err_failed(fs_make_dirs(deep, 0700)));
    start_in(deep, engine, -1);
    struct agent agent = connect_to(deep);
    await(&agent, SHIM_READY);
}

/* ---- leases ---- */

/* The unix socket of the engine, which the test plays. */
static int listen_as_engine(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 4), 0);
    return fd;
}

static void give_lease(const struct agent *agent, int64_t until_ms)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;
    const struct shim_command c = {.command = SHIM_LEASE,
                                   .until_ms = until_ms,
                                   .control = "admin.sock",
                                   .fence = "*1\r\n$5\r\nFENCE\r\n",
                                   .unfence = "*1\r\n$4\r\nOPEN\r\n"};

    jsonline_write(SHIM_COMMAND_LINE, &c, &line);
    tell(agent, buf_cstr(&line));
}

static void await_word(int fd, const char *word)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    while (!text.len || !strstr(buf_cstr(&text), word)) {
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        cr_assert_eq(poll(&watched, 1, PATIENCE_MS), 1, "%s was not said", word);
        ssize_t got = recv(fd, buf_reserve(&text, 512), 512, 0);
        cr_assert_gt(got, 0, "the connection ended before %s", word);
        text.len += (size_t)got;
    }
}

Test(shim, an_engine_that_does_not_confirm_its_fence_is_killed)
{
    scoped(fd_close) int listener = listen_as_engine();

    START("ready");
    struct agent agent = connect_to(folder);
    await(&agent, SHIM_READY);
    give_lease(&agent, now() + 300);
    scoped(fd_close) int engine = accept(listener, NULL, NULL);
    await_word(engine, "OPEN");
    cr_assert_eq(send(engine, "+OK\r\n", 5, 0), 5);
    await_word(engine, "FENCE");
    struct shim_state state = await(&agent, SHIM_EXITED);
    cr_assert(strcmp(state.exit, SHIM_EXIT_SIGNAL) == 0 && state.exit_number == SIGKILL);
}
