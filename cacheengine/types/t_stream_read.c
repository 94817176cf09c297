/*
 * Reading what comes: XREAD for oneself, XREADGROUP as one of the consumers that share a stream.
 * Both may wait; a command that waited runs again from its begin, so what "$" meant is noted in its
 * words before.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/wait.h"
#include "cacheengine/types/t_stream.h"
#include "contract/command_procs.h"

struct read_options {
    uint64_t count; /* of each stream; 0: all */
    int64_t until_ms;
    bool waits, skips_acks;
    uint32_t group_arg; /* 0: no group; the consumer stands behind it */
    uint32_t first;     /* the first key */
    uint32_t streams;
};

/* One of the streams that are read. */
struct read_from {
    struct stream *s; /* NULL: there is none */
    struct stream_group *g;
    struct stream_id behind;
    bool wants_new; /* ">": what nobody in the group has read */
};

/* ---- the words ---- */

static bool parse_block(struct cmd_call *c, uint32_t arg, struct read_options *o)
{
    const char *wrong = NULL;
    int64_t ms;

    if (!call_int_or(c, arg, INT64_MIN, INT64_MAX, "ERR timeout is not an integer or out of range",
                     &ms))
        return false;
    if (ms < 0)
        wrong = "ERR timeout is negative";
    else if (ms > INT64_MAX - c->ks->now_ms)
        wrong = "ERR timeout is out of range";
    if (wrong) {
        reply_error(c->reply, wrong);
        return false;
    }
    o->waits = true;
    o->until_ms = ms == 0 ? NO_DEADLINE : c->ks->passed_ms + ms;
    return true;
}

static bool parse_count(struct cmd_call *c, uint32_t arg, struct read_options *o)
{
    int64_t count;

    if (!call_int(c, arg, &count))
        return false;
    o->count = count < 0 ? 0 : (uint64_t)count;
    return true;
}

static bool parse_streams(struct cmd_call *c, uint32_t arg, bool in_group, struct read_options *o)
{
    uint32_t words = c->argc - arg;

    o->first = arg;
    o->streams = words / 2;
    if (words % 2 == 0)
        return true;
    reply_errorf(c->reply,
                 "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%c' must be "
                 "specified.",
                 c->cmd->name, in_group ? '>' : '$');
    return false;
}

/* GROUP and NOACK are for XREADGROUP. */
static bool is_allowed(struct cmd_call *c, const char *option, bool in_group)
{
    if (!in_group)
        reply_errorf(c->reply,
                     "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.",
                     option);
    return in_group;
}

static bool options_parse(struct cmd_call *c, bool in_group, struct read_options *o)
{
    *o = (struct read_options){0};
    for (uint32_t i = 1; i < c->argc && !o->first; i++) {
        uint32_t behind = c->argc - i - 1;
        bool ok = true;

        if (call_is(c, i, "block") && behind) {
            ok = parse_block(c, ++i, o);
        } else if (call_is(c, i, "count") && behind) {
            ok = parse_count(c, ++i, o);
        } else if (call_is(c, i, "streams") && behind) {
            ok = parse_streams(c, i + 1, in_group, o);
        } else if (call_is(c, i, "group") && behind >= 2) {
            ok = is_allowed(c, "GROUP", in_group);
            o->group_arg = i + 1;
            i += 2;
        } else if (call_is(c, i, "noack")) {
            ok = is_allowed(c, "NOACK", in_group);
            o->skips_acks = true;
        } else {
            reply_syntax_error(c->reply);
            ok = false;
        }
        if (!ok)
            return false;
    }
    if (!o->first)
        reply_syntax_error(c->reply);
    else if (in_group && !o->group_arg)
        reply_error(c->reply, "ERR Missing GROUP option for XREADGROUP");
    return o->first && (!in_group || o->group_arg);
}

/* ---- where reading begins ---- */

static bool meaningless(struct cmd_call *c, char sign)
{
    reply_errorf(c->reply,
                 "ERR The %c ID is meaningless in the context of XREADGROUP: you want to read the "
                 "history of this consumer by specifying a proper ID, or use the > ID to get new "
                 "messages. The %c ID would just return an empty result set.",
                 sign, sign);
    return false;
}

