/*
 * Unions, intersections and differences of sorted sets, and of sets, whose members all have the
 * score 1. The one idea: a result is an array of members in the scratch arena, which is put in
 * order once and then said or stored; nothing is changed before it is complete.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/t_zset.h"
#include "contract/command_procs.h"

#include <math.h>
#include <stdlib.h>

enum algebra { ALGEBRA_UNION, ALGEBRA_INTER, ALGEBRA_DIFF };
enum aggregate { AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX };

/* A sorted set or a set. */
struct operand {
    uint64_t count; /* 0: there is no such key */
    double weight;
    bool is_set;
    struct zset zset;
    struct collection set;
};

struct request {
    struct cmd_call *c;
    enum algebra kind;
    bool is_stored, is_counted;
    enum aggregate aggregate;
    bool with_scores;
    uint64_t limit; /* of the count; 0: none */
    struct operand *operands;
    uint32_t count;
};

/* ---- arguments ---- */

/* Finds the key of an operand; false after WRONGTYPE was sent. */
static bool operand_open(struct cmd_call *c, uint32_t arg, struct operand *o)
{
    struct key k = call_key(c, arg);
    struct entry *e = db_read(c->db, k);

    *o = (struct operand){.weight = 1};
    if (!e)
        return true;
    if (entry_type(e) == TYPE_ZSET) {
        zset_open(&o->zset, c->db, k, e);
        o->count = zset_count(&o->zset);
        return true;
    }
    o->is_set = entry_type(e) == TYPE_SET;
    if (!o->is_set) {
        reply_wrong_type(c->reply);
        return false;
    }
    collection_open(&o->set, c->db, k, e);
    o->count = collection_count(&o->set);
    return true;
}

static bool parse_weights(struct request *r, uint32_t arg)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (number_parse_double(r->c->argv[arg + i], &r->operands[i].weight))
            continue;
        reply_error(r->c->reply, "ERR weight value is not a float");
        return false;
    }
    return true;
}

static bool parse_aggregate(struct request *r, uint32_t arg)
{
    static const char *const words[] = {"sum", "min", "max"};

    for (size_t i = 0; i < countof(words); i++)
        if (call_is(r->c, arg, words[i])) {
            r->aggregate = (enum aggregate)i;
            return true;
        }
    reply_syntax_error(r->c->reply);
    return false;
}

static bool parse_limit(struct request *r, uint32_t arg)
{
    int64_t limit;

    if (!call_int_or(r->c, arg, 0, INT64_MAX, "ERR LIMIT can't be negative", &limit))
        return false;
    r->limit = (uint64_t)limit;
    return true;
}

/* Reads the options from argument `i` on; false after an error was sent. */
static bool parse_options(struct request *r, uint32_t i)
{
    struct cmd_call *c = r->c;
    bool has_weights = r->kind != ALGEBRA_DIFF && !r->is_counted;

    while (i < c->argc) {
        uint32_t left = c->argc - i;
        bool ok = true;

        if (has_weights && left >= r->count + 1 && call_is(c, i, "weights")) {
            ok = parse_weights(r, i + 1);
            i += r->count + 1;
        } else if (has_weights && left >= 2 && call_is(c, i, "aggregate")) {
            ok = parse_aggregate(r, i + 1);
            i += 2;
        } else if (!r->is_stored && !r->is_counted && call_is(c, i, "withscores")) {
            r->with_scores = true;
            i++;
        } else if (r->is_counted && left >= 2 && call_is(c, i, "limit")) {
            ok = parse_limit(r, i + 1);
            i += 2;
        } else {
            reply_syntax_error(c->reply);
            ok = false;
        }
        if (!ok)
            return false;
    }
    return true;
}

/* Reads the number of keys in argument `arg`, the keys and the options. */
static bool parse(struct request *r, uint32_t arg)
{
    struct cmd_call *c = r->c;
    int64_t count;

    if (!call_int(c, arg, &count))
        return false;
    if (count < 1) {
        reply_errorf(c->reply, "ERR at least 1 input key is needed for '%s' command", c->cmd->name);
        return false;
    }
    if (count > c->argc - arg - 1) {
        reply_syntax_error(c->reply);
        return false;
    }
    r->count = (uint32_t)count;
    r->operands = arena_alloc(c->scratch, r->count * sizeof(*r->operands));
    for (uint32_t i = 0; i < r->count; i++)
        if (!operand_open(c, arg + 1 + i, &r->operands[i]))
            return false;
    return parse_options(r, arg + 1 + r->count);
}

