/*
 * The one idea: a purse. It is filled as time goes by, with a tenth of a second's units at most,
 * and each call is paid for once it is known what it cost; while the purse is overdrawn nobody
 * runs. So the rate holds over any longer time, whatever single calls cost.
 */
#include "cacheengine/dispatch/throttle.h"

#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/replica.h"

#define PURSE_PARTS 10 /* of a second's units, that may be saved up */
#define UNIT_BYTES  1024
#define UNIT_US     20 /* a simple command is well below */
#define SECOND_MS   1000

#define REPLICA_PARTS 2               /* of the limit, one is a replica's */
#define LENT_LEAST_MS (SECOND_MS / 2) /* between two looks at what a replica did */
#define LENT_MOST_MS  (3 * SECOND_MS) /* one that says nothing for so long does nothing */

int64_t throttle_price(uint64_t bytes, uint64_t us)
{
    uint64_t by_bytes = (bytes + UNIT_BYTES - 1) / UNIT_BYTES, by_time = us / UNIT_US;
    uint64_t units = by_bytes > by_time ? by_bytes : by_time;

    return units > 1 ? (int64_t)units : 1;
}

/* What this node may do in a second; the limit is above 0. */
static int64_t rate_of(const struct engine *e)
{
    const struct throttle *t = &e->throttle;
    int64_t limit = e->settings.work_limit, of_replicas = limit / REPLICA_PARTS;

    if (replica_is_following(e))
        return of_replicas > 0 ? of_replicas : 1;
    if (e->keyspace.passed_ms - t->lent_ms > LENT_MOST_MS)
        return limit;
    return limit - (t->lent < of_replicas ? t->lent : of_replicas);
}

static void fill(struct engine *e)
{
    struct throttle *t = &e->throttle;
    int64_t rate = rate_of(e);
    int64_t now_ms = e->keyspace.passed_ms, most = rate * SECOND_MS / PURSE_PARTS;

    /* In thousandths, so that no ms is lost. */
    t->purse += (now_ms - t->filled_ms) * rate;
    t->filled_ms = now_ms;
    if (t->purse > most)
        t->purse = most;
}

bool throttle_takes(const struct cmd_call *call)
{
    struct engine *e = call->engine;
    const struct client *c = call->client;

    if (e->settings.work_limit <= 0 || c->is_admin || c->is_primary || c->feed)
        return false;
    fill(e);
    if (e->throttle.purse >= 0)
        return false;
    e->stats.throttled++;
    e->throttle.is_on = true;
    moving_postpone(call);
    return true;
}

void throttle_count(struct engine *e, const struct client *c, uint64_t bytes, uint64_t ticks)
{
    if (c->is_admin || c->is_primary || c->feed)
        return;
    int64_t units = throttle_price(bytes, engine_ticks_us(e, ticks));
    e->stats.work += (uint64_t)units;
    if (e->settings.work_limit > 0)
        e->throttle.purse -= units * SECOND_MS;
}

/* Its counter begins anew with its process, and at RESETSTAT. */
void throttle_lend(struct engine *e, struct follower *r, int64_t work)
{
    int64_t now_ms = e->keyspace.passed_ms, passed_ms = now_ms - r->work_ms;

    if (r->work_ms != 0 && passed_ms < LENT_LEAST_MS)
        return;
    r->work_rate = r->work_ms != 0 && work > r->work ? (work - r->work) * SECOND_MS / passed_ms : 0;
    r->work = work;
    r->work_ms = now_ms;
    e->throttle.lent = 0;
    e->throttle.lent_ms = now_ms;
    for (const struct follower *f = e->followers->first; f; f = f->next)
        if (now_ms - f->work_ms <= LENT_MOST_MS)
            e->throttle.lent += f->work_rate;
}

int64_t throttle_tick(struct engine *e)
{
    struct throttle *t = &e->throttle;

    if (!t->is_on)
        return 0;
    fill(e);
    if (e->settings.work_limit > 0 && t->purse < 0)
        return -t->purse / rate_of(e) + 1;
    t->is_on = false;
    moving_release(e);
    return 0;
}
