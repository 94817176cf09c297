#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

/* Runs a shell script and returns what it says. */
static const char *shell(struct proc_spec spec, const char *script, struct proc_exit *exit)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct proc child = PROC_NONE;
    char text[4096];
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    const struct proc_fd fds[] = {
        {ends[1], 1}
    };
    spec.argv = argv;
    if (spec.fd_count == 0) {
        spec.fds = fds;
        spec.fd_count = 1;
    }
    spec.is_quiet = true;
    struct err e = proc_spawn(&arena, &spec, &child);
    cr_assert_not(err_failed(e), "%s", e.why);
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0;)
        len += (size_t)got;
    text[len] = '\0';
    close(ends[0]);
    cr_assert_not(err_failed(proc_wait(&child, 10000, exit)));
    proc_fini(&child);
    return arena_strdup(&arena, text);
}

Test(proc, how_a_process_ended_is_known)
{
    struct proc_exit exit;

    shell((struct proc_spec){0}, "exit 3", &exit);
    cr_assert_str_eq(proc_exit_text(&arena, exit), "exit status 3");
    shell((struct proc_spec){0}, "kill -9 $$", &exit);
    cr_assert_str_eq(proc_exit_text(&arena, exit), "signal 9 (Killed)");
}

Test(proc, what_cannot_be_run_is_an_error_of_the_start)
{
    static const char *const missing[] = {"no-such-program", NULL};
    static const char *const folder[] = {"/tmp", NULL};
    static const char *const fine[] = {"/bin/true", NULL};
    struct proc child = PROC_NONE;

    struct err e = proc_spawn(&arena, &(struct proc_spec){.argv = missing}, &child);
    cr_assert(err_is(e, ERR_NOT_FOUND));
    cr_assert_not_null(strstr(e.why, "no-such-program"));
    cr_assert(err_failed(proc_spawn(&arena, &(struct proc_spec){.argv = folder}, &child)));
    e = proc_spawn(&arena, &(struct proc_spec){.argv = fine, .dir = "/nonexistent"}, &child);
    cr_assert(err_is(e, ERR_NOT_FOUND));
    cr_assert_not_null(strstr(e.why, "/nonexistent"));
    cr_assert_eq(child.pid, 0, "untouched on failure");
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "nothing is left to reap");
}

Test(proc, the_environment_is_ours_with_lines_replaced_and_added)
{
    static const char *const env[] = {"LARDER_ONE=new", "LARDER_TWO=2", NULL};
    struct proc_exit exit;

    setenv("LARDER_ONE", "old", 1);
    setenv("LARDER_ONE_MORE", "kept", 1);
    cr_assert_str_eq(shell((struct proc_spec){.env = env},
                           "echo $LARDER_ONE $LARDER_ONE_MORE $LARDER_TWO", &exit),
                     "new kept 2\n");
}

Test(proc, the_child_has_no_descriptors_but_those_handed_down)
{
    struct proc_exit exit;
    int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec, as others may forget */

    cr_assert_geq(leaked, 3);
    const char *said = shell((struct proc_spec){0},
                             "for f in /proc/self/fd/*; do echo -n \"${f##*/} \"; done", &exit);
    cr_assert_null(strstr(said, arena_printf(&arena, " %d ", leaked)), "%s", said);
    close(leaked);
}

/* In a process of its own, because it takes numbers that the test's runner uses: what is handed
 * down as 3 is ours as 4, and the other way round. */
__attribute__((noreturn)) static void spawn_crossed(int three, int four)
{
    static const char *const argv[] = {"/bin/sh", "-c", "echo three >&3; echo four >&4", NULL};
    static const struct proc_fd fds[] = {
        {4, 3},
        {3, 4}
    };
    const struct proc_spec spec = {.argv = argv, .fds = fds, .fd_count = 2, .is_quiet = true};
    struct proc child = PROC_NONE;
    struct proc_exit exit = {true, 0};

    if (dup3(three, 4, O_CLOEXEC) != 4 || dup3(four, 3, O_CLOEXEC) != 3 ||
        err_failed(proc_spawn(&arena, &spec, &child)) ||
        err_failed(proc_wait(&child, 10000, &exit)))
        _exit(1);
    _exit(exit.is_signal || exit.number != 0);
}

