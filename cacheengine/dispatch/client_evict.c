/*
 * maxmemory-clients: when the clients together take more than they may, the biggest are closed. The
 * one idea: the account knows the sum at all times, so the clients are looked at one by one only
 * when it is over the limit.
 */
#include "base/log.h"
#include "cacheengine/dispatch/session.h"

/* Below this nobody could be served. */
#define LIMIT_MIN (128 * 1024)

/* For so long it is believed that what could not be closed is still there. */
#define LOOK_AGAIN_MS 1000

/* Bytes that clients may take; SIZE_MAX: any. */
static size_t clients_limit(const struct settings *s)
{
    int64_t limit = s->client_memory;

    if (limit < 0 && s->max_memory > 0)
        limit = (int64_t)((double)s->max_memory * -(double)limit / 100);
    if (limit <= 0)
        return SIZE_MAX;
    return limit < LIMIT_MIN ? LIMIT_MIN : (size_t)limit;
}

static bool may_go(const struct client *c)
{
    return !c->is_unevictable && !c->is_admin && !c->is_killed && !c->feed;
}

/* Clients are told apart by the power of two that their memory reaches. */
#define SIZE_CLASSES 64

static unsigned class_of(size_t bytes)
{
    return 63 - (unsigned)__builtin_clzll(bytes | 1);
}

/* Sorts the clients that may go into classes and says what they take together. */
static size_t look(const struct engine *e, uint32_t classes[SIZE_CLASSES])
{
    size_t sum = 0;

    for (const struct client *c = e->oldest; c; c = c->newer) {
        size_t bytes = may_go(c) ? session_bytes(c) : 0;

        classes[class_of(bytes)] += bytes > 0;
        sum += bytes;
    }
    return sum;
}

/* Closes clients of one class while there is too much; returns what is left. */
static size_t close_some(struct engine *e, unsigned class, size_t sum, size_t limit)
{
    for (struct client *c = e->oldest; c && sum > limit; c = c->newer) {
        size_t bytes = may_go(c) ? session_bytes(c) : 0;

        if (bytes == 0 || class_of(bytes) != class)
            continue;
        log_warn("client dropped: the clients take more than maxmemory-clients", f_int("id", c->id),
                 f_int("bytes", bytes));
        e->stats.evicted_clients++;
        c->host->kill(c);
        sum -= bytes;
    }
    return sum;
}

void engine_evict_clients_slow(struct engine *e)
{
    uint32_t classes[SIZE_CLASSES] = {0};
    size_t limit = clients_limit(&e->settings), taken;

    if (e->keyspace.passed_ms - e->clients_seen_ms > LOOK_AGAIN_MS)
        e->lasting_client_bytes = 0;
    taken = e->keyspace.account.client_bytes + e->replies.shared_bytes;
    if (taken <= limit || taken - limit <= e->lasting_client_bytes)
        return;
    size_t sum = look(e, classes);
    e->lasting_client_bytes = taken > sum ? taken - sum : 0;
    if (sum > taken) /* what they share counts once */
        sum = taken;
    e->clients_seen_ms = e->keyspace.passed_ms;
    for (unsigned class = SIZE_CLASSES; class -- > 0 && sum > limit;)
        if (classes[class] > 0)
            sum = close_some(e, class, sum, limit);
}
