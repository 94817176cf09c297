/* Groups of consumers: making and ending them, acknowledging, what waits to be acknowledged. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_stream.h"
#include "contract/command_procs.h"

/* ---- what is told ---- */

void stream_tell_claim(struct cmd_call *c, struct str key, const struct stream_group *g,
                       const struct stream_pending *p)
{
    struct number_text time, count;

    if (call_is_told_to(c, EFFECT_FOR_COPIES))
        call_tell_to(c, EFFECT_FOR_COPIES, STR("XCLAIM"), key, g->name, p->consumer->name, STR("0"),
                     stream_id_text(c, p->id), STR("TIME"), number_digits(&time, p->delivered_ms),
                     STR("RETRYCOUNT"), number_digits(&count, (int64_t)p->deliveries), STR("FORCE"),
                     STR("JUSTID"), STR("LASTID"), stream_id_text(c, g->last));
}

void stream_tell_pending(struct cmd_call *c, struct str key, const struct stream_group *g,
                         const struct stream_pending *p)
{
    stream_tell_claim(c, key, g, p);
    stream_tell_consumer(c, key, g, p->consumer, p, EFFECT_FOR_SLOTS);
}

void stream_tell_group(struct cmd_call *c, struct str key, const struct stream_group *g,
                       unsigned audience)
{
    struct number_text read;

    if (call_is_told_to(c, audience))
        call_tell_to(c, audience, STR("XGROUP"), STR("SETID"), key, g->name,
                     stream_id_text(c, g->last), STR("ENTRIESREAD"), number_digits(&read, g->read));
}

struct stream_consumer *stream_call_consumer(struct cmd_call *c, struct key k,
                                             struct stream_group *g, struct str name)
{
    struct stream_consumer *found = stream_consumer_find(g, name);

    if (!found) {
        found = stream_consumer_add(c->db->heap.account, g, name, c->ks->now_ms);
        call_changed(c, k, EVENT_STREAM, "xgroup-createconsumer");
    }
    found->seen_ms = c->ks->now_ms;
    stream_tell_consumer(c, (struct str){k.ptr, k.len}, g, found, NULL, EFFECT_FOR_SLOTS);
    return found;
}

/* ---- XGROUP ---- */

/* The stream in argument 2, which must be there. */
static struct stream *subject(struct cmd_call *c, bool may_be_absent)
{
    bool ok;
    struct stream *s = stream_write(c, 2, &ok);

    if (ok && !s && !may_be_absent)
        reply_error(c->reply, "ERR The XGROUP subcommand requires the key to exist. Note that for "
                              "CREATE you may want to use the MKSTREAM option to create an empty "
                              "stream automatically.");
    return s;
}

/* The group in arguments 2 and 3, which must be there. */
static struct stream_group *group(struct cmd_call *c, struct stream **s)
{
    *s = subject(c, false);
    if (!*s)
        return NULL;
    struct stream_group *g = stream_group_find(*s, c->argv[3]);
    if (!g)
        reply_errorf(c->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                     STR_ARG(c->argv[3]), STR_ARG(c->argv[2]));
    return g;
}

struct group_options {
    bool makes_stream;
    int64_t read;
};

