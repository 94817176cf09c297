/* Single members of sorted sets: ZADD, ZINCRBY, ZREM, ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK. */
#include "cacheengine/types/t_zset.h"

#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "contract/command_procs.h"

#include <math.h>

#define FEW_SCORES 16 /* pairs whose scores need no memory of their own */

/* ---- shared ---- */

struct zset_saying zset_say_begin(struct cmd_call *c, uint64_t count, bool with_scores)
{
    bool as_pairs = with_scores && c->reply->resp > 2;

    reply_array(c->reply, with_scores && !as_pairs ? count * 2 : count);
    return (struct zset_saying){c->reply, with_scores, as_pairs};
}

void zset_say(void *ctx, const struct zset_member *m)
{
    const struct zset_saying *s = ctx;

    if (s->as_pairs)
        reply_array(s->reply, 2);
    reply_bulk_str(s->reply, m->text);
    if (s->with_scores)
        reply_double(s->reply, m->score);
}

void zset_end_if_empty(struct cmd_call *c, struct zset *z)
{
    if (zset_count(z) > 0)
        return;
    db_delete_entry(c->db, z->k, z->e, false);
    changed_by(c, z->k, EVENT_GENERIC, "del", 0);
}

/* ---- ZADD ---- */

struct adding {
    struct zset_adding how;
    bool if_greater, if_less, is_increment;
    uint64_t added, updated;
    bool was_done; /* the last pair had an effect, or would have but for being the same */
    double score;  /* of the last one */
};

/* Reads the options; false after an error was sent. */
static bool adding_parse(struct cmd_call *c, struct adding *a)
{
    struct zset_adding *how = &a->how;
    uint32_t i = 2;

    for (; i < c->argc; i++) {
        if (call_is(c, i, "nx"))
            how->if_absent = true;
        else if (call_is(c, i, "xx"))
            how->if_present = true;
        else if (call_is(c, i, "gt"))
            a->if_greater = true;
        else if (call_is(c, i, "lt"))
            a->if_less = true;
        else if (call_is(c, i, "ch"))
            how->counts_changes = true;
        else if (call_is(c, i, "incr"))
            a->is_increment = true;
        else
            break;
    }
    uint32_t rest = c->argc - i;
    const char *error = NULL;
    how->first = i + 1;
    how->step = 2;
    how->count = rest / 2;
    if (rest == 0 || rest % 2)
        error = "ERR syntax error";
    else if (how->if_absent && how->if_present)
        error = "ERR XX and NX options at the same time are not compatible";
    else if (how->if_absent + a->if_greater + a->if_less > 1)
        error = "ERR GT, LT, and/or NX options at the same time are not compatible";
    else if (a->is_increment && how->count > 1)
        error = "ERR INCR option supports a single increment-element pair";
    if (error)
        reply_error(c->reply, error);
    return !error;
}

/* The scores of all pairs: all are right before any is used. NULL after the error was sent. */
static const double *adding_scores(struct cmd_call *c, const struct adding *a, double *few)
{
    uint32_t count = a->how.count;
    double *scores = count <= FEW_SCORES ? few : arena_alloc(c->scratch, count * sizeof(*scores));

    for (uint32_t i = 0; i < count; i++)
        if (!call_double(c, a->how.first - 1 + 2 * i, &scores[i]))
            return NULL;
    return scores;
}

/* Changes the score of a member that is there; false when it would be no number. */
static bool adding_update(struct adding *a, struct zset *z, const struct zset_place *place,
                          struct str text, double score)
{
    if (a->how.if_absent)
        return true;
    if (a->is_increment)
        score += place->score;
    if (isnan(score))
        return false;
    if ((a->if_less && score >= place->score) || (a->if_greater && score <= place->score))
        return true;
    a->was_done = true;
    a->score = score;
    if (score == place->score)
        return true;
    zset_rescore(z, place, text, score);
    a->updated++;
    return true;
}

/* Adds or changes one member; false when its score would be no number. */
static bool adding_one(struct adding *a, struct zset *z, struct str text, double score)
{
    struct zset_place place;

    a->was_done = false;
    if (zset_find_for(z, text, score, &place))
        return adding_update(a, z, &place, text, score);
    if (a->how.if_present)
        return true;
    zset_add(z, &place, text, score);
    a->was_done = true;
    a->score = score;
    a->added++;
    return true;
}

static struct str member_of(const struct cmd_call *c, const struct adding *a, uint32_t i)
{
    return c->argv[a->how.first + a->how.step * i];
}

/* True when so many pairs, or one so long, make a tree of a run at once. */
static bool adds_many(const struct cmd_call *c, const struct adding *a, const struct zset *z)
{
    const struct settings *s = c->ks->settings;

    if (z->tree || a->how.count > (uint64_t)s->zset_packed_entries)
        return !z->tree;
    if (z->e)
        return false;
    for (uint32_t i = 0; i < a->how.count; i++)
        if (member_of(c, a, i).len > (size_t)s->zset_packed_value)
            return true;
    return false;
}

