/* epoll and a sorted list of timers. Probes are all set to the same distance from now, so a new
 * timer nearly always belongs at the end of the list, where the search begins. */
#include "agent/supervise/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64

struct loop {
    const struct clock *clock;
    int epoll_fd;
    struct loop_timer *first, *last;
    struct epoll_event events[EVENTS_AT_ONCE]; /* of this turn */
    int event_count;
    bool is_ended;
};

struct err loop_open(const struct clock *clock, struct loop **out)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        return err_sys(errno, "cannot make an epoll set");

    struct loop *l = calloc(1, sizeof(*l));
    check(l != NULL);
    l->clock = clock;
    l->epoll_fd = epoll_fd;
    *out = l;
    return OK;
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    close(l->epoll_fd);
    free(l);
}

int64_t loop_now_ms(const struct loop *l)
{
    return clock_boot_ms(l->clock);
}

const struct clock *loop_clock(const struct loop *l)
{
    return l->clock;
}

struct err loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = w};

    if (w->is_on && w->fd != fd)
        loop_unwatch(l, w);
    if (epoll_ctl(l->epoll_fd, w->is_on ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        return err_sys(errno, "cannot watch a descriptor");
    w->fd = fd;
    w->is_on = true;
    return OK;
}

void loop_unwatch(struct loop *l, struct loop_watch *w)
{
    if (!w->is_on)
        return;
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->is_on = false;
    for (int i = 0; i < l->event_count; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
}

static void timer_unlink(struct loop *l, struct loop_timer *t)
{
    *(t->prev ? &t->prev->next : &l->first) = t->next;
    *(t->next ? &t->next->prev : &l->last) = t->prev;
    t->next = t->prev = NULL;
    t->is_on = false;
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    if (t->is_on)
        timer_unlink(l, t);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_ms)
{
    loop_timer_stop(l, t);
    t->due_ms = loop_now_ms(l) + delay_ms;

    struct loop_timer *before = l->last;
    while (before && before->due_ms > t->due_ms)
        before = before->prev;
    t->prev = before;
    t->next = before ? before->next : l->first;
    *(t->prev ? &t->prev->next : &l->first) = t;
    *(t->next ? &t->next->prev : &l->last) = t;
    t->is_on = true;
}

static int wait_ms(const struct loop *l, int max_ms)
{
    if (!l->first)
        return max_ms;
    int64_t left = l->first->due_ms - loop_now_ms(l);
    left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
    return max_ms >= 0 && max_ms < left ? max_ms : (int)left;
}

/* Calls for the timers that were due when this began; one that sets itself to now waits its turn.
 */
static void run_timers(struct loop *l)
{
    int64_t now_ms = loop_now_ms(l);

    for (int limit = EVENTS_AT_ONCE; limit > 0 && l->first && l->first->due_ms <= now_ms; limit--) {
        struct loop_timer *t = l->first;
        timer_unlink(l, t);
        t->on_due(t->context);
    }
}

void loop_turn(struct loop *l, int max_ms)
{
    l->event_count = epoll_wait(l->epoll_fd, l->events, EVENTS_AT_ONCE, wait_ms(l, max_ms));
    for (int i = 0; i < l->event_count; i++) {
        struct loop_watch *w = l->events[i].data.ptr;
        if (w)
            w->on_ready(w->context, l->events[i].events);
    }
    l->event_count = 0;
    run_timers(l);
}

void loop_run(struct loop *l)
{
    while (!l->is_ended)
        loop_turn(l, -1);
}

void loop_end(struct loop *l)
{
    l->is_ended = true;
}
