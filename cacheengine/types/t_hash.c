/* Hashes: fields with values. */
#include "cacheengine/types/t_hash.h"

#include "base/command.h"
#include "base/err.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/fields.h"
#include "contract/command_procs.h"

#include <math.h>

bool hash_read(struct cmd_call *c, struct collection *h, bool *ok)
{
    struct key k = call_key(c, 1);
    struct entry *e = call_read(c, k, TYPE_HASH, ok);

    if (!e)
        return false;
    collection_open(h, c->db, k, e);
    return fields_meet(h);
}

bool hash_find(struct cmd_call *c, struct collection *h, bool *ok)
{
    struct key k = call_key(c, 1);
    struct entry *e = call_find(c, k, TYPE_HASH, ok);

    if (!e)
        return false;
    collection_open(h, c->db, k, e);
    return fields_meet(h);
}

bool hash_write(struct cmd_call *c, struct collection *h, uint8_t *buffer)
{
    bool ok;

    if (!hash_find(c, h, &ok) && ok)
        collection_begin(h, c->db, call_key(c, 1), TYPE_HASH, SHOWN_PACKED, buffer);
    return ok;
}

void hash_written(struct cmd_call *c, struct collection *h, uint64_t changes, const char *event)
{
    if (!h->e)
        collection_store(h, NO_DEADLINE);
    changed_by(c, h->k, EVENT_HASH, event, changes);
}

/* ---- setting ---- */

void hash_spread_for(struct cmd_call *c, struct collection *h, uint32_t first)
{
    const struct settings *s = c->ks->settings;
    bool is_long = (c->argc - first) / 2 > (uint64_t)s->hash_packed_entries;

    if (collection_shown(h) == SHOWN_TABLE)
        return;
    for (uint32_t i = first; i < c->argc && !is_long; i++)
        is_long = c->argv[i].len > (size_t)s->hash_packed_value;
    if (is_long)
        collection_spread(h, SHOWN_TABLE);
}

/* A big value is taken over from the read buffer where that is possible. */
static struct packed_item value_item(struct cmd_call *c, const struct collection *h, uint32_t arg)
{
    struct blob *b = NULL;

    if (h->table && c->argv[arg].len >= REPLY_BIG)
        b = call_take(c, arg);
    return b ? packed_away(b) : packed_item_of(c->argv[arg]);
}

static void set_value(struct collection *h, const struct packed_item items[2],
                      const struct collection_place *place, bool is_there)
{
    if (is_there)
        collection_replace(h, &items[0], place, &items[1]);
    else
        collection_add(h, place, items);
}

/* The same with the field ending when it did. Returns that, or PACKED_NO_END. */
static int64_t set_kept(struct collection *h, const struct packed_item items[2],
                        struct collection_place *place, bool is_there)
{
    int64_t end_ms = is_there ? collection_end(h, place) : PACKED_NO_END;

    set_value(h, items, place, is_there);
    if (end_ms != PACKED_NO_END) {
        check(collection_find(h, &items[0], place));
        collection_set_end(h, &items[0], place, end_ms);
    }
    return end_ms;
}

bool hash_set_pair(struct cmd_call *c, struct collection *h, uint32_t arg)
{
    struct packed_item items[2] = {packed_item_of(c->argv[arg]), value_item(c, h, arg + 1)};
    struct collection_place place;
    bool is_there = fields_seek(c, h, &items[0], &place);

    set_value(h, items, &place, is_there);
    return !is_there;
}

void hash_prefetch_fields(const struct cmd_call *c, const struct collection *h, uint32_t first,
                          uint32_t step)
{
    struct packed_item fields[COLLECTION_BATCH];
    unsigned count = 0;

    if (!h->table)
        return;
    for (uint32_t i = first; i < c->argc && count < COLLECTION_BATCH; i += step)
        fields[count++] = packed_item_of(c->argv[i]);
    collection_prefetch(h, fields, count);
}

