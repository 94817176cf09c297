/* When keys end: EXPIRE and its kin, TTL and its kin, PERSIST. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/deadline.h"
#include "contract/command_procs.h"

static bool invalid_time(struct cmd_call *c)
{
    reply_errorf(c->reply, "ERR invalid expire time in '%s' command", c->cmd->name);
    return false;
}

bool deadline_parse_any(struct cmd_call *c, uint32_t arg, struct deadline_unit unit,
                        int64_t *out_ms)
{
    int64_t v;

    if (!call_int(c, arg, &v))
        return false;
    if (unit.is_seconds && __builtin_mul_overflow(v, 1000, &v))
        return invalid_time(c);
    if (unit.is_relative && __builtin_add_overflow(v, c->ks->now_ms, &v))
        return invalid_time(c);
    *out_ms = v;
    return true;
}

bool deadline_parse(struct cmd_call *c, uint32_t arg, struct deadline_unit unit, int64_t *out_ms)
{
    int64_t v;

    if (!call_int(c, arg, &v))
        return false;
    if (v <= 0)
        return invalid_time(c);
    return deadline_parse_any(c, arg, unit, out_ms);
}

bool deadline_is_past(const struct cmd_call *c, int64_t end_ms)
{
    return end_ms <= c->ks->now_ms && !c->ks->hides_expired;
}

void deadline_drop(struct cmd_call *c, struct key k, struct entry *e)
{
    bool lazily = c->ks->settings->lazy_expire;

    db_delete_entry(c->db, k, e, lazily);
    call_changed(c, k, EVENT_GENERIC, "del");
    call_tell_removed(c, c->argv[1], lazily);
}

bool deadline_flags(struct cmd_call *c, uint32_t first, uint32_t end, unsigned *out)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {
        {"nx", DEADLINE_IF_NONE   },
        {"xx", DEADLINE_IF_ANY    },
        {"gt", DEADLINE_IF_LATER  },
        {"lt", DEADLINE_IF_EARLIER},
    };
    unsigned flags = 0;

    for (uint32_t i = first; i < end; i++) {
        size_t w = 0;

        while (w < countof(words) && !call_is(c, i, words[w].word))
            w++;
        if (w == countof(words)) {
            reply_errorf(c->reply, "ERR Unsupported option %.*s", STR_ARG(c->argv[i]));
            return false;
        }
        flags |= words[w].flag;
    }
    if ((flags & DEADLINE_IF_NONE) && (flags & ~(unsigned)DEADLINE_IF_NONE)) {
        reply_error(c->reply,
                    "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if ((flags & DEADLINE_IF_LATER) && (flags & DEADLINE_IF_EARLIER)) {
        reply_error(c->reply, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    *out = flags;
    return true;
}

bool deadline_flags_allow(unsigned flags, int64_t old_ms, int64_t new_ms)
{
    bool has_end = old_ms != NO_DEADLINE;

    if ((flags & DEADLINE_IF_NONE) && has_end)
        return false;
    if ((flags & DEADLINE_IF_ANY) && !has_end)
        return false;
    if ((flags & DEADLINE_IF_LATER) && (!has_end || new_ms <= old_ms))
        return false;
    return !((flags & DEADLINE_IF_EARLIER) && has_end && new_ms >= old_ms);
}

/* The end as a moment; the conditions stay, as they stay true. */
static void tell_end(struct cmd_call *c, struct deadline_unit unit, int64_t end_ms)
{
    struct number_text digits;

    if (!call_is_told(c) || !(unit.is_seconds || unit.is_relative))
        return;
    struct str *argv = arena_memdup(c->scratch, c->argv, c->argc * sizeof(*argv));
    argv[0] = STR("PEXPIREAT");
    argv[2] = number_digits(&digits, end_ms);
    call_tell_words(c, argv, c->argc);
}

static void expire(struct cmd_call *c, struct deadline_unit unit)
{
    struct key k = call_key(c, 1);
    unsigned flags;
    int64_t end_ms;

    if (!deadline_flags(c, 3, c->argc, &flags) || !deadline_parse_any(c, 2, unit, &end_ms))
        return;
    struct entry *e = db_find(c->db, k);
    if (!e || !deadline_flags_allow(flags, entry_deadline(e), end_ms)) {
        reply_int(c->reply, 0);
        return;
    }
    if (deadline_is_past(c, end_ms)) {
        deadline_drop(c, k, e);
    } else {
        db_set_deadline(c->db, k, e, end_ms);
        call_changed(c, k, EVENT_GENERIC, "expire");
        tell_end(c, unit, end_ms);
    }
    reply_int(c->reply, 1);
}

void cmd_expire(struct cmd_call *c)
{
    expire(c, deadline_seconds_from_now);
}

void cmd_pexpire(struct cmd_call *c)
{
    expire(c, deadline_millis_from_now);
}

void cmd_expireat(struct cmd_call *c)
{
    expire(c, deadline_seconds_of_time);
}

void cmd_pexpireat(struct cmd_call *c)
{
    expire(c, deadline_millis_of_time);
}

int64_t deadline_said(const struct cmd_call *c, struct deadline_unit unit, int64_t end_ms)
{
    int64_t v = end_ms;

    if (unit.is_relative)
        v = v > c->ks->now_ms ? v - c->ks->now_ms : 0;
    /* Rounded, but without running over at the end of time. */
    return unit.is_seconds ? v / 1000 + (v % 1000 >= 500) : v;
}

/* Replies when a key ends: -2 without the key, -1 without an end. */
static void reply_end(struct cmd_call *c, struct deadline_unit unit)
{
    const struct entry *e = db_look(c->db, call_key(c, 1));

    if (!e || !entry_has_deadline(e))
        reply_int(c->reply, e ? -1 : -2);
    else
        reply_int(c->reply, deadline_said(c, unit, entry_deadline(e)));
}

void cmd_ttl(struct cmd_call *c)
{
    reply_end(c, deadline_seconds_from_now);
}

void cmd_pttl(struct cmd_call *c)
{
    reply_end(c, deadline_millis_from_now);
}

void cmd_expiretime(struct cmd_call *c)
{
    reply_end(c, deadline_seconds_of_time);
}

void cmd_pexpiretime(struct cmd_call *c)
{
    reply_end(c, deadline_millis_of_time);
}

void cmd_persist(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    struct entry *e = db_find(c->db, k);
    bool had_end = e && entry_has_deadline(e);

    if (had_end) {
        db_set_deadline(c->db, k, e, NO_DEADLINE);
        call_changed(c, k, EVENT_GENERIC, "persist");
    }
    reply_int(c->reply, had_end);
}
