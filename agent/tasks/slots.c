/*
 * Moving slots between shards, each side at its own engine (cacheengine/cluster/migration.h has the
 * whole course). What is left of moves that are over stands in the way of new ones, and goes first.
 * An engine refuses while its topology is not yet, or no longer, the one that the control plane
 * thinks of: it is asked again for some seconds.
 */
#include "agent/supervise/loop.h"
#include "agent/tasks/kind.h"
#include "agent/tasks/talk.h"
#include "base/str.h"
#include "contract/agent.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_MS    100  /* after a refusal */
#define PATIENCE_MS 5000 /* with refusals, and with a target that cannot be reached */
#define LOOK_MIN_MS 5    /* between two looks at how far it is; doubles up to the most */
#define LOOK_MAX_MS 200
#define FIELD_BYTES 64

enum phase {
    PHASE_TIDYING,  /* the answer to what there is already is awaited */
    PHASE_TOPOLOGY, /* that to which topology there is */
    PHASE_ORDER,    /* that to the order itself */
    PHASE_LOOKING,  /* that to how far it is */
    PHASE_RESTING,  /* until the timer */
    PHASE_CANCEL,   /* that to giving it up is awaited */
};

struct work {
    struct task *task;
    struct talk *talk;
    struct loop_timer timer;
    enum phase phase;
    bool is_ordered;              /* the engine has obeyed: from now on it is looked at */
    size_t ignored;               /* answers to come that say nothing */
    int64_t began_ms, reached_ms; /* when it was begun; when the target was last reached */
    int64_t look_ms;
};

/* --- answers --- */

/* Cuts the head of a reply off: its kind, and its text or count. */
static bool cut_head(struct str *rest, char *kind, struct str *text)
{
    struct str line = str_cut(rest, '\n');
    int64_t len;

    if (line.len < 2)
        return false;
    *kind = line.ptr[0];
    *text = (struct str){line.ptr + 1, line.len - 2};
    if (*kind != '$')
        return true;
    if (!str_to_i64(*text, &len) || len < 0 || rest->len < (size_t)len + 2)
        return false;
    *text = (struct str){rest->ptr, (size_t)len};
    *rest = (struct str){rest->ptr + len + 2, rest->len - (size_t)len - 2};
    return true;
}

/* How many elements the array has that begins here; -1: it is none. */
static int64_t cut_array(struct str *rest)
{
    struct str text;
    int64_t count;
    char kind;

    return cut_head(rest, &kind, &text) && kind == '*' && str_to_i64(text, &count) ? count : -1;
}

/* One move as an engine shows it. */
struct shown {
    char id[FIELD_BYTES], direction[FIELD_BYTES], state[FIELD_BYTES];
    char error[256];
    int64_t keys, left;
};

static void take_text(char *out, size_t size, struct str text)
{
    size_t len = text.len < size ? text.len : size - 1;

    memcpy(out, text.ptr, len);
    out[len] = '\0';
}

static void take_field(struct shown *out, struct str name, struct str value)
{
    if (str_is(name, "id"))
        take_text(out->id, sizeof(out->id), value);
    else if (str_is(name, "direction"))
        take_text(out->direction, sizeof(out->direction), value);
    else if (str_is(name, "state"))
        take_text(out->state, sizeof(out->state), value);
    else if (str_is(name, "error"))
        take_text(out->error, sizeof(out->error), value);
    else if (str_is(name, "keys"))
        (void)str_to_i64(value, &out->keys);
    else if (str_is(name, "keys-here"))
        (void)str_to_i64(value, &out->left);
}

static bool cut_shown(struct str *rest, struct shown *out)
{
    int64_t count = cut_array(rest);
    struct str name, value;
    char kind;

    *out = (struct shown){0};
    if (count < 0 || count % 2 != 0)
        return false;
    for (; count > 0; count -= 2) {
        if (!cut_head(rest, &kind, &name) || !cut_head(rest, &kind, &value))
            return false;
        take_field(out, name, value);
    }
    return true;
}

/* --- the course --- */

static const char *move_id(const struct task *t)
{
    const struct agent_node_task *goal = t->goal;

    return goal->import_slots   ? goal->import_slots->move_id
           : goal->export_slots ? goal->export_slots->move_id
                                : goal->settle_slots->move_id;
}

static int64_t now_ms(const struct work *w)
{
    return loop_now_ms(task_conf(w->task)->loop);
}

