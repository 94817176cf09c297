/*
 * Hashes and sets in their three forms. The one idea: the form follows from `shown` (what Redis
 * would have at this moment) and from whether that fits beside the key; everything else is a switch
 * over the form.
 */
#include "cacheengine/types/collection.h"

#include "base/err.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/fields.h"

#define INT_ENTRIES_MAX (1 << 30)
#define TRIES_MAX       64 /* draws of what is hidden, before another way is taken */

/* ---- forms ---- */

static enum entry_type type_of(const struct collection *c)
{
    return c->width == 2 ? TYPE_HASH : TYPE_SET;
}

static bool is_numbers(const struct collection *c)
{
    return !c->table && numbers_is(c->run);
}

static int64_t max_entries(const struct collection *c)
{
    const struct settings *s = c->db->ks->settings;

    return c->width == 2 ? s->hash_packed_entries : s->set_packed_entries;
}

static int64_t max_len(const struct collection *c)
{
    const struct settings *s = c->db->ks->settings;

    return c->width == 2 ? s->hash_packed_value : s->set_packed_value;
}

static int64_t max_numbers(const struct collection *c)
{
    int64_t max = c->db->ks->settings->set_int_entries;

    return max < INT_ENTRIES_MAX ? max : INT_ENTRIES_MAX;
}

void collection_open(struct collection *c, struct db *db, struct key k, struct entry *e)
{
    *c = (struct collection){.db = db, .k = k, .e = e};
    c->width = entry_type(e) == TYPE_HASH ? 2 : 1;
    if (entry_form(e) == FORM_OUTSIDE) {
        c->table = entry_outside(e);
    } else {
        c->run = packed_value_run(e);
        c->len = entry_value_len(e);
    }
}

void collection_begin(struct collection *c, struct db *db, struct key k, enum entry_type type,
                      enum shown as, uint8_t *buffer)
{
    *c = (struct collection){.db = db, .k = k, .run = buffer};
    c->width = type == TYPE_HASH ? 2 : 1;
    if (as == SHOWN_NUMBERS) {
        c->len = numbers_begin(buffer);
        return;
    }
    packed_set_count(buffer, 0);
    c->len = PACKED_HEAD;
    if (as == SHOWN_TABLE)
        collection_spread(c, SHOWN_TABLE);
}

void collection_store(struct collection *c, int64_t deadline_ms)
{
    if (c->table)
        c->e = db_set_outside(c->db, c->k, type_of(c), c->table, deadline_ms);
    else
        c->e = db_set_plain(c->db, c->k, type_of(c), FORM_PLAIN, c->run, c->len, deadline_ms);
}

void collection_drop(struct collection *c)
{
    table_free(c->db, c->table);
    c->table = NULL;
}

uint64_t collection_count(const struct collection *c)
{
    if (c->table)
        return c->table->count;
    if (is_numbers(c))
        return numbers_count(c->run, c->len);
    return packed_count(c->run) / c->width;
}

uint64_t collection_count_shown(const struct collection *c)
{
    if (!c->table || c->table->next_ms > c->hides_ms)
        return collection_count(c);
    return c->table->count - table_count_ended(c->db, c->table, c->hides_ms);
}

enum shown collection_shown(const struct collection *c)
{
    if (c->table)
        return (enum shown)c->table->shown;
    return is_numbers(c) ? SHOWN_NUMBERS : SHOWN_PACKED;
}

/* Puts a table in the place of the run. */
static void become_table(struct collection *c, struct table *t, enum shown shown)
{
    t->shown = (uint8_t)shown;
    c->table = t;
    c->run = NULL;
    if (c->e)
        c->e = db_move_outside(c->db, c->k, c->e, t);
}

static struct table *table_of_numbers(struct db *db, const void *run, size_t len)
{
    struct table *t = table_new(db, 1);

    for (uint32_t i = 0; i < numbers_count(run, len); i++) {
        struct packed_item item = packed_number(numbers_at(run, i));
        table_insert(db, t, table_hash(db, &item), &item);
    }
    return t;
}

