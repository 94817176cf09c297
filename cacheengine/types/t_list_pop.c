/* Taking elements out at one end, or waiting for some: LPOP, RPOP, LMPOP, BLPOP, BRPOP, BLMPOP. */
#include "base/command.h"
#include "cacheengine/keyspace/wait.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_list.h"
#include "contract/command_procs.h"

/* Says `count` elements of an end, the outermost first, and removes them. The head was said. */
static void pop(struct cmd_call *c, struct sequence *s, bool is_left, uint64_t count)
{
    uint64_t all = sequence_count(s);
    struct sequence_walk w;
    struct packed_item item;

    sequence_walk_begin(&w, s, is_left ? 0 : all - 1, !is_left && count > 1, c->scratch);
    for (uint64_t i = 0; i < count && sequence_next(&w, &item); i++)
        packed_reply_item(c->reply, &item);
    sequence_remove(s, is_left ? 0 : all - count, count);
    list_shrank(c, s, is_left ? "lpop" : "rpop", count);
}

static uint64_t at_most(const struct sequence *s, int64_t count)
{
    uint64_t all = sequence_count(s);

    return all < (uint64_t)count ? all : (uint64_t)count;
}

static void pop_command(struct cmd_call *c, bool is_left)
{
    bool has_count = c->argc == 3, ok;
    struct sequence s;
    int64_t count = 1;

    if (c->argc > 3) {
        call_bad_arity(c);
        return;
    }
    if (has_count &&
        !call_int_or(c, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &count))
        return;
    if (!list_find(c, 1, &s, &ok)) {
        if (ok && has_count)
            reply_null_array(c->reply);
        else if (ok)
            reply_null(c->reply);
        return;
    }
    uint64_t most = at_most(&s, count);
    if (has_count)
        reply_array(c->reply, most);
    if (most > 0)
        pop(c, &s, is_left, most);
}

void cmd_lpop(struct cmd_call *c)
{
    pop_command(c, true);
}

void cmd_rpop(struct cmd_call *c)
{
    pop_command(c, false);
}

/* ---- several keys ---- */

struct popping {
    uint32_t first, keys; /* arguments */
    bool is_left;
    int64_t count;
};

/* Reads `numkeys key ... LEFT|RIGHT [COUNT count]` from an argument on. */
static bool popping_parse(struct cmd_call *c, uint32_t arg, struct popping *p)
{
    int64_t keys;
    bool has_count = false;

    *p = (struct popping){.first = arg + 1, .count = 1};
    if (!call_int_or(c, arg, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys))
        return false;
    if (keys >= c->argc - p->first) {
        reply_syntax_error(c->reply);
        return false;
    }
    p->keys = (uint32_t)keys;
    uint32_t i = p->first + p->keys;
    if (!list_parse_end(c, i, &p->is_left))
        return false;
    for (i++; i < c->argc; i += 2) {
        if (has_count || !call_is(c, i, "count") || i + 1 == c->argc) {
            reply_syntax_error(c->reply);
            return false;
        }
        has_count = true;
        if (!call_int_or(c, i + 1, 1, INT64_MAX, "ERR count should be greater than 0", &p->count))
            return false;
    }
    return true;
}

/* It is known now from which key, and how many there were. */
static void tell_popped(struct cmd_call *c, bool is_left, uint32_t key, uint64_t count, bool alone)
{
    struct str pop = is_left ? STR("LPOP") : STR("RPOP");
    struct number_text digits;

    if (alone)
        call_tell(c, pop, c->argv[key]);
    else
        call_tell(c, pop, c->argv[key], number_digits(&digits, (int64_t)count));
}

/* Pops from the first key that has elements, as the key with an array of them or, `alone`, with
 * one. False when there is none; *ok is false after WRONGTYPE was sent. */
static bool popping_run(struct cmd_call *c, const struct popping *p, bool alone, bool *ok)
{
    struct sequence s;

    *ok = true;
    for (uint32_t i = p->first; i < p->first + p->keys && *ok; i++) {
        if (!list_find(c, i, &s, ok))
            continue;
        uint64_t count = at_most(&s, p->count);
        reply_array(c->reply, 2);
        reply_bulk_str(c->reply, c->argv[i]);
        if (!alone)
            reply_array(c->reply, count);
        pop(c, &s, p->is_left, count);
        if (call_is_told(c))
            tell_popped(c, p->is_left, i, count, alone);
        return true;
    }
    return false;
}

void cmd_lmpop(struct cmd_call *c)
{
    struct popping p;
    bool ok;

    if (!popping_parse(c, 1, &p))
        return;
    if (!popping_run(c, &p, false, &ok) && ok)
        reply_null_array(c->reply);
}

/* ---- waiting ---- */

static void pop_or_wait(struct cmd_call *c, const struct popping *p, uint32_t timeout, bool alone)
{
    int64_t until_ms;
    bool ok;

    if (!call_timeout(c, timeout, &until_ms))
        return;
    if (!popping_run(c, p, alone, &ok) && ok)
        call_wait(c,
                  &(struct wait){TYPE_LIST, p->first, p->keys, until_ms, reply_null_array, false});
}

void cmd_blmpop(struct cmd_call *c)
{
    struct popping p;

    if (popping_parse(c, 2, &p))
        pop_or_wait(c, &p, 1, false);
}

void cmd_blpop(struct cmd_call *c)
{
    pop_or_wait(c, &(struct popping){1, c->argc - 2, true, 1}, c->argc - 1, true);
}

void cmd_brpop(struct cmd_call *c)
{
    pop_or_wait(c, &(struct popping){1, c->argc - 2, false, 1}, c->argc - 1, true);
}