static void rest(struct work *w, int64_t delay_ms)
{
    w->phase = PHASE_RESTING;
    loop_timer_set(task_conf(w->task)->loop, &w->timer, delay_ms);
}

/* The engine refuses: the same from the beginning, while there is patience. */
static void again(struct work *w, struct str reply)
{
    if (now_ms(w) - w->began_ms < PATIENCE_MS)
        rest(w, AGAIN_MS);
    else
        task_end(w->task, err_format(&w->task->arena, ERR_CONFLICT, "the engine refuses it: %s",
                                     talk_error_text(&w->task->arena, reply)));
}

static void ask_what_there_is(struct work *w)
{
    w->phase = w->is_ordered ? PHASE_LOOKING : PHASE_TIDYING;
    talk_say(w->talk, "LARDER.MIGRATE", "STATUS", NULL);
}

static void on_timer(void *context)
{
    ask_what_there_is(context);
}

/* Whether a move that is shown stands in the way: what came and was confirmed, or failed; what goes
 * from here by another id, which was settled before this one was thought of. */
static bool is_leftover(const struct task *t, const struct shown *s)
{
    bool is_over = strcmp(s->state, "done") == 0 || strcmp(s->state, "failed") == 0;

    if (strcmp(s->id, move_id(t)) == 0)
        return false;
    if (strcmp(s->direction, "out") == 0)
        return t->goal->export_slots && !is_over;
    return strcmp(s->state, "taken") == 0 || strcmp(s->state, "failed") == 0;
}

static void tidy(struct work *w, struct str reply)
{
    struct shown shown;

    for (int64_t count = cut_array(&reply); count > 0 && cut_shown(&reply, &shown); count--)
        if (is_leftover(w->task, &shown)) {
            talk_say(w->talk, "LARDER.MIGRATE", "CANCEL", shown.id, NULL);
            w->ignored++;
        }
    talk_say(w->talk, "LARDER.TOPOLOGY", NULL);
    w->phase = PHASE_TOPOLOGY;
}

static void say_import(struct work *w, const char *epoch)
{
    const struct agent_import_slots *in = w->task->goal->import_slots;

    talk_say(w->talk, "LARDER.MIGRATE", "EXPECT", in->move_id, epoch, in->slots, in->from_shard,
             in->token, NULL);
}

static void say_export(struct work *w, const char *epoch)
{
    const struct agent_export_slots *out = w->task->goal->export_slots;
    const char *port = arena_printf(&w->task->arena, "%lld", (long long)out->port.value);

    talk_say(w->talk, "LARDER.MIGRATE", "START", out->move_id, epoch, out->slots, out->to_shard,
             out->address, port, out->token, out->is_tls.value ? "TLS" : NULL, NULL);
}

/* The epoch is the first of the words. */
static void order(struct work *w, struct str reply)
{
    struct str epoch;
    char kind;

    if (cut_array(&reply) <= 0 || !cut_head(&reply, &kind, &epoch)) {
        again(w, str_of("-it was told of no topology"));
        return;
    }
    w->phase = PHASE_ORDER;
    if (w->task->goal->import_slots)
        say_import(w, str_dup(&w->task->arena, epoch));
    else
        say_export(w, str_dup(&w->task->arena, epoch));
}

/* --- how far it is --- */

static int percent_of(const struct shown *s)
{
    return s->keys + s->left > 0 && s->left > 0
               ? (int)(s->keys * 100 / (s->keys > s->left ? s->keys : s->left))
               : 0;
}

static void go_on(struct work *w, const struct shown *s)
{
    if (strcmp(s->state, "connects") != 0 && strcmp(s->state, "takes") != 0)
        w->reached_ms = now_ms(w);
    bool is_lost = now_ms(w) - w->reached_ms > PATIENCE_MS;
    if (is_lost && strcmp(s->state, "connects") == 0) {
        w->phase = PHASE_CANCEL; /* nothing was handed over */
        talk_say(w->talk, "LARDER.MIGRATE", "CANCEL", move_id(w->task), NULL);
        return;
    }
    if (is_lost) {
        task_end(w->task, err_make(ERR_UNAVAILABLE, "the target does not say that it has them"));
        return;
    }
    int percent = percent_of(s);
    if (percent > w->task->percent)
        task_tell(w->task, percent > 99 ? 99 : percent);
    rest(w, w->look_ms);
    w->look_ms = w->look_ms * 2 < LOOK_MAX_MS ? w->look_ms * 2 : LOOK_MAX_MS;
}