static struct table *table_of_any(struct db *db, unsigned width, const void *run, size_t len)
{
    return numbers_is(run) ? table_of_numbers(db, run, len) : table_of_run(db, width, run, len);
}

void collection_spread(struct collection *c, enum shown shown)
{
    if (c->table)
        c->table->shown = (uint8_t)shown;
    else
        become_table(c, table_of_any(c->db, c->width, c->run, c->len), shown);
}

/* ---- room for a run ---- */

static bool run_may_be(const struct collection *c, size_t len)
{
    return len <= db_plain_max(c->k) && len <= COLLECTION_BUFFER;
}

/* Makes room before a run grows, or gives it back after it shrank. */
static void run_resize(struct collection *c, size_t len)
{
    if (c->e && len != entry_value_len(c->e)) {
        c->e = db_resize(c->db, c->k, c->e, len);
        c->run = packed_value_run(c->e);
    }
}

/* Replaces `had` bytes at an offset of a packed run by items. */
static void run_change(struct collection *c, size_t at, size_t had, const struct packed_item *items,
                       unsigned count)
{
    size_t wants = 0;

    for (unsigned i = 0; i < count; i++)
        wants += packed_size_of(&items[i]);
    if (wants > had)
        run_resize(c, c->len + wants - had);
    c->len = packed_gap(c->run, c->len, at, had, wants);
    uint8_t *to = c->run + at;
    for (unsigned i = 0; i < count; i++)
        to = packed_put(to, &items[i]);
    if (wants < had)
        run_resize(c, c->len);
}

/* ---- finding ---- */

bool collection_find(const struct collection *c, const struct packed_item *member,
                     struct collection_place *out)
{
    *out = (struct collection_place){0};
    if (c->table) {
        out->hash = table_hash(c->db, member);
        out->at = table_find(c->db, c->table, out->hash, member);
        return out->at && table_end(c->table, out->at) > c->hides_ms;
    }
    if (is_numbers(c))
        return member->kind == PACKED_NUMBER &&
               numbers_find(c->run, c->len, member->number, &out->index);
    out->at = packed_find(c->run, c->len, c->width, member);
    return out->at;
}

bool collection_has(const struct collection *c, const struct packed_item *member)
{
    struct collection_place place;

    return collection_find(c, member, &place);
}

void collection_value(const struct collection_place *place, struct packed_item *out)
{
    packed_get(packed_next(place->at), out);
}

void collection_prefetch(const struct collection *c, const struct packed_item *members,
                         unsigned count)
{
    uint64_t hashes[COLLECTION_BATCH];

    if (!c->table || count < 2)
        return;
    check(count <= COLLECTION_BATCH);
    for (unsigned i = 0; i < count; i++) {
        hashes[i] = table_hash(c->db, &members[i]);
        table_prefetch_slot(c->db, c->table, hashes[i]);
    }
    for (unsigned i = 0; i < count; i++)
        table_prefetch_run(c->db, c->table, hashes[i]);
}

/* ---- adding ---- */

static bool is_within_limits(const struct collection *c, uint64_t count,
                             const struct packed_item *items, unsigned item_count)
{
    if (count > (uint64_t)max_entries(c))
        return false;
    for (unsigned i = 0; i < item_count; i++)
        if (packed_text_len(&items[i]) > (size_t)max_len(c))
            return false;
    return true;
}

static void table_add(struct collection *c, uint64_t hash, const struct packed_item *items)
{
    table_insert(c->db, c->table, hash, items);
}

/* Adds to a run that is to be a table from now on. */
static void spread_and_add(struct collection *c, enum shown shown, const struct packed_item *items)
{
    collection_spread(c, shown);
    table_add(c, table_hash(c->db, &items[0]), items);
}

