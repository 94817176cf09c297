/*
 * Nodes in an array. The one idea: nothing but the array knows how nodes follow each other, so
 * splitting, joining and finding are arithmetic on an array of eight-byte slots.
 */
#include "cacheengine/types/quicklist.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/prefetch.h"

#include <stdlib.h>

#define NODE_BYTES   512
#define NODES_SMALL  4096  /* so many nodes of the first size, */
#define NODES_MIDDLE 65536 /* and so many until they have the last */
#define SLOTS_FIRST  8

/* ---- memory ---- */

static struct quicklist_slot *slot_at(const struct quicklist *q, uint32_t i)
{
    return &q->slots[q->first + i];
}

static struct quicklist_node *node_at(const struct db *db, const struct quicklist *q, uint32_t i)
{
    return heap_at(&db->heap, slot_at(q, i)->ref);
}

static size_t used(const struct quicklist_node *n)
{
    return (size_t)(n->end - n->begin);
}

static uint32_t node_new(struct db *db, struct quicklist *q, size_t least)
{
    size_t size = NODE_BYTES;

    if (q->nodes >= NODES_SMALL)
        size = q->nodes < NODES_MIDDLE ? 4 * NODE_BYTES : 16 * NODE_BYTES;
    if (size < least + sizeof(struct quicklist_node))
        size = least + sizeof(struct quicklist_node);
    uint32_t ref = heap_alloc(&db->heap, size);
    size = heap_item_bytes(&db->heap, ref);
    q->held += size;
    *(struct quicklist_node *)heap_at(&db->heap, ref) =
        (struct quicklist_node){.room = (uint16_t)(size - sizeof(struct quicklist_node))};
    return ref;
}

static void node_free(struct db *db, struct quicklist *q, uint32_t ref)
{
    q->held -= heap_item_bytes(&db->heap, ref);
    heap_free(&db->heap, ref);
}

struct quicklist *quicklist_new(struct db *db)
{
    struct quicklist *q = calloc(1, sizeof(*q));

    check(q);
    db_open_heap(db);
    q->held = sizeof(*q);
    account_add(db->heap.account, sizeof(*q));
    return q;
}

/* An item with a text too long for a node turned into one with a blob; others as they are. */
static struct packed_item settled(struct db *db, struct quicklist *q,
                                  const struct packed_item *item)
{
    size_t most = db->ks->list_alone_above;
    struct packed_item out = *item;

    if (most == 0 || most > QUICKLIST_INLINE_MAX)
        most = QUICKLIST_INLINE_MAX;

    if (item->kind == PACKED_TEXT && item->len > most) {
        struct blob *b = blob_new(db->heap.account, item->len, item->len);

        memcpy(b->bytes, item->ptr, item->len);
        out = packed_away(b);
    }
    if (out.kind != PACKED_AWAY)
        return out;
    q->away++;
    q->texts += out.len;
    q->held += out.away->cost;
    return out;
}

static void drop_one(struct db *db, struct quicklist *q, const struct packed_item *item)
{
    if (item->kind != PACKED_AWAY)
        return;
    q->away--;
    q->texts -= item->len;
    q->held -= item->away->cost;
    blob_drop(db->heap.account, item->away);
}

/* Gives back what stands outside of the elements between two places. */
static void drop_away(struct db *db, struct quicklist *q, const uint8_t *at, const uint8_t *end)
{
    struct packed_item item;

    while (q->away > 0 && at < end) {
        at = packed_get(at, &item);
        drop_one(db, q, &item);
    }
}

size_t quicklist_weight(const struct quicklist *q)
{
    return q->nodes + q->away;
}

bool quicklist_free_some(struct db *db, struct quicklist *q, uint32_t budget)
{
    for (uint64_t spent = 0; q->nodes > 0 && spent < budget; spent++) {
        struct quicklist_node *n = node_at(db, q, q->nodes - 1);
        uint64_t away = q->away;

        drop_away(db, q, n->bytes + n->begin, n->bytes + n->end);
        node_free(db, q, slot_at(q, --q->nodes)->ref);
        spent += away - q->away;
    }
    if (q->nodes > 0)
        return false;
    account_sub(db->heap.account, sizeof(*q) + q->room * sizeof(*q->slots));
    free(q->slots);
    free(q);
    return true;
}