static void look(struct work *w, struct str reply)
{
    struct shown shown;

    for (int64_t count = cut_array(&reply); count > 0 && cut_shown(&reply, &shown); count--) {
        if (strcmp(shown.id, move_id(w->task)) != 0 || strcmp(shown.direction, "out") != 0)
            continue;
        if (strcmp(shown.state, "done") == 0)
            task_end(w->task, OK);
        else if (strcmp(shown.state, "failed") == 0)
            task_end(w->task, err_format(&w->task->arena, ERR_CONFLICT, "%s", shown.error));
        else
            go_on(w, &shown);
        return;
    }
    task_end(w->task, err_make(ERR_NOT_FOUND, "the engine knows nothing of it any more"));
}

static void take_obedience(struct work *w, struct str reply)
{
    if (talk_is_error(reply)) {
        again(w, reply);
    } else if (w->task->goal->import_slots) {
        task_end(w->task, OK);
    } else {
        w->is_ordered = true;
        w->reached_ms = now_ms(w);
        ask_what_there_is(w);
    }
}

/* Refused is what has happened already. */
static void take_settled(struct work *w, struct str reply)
{
    struct task *t = w->task;

    if (!t->goal->settle_slots) {
        task_end(t, err_make(ERR_UNAVAILABLE, "the target cannot be reached"));
        return;
    }
    if (talk_is_error(reply) && str_starts(reply, "-ERR the slots were taken"))
        t->percent = 100;
    else if (talk_is_error(reply) && !str_starts(reply, "-ERR there is no such migration")) {
        task_end(t, err_format(&t->arena, ERR_CONFLICT, "the engine refuses it: %s",
                               talk_error_text(&t->arena, reply)));
        return;
    }
    task_end(t, OK);
}

static void on_reply(void *context, struct str reply)
{
    struct work *w = context;

    if (w->ignored > 0) {
        w->ignored--;
        return;
    }
    switch (w->phase) {
    case PHASE_TIDYING:
        if (talk_is_error(reply))
            again(w, reply);
        else
            tidy(w, reply);
        break;
    case PHASE_TOPOLOGY: order(w, reply); break;
    case PHASE_ORDER: take_obedience(w, reply); break;
    case PHASE_LOOKING: look(w, reply); break;
    case PHASE_CANCEL: take_settled(w, reply); break;
    case PHASE_RESTING: break; /* nothing was asked */
    }
}

static void on_broken(void *context, const char *why)
{
    struct work *w = context;

    task_end(w->task, err_format(&w->task->arena, ERR_UNAVAILABLE, "%s", why));
}

/* --- begin and drop --- */

static struct work *work_new(struct task *t)
{
    const struct tasks_conf *conf = task_conf(t);
    struct work *w = calloc(1, sizeof(*w));
    struct talk_conf talk = {.loop = conf->loop,
                             .host = conf->host,
                             .node = t->node,
                             .on_reply = on_reply,
                             .on_broken = on_broken,
                             .context = w};

    check(w != NULL);
    *w = (struct work){.task = t, .look_ms = LOOK_MIN_MS};
    w->timer = (struct loop_timer){.on_due = on_timer, .context = w};
    w->began_ms = loop_now_ms(conf->loop);
    w->talk = talk_open(&talk);
    t->work = w;
    return w;
}

static void begin(struct task *t)
{
    if (t->goal->import_slots || t->goal->export_slots)
        ask_what_there_is(work_new(t));
    else
        task_end(t, err_make(ERR_INVALID, "the task does not say which slots"));
}

static void begin_settling(struct task *t)
{
    if (!t->goal->settle_slots) {
        task_end(t, err_make(ERR_INVALID, "the task does not say which move"));
        return;
    }
    struct work *w = work_new(t);
    w->phase = PHASE_CANCEL;
    talk_say(w->talk, "LARDER.MIGRATE", "CANCEL", move_id(t), NULL);
}

static void drop(struct task *t)
{
    struct work *w = t->work;

    if (!w)
        return;
    loop_timer_stop(task_conf(t)->loop, &w->timer);
    talk_close(w->talk);
    free(w);
    t->work = NULL;
}

const struct task_kind task_import_slots = {"ImportSlots", begin, drop};
const struct task_kind task_export_slots = {"ExportSlots", begin, drop};
const struct task_kind task_settle_slots = {"SettleSlots", begin_settling, drop};
