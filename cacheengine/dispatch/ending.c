/* What comes before the end, in its order. */
#include "cacheengine/dispatch/ending.h"

#include "base/log.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/saving.h"

#include <signal.h>

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

bool engine_end(struct engine *e, unsigned how)
{
    bool saves =
        (how & ENDING_SAVES) || (e->settings.save_point_count > 0 && !(how & ENDING_SAVES_NOT));

    /* What is not loaded yet must not be lost. */
    saves &= !e->loading.is_on;

    log_info("User requested shutdown...");
    if (!append_may_end(e, how))
        return false;
    stop_child(e);
    if (e->append->state != APPEND_OFF) {
        struct err failed = append_settle(e->append);

        if (err_failed(failed))
            log_error("the append-only file does not reach the disk", f_err(failed));
    }
    if (saves) {
        log_info("Saving the final RDB snapshot before exiting.");
        if (!saving_save_now(e->saving, true) && !(how & ENDING_WHATEVER)) {
            if (e->host && e->host->is_urged(e)) {
                e->is_ending = true;
                return true;
            }
            log_error("Error trying to save the DB, can't exit.");
            return false;
        }
    }
    log_info("the engine is now ready to exit, bye bye...");
    e->is_ending = true;
    return true;
}

void engine_end_by_signal(struct engine *e, int signal)
{
    int64_t how = signal == SIGINT ? e->settings.ending_by_int : e->settings.ending_by_term;

    /* The end is regular work, too: until that goes on it can be aborted. */
    e->ending_signal = e->is_work_paused ? signal : 0;
    if (e->ending_signal)
        return;
    log_info("asked to end by a signal", f_int("signal", signal));
    if (!engine_end(e, (unsigned)how))
        log_warn("it does not end; ask again once the cause is removed");
}
