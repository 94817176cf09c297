/*
 * Level-triggered, as the rules of nodes are: what is told and what is settled are compared with
 * what is wanted, whatever led there. A change waits for running nodes of hosts that are heard; the
 * others take it on before they serve again.
 */
#include "controlplane/reconcile/access.h"

#include "base/arena.h"
#include "base/log.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/settings.h"
#include "controlplane/store/access.h"
#include "controlplane/store/users.h"

const struct access_sight *access_laggard(const struct access_sight *sights, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct settings_version applied;
        if (!settings_version_parse(sights[i].applied_settings, &applied) ||
            applied.users < sights[i].revision)
            return &sights[i];
    }
    return NULL;
}

static struct err tell(struct store_tx *tx, const char *account, const char *region,
                       const char *source, int64_t now_ms, enum event_kind kind, const char *second)
{
    struct event_source from = {account, region, source};
    struct event e = event_of(store_arena(tx), &from, now_ms, kind, source, second);

    log_info("event", f_str("source", e.source), f_str("message", e.message));
    return store_event_add(tx, &e);
}

static struct err tell_of_group(struct store_tx *tx, const struct user_group *g, int64_t now_ms,
                                enum event_kind kind, const char *second)
{
    return tell(tx, g->account, g->region, g->name, now_ms, kind, second);
}

/* --- groups --- */

static struct err settle_group(struct store_tx *tx, const struct user_group *g, int64_t now_ms)
{
    if (!g->is_wanted) {
        TRY(tell_of_group(tx, g, now_ms, EVENT_USER_GROUP_DELETED, NULL));
        return store_user_group_remove(
            tx, g->id, arn_make(store_arena(tx), g->region, g->account, "usergroup", g->name));
    }
    TRY(tell_of_group(
        tx, g, now_ms,
        g->settled_revision == 0 ? EVENT_USER_GROUP_CREATED : EVENT_USER_GROUP_MODIFIED, NULL));
    return store_user_group_settle(tx, g);
}

static const char *laggard_text(struct arena *a, const struct access_sight *late)
{
    return arena_printf(a, "cache node %s of %s", late->number, late->cluster);
}

/* Settles a group unless nodes are still to be waited for. */
static struct err look_at_group(struct store_tx *tx, const struct user_group *g, int64_t now_ms,
                                bool *out_pending, int64_t *out_wake_ms)
{
    int64_t deadline_ms = g->revised_ms + ACCESS_LIMIT_MS;
    struct access_sight *sights;
    size_t count;

    TRY(store_access_sights(tx, g->id, &sights, &count));
    const struct access_sight *late = access_laggard(sights, count);
    if (late && now_ms < deadline_ms) {
        *out_pending = true;
        if (deadline_ms < *out_wake_ms)
            *out_wake_ms = deadline_ms;
        return OK;
    }
    if (late)
        TRY(tell_of_group(tx, g, now_ms, EVENT_USER_GROUP_LATE,
                          laggard_text(store_arena(tx), late)));
    return settle_group(tx, g, now_ms);
}

static struct err look_at_groups(struct store_tx *tx, int64_t now_ms, bool *out_pending,
                                 int64_t *out_wake_ms)
{
    struct user_group *groups;
    size_t count;

    TRY(store_user_group_unsettled(tx, &groups, &count));
    for (size_t i = 0; i < count; i++)
        TRY(look_at_group(tx, &groups[i], now_ms, out_pending, out_wake_ms));
    return OK;
}

/* --- users: settled when their groups are --- */

static struct err settle_user(struct store_tx *tx, const struct user *u, int64_t now_ms)
{
    TRY(tell(tx, u->account, u->region, u->name, now_ms,
             u->is_wanted ? EVENT_USER_MODIFIED : EVENT_USER_DELETED, NULL));
    if (u->is_wanted)
        return store_user_settle(tx, u);
    return store_user_remove(tx, u->id,
                             arn_make(store_arena(tx), u->region, u->account, "user", u->name));
}

struct err access_look(struct store_tx *tx, int64_t now_ms, bool *out_goals, bool *out_pending,
                       int64_t *out_wake_ms)
{
    struct user_list users;

    *out_pending = false;
    *out_wake_ms = INT64_MAX;
    TRY(store_access_tell(tx, out_goals));
    TRY(look_at_groups(tx, now_ms, out_pending, out_wake_ms));
    TRY(store_user_settleable(tx, &users));
    for (size_t i = 0; i < users.count; i++)
        TRY(settle_user(tx, &users.items[i], now_ms));
    return OK;
}
