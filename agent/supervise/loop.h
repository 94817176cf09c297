/*
 * The agent's one thread: descriptors that become ready and moments that come, each with a function
 * to call. Watches and timers are members of their owners; the loop allocates nothing.
 */
#ifndef LARDER_AGENT_SUPERVISE_LOOP_H
#define LARDER_AGENT_SUPERVISE_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct clock;
struct loop;

struct loop_watch {
    void (*on_ready)(void *context, uint32_t events); /* EPOLLIN and so on */
    void *context;
    int fd;
    bool is_on;
};

struct loop_timer {
    void (*on_due)(void *context);
    void *context;
    int64_t due_ms; /* boot clock */
    struct loop_timer *next, *prev;
    bool is_on;
};

must_use struct err loop_open(const struct clock *clock, struct loop **out);

/* The owners have taken off their watches and timers, or never use them again. */
void loop_close(struct loop *l);

int64_t loop_now_ms(const struct loop *l); /* boot clock */
const struct clock *loop_clock(const struct loop *l);

/*
 * Calls w->on_ready while `events` hold at the descriptor, which stays the caller's. ERR_IO when it
 * cannot be watched. A watch that is on gets the new events.
 */
must_use struct err loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events);

/* To be called before the descriptor is closed; fine when it is off. Its function is not called
 * again, not even for what epoll has noticed already. */
void loop_unwatch(struct loop *l, struct loop_watch *w);

/* Calls t->on_due once, `delay_ms` from now; a timer that is on is moved. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t delay_ms);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* Waits for what comes first, at most `max_ms` (-1: for ever), and calls for all that is ready. */
void loop_turn(struct loop *l, int max_ms);

/* Turns until loop_end is called from one of the functions. */
void loop_run(struct loop *l);
void loop_end(struct loop *l);

#endif
