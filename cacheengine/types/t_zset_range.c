/*
 * Ranges of sorted sets: by rank, by score, by text; to be read, kept, counted or removed. The one
 * idea: every range is an interval of ranks, so LIMIT is arithmetic and one loop says them all.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_zset.h"
#include "contract/command_procs.h"

#include <math.h>
#include <stdlib.h>

enum range_kind { RANGE_ANY, RANGE_RANK, RANGE_SCORE, RANGE_TEXT };
enum range_direction { RANGE_EITHER, RANGE_FORWARD, RANGE_BACKWARD };

struct range {
    enum range_kind kind;
    enum range_direction direction;
    int64_t start, stop;         /* RANK */
    struct zset_bound low, high; /* SCORE and TEXT */
    int64_t offset, limit;       /* limit < 0: none */
    bool with_scores;
};

/* ---- bounds ---- */

/* A score as ranges have it: "(" in front leaves the bound itself out, text as strtod reads it. */
static bool score_bound(struct cmd_call *c, uint32_t arg, bool *is_open, double *out)
{
    struct str s = c->argv[arg];
    char few[64], *end;
    char *text = s.len < sizeof(few) ? few : arena_alloc(c->scratch, s.len + 1);

    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    *is_open = *text == '(';
    text += *is_open;
    *out = strtod(text, &end);
    return *end == 0 && !isnan(*out);
}

static bool parse_scores(struct cmd_call *c, uint32_t low, uint32_t high, struct range *r)
{
    bool low_open, high_open;

    if (!score_bound(c, low, &low_open, &r->low.at.score) ||
        !score_bound(c, high, &high_open, &r->high.at.score)) {
        reply_error(c->reply, "ERR min or max is not a float");
        return false;
    }
    r->low.at.is_behind = low_open;
    r->high.at.is_behind = !high_open;
    return true;
}

/* A text as ranges have it: "-", "+", "[text" or "(text". */
static bool text_bound(struct str s, bool *is_open, struct zset_bound *out)
{
    char first = s.len > 0 ? s.ptr[0] : 0;

    *is_open = first == '(';
    out->at.by_text = true;
    if (first == '-' || first == '+') {
        out->beyond = first == '-' ? -1 : 1;
        return s.len == 1 || s.ptr[1] == 0;
    }
    out->at.text = (struct str){s.ptr + 1, s.len - 1};
    return first == '(' || first == '[';
}

static bool parse_texts(struct cmd_call *c, uint32_t low, uint32_t high, struct range *r)
{
    bool low_open, high_open;

    if (!text_bound(c->argv[low], &low_open, &r->low) ||
        !text_bound(c->argv[high], &high_open, &r->high)) {
        reply_error(c->reply, "ERR min or max not valid string range item");
        return false;
    }
    r->low.at.is_behind = low_open;
    r->high.at.is_behind = !high_open;
    return true;
}

/* Reads the two ends in arguments `first` and the next; backward ranges have the higher one in
 * front, but not those of ranks. */
static bool parse_ends(struct cmd_call *c, uint32_t first, struct range *r)
{
    bool is_turned = r->direction == RANGE_BACKWARD;

    if (r->kind == RANGE_RANK)
        return call_int(c, first, &r->start) && call_int(c, first + 1, &r->stop);
    if (r->kind == RANGE_SCORE)
        return parse_scores(c, first + is_turned, first + !is_turned, r);
    return parse_texts(c, first + is_turned, first + !is_turned, r);
}

/* ---- options ---- */