static void adding_run(struct cmd_call *c, struct adding *a, struct zset *z, const double *scores)
{
    bool ok = true;

    if (adds_many(c, a, z))
        zset_spread(z);
    for (uint32_t i = 0; i < a->how.count && ok; i++)
        ok = adding_one(a, z, member_of(c, a, i), scores[i]);
    if (!ok) {
        reply_error(c->reply, "ERR resulting score is not a number (NaN)");
        return;
    }
    if (a->added + a->updated > 0)
        changed_by(c, z->k, EVENT_ZSET, a->is_increment ? "zincr" : "zadd", a->added + a->updated);
}

/* Finds the key, adds and answers. */
static void adding_do(struct cmd_call *c, struct adding *a, const double *scores)
{
    struct zset z;
    bool ok;

    bool is_there = zset_write(c, 1, &z, &ok);
    if (!ok)
        return;
    if (!is_there)
        zset_open(&z, c->db, call_key(c, 1), NULL);
    uint64_t errors = c->reply->errors;
    if (is_there || !a->how.if_present)
        adding_run(c, a, &z, scores);
    if (c->reply->errors != errors)
        return;
    if (!a->is_increment)
        reply_int(c->reply, (int64_t)(a->how.counts_changes ? a->added + a->updated : a->added));
    else if (a->was_done)
        reply_double(c->reply, a->score);
    else
        reply_null(c->reply);
}

void zset_add_scored(struct cmd_call *c, const struct zset_adding *how, const double *scores)
{
    struct adding a = {.how = *how};

    adding_do(c, &a, scores);
}

static void add(struct cmd_call *c, bool is_increment)
{
    struct adding a = {.is_increment = is_increment};
    double few[FEW_SCORES];

    if (!adding_parse(c, &a))
        return;
    const double *scores = adding_scores(c, &a, few);
    if (scores)
        adding_do(c, &a, scores);
}

void cmd_zadd(struct cmd_call *c)
{
    add(c, false);
}

void cmd_zincrby(struct cmd_call *c)
{
    add(c, true);
}

/* ---- the others ---- */

void cmd_zrem(struct cmd_call *c)
{
    uint64_t removed = 0;
    struct zset z;
    bool ok;

    if (!zset_write(c, 1, &z, &ok)) {
        if (ok)
            reply_int(c->reply, 0);
        return;
    }
    for (uint32_t i = 2; i < c->argc && zset_count(&z) > 0; i++) {
        struct zset_place place;

        if (!zset_find(&z, c->argv[i], &place))
            continue;
        zset_remove(&z, &place);
        removed++;
    }
    if (removed > 0) {
        changed_by(c, z.k, EVENT_ZSET, "zrem", removed);
        zset_end_if_empty(c, &z);
    }
    reply_int(c->reply, (int64_t)removed);
}

void cmd_zcard(struct cmd_call *c)
{
    struct zset z;
    bool ok;

    if (zset_read(c, 1, &z, &ok))
        reply_int(c->reply, (int64_t)zset_count(&z));
    else if (ok)
        reply_int(c->reply, 0);
}

/* Says the score of a member, or null. */
static void say_score(struct cmd_call *c, const struct zset *z, struct str text)
{
    struct zset_place place;

    if (zset_find(z, text, &place))
        reply_double(c->reply, place.score);
    else
        reply_null(c->reply);
}

void cmd_zscore(struct cmd_call *c)
{
    struct zset z;
    bool ok;

    if (zset_read(c, 1, &z, &ok))
        say_score(c, &z, c->argv[2]);
    else if (ok)
        reply_null(c->reply);
}

void cmd_zmscore(struct cmd_call *c)
{
    struct zset z;
    bool ok;

    if (!zset_read(c, 1, &z, &ok))
        zset_open(&z, c->db, call_key(c, 1), NULL);
    if (!ok)
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        say_score(c, &z, c->argv[i]);
}

static void say_rank(struct cmd_call *c, bool is_reverse)
{
    bool with_score = c->argc == 4, ok;
    struct zset_place place;
    struct zset z;

    if (c->argc > 4) {
        call_bad_arity(c);
        return;
    }
    if (with_score && !call_is(c, 3, "withscore")) {
        reply_syntax_error(c->reply);
        return;
    }
    bool is_found = zset_read(c, 1, &z, &ok) && zset_find(&z, c->argv[2], &place);
    if (!ok)
        return;
    if (!is_found) {
        if (with_score)
            reply_null_array(c->reply);
        else
            reply_null(c->reply);
        return;
    }
    uint64_t rank = zset_rank(&z, &place);
    if (with_score)
        reply_array(c->reply, 2);
    reply_int(c->reply, (int64_t)(is_reverse ? zset_count(&z) - 1 - rank : rank));
    if (with_score)
        reply_double(c->reply, place.score);
}

void cmd_zrank(struct cmd_call *c)
{
    say_rank(c, false);
}

void cmd_zrevrank(struct cmd_call *c)
{
    say_rank(c, true);
}
