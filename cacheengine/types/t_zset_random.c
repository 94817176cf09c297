/* Members by chance and in steps: ZRANDMEMBER, ZSCAN. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/scan.h"
#include "cacheengine/types/t_zset.h"
#include "contract/command_procs.h"

#include <math.h>

/* ---- ZRANDMEMBER ---- */

/* Ranks drawn already; open addressing, at most half full. 0 is free, so ranks are kept plus 1. */
struct drawn {
    uint64_t *slots;
    uint64_t mask;
};

static struct drawn drawn_new(struct arena *a, uint64_t count)
{
    struct drawn d = {.mask = 15};

    while (d.mask < 2 * count)
        d.mask = d.mask * 2 + 1;
    d.slots = arena_array(a, d.mask + 1, sizeof(*d.slots));
    return d;
}

/* The slot of a rank, or the free one where it would stand. */
static uint64_t *drawn_slot(const struct drawn *d, uint64_t rank)
{
    uint64_t at = (rank * 0x9E3779B97F4A7C15ULL >> 20) & d->mask;

    while (d->slots[at] && d->slots[at] != rank + 1)
        at = (at + 1) & d->mask;
    return &d->slots[at];
}

/* Draws a rank that was not drawn before. */
static uint64_t drawn_add(struct drawn *d, struct rng *rng, uint64_t all)
{
    for (;;) {
        uint64_t rank = rng_below(rng, all);
        uint64_t *slot = drawn_slot(d, rank);

        if (*slot)
            continue;
        *slot = rank + 1;
        return rank;
    }
}

/* All members but those drawn: where more than half are wanted, the others are drawn. */
struct sparing {
    struct zset_saying say;
    const struct drawn *spared;
    uint64_t rank;
};

static void sparing_visit(void *ctx, const struct zset_member *m)
{
    struct sparing *s = ctx;

    if (!*drawn_slot(s->spared, s->rank++))
        zset_say(&s->say, m);
}

static void say_different(struct cmd_call *c, const struct zset *z, uint64_t count,
                          struct zset_saying *say)
{
    uint64_t all = zset_count(z);
    bool is_most = count > all / 2;
    uint64_t draws = is_most ? all - count : count;
    struct drawn d = drawn_new(c->scratch, draws);

    for (uint64_t i = 0; i < draws; i++) {
        uint64_t rank = drawn_add(&d, &c->ks->rng, all);

        if (!is_most)
            zset_each(z, rank, 1, false, zset_say, say);
    }
    if (is_most) {
        struct sparing s = {.say = *say, .spared = &d};

        zset_each(z, 0, all, false, sparing_visit, &s);
    }
}

/* How often draws without end look at what waits for the client. */
#define LOOK_EVERY 1024

/* Each draw is from all members. Ends early when more is said than may wait for the client, which
 * will be closed. */
static void say_any(struct cmd_call *c, const struct zset *z, uint64_t count,
                    struct zset_saying *say)
{
    uint64_t limit = (uint64_t)c->ks->settings->output_limits[OUTPUT_NORMAL].hard_bytes;

    for (uint64_t i = 0; i < count; i++) {
        if (limit && i % LOOK_EVERY == 0 && reply_held_bytes(c->reply) > limit)
            return;
        zset_each(z, rng_below(&c->ks->rng, zset_count(z)), 1, false, zset_say, say);
    }
}

static void say_many(struct cmd_call *c, const struct zset *z, int64_t count, bool with_scores)
{
    uint64_t all = zset_count(z);
    uint64_t n = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;

    if (count > 0 && n > all)
        n = all;
    struct zset_saying s = zset_say_begin(c, n, with_scores);
    if (count > 0)
        say_different(c, z, n, &s);
    else
        say_any(c, z, n, &s);
}

/* Reads count and WITHSCORES; false after an error was sent. */
static bool random_parse(struct cmd_call *c, int64_t *count, bool *with_scores)
{
    if (!call_int_or(c, 2, -INT64_MAX, INT64_MAX, NULL, count))
        return false;
    *with_scores = c->argc == 4;
    if (c->argc > 4 || (*with_scores && !call_is(c, 3, "withscores"))) {
        reply_syntax_error(c->reply);
        return false;
    }
    if (*with_scores && (*count < -(INT64_MAX / 2) || *count > INT64_MAX / 2)) {
        reply_error(c->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

void cmd_zrandmember(struct cmd_call *c)
{
    bool is_one = c->argc == 2, with_scores = false, ok;
    struct zset_saying s = {.reply = c->reply};
    int64_t count = 1;
    struct zset z;

    if (!is_one && !random_parse(c, &count, &with_scores))
        return;
    bool is_there = zset_read(c, 1, &z, &ok);
    if (!ok)
        return;
    if (is_there && is_one)
        zset_each(&z, rng_below(&c->ks->rng, zset_count(&z)), 1, false, zset_say, &s);
    else if (is_there)
        say_many(c, &z, count, with_scores);
    else if (is_one)
        reply_null(c->reply);
    else
        reply_array(c->reply, 0);
}

/* ---- ZSCAN ---- */

struct scanning {
    struct scan scan;
    const struct db *db;
};

/* A tree's scores have up to 17 digits here, needed or not, as Redis says them. */
static void scan_tree_visit(void *ctx, uint32_t ref)
{
    struct scanning *s = ctx;
    const struct rank_member *m = rank_member_at(s->db, ref);
    struct str text = rank_member_text(m);
    struct packed_item item = {.ptr = text.ptr, .len = (uint32_t)text.len, .kind = PACKED_TEXT};

    if (!scan_says(&s->scan, &item))
        return;
    if (isfinite(m->score))
        reply_bulkf(s->scan.reply, "%.17Lg", (long double)m->score);
    else
        reply_bulk_text(s->scan.reply, m->score < 0 ? "-inf" : "inf");
}

static void scan_packed(const struct zset *z, struct scan *s)
{
    const uint8_t *run = packed_value_run(z->e);
    const uint8_t *at = packed_first(run), *end = run + entry_value_len(z->e);
    struct packed_item item;

    while (at < end) {
        at = packed_get(at, &item);
        bool is_said = scan_says(s, &item);
        at = packed_get(at, &item);
        if (is_said)
            packed_reply_item(s->reply, &item);
    }
    s->cursor = 0;
}

void cmd_zscan(struct cmd_call *c)
{
    struct scanning s = {.db = c->db};
    struct zset z;
    uint64_t step = 0;
    bool ok;

    if (!scan_cursor(c, &s.scan))
        return;
    if (!zset_read(c, 1, &z, &ok)) {
        if (ok)
            scan_reply_empty(c);
        return;
    }
    if (!scan_options(c, TYPE_ZSET, &s.scan))
        return;
    scan_begin(c, &s.scan);
    if (z.tree)
        do
            s.scan.cursor = index_scan(&z.tree->index, s.scan.cursor, scan_tree_visit, &s);
        while (scan_goes_on(&s.scan, ++step));
    else
        scan_packed(&z, &s.scan);
    scan_end(&s.scan);
}
