/*
 * Each move goes through its states one by one, and each state but the first and the last has one
 * task of an agent. The one idea: only who gets the slots can say whether it has them, so whatever
 * goes wrong ends in asking it, and then it is known what to do.
 */
#include "controlplane/reconcile/moves.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "controlplane/model/slots.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/groups.h"

#include <string.h>

#define WHO  "group" /* in names of fail points */
#define KIND "move"

#define AGAIN_MS 200 /* between two attempts */

/* --- who --- */

static struct shard *shard_of(const struct group_view *g, int64_t id)
{
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].id == id)
            return &g->shards.items[i];
    check(!"slots move between shards that are there");
    return NULL;
}

/* The shard's primary when it does all that it should, or NULL. */
static const struct view *ready_primary(const struct group_view *g, int64_t shard_id)
{
    const struct view *primary = shard_primary(g, shard_of(g, shard_id));

    return primary && member_node(primary) && member_is_ready(g, primary) ? primary : NULL;
}

/* --- tasks --- */

/* A move that goes over into another state, by a task of that node (0: by none). */
static void decide_move(struct group_view *g, struct decisions *d, struct slot_move *m,
                        enum slot_move_state state, const struct node_task *task)
{
    struct decision *added = vec_add(d->arena, &d->list);

    *added = (struct decision){.kind = DECISION_MOVE, .group = &g->group};
    added->old_task_id = m->task_id;
    m->state = state;
    m->since_ms = g->now_ms;
    m->task_id = 0;
    m->task_state = TASK_RUNNING;
    m->task_percent = 0;
    m->task_why = "";
    added->move = *m;
    if (task)
        added->task = *task;
}

static struct node_task task_of(struct group_view *g, struct decisions *d, const struct view *at,
                                const char *kind, const struct agent_node_task *detail)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&text);

    shape_json_write(&w, &agent_shape_node_task, detail);
    return (struct node_task){
        .node_id = member_node(at)->id,
        .kind = kind,
        .detail = str_dup(d->arena, buf_str(&text)),
        .created_ms = g->now_ms,
    };
}

static void announce(struct group_view *g, struct decisions *d, struct slot_move *m,
                     const struct view *target)
{
    struct agent_import_slots in = {
        .move_id = slot_move_name(d->arena, m),
        .token = m->token,
        .slots = m->slots,
        .from_shard = shard_of(g, m->from_id)->engine_id,
    };
    struct agent_node_task detail = {.import_slots = &in};
    struct node_task task = task_of(g, d, target, "ImportSlots", &detail);

    decide_move(g, d, m, SLOT_MOVE_ANNOUNCED, &task);
}

static void start(struct group_view *g, struct decisions *d, struct slot_move *m,
                  const struct view *source, const struct view *target)
{
    const struct node *to = member_node(target);
    struct agent_export_slots out = {
        .move_id = slot_move_name(d->arena, m),
        .token = m->token,
        .slots = m->slots,
        .to_shard = shard_of(g, m->to_id)->engine_id,
        .address = to->goal.address,
        .port = INT_OF(to->goal.port),
        .is_tls = BOOL_OF(target->cluster.tls != TLS_OFF),
    };
    struct agent_node_task detail = {.export_slots = &out};
    struct node_task task = task_of(g, d, source, "ExportSlots", &detail);

    decide_move(g, d, m, SLOT_MOVE_MOVING, &task);
}

/* Without a task while there is nobody to ask. */
static void settle(struct group_view *g, struct decisions *d, struct slot_move *m)
{
    struct agent_settle_slots in = {.move_id = slot_move_name(d->arena, m)};
    struct agent_node_task detail = {.settle_slots = &in};
    const struct view *target = shard_primary(g, shard_of(g, m->to_id));
    const struct node *n = target ? member_node(target) : NULL;

    if (!n || !n->saw.has || n->saw.state != NODE_RUNNING) {
        if (m->state != SLOT_MOVE_SETTLING || m->task_id)
            decide_move(g, d, m, SLOT_MOVE_SETTLING, NULL);
        return;
    }
    struct node_task task = task_of(g, d, target, "SettleSlots", &detail);
    decide_move(g, d, m, SLOT_MOVE_SETTLING, &task);
}

/* --- what became of them --- */

static void decide_slots(struct group_view *g, struct decisions *d, struct shard *s,
                         const struct slot_map *slots)
{
    s->slots = slots_text(d->arena, slots);
    decide_group_shard(d, g, DECISION_SHARD_WANT, s);
}

static void read_slots(struct slot_map *out, const char *text)
{
    check(!*text || slots_add(out, text));
}

