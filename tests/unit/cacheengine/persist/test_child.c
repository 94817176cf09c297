#include "base/arena.h"
#include "base/fs.h"
#include "cacheengine/persist/child.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* What a child of the tests is to do. */
struct play {
    int out;
    struct err result;
    bool lasts;
};

static struct err play(void *ctx, struct child_voice *v, struct arena *a)
{
    struct play *p = ctx;

    (void)a;
    child_tell(v, 41);
    if (p->out >= 0)
        (void)!write(p->out, "x", 1);
    while (p->lasts)
        pause();
    child_tell(v, 42);
    return p->result;
}

static enum child_state wait_for(struct child *c)
{
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

    cr_assert_eq(poll(&p, 1, 20000), 1);
    return child_look(c);
}

Test(child, what_it_has_done_and_its_end_are_known)
{
    struct child c = CHILD_NONE;
    struct play p = {.out = -1};

    cr_assert_not(err_failed(child_start(&c, play, &p, NULL, 0)));
    cr_assert_gt(c.pid, 0);
    cr_assert_eq(wait_for(&c), CHILD_DONE);
    cr_assert_eq(c.pid, 0);
    cr_assert_eq(c.progress.keys, 42);
    cr_assert_gt(c.progress.cow_bytes, 0);
    cr_assert_eq(c.cow_peak, c.progress.cow_bytes);
}

Test(child, a_failure_is_told_by_its_end)
{
    struct child c = CHILD_NONE;
    struct play p = {.out = -1, .result = err_make(ERR_IO, "as the test wants it")};

    cr_assert_not(err_failed(child_start(&c, play, &p, NULL, 0)));
    cr_assert_eq(wait_for(&c), CHILD_FAILED);
}

Test(child, it_is_ended_at_once_and_may_be_followed_by_another)
{
    struct child c = CHILD_NONE;
    struct play p = {.out = -1, .lasts = true};

    cr_assert_eq(child_kill(&c), CHILD_KILLED);
    for (int i = 0; i < 2; i++) {
        cr_assert_not(err_failed(child_start(&c, play, &p, NULL, 0)));
        cr_assert_eq(child_look(&c), CHILD_RUNS);
        cr_assert_eq(child_kill(&c), CHILD_KILLED);
        cr_assert_eq(c.pid, 0);
    }
}

Test(child, who_kills_it_from_outside_makes_it_a_failure_but_for_the_agreed_signal)
{
    struct child c = CHILD_NONE;
    struct play p = {.out = -1, .lasts = true};

    cr_assert_not(err_failed(child_start(&c, play, &p, NULL, 0)));
    kill(c.pid, SIGTERM);
    cr_assert_eq(wait_for(&c), CHILD_FAILED);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    p.out = ends[1];
    cr_assert_not(err_failed(child_start(&c, play, &p, &p.out, 1)));
    char byte;
    cr_assert_eq(read(ends[0], &byte, 1), 1, "it has set its signals up");
    kill(c.pid, SIGUSR1);
    cr_assert_eq(wait_for(&c), CHILD_KILLED);
    close(ends[0]);
    close(ends[1]);
}

Test(child, it_keeps_only_the_descriptors_that_it_is_given)
{
    struct child c = CHILD_NONE;
    int kept[2], other[2];
    char byte;

    cr_assert_eq(pipe(kept), 0);
    cr_assert_eq(pipe(other), 0);
    struct play p = {.out = kept[1], .lasts = true};
    cr_assert_not(err_failed(child_start(&c, play, &p, &p.out, 1)));
    cr_assert_eq(read(kept[0], &byte, 1), 1);
    close(other[1]);
    cr_assert_eq(read(other[0], &byte, 1), 0, "no writer is left, although the child lives");
    cr_assert_eq(child_kill(&c), CHILD_KILLED);
    close(kept[0]);
    close(kept[1]);
    close(other[0]);
}
