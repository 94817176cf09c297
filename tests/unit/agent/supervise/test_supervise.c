/* The supervisor over the real larder-shim and a fake engine. */
#include "agent/supervise/supervise.h"
#include "base/buf.h"
#include "base/clock.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PATIENCE_MS 10000

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct nodes nodes;
static struct supervisor *supervisor;

/* What was heard of the last node that somebody spoke of. */
static struct {
    char phase[16], exit[16], tag[128];
    int64_t pid, exit_number;
    int gone;
    bool is_over; /* whatever still runs is stopped and let go */
} heard;

static void on_state(void *context, struct node *n, const struct shim_state *state)
{
    (void)context;
    if (heard.is_over && state->exit)
        supervisor->take_exit(supervisor, n);
    else if (heard.is_over)
        supervisor->stop(supervisor, n, 0);
    snprintf(heard.phase, sizeof(heard.phase), "%s", state->phase);
    snprintf(heard.exit, sizeof(heard.exit), "%s", state->exit ? state->exit : "");
    snprintf(heard.tag, sizeof(heard.tag), "%s", state->tag ? state->tag : "");
    heard.pid = state->pid;
    heard.exit_number = state->exit_number;
}

static void on_gone(void *context, struct node *n)
{
    (void)context;
    cr_assert_null(n->shim);
    heard.gone++;
}

static void begin(void)
{
    strcpy(folder, "/tmp/larder-sup-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    nodes_init(&nodes, folder, "boot-1");
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    supervisor = supervise_open(loop, SHIM_PROGRAM);
    supervisor->on_state = on_state;
    supervisor->on_gone = on_gone;
}

/* Nothing that a test started outlives it. */
static void stop_all(void)
{
    heard.is_over = true;
    vec_each(at, &nodes) {
        supervise_forget(*at);
        err_ignore(supervisor->adopt(supervisor, *at), "it may be gone already");
        while ((*at)->shim)
            loop_turn(loop, 50);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static void end(void)
{
    stop_all();
    supervise_close(supervisor);
    loop_close(loop);
    nodes_fini(&nodes);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(supervise, .init = begin, .fini = end, .timeout = 60);

static const struct node_run run = {
    .driver = "fake", .address = "127.1.2.3", .port = 6379, .boot_count = 7};

static struct node *start(const char *const *words)
{
    struct node *n = nodes_add(&nodes, 1);
    const char *argv[8] = {FAKE_ENGINE};
    const struct launch launch = {.argv = argv, .run = run};

    for (int i = 1; *words; i++)
        argv[i] = *words++;
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    struct err e = supervisor->start(supervisor, &arena, n, &launch);
    cr_assert_not(err_failed(e), "%s", e.why);
    cr_assert_not_null(n->shim);
    return n;
}

#define START(...) start((const char *const[]){__VA_ARGS__, NULL})

static void run_until_phase(const char *phase)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; strcmp(heard.phase, phase) != 0;) {
        loop_turn(loop, 50);
        cr_assert_lt(loop_now_ms(loop), end_ms, "%s never came", phase);
    }
}

static void run_until_gone(void)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; heard.gone == 0;) {
        loop_turn(loop, 50);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it never went");
    }
}

Test(supervise, a_process_lives_from_start_to_gone)
{
    struct node *n = START("ready");

    run_until_phase(SHIM_READY);
    cr_assert_str_eq(heard.tag, "fake 7 127.1.2.3 6379");
    supervisor->stop(supervisor, n, 60000);
    run_until_phase(SHIM_EXITED);
    cr_assert_str_eq(heard.exit, SHIM_EXIT_STATUS);
    cr_assert_eq(heard.gone, 0, "the report was not taken yet");
    supervisor->take_exit(supervisor, n);
    run_until_gone();
    cr_assert_null(n->shim);
}

Test(supervise, the_folder_can_be_used_again_as_soon_as_a_process_is_gone)
{
    struct node *n = START("exit=1");
    const char *argv[] = {FAKE_ENGINE, "ready", NULL};

    run_until_phase(SHIM_EXITED);
    supervisor->take_exit(supervisor, n);
    run_until_gone();
    struct err e = supervisor->start(supervisor, &arena, n, &(struct launch){argv, run});
    cr_assert_not(err_failed(e), "%s", e.why);
    run_until_phase(SHIM_READY);
}

Test(supervise, a_folder_that_is_in_use_is_not_used_twice)
{
    struct node *n = START("ready");
    const char *argv[] = {FAKE_ENGINE, "ready", NULL};

    run_until_phase(SHIM_READY);
    supervise_forget(n);
    cr_assert_null(n->shim);
    struct err e = supervisor->start(supervisor, &arena, n, &(struct launch){argv, run});
    cr_assert(err_is(e, ERR_CONFLICT));
    cr_assert_null(n->shim);
}

