/*
 * Moving data in. The agent of the primary asks the source first, so that what cannot work is told
 * and changes nothing; then the primary follows the source, with its replicas behind it, until it
 * is told to be a primary again. Operations TEST_MIGRATION and MIGRATE have "<address> <port>" as
 * their data, COMPLETE_MIGRATION has "force" or nothing.
 */
#include "controlplane/reconcile/migration_steps.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/shape_json.h"
#include "base/str.h"
#include "contract/agent.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/member_steps.h"

#include <string.h>

#define COPY_LIMIT_MS (24 * 3600 * (int64_t)1000) /* for all data to come over */

/* --- who --- */

/* Data is moved into groups of one shard. */
static struct shard *only_shard(const struct group_view *g)
{
    check(g->shards.count > 0);
    return &g->shards.items[0];
}

static bool is_primary_ready(const struct group_view *g)
{
    const struct view *primary = shard_primary(g, only_shard(g));

    return primary && member_is_ready(g, primary);
}

/* As the operation's data has it, or, for the end of a migration, as the shard follows it. */
static struct shard_source source_of(const struct group_view *g, struct arena *a)
{
    struct str rest = str_of(g->operation.data);
    struct shard_source source = {.user = "", .password = ""};
    int64_t port = 0;

    if (g->operation.kind == GROUP_COMPLETE_MIGRATION)
        return only_shard(g)->goal.source;
    source.address = str_dup(a, str_cut(&rest, ' '));
    check(str_to_i64(rest, &port)); /* as it was written */
    source.port = (int)port;
    return source;
}

static const char *source_text(const struct group_view *g, struct arena *a)
{
    struct shard_source source = source_of(g, a);

    return arena_printf(a, "%s:%d", source.port ? source.address : "(none)", source.port);
}

/* --- the question --- */

static void remove_question(struct group_view *g, struct decisions *d, const struct node_task *task)
{
    struct decision *added = vec_add(d->arena, &d->list);

    *added = (struct decision){.kind = DECISION_TASK_REMOVE, .group = &g->group};
    added->task = *task;
}

/* Those of earlier operations too. */
static void remove_questions(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->task_count; i++)
        remove_question(g, d, &g->tasks[i]);
    g->task_count = 0;
}

static const struct node_task *find_question(const struct group_view *g)
{
    for (size_t i = 0; i < g->task_count; i++)
        if (g->tasks[i].created_ms >= g->operation.created_ms)
            return &g->tasks[i];
    return NULL;
}

static const char *question_text(struct arena *a, const struct shard_source *source, bool awaits)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&text);
    struct agent_ask_source ask = {.address = source->address, .port = INT_OF(source->port)};
    struct agent_node_task task = {.ask_source = &ask};

    if (awaits)
        ask.awaits_offset = BOOL_OF(true);
    shape_json_write(&w, &agent_shape_node_task, &task);
    return str_dup(a, buf_str(&text));
}

static void put_question(struct group_view *g, struct decisions *d)
{
    struct decision *added = vec_add(d->arena, &d->list);
    struct shard_source source = source_of(g, d->arena);
    bool awaits = g->operation.kind == GROUP_COMPLETE_MIGRATION;

    *added = (struct decision){.kind = DECISION_TASK, .group = &g->group};
    added->task = (struct node_task){
        .node_id = member_node(shard_primary(g, only_shard(g)))->id,
        .kind = "AskSource",
        .detail = question_text(d->arena, &source, awaits),
        .created_ms = g->now_ms,
    };
}

static enum step_result ask_source(struct group_view *g, struct decisions *d)
{
    const struct node_task *task = find_question(g);

    if (!task) {
        if (is_primary_ready(g))
            put_question(g, d);
        return STEP_WAIT;
    }
    if (task->state == TASK_RUNNING)
        return STEP_WAIT;
    if (task->state == TASK_FAILED)
        g->operation.why = task->why;
    enum step_result result = task->state == TASK_DONE ? STEP_DONE : STEP_FAILED;
    remove_questions(g, d);
    return result;
}

static enum step_result tell_tested(struct group_view *g, struct decisions *d)
{
    decide_group_event(d, g, EVENT_MIGRATION_TESTED, source_text(g, d->arena), g->group.name);
    return STEP_DONE;
}

/* --- following --- */

static enum step_result follow(struct group_view *g, struct decisions *d)
{
    struct shard_source source = source_of(g, d->arena);

    groups_follow(g, only_shard(g), &source, d, "data is moved from there");
    decide_group_event(d, g, EVENT_MIGRATION_STARTED, source_text(g, d->arena), g->group.name);
    g->operation.deadline_ms = g->now_ms + COPY_LIMIT_MS;
    return STEP_DONE;
}

static enum step_result await_data(struct group_view *g, struct decisions *d)
{
    if (!group_is_settled(g))
        return STEP_WAIT;
    decide_group_event(d, g, EVENT_MIGRATION_IN_SYNC, g->group.name, source_text(g, d->arena));
    return STEP_DONE;
}

/* --- the end --- */

static enum step_result catch_up(struct group_view *g, struct decisions *d)
{
    return strcmp(g->operation.data, "force") == 0 ? STEP_DONE : ask_source(g, d);
}

static void follow_nobody(struct group_view *g, struct decisions *d, const char *why)
{
    const struct shard_source nobody = {0};

    remove_questions(g, d);
    if (only_shard(g)->goal.source.port)
        groups_follow(g, only_shard(g), &nobody, d, why);
}

static enum step_result stop_following(struct group_view *g, struct decisions *d)
{
    follow_nobody(g, d, "the migration is over");
    return STEP_DONE;
}

static enum step_result await_primary(struct group_view *g, struct decisions *d)
{
    if (!primary_is_confirmed(g, only_shard(g)) || !group_is_settled(g))
        return STEP_WAIT;
    decide_group_event(d, g, EVENT_MIGRATION_COMPLETED, g->group.name, NULL);
    return STEP_DONE;
}

void migration_give_up(struct group_view *g, struct decisions *d)
{
    if (g->operation.kind == GROUP_COMPLETE_MIGRATION)
        remove_questions(g, d); /* it goes on following, until it is told to stop by force */
    else
        follow_nobody(g, d, "the migration failed");
}

const struct step migration_test_steps[2] = {
    {"ask_source",  ask_source },
    {"tell_tested", tell_tested},
};

const struct step migration_steps[4] = {
    {"ask_source",   ask_source         },
    {"follow",       follow             },
    {"await_source", group_await_sources},
    {"await_data",   await_data         },
};

const struct step migration_complete_steps[3] = {
    {"catch_up",       catch_up      },
    {"stop_following", stop_following},
    {"await_primary",  await_primary },
};