/* Sets all pairs from argument 2 on. False after an error was sent. */
static bool set_pairs(struct cmd_call *c, int64_t *created)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct collection h;

    if (c->argc % 2 == 1) {
        call_bad_arity(c);
        return false;
    }
    if (!hash_write(c, &h, buffer))
        return false;
    hash_spread_for(c, &h, 2);
    *created = 0;
    for (uint32_t i = 2; i < c->argc; i += 2) {
        if ((i - 2) % (2 * COLLECTION_BATCH) == 0)
            hash_prefetch_fields(c, &h, i, 2);
        *created += hash_set_pair(c, &h, i);
    }
    hash_written(c, &h, (c->argc - 2) / 2, "hset");
    return true;
}

void cmd_hset(struct cmd_call *c)
{
    int64_t created;

    if (set_pairs(c, &created))
        reply_int(c->reply, created);
}

void cmd_hmset(struct cmd_call *c)
{
    int64_t created;

    if (set_pairs(c, &created))
        reply_ok(c->reply);
}

void cmd_hsetnx(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct collection h;

    if (!hash_write(c, &h, buffer))
        return;
    struct packed_item field = packed_item_of(c->argv[2]);
    if (collection_has(&h, &field)) {
        reply_int(c->reply, 0);
        return;
    }
    hash_spread_for(c, &h, 2);
    hash_set_pair(c, &h, 2);
    hash_written(c, &h, 1, "hset");
    reply_int(c->reply, 1);
}

/* ---- counting up ---- */