/* Reads the options from argument `from` on; false after an error was sent. */
static bool parse_options(struct cmd_call *c, uint32_t from, bool is_kept, struct range *r)
{
    for (uint32_t i = from; i < c->argc; i++) {
        if (!is_kept && call_is(c, i, "withscores")) {
            r->with_scores = true;
        } else if (call_is(c, i, "limit") && i + 2 < c->argc) {
            if (!call_int(c, i + 1, &r->offset) || !call_int(c, i + 2, &r->limit))
                return false;
            i += 2;
        } else if (r->direction == RANGE_EITHER && call_is(c, i, "rev")) {
            r->direction = RANGE_BACKWARD;
        } else if (r->kind == RANGE_ANY && call_is(c, i, "bylex")) {
            r->kind = RANGE_TEXT;
        } else if (r->kind == RANGE_ANY && call_is(c, i, "byscore")) {
            r->kind = RANGE_SCORE;
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    return true;
}

/* Reads a whole range command whose key stands in argument `key`; false after an error was sent. */
static bool parse_range(struct cmd_call *c, uint32_t key, bool is_kept, struct range *r)
{
    const char *error = NULL;

    r->limit = -1;
    if (!parse_options(c, key + 3, is_kept, r))
        return false;
    if (r->kind == RANGE_ANY)
        r->kind = RANGE_RANK;
    if (r->limit != -1 && r->kind == RANGE_RANK)
        error = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
                "BYLEX";
    else if (r->with_scores && r->kind == RANGE_TEXT)
        error = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
    if (error) {
        reply_error(c->reply, error);
        return false;
    }
    return parse_ends(c, key + 1, r);
}

/* ---- intervals ---- */

struct interval {
    uint64_t first, count; /* ranks in rising order, whatever the direction */
};

static struct interval interval_of_ranks(uint64_t count, int64_t start, int64_t stop)
{
    int64_t all = (int64_t)count;

    if (start < 0)
        start = start + all < 0 ? 0 : start + all;
    if (stop < 0)
        stop += all;
    if (start > stop || start >= all)
        return (struct interval){0};
    if (stop >= all)
        stop = all - 1;
    return (struct interval){(uint64_t)start, (uint64_t)(stop - start) + 1};
}

static struct interval interval_of(const struct zset *z, const struct range *r)
{
    bool is_backward = r->direction == RANGE_BACKWARD;
    uint64_t all = zset_count(z);
    struct interval in;

    if (r->kind == RANGE_RANK) {
        in = interval_of_ranks(all, r->start, r->stop);
        if (is_backward && in.count > 0)
            in.first = all - in.first - in.count;
        return in;
    }
    uint64_t low = zset_below(z, &r->low), high = zset_below(z, &r->high);
    if (low >= high || r->offset < 0 || (uint64_t)r->offset >= high - low)
        return (struct interval){0};
    in.count = high - low - (uint64_t)r->offset;
    if (r->limit >= 0 && in.count > (uint64_t)r->limit)
        in.count = (uint64_t)r->limit;
    in.first = is_backward ? high - (uint64_t)r->offset - in.count : low + (uint64_t)r->offset;
    return in;
}

/* ---- reading ---- */

static void range_say(struct cmd_call *c, enum range_kind kind, enum range_direction direction)
{
    struct range r = {.kind = kind, .direction = direction};
    struct zset z;
    bool ok;

    if (!parse_range(c, 1, false, &r))
        return;
    if (!zset_read(c, 1, &z, &ok)) {
        if (ok)
            reply_array(c->reply, 0);
        return;
    }
    struct interval in = interval_of(&z, &r);
    struct zset_saying s = zset_say_begin(c, in.count, r.with_scores);
    zset_each(&z, in.first, in.count, r.direction == RANGE_BACKWARD, zset_say, &s);
}

void cmd_zrange(struct cmd_call *c)
{
    range_say(c, RANGE_ANY, RANGE_EITHER);
}

void cmd_zrevrange(struct cmd_call *c)
{
    range_say(c, RANGE_RANK, RANGE_BACKWARD);
}

void cmd_zrangebyscore(struct cmd_call *c)
{
    range_say(c, RANGE_SCORE, RANGE_FORWARD);
}

void cmd_zrevrangebyscore(struct cmd_call *c)
{
    range_say(c, RANGE_SCORE, RANGE_BACKWARD);
}

void cmd_zrangebylex(struct cmd_call *c)
{
    range_say(c, RANGE_TEXT, RANGE_FORWARD);
}

void cmd_zrevrangebylex(struct cmd_call *c)
{
    range_say(c, RANGE_TEXT, RANGE_BACKWARD);
}

/* ---- keeping ---- */

struct gathering {
    struct arena *scratch;
    struct zset_member *next;
};

static void gather(void *ctx, const struct zset_member *m)
{
    struct gathering *g = ctx;

    *g->next = *m;
    if (m->is_brief)
        g->next->text.ptr = arena_memdup(g->scratch, m->text.ptr, m->text.len);
    g->next++;
}

void cmd_zrangestore(struct cmd_call *c)
{
    struct range r = {0};
    struct key to = call_key(c, 1);
    struct interval in = {0};
    struct zset z;
    bool ok;

    if (!parse_range(c, 2, true, &r))
        return;
    if (zset_read(c, 2, &z, &ok))
        in = interval_of(&z, &r);
    else if (!ok)
        return;
    if (in.count == 0) {
        if (db_delete(c->db, to, c->ks->settings->lazy_server_del))
            call_changed(c, to, EVENT_GENERIC, "del");
        reply_int(c->reply, 0);
        return;
    }
    struct zset_member *members = arena_alloc(c->scratch, in.count * sizeof(*members));
    struct gathering g = {c->scratch, members};
    zset_each(&z, in.first, in.count, false, gather, &g);
    zset_store(c->db, to, members, in.count);
    call_changed(c, to, EVENT_ZSET, "zrangestore");
    reply_int(c->reply, (int64_t)in.count);
}

/* ---- counting and removing ---- */

/* Reads the range in arguments 2 and 3 and the key; false after an answer was sent. */
static bool range_open(struct cmd_call *c, enum range_kind kind, bool for_writing, struct zset *z,
                       struct interval *out)
{
    struct range r = {.kind = kind, .direction = RANGE_FORWARD, .limit = -1};
    bool ok;

    if (!parse_ends(c, 2, &r))
        return false;
    if (for_writing ? zset_write(c, 1, z, &ok) : zset_read(c, 1, z, &ok)) {
        *out = interval_of(z, &r);
        return true;
    }
    if (ok)
        reply_int(c->reply, 0);
    return false;
}

static void range_count(struct cmd_call *c, enum range_kind kind)
{
    struct interval in;
    struct zset z;

    if (range_open(c, kind, false, &z, &in))
        reply_int(c->reply, (int64_t)in.count);
}

void cmd_zcount(struct cmd_call *c)
{
    range_count(c, RANGE_SCORE);
}

void cmd_zlexcount(struct cmd_call *c)
{
    range_count(c, RANGE_TEXT);
}

static void range_remove(struct cmd_call *c, enum range_kind kind, const char *event)
{
    struct interval in;
    struct zset z;

    if (!range_open(c, kind, true, &z, &in))
        return;
    if (in.count > 0) {
        zset_cut(&z, in.first, in.count);
        changed_by(c, z.k, EVENT_ZSET, event, in.count);
        zset_end_if_empty(c, &z);
    }
    reply_int(c->reply, (int64_t)in.count);
}

void cmd_zremrangebyrank(struct cmd_call *c)
{
    range_remove(c, RANGE_RANK, "zremrangebyrank");
}

void cmd_zremrangebyscore(struct cmd_call *c)
{
    range_remove(c, RANGE_SCORE, "zremrangebyscore");
}

void cmd_zremrangebylex(struct cmd_call *c)
{
    range_remove(c, RANGE_TEXT, "zremrangebylex");
}
