/* What comes before the end, in its order. */
#include "cacheengine/dispatch/ending.h"

#include "base/log.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/unkept.h"

#include <signal.h>
#include <stdio.h>

/* A child that writes gives way: what is written at the end is newer. */
static void stop_child(struct engine *e)
{
    if (!saving_runs(e->saving))
        return;
    log_warn("a background write is ended for the shutdown");
    saving_stop(e->saving);
}

/* While the first base is being written, the file holds next to nothing. */
static bool append_may_end(struct engine *e, unsigned how)
{
    if (e->append->state != APPEND_WAITS || !saving_runs_kind(e->saving, SAVING_REWRITE))
        return true;
    if (how & ENDING_WHATEVER) {
        log_warn("Writing initial AOF. Exit anyway.");
        return true;
    }
    log_error("Writing initial AOF, can't exit.");
    return false;
}

/* ---- waiting for replicas ---- */

static bool is_level(const struct engine *e, const struct follower *r)
{
    return r->ack_offset == e->stream.offset;
}

static bool replicas_are_level(const struct engine *e)
{
    for (const struct follower *r = e->followers->first; r; r = r->next)
        if (follower_is_attached(r) && !is_level(e, r))
            return false;
    return true;
}

static void log_laggard(const struct engine *e, const struct follower *r)
{
    struct client_facts facts;
    struct str host = follower_address(r, &facts);
    char name[160];

    snprintf(name, sizeof(name), "%.*s:%lld", STR_ARG(host), (long long)r->port);
    log_warn("Lagging replica", f_str("replica", name),
             f_int("behind", e->stream.offset - r->ack_offset),
             f_str("state", follower_state_name(r)));
}

static void log_replicas(const struct engine *e)
{
    int64_t count = 0, level = 0;
    char text[128];

    for (const struct follower *r = e->followers->first; r; r = r->next) {
        if (!follower_is_attached(r))
            continue;
        count++;
        level += is_level(e, r);
        if (!is_level(e, r))
            log_laggard(e, r);
    }
    snprintf(text, sizeof(text), "%lld of %lld replicas are in sync when shutting down.",
             (long long)level, (long long)count);
    if (count > 0)
        log_info(text);
}

static void wait_for_replicas(struct engine *e, unsigned how)
{
    e->ending.is_on = true;
    e->ending.how = how;
    e->ending.until_ms = e->keyspace.passed_ms + e->settings.ending_timeout_s * 1000;
    followers_ask(e);
    pause_begin(e, PAUSE_OF_ENDING, true, NO_DEADLINE);
    log_info("Waiting for replicas before shutting down.");
}

/* It goes on; who has asked for the end is told that there is none. */
static void stop_waiting(struct engine *e)
{
    e->ending_signal = 0;
    if (!e->ending.is_on)
        return;
    e->ending.is_on = false;
    pause_end(e, PAUSE_OF_ENDING);
    blocks_serve_keyless(e);
}

/* ---- the end itself ---- */

/* Writes what is to be on disk; false when that failed. */
static bool save(struct engine *e, unsigned how)
{
    bool saves =
        (how & ENDING_SAVES) || (e->settings.save_point_count > 0 && !(how & ENDING_SAVES_NOT));

    /* What is not loaded yet must not be lost. */
    if (!saves || unkept_is(e) || e->loading.is_on || (e->guards & GUARD_LOADING))
        return true;
    log_info("Saving the final RDB snapshot before exiting.");
    if (saving_save_now(e->saving, true))
        return true;
    if (e->host && e->host->is_urged(e))
        return true;
    if (how & ENDING_WHATEVER) {
        log_warn("Error trying to save the DB. Exit anyway.");
        return true;
    }
    log_error("Error trying to save the DB, can't exit.");
    return false;
}

static bool settle(struct engine *e, unsigned how)
{
    log_replicas(e);
    if (!append_may_end(e, how))
        return false;
    stop_child(e);
    if (e->append->state != APPEND_OFF) {
        struct err failed = append_settle(e->append);

        if (err_failed(failed))
            log_error("the append-only file does not reach the disk", f_err(failed));
    }
    return save(e, how);
}

static enum ending_result finish(struct engine *e, unsigned how)
{
    if (!settle(e, how)) {
        log_error("Errors trying to shut down the server. Check the logs for more information.");
        stop_waiting(e);
        return ENDING_FAILED;
    }
    /* As much as the sockets take: what is left is lost to replicas that lag. */
    followers_flush(e);
    log_info("the engine is now ready to exit, bye bye...");
    e->is_ending = true;
    return ENDING_DONE;
}

enum ending_result engine_end(struct engine *e, unsigned how)
{
    if (e->ending.is_on)
        return ENDING_WAITS;
    log_info("User requested shutdown...");
    if (!(how & ENDING_AT_ONCE) && e->settings.ending_timeout_s > 0 && !replicas_are_level(e)) {
        wait_for_replicas(e, how);
        return ENDING_WAITS;
    }
    return finish(e, how);
}

void ending_tick(struct engine *e)
{
    if (!e->ending.is_on)
        return;
    if (e->keyspace.passed_ms >= e->ending.until_ms || replicas_are_level(e))
        (void)finish(e, e->ending.how);
}

bool ending_abort(struct engine *e)
{
    if (!e->ending.is_on && !e->ending_signal)
        return false;
    stop_waiting(e);
    log_info("Shutdown manually aborted.");
    return true;
}

void engine_end_by_signal(struct engine *e, int signal)
{
    int64_t how = signal == SIGINT ? e->settings.ending_by_int : e->settings.ending_by_term;

    if (e->ending.is_on) {
        if (signal != SIGINT)
            return;
        log_warn("asked again to end: it waits for nothing more");
        e->is_ending = true;
        return;
    }
    /* The end is regular work, too: until that goes on it can be aborted. */
    e->ending_signal = e->is_work_paused ? signal : 0;
    if (e->ending_signal)
        return;
    log_info("asked to end by a signal", f_int("signal", signal));
    if (engine_end(e, (unsigned)how) == ENDING_FAILED)
        log_warn("it does not end; ask again once the cause is removed");
}
