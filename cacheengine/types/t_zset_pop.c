/* Taking members out at one end, or waiting for some: ZPOPMIN, ZPOPMAX, ZMPOP, BZPOPMIN, BZPOPMAX,
 * BZMPOP. */
#include "base/command.h"
#include "cacheengine/keyspace/wait.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_zset.h"
#include "contract/command_procs.h"

/* Says up to `count` members of an end and removes them. The head was said. */
static void pop(struct cmd_call *c, struct zset *z, bool is_max, uint64_t count,
                struct zset_saying *s)
{
    uint64_t all = zset_count(z);
    uint64_t first = is_max ? all - count : 0;

    zset_each(z, first, count, is_max, zset_say, s);
    zset_cut(z, first, count);
    changed_by(c, z->k, EVENT_ZSET, is_max ? "zpopmax" : "zpopmin", count);
    zset_end_if_empty(c, z);
}

static void pop_command(struct cmd_call *c, bool is_max)
{
    int64_t count = 1;
    struct zset z;
    bool ok;

    if (c->argc > 3) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc == 3 &&
        !call_int_or(c, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &count))
        return;
    bool is_there = zset_write(c, 1, &z, &ok);
    if (!ok)
        return;
    if (!is_there || count == 0) {
        reply_array(c->reply, 0);
        return;
    }
    uint64_t most = zset_count(&z) < (uint64_t)count ? zset_count(&z) : (uint64_t)count;
    struct zset_saying s = {c->reply, true, c->argc == 3 && c->reply->resp > 2};
    reply_array(c->reply, s.as_pairs ? most : most * 2);
    pop(c, &z, is_max, most, &s);
}

void cmd_zpopmin(struct cmd_call *c)
{
    pop_command(c, false);
}

void cmd_zpopmax(struct cmd_call *c)
{
    pop_command(c, true);
}

/* ---- several keys ---- */

struct popping {
    uint32_t first, keys; /* arguments */
    bool is_max;
    int64_t count;
};

/* Reads `numkeys key ... MIN|MAX [COUNT count]` from an argument on. */
static bool popping_parse(struct cmd_call *c, uint32_t arg, struct popping *p)
{
    int64_t keys;
    bool has_count = false;

    if (!call_int_or(c, arg, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys))
        return false;
    p->first = arg + 1;
    if (keys >= c->argc - p->first) {
        reply_syntax_error(c->reply);
        return false;
    }
    p->keys = (uint32_t)keys;
    p->count = 1;
    uint32_t i = p->first + p->keys;
    p->is_max = call_is(c, i, "max");
    bool ok = p->is_max || call_is(c, i, "min");
    for (i++; ok && i < c->argc; i += 2) {
        ok = !has_count && call_is(c, i, "count") && i + 1 < c->argc;
        has_count = true;
        if (ok &&
            !call_int_or(c, i + 1, 1, INT64_MAX, "ERR count should be greater than 0", &p->count))
            return false;
    }
    if (!ok)
        reply_syntax_error(c->reply);
    return ok;
}

/* It is known now from which key, and how many there were. */
static void tell_popped(struct cmd_call *c, bool is_max, uint32_t key, uint64_t count, bool alone)
{
    struct str pop = is_max ? STR("ZPOPMAX") : STR("ZPOPMIN");
    struct number_text digits;

    if (alone)
        call_tell(c, pop, c->argv[key]);
    else
        call_tell(c, pop, c->argv[key], number_digits(&digits, (int64_t)count));
}

/* Pops from the first key that has members. False when there is none; *ok is false after WRONGTYPE
 * was sent. */
static bool popping_run(struct cmd_call *c, const struct popping *p, bool *ok)
{
    for (uint32_t i = p->first; i < p->first + p->keys; i++) {
        struct zset z;

        if (!zset_write(c, i, &z, ok)) {
            if (!*ok)
                return false;
            continue;
        }
        uint64_t count = zset_count(&z) < (uint64_t)p->count ? zset_count(&z) : (uint64_t)p->count;
        struct zset_saying s = {c->reply, true, true};
        reply_array(c->reply, 2);
        reply_bulk_str(c->reply, c->argv[i]);
        reply_array(c->reply, count);
        pop(c, &z, p->is_max, count, &s);
        if (call_is_told(c))
            tell_popped(c, p->is_max, i, count, false);
        return true;
    }
    return false;
}

void cmd_zmpop(struct cmd_call *c)
{
    struct popping p;
    bool ok = true;

    if (!popping_parse(c, 1, &p))
        return;
    if (!popping_run(c, &p, &ok) && ok)
        reply_null_array(c->reply);
}

/* ---- waiting ---- */

void cmd_bzmpop(struct cmd_call *c)
{
    struct popping p;
    int64_t until_ms;
    bool ok = true;

    if (!popping_parse(c, 2, &p) || !call_timeout(c, 1, &until_ms))
        return;
    if (!popping_run(c, &p, &ok) && ok)
        call_wait(c, &(struct wait){TYPE_ZSET, p.first, p.keys, until_ms, reply_null_array, false});
}

static void pop_or_wait(struct cmd_call *c, bool is_max)
{
    uint32_t keys = c->argc - 2;
    int64_t until_ms;

    if (!call_timeout(c, c->argc - 1, &until_ms))
        return;
    for (uint32_t i = 1; i <= keys; i++) {
        struct zset_saying s = {c->reply, true, false};
        struct zset z;
        bool ok;

        if (zset_write(c, i, &z, &ok)) {
            reply_array(c->reply, 3);
            reply_bulk_str(c->reply, c->argv[i]);
            pop(c, &z, is_max, 1, &s);
            if (call_is_told(c))
                tell_popped(c, is_max, i, 1, true);
            return;
        }
        if (!ok)
            return;
    }
    call_wait(c, &(struct wait){TYPE_ZSET, 1, keys, until_ms, reply_null_array, false});
}

void cmd_bzpopmin(struct cmd_call *c)
{
    pop_or_wait(c, false);
}

void cmd_bzpopmax(struct cmd_call *c)
{
    pop_or_wait(c, true);
}