void quicklist_free(struct db *db, struct quicklist *q)
{
    if (q)
        quicklist_free_some(db, q, UINT32_MAX);
}

/* ---- slots ---- */

/* Moves the slots into a new array with room at both ends. */
static void slots_grow(struct db *db, struct quicklist *q)
{
    uint32_t room = q->nodes < SLOTS_FIRST / 2 ? SLOTS_FIRST : 2 * q->nodes;
    struct quicklist_slot *slots = malloc(room * sizeof(*slots));
    uint32_t first = (room - q->nodes) / 2;

    check(slots);
    if (q->nodes)
        memcpy(slots + first, slot_at(q, 0), q->nodes * sizeof(*slots));
    account_add(db->heap.account, room * sizeof(*slots));
    account_sub(db->heap.account, q->room * sizeof(*slots));
    q->held += room * sizeof(*slots);
    q->held -= q->room * sizeof(*slots);
    free(q->slots);
    q->slots = slots;
    q->room = room;
    q->first = first;
}

/* Makes slot `i` a new one. */
static void slot_insert(struct db *db, struct quicklist *q, uint32_t i, uint32_t ref)
{
    bool goes_front = i < q->nodes - i;

    if (goes_front ? q->first == 0 : q->first + q->nodes == q->room)
        slots_grow(db, q);
    if (goes_front) {
        q->first--;
        memmove(&q->slots[q->first], &q->slots[q->first + 1], i * sizeof(*q->slots));
    } else {
        memmove(slot_at(q, i + 1), slot_at(q, i), (q->nodes - i) * sizeof(*q->slots));
    }
    q->nodes++;
    *slot_at(q, i) = (struct quicklist_slot){.ref = ref};
}

/* Takes `count` slots out whose nodes are gone. */
static void slots_remove(struct db *db, struct quicklist *q, uint32_t i, uint32_t count)
{
    uint32_t behind = q->nodes - i - count;

    if (i < behind) {
        memmove(&q->slots[q->first + count], &q->slots[q->first], i * sizeof(*q->slots));
        q->first += count;
    } else {
        memmove(slot_at(q, i), slot_at(q, i + count), behind * sizeof(*q->slots));
    }
    q->nodes -= count;
    if (q->room > SLOTS_FIRST && q->nodes < q->room / 8)
        slots_grow(db, q);
}

/* The slot that has the element of an index; *within is its number there. */
static uint32_t slot_of(const struct quicklist *q, uint64_t index, uint32_t *within)
{
    uint32_t i = 0;

    if (index < q->count / 2) {
        for (; index >= slot_at(q, i)->count; i++)
            index -= slot_at(q, i)->count;
        *within = (uint32_t)index;
        return i;
    }
    uint64_t behind = q->count - index; /* elements from it to the end */
    for (i = q->nodes - 1; behind > slot_at(q, i)->count; i--)
        behind -= slot_at(q, i)->count;
    *within = (uint32_t)(slot_at(q, i)->count - behind);
    return i;
}

/* ---- nodes ---- */

static uint8_t *place_in(struct quicklist_node *n, uint32_t within)
{
    const uint8_t *at = n->bytes + n->begin;

    while (within--)
        at = packed_next(at);
    return (uint8_t *)at;
}

/* Moves the elements of a node so that they begin at an offset. */
static void slide(struct quicklist_node *n, size_t begin)
{
    size_t len = used(n);

    memmove(n->bytes + begin, n->bytes + n->begin, len);
    n->begin = (uint16_t)begin;
    n->end = (uint16_t)(begin + len);
}

/* Opens a gap of `size` bytes in front of an element (or at the end) where the node has the room,
 * by moving what is shorter where both ends have it. */
