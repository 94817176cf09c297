/*
 * Times that are kept are of the wall clock, for no other one goes on when a machine is started
 * anew. Within one boot the boot clock says how much time has really passed; where the wall clock
 * went another way, it was set, and whatever is waited for moves along. That is done in the one
 * place where every writer begins, so nobody sees the one without the other.
 */
#include "controlplane/store/wall_clock.h"

#include "base/clock.h"
#include "base/log.h"
#include "controlplane/store/db.h"

#include <stdlib.h>
#include <string.h>

static int64_t offset_of(const struct clock *clock)
{
    return clock_wall_ms(clock) - clock_boot_ms(clock);
}

/* Some have so much time that it is for ever. */
#define HAS_DEADLINE "state = 'running' AND deadline_ms < 4611686018427387904"

/* All times that something is waited for by. */
static const char *const shifts[] = {
    "UPDATE operation SET deadline_ms = deadline_ms + ?1 WHERE " HAS_DEADLINE,
    "UPDATE group_operation SET deadline_ms = deadline_ms + ?1 WHERE " HAS_DEADLINE,
    "UPDATE node_group_goal SET fell_ms = fell_ms + ?1, last_fell_ms = last_fell_ms + ?1 "
    "WHERE falls > 0",
    "UPDATE node_group_goal SET acks_asked_ms = acks_asked_ms + ?1 WHERE acks_asked_ms > 0",
    "UPDATE node_group_goal SET voters_settled_ms = voters_settled_ms + ?1 "
    "WHERE voters_settled_ms > 0",
    "UPDATE node_group_goal SET lease_calm_ms = lease_calm_ms + ?1 WHERE lease_calm_ms > 0",
    "UPDATE node_group_goal SET vacated_ms = vacated_ms + ?1 WHERE vacated_ms > 0",
    "UPDATE host SET silent_ms = silent_ms + ?1 WHERE silent_ms > 0",
    "UPDATE node_saw SET crashed_ms = crashed_ms + ?1 WHERE crashed_ms > 0",
    "UPDATE node_saw SET unlinked_ms = unlinked_ms + ?1 WHERE unlinked_ms > 0",
    "UPDATE slot_move SET since_ms = since_ms + ?1 WHERE since_ms > 0",
    "UPDATE user_group SET revised_ms = revised_ms + ?1 WHERE settled_revision < revision",
    "UPDATE snapshot SET created_ms = created_ms + ?1 WHERE state = 'creating'",
    "UPDATE notice SET due_ms = due_ms + ?1",
};

static struct err keep_offset(struct store_tx *tx, const char *boot_id, int64_t offset_ms)
{
    static const char sql[] = "INSERT INTO wall_clock (id, boot_id, offset_ms) VALUES (1, ?, ?) "
                              "ON CONFLICT (id) DO UPDATE SET boot_id = excluded.boot_id, "
                              "offset_ms = excluded.offset_ms";
    return query_run(tx, sql, "ti", boot_id, offset_ms);
}

struct err wall_clock_begin(struct store_tx *tx, struct wall_clock *w)
{
    int64_t now_ms = w->clock ? offset_of(w->clock) : 0;
    int64_t jump_ms = now_ms - w->offset_ms;

    w->next_offset_ms = w->offset_ms;
    if (!w->clock || llabs(jump_ms) < WALL_JUMP_LEAST_MS)
        return OK;
    log_warn("the wall clock was set: what is waited for moves along", f_int("by_ms", jump_ms));
    for (size_t i = 0; i < countof(shifts); i++)
        TRY(query_run(tx, shifts[i], "i", jump_ms));
    TRY(keep_offset(tx, w->boot_id, now_ms));
    w->next_offset_ms = now_ms;
    return OK;
}

void wall_clock_commit(struct wall_clock *w)
{
    w->offset_ms = w->next_offset_ms;
}

/* --- at the start --- */

/* Whether the last offset that was kept is of this boot. */
static struct err read_offset(struct store_tx *tx, const char *boot_id, int64_t *out,
                              bool *out_is_of_boot)
{
    static const char sql[] = "SELECT boot_id, offset_ms FROM wall_clock";
    struct query q;

    *out_is_of_boot = false;
    TRY(query_start(&q, tx, sql, ""));
    if (query_next(&q) && strcmp(query_text(&q, 0), boot_id) == 0) {
        *out_is_of_boot = true;
        *out = query_int(&q, 1);
    }
    return query_end(&q);
}

/* Nobody knows by how much the clock was set while the machine was off. */
static struct err limit_waits(struct store_tx *tx, int64_t now_ms)
{
    static const char of_clusters[] =
        "UPDATE operation SET deadline_ms = ?1 + deadline_ms - created_ms "
        "WHERE created_ms > ?1 AND " HAS_DEADLINE;
    static const char of_groups[] =
        "UPDATE group_operation SET deadline_ms = ?1 + deadline_ms - created_ms "
        "WHERE created_ms > ?1 AND " HAS_DEADLINE;

    TRY(query_run(tx, of_clusters, "i", now_ms));
    return query_run(tx, of_groups, "i", now_ms);
}

static struct err give_grace(struct store_tx *tx, int64_t now_ms)
{
    static const char of_clusters[] =
        "UPDATE operation SET deadline_ms = max(deadline_ms, ?1) WHERE state = 'running'";
    static const char of_groups[] =
        "UPDATE group_operation SET deadline_ms = max(deadline_ms, ?1) WHERE state = 'running'";

    TRY(query_run(tx, of_clusters, "i", now_ms + WALL_GRACE_MS));
    return query_run(tx, of_groups, "i", now_ms + WALL_GRACE_MS);
}

struct err wall_clock_open(struct store_tx *tx, struct wall_clock *w)
{
    int64_t now_ms = clock_wall_ms(w->clock);
    bool is_of_boot;

    w->offset_ms = offset_of(w->clock);
    TRY(read_offset(tx, w->boot_id, &w->offset_ms, &is_of_boot));
    TRY(wall_clock_begin(tx, w));
    if (!is_of_boot) {
        TRY(limit_waits(tx, now_ms));
        TRY(keep_offset(tx, w->boot_id, w->offset_ms));
    }
    return give_grace(tx, now_ms);
}