static void hand_over(struct group_view *g, struct decisions *d, struct slot_move *m)
{
    struct shard *from = shard_of(g, m->from_id), *to = shard_of(g, m->to_id);
    struct slot_map moved = {0}, left = {0}, got = {0};

    read_slots(&moved, m->slots);
    read_slots(&left, from->slots);
    read_slots(&got, to->slots);
    for (size_t i = 0; i < countof(moved.bits); i++) {
        left.bits[i] &= ~moved.bits[i];
        got.bits[i] |= moved.bits[i];
    }
    decide_slots(g, d, from, &left);
    decide_slots(g, d, to, &got);
    decide_move(g, d, m, SLOT_MOVE_DONE, NULL);
}

static void try_again(struct group_view *g, struct decisions *d, struct slot_move *m)
{
    m->attempt++;
    decide_move(g, d, m, SLOT_MOVE_WAITING, NULL);
}

static void look_at(struct group_view *g, struct decisions *d, struct slot_move *m)
{
    bool has_failed = m->task_id && m->task_state == TASK_FAILED;
    bool is_done = m->task_id && m->task_state == TASK_DONE;

    if (m->state == SLOT_MOVE_MOVING && is_done) {
        hand_over(g, d, m);
    } else if ((m->state == SLOT_MOVE_MOVING || m->state == SLOT_MOVE_ANNOUNCED) && has_failed) {
        settle(g, d, m);
    } else if (m->state == SLOT_MOVE_SETTLING && is_done && m->task_percent == 100) {
        hand_over(g, d, m);
    } else if (m->state == SLOT_MOVE_SETTLING && is_done) {
        try_again(g, d, m);
    } else if (m->state == SLOT_MOVE_SETTLING && has_failed && g->now_ms < m->since_ms + AGAIN_MS) {
        decide_wake(d, m->since_ms + AGAIN_MS);
    } else if (m->state == SLOT_MOVE_SETTLING && (has_failed || !m->task_id)) {
        settle(g, d, m);
    }
}

/* A step of a move is named by the state that it leads out of. */
static void run_step(struct group_view *g, struct decisions *d, struct slot_move *m,
                     void (*run)(struct group_view *, struct decisions *, struct slot_move *))
{
    const char *step = slot_move_state_name(m->state);
    size_t before = d->list.count;

    if (failpoint_holds(d->failpoint, WHO, KIND, step))
        return;
    run(g, d, m);
    if (d->list.count > before)
        failpoint_reach(d->failpoint, WHO, KIND, step);
}

void moves_look(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->moves.count; i++)
        run_step(g, d, &g->moves.items[i], look_at);
}

void moves_name(struct arena *a, struct failpoint_names *out)
{
    for (int state = 0; state < SLOT_MOVE_DONE; state++)
        failpoint_names_add(a, out, WHO, KIND, slot_move_state_name((enum slot_move_state)state));
}

/* --- beginning --- */

static bool is_under_way(const struct slot_move *m)
{
    return m->state != SLOT_MOVE_WAITING && m->state != SLOT_MOVE_DONE;
}

static bool is_giving(const struct group_view *g, int64_t shard_id)
{
    for (size_t i = 0; i < g->moves.count; i++)
        if (g->moves.items[i].from_id == shard_id && is_under_way(&g->moves.items[i]))
            return true;
    return false;
}

static void begin(struct group_view *g, struct decisions *d, struct slot_move *m)
{
    const struct view *source = ready_primary(g, m->from_id);
    const struct view *target = ready_primary(g, m->to_id);
    bool is_announced = m->state == SLOT_MOVE_ANNOUNCED && m->task_id && m->task_state == TASK_DONE;

    if (!source || !target)
        return; /* their reports wake us again */
    if (is_announced)
        start(g, d, m, source, target);
    if (m->state != SLOT_MOVE_WAITING || is_giving(g, m->from_id) || !global_shards_are_followed(g))
        return;
    if (m->attempt > 0 && g->now_ms < m->since_ms + AGAIN_MS)
        decide_wake(d, m->since_ms + AGAIN_MS);
    else
        announce(g, d, m, target);
}

void moves_begin(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->moves.count; i++)
        run_step(g, d, &g->moves.items[i], begin);
}

/* --- questions --- */

bool moves_are_done(const struct group_view *g)
{
    for (size_t i = 0; i < g->moves.count; i++)
        if (g->moves.items[i].state != SLOT_MOVE_DONE)
            return false;
    return true;
}

bool moves_are_idle(const struct group_view *g)
{
    for (size_t i = 0; i < g->moves.count; i++)
        if (is_under_way(&g->moves.items[i]))
            return false;
    return true;
}

bool moves_are_giving(const struct group_view *g)
{
    for (size_t i = 0; i < g->moves.count; i++)
        if (g->moves.items[i].state == SLOT_MOVE_MOVING)
            return true;
    return false;
}

const char *moves_why_waiting(const struct group_view *g)
{
    for (size_t i = 0; i < g->moves.count; i++)
        if (g->moves.items[i].state != SLOT_MOVE_DONE && g->moves.items[i].attempt > 0)
            return "slots could not be moved to their new node group";
    return NULL;
}
