#include "base/arena.h"
#include "base/err.h"
#include "controlplane/lead/predecessor.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static void tear_down(void)
{
    arena_fini(&arena);
}

TestSuite(predecessor, .fini = tear_down, .timeout = 60);

static pid_t begin_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    cr_assert(pid > 0);
    return pid;
}

static int signal_of(pid_t pid)
{
    int status = 0;

    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

Test(predecessor, a_process_has_one_name)
{
    const char *first, *second;

    cr_assert_not(err_failed(predecessor_name(&arena, getpid(), &first)));
    cr_assert_not(err_failed(predecessor_name(&arena, getpid(), &second)));
    cr_assert_str_eq(first, second);
}

Test(predecessor, the_one_of_that_name_is_ended)
{
    pid_t pid = begin_child();
    const char *name;

    cr_assert_not(err_failed(predecessor_name(&arena, pid, &name)));
    kill(pid, SIGSTOP);
    cr_assert_not(err_failed(predecessor_end(&arena, name)));
    cr_assert_eq(signal_of(pid), SIGKILL);
    cr_assert_eq(predecessor_end(&arena, name).code, ERR_NOT_FOUND);
}

Test(predecessor, another_one_with_its_number_is_left_alone)
{
    pid_t pid = begin_child();
    const char *name, *rest;

    cr_assert_not(err_failed(predecessor_name(&arena, getpid(), &name)));
    rest = strchr(name, ' ');
    cr_assert_eq(predecessor_end(&arena, arena_printf(&arena, "%d 1%s", (int)pid, rest)).code,
                 ERR_NOT_FOUND);
    cr_assert_eq(kill(pid, 0), 0);
    kill(pid, SIGTERM);
    cr_assert_eq(signal_of(pid), SIGTERM);
}

Test(predecessor, one_that_ended_is_gone_and_one_of_elsewhere_may_live)
{
    pid_t pid = begin_child();
    const char *name;

    cr_assert_not(err_failed(predecessor_name(&arena, pid, &name)));
    cr_assert_not(predecessor_is_gone(&arena, name));
    kill(pid, SIGKILL);
    cr_assert_eq(signal_of(pid), SIGKILL);
    cr_assert(predecessor_is_gone(&arena, name));
    cr_assert_not(predecessor_is_gone(&arena, arena_printf(&arena, "%d 1 elsewhere", (int)pid)));
    cr_assert_not(predecessor_is_gone(&arena, ""));
    const char *rest = strchr(strchr(name, ' ') + 1, ' ');
    cr_assert(predecessor_is_gone(&arena, arena_printf(&arena, "%d 1%s", (int)getppid(), rest)),
              "its number is somebody else's by now");
}

Test(predecessor, what_names_nobody_ends_nobody)
{
    cr_assert_eq(predecessor_end(&arena, "").code, ERR_NOT_FOUND);
    cr_assert_eq(predecessor_end(&arena, "1 2 3 4").code, ERR_NOT_FOUND);
    cr_assert_eq(predecessor_end(&arena, "-7 2 3 4").code, ERR_NOT_FOUND);
}
