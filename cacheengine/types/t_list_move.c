/* From one list to another: LMOVE, RPOPLPUSH and the forms that wait. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/wait.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_list.h"
#include "contract/command_procs.h"

struct move {
    bool from_left, to_left;
};

/* Opens a list again after the other one was changed. */
static void reopen(struct sequence *s)
{
    sequence_open(s, s->db, s->k, db_peek(s->db, s->k));
}

/* Moves an element of the list that was found. Both keys may be the same one: so the element is put
 * in before it is seen whether the list it came from is at its end. */
static void move_one(struct cmd_call *c, struct sequence *from, const struct move *m)
{
    uint64_t index = m->from_left ? 0 : sequence_count(from) - 1;
    struct packed_digits digits;
    struct packed_item item;
    struct sequence to;
    bool ok;

    list_find(c, 2, &to, &ok);
    if (!ok)
        return;
    sequence_at(from, index, &item);
    struct str text = packed_text(&item, &digits);
    text.ptr = arena_memdup(c->scratch, text.ptr, text.len);
    reply_bulk_str(c->reply, text);
    sequence_remove(from, index, 1);
    reopen(&to);
    sequence_grows(&to, item.kind == PACKED_NUMBER ? 0 : text.len, 1);
    sequence_push(&to, m->to_left, &text, 1);
    changed_by(c, to.k, EVENT_LIST, m->to_left ? "lpush" : "rpush", 0);
    reopen(from);
    list_shrank(c, from, m->from_left ? "lpop" : "rpop", 1);
}

static void move_command(struct cmd_call *c, const struct move *m)
{
    struct sequence s;
    bool ok;

    if (list_find(c, 1, &s, &ok))
        move_one(c, &s, m);
    else if (ok)
        reply_null(c->reply);
}

/* The same without waiting. */
static void tell_moved(struct cmd_call *c)
{
    if (c->argc == 6)
        call_tell(c, STR("LMOVE"), c->argv[1], c->argv[2], c->argv[3], c->argv[4]);
    else
        call_tell(c, STR("RPOPLPUSH"), c->argv[1], c->argv[2]);
}

/* In a transaction nobody waits, and the answer is another null than that of a time that is up. */
static void move_or_wait(struct cmd_call *c, const struct move *m, uint32_t timeout)
{
    int64_t until_ms;
    struct sequence s;
    bool ok;

    if (!call_timeout(c, timeout, &until_ms))
        return;
    if (list_find(c, 1, &s, &ok)) {
        move_one(c, &s, m);
        if (c->dirty > 0)
            tell_moved(c);
    } else if (ok && c->is_inner) {
        reply_null(c->reply);
    } else if (ok) {
        call_wait(c, &(struct wait){TYPE_LIST, 1, 1, until_ms, reply_null_array, false});
    }
}

static bool parse_ends(struct cmd_call *c, struct move *m)
{
    return list_parse_end(c, 3, &m->from_left) && list_parse_end(c, 4, &m->to_left);
}

void cmd_lmove(struct cmd_call *c)
{
    struct move m;

    if (parse_ends(c, &m))
        move_command(c, &m);
}

void cmd_blmove(struct cmd_call *c)
{
    struct move m;

    if (parse_ends(c, &m))
        move_or_wait(c, &m, 5);
}

void cmd_rpoplpush(struct cmd_call *c)
{
    move_command(c, &(struct move){false, true});
}

void cmd_brpoplpush(struct cmd_call *c)
{
    move_or_wait(c, &(struct move){false, true}, 3);
}