static bool parse_behind(struct cmd_call *c, uint32_t arg, bool in_group, struct read_from *f)
{
    struct str text = c->argv[arg];
    bool is_end = str_is(text, "$"), is_last = str_is(text, "+");

    if ((is_end || is_last) && in_group)
        return meaningless(c, text.ptr[0]);
    if (is_end || is_last) {
        f->behind = f->s ? f->s->last : STREAM_ID_MIN;
        if (is_last)
            (void)stream_id_decrease(&f->behind);
        return true;
    }
    f->wants_new = str_is(text, ">");
    if (f->wants_new && !in_group)
        reply_error(c->reply,
                    "ERR The > ID can be specified only when calling XREADGROUP using the "
                    "GROUP <group> <consumer> option.");
    if (f->wants_new)
        return in_group;
    if (!stream_call_id(c, arg, &f->behind))
        return false;
    /* Behind the greatest name of all there is nothing but what is new. */
    f->wants_new = in_group && stream_id_order(f->behind, STREAM_ID_MAX) == 0;
    return true;
}

/* Finds stream, group and begin of all that is to be read; false after the error was sent. */
static bool find_all(struct cmd_call *c, const struct read_options *o, struct read_from *all)
{
    for (uint32_t i = 0; i < o->streams; i++) {
        struct read_from *f = &all[i];
        bool ok;

        *f = (struct read_from){.s = stream_read(c, o->first + i, &ok)};
        if (!ok)
            return false;
        if (o->group_arg && !(f->g = stream_call_group(c, f->s, o->group_arg))) {
            reply_errorf(c->reply,
                         "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with "
                         "GROUP option",
                         STR_ARG(c->argv[o->first + i]), STR_ARG(c->argv[o->group_arg]));
            return false;
        }
        if (!parse_behind(c, o->first + o->streams + i, o->group_arg != 0, f))
            return false;
    }
    return true;
}

/* ---- giving entries to a consumer ---- */

/* Notes that the group has read an entry; true when it is the furthest. */
static bool note_read(const struct stream *s, struct stream_group *g, struct stream_id id)
{
    if (stream_id_order(id, g->last) <= 0)
        return false;
    if (g->read != STREAM_UNKNOWN && !stream_has_gaps(s, id))
        g->read++;
    else if (s->added)
        g->read = stream_position(s, id);
    g->last = id;
    return true;
}

static void give_new(struct cmd_call *c, const struct read_options *o, const struct read_from *f,
                     struct str key, struct stream_consumer *to)
{
    struct reply_mark mark = reply_open(c->reply);
    struct stream_id from = f->g->last;
    struct stream_entry e;
    uint64_t said = 0;
    bool has_moved = false;

    (void)stream_id_increase(&from);
    struct stream_walk w = stream_walk_begin(f->s, from, STREAM_ID_MAX, false);
    while ((o->count == 0 || said < o->count) && stream_next(&w, &e)) {
        has_moved |= note_read(f->s, f->g, e.id);
        reply_stream_entry(c->reply, &e);
        said++;
        if (o->skips_acks)
            continue;
        bool is_new;
        struct stream_pending *p =
            stream_pending_give(c->db->heap.account, f->g, e.id, to, &is_new);
        p->delivered_ms = to->active_ms = c->ks->now_ms;
        p->deliveries = 1;
        stream_tell_pending(c, key, f->g, p);
    }
    reply_close(c->reply, mark, '*', said);
    if (has_moved)
        stream_tell_group(c, key, f->g, EFFECT_FOR_ALL);
}

/* What the consumer was given before and has not acknowledged. */
static void give_again(struct cmd_call *c, const struct read_options *o, const struct read_from *f,
                       struct str key, const struct stream_consumer *to)
{
    struct reply_mark mark = reply_open(c->reply);
    struct stream_id from = f->behind;
    uint64_t said = 0;
    bool is_end = !stream_id_increase(&from);
    struct id_place place = is_end ? id_map_end(&to->pending) : id_map_seek(&to->pending, from);