void cmd_hincrby(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct collection h;
    struct collection_place place;
    struct packed_item items[2] = {packed_item_of(c->argv[2]), packed_number(0)};
    int64_t by, sum;

    if (!call_int(c, 3, &by) || !hash_write(c, &h, buffer))
        return;
    bool is_there = fields_seek(c, &h, &items[0], &place);
    if (is_there)
        collection_value(&place, &items[1]);
    if (items[1].kind != PACKED_NUMBER) {
        reply_error(c->reply, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(items[1].number, by, &sum)) {
        reply_error(c->reply, "ERR increment or decrement would overflow");
        return;
    }
    items[1].number = sum;
    set_kept(&h, items, &place, is_there);
    hash_written(c, &h, 1, "hincrby");
    reply_int(c->reply, sum);
}

/* The increment in argument 3; false after the error was sent. */
static bool float_increment(struct cmd_call *c, long double *out)
{
    if (!number_parse_long_double(c->argv[3], out)) {
        reply_not_float(c->reply);
        return false;
    }
    if (isfinite(*out))
        return true;
    reply_error(c->reply, "ERR value is NaN or Infinity");
    return false;
}

void cmd_hincrbyfloat(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    char text[NUMBER_DOUBLE_MAX];
    struct collection h;
    struct collection_place place;
    struct packed_item items[2] = {packed_item_of(c->argv[2]), packed_number(0)};
    struct packed_digits digits;
    long double by, value;

    if (!float_increment(c, &by) || !hash_write(c, &h, buffer))
        return;
    bool is_there = fields_seek(c, &h, &items[0], &place);
    if (is_there)
        collection_value(&place, &items[1]);
    if (!number_parse_long_double(packed_text(&items[1], &digits), &value)) {
        reply_error(c->reply, "ERR hash value is not a float");
        return;
    }
    if (!isfinite(value + by)) {
        reply_error(c->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct str sum = {text, number_write_plain(text, value + by)};
    items[1] = packed_item_of(sum);
    bool ends = set_kept(&h, items, &place, is_there) != PACKED_NO_END;
    hash_written(c, &h, 1, "hincrbyfloat");
    if (ends)
        call_tell(c, STR("HSETEX"), c->argv[1], STR("KEEPTTL"), STR("FIELDS"), STR("1"), c->argv[2],
                  sum);
    else
        call_tell(c, STR("HSET"), c->argv[1], c->argv[2], sum);
    reply_bulk_str(c->reply, sum);
}

/* ---- removing ---- */

void hash_removed(struct cmd_call *c, struct collection *h, uint64_t changes, const char *event)
{
    bool is_last = collection_count(h) == 0;

    if (is_last)
        db_delete_entry(c->db, h->k, h->e, false);
    changed_by(c, h->k, EVENT_HASH, event, changes);
    if (is_last)
        changed_by(c, h->k, EVENT_GENERIC, "del", 0);
}

void cmd_hdel(struct cmd_call *c)
{
    struct collection h;
    bool ok;
    int64_t removed = 0;
    bool is_there = hash_find(c, &h, &ok);

    if (!ok)
        return;
    uint64_t left = is_there ? collection_count(&h) : 0;
    for (uint32_t i = 2; i < c->argc && left > 0; i++) {
        struct packed_item field = packed_item_of(c->argv[i]);
        struct collection_place place;

        if ((i - 2) % COLLECTION_BATCH == 0)
            hash_prefetch_fields(c, &h, i, 1);
        if (!collection_find(&h, &field, &place))
            continue;
        collection_remove(&h, &place);
        removed++;
        left--;
    }
    if (removed)
        hash_removed(c, &h, (uint64_t)removed, "hdel");
    reply_int(c->reply, removed);
}

/* ---- reading ---- */

void hash_reply_field(struct cmd_call *c, const struct collection *h, uint32_t arg)
{
    struct packed_item field = packed_item_of(c->argv[arg]);
    struct collection_place place;

    if (collection_find(h, &field, &place))
        packed_reply(c->reply, packed_next(place.at));
    else
        reply_null(c->reply);
}

void cmd_hget(struct cmd_call *c)
{
    struct collection h;
    bool ok;

    if (hash_read(c, &h, &ok))
        hash_reply_field(c, &h, 2);
    else if (ok)
        reply_null(c->reply);
}

void cmd_hmget(struct cmd_call *c)
{
    struct collection h;
    bool ok;
    bool is_there = hash_read(c, &h, &ok);

    if (!ok)
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (!is_there) {
            reply_null(c->reply);
            continue;
        }
        if ((i - 2) % COLLECTION_BATCH == 0)
            hash_prefetch_fields(c, &h, i, 1);
        hash_reply_field(c, &h, i);
    }
}

void cmd_hlen(struct cmd_call *c)
{
    struct collection h;
    bool ok;

    if (hash_read(c, &h, &ok))
        reply_int(c->reply, (int64_t)collection_count(&h));
    else if (ok)
        reply_int(c->reply, 0);
}

/* The value of the field in argument 2; false when it is not there, *ok is false after WRONGTYPE
 * was sent. */
static bool read_value(struct cmd_call *c, struct packed_item *value, bool *ok)
{
    struct packed_item field = packed_item_of(c->argv[2]);
    struct collection h;
    struct collection_place place;

    if (!hash_read(c, &h, ok) || !collection_find(&h, &field, &place))
        return false;
    collection_value(&place, value);
    return true;
}

void cmd_hexists(struct cmd_call *c)
{
    struct packed_item value;
    bool ok;
    bool is_there = read_value(c, &value, &ok);

    if (ok)
        reply_int(c->reply, is_there);
}

void cmd_hstrlen(struct cmd_call *c)
{
    struct packed_item value;
    bool ok;
    bool is_there = read_value(c, &value, &ok);

    if (ok)
        reply_int(c->reply, is_there ? (int64_t)packed_text_len(&value) : 0);
}

/* Says all fields, all values, or both. */
static void reply_all(struct cmd_call *c, bool with_fields, bool with_values)
{
    struct collection h;
    struct collection_walk walk = {0};
    struct packed_item field;
    bool ok;
    bool is_there = hash_read(c, &h, &ok);
    size_t count = is_there ? collection_count_shown(&h) : 0;

    if (!ok)
        return;
    if (with_fields && with_values)
        reply_map(c->reply, count);
    else
        reply_array(c->reply, count);
    while (is_there && collection_next(&h, &walk, &field)) {
        if (with_fields)
            packed_reply_item(c->reply, &field);
        if (with_values)
            packed_reply(c->reply, walk.rest);
    }
}

void cmd_hkeys(struct cmd_call *c)
{
    reply_all(c, true, false);
}

void cmd_hvals(struct cmd_call *c)
{
    reply_all(c, false, true);
}

void cmd_hgetall(struct cmd_call *c)
{
    reply_all(c, true, true);
}