static void packed_add(struct collection *c, const struct packed_item *items)
{
    size_t len = c->len;
    uint32_t count = packed_count(c->run);

    if (!is_within_limits(c, count / c->width + 1, items, c->width)) {
        spread_and_add(c, SHOWN_TABLE, items);
        return;
    }
    for (unsigned i = 0; i < c->width; i++)
        len += packed_size_of(&items[i]);
    if (!run_may_be(c, len)) {
        spread_and_add(c, SHOWN_PACKED, items);
        return;
    }
    run_change(c, c->len, 0, items, c->width);
    packed_set_count(c->run, count + c->width);
}

bool collection_is_big(const struct collection *c, uint64_t count)
{
    return count > (uint64_t)max_entries(c);
}

bool collection_append(struct collection *c, const struct packed_item *items, bool obeys)
{
    uint32_t count = packed_count(c->run);
    size_t len = c->len;

    if (obeys && !is_within_limits(c, count / c->width + 1, items, c->width))
        return false;
    for (unsigned i = 0; i < c->width; i++)
        len += packed_size_of(&items[i]);
    if (!run_may_be(c, len))
        return false;
    run_change(c, c->len, 0, items, c->width);
    packed_set_count(c->run, count + c->width);
    return true;
}

/* Turns a run of numbers into a packed one, or into a table where that does not fit. */
static void numbers_to_packed(struct collection *c)
{
    uint8_t bytes[COLLECTION_BUFFER + PACKED_AWAY_SIZE];
    uint8_t *at = bytes + PACKED_HEAD;
    uint32_t count = numbers_count(c->run, c->len);

    packed_set_count(bytes, count);
    for (uint32_t i = 0; i < count; i++) {
        struct packed_item item = packed_number(numbers_at(c->run, i));

        at = packed_put(at, &item);
        if (!run_may_be(c, (size_t)(at - bytes))) {
            collection_spread(c, SHOWN_PACKED);
            return;
        }
    }
    c->len = (size_t)(at - bytes);
    run_resize(c, c->len);
    memcpy(c->run, bytes, c->len);
}

/* True when all numbers are short enough to be elements of a packed run. */
static bool numbers_are_short(const struct collection *c)
{
    uint32_t count = numbers_count(c->run, c->len);

    if (count == 0)
        return true;
    struct packed_item ends[2] = {packed_number(numbers_at(c->run, 0)),
                                  packed_number(numbers_at(c->run, count - 1))};
    return packed_text_len(&ends[0]) <= (size_t)max_len(c) &&
           packed_text_len(&ends[1]) <= (size_t)max_len(c);
}

static void numbers_add(struct collection *c, uint32_t index, const struct packed_item *item)
{
    uint32_t count = numbers_count(c->run, c->len);

    if (item->kind != PACKED_NUMBER) {
        if (is_within_limits(c, count + 1, item, 1) && numbers_are_short(c)) {
            struct collection_place nowhere = {0};

            numbers_to_packed(c);
            if (c->table)
                nowhere.hash = table_hash(c->db, item);
            collection_add(c, &nowhere, item);
            return;
        }
        spread_and_add(c, SHOWN_TABLE, item);
        return;
    }
    size_t len = numbers_len_with(c->run, c->len, item->number);
    if (count + 1 > (uint64_t)max_numbers(c)) {
        spread_and_add(c, SHOWN_TABLE, item);
    } else if (!run_may_be(c, len)) {
        spread_and_add(c, SHOWN_NUMBERS, item);
    } else {
        size_t had = c->len;

        run_resize(c, len);
        c->len = numbers_insert(c->run, had, index, item->number);
    }
}

/* What a table that is said to be something smaller is said to be with these items in it. */
static enum shown shown_with(const struct collection *c, const struct packed_item *items)
{
    uint64_t count = c->table->count + 1;

    if (c->table->shown == SHOWN_NUMBERS && items->kind == PACKED_NUMBER)
        return count <= (uint64_t)max_numbers(c) ? SHOWN_NUMBERS : SHOWN_TABLE;
    return is_within_limits(c, count, items, c->width) ? SHOWN_PACKED : SHOWN_TABLE;
}

