/* XINFO: what there is to know of a stream, its groups and their consumers. */
#include "base/command.h"
#include "cacheengine/types/t_stream.h"
#include "contract/command_procs.h"

/* The stream in argument 2, which must be there. */
static const struct stream *subject(struct cmd_call *c)
{
    bool ok;
    const struct stream *s = stream_read(c, 2, &ok);

    if (ok && !s)
        reply_no_key(c->reply);
    return s;
}

static void say_id(struct reply *r, const char *name, struct stream_id id)
{
    reply_bulk_text(r, name);
    reply_stream_id(r, id);
}

static void say_int(struct reply *r, const char *name, int64_t v)
{
    reply_bulk_text(r, name);
    reply_int(r, v);
}

static void say_name(struct reply *r, struct str name)
{
    reply_bulk_text(r, "name");
    reply_bulk_str(r, name);
}

/* A count that may be unknown. */
static void say_count(struct reply *r, const char *name, int64_t v)
{
    reply_bulk_text(r, name);
    if (v == STREAM_UNKNOWN)
        reply_null(r);
    else
        reply_int(r, v);
}

static void say_lag(struct reply *r, const struct stream *s, const struct stream_group *g)
{
    int64_t lag = stream_group_lag(s, g);

    reply_bulk_text(r, "lag");
    if (lag == STREAM_LAG_UNKNOWN)
        reply_null(r);
    else
        reply_int(r, lag);
}

/* ---- XINFO STREAM ---- */

static void say_edge(struct reply *r, const struct stream *s, const char *name, bool is_last)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, is_last);
    struct stream_entry e;

    reply_bulk_text(r, name);
    if (stream_next(&w, &e))
        reply_stream_entry(r, &e);
    else
        reply_null(r);
}

static void say_stream(struct reply *r, const struct stream *s)
{
    say_int(r, "length", (int64_t)s->length);
    /* What is behind these names is a tree elsewhere: one node for each key of it, and one above.
     */
    say_int(r, "radix-tree-keys", (int64_t)s->nodes.count);
    say_int(r, "radix-tree-nodes", (int64_t)s->nodes.count + 1);
    say_id(r, "last-generated-id", s->last);
    say_id(r, "max-deleted-entry-id", s->removed);
    say_int(r, "entries-added", (int64_t)s->added);
    say_id(r, "recorded-first-entry-id", s->first);
}

static bool has_place(const struct id_map *m, struct id_place place, int64_t said, int64_t most)
{
    return (most == 0 || said < most) && id_map_at(m, place);
}

static void say_pending(struct reply *r, const struct stream_group *g, int64_t most)
{
    struct id_place place = id_map_begin(&g->pending);
    int64_t said = 0;

    say_int(r, "pel-count", (int64_t)g->pending.count);
    reply_bulk_text(r, "pending");
    struct reply_mark mark = reply_open(r);
    for (; has_place(&g->pending, place, said, most); id_map_next(&g->pending, &place), said++) {
        const struct stream_pending *p = id_map_at(&g->pending, place);

        reply_array(r, 4);
        reply_stream_id(r, p->id);
        reply_bulk_str(r, p->consumer->name);
        reply_int(r, p->delivered_ms);
        reply_int(r, (int64_t)p->deliveries);
    }
    reply_close(r, mark, '*', (size_t)said);
}

static void say_consumer(struct reply *r, const struct stream_group *g,
                         const struct stream_consumer *of, int64_t most)
{
    struct id_place place = id_map_begin(&of->pending);
    int64_t said = 0;

    reply_map(r, 5);
    say_name(r, of->name);
    say_int(r, "seen-time", of->seen_ms);
    say_int(r, "active-time", of->active_ms);
    say_int(r, "pel-count", (int64_t)of->pending.count);
    reply_bulk_text(r, "pending");
    struct reply_mark mark = reply_open(r);
    for (; has_place(&of->pending, place, said, most); id_map_next(&of->pending, &place), said++) {
        const struct stream_id *id = id_map_at(&of->pending, place);
        const struct stream_pending *p = id_map_find(&g->pending, *id);

        reply_array(r, 3);
        reply_stream_id(r, *id);
        reply_int(r, p->delivered_ms);
        reply_int(r, (int64_t)p->deliveries);
    }
    reply_close(r, mark, '*', (size_t)said);
}

