/* Builds are versions; an update is known by the day on which a host offered it first. */
#include "controlplane/model/updates.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <string.h>

#define DAY_MS (24 * 3600 * (int64_t)1000)

/* --- builds --- */

const char *build_offered(const char *engines)
{
    static const char mark[] = UPDATE_DRIVER "=";

    for (const char *at = engines; (at = strstr(at, mark)); at++)
        if (at == engines || at[-1] == ' ')
            return at + strlen(mark);
    return "";
}

/* Takes the next number; a part that is none counts as 0. */
static uint64_t next_part(struct str *rest)
{
    uint64_t value;

    return str_to_u64(str_cut(rest, '.'), &value) ? value : 0;
}

bool build_is_older(const char *build, const char *other)
{
    struct str x_tail = str_of(build), y_tail = str_of(other);
    struct str rest = str_cut(&x_tail, ' '), newer = str_cut(&y_tail, ' ');

    if (rest.len == 0 || newer.len == 0)
        return false;
    while (rest.len > 0 || newer.len > 0) {
        uint64_t x = next_part(&rest), y = next_part(&newer);
        if (x != y)
            return x < y;
    }
    return false;
}

/* --- updates --- */

char *service_update_name(struct arena *a, const struct service_update *u)
{
    const char *day = time_iso8601(a, u->released_ms);

    return arena_printf(a, "elc-%.4s%.2s%.2s-%03lld", day, day + 5, day + 8, (long long)u->id);
}

/* The first so many parts do not differ. */
static bool keeps_parts(const struct service_update *u, int count)
{
    struct str x = str_of(u->before), y = str_of(u->build);

    for (int i = 0; i < count; i++)
        if (next_part(&x) != next_part(&y))
            return false;
    return true;
}

static bool is_patch(const struct service_update *u)
{
    return keeps_parts(u, 2);
}

const char *service_update_severity(const struct service_update *u)
{
    return is_patch(u) ? "medium" : "important";
}

int64_t service_update_apply_by_ms(const struct service_update *u, int64_t days)
{
    int64_t by_severity = is_patch(u) ? 60 : 30;

    return u->released_ms + (days == UPDATE_DAYS_BY_SEVERITY ? by_severity : days) * DAY_MS;
}

bool service_update_is_automatic(const struct service_update *u)
{
    return keeps_parts(u, 1);
}

bool service_update_is_forced_on(const struct service_update *u, bool takes_minor)
{
    return service_update_is_automatic(u) && (is_patch(u) || takes_minor);
}

bool update_heeds_minor(const char *engine, const char *engine_version)
{
    struct str rest = str_of(engine_version);

    return strcmp(engine, "valkey") == 0 || (strcmp(engine, "redis") == 0 && next_part(&rest) >= 6);
}

const char *service_update_status(const struct service_update *u)
{
    if (u->replaced_ms)
        return "expired";
    return u->is_offered ? "available" : "cancelled";
}

/* --- actions --- */

static bool is_scheduled(const struct update_action *action)
{
    return action && action->operation_id == 0 && !action->stopped_ms;
}

const char *update_action_status(const struct update_action *action,
                                 const struct update_progress *p)
{
    if (action && action->is_running && action->stopped_ms)
        return "stopping";
    if (action && action->is_running)
        return p->updated > 0 || p->has_begun ? "in-progress" : "waiting-to-start";
    if (p->updated == p->total)
        return "complete";
    if (action && !is_scheduled(action))
        return "stopped";
    if (!p->can_go_on)
        return "not-applicable";
    if (action)
        return "scheduled";
    return p->is_overdue ? "scheduling" : "not-applied";
}

bool update_may_be_forced(const struct update_action *action, int64_t opened_ms)
{
    return !action || is_scheduled(action) ||
           (!action->is_running && !action->stopped_ms && action->applied_ms < opened_ms);
}

const char *update_node_status(const struct update_action *action, bool is_updated, bool has_begun)
{
    if (is_updated)
        return "complete";
    if (!action || is_scheduled(action))
        return "not-applied";
    if (!action->is_running)
        return "stopped";
    if (has_begun)
        return "in-progress";
    return action->stopped_ms ? "stopping" : "waiting-to-start";
}
