/*
 * Entries that wait for one consumer given to another: XCLAIM by name, XAUTOCLAIM by how long they
 * have waited. Each that is given is told by itself, as an XCLAIM that does the same again.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/t_stream.h"
#include "contract/command_procs.h"

struct claim {
    struct cmd_call *c;
    struct stream *s;
    struct stream_group *g;
    struct stream_consumer *to;
    int64_t idle_ms;    /* only what has waited so long */
    int64_t time_ms;    /* what is noted as its time */
    int64_t deliveries; /* what is noted as their number; -1: one more */
    bool is_forced, only_ids;
};

static bool claim_find(struct claim *claim)
{
    struct cmd_call *c = claim->c;
    bool ok;

    claim->s = stream_read(c, 1, &ok);
    if (!ok)
        return false;
    claim->g = stream_call_group(c, claim->s, 2);
    if (!claim->g)
        reply_errorf(c->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
                     STR_ARG(c->argv[1]), STR_ARG(c->argv[2]));
    return claim->g != NULL;
}

static bool parse_idle(struct cmd_call *c, const char *sentence, int64_t *out)
{
    if (!call_int_or(c, 4, INT64_MIN, INT64_MAX, sentence, out))
        return false;
    if (*out < 0)
        *out = 0;
    return true;
}

/* An entry that is no more waits for nobody. */
static void forget(struct claim *claim, const struct stream_pending *p)
{
    struct cmd_call *c = claim->c;

    stream_tell_claim(c, c->argv[1], claim->g, p);
    if (call_is_told_to(c, EFFECT_FOR_SLOTS))
        call_tell_to(c, EFFECT_FOR_SLOTS, STR("XACK"), c->argv[1], claim->g->name,
                     stream_id_text(c, p->id));
    stream_pending_end(c->db->heap.account, claim->g, p->id);
    c->dirty++;
}

/* Gives an entry that is there; true when it was given, and said. */
static bool give(struct claim *claim, struct stream_id id)
{
    struct cmd_call *c = claim->c;
    struct stream_pending *p = id_map_find(&claim->g->pending, id);
    bool is_new;

    if (!p && !claim->is_forced)
        return false;
    if (p && claim->idle_ms && c->ks->now_ms - p->delivered_ms < claim->idle_ms)
        return false;
    p = stream_pending_give(c->db->heap.account, claim->g, id, claim->to, &is_new);
    p->delivered_ms = claim->time_ms;
    if (is_new)
        p->deliveries = 1;
    if (claim->deliveries >= 0)
        p->deliveries = (uint64_t)claim->deliveries;
    else if (!claim->only_ids)
        p->deliveries++;
    if (claim->only_ids)
        reply_stream_id(c->reply, id);
    else
        check(reply_stream_one(c->reply, claim->s, id));
    claim->to->active_ms = c->ks->now_ms;
    stream_tell_pending(c, c->argv[1], claim->g, p);
    c->dirty++;
    return true;
}

/* ---- XCLAIM ---- */

struct claim_options {
    uint32_t id_count;
    struct stream_id last; /* the group is to have read up to there */
};

/* One option at argument *arg, which is moved to its last word. */
static bool option_parse(struct claim *claim, uint32_t *arg, struct claim_options *o)
{
    struct cmd_call *c = claim->c;
    uint32_t i = *arg;
    bool has_more = i + 1 < c->argc;

    if (call_is(c, i, "force")) {
        claim->is_forced = true;
        return true;
    }
    if (call_is(c, i, "justid")) {
        claim->only_ids = true;
        return true;
    }
    *arg = i + 1;
    if (has_more && call_is(c, i, "idle")) {
        if (!call_int_or(c, i + 1, INT64_MIN, INT64_MAX,
                         "ERR Invalid IDLE option argument for XCLAIM", &claim->time_ms))
            return false;
        if (__builtin_sub_overflow(c->ks->now_ms, claim->time_ms, &claim->time_ms))
            claim->time_ms = c->ks->now_ms;
        return true;
    }
    if (has_more && call_is(c, i, "time"))
        return call_int_or(c, i + 1, INT64_MIN, INT64_MAX,
                           "ERR Invalid TIME option argument for XCLAIM", &claim->time_ms);
    if (has_more && call_is(c, i, "retrycount"))
        return call_int_or(c, i + 1, INT64_MIN, INT64_MAX,
                           "ERR Invalid RETRYCOUNT option argument for XCLAIM", &claim->deliveries);
    if (has_more && call_is(c, i, "lastid"))
        return stream_call_id(c, i + 1, &o->last);
    reply_errorf(c->reply, "ERR Unrecognized XCLAIM option '%.*s'", STR_ARG(c->argv[i]));
    return false;
}

