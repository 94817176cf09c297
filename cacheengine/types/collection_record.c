/*
 * Hashes and sets as records. The one idea: a loader only says in which form a collection begins
 * and which elements come; a run is filled at its end without a search and searched for twins once,
 * a table finds them by itself.
 */
#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/compact.h"

#define INTSET_HEAD 8

/* ---- writing ---- */

static void put_item(struct record_writer *w, const struct packed_item *item)
{
    if (item->kind == PACKED_NUMBER)
        record_put_number(w, item->number);
    else
        record_put_string(w, (struct str){item->ptr, item->len});
}

/* Member by member: the form that every version knows. */
static void save_members(struct record_writer *w, const struct collection *c)
{
    struct collection_walk walk = {0};
    struct packed_item item;

    record_put_type(w, c->width == 2 ? RECORD_HASH : RECORD_SET);
    record_put_length(w, collection_count(c));
    while (collection_next(c, &walk, &item)) {
        put_item(w, &item);
        if (c->width == 1)
            continue;
        packed_get(walk.rest, &item);
        put_item(w, &item);
    }
}

/* Fields, values and when they end, or -1: as Valkey 9 has it. */
static void save_ends(struct record_writer *w, const struct collection *c)
{
    struct table_walk walk = {0};
    const uint8_t *at;

    record_put_type(w, RECORD_HASH_2);
    record_put_length(w, collection_count(c));
    while ((at = table_next(c->db, c->table, &walk))) {
        int64_t end_ms = table_end(c->table, at);
        struct packed_item items[2];

        packed_get(packed_get(at, &items[0]), &items[1]);
        put_item(w, &items[0]);
        put_item(w, &items[1]);
        record_put_u64(w, (uint64_t)(end_ms == PACKED_NO_END ? -1 : end_ms));
    }
}

static void save_listpack(struct record_writer *w, const struct collection *c)
{
    uint8_t listpack[LISTPACK_OF_RUN(ENTRY_VALUE_MAX)];
    size_t len = listpack_of_run(listpack, c->run, c->len);

    record_put_type(w, c->width == 2 ? RECORD_HASH_LISTPACK : RECORD_SET_LISTPACK);
    record_put_string(w, (struct str){(char *)listpack, len});
}

/* An intset is bytes per number (4), count (4), and then what a run of numbers has. */
static void save_numbers(struct record_writer *w, const struct collection *c)
{
    uint8_t intset[INTSET_HEAD + ENTRY_VALUE_MAX];
    uint32_t head[2] = {htole32(numbers_width(c->run)), htole32(numbers_count(c->run, c->len))};
    size_t len = c->len - NUMBERS_HEAD;

    memcpy(intset, head, sizeof(head));
    memcpy(intset + INTSET_HEAD, c->run + NUMBERS_HEAD, len);
    record_put_type(w, RECORD_SET_INTSET);
    record_put_string(w, (struct str){(char *)intset, INTSET_HEAD + len});
}

void collection_save(struct record_writer *w, struct db *db, const struct entry *e)
{
    struct collection c;

    collection_open(&c, db, (struct key){0}, (struct entry *)e);
    if (collection_has_ends(&c) && w->version >= RECORD_VERSION_9)
        save_ends(w, &c);
    else if (c.table || (c.width == 1 && !numbers_is(c.run) && w->version < RECORD_VERSION))
        save_members(w, &c);
    else if (numbers_is(c.run))
        save_numbers(w, &c);
    else
        save_listpack(w, &c);
}

/* ---- reading ---- */

static const char has_twins[] = "an element stands in it twice";

static bool is_run_with_twins(const struct collection *c)
{
    return !c->table && !numbers_is(c->run) &&
           packed_has_twins(&c->db->ks->seed, c->run, c->len, c->width);
}

/* Adds what the file has next. */
static struct err add(struct record_reader *r, struct collection *c,
                      const struct packed_item *items, bool obeys)
{
    struct collection_place place;

    if (!c->table && !numbers_is(c->run)) {
        if (collection_append(c, items, obeys))
            return OK;
        if (is_run_with_twins(c))
            return record_bad(r, has_twins);
        collection_spread(c, SHOWN_PACKED);
    }
    if (collection_find(c, &items[0], &place))
        return record_bad(r, has_twins);
    collection_add(c, &place, items);
    return OK;
}

/* Ends a collection of which all was read. */
static struct err finish(struct record_reader *r, struct collection *c, struct value *out)
{
    if (is_run_with_twins(c))
        return record_bad(r, has_twins);
    if (!c->table && !numbers_is(c->run) && collection_is_big(c, collection_count(c)))
        collection_spread(c, SHOWN_TABLE);
    out->form = c->table ? FORM_OUTSIDE : FORM_PLAIN;
    if (c->table)
        out->outside = c->table;
    else
        out->len = c->len;
    return OK;
}