void collection_add(struct collection *c, const struct collection_place *place,
                    const struct packed_item *items)
{
    if (c->table) {
        if (__builtin_expect(c->table->shown != SHOWN_TABLE, 0))
            c->table->shown = (uint8_t)shown_with(c, items);
        table_add(c, place->hash, items);
    } else if (is_numbers(c)) {
        numbers_add(c, place->index, items);
    } else {
        packed_add(c, items);
    }
}

bool collection_include(struct collection *c, const struct packed_item *member)
{
    struct collection_place place;
    struct packed_item own = *member;

    if (collection_find(c, member, &place))
        return false;
    if (own.kind == PACKED_AWAY)
        own.kind = PACKED_TEXT; /* the blob stays with the other collection */
    collection_add(c, &place, &own);
    return true;
}

/* ---- changing and removing ---- */

/* Whether a key has fields that end is counted. */
static void note_ends(const struct collection *c, bool had)
{
    bool has = c->table->ends > 0;

    if (c->e && has != had)
        c->db->with_ends += has ? 1 : -1;
}

void collection_set_end(struct collection *c, const struct packed_item *member,
                        struct collection_place *place, int64_t end_ms)
{
    int64_t next_ms;

    collection_spread(c, SHOWN_TABLE);
    table_know_ends(c->db, c->table);
    if (!place->hash)
        check(collection_find(c, member, place));
    bool had = c->table->ends > 0;
    next_ms = c->table->next_ms;
    place->at = table_set_end(c->db, c->table, place->hash, place->at, end_ms);
    note_ends(c, had);
    if (c->e && c->table->next_ms < next_ms)
        db_note_end(c->db, c->k, c->table->next_ms);
}

void collection_replace(struct collection *c, const struct packed_item *member,
                        const struct collection_place *place, const struct packed_item *value)
{
    struct collection_place there = *place;
    bool is_short = packed_text_len(value) <= (size_t)max_len(c);

    if (!c->table) {
        size_t at = (size_t)(packed_next(place->at) - c->run), had = packed_size(c->run + at);

        if (is_short && run_may_be(c, c->len - had + packed_size_of(value))) {
            run_change(c, at, had, value, 1);
            return;
        }
        collection_spread(c, SHOWN_PACKED);
        check(collection_find(c, member, &there));
    }
    if (!is_short)
        c->table->shown = SHOWN_TABLE;
    bool had = c->table->ends > 0;
    table_replace(c->db, c->table, there.hash, there.at, 1, value);
    note_ends(c, had);
}

void collection_remove(struct collection *c, const struct collection_place *place)
{
    if (c->table) {
        bool had = c->table->ends > 0;

        table_remove(c->db, c->table, place->hash, place->at);
        note_ends(c, had);
        return;
    }
    if (is_numbers(c)) {
        c->len = numbers_remove(c->run, c->len, place->index);
        run_resize(c, c->len);
        return;
    }
    const uint8_t *end = place->at;
    for (unsigned i = 0; i < c->width; i++)
        end = packed_next(end);
    packed_set_count(c->run, packed_count(c->run) - c->width);
    run_change(c, (size_t)(place->at - c->run), (size_t)(end - place->at), NULL, 0);
}

/* ---- reading ---- */

bool collection_next(const struct collection *c, struct collection_walk *walk,
                     struct packed_item *member)
{
    if (c->table) {
        const uint8_t *at = table_next(c->db, c->table, &walk->table);

        while (at && table_end(c->table, at) <= c->hides_ms)
            at = table_next(c->db, c->table, &walk->table);
        if (at)
            walk->rest = packed_get(at, member);
        return at;
    }
    if (is_numbers(c)) {
        if (walk->index >= numbers_count(c->run, c->len))
            return false;
        *member = packed_number(numbers_at(c->run, walk->index++));
        return true;
    }
    if (!walk->at)
        walk->at = packed_first(c->run);
    if (walk->at == c->run + c->len)
        return false;
    walk->rest = packed_get(walk->at, member);
    walk->at = c->width == 2 ? packed_next(walk->rest) : walk->rest;
    return true;
}