static uint8_t *open_gap(struct quicklist_node *n, uint8_t *at, size_t size)
{
    size_t before = (size_t)(at - n->bytes) - n->begin, behind = used(n) - before;
    bool can_go_front = n->begin >= size, can_go_back = (size_t)(n->room - n->end) >= size;

    if (!can_go_front && !can_go_back) {
        slide(n, 0);
        at = n->bytes + before;
        can_go_back = true;
    }
    if (can_go_front && (before < behind || !can_go_back)) {
        memmove(n->bytes + n->begin - size, n->bytes + n->begin, before);
        n->begin = (uint16_t)(n->begin - size);
        return at - size;
    }
    memmove(at + size, at, behind);
    n->end = (uint16_t)(n->end + size);
    return at;
}

/* Closes the gap of what was between two places. */
static void close_gap(struct quicklist_node *n, uint8_t *at, uint8_t *end)
{
    size_t size = (size_t)(end - at), before = (size_t)(at - n->bytes) - n->begin;
    size_t behind = used(n) - before - size;

    if (before < behind) {
        memmove(n->bytes + n->begin + size, n->bytes + n->begin, before);
        n->begin = (uint16_t)(n->begin + size);
        return;
    }
    memmove(at, end, behind);
    n->end = (uint16_t)(n->end - size);
}

static bool has_room(const struct quicklist_node *n, size_t size)
{
    return (size_t)n->room - used(n) >= size;
}

static void count_in(struct quicklist *q, uint32_t slot, size_t size)
{
    slot_at(q, slot)->count++;
    q->count++;
    q->bytes += size;
}

/* True when what two neighbours have fits well into the first. */
static bool fits(const struct db *db, const struct quicklist *q, uint32_t i)
{
    const struct quicklist_node *n = node_at(db, q, i);

    return used(n) + used(node_at(db, q, i + 1)) <= (size_t)n->room / 4 * 3;
}

/* Puts what is in the next node into this one; the next's slot is stale afterwards. */
static void pour(struct db *db, struct quicklist *q, uint32_t i)
{
    struct quicklist_node *n = node_at(db, q, i), *next = node_at(db, q, i + 1);
    size_t len = used(next);

    if ((size_t)(n->room - n->end) < len)
        slide(n, 0);
    memcpy(n->bytes + n->end, next->bytes + next->begin, len);
    n->end = (uint16_t)(n->end + len);
    slot_at(q, i)->count += slot_at(q, i + 1)->count;
    node_free(db, q, slot_at(q, i + 1)->ref);
}

static void join(struct db *db, struct quicklist *q, uint32_t i)
{
    if (i + 1 >= q->nodes || !fits(db, q, i))
        return;
    pour(db, q, i);
    slots_remove(db, q, i + 1, 1);
}

/* ---- adding ---- */

void quicklist_push(struct db *db, struct quicklist *q, bool at_front,
                    const struct packed_item *text)
{
    struct packed_item item = settled(db, q, text);
    size_t size = packed_size_of(&item);
    uint32_t i = at_front ? 0 : q->nodes - 1;
    struct quicklist_node *n = q->nodes ? node_at(db, q, i) : NULL;

    /* Room at the other end is used when the node is rather empty: a queue's does not creep. */
    if (n && (at_front ? n->begin < size : (size_t)(n->room - n->end) < size)) {
        if (used(n) <= (size_t)n->room / 2 && has_room(n, size))
            slide(n, at_front ? n->room - used(n) : 0);
        else
            n = NULL;
    }
    if (!n) {
        i = at_front ? 0 : q->nodes;
        slot_insert(db, q, i, node_new(db, q, size));
        n = node_at(db, q, i);
        n->begin = n->end = at_front ? n->room : 0;
    }
    if (at_front) {
        n->begin = (uint16_t)(n->begin - size);
        packed_put(n->bytes + n->begin, &item);
    } else {
        packed_put(n->bytes + n->end, &item);
        n->end = (uint16_t)(n->end + size);
    }
    count_in(q, i, size);
}