    for (const struct stream_id *id;
         (o->count == 0 || said < o->count) && (id = id_map_at(&to->pending, place));
         id_map_next(&to->pending, &place)) {
        said++;
        if (reply_stream_one(c->reply, f->s, *id)) {
            struct stream_pending *p = id_map_find(&f->g->pending, *id);

            p->delivered_ms = c->ks->now_ms;
            p->deliveries++;
            stream_tell_consumer(c, key, f->g, to, p, EFFECT_FOR_SLOTS);
        } else {
            reply_array(c->reply, 2);
            reply_stream_id(c->reply, *id);
            reply_null_array(c->reply);
        }
    }
    reply_close(c->reply, mark, '*', said);
}

/* ---- reading ---- */

/* The head of what is said of one stream. */
static void say_key(struct cmd_call *c, struct str key)
{
    if (c->reply->resp == 2)
        reply_array(c->reply, 2);
    reply_bulk_str(c->reply, key);
}

/* True when there is something to say of a stream now. */
static bool is_ready(const struct read_from *f)
{
    if (f->g && !f->wants_new)
        return true;
    return f->s && f->s->length > 0 &&
           stream_id_order(stream_newest(f->s), f->g ? f->g->last : f->behind) > 0;
}

/* Reads one stream for a group; true when something was said. */
static bool read_group(struct cmd_call *c, const struct read_options *o, const struct read_from *f,
                       uint32_t key_arg)
{
    struct str name = c->argv[o->group_arg + 1], key = c->argv[key_arg];
    bool is_known = stream_consumer_find(f->g, name) != NULL;
    struct stream_consumer *to = stream_call_consumer(c, call_key(c, key_arg), f->g, name);

    if (!is_known && o->skips_acks && call_is_told(c))
        call_tell(c, STR("XGROUP"), STR("CREATECONSUMER"), key, f->g->name, name);
    if (!is_ready(f))
        return false;
    say_key(c, key);
    if (f->wants_new)
        give_new(c, o, f, key, to);
    else
        give_again(c, o, f, key, to);
    c->dirty++;
    return true;
}

static bool read_alone(struct cmd_call *c, const struct read_options *o, const struct read_from *f,
                       uint32_t key_arg)
{
    struct stream_id from = f->behind;

    if (!is_ready(f))
        return false;
    (void)stream_id_increase(&from);
    say_key(c, c->argv[key_arg]);
    reply_stream_range(c->reply, f->s, from, STREAM_ID_MAX, o->count, false);
    return true;
}

/* Waits for any of the streams; "$" is what it is now. */
static void wait(struct cmd_call *c, const struct read_options *o, const struct read_from *all)
{
    for (uint32_t i = 0; i < o->streams; i++) {
        struct str *text = &c->argv[o->first + o->streams + i];

        if (str_is(*text, "$"))
            *text = stream_id_text(c, all[i].behind);
    }
    call_wait(c, &(struct wait){.type = TYPE_STREAM,
                                .first = o->first,
                                .keys = o->streams,
                                .until_ms = o->until_ms,
                                .over = reply_null_array,
                                .wakes_gone = o->group_arg != 0});
}

static size_t read_all(struct cmd_call *c, const struct read_options *o,
                       const struct read_from *all)
{
    size_t said = 0;

    for (uint32_t i = 0; i < o->streams; i++)
        said += o->group_arg ? read_group(c, o, &all[i], o->first + i)
                             : read_alone(c, o, &all[i], o->first + i);
    return said;
}

static void read_streams(struct cmd_call *c, bool in_group)
{
    struct read_options o;
    bool any_ready = false;

    call_tell_nothing(c);
    if (!options_parse(c, in_group, &o))
        return;
    struct read_from *all = arena_array(c->scratch, o.streams, sizeof(*all));
    if (!find_all(c, &o, all))
        return;
    for (uint32_t i = 0; i < o.streams; i++)
        any_ready |= is_ready(&all[i]);
    if (any_ready) {
        struct reply_mark mark = reply_open(c->reply);
        size_t said = read_all(c, &o, all);

        reply_close(c->reply, mark, c->reply->resp == 2 ? '*' : '%', said);
        return;
    }
    /* A consumer that asks is made, even if there is nothing for it. */
    (void)read_all(c, &o, all);
    if (o.waits)
        wait(c, &o, all);
    else
        reply_null_array(c->reply);
}

void cmd_xread(struct cmd_call *c)
{
    read_streams(c, false);
}

void cmd_xreadgroup(struct cmd_call *c)
{
    read_streams(c, true);
}
