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
    struct str rest = str_of(build), tail = str_of(other);
    struct str newer = str_cut(&tail, ' ');

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

/* Only the last of three parts differs. */
static bool is_patch(const struct service_update *u)
{
    struct str x = str_of(u->before), y = str_of(u->build);

    return next_part(&x) == next_part(&y) && next_part(&x) == next_part(&y);
}

const char *service_update_severity(const struct service_update *u)
{
    return is_patch(u) ? "medium" : "important";
}

int64_t service_update_apply_by_ms(const struct service_update *u)
{
    return u->released_ms + (is_patch(u) ? 60 : 30) * DAY_MS;
}

const char *service_update_status(const struct service_update *u)
{
    if (u->is_replaced)
        return "expired";
    return u->is_offered ? "available" : "cancelled";
}

/* --- actions --- */

const char *update_action_status(const struct update_action *action, int updated, int total,
                                 bool has_begun)
{
    if (action && action->is_running && action->stopped_ms)
        return "stopping";
    if (action && action->is_running)
        return updated > 0 || has_begun ? "in-progress" : "waiting-to-start";
    if (updated == total)
        return "complete";
    return action ? "stopped" : "not-applied";
}

const char *update_node_status(const struct update_action *action, bool is_updated, bool has_begun)
{
    if (is_updated)
        return "complete";
    if (!action)
        return "not-applied";
    if (!action->is_running)
        return "stopped";
    if (has_begun)
        return "in-progress";
    return action->stopped_ms ? "stopping" : "waiting-to-start";
}
