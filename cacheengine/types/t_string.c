/* Strings as wholes and in parts: reading. Writing is in t_string_set.c, changing in
 * t_string_edit.c. */
#include "cacheengine/types/t_string.h"

#include "base/command.h"
#include "cacheengine/types/deadline.h"
#include "contract/command_procs.h"

void reply_string(struct reply *r, const struct entry *e)
{
    struct number_text digits;

    if (entry_form(e) == FORM_OUTSIDE)
        reply_bulk_blob(r, entry_outside(e));
    else
        reply_bulk_str(r, db_string(e, &digits));
}

void cmd_get(struct cmd_call *c)
{
    const struct entry *e = db_read(c->db, call_key(c, 1));

    if (!e)
        reply_null(c->reply);
    else if (entry_type(e) != TYPE_STRING)
        reply_wrong_type(c->reply);
    else
        reply_string(c->reply, e);
}

/* Keys are asked for in groups, so that their misses overlap. */
#define MGET_GROUP 16

void cmd_mget(struct cmd_call *c)
{
    reply_array(c->reply, c->argc - 1);
    for (uint32_t i = 1; i < c->argc; i += MGET_GROUP) {
        struct key keys[MGET_GROUP];
        uint32_t count = c->argc - i < MGET_GROUP ? c->argc - i : MGET_GROUP;

        for (uint32_t j = 0; j < count; j++) {
            keys[j] = call_key(c, i + j);
            db_prefetch_bucket(c->db, keys[j].hash);
        }
        for (uint32_t j = 0; j < count; j++)
            db_prefetch_entry(c->db, keys[j].hash);
        for (uint32_t j = 0; j < count; j++) {
            const struct entry *e = db_read(c->db, keys[j]);

            if (e && entry_type(e) == TYPE_STRING)
                reply_string(c->reply, e);
            else
                reply_null(c->reply);
        }
    }
}

void cmd_strlen(struct cmd_call *c)
{
    struct number_text digits;
    bool ok;
    const struct entry *e = call_read(c, call_key(c, 1), TYPE_STRING, &ok);

    if (ok)
        reply_int(c->reply, e ? (int64_t)db_string(e, &digits).len : 0);
}

/* Cuts [start, end] (negative: from the end) to a string of `len` bytes. False when nothing is
 * left. */
static bool clip(int64_t *start, int64_t *end, int64_t len)
{
    if (*start < 0 && *end < 0 && *start > *end)
        return false;
    if (*start < 0)
        *start = *start + len > 0 ? *start + len : 0;
    if (*end < 0)
        *end = *end + len > 0 ? *end + len : 0;
    if (*end >= len)
        *end = len - 1;
    return *start <= *end && len > 0;
}

void cmd_getrange(struct cmd_call *c)
{
    struct number_text digits;
    int64_t start, end;
    bool ok;

    if (!call_int(c, 2, &start) || !call_int(c, 3, &end))
        return;
    const struct entry *e = call_read(c, call_key(c, 1), TYPE_STRING, &ok);
    if (!ok)
        return;
    struct str s = e ? db_string(e, &digits) : (struct str){"", 0};
    if (clip(&start, &end, (int64_t)s.len))
        reply_bulk(c->reply, s.ptr + start, (size_t)(end - start + 1));
    else
        reply_bulk(c->reply, "", 0);
}

void cmd_substr(struct cmd_call *c)
{
    cmd_getrange(c);
}

void cmd_getdel(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    bool ok;
    struct entry *e = call_read(c, k, TYPE_STRING, &ok);

    if (!e) {
        if (ok)
            reply_null(c->reply);
        return;
    }
    reply_string(c->reply, e);
    db_delete_entry(c->db, k, e, c->ks->settings->lazy_user_del);
    call_changed(c, k, EVENT_GENERIC, "del");
    call_tell_removed(c, c->argv[1], false);
}

/* What GETEX is to do beside reading. */
enum getex_mode { GETEX_READ, GETEX_PERSIST, GETEX_EXPIRE };

static void getex_apply(struct cmd_call *c, struct key k, struct entry *e, enum getex_mode mode,
                        bool is_relative, int64_t end_ms)
{
    if (mode == GETEX_EXPIRE && !is_relative && deadline_is_past(c, end_ms)) {
        deadline_drop(c, k, e);
    } else if (mode == GETEX_EXPIRE) {
        struct number_text digits;

        db_set_deadline(c->db, k, e, end_ms);
        call_changed(c, k, EVENT_GENERIC, "expire");
        if (call_is_told(c))
            call_tell(c, STR("PEXPIREAT"), c->argv[1], number_digits(&digits, end_ms));
    } else if (mode == GETEX_PERSIST && entry_has_deadline(e)) {
        db_set_deadline(c->db, k, e, NO_DEADLINE);
        call_changed(c, k, EVENT_GENERIC, "persist");
        call_tell(c, STR("PERSIST"), c->argv[1]);
    }
}

void cmd_getex(struct cmd_call *c)
{
    struct set_options o;
    struct key k = call_key(c, 1);
    int64_t end_ms = NO_DEADLINE;
    bool ok;

    if (!set_options_parse(c, 2, SET_FOR_GETEX, &o))
        return;
    struct entry *e = call_read(c, k, TYPE_STRING, &ok);
    if (!e) {
        if (ok)
            reply_null(c->reply);
        return;
    }
    if (o.deadline_arg && !deadline_parse(c, o.deadline_arg, o.unit, &end_ms))
        return;
    reply_string(c->reply, e);
    enum getex_mode mode = o.deadline_arg ? GETEX_EXPIRE : GETEX_READ;
    getex_apply(c, k, e, o.is_persist ? GETEX_PERSIST : mode, o.unit.is_relative, end_ms);
}