static struct err fill_members(struct record_reader *r, struct collection *c, uint64_t count,
                               struct value *out)
{
    struct packed_item items[2];

    for (; count > 0; count--) {
        for (unsigned i = 0; i < c->width; i++) {
            TRY(record_get_string(r, &out->texts[i]));
            items[i] = packed_item_of(out->texts[i].text);
        }
        TRY(add(r, c, items, true));
    }
    return OK;
}

/* In which form a collection of so many members begins, as Redis has it. */
static enum shown form_for(const struct db *db, enum entry_type type, uint64_t count)
{
    const struct settings *s = db->ks->settings;

    if (type == TYPE_HASH)
        return count <= (uint64_t)s->hash_packed_entries ? SHOWN_PACKED : SHOWN_TABLE;
    return count <= (uint64_t)s->set_int_entries ? SHOWN_NUMBERS : SHOWN_TABLE;
}

static struct err fill_compact(struct record_reader *r, struct collection *c, struct compact *from)
{
    struct packed_item items[2];

    while (compact_next(from, &items[0])) {
        if (c->width == 2 && !compact_next(from, &items[1]))
            return record_bad(r, "a field of it has no value");
        /* A zipmap is of a time that had other limits. */
        TRY(add(r, c, items, from->kind == COMPACT_ZIPMAP));
    }
    return compact_is_sound(from) ? OK : record_bad(r, "the elements of it are damaged");
}

static struct err load_members(struct record_reader *r, struct collection *c, struct db *db,
                               struct key k, struct value *out)
{
    uint64_t count;

    TRY(record_get_length(r, &count));
    if (count == 0)
        return err_make(ERR_NOT_FOUND, "it is empty");
    collection_begin(c, db, k, out->type, form_for(db, out->type, count), (uint8_t *)out->bytes);
    TRY(fill_members(r, c, count, out));
    return finish(r, c, out);
}

static struct err load_compact(struct record_reader *r, enum compact_kind kind,
                               struct collection *c, struct db *db, struct key k, struct value *out)
{
    struct compact from;

    TRY(record_get_string(r, &out->texts[0]));
    compact_begin(&from, kind, out->texts[0].text);
    collection_begin(c, db, k, out->type, SHOWN_PACKED, (uint8_t *)out->bytes);
    TRY(fill_compact(r, c, &from));
    if (from.count == 0)
        return err_make(ERR_NOT_FOUND, "it is empty");
    return finish(r, c, out);
}

/* ---- reading hashes whose fields end ---- */

/* Adds a field with its end, or NO_DEADLINE. */
static struct err add_ending(struct record_reader *r, struct collection *c,
                             const struct packed_item items[2], int64_t end_ms)
{
    struct collection_place place;

    if (end_ms < NO_DEADLINE)
        return record_bad(r, "the end of a field of it is damaged");
    TRY(add(r, c, items, true));
    if (end_ms == NO_DEADLINE)
        return OK;
    check(collection_find(c, &items[0], &place));
    if (end_ms > PACKED_END_MAX)
        end_ms = PACKED_END_MAX;
    collection_set_end(c, &items[0], &place, end_ms > 0 ? end_ms : 1);
    return OK;
}

static struct err get_pair(struct record_reader *r, struct value *out, struct packed_item items[2])
{
    for (unsigned i = 0; i < 2; i++) {
        TRY(record_get_string(r, &out->texts[i]));
        items[i] = packed_item_of(out->texts[i].text);
    }
    return OK;
}

/* As Valkey 9 has it: the end stands behind field and value. */
static struct err fill_hash_2(struct record_reader *r, struct collection *c, uint64_t count,
                              struct value *out)
{
    struct packed_item items[2];
    uint64_t end_ms;

    for (; count > 0; count--) {
        TRY(get_pair(r, out, items));
        TRY(record_get_u64(r, &end_ms));
        TRY(add_ending(r, c, items, (int64_t)end_ms));
    }
    return OK;
}

/* As Redis 7.4 has it: in front of them stands how much later than the first of all they end, and
 * one more; 0 for never. */
static struct err fill_hash_ends(struct record_reader *r, struct collection *c, uint64_t first_ms,
                                 uint64_t count, struct value *out)
{
    struct packed_item items[2];
    uint64_t later;

    for (; count > 0; count--) {
        TRY(record_get_length(r, &later));
        if (first_ms > INT64_MAX || later > INT64_MAX - first_ms)
            return record_bad(r, "the end of a field of it is damaged");
        TRY(get_pair(r, out, items));
        TRY(add_ending(r, c, items, later ? (int64_t)(first_ms + later - 1) : NO_DEADLINE));
    }
    return OK;
}