/* Moves the elements from `within` on into a node of their own behind this one. */
static void split(struct db *db, struct quicklist *q, uint32_t i, uint32_t within)
{
    struct quicklist_node *n = node_at(db, q, i);
    const uint8_t *at = place_in(n, within);
    size_t len = (size_t)(n->bytes + n->end - at);
    uint32_t ref = node_new(db, q, len);
    struct quicklist_node *rest = heap_at(&db->heap, ref);

    n = node_at(db, q, i);
    at = n->bytes + n->end - len;
    rest->begin = (uint16_t)((rest->room - len) / 2);
    rest->end = (uint16_t)(rest->begin + len);
    memcpy(rest->bytes + rest->begin, at, len);
    n->end = (uint16_t)(n->end - len);
    slot_insert(db, q, i + 1, ref);
    slot_at(q, i + 1)->count = slot_at(q, i)->count - within;
    slot_at(q, i)->count = within;
}

void quicklist_insert(struct db *db, struct quicklist *q, uint64_t index,
                      const struct packed_item *text)
{
    uint32_t within, i;

    if (index == 0 || index == q->count) {
        quicklist_push(db, q, index == 0, text);
        return;
    }
    struct packed_item item = settled(db, q, text);
    size_t size = packed_size_of(&item);
    i = slot_of(q, index, &within);
    if (!has_room(node_at(db, q, i), size)) {
        if (within > 0)
            split(db, q, i++, within);
        /* Now it goes between two nodes: to the end of the one in front, or alone. */
        if (i == 0 || !has_room(node_at(db, q, i - 1), size))
            slot_insert(db, q, i++, node_new(db, q, size));
        i--;
        within = slot_at(q, i)->count;
    }
    struct quicklist_node *n = node_at(db, q, i);
    packed_put(open_gap(n, place_in(n, within), size), &item);
    count_in(q, i, size);
}

/* ---- removing ---- */

/* Removes elements of one node, which may become empty; how many were removed. */
static uint32_t remove_in(struct db *db, struct quicklist *q, uint32_t i, uint32_t within,
                          uint64_t count)
{
    struct quicklist_slot *slot = slot_at(q, i);
    struct quicklist_node *n = node_at(db, q, i);
    uint8_t *at = place_in(n, within);
    uint32_t most = slot->count - within;
    const uint8_t *end = n->bytes + n->end;

    if (count < most) {
        most = (uint32_t)count;
        end = at;
        for (uint32_t j = 0; j < most; j++)
            end = packed_next(end);
    }
    drop_away(db, q, at, end);
    q->bytes -= (size_t)(end - at);
    q->count -= most;
    slot->count -= most;
    close_gap(n, at, (uint8_t *)end);
    return most;
}

void quicklist_remove(struct db *db, struct quicklist *q, uint64_t index, uint64_t count)
{
    uint32_t within, i, empty_from, emptied = 0;

    i = slot_of(q, index, &within);
    empty_from = within == 0 ? i : i + 1;
    for (; count > 0; i++, within = 0) {
        count -= remove_in(db, q, i, within, count);
        if (slot_at(q, i)->count > 0)
            continue;
        node_free(db, q, slot_at(q, i)->ref);
        emptied++;
    }
    if (emptied > 0)
        slots_remove(db, q, empty_from, emptied);
    if (empty_from < q->nodes)
        join(db, q, empty_from);
    if (empty_from > 0)
        join(db, q, empty_from - 1);
}

/* ---- replacing, and removing by value ---- */

void quicklist_replace(struct db *db, struct quicklist *q, uint64_t index,
                       const struct packed_item *item)
{
    quicklist_insert(db, q, index, item);
    quicklist_remove(db, q, index + 1, 1);
}

