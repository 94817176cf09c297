/* Strings that change where they stand: numbers that grow, bytes that are added or overwritten. */
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/t_string.h"
#include "contract/command_procs.h"

#include <math.h>

/* ---- numbers ---- */

static void add(struct cmd_call *c, int64_t by)
{
    struct key k = call_key(c, 1);
    struct number_text digits;
    int64_t v = 0;
    bool ok;
    struct entry *e = call_find(c, k, TYPE_STRING, &ok);

    if (!ok)
        return;
    if (e && entry_form(e) == FORM_NUMBER) {
        v = entry_number(e);
    } else if (e) {
        struct str s = db_string(e, &digits);

        if (!number_parse_i64(s.ptr, s.len, &v)) {
            reply_not_integer(c->reply);
            return;
        }
    }
    if (__builtin_add_overflow(v, by, &v)) {
        reply_error(c->reply, "ERR increment or decrement would overflow");
        return;
    }
    if (e && entry_form(e) == FORM_NUMBER)
        entry_set_number(e, v);
    else
        db_set_number(c->db, k, v, KEEP_DEADLINE);
    call_changed(c, k, EVENT_STRING, "incrby");
    reply_int(c->reply, v);
}

void cmd_incr(struct cmd_call *c)
{
    add(c, 1);
}

void cmd_decr(struct cmd_call *c)
{
    add(c, -1);
}

void cmd_incrby(struct cmd_call *c)
{
    int64_t by;

    if (call_int(c, 2, &by))
        add(c, by);
}

void cmd_decrby(struct cmd_call *c)
{
    int64_t by;

    if (!call_int(c, 2, &by))
        return;
    if (by == INT64_MIN)
        reply_error(c->reply, "ERR decrement would overflow");
    else
        add(c, -by);
}

void cmd_incrbyfloat(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    struct number_text digits;
    char text[NUMBER_DOUBLE_MAX];
    long double v = 0, by;
    bool ok;
    const struct entry *e = call_find(c, k, TYPE_STRING, &ok);

    if (!ok)
        return;
    if ((e && !number_parse_long_double(db_string(e, &digits), &v)) ||
        !number_parse_long_double(c->argv[2], &by)) {
        reply_not_float(c->reply);
        return;
    }
    v += by;
    if (isnan(v) || isinf(v)) {
        reply_error(c->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    unsigned len = number_write_plain(text, v);
    /* Never stored as a number, so that what is shown of its encoding stays what clients know. */
    if (len <= db_plain_max(k))
        db_set_plain(c->db, k, TYPE_STRING, FORM_PLAIN, text, len, KEEP_DEADLINE);
    else
        db_set_string(c->db, k, (struct str){text, len}, KEEP_DEADLINE);
    call_changed(c, k, EVENT_STRING, "incrbyfloat");
    call_tell(c, STR("SET"), c->argv[1], (struct str){text, len}, STR("KEEPTTL"));
    reply_bulk(c->reply, text, len);
}

/* ---- bytes ---- */

/* False after the reply when a string of `len` and `more` bytes would be too long. */
static bool length_is_allowed(struct cmd_call *c, size_t len, size_t more)
{
    uint64_t limit = (uint64_t)c->ks->settings->bulk_limit;

    if ((uint64_t)len <= limit && (uint64_t)more <= limit && (uint64_t)len + more <= limit)
        return true;
    reply_error(c->reply, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

/* A blob of its own with the value of `e` in front, and room to grow. */
static struct blob *grown_blob(struct cmd_call *c, struct key k, struct entry *e, size_t len)
{
    struct account *account = &c->ks->account;
    size_t room = len < 1048576 ? 2 * len : len + 1048576;
    struct number_text digits;

    if (e && entry_form(e) == FORM_OUTSIDE) {
        struct blob *b = entry_outside(e);

        if (!blob_is_shared(b)) {
            if (b->room - b->skip < len)
                b = blob_grow(account, b, room);
            b->len = len;
            entry_set_outside(e, b);
            return b;
        }
    }
    struct blob *b = blob_new(account, len, room);
    struct str old = e ? db_string(e, &digits) : (struct str){NULL, 0};
    if (old.len)
        memcpy(b->bytes, old.ptr, old.len < len ? old.len : len);
    db_set_blob(c->db, k, b, KEEP_DEADLINE);
    return b;
}

char *string_edit(struct cmd_call *c, struct key k, struct entry *e, size_t len)
{
    struct number_text digits;

    if (len > db_plain_max(k) || (e && entry_form(e) == FORM_OUTSIDE))
        return blob_ptr(grown_blob(c, k, e, len));
    if (!e || entry_form(e) == FORM_NUMBER) {
        struct str old = e ? db_string(e, &digits) : (struct str){NULL, 0};

        e = db_set_plain(c->db, k, TYPE_STRING, FORM_EDITED, NULL, len, KEEP_DEADLINE);
        if (old.len)
            memcpy(entry_value(e), old.ptr, old.len < len ? old.len : len);
        return entry_value(e);
    }
    e->shape = (uint8_t)((e->shape & ~ENTRY_FORM_MASK) | FORM_EDITED << ENTRY_FORM_SHIFT);
    return entry_value(db_resize(c->db, k, e, len));
}

void cmd_append(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    struct str more = c->argv[2];
    struct number_text digits;
    size_t len = 0;
    bool ok;
    struct entry *e = call_find(c, k, TYPE_STRING, &ok);

    if (!ok)
        return;
    if (!e) {
        db_set_string(c->db, k, more, NO_DEADLINE);
    } else {
        len = db_string(e, &digits).len;
        if (!length_is_allowed(c, len, more.len))
            return;
        memcpy(string_edit(c, k, e, len + more.len) + len, more.ptr, more.len);
    }
    call_changed(c, k, EVENT_STRING, "append");
    reply_int(c->reply, (int64_t)(len + more.len));
}

void cmd_setrange(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    struct str part = c->argv[3];
    struct number_text digits;
    int64_t offset;
    bool ok;

    if (!call_int(c, 2, &offset))
        return;
    if (offset < 0) {
        reply_error(c->reply, "ERR offset is out of range");
        return;
    }
    struct entry *e = call_find(c, k, TYPE_STRING, &ok);
    if (!ok)
        return;
    size_t len = e ? db_string(e, &digits).len : 0;
    if (part.len == 0) {
        reply_int(c->reply, (int64_t)len);
        return;
    }
    if (!length_is_allowed(c, (size_t)offset, part.len))
        return;
    size_t end = (size_t)offset + part.len;
    char *bytes = string_edit(c, k, e, end > len ? end : len);
    if ((size_t)offset > len)
        memset(bytes + len, 0, (size_t)offset - len);
    memcpy(bytes + offset, part.ptr, part.len);
    call_changed(c, k, EVENT_STRING, "setrange");
    reply_int(c->reply, (int64_t)(end > len ? end : len));
}
