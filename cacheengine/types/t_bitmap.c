/* Strings as rows of bits: single bits, counting, looking for one, combining whole strings. */
#include "cacheengine/types/t_bitmap.h"

#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/bits.h"
#include "cacheengine/types/t_string.h"
#include "contract/command_procs.h"

bool bitmap_offset(struct cmd_call *c, uint32_t arg, unsigned width, uint64_t *out)
{
    struct str text = c->argv[arg];
    bool is_counted = width && text.len > 0 && text.ptr[0] == '#';
    int64_t v;

    if (number_parse_i64(text.ptr + is_counted, text.len - is_counted, &v) &&
        !(is_counted && __builtin_mul_overflow(v, width, &v)) && v >= 0 &&
        v / 8 < c->ks->settings->bulk_limit) {
        *out = (uint64_t)v;
        return true;
    }
    reply_error(c->reply, "ERR bit offset is not an integer or out of range");
    return false;
}

char *bitmap_edit(struct cmd_call *c, struct key k, struct entry *e, uint64_t last, size_t *len,
                  bool *has_grown)
{
    struct number_text digits;
    size_t old = e ? db_string(e, &digits).len : 0, wanted = (size_t)(last / 8) + 1;

    *has_grown = wanted > old;
    *len = *has_grown ? wanted : old;
    char *bytes = string_edit(c, k, e, *len);
    memset(bytes + old, 0, *len - old);
    return bytes;
}

/* ---- single bits ---- */

void cmd_setbit(struct cmd_call *c)
{
    static const char wrong[] = "ERR bit is not an integer or out of range";
    struct key k = call_key(c, 1);
    int64_t bit;
    uint64_t at;
    size_t len;
    bool ok, has_grown;

    if (!bitmap_offset(c, 2, 0, &at) || !call_int_or(c, 3, 0, 1, wrong, &bit))
        return;
    struct entry *e = call_find(c, k, TYPE_STRING, &ok);
    if (!ok)
        return;
    char *bytes = bitmap_edit(c, k, e, at, &len, &has_grown);
    int64_t old = (int64_t)bits_get(bytes, len, at, 1);
    if (has_grown || old != bit) {
        bits_put(bytes, at, 1, (uint64_t)bit);
        call_changed(c, k, EVENT_STRING, "setbit");
    }
    reply_int(c->reply, old);
}

/* The string in argument 1, with *ok false after WRONGTYPE; ptr NULL when there is none. */
static struct str read_string(struct cmd_call *c, struct number_text *digits, bool *ok)
{
    const struct entry *e = call_read(c, call_key(c, 1), TYPE_STRING, ok);

    return e ? db_string(e, digits) : (struct str){NULL, 0};
}

void cmd_getbit(struct cmd_call *c)
{
    struct number_text digits;
    uint64_t at;
    bool ok;

    if (!bitmap_offset(c, 2, 0, &at))
        return;
    struct str s = read_string(c, &digits, &ok);
    if (ok)
        reply_int(c->reply, (int64_t)bits_get(s.ptr, s.len, at, 1));
}

/* ---- ranges ---- */

/* A part of a string, as BITCOUNT and BITPOS are told it: from `first` to `last` in units of bytes
 * or bits, negative ones from the end. */
struct bit_range {
    int64_t first, last;
    bool has_last, is_bits;
};

/* Reads "[first [last [BYTE|BIT]]]" from argument `from` on; false after the error was sent. */
static bool range_parse(struct cmd_call *c, uint32_t from, struct bit_range *out)
{
    *out = (struct bit_range){.last = -1};
    if (c->argc > from + 3) {
        reply_syntax_error(c->reply);
        return false;
    }
    if (c->argc > from && !call_int(c, from, &out->first))
        return false;
    if (c->argc > from + 2 && !call_is(c, from + 2, "bit") && !call_is(c, from + 2, "byte")) {
        reply_syntax_error(c->reply);
        return false;
    }
    out->is_bits = c->argc > from + 2 && call_is(c, from + 2, "bit");
    out->has_last = c->argc > from + 1;
    return !out->has_last || call_int(c, from + 1, &out->last);
}

/* The range in bits of a string of `len` bytes: from *first up to *end, which is not one of them.
 * False when it is empty. */