static void say_full_group(struct reply *r, const struct stream *s, const struct stream_group *g,
                           int64_t most)
{
    reply_map(r, 7);
    say_name(r, g->name);
    say_id(r, "last-delivered-id", g->last);
    say_count(r, "entries-read", g->read);
    say_lag(r, s, g);
    say_pending(r, g, most);
    reply_bulk_text(r, "consumers");
    reply_array(r, g->consumer_count);
    for (uint32_t i = 0; i < g->consumer_count; i++)
        say_consumer(r, g, g->consumers[i], most);
}

static void say_full(struct reply *r, const struct stream *s, int64_t most)
{
    reply_map(r, 9);
    say_stream(r, s);
    reply_bulk_text(r, "entries");
    reply_stream_range(r, s, STREAM_ID_MIN, STREAM_ID_MAX, (uint64_t)most, false);
    reply_bulk_text(r, "groups");
    reply_array(r, s->group_count);
    for (uint32_t i = 0; i < s->group_count; i++)
        say_full_group(r, s, s->groups[i], most);
}

void cmd_xinfo_stream(struct cmd_call *c)
{
    const struct stream *s = subject(c);
    int64_t most = 10;

    if (!s)
        return;
    if (c->argc == 3) {
        reply_map(c->reply, 10);
        say_stream(c->reply, s);
        say_int(c->reply, "groups", s->group_count);
        say_edge(c->reply, s, "first-entry", false);
        say_edge(c->reply, s, "last-entry", true);
        return;
    }
    if (!call_is(c, 3, "full") || c->argc == 5 || c->argc > 6 ||
        (c->argc == 6 && !call_is(c, 4, "count"))) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc == 6 && !call_int(c, 5, &most))
        return;
    say_full(c->reply, s, most < 0 ? 10 : most);
}

/* ---- XINFO GROUPS and CONSUMERS ---- */

void cmd_xinfo_groups(struct cmd_call *c)
{
    const struct stream *s = subject(c);
    struct reply *r = c->reply;

    if (!s)
        return;
    reply_array(r, s->group_count);
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct stream_group *g = s->groups[i];

        reply_map(r, 6);
        say_name(r, g->name);
        say_int(r, "consumers", g->consumer_count);
        say_int(r, "pending", (int64_t)g->pending.count);
        say_id(r, "last-delivered-id", g->last);
        say_count(r, "entries-read", g->read);
        say_lag(r, s, g);
    }
}

void cmd_xinfo_consumers(struct cmd_call *c)
{
    const struct stream *s = subject(c);
    int64_t now_ms = c->ks->now_ms;
    struct reply *r = c->reply;

    if (!s)
        return;
    const struct stream_group *g = stream_group_find(s, c->argv[3]);
    if (!g) {
        reply_errorf(r, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                     STR_ARG(c->argv[3]), STR_ARG(c->argv[2]));
        return;
    }
    reply_array(r, g->consumer_count);
    for (uint32_t i = 0; i < g->consumer_count; i++) {
        const struct stream_consumer *of = g->consumers[i];
        int64_t idle_ms = now_ms - of->seen_ms;

        reply_map(r, 4);
        say_name(r, of->name);
        say_int(r, "pending", (int64_t)of->pending.count);
        say_int(r, "idle", idle_ms < 0 ? 0 : idle_ms);
        say_int(r, "inactive", of->active_ms == -1 ? -1 : now_ms - of->active_ms);
    }
}

void cmd_xinfo_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "CONSUMERS <key> <groupname>",
        "    Describe the consumers of a group.",
        "GROUPS <key>",
        "    Describe the groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    Describe a stream; FULL: with entries, groups, and what waits to be acknowledged.",
        NULL,
    };

    reply_help(c->reply, "XINFO", lines);
}