static bool options_parse(struct cmd_call *c, bool is_create, struct group_options *o)
{
    *o = (struct group_options){.read = STREAM_UNKNOWN};
    for (uint32_t i = 5; i < c->argc; i++) {
        if (is_create && call_is(c, i, "mkstream")) {
            o->makes_stream = true;
        } else if (call_is(c, i, "entriesread") && i + 1 < c->argc) {
            if (!call_int(c, ++i, &o->read))
                return false;
            if (o->read < STREAM_UNKNOWN) {
                reply_error(c->reply, "ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            call_bad_subcommand(c);
            return false;
        }
    }
    return true;
}

/* The name in argument 4, where "$" is the last one of the stream (NULL: there is none). */
static bool parse_last(struct cmd_call *c, const struct stream *s, bool takes_bounds,
                       struct stream_id *out)
{
    if (str_is(c->argv[4], "$")) {
        *out = s ? s->last : STREAM_ID_MIN;
        return true;
    }
    if (takes_bounds && stream_id_parse(c->argv[4], STREAM_ID_BOUND, 0, out, NULL))
        return true;
    return stream_call_id(c, 4, out);
}

void cmd_xgroup_create(struct cmd_call *c)
{
    struct group_options o;
    struct stream_id last;
    bool ok;

    if (!options_parse(c, true, &o))
        return;
    struct stream *s = stream_write(c, 2, &ok);
    if (!ok)
        return;
    if (!s && !o.makes_stream) {
        (void)subject(c, false);
        return;
    }
    if (c->argc > 8) {
        call_bad_subcommand(c);
        return;
    }
    if (!parse_last(c, s, false, &last))
        return;
    if (!s)
        s = stream_make(c, 2);
    if (stream_group_find(s, c->argv[3])) {
        reply_error(c->reply, "BUSYGROUP Consumer Group name already exists");
        return;
    }
    stream_group_add(c->db->heap.account, s, c->argv[3], last, o.read);
    call_changed(c, call_key(c, 2), EVENT_STREAM, "xgroup-create");
    reply_ok(c->reply);
}

void cmd_xgroup_setid(struct cmd_call *c)
{
    struct group_options o;
    struct stream *s;

    if (!options_parse(c, false, &o))
        return;
    struct stream_group *g = group(c, &s);
    if (!g)
        return;
    if (c->argc > 7) {
        call_bad_subcommand(c);
        return;
    }
    if (!parse_last(c, s, true, &g->last))
        return;
    g->read = o.read;
    call_changed(c, call_key(c, 2), EVENT_STREAM, "xgroup-setid");
    reply_ok(c->reply);
}

void cmd_xgroup_destroy(struct cmd_call *c)
{
    struct stream *s = subject(c, false);

    if (!s)
        return;
    struct stream_group *g = stream_group_find(s, c->argv[3]);
    if (g) {
        stream_group_remove(c->db->heap.account, s, g);
        call_changed(c, call_key(c, 2), EVENT_STREAM, "xgroup-destroy");
    }
    reply_int(c->reply, g != NULL);
}

void cmd_xgroup_createconsumer(struct cmd_call *c)
{
    struct stream *s;
    struct stream_group *g = group(c, &s);

    if (!g)
        return;
    bool is_new = !stream_consumer_find(g, c->argv[4]);
    if (is_new)
        (void)stream_call_consumer(c, call_key(c, 2), g, c->argv[4]);
    reply_int(c->reply, is_new);
}

void cmd_xgroup_delconsumer(struct cmd_call *c)
{
    struct stream *s;
    struct stream_group *g = group(c, &s);

    if (!g)
        return;
    struct stream_consumer *gone = stream_consumer_find(g, c->argv[4]);
    reply_int(c->reply, gone ? (int64_t)gone->pending.count : 0);
    if (!gone)
        return;
    stream_consumer_remove(c->db->heap.account, g, gone);
    call_changed(c, call_key(c, 2), EVENT_STREAM, "xgroup-delconsumer");
}

void cmd_xgroup_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <entries-read>]",
        "    Make a group that reads what comes behind an entry; MKSTREAM: and the stream.",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Make a consumer.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove a consumer and what waits for it to be acknowledged.",
        "DESTROY <key> <groupname>",
        "    Remove a group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD <entries-read>]",
        "    Say behind which entry the group reads on.",
        NULL,
    };

    reply_help(c->reply, "XGROUP", lines);
}

/* ---- XACK ---- */

void cmd_xack(struct cmd_call *c)
{
    uint64_t count = 0;
    bool ok;
    struct stream *s = stream_read(c, 1, &ok);

    if (!ok)
        return;
    struct stream_group *g = stream_call_group(c, s, 2);
    if (!g) {
        reply_int(c->reply, 0);
        return;
    }
    const struct stream_id *ids = stream_call_ids(c, 3, c->argc - 3);
    if (!ids)
        return;
    for (uint32_t i = 0; i < c->argc - 3; i++)
        count += stream_pending_end(c->db->heap.account, g, ids[i]);
    c->dirty += count;
    reply_int(c->reply, (int64_t)count);
}

