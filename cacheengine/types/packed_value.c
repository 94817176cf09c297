/* Runs in entries: resize the value, open or close the gap, put the elements. */
#include "cacheengine/types/packed_value.h"

#include "base/err.h"

static size_t items_size(const struct packed_change *change)
{
    size_t size = 0;

    for (unsigned i = 0; i < change->item_count; i++)
        size += packed_size_of(&change->items[i]);
    return size;
}

size_t packed_change_len(size_t len, const struct packed_change *change)
{
    return len - change->had + items_size(change);
}

struct entry *packed_value_change(struct db *db, struct key k, struct entry *e,
                                  const struct packed_change *change)
{
    size_t had = entry_value_len(e), wants = items_size(change);
    size_t len = had - change->had + wants;

    if (len > had)
        e = db_resize(db, k, e, len);
    uint8_t *run = packed_value_run(e);
    packed_gap(run, had, change->at, change->had, wants);
    uint8_t *at = run + change->at;
    for (unsigned i = 0; i < change->item_count; i++)
        at = packed_put(at, &change->items[i]);
    packed_set_count(run, (uint32_t)((int)packed_count(run) + change->count_delta));
    return len < had ? db_resize(db, k, e, len) : e;
}

struct entry *packed_value_append(struct db *db, struct key k, struct entry *e,
                                  const struct packed_item *items, unsigned item_count)
{
    struct packed_change change = {entry_value_len(e), 0, items, item_count, (int)item_count};

    return packed_value_change(db, k, e, &change);
}

struct entry *packed_value_remove(struct db *db, struct key k, struct entry *e, const uint8_t *at,
                                  unsigned count)
{
    const uint8_t *end = at;
    const uint8_t *run = packed_value_run(e);

    for (unsigned i = 0; i < count; i++)
        end = packed_next(end);
    struct packed_change change = {(size_t)(at - run), (size_t)(end - at), NULL, 0, -(int)count};
    return packed_value_change(db, k, e, &change);
}