Test(supervise, a_process_of_before_is_adopted)
{
    struct node *n = START("ready");

    run_until_phase(SHIM_READY);
    int64_t pid = heard.pid;
    supervise_forget(n); /* as if this agent had died */
    memset(&heard, 0, sizeof(heard));
    cr_assert_not(err_failed(supervisor->adopt(supervisor, n)));
    run_until_phase(SHIM_READY);
    cr_assert_eq(heard.pid, pid);

    kill((pid_t)pid, SIGKILL);
    run_until_phase(SHIM_EXITED);
    cr_assert_eq(heard.exit_number, SIGKILL);
    supervisor->take_exit(supervisor, n);
    run_until_gone();
    cr_assert(err_is(supervisor->adopt(supervisor, n), ERR_NOT_FOUND));
}

Test(supervise, where_nothing_was_ever_started_nothing_is_adopted)
{
    struct node *n = nodes_add(&nodes, 1);

    cr_assert(err_is(supervisor->adopt(supervisor, n), ERR_NOT_FOUND));
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert(err_is(supervisor->adopt(supervisor, n), ERR_NOT_FOUND));
}

static pid_t parent_of(pid_t pid)
{
    struct buf text = BUF_EMPTY;
    int parent = 0;

    cr_assert_not(
        err_failed(fs_read_all(arena_printf(&arena, "/proc/%d/stat", (int)pid), 4096, &text)));
    const char *rest = strrchr(buf_cstr(&text), ')');
    cr_assert_eq(sscanf(rest, ") %*c %d", &parent), 1);
    buf_fini(&text);
    return parent;
}

/* As after a restart of the machine, or of the agent a long time later: what is there of the
 * process before is its files, and its number is another one's. */
Test(supervise, a_number_that_is_used_again_is_nobodys_process)
{
    struct node *n = START("ready");
    pid_t foreign = fork();

    if (foreign == 0)
        for (;;)
            pause();
    run_until_phase(SHIM_READY);
    pid_t engine = (pid_t)heard.pid;
    kill(parent_of(engine), SIGKILL);
    run_until_gone();
    cr_assert(fs_exists(fs_join(&arena, n->dir, SHIM_SOCKET)), "nobody was left to remove it");
    n->run.pid = foreign;
    cr_assert(err_is(supervisor->adopt(supervisor, n), ERR_NOT_FOUND));
    supervisor->stop(supervisor, n, 0);
    cr_assert_eq(waitpid(foreign, NULL, WNOHANG), 0, "it is left alone");
    kill(foreign, SIGKILL);
    waitpid(foreign, NULL, 0);
}

Test(supervise, a_killed_shim_is_gone_without_an_exit_once_its_engine_is_too)
{
    struct node *n = START("ready");
    int fd = -1;

    run_until_phase(SHIM_READY);
    kill(parent_of((pid_t)heard.pid), SIGKILL);
    run_until_gone();
    cr_assert_str_eq(heard.exit, "");
    cr_assert_not(err_failed(fs_lock(fs_join(&arena, n->dir, SHIM_LOCK), &fd)));
    fd_close(&fd);
}

Test(supervise, without_a_shim_nothing_starts)
{
    struct supervisor *other = supervise_open(loop, "/nonexistent/larder-shim");
    struct node *n = nodes_add(&nodes, 1);
    const char *argv[] = {FAKE_ENGINE, NULL};

    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    struct err e = other->start(other, &arena, n, &(struct launch){argv, run});
    cr_assert(err_is(e, ERR_NOT_FOUND));
    cr_assert_not_null(strstr(e.why, "/nonexistent/larder-shim"));
    cr_assert_null(n->shim);
    supervise_close(other);
}

Test(supervise, tags_are_read_as_they_are_written_and_others_refused)
{
    static const char *const bad[] = {"",
                                      "one",
                                      "one two 3 4",
                                      "one 1 addr",
                                      "one 1 addr 70000",
                                      "one 1  6379",
                                      "a-name-that-is-longer-than-any-driver-has 1 addr 1"};
    struct node_run again = {.pid = 5};
    const char *tag;

    run_to_tag(&arena, &run, &tag);
    cr_assert(run_from_tag(tag, &again));
    cr_assert_str_eq(again.driver, "fake");
    cr_assert_str_eq(again.address, "127.1.2.3");
    cr_assert(again.port == 6379 && again.boot_count == 7 && again.pid == 5);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(run_from_tag(bad[i], &again), "%s", bad[i]);
}