/* ---- XPENDING ---- */

struct pending_query {
    struct stream_id from, to;
    int64_t count, idle_ms;
    uint32_t consumer_arg; /* 0: of all */
};

static bool query_parse(struct cmd_call *c, struct pending_query *q)
{
    uint32_t from = 3;

    *q = (struct pending_query){.count = 0};
    if (call_is(c, 3, "idle")) {
        if (!call_int(c, 4, &q->idle_ms))
            return false;
        if (c->argc < 8) {
            reply_syntax_error(c->reply);
            return false;
        }
        from = 5;
    }
    if (!call_int(c, from + 2, &q->count))
        return false;
    if (!stream_call_range(c, from, from + 1, &q->from, &q->to))
        return false;
    q->consumer_arg = from + 3 < c->argc ? from + 3 : 0;
    return true;
}

static void say_pending(struct cmd_call *c, const struct stream_pending *p)
{
    int64_t idle_ms = c->ks->now_ms - p->delivered_ms;

    reply_array(c->reply, 4);
    reply_stream_id(c->reply, p->id);
    reply_bulk_str(c->reply, p->consumer->name);
    reply_int(c->reply, idle_ms < 0 ? 0 : idle_ms);
    reply_int(c->reply, (int64_t)p->deliveries);
}

static void say_query(struct cmd_call *c, const struct stream_group *g,
                      const struct pending_query *q)
{
    const struct stream_consumer *of = NULL;

    if (q->consumer_arg && !(of = stream_consumer_find(g, c->argv[q->consumer_arg]))) {
        reply_array(c->reply, 0);
        return;
    }
    const struct id_map *map = of ? &of->pending : &g->pending;
    struct reply_mark mark = reply_open(c->reply);
    struct id_place place = id_map_seek(map, q->from);
    int64_t said = 0;
    for (const struct stream_id *id; said < q->count && (id = id_map_at(map, place));
         id_map_next(map, &place)) {
        if (stream_id_order(*id, q->to) > 0)
            break;
        const struct stream_pending *p = id_map_find(&g->pending, *id);
        if (q->idle_ms && c->ks->now_ms - p->delivered_ms < q->idle_ms)
            continue;
        say_pending(c, p);
        said++;
    }
    reply_close(c->reply, mark, '*', (size_t)said);
}

/* How many there are, from where to where, and for whom. */
static void say_summary(struct cmd_call *c, const struct stream_group *g)
{
    const struct id_map *map = &g->pending;
    struct id_place last = id_map_end(map);
    size_t consumers = 0;

    reply_array(c->reply, 4);
    reply_int(c->reply, (int64_t)map->count);
    if (map->count == 0) {
        reply_null(c->reply);
        reply_null(c->reply);
        reply_null_array(c->reply);
        return;
    }
    id_map_previous(map, &last);
    reply_stream_id(c->reply, *(const struct stream_id *)id_map_at(map, id_map_begin(map)));
    reply_stream_id(c->reply, *(const struct stream_id *)id_map_at(map, last));
    struct reply_mark mark = reply_open(c->reply);
    for (uint32_t i = 0; i < g->consumer_count; i++) {
        const struct stream_consumer *of = g->consumers[i];

        if (of->pending.count == 0)
            continue;
        reply_array(c->reply, 2);
        reply_bulk_str(c->reply, of->name);
        reply_bulk_int(c->reply, (int64_t)of->pending.count);
        consumers++;
    }
    reply_close(c->reply, mark, '*', consumers);
}

void cmd_xpending(struct cmd_call *c)
{
    struct pending_query q;
    bool ok;

    if (c->argc != 3 && (c->argc < 6 || c->argc > 9)) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc > 3 && !query_parse(c, &q))
        return;
    const struct stream *s = stream_read(c, 1, &ok);
    if (!ok)
        return;
    const struct stream_group *g = stream_call_group(c, s, 2);
    if (!g)
        reply_errorf(c->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
                     STR_ARG(c->argv[1]), STR_ARG(c->argv[2]));
    else if (c->argc == 3)
        say_summary(c, g);
    else
        say_query(c, g, &q);
}
