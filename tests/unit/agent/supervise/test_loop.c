#include "agent/supervise/loop.h"
#include "base/clock.h"

#include <criterion/criterion.h>

#include <sys/eventfd.h>
#include <unistd.h>

static struct clock_manual manual;
static struct loop *loop;

static void open_loop(void)
{
    clock_manual_init(&manual, 0, 1000);
    cr_assert_not(err_failed(loop_open(&manual.clock, &loop)));
}

static void close_loop(void)
{
    loop_close(loop);
    loop_close(NULL);
}

TestSuite(loop, .init = open_loop, .fini = close_loop, .timeout = 30);

static char order[16];

static void note(void *context)
{
    for (char *c = order;; c++)
        if (!*c) {
            *c = *(const char *)context;
            return;
        }
}

Test(loop, timers_come_in_the_order_of_their_moments)
{
    struct loop_timer a = {note, "a", 0, NULL, NULL, false}, b = {note, "b", 0, NULL, NULL, false},
                      c = {note, "c", 0, NULL, NULL, false}, d = {note, "d", 0, NULL, NULL, false};

    loop_timer_set(loop, &c, 30);
    loop_timer_set(loop, &a, 10);
    loop_timer_set(loop, &b, 20);
    loop_timer_set(loop, &d, 20); /* of the same moment as b: behind it */
    clock_manual_advance(&manual, 9);
    loop_turn(loop, 0);
    cr_assert_str_eq(order, "");
    clock_manual_advance(&manual, 11);
    loop_turn(loop, 0);
    cr_assert_str_eq(order, "abd");
    clock_manual_advance(&manual, 10);
    loop_turn(loop, 0);
    loop_turn(loop, 0);
    cr_assert_str_eq(order, "abdc");
}

Test(loop, a_timer_can_be_moved_and_stopped)
{
    struct loop_timer a = {note, "a", 0, NULL, NULL, false}, b = {note, "b", 0, NULL, NULL, false};

    loop_timer_set(loop, &a, 10);
    loop_timer_set(loop, &b, 20);
    loop_timer_set(loop, &a, 30);
    clock_manual_advance(&manual, 20);
    loop_turn(loop, 0);
    cr_assert_str_eq(order, "b");
    loop_timer_stop(loop, &a);
    loop_timer_stop(loop, &a);
    clock_manual_advance(&manual, 100);
    loop_turn(loop, 0);
    cr_assert_str_eq(order, "b");
}

static int turns;

static void set_again(void *context)
{
    turns++;
    loop_timer_set(loop, context, 0);
}

static void count(void *context, uint32_t events)
{
    (void)events;
    ++*(int *)context;
}

Test(loop, a_timer_that_is_always_due_does_not_starve_descriptors)
{
    struct loop_timer again = {.on_due = set_again, .context = &again};
    int fd = eventfd(1, EFD_CLOEXEC), calls = 0;
    struct loop_watch watch = {.on_ready = count, .context = &calls};

    loop_timer_set(loop, &again, 0);
    cr_assert_not(err_failed(loop_watch(loop, &watch, fd, EPOLLIN)));
    loop_turn(loop, 1000);
    loop_turn(loop, 1000);
    cr_assert_eq(calls, 2);
    cr_assert_gt(turns, 0);
    loop_unwatch(loop, &watch);
    close(fd);
}

struct pair {
    struct loop_watch watch;
    struct pair *other;
    int calls;
};

static void unwatch_other(void *context, uint32_t events)
{
    struct pair *p = context;

    cr_assert(events & EPOLLIN);
    p->calls++;
    if (p->other)
        loop_unwatch(loop, &p->other->watch);
}

Test(loop, a_watch_that_was_taken_off_is_not_called_for_what_is_known_already)
{
    struct pair one = {.watch = {.on_ready = unwatch_other}},
                two = {.watch = {.on_ready = unwatch_other}};
    int first = eventfd(1, EFD_CLOEXEC), second = eventfd(1, EFD_CLOEXEC);

    one.watch.context = &one;
    two.watch.context = &two;
    one.other = &two;
    two.other = &one;
    cr_assert_not(err_failed(loop_watch(loop, &one.watch, first, EPOLLIN)));
    cr_assert_not(err_failed(loop_watch(loop, &two.watch, second, EPOLLIN)));
    loop_turn(loop, 1000);
    cr_assert_eq(one.calls + two.calls, 1);
    close(first);
    close(second);
}

Test(loop, what_is_watched_for_can_be_changed)
{
    struct pair one = {.watch = {.on_ready = unwatch_other}};
    int fd = eventfd(1, EFD_CLOEXEC);

    one.watch.context = &one;
    cr_assert_not(err_failed(loop_watch(loop, &one.watch, fd, 0)));
    loop_turn(loop, 0);
    cr_assert_eq(one.calls, 0);
    cr_assert_not(err_failed(loop_watch(loop, &one.watch, fd, EPOLLIN)));
    loop_turn(loop, 1000);
    cr_assert_eq(one.calls, 1);
    loop_unwatch(loop, &one.watch);
    loop_unwatch(loop, &one.watch);
    cr_assert(err_is(loop_watch(loop, &one.watch, 9999, EPOLLIN), ERR_IO));
    close(fd);
}

static void end_loop(void *context)
{
    (void)context;
    loop_end(loop);
}

Test(loop, it_runs_until_it_is_ended)
{
    struct loop_timer end = {.on_due = end_loop};

    loop_timer_set(loop, &end, 0);
    loop_run(loop);
    cr_assert_not(end.is_on);
}