Test(proc, descriptors_get_their_numbers_even_when_they_are_crossed)
{
    char text[16] = "";
    int three[2], four[2], status;

    cr_assert_eq(pipe2(three, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(four, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0)
        spawn_crossed(fcntl(three[1], F_DUPFD_CLOEXEC, 100), fcntl(four[1], F_DUPFD_CLOEXEC, 100));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
    cr_assert_eq(read(three[0], text, sizeof(text) - 1), 6);
    cr_assert_str_eq(text, "three\n");
}

Test(proc, a_working_directory_and_a_session_of_its_own)
{
    struct proc_exit exit;

    cr_assert_str_eq(shell((struct proc_spec){.dir = "/"}, "pwd", &exit), "/\n");
    const char *said = shell(
        (struct proc_spec){.is_own_session = true},
        "read -r pid comm state ppid pgrp session rest < /proc/$$/stat; echo $pid $session", &exit);
    int pid, session;
    cr_assert_eq(sscanf(said, "%d %d", &pid, &session), 2);
    cr_assert_eq(pid, session);
}

Test(proc, signals_are_at_their_defaults_in_the_child)
{
    struct proc_exit exit;
    sigset_t set;

    signal(SIGTERM, SIG_IGN);
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    shell((struct proc_spec){0}, "kill -TERM $$; exit 0", &exit);
    cr_assert(exit.is_signal && exit.number == SIGTERM);
}

static struct proc sleeper(void)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    struct proc child = PROC_NONE;

    cr_assert_not(err_failed(
        proc_spawn(&arena, &(struct proc_spec){.argv = argv, .is_quiet = true}, &child)));
    return child;
}

Test(proc, waiting_ends_with_the_time_that_it_has)
{
    struct proc child = sleeper();
    struct proc_exit exit;

    cr_assert(err_is(proc_wait(&child, 0, &exit), ERR_TIMEOUT));
    cr_assert(err_is(proc_wait(&child, 20, &exit), ERR_TIMEOUT));
    cr_assert_not(err_failed(proc_signal(&child, SIGTERM)));
    cr_assert_not(err_failed(proc_wait(&child, 10000, &exit)));
    cr_assert_str_eq(proc_exit_text(&arena, exit), "signal 15 (Terminated)");
    cr_assert(err_is(proc_signal(&child, SIGTERM), ERR_NOT_FOUND));
    proc_fini(&child);
    proc_kill(&child);
}

Test(proc, killing_reaps)
{
    struct proc child = sleeper();
    pid_t pid = child.pid;

    proc_kill(&child);
    cr_assert_eq(child.pid, 0);
    cr_assert_eq(kill(pid, 0), -1);
}

Test(proc, the_death_signal_comes_when_the_parent_ends)
{
    int ends[2];
    char byte;

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        static const char *const argv[] = {"sleep", "1000", NULL};
        const struct proc_fd fds[] = {
            {ends[1], 3}
        };
        struct proc child;
        struct arena a = {0};
        struct err e = proc_spawn(
            &a,
            &(struct proc_spec){
                .argv = argv, .fds = fds, .fd_count = 1, .is_quiet = true, .death_signal = SIGKILL},
            &child);
        _exit(err_failed(e));
    }
    close(ends[1]);
    cr_assert_eq(waitpid(parent, NULL, 0), parent);
    struct pollfd watched = {.fd = ends[0], .events = POLLIN};
    cr_assert_eq(poll(&watched, 1, 10000), 1, "the pipe ends with the child");
    cr_assert_eq(read(ends[0], &byte, 1), 0);
}

Test(proc, a_program_is_run_for_what_it_says)
{
    static const char *const both[] = {"/bin/sh", "-c", "echo out; echo err >&2; exit 4", NULL};
    static const char *const slow[] = {"/bin/sh", "-c", "echo begun; exec sleep 1000", NULL};
    static const char *const loud[] = {"/bin/sh", "-c", "while :; do echo line; done", NULL};
    struct buf said = BUF_EMPTY;
    struct proc_exit exit;

    cr_assert_not(err_failed(proc_run(&arena, both, 10000, 100, &said, &exit)));
    cr_assert_str_eq(buf_cstr(&said), "out\nerr\n");
    cr_assert_eq(exit.number, 4);
    cr_assert(err_is(proc_run(&arena, slow, 50, 100, &said, &exit), ERR_TIMEOUT));
    cr_assert(err_is(proc_run(&arena, loud, 10000, 100, &said, &exit), ERR_LIMIT));
    buf_fini(&said);
}

Test(proc, the_boot_id_is_the_kernel_s)
{
    const char *one, *two;

    cr_assert_not(err_failed(proc_boot_id(&arena, &one)));
    cr_assert_not(err_failed(proc_boot_id(&arena, &two)));
    cr_assert_eq(strlen(one), 36);
    cr_assert_str_eq(one, two);
}

Test(proc, who_hastens_has_children_that_do_not)
{
    struct proc_exit exit;

    enum proc_haste haste = proc_hasten();
    int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    cr_expect_eq(policy, haste == PROC_REAL_TIME ? SCHED_RR : SCHED_OTHER);
    cr_expect_eq(getpriority(PRIO_PROCESS, 0) < 0, haste == PROC_NICER, "%s",
                 proc_haste_name(haste));

    struct str rest = str_of(shell((struct proc_spec){0}, "exec cat /proc/self/stat", &exit));
    str_cut(&rest, ')');
    str_cut(&rest, ' '); /* the state comes behind it as the third word, niceness is the 19th */
    int64_t nice = -1, policy_of_child = -1;
    for (int word = 3; word < 41; word++) {
        if (word == 19)
            cr_assert(str_to_i64(str_cut(&rest, ' '), &nice));
        else
            str_cut(&rest, ' ');
    }
    cr_assert(str_to_i64(str_cut(&rest, ' '), &policy_of_child));
    cr_expect_eq(nice, 0);
    cr_expect_eq(policy_of_child, SCHED_OTHER);
    arena_fini(&arena);
}

/* A user like any other, to whom a unit gave a capability that its children would have, too. */
static bool become_one_with_a_capability(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct mine[_LINUX_CAPABILITY_U32S_3] = {0};
    const uint32_t bit = 1U << CAP_NET_RAW;

    mine[0] = (struct __user_cap_data_struct){bit, bit, bit};
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setresuid(65534, 65534, 65534) == 0 &&
           syscall(SYS_capset, &head, mine) == 0 &&
           prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0;
}

static bool has_capability(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct mine[_LINUX_CAPABILITY_U32S_3] = {0};

    cr_assert_eq(syscall(SYS_capget, &head, mine), 0);
    return mine[0].effective & 1U << CAP_NET_RAW;
}

Test(proc, capabilities_are_not_passed_on_and_only_kept_where_they_are_needed)
{
    if (!become_one_with_a_capability())
        cr_skip_test("this needs root");
    proc_limit_capabilities(true);
    cr_expect(has_capability());
    cr_expect_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0), 0);
    proc_limit_capabilities(false);
    cr_expect_not(has_capability());
}
