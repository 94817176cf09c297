#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/up/child.h"
#include "cli/up/plan.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct stage {
    struct arena arena;
    char dir[32];
    int lock_fd;
    struct up_child plan;
    struct child child;
};

/* A child that runs a line of shell. */
static struct stage *begin(const char *script)
{
    static struct stage s;

    s = (struct stage){.dir = "/tmp/larder-child-XXXXXX"};
    cr_assert_not_null(mkdtemp(s.dir));
    cr_assert_eq(fs_lock(fs_join(&s.arena, s.dir, "lock"), &s.lock_fd).code, ERR_OK);
    const char **argv = arena_array(&s.arena, 4, sizeof(*argv));
    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = script;
    s.plan = (struct up_child){"child", fs_join(&s.arena, s.dir, "child.log"), argv};
    child_init(&s.child, &s.plan, s.lock_fd);
    return &s;
}

static void end(struct stage *s)
{
    child_fini(&s->child);
    close(s->lock_fd);
    cr_expect_eq(fs_remove_tree(s->dir).code, ERR_OK);
    arena_fini(&s->arena);
}

static void wait_for(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    cr_assert_eq(poll(&p, 1, 10000), 1);
}

static struct proc_exit reap(struct stage *s, int64_t now_ms)
{
    struct proc_exit exit = {0};

    wait_for(s->child.proc.pidfd);
    cr_assert(child_reap(&s->child, now_ms, &exit));
    cr_expect_not(child_is_running(&s->child));
    return exit;
}

Test(child, hands_over_what_it_says_line_by_line)
{
    struct stage *s = begin("echo one; printf 'two\\nthr'; printf 'ee\\n'");
    const char *line;

    cr_assert_eq(child_start(&s->arena, &s->child).code, ERR_OK);
    wait_for(s->child.proc.pidfd);
    cr_assert(child_read_line(&s->arena, &s->child, &line));
    cr_expect_str_eq(line, "one");
    cr_assert(child_read_line(&s->arena, &s->child, &line));
    cr_expect_str_eq(line, "two");
    cr_assert(child_read_line(&s->arena, &s->child, &line));
    cr_expect_str_eq(line, "three");
    cr_expect_not(child_read_line(&s->arena, &s->child, &line));
    reap(s, 0);
    end(s);
}

Test(child, leaves_its_last_words_in_the_log)
{
    struct stage *s = begin("echo first >&2; echo 'the reason' >&2; echo >&2; exit 3");

    cr_expect_null(child_last_words(&s->arena, &s->child));
    cr_assert_eq(child_start(&s->arena, &s->child).code, ERR_OK);
    struct proc_exit exit = reap(s, 0);
    cr_expect(!exit.is_signal && exit.number == 3);
    cr_expect_str_eq(child_last_words(&s->arena, &s->child), "the reason");

    /* Words of an earlier life are not those of the next. */
    s->plan.argv[2] = "exit 0";
    cr_assert_eq(child_start(&s->arena, &s->child).code, ERR_OK);
    reap(s, 0);
    cr_expect_null(child_last_words(&s->arena, &s->child));
    end(s);
}

Test(child, is_started_again_at_once_only_if_it_was_ready)
{
    struct stage *s = begin("exit 1");
    int64_t last_pause = 0;

    for (int i = 0; i < 8; i++) {
        cr_assert_eq(child_start(&s->arena, &s->child).code, ERR_OK);
        reap(s, 1000);
        const int64_t pause = s->child.restart_at_ms - 1000;
        cr_expect(pause >= last_pause && pause >= 100 && pause <= 5000, "%lld", (long long)pause);
        last_pause = pause;
    }
    cr_expect_eq(last_pause, 5000);
    cr_expect_eq(s->child.failures, 8);

    cr_assert_eq(child_start(&s->arena, &s->child).code, ERR_OK);
    child_note_ready(&s->child);
    reap(s, 1000);
    cr_expect_eq(s->child.restart_at_ms, 1000);
    cr_expect_eq(s->child.failures, 0);
    end(s);
}

Test(child, holds_the_lock_as_long_as_it_lives)
{
    struct stage *s = begin("echo up; exec sleep 60");
    const char *path = fs_join(&s->arena, s->dir, "lock");
    int fd = -1;

    cr_assert_eq(child_start(&s->arena, &s->child).code, ERR_OK);
    wait_for(s->child.out_fd);
    close(s->lock_fd);
    cr_expect_eq(fs_lock(path, &fd).code, ERR_CONFLICT);
    cr_assert_eq(proc_signal(&s->child.proc, SIGKILL).code, ERR_OK);
    struct proc_exit exit = reap(s, 0);
    cr_expect(exit.is_signal && exit.number == SIGKILL);
    cr_assert_eq(fs_lock(path, &s->lock_fd).code, ERR_OK);
    end(s);
}

Test(child, that_cannot_be_started_is_an_error)
{
    struct stage *s = begin("");

    s->plan.argv[0] = "/nonexistent/program";
    cr_expect_eq(child_start(&s->arena, &s->child).code, ERR_NOT_FOUND);
    cr_expect_not(child_is_running(&s->child));
    end(s);
}