/* Takes the elements out of one node that are equal to one; what stays moves together. */
static void sift(struct db *db, struct quicklist *q, uint32_t i, struct quicklist_sieve *sieve)
{
    struct quicklist_node *n = node_at(db, q, i);
    uint8_t *at = n->bytes + n->begin, *to = at, *end = n->bytes + n->end;
    struct packed_item item;

    while (at < end && sieve->most > 0) {
        const uint8_t *next = packed_get(at, &item);
        size_t size = (size_t)(next - at);

        if (quicklist_sieve_takes(sieve, &item)) {
            drop_one(db, q, &item);
            slot_at(q, i)->count--;
            q->count--;
            q->bytes -= size;
        } else {
            memmove(to, at, size);
            to += size;
        }
        at += size;
    }
    memmove(to, at, (size_t)(end - at));
    n->end = (uint16_t)(to + (end - at) - n->bytes);
}

void quicklist_sift(struct db *db, struct quicklist *q, struct quicklist_sieve *sieve)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < q->nodes; i++) {
        if (sieve->most > 0)
            sift(db, q, i, sieve);
        if (slot_at(q, i)->count == 0) {
            node_free(db, q, slot_at(q, i)->ref);
            continue;
        }
        *slot_at(q, kept++) = *slot_at(q, i);
        if (kept > 1 && fits(db, q, kept - 2))
            pour(db, q, --kept - 1);
    }
    slots_remove(db, q, kept, q->nodes - kept);
}

/* ---- walking ---- */

static void enter(struct quicklist_walk *w, uint32_t within)
{
    struct quicklist_node *n = node_at(w->db, w->q, w->slot);

    w->at = place_in(n, within);
    w->left = slot_at(w->q, w->slot)->count - within;
}

void quicklist_walk_begin(struct quicklist_walk *w, const struct db *db, const struct quicklist *q,
                          uint64_t index)
{
    uint32_t within;

    *w = (struct quicklist_walk){.db = db, .q = q};
    w->slot = slot_of(q, index, &within);
    enter(w, within);
}

bool quicklist_next(struct quicklist_walk *w, struct packed_item *out)
{
    if (w->left == 0) {
        if (w->slot + 1 >= w->q->nodes)
            return false;
        w->slot++;
        if (w->slot + 1 < w->q->nodes)
            prefetch(node_at(w->db, w->q, w->slot + 1));
        enter(w, 0);
    }
    w->left--;
    w->at = packed_get(w->at, out);
    return true;
}

/* Notes where the first `count` elements of the node begin. */
static void note_places(struct quicklist_walk *w, uint32_t count)
{
    const struct quicklist_node *n = node_at(w->db, w->q, w->slot);
    const uint8_t *at = n->bytes + n->begin;

    if (count > w->places_room) {
        w->places_room = count;
        w->places = arena_alloc(w->a, count * sizeof(*w->places));
    }
    for (uint32_t i = 0; i < count; i++, at = packed_next(at))
        w->places[i] = (uint16_t)(at - n->bytes);
    w->left = count;
}

void quicklist_walk_back(struct quicklist_walk *w, const struct db *db, const struct quicklist *q,
                         uint64_t index, struct arena *a)
{
    uint32_t within;

    *w = (struct quicklist_walk){.db = db, .q = q, .a = a};
    w->slot = slot_of(q, index, &within);
    note_places(w, within + 1);
}

bool quicklist_previous(struct quicklist_walk *w, struct packed_item *out)
{
    if (w->left == 0) {
        if (w->slot == 0)
            return false;
        w->slot--;
        note_places(w, slot_at(w->q, w->slot)->count);
    }
    w->left--;
    packed_get(node_at(w->db, w->q, w->slot)->bytes + w->places[w->left], out);
    return true;
}

struct quicklist *quicklist_copy(struct db *from, struct db *to, const struct quicklist *q)
{
    struct quicklist *copy = quicklist_new(to);
    struct quicklist_walk w;
    struct packed_item item;

    copy->is_shown_packed = q->is_shown_packed;
    if (q->count == 0)
        return copy;
    quicklist_walk_begin(&w, from, q, 0);
    while (quicklist_next(&w, &item)) {
        /* A blob is not shared between keys: each may be written to. */
        if (item.kind == PACKED_AWAY)
            item.kind = PACKED_TEXT;
        quicklist_push(to, copy, false, &item);
    }
    return copy;
}
