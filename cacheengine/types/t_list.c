/* Lists: pushing and reading. */
#include "cacheengine/types/t_list.h"

#include "base/command.h"
#include "cacheengine/types/changed.h"
#include "contract/command_procs.h"

bool list_read(struct cmd_call *c, uint32_t arg, struct sequence *s, bool *ok)
{
    struct key k = call_key(c, arg);
    struct entry *e = call_read(c, k, TYPE_LIST, ok);

    sequence_open(s, c->db, k, e);
    return e;
}

bool list_find(struct cmd_call *c, uint32_t arg, struct sequence *s, bool *ok)
{
    struct key k = call_key(c, arg);
    struct entry *e = call_find(c, k, TYPE_LIST, ok);

    sequence_open(s, c->db, k, e);
    return e;
}

void list_shrank(struct cmd_call *c, struct sequence *s, const char *event, uint64_t changes)
{
    bool is_empty = sequence_count(s) == 0;

    if (is_empty)
        db_delete_entry(c->db, s->k, s->e, false);
    else
        sequence_shrank(s);
    changed_by(c, s->k, EVENT_LIST, event, changes);
    if (is_empty)
        changed_by(c, s->k, EVENT_GENERIC, "del", 0);
}

bool list_parse_end(struct cmd_call *c, uint32_t arg, bool *is_left)
{
    *is_left = call_is(c, arg, "left");
    if (*is_left || call_is(c, arg, "right"))
        return true;
    reply_syntax_error(c->reply);
    return false;
}

/* ---- pushing ---- */

static void push(struct cmd_call *c, bool at_front, bool makes_key)
{
    uint32_t count = c->argc - 2;
    struct sequence s;
    size_t bytes = 0;
    bool ok;

    if (!list_find(c, 1, &s, &ok) && ok && !makes_key) {
        reply_int(c->reply, 0);
        return;
    }
    if (!ok)
        return;
    for (uint32_t i = 0; i < count; i++)
        bytes += c->argv[2 + i].len;
    sequence_grows(&s, bytes, count);
    sequence_push(&s, at_front, c->argv + 2, count);
    reply_int(c->reply, (int64_t)sequence_count(&s));
    changed_by(c, s.k, EVENT_LIST, at_front ? "lpush" : "rpush", count);
}

void cmd_lpush(struct cmd_call *c)
{
    push(c, true, true);
}

void cmd_rpush(struct cmd_call *c)
{
    push(c, false, true);
}

void cmd_lpushx(struct cmd_call *c)
{
    push(c, true, false);
}

void cmd_rpushx(struct cmd_call *c)
{
    push(c, false, false);
}

/* ---- reading ---- */

void cmd_llen(struct cmd_call *c)
{
    struct sequence s;
    bool ok;

    list_read(c, 1, &s, &ok);
    if (ok)
        reply_int(c->reply, (int64_t)sequence_count(&s));
}

void cmd_lindex(struct cmd_call *c)
{
    struct packed_item item;
    struct sequence s;
    int64_t index;
    bool ok;

    if (!list_read(c, 1, &s, &ok)) {
        if (ok)
            reply_null(c->reply);
        return;
    }
    if (!call_int(c, 2, &index))
        return;
    index = list_index(sequence_count(&s), index);
    if (index < 0 || (uint64_t)index >= sequence_count(&s)) {
        reply_null(c->reply);
        return;
    }
    sequence_at(&s, (uint64_t)index, &item);
    packed_reply_item(c->reply, &item);
}

/* The two bounds of a range as they stand in arguments 2 and 3: the first element and how many. */
static void bounds(uint64_t count, int64_t from, int64_t to, uint64_t *first, uint64_t *len)
{
    from = list_index(count, from);
    to = list_index(count, to);
    if (from < 0)
        from = 0;
    if (to >= (int64_t)count)
        to = (int64_t)count - 1;
    *first = (uint64_t)from;
    *len = from > to ? 0 : (uint64_t)(to - from) + 1;
}

void cmd_lrange(struct cmd_call *c)
{
    struct sequence_walk w;
    struct packed_item item;
    struct sequence s;
    uint64_t first, len;
    int64_t from, to;
    bool ok;

    if (!call_int(c, 2, &from) || !call_int(c, 3, &to))
        return;
    list_read(c, 1, &s, &ok);
    if (!ok)
        return;
    bounds(sequence_count(&s), from, to, &first, &len);
    reply_array(c->reply, len);
    if (len == 0)
        return;
    sequence_walk_begin(&w, &s, first, false, NULL);
    while (len-- > 0 && sequence_next(&w, &item))
        packed_reply_item(c->reply, &item);
}

void cmd_ltrim(struct cmd_call *c)
{
    uint64_t count, first, len;
    int64_t from, to;
    struct sequence s;
    bool ok;

    if (!call_int(c, 2, &from) || !call_int(c, 3, &to))
        return;
    if (!list_find(c, 1, &s, &ok)) {
        if (ok)
            reply_ok(c->reply);
        return;
    }
    count = sequence_count(&s);
    bounds(count, from, to, &first, &len);
    if (len == 0)
        first = count;
    sequence_remove(&s, first + len, count - first - len);
    sequence_remove(&s, 0, first);
    list_shrank(c, &s, "ltrim", count - len);
    reply_ok(c->reply);
}