/* ---- operands ---- */

typedef bool (*take_fn)(void *ctx, const struct zset_member *m);

struct walking {
    take_fn take;
    void *ctx;
    bool is_over;
};

static void walk_visit(void *ctx, const struct zset_member *m)
{
    struct walking *w = ctx;

    if (!w->is_over)
        w->is_over = !w->take(w->ctx, m);
}

static void set_walk(const struct collection *set, struct walking *w)
{
    struct collection_walk walk = {0};
    struct packed_digits digits;
    struct packed_item item;

    while (!w->is_over && collection_next(set, &walk, &item)) {
        struct zset_member m = {.text = packed_text(&item, &digits),
                                .score = 1,
                                .is_brief = item.kind == PACKED_NUMBER};

        walk_visit(w, &m);
    }
}

/* Gives all members to `take` until it says that it has enough. */
static void operand_walk(const struct operand *o, take_fn take, void *ctx)
{
    struct walking w = {.take = take, .ctx = ctx};

    if (o->count == 0)
        return;
    if (o->is_set)
        set_walk(&o->set, &w);
    else
        zset_each(&o->zset, 0, o->count, false, walk_visit, &w);
}

static bool operand_find(const struct operand *o, struct str text, double *score)
{
    struct zset_place place;

    if (o->count == 0)
        return false;
    if (o->is_set) {
        struct packed_item item = packed_item_of(text);

        *score = 1;
        return collection_has(&o->set, &item);
    }
    if (!zset_find(&o->zset, text, &place))
        return false;
    *score = place.score;
    return true;
}

/* The smallest in front; operands of one size keep their order, for sums depend on it. */
static void operands_sort(struct request *r)
{
    for (uint32_t i = 1; i < r->count; i++) {
        struct operand o = r->operands[i];
        uint32_t at = i;

        for (; at > 0 && r->operands[at - 1].count > o.count; at--)
            r->operands[at] = r->operands[at - 1];
        r->operands[at] = o;
    }
}

/* ---- scores ---- */

/* Infinity times 0 counts as 0, and so does the sum of opposite infinities. */
static double or_zero(double v)
{
    return isnan(v) ? 0 : v;
}

static double aggregated(enum aggregate how, double a, double b)
{
    switch (how) {
    case AGGREGATE_MIN: return b < a ? b : a;
    case AGGREGATE_MAX: return b > a ? b : a;
    default: return or_zero(a + b);
    }
}

/* ---- results ---- */

struct result {
    struct request *r;
    struct zset_member *members;
    uint64_t count, room;
    /* Of unions: what finds a member among the others, 0 or its number and 1. */
    uint32_t *slots;
    uint64_t mask;
    double weight; /* of the operand being walked */
};

static void result_room(struct result *out, uint64_t room)
{
    out->room = room;
    out->members = arena_alloc(out->r->c->scratch, room * sizeof(*out->members));
}

static void result_add(struct result *out, const struct zset_member *m, double score)
{
    struct zset_member *to = &out->members[out->count++];

    check(out->count <= out->room);
    *to = *m;
    to->score = score;
    if (m->is_brief)
        to->text.ptr = arena_memdup(out->r->c->scratch, m->text.ptr, m->text.len);
}

/* ---- unions ---- */

static bool union_take(void *ctx, const struct zset_member *m)
{
    struct result *out = ctx;
    double score = or_zero(m->score * out->weight);
    uint64_t at = hash_bytes(&out->r->c->ks->seed, m->text.ptr, m->text.len) & out->mask;

    for (; out->slots[at]; at = (at + 1) & out->mask) {
        struct zset_member *has = &out->members[out->slots[at] - 1];

        if (has->text.len != m->text.len || memcmp(has->text.ptr, m->text.ptr, m->text.len) != 0)
            continue;
        has->score = aggregated(out->r->aggregate, has->score, score);
        return true;
    }
    result_add(out, m, score);
    out->slots[at] = (uint32_t)out->count;
    return true;
}