static bool claim_parse(struct claim *claim, struct stream_id *ids, struct claim_options *o)
{
    struct cmd_call *c = claim->c;
    uint32_t arg = 5;

    *o = (struct claim_options){0};
    claim->time_ms = claim->deliveries = -1;
    /* What is no name is where the options begin. */
    while (arg < c->argc && stream_id_parse(c->argv[arg], STREAM_ID_EXACT, 0, &ids[arg - 5], NULL))
        arg++;
    o->id_count = arg - 5;
    for (; arg < c->argc; arg++)
        if (!option_parse(claim, &arg, o))
            return false;
    if (claim->time_ms < 0 || claim->time_ms > c->ks->now_ms)
        claim->time_ms = c->ks->now_ms;
    return true;
}

void cmd_xclaim(struct cmd_call *c)
{
    struct claim claim = {.c = c};
    struct claim_options o;
    struct stream_id *ids = arena_array(c->scratch, c->argc, sizeof(*ids));
    size_t said = 0;

    if (!claim_find(&claim) ||
        !parse_idle(c, "ERR Invalid min-idle-time argument for XCLAIM", &claim.idle_ms) ||
        !claim_parse(&claim, ids, &o))
        return;
    call_tell_nothing(c);
    bool tells_last = stream_id_order(o.last, claim.g->last) > 0;
    if (tells_last)
        claim.g->last = o.last;
    claim.to = stream_call_consumer(c, call_key(c, 1), claim.g, c->argv[3]);
    uint64_t dirty = c->dirty;
    struct reply_mark mark = reply_open(c->reply);
    for (uint32_t i = 0; i < o.id_count; i++) {
        const struct stream_pending *p = id_map_find(&claim.g->pending, ids[i]);

        if (stream_has(claim.s, ids[i]))
            said += give(&claim, ids[i]);
        else if (p)
            forget(&claim, p);
    }
    reply_close(c->reply, mark, '*', said);
    /* To others what was told of an entry says it, too. */
    bool has_told = c->dirty > dirty;
    if (tells_last)
        stream_tell_group(c, c->argv[1], claim.g, has_told ? EFFECT_FOR_SLOTS : EFFECT_FOR_ALL);
    c->dirty += tells_last && !has_told;
}

/* ---- XAUTOCLAIM ---- */

#define LOOKS_PER_CLAIM 10

static bool auto_parse(struct cmd_call *c, int64_t *count, bool *only_ids)
{
    for (uint32_t i = 6; i < c->argc; i++) {
        if (call_is(c, i, "count") && i + 1 < c->argc) {
            if (!call_int_or(c, ++i, 1, INT64_MAX / 16, "ERR COUNT must be > 0", count))
                return false;
        } else if (call_is(c, i, "justid")) {
            *only_ids = true;
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    return true;
}

/* Names of entries that were found to be gone. */
struct gone {
    struct gone *next;
    struct stream_id id;
};

static void say_gone(struct reply *r, const struct gone *oldest, size_t count)
{
    reply_array(r, count);
    for (; oldest; oldest = oldest->next)
        reply_stream_id(r, oldest->id);
}

void cmd_xautoclaim(struct cmd_call *c)
{
    struct claim claim = {.c = c, .time_ms = c->ks->now_ms, .deliveries = -1};
    struct stream_id from;
    int64_t count = 100;
    struct gone *gone = NULL, **last_gone = &gone;
    size_t said = 0, gone_count = 0;
    char text[REPLY_MARK_BYTES], id_text[STREAM_ID_TEXT_MAX];

    if (!parse_idle(c, "ERR Invalid min-idle-time argument for XAUTOCLAIM", &claim.idle_ms) ||
        !stream_call_from(c, 5, &from) || !auto_parse(c, &count, &claim.only_ids) ||
        !claim_find(&claim))
        return;
    call_tell_nothing(c);
    claim.to = stream_call_consumer(c, call_key(c, 1), claim.g, c->argv[3]);
    /* Where to go on is said first and known last. */
    struct reply_mark head = reply_open(c->reply), mark = reply_open(c->reply);
    const struct stream_pending *p;
    struct id_place place = id_map_seek(&claim.g->pending, from);
    int64_t looks = count * LOOKS_PER_CLAIM;
    for (; looks > 0 && count > 0 && (p = id_map_at(&claim.g->pending, place)); looks--) {
        struct stream_id id = p->id;

        if (stream_has(claim.s, id)) {
            bool is_given = give(&claim, id);

            said += is_given;
            count -= is_given;
            id_map_next(&claim.g->pending, &place);
            continue;
        }
        *last_gone = arena_alloc(c->scratch, sizeof(**last_gone));
        **last_gone = (struct gone){NULL, id};
        last_gone = &(*last_gone)->next;
        gone_count++;
        count--;
        forget(&claim, p);
        place = id_map_seek(&claim.g->pending, id);
    }
    reply_close(c->reply, mark, '*', said);
    p = id_map_at(&claim.g->pending, place);
    int len = (int)stream_id_write(id_text, p ? p->id : STREAM_ID_MIN);
    len = snprintf(text, sizeof(text), "*3\r\n$%d\r\n%.*s\r\n", len, len, id_text);
    reply_close_raw(c->reply, head, text, (size_t)len);
    say_gone(c->reply, gone, gone_count);
}