/* A listpack of fields, values and times; 0 for never. */
static struct err fill_listpack_ends(struct record_reader *r, struct collection *c,
                                     struct compact *from)
{
    struct packed_item items[3];

    while (compact_next(from, &items[0])) {
        if (!compact_next(from, &items[1]) || !compact_next(from, &items[2]) ||
            items[2].kind != PACKED_NUMBER || items[2].number < 0)
            return record_bad(r, "a field of it has no value or no end");
        TRY(add_ending(r, c, items, items[2].number ? items[2].number : NO_DEADLINE));
    }
    if (compact_is_sound(from))
        return from->count ? OK : err_make(ERR_NOT_FOUND, "it is empty");
    return record_bad(r, "the elements of it are damaged");
}

static struct err fill_ends(struct record_reader *r, unsigned record_type, struct collection *c,
                            struct value *out)
{
    struct compact from;
    uint64_t first_ms = 0, count;

    if (record_type != RECORD_HASH_2)
        TRY(record_get_u64(r, &first_ms));
    if (record_type == RECORD_HASH_LISTPACK_ENDS) {
        TRY(record_get_string(r, &out->texts[0]));
        compact_begin(&from, COMPACT_LISTPACK, out->texts[0].text);
        return fill_listpack_ends(r, c, &from);
    }
    TRY(record_get_length(r, &count));
    if (count == 0)
        return err_make(ERR_NOT_FOUND, "it is empty");
    return record_type == RECORD_HASH_2 ? fill_hash_2(r, c, count, out)
                                        : fill_hash_ends(r, c, first_ms, count, out);
}

static struct err load_ends(struct record_reader *r, unsigned record_type, struct collection *c,
                            struct db *db, struct key k, struct value *out)
{
    collection_begin(c, db, k, TYPE_HASH, SHOWN_TABLE, (uint8_t *)out->bytes);
    TRY(fill_ends(r, record_type, c, out));
    return finish(r, c, out);
}

/* ---- reading sets of numbers ---- */

static int64_t intset_at(const uint8_t *at, unsigned width)
{
    uint64_t v = 0;
    unsigned spare = 64 - 8 * width;

    for (unsigned i = 0; i < width; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return (int64_t)(v << spare) >> spare;
}

static struct err fill_intset(struct record_reader *r, struct collection *c, struct str bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr + INTSET_HEAD;
    uint32_t head[2];

    memcpy(head, bytes.ptr, sizeof(head));
    uint32_t width = le32toh(head[0]), count = le32toh(head[1]);
    if ((width != 2 && width != 4 && width != 8) ||
        bytes.len - INTSET_HEAD != (size_t)count * width)
        return record_bad(r, "the numbers of it are damaged");
    if (count == 0)
        return record_bad(r, "a set of numbers is empty");
    for (uint32_t i = 0; i < count; i++, at += width) {
        struct packed_item item = packed_number(intset_at(at, width));

        if (i > 0 && item.number <= intset_at(at - width, width))
            return record_bad(r, "the numbers of it are not in order");
        TRY(add(r, c, &item, true));
    }
    return OK;
}

static struct err load_intset(struct record_reader *r, struct collection *c, struct db *db,
                              struct key k, struct value *out)
{
    TRY(record_get_string(r, &out->texts[0]));
    struct str bytes = out->texts[0].text;
    if (bytes.len < INTSET_HEAD)
        return record_bad(r, "the numbers of it are damaged");
    collection_begin(c, db, k, TYPE_SET, SHOWN_NUMBERS, (uint8_t *)out->bytes);
    TRY(fill_intset(r, c, bytes));
    return finish(r, c, out);
}

static struct err load_any(struct record_reader *r, unsigned record_type, struct collection *c,
                           struct db *db, struct key k, struct value *out)
{
    switch (record_type) {
    case RECORD_SET_INTSET: return load_intset(r, c, db, k, out);
    case RECORD_HASH_ZIPMAP: return load_compact(r, COMPACT_ZIPMAP, c, db, k, out);
    case RECORD_HASH_ZIPLIST: return load_compact(r, COMPACT_ZIPLIST, c, db, k, out);
    case RECORD_HASH_2:
    case RECORD_HASH_ENDS:
    case RECORD_HASH_LISTPACK_ENDS: return load_ends(r, record_type, c, db, k, out);
    case RECORD_HASH_LISTPACK:
    case RECORD_SET_LISTPACK: return load_compact(r, COMPACT_LISTPACK, c, db, k, out);
    default: return load_members(r, c, db, k, out);
    }
}

struct err collection_load(struct record_reader *r, unsigned record_type, struct db *db,
                           struct key k, struct value *out)
{
    struct collection c = {.db = db};
    struct err e = load_any(r, record_type, &c, db, k, out);

    if (err_failed(e))
        collection_drop(&c);
    return e;
}