static bool range_clip(const struct bit_range *r, size_t len, uint64_t *first, uint64_t *end)
{
    int64_t unit = r->is_bits ? 1 : 8, units = (int64_t)(r->is_bits ? len * 8 : len);
    int64_t from = r->first < 0 ? r->first + units : r->first;
    int64_t to = r->last < 0 ? r->last + units : r->last;

    from = from < 0 ? 0 : from;
    to = to < 0 ? 0 : to;
    to = to >= units ? units - 1 : to;
    if (from > to)
        return false;
    *first = (uint64_t)(from * unit);
    *end = (uint64_t)((to + 1) * unit);
    return true;
}

void cmd_bitcount(struct cmd_call *c)
{
    struct number_text digits;
    struct bit_range r;
    uint64_t first, end;
    bool ok;

    if (!range_parse(c, 2, &r))
        return;
    struct str s = read_string(c, &digits, &ok);
    if (!ok)
        return;
    /* Two places before the begin are not both taken as the begin. */
    bool is_none = r.has_last && r.first < 0 && r.last < 0 && r.first > r.last;
    if (is_none || !range_clip(&r, s.len, &first, &end))
        reply_int(c->reply, 0);
    else
        reply_int(c->reply, (int64_t)bits_count(s.ptr, first, end));
}

void cmd_bitpos(struct cmd_call *c)
{
    struct number_text digits;
    struct bit_range r;
    uint64_t first, end;
    int64_t bit, place;
    bool ok;

    if (!call_int_within(c, 2, 0, 1, "ERR The bit argument must be 1 or 0.", &bit) ||
        !range_parse(c, 3, &r))
        return;
    struct str s = read_string(c, &digits, &ok);
    if (!ok)
        return;
    if (!s.ptr) {
        reply_int(c->reply, bit ? -1 : 0);
        return;
    }
    place = -1;
    if (range_clip(&r, s.len, &first, &end)) {
        place = bits_find(s.ptr, first, end, bit == 1);
        /* Unless an end was given, zeros follow the string. */
        if (place < 0 && bit == 0 && !r.has_last)
            place = (int64_t)end;
    }
    reply_int(c->reply, place);
}

/* ---- combining ---- */

static bool operation_parse(struct cmd_call *c, enum bits_operation *out)
{
    static const char *const words[] = {"and", "or", "xor", "not"};

    for (size_t i = 0; i < countof(words); i++)
        if (call_is(c, 1, words[i])) {
            *out = (enum bits_operation)i;
            if (*out != BITS_NOT || c->argc == 4)
                return true;
            reply_error(c->reply, "ERR BITOP NOT must be called with a single source key.");
            return false;
        }
    reply_syntax_error(c->reply);
    return false;
}

/* Reads the strings in the arguments from 3 on (absent ones are empty); false after WRONGTYPE. */
static bool operands_read(struct cmd_call *c, struct str *out, size_t *longest)
{
    *longest = 0;
    for (uint32_t i = 3; i < c->argc; i++) {
        struct number_text *digits = arena_alloc(c->scratch, sizeof(*digits));
        bool ok;
        const struct entry *e = call_read(c, call_key(c, i), TYPE_STRING, &ok);

        if (!ok)
            return false;
        out[i - 3] = e ? db_string(e, digits) : (struct str){NULL, 0};
        if (out[i - 3].len > *longest)
            *longest = out[i - 3].len;
    }
    return true;
}

void cmd_bitop(struct cmd_call *c)
{
    struct key k = call_key(c, 2);
    struct str *operands = arena_array(c->scratch, c->argc - 3, sizeof(*operands));
    enum bits_operation operation;
    size_t len;

    if (!operation_parse(c, &operation) || !operands_read(c, operands, &len))
        return;
    if (len == 0) {
        if (db_delete(c->db, k, c->ks->settings->lazy_server_del))
            call_changed(c, k, EVENT_GENERIC, "del");
    } else if (len > db_plain_max(k)) {
        struct blob *b = blob_new(&c->ks->account, len, len);

        bits_combine(operation, operands, c->argc - 3, b->bytes, len);
        db_set_blob(c->db, k, b, NO_DEADLINE);
        call_changed(c, k, EVENT_STRING, "set");
    } else {
        char *bytes = arena_alloc(c->scratch, len);

        bits_combine(operation, operands, c->argc - 3, bytes, len);
        db_set_plain(c->db, k, TYPE_STRING, FORM_EDITED, bytes, len, NO_DEADLINE);
        call_changed(c, k, EVENT_STRING, "set");
    }
    reply_int(c->reply, (int64_t)len);
}