static void unite(struct request *r, struct result *out)
{
    uint64_t room = 0;

    operands_sort(r);
    for (uint32_t i = 0; i < r->count; i++)
        room += r->operands[i].count;
    result_room(out, room);
    out->mask = 15;
    while (out->mask < room + room / 2)
        out->mask = out->mask * 2 + 1;
    out->slots = arena_array(r->c->scratch, out->mask + 1, sizeof(*out->slots));
    for (uint32_t i = 0; i < r->count; i++) {
        out->weight = r->operands[i].weight;
        operand_walk(&r->operands[i], union_take, out);
    }
}

/* ---- intersections ---- */

static bool inter_take(void *ctx, const struct zset_member *m)
{
    struct result *out = ctx;
    struct request *r = out->r;
    double score = or_zero(m->score * r->operands[0].weight), other;

    for (uint32_t i = 1; i < r->count; i++) {
        if (!operand_find(&r->operands[i], m->text, &other))
            return true;
        score = aggregated(r->aggregate, score, other * r->operands[i].weight);
    }
    if (!r->is_counted) {
        result_add(out, m, score);
        return true;
    }
    return ++out->count != r->limit;
}

static void intersect(struct request *r, struct result *out)
{
    operands_sort(r);
    if (!r->is_counted)
        result_room(out, r->operands[0].count);
    operand_walk(&r->operands[0], inter_take, out);
}

/* ---- differences ---- */

static bool diff_take(void *ctx, const struct zset_member *m)
{
    struct result *out = ctx;
    double other;

    for (uint32_t i = 1; i < out->r->count; i++)
        if (operand_find(&out->r->operands[i], m->text, &other))
            return true;
    result_add(out, m, m->score);
    return true;
}

static void subtract(struct request *r, struct result *out)
{
    result_room(out, r->operands[0].count);
    operand_walk(&r->operands[0], diff_take, out);
}

/* ---- commands ---- */

static bool is_in_order(const struct result *out)
{
    for (uint64_t i = 1; i < out->count; i++)
        if (zset_order(&out->members[i - 1], &out->members[i]) > 0)
            return false;
    return true;
}

static void result_make(struct request *r, struct result *out)
{
    *out = (struct result){.r = r};
    switch (r->kind) {
    case ALGEBRA_UNION: unite(r, out); break;
    case ALGEBRA_INTER: intersect(r, out); break;
    case ALGEBRA_DIFF: subtract(r, out); break;
    }
    if (!r->is_counted && !is_in_order(out))
        qsort(out->members, out->count, sizeof(*out->members), zset_order);
}

static void say(struct cmd_call *c, enum algebra kind)
{
    struct request r = {.c = c, .kind = kind};
    struct result out;

    if (!parse(&r, 1))
        return;
    result_make(&r, &out);
    struct zset_saying s = zset_say_begin(c, out.count, r.with_scores);
    for (uint64_t i = 0; i < out.count; i++)
        zset_say(&s, &out.members[i]);
}

static void store(struct cmd_call *c, enum algebra kind, const char *event)
{
    struct request r = {.c = c, .kind = kind, .is_stored = true};
    struct key to = call_key(c, 1);
    struct result out;

    if (!parse(&r, 2))
        return;
    result_make(&r, &out);
    if (out.count > 0) {
        zset_store(c->db, to, out.members, out.count);
        call_changed(c, to, EVENT_ZSET, event);
    } else if (db_delete(c->db, to, c->ks->settings->lazy_server_del)) {
        call_changed(c, to, EVENT_GENERIC, "del");
    }
    reply_int(c->reply, (int64_t)out.count);
}

void cmd_zunion(struct cmd_call *c)
{
    say(c, ALGEBRA_UNION);
}

void cmd_zinter(struct cmd_call *c)
{
    say(c, ALGEBRA_INTER);
}

void cmd_zdiff(struct cmd_call *c)
{
    say(c, ALGEBRA_DIFF);
}

void cmd_zunionstore(struct cmd_call *c)
{
    store(c, ALGEBRA_UNION, "zunionstore");
}

void cmd_zinterstore(struct cmd_call *c)
{
    store(c, ALGEBRA_INTER, "zinterstore");
}

void cmd_zdiffstore(struct cmd_call *c)
{
    store(c, ALGEBRA_DIFF, "zdiffstore");
}

void cmd_zintercard(struct cmd_call *c)
{
    struct request r = {.c = c, .kind = ALGEBRA_INTER, .is_counted = true};
    struct result out;

    if (!parse(&r, 1))
        return;
    result_make(&r, &out);
    reply_int(c->reply, (int64_t)out.count);
}
