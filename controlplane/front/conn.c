/*
 * The list is locked when connections come, go, wait and expire; a request's own way takes no lock.
 * Between the keeper and a connection's thread the phase decides, changed by compare-and-swap.
 */
#include "controlplane/front/conn.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MIN_MS     10
#define TICK_MAX_MS     1000
#define CROWDED_IDLE_MS 1000  /* patience with idle connections when there are too many */
#define WHOLE_FACTOR    6     /* a request or reply may take so many times the stall in all */
#define KEEP_BYTES      65536 /* memory kept by an idle connection, at most */

static int64_t now_ms(const struct conns *all)
{
    return clock_boot_ms(all->conf.clock);
}

void conns_init(struct conns *all, const struct conns_conf *conf)
{
    *all = (struct conns){.conf = *conf};
    pthread_mutex_init(&all->lock, NULL);
}

void conns_fini(struct conns *all)
{
    check(all->head == NULL);
    pthread_mutex_destroy(&all->lock);
}

static void phase_set(struct conn *c, enum conn_phase phase)
{
    atomic_store_explicit(&c->since_ms, now_ms(c->conns), memory_order_relaxed);
    atomic_store_explicit(&c->phase, phase, memory_order_release);
}

/* Changes the phase unless the keeper has given the connection up. */
static bool phase_advance(struct conn *c, enum conn_phase phase)
{
    enum conn_phase was = atomic_load_explicit(&c->phase, memory_order_relaxed);

    atomic_store_explicit(&c->since_ms, now_ms(c->conns), memory_order_relaxed);
    return was != CONN_EXPIRED &&
           atomic_compare_exchange_strong_explicit(&c->phase, &was, phase, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

struct conn *conn_open(struct conns *all, struct MHD_Connection *mhd, int fd)
{
    struct conn *c = calloc(1, sizeof(*c));

    check(c != NULL);
    c->conns = all;
    c->mhd = mhd;
    c->fd = fd;
    phase_set(c, CONN_IDLE);
    pthread_mutex_lock(&all->lock);
    c->next = all->head;
    if (c->next)
        c->next->prev = c;
    all->head = c;
    pthread_mutex_unlock(&all->lock);
    atomic_fetch_add(&all->count, 1);
    return c;
}

void conn_close(struct conn *c)
{
    struct conns *all;

    if (!c)
        return;
    all = c->conns;
    pthread_mutex_lock(&all->lock);
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        all->head = c->next;
    pthread_mutex_unlock(&all->lock);
    atomic_fetch_sub(&all->count, 1);
    arena_fini(&c->arena);
    buf_fini(&c->target);
    buf_fini(&c->body);
    free(c);
}

void conn_request_begin(struct conn *c, const char *target)
{
    if (atomic_load_explicit(&c->phase, memory_order_acquire) == CONN_EXPIRED)
        return;
    buf_clear(&c->target);
    buf_puts(&c->target, target);
    buf_clear(&c->body);
    atomic_store_explicit(&c->had_request, true, memory_order_relaxed);
    c->has_headers = c->is_too_large = false;
    c->dropped = 0;
    c->worked_us = 0;
    c->again = NULL;
    c->poll_end_ms = 0;
    conn_progress(c);
    (void)phase_advance(c, CONN_RECEIVING);
}

void conn_progress(struct conn *c)
{
    atomic_store_explicit(&c->progress_ms, now_ms(c->conns), memory_order_relaxed);
}

bool conn_work_begin(struct conn *c)
{
    return phase_advance(c, CONN_WORKING);
}

bool conn_reply_begin(struct conn *c)
{
    return phase_advance(c, CONN_REPLYING);
}

/* Memory stays for the next request unless this one was far larger than most. */
static void buf_shrink(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_fini(b);
    buf_clear(b);
}

void conn_request_end(struct conn *c)
{
    if (c->arena.total_bytes > KEEP_BYTES)
        arena_fini(&c->arena);
    else
        arena_reset(&c->arena);
    if (atomic_load_explicit(&c->phase, memory_order_acquire) == CONN_EXPIRED)
        return;
    buf_shrink(&c->body);
    (void)phase_advance(c, CONN_IDLE);
}

bool conn_wait(struct conn *c, uint64_t seen_wakes, uint64_t key, int64_t until_ms)
{
    struct conns *all = c->conns;

    pthread_mutex_lock(&all->lock);
    bool may_wait = !all->is_stopping && atomic_load(&all->wakes) == seen_wakes;
    if (may_wait) {
        c->wait_until_ms = until_ms;
        c->wait_key = key;
        phase_set(c, CONN_WAITING);
        all->conf.suspend(c);
    }
    pthread_mutex_unlock(&all->lock);
    return may_wait;
}

static void resume(struct conn *c)
{
    phase_set(c, CONN_WORKING);
    c->conns->conf.resume(c);
}

static bool is_waiting(struct conn *c)
{
    return atomic_load_explicit(&c->phase, memory_order_acquire) == CONN_WAITING;
}

static bool is_among(uint64_t key, const uint64_t *keys, size_t count)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && keys[low] == key;
}

static void wake(struct conns *all, const uint64_t *keys, size_t count)
{
    atomic_fetch_add(&all->wakes, 1);
    for (struct conn *c = all->head; c; c = c->next)
        if (is_waiting(c) && (!keys || is_among(c->wait_key, keys, count)))
            resume(c);
}

void conns_wake(struct conns *all, const uint64_t *keys, size_t count)
{
    pthread_mutex_lock(&all->lock);
    wake(all, keys, count);
    pthread_mutex_unlock(&all->lock);
}

void conns_stop(struct conns *all)
{
    pthread_mutex_lock(&all->lock);
    all->is_stopping = true;
    wake(all, NULL, 0);
    pthread_mutex_unlock(&all->lock);
}

bool conns_is_stopping(struct conns *all)
{
    pthread_mutex_lock(&all->lock);
    bool is_stopping = all->is_stopping;
    pthread_mutex_unlock(&all->lock);
    return is_stopping;
}

bool conns_is_full(struct conns *all)
{
    return atomic_load(&all->count) >= all->conf.max;
}

static int64_t min_ms(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Nobody connects to say nothing; only after a first request there may be a pause. */
static int64_t idle_patience_ms(struct conn *c, bool is_crowded)
{
    const struct conns_conf *conf = &c->conns->conf;

    if (is_crowded)
        return min_ms(CROWDED_IDLE_MS, conf->stall_ms);
    return atomic_load_explicit(&c->had_request, memory_order_relaxed) ? conf->idle_ms
                                                                       : conf->stall_ms;
}

/* The moment at which patience with a connection ends. */
static int64_t patience_end(struct conn *c, enum conn_phase phase, bool is_crowded)
{
    const struct conns_conf *conf = &c->conns->conf;
    int64_t since = atomic_load_explicit(&c->since_ms, memory_order_relaxed);
    int64_t progress = atomic_load_explicit(&c->progress_ms, memory_order_relaxed);
    int64_t whole = since + (int64_t)conf->stall_ms * WHOLE_FACTOR;

    switch (phase) {
    case CONN_IDLE: return since + idle_patience_ms(c, is_crowded);
    case CONN_RECEIVING: return min_ms(progress + conf->stall_ms, whole);
    case CONN_REPLYING: return whole;
    default: return INT64_MAX;
    }
}

static void tick_one(struct conn *c, int64_t now, bool is_crowded)
{
    enum conn_phase phase = atomic_load_explicit(&c->phase, memory_order_acquire);

    if (phase == CONN_WAITING && now >= c->wait_until_ms) {
        resume(c);
        return;
    }
    if (now < patience_end(c, phase, is_crowded))
        return;
    enum conn_phase was = phase;
    if (atomic_compare_exchange_strong_explicit(&c->phase, &was, CONN_EXPIRED, memory_order_acq_rel,
                                                memory_order_relaxed))
        c->conns->conf.expire(c, phase, c->conns->conf.context);
}

int64_t conns_next_ms(struct conns *all)
{
    return atomic_load(&all->next_ms);
}

static int64_t tick_ms(const struct conns *all)
{
    int64_t quarter = all->conf.stall_ms / 4;

    return quarter < TICK_MIN_MS ? TICK_MIN_MS : min_ms(quarter, TICK_MAX_MS);
}

int64_t conns_tick(struct conns *all)
{
    int64_t now = now_ms(all), next = INT64_MAX;
    bool is_crowded = atomic_load(&all->count) > all->conf.max / 4 * 3;

    pthread_mutex_lock(&all->lock);
    if (all->head)
        next = now + tick_ms(all);
    for (struct conn *c = all->head; c; c = c->next) {
        tick_one(c, now, is_crowded);
        if (is_waiting(c))
            next = min_ms(next, c->wait_until_ms);
    }
    next = next < now + TICK_MIN_MS ? now + TICK_MIN_MS : next; /* several at a time */
    atomic_store(&all->next_ms, next);
    pthread_mutex_unlock(&all->lock);
    return next;
}
