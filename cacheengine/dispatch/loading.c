/*
 * Turns of clients amid loading. The one idea: what is loaded and what clients ask see an engine of
 * their own each (guards, clock, counters), which are exchanged around a turn.
 */
#include "cacheengine/dispatch/loading.h"

#include "base/clock.h"
#include "base/log.h"
#include "cacheengine/dispatch/amid.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/pubsub.h"

void loading_begin(struct engine *e, uint64_t total_bytes, const struct snapshot_report *report,
                   const struct client *occupied)
{
    e->loading = (struct engine_loading){
        .is_on = true,
        .occupied = occupied,
        .facts = {.began_s = clock_wall_ms(&clock_system) / 1000, .total_bytes = total_bytes},
        .report = report,
        .guards = e->guards,
        .stats = e->stats,
    };
    log_info("Loading DB in memory", f_int("bytes", (int64_t)total_bytes));
}

void loading_end(struct engine *e)
{
    e->guards = e->loading.guards;
    e->stats = e->loading.stats;
    e->loading = (struct engine_loading){0};
    amid_end(e);
}

static void exchange_stats(struct engine *e)
{
    struct engine_stats own = e->stats;

    e->stats = e->loading.stats;
    e->loading.stats = own;
}

/* What he has ordered is not to wait for the end of the file. */
static void serve_owner(struct engine *e)
{
    uint32_t was_busy = e->guards & GUARD_BUSY;

    if (!e->host->serve_owner)
        return;
    e->guards |= GUARD_BUSY;
    e->host->serve_owner(e, e->loading.occupied);
    e->guards = (e->guards & ~(uint32_t)GUARD_BUSY) | was_busy;
}

void loading_serve(struct engine *e)
{
    uint32_t guards = e->guards;
    int64_t now_ms = e->keyspace.now_ms;
    struct pubsub_turn turn;

    if (!e->host || !e->host->serve_others)
        return;
    pubsub_turn_begin(e, NULL, &turn);
    e->guards = e->loading.guards | GUARD_LOADING | (guards & GUARD_BUSY);
    exchange_stats(e);
    engine_set_now(e, clock_wall_ms(&clock_system), clock_boot_ms(&clock_system));
    e->host->serve_others(e, e->loading.occupied);
    serve_owner(e);
    exchange_stats(e);
    /* Settings that were changed meanwhile may have set some. */
    e->loading.guards = e->guards & ~(uint32_t)(GUARD_LOADING | GUARD_BUSY);
    e->guards = guards;
    pubsub_turn_end(e, NULL, &turn);
    /* The clock of an append-only file stands still. */
    if (now_ms == 0)
        keyspace_set_now(&e->keyspace, 0);
}

struct err loading_passed(void *engine, size_t bytes)
{
    struct engine *e = engine;
    struct engine_loading *g = &e->loading;

    g->facts.passed_bytes += bytes;
    if (e->settings.load_turn_bytes > 0 && g->facts.passed_bytes >= g->turn_at) {
        g->turn_at = g->facts.passed_bytes + (uint64_t)e->settings.load_turn_bytes;
        loading_serve(e);
    }
    return e->is_ending ? err_make(ERR_UNAVAILABLE, "the engine is to end") : OK;
}

const char *loading_text(const struct engine *e)
{
    return e->settings.brand == BRAND_VALKEY ? "LOADING Valkey is loading the dataset in memory"
                                             : "LOADING Redis is loading the dataset in memory";
}

void loading_info(const struct loading_facts *f, int64_t now_s, struct buf *out)
{
    double share = f->total_bytes ? (double)f->passed_bytes / (double)f->total_bytes : 0;
    int64_t passed_s = now_s - f->began_s;
    int64_t left_s = 1;

    if (share > 0)
        left_s = (int64_t)((double)passed_s * (1 - share) / share);
    buf_printf(out, "loading_start_time:%lld\r\nloading_total_bytes:%llu\r\n",
               (long long)f->began_s, (unsigned long long)f->total_bytes);
    buf_printf(out, "loading_rdb_used_mem:%llu\r\nloading_loaded_bytes:%llu\r\n",
               (unsigned long long)f->used_memory, (unsigned long long)f->passed_bytes);
    buf_printf(out, "loading_loaded_perc:%.2f\r\nloading_eta_seconds:%lld\r\n", share * 100,
               (long long)(left_s > 0 ? left_s : 0));
}