void collection_nth(const struct collection *c, uint32_t n, struct packed_item *member,
                    const uint8_t **rest)
{
    check(!c->table && n < collection_count(c));
    if (is_numbers(c)) {
        *member = packed_number(numbers_at(c->run, n));
        return;
    }
    const uint8_t *behind = packed_get(packed_at(c->run, n * c->width), member);
    if (rest)
        *rest = behind;
}

/* Where nearly all are hidden, one of the others is counted out. */
static void random_shown(const struct collection *c, struct rng *rng, struct packed_item *member,
                         const uint8_t **rest)
{
    struct collection_walk walk = {0};
    uint64_t nth = rng_below(rng, collection_count_shown(c));

    do
        check(collection_next(c, &walk, member));
    while (nth--);
    if (rest)
        *rest = walk.rest;
}

void collection_random(const struct collection *c, struct rng *rng, struct packed_item *member,
                       const uint8_t **rest)
{
    if (!c->table) {
        collection_nth(c, (uint32_t)rng_below(rng, collection_count(c)), member, rest);
        return;
    }
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        const uint8_t *at = table_random(c->db, c->table, rng);

        if (table_end(c->table, at) <= c->hides_ms)
            continue;
        at = packed_get(at, member);
        if (rest)
            *rest = at;
        return;
    }
    random_shown(c, rng, member, rest);
}

/* ---- what the keyspace asks of a type ---- */

static const char *encoding(const struct db *db, const struct entry *e)
{
    static const char *const names[] = {"hashtable", "listpack", "intset"};
    struct collection c;

    collection_open(&c, (struct db *)db, (struct key){0}, (struct entry *)e);
    return names[collection_shown(&c)];
}

static void drop(struct db *db, void *object)
{
    table_free(db, object);
}

static bool drop_some(struct db *db, void *object, uint32_t budget)
{
    return table_free_some(db, object, budget);
}

static void *copy(struct db *from, struct db *to, const void *object)
{
    return table_copy(from, object, to);
}

static void *unpack(struct db *db, unsigned width, const char *bytes, size_t len)
{
    struct table *t = table_of_any(db, width, bytes, len);

    t->shown = numbers_is(bytes) ? SHOWN_NUMBERS : SHOWN_PACKED;
    return t;
}

static void *unpack_set(struct db *db, const char *bytes, size_t len)
{
    return unpack(db, 1, bytes, len);
}

static void *unpack_hash(struct db *db, const char *bytes, size_t len)
{
    return unpack(db, 2, bytes, len);
}

static int64_t next_end(const void *object)
{
    const struct table *t = object;

    return t->ends > 0 ? t->next_ms : NO_DEADLINE;
}

static size_t weight(const void *object)
{
    return table_weight(object);
}

static size_t bytes(const struct db *db, const void *object)
{
    (void)db;
    return table_bytes(object);
}

const struct type_ops hash_type_ops = {
    .name = "hash",
    .encoding = encoding,
    .drop = drop,
    .drop_some = drop_some,
    .copy = copy,
    .unpack = unpack_hash,
    .weight = weight,
    .bytes = bytes,
    .each = collection_each,
    .some = collection_some,
    .one = collection_one,
    .next_end = next_end,
    .end_of = collection_end_of,
    .expire_some = fields_expire_some,
    .save = collection_save,
    .load = collection_load,
};

const struct type_ops set_type_ops = {
    .name = "set",
    .encoding = encoding,
    .drop = drop,
    .drop_some = drop_some,
    .copy = copy,
    .unpack = unpack_set,
    .weight = weight,
    .bytes = bytes,
    .each = collection_each,
    .some = collection_some,
    .one = collection_one,
    .save = collection_save,
    .load = collection_load,
};
