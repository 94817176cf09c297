/*
 * Nodes of entries. The one idea: entries are only ever added at the end and marked where they
 * stand, so a node is written once, from the front, and read in both directions without a copy.
 */
#include "cacheengine/types/stream.h"

#include "base/err.h"
#include "cacheengine/types/compact.h"
#include "cacheengine/types/stream_group.h"
#include "cacheengine/types/stream_pieces.h"

#include <stdlib.h>

/* What Redis's node has around ours: head, end, and the two counts. */
#define LISTPACK_AROUND_NODE (LISTPACK_HEAD + LISTPACK_END)

/* ---- memory ---- */

static size_t node_size(size_t room)
{
    return sizeof(struct stream_node) + room;
}

static void book(struct account *a, struct stream *s, size_t more, size_t less)
{
    account_add(a, more);
    account_sub(a, less);
    s->node_bytes += more - less;
}

/* Gives a node another room; NULL makes a new one. */
static struct stream_node *node_resize(struct account *a, struct stream *s, struct stream_node *n,
                                       size_t room)
{
    size_t had = n ? node_size(n->room) : 0;

    if (!n) {
        n = malloc(node_size(room));
        check(n);
        *n = (struct stream_node){0};
    } else {
        n = realloc(n, node_size(room));
        check(n);
    }
    n->room = (uint32_t)room;
    book(a, s, node_size(room), had);
    return n;
}

static void node_drop(struct account *a, struct stream *s, struct id_place *place)
{
    struct stream_slot *slot = id_map_at(&s->nodes, *place);

    book(a, s, 0, node_size(slot->node->room));
    free(slot->node);
    id_map_remove(a, &s->nodes, place);
}

struct stream *stream_new(struct account *a)
{
    struct stream *s = calloc(1, sizeof(*s));

    check(s);
    id_map_init(&s->nodes, sizeof(struct stream_slot));
    account_add(a, sizeof(*s));
    return s;
}

bool stream_free_some(struct account *a, struct stream *s, uint32_t budget)
{
    while (s->nodes.count > 0 && budget > 0) {
        struct id_place place = id_map_end(&s->nodes);

        id_map_previous(&s->nodes, &place);
        node_drop(a, s, &place);
        budget--;
    }
    if (s->nodes.count > 0 || !stream_groups_free_some(a, s, &budget))
        return false;
    id_map_fini(a, &s->nodes);
    account_sub(a, sizeof(*s));
    free(s);
    return true;
}

void stream_free(struct account *a, struct stream *s)
{
    if (s)
        check(stream_free_some(a, s, UINT32_MAX));
}

size_t stream_weight(const struct stream *s)
{
    return s->nodes.count + stream_groups_weight(s);
}

size_t stream_bytes(const struct stream *s)
{
    size_t bytes = sizeof(*s) + s->node_bytes + s->nodes.held;

    for (uint32_t i = 0; i < s->group_count; i++)
        bytes += sizeof(struct stream_group *) + stream_group_bytes(s->groups[i]);
    return bytes;
}

void stream_add_node(struct account *a, struct stream *s, struct stream_id first,
                     const struct stream_node *node)
{
    struct stream_node *n = node_resize(a, s, NULL, node->len);
    uint32_t room = n->room;
    bool is_new;

    memcpy(n, node, node_size(node->len));
    n->room = room;
    struct stream_slot *slot = id_map_insert(a, &s->nodes, first, &is_new);
    check(is_new);
    slot->node = n;
}

struct stream *stream_copy(struct account *a, const struct stream *s)
{
    struct stream *to = stream_new(a);
    struct id_place place = id_map_begin(&s->nodes);

    to->length = s->length;
    to->first = s->first;
    to->last = s->last;
    to->removed = s->removed;
    to->added = s->added;
    for (const struct stream_slot *slot; (slot = id_map_at(&s->nodes, place));
         id_map_next(&s->nodes, &place))
        stream_add_node(a, to, slot->first, slot->node);
    stream_groups_copy(a, to, s);
    return to;
}

/* ---- adding ---- */

static struct stream_slot *last_slot(const struct stream *s)
{
    struct id_place place = id_map_end(&s->nodes);

    return id_map_previous(&s->nodes, &place) ? id_map_at(&s->nodes, place) : NULL;
}

static size_t texts_of(const struct str *words, uint32_t pairs)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < 2 * pairs; i++)
        bytes += words[i].len;
    return bytes;
}

/* Bytes of a small number as an element. */
static size_t number_bytes(uint32_t v)
{
    return v < 128 ? 2 : v < 4096 ? 3 : v < 32768 ? 4 : 6;
}

/* True when the entry is to begin a node of its own, by the measure of Redis's nodes. */
static bool is_full(const struct stream_node *n, const struct settings *s, size_t texts)
{
    size_t most = s->stream_node_bytes > 0 && s->stream_node_bytes < STREAM_ENTRY_MAX
                      ? (size_t)s->stream_node_bytes
                      : STREAM_ENTRY_MAX;
    size_t bytes = LISTPACK_AROUND_NODE + number_bytes(n->live) + number_bytes(n->deleted) + n->len;

    if (bytes + texts >= most)
        return true;
    return s->stream_node_entries > 0 && (int64_t)(n->live + n->deleted) >= s->stream_node_entries;
}

static uint8_t *put_text(struct stream_node *n, uint8_t *at, struct str text)
{
    struct packed_item item = packed_item_of(text);

    n->elements++;
    return listpack_put(at, &item);
}

static uint8_t *put_number(struct stream_node *n, uint8_t *at, uint64_t v)
{
    struct packed_item item = packed_number((int64_t)v);

    n->elements++;
    return listpack_put(at, &item);
}

/* The number of fields at the begin of a node; *behind is the first field. */
static uint32_t node_fields(const struct stream_node *n, const uint8_t **behind)
{
    struct packed_item item;

    *behind = listpack_get(n->bytes, &item);
    return (uint32_t)item.number;
}

static bool has_same_fields(const struct stream_node *n, const struct str *words, uint32_t pairs)
{
    const uint8_t *at;

    if (node_fields(n, &at) != pairs)
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        struct packed_item mine = packed_item_of(words[2 * i]), theirs;

        at = listpack_get(at, &theirs);
        if (!packed_item_eq(&mine, &theirs))
            return false;
    }
    return true;
}

/* A new node at the end, with these fields. */
static struct stream_slot *begin_node(struct account *a, struct stream *s, struct stream_id id,
                                      const struct str *words, uint32_t pairs, size_t room)
{
    struct stream_slot *full = last_slot(s);
    bool is_new;

    if (full && full->node->room > full->node->len)
        full->node = node_resize(a, s, full->node, full->node->len);
    struct stream_slot *slot = id_map_insert(a, &s->nodes, id, &is_new);
    struct stream_node *n = slot->node = node_resize(a, s, NULL, room);
    uint8_t *at = put_number(n, n->bytes, pairs);
    for (uint32_t i = 0; i < pairs; i++)
        at = put_text(n, at, words[2 * i]);
    at = put_number(n, at, 0);
    n->fields_len = n->len = (uint32_t)(at - n->bytes);
    return slot;
}

static void write_entry(struct stream_slot *slot, struct stream_id id, const struct str *words,
                        uint32_t pairs)
{
    struct stream_node *n = slot->node;
    bool is_same = has_same_fields(n, words, pairs);
    uint8_t *at = put_number(n, n->bytes + n->len, is_same ? STREAM_SAME_FIELDS : 0);

    at = put_number(n, at, id.ms - slot->first.ms);
    at = put_number(n, at, id.seq - slot->first.seq);
    if (!is_same)
        at = put_number(n, at, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        if (!is_same)
            at = put_text(n, at, words[2 * i]);
        at = put_text(n, at, words[2 * i + 1]);
    }
    at = put_number(n, at, is_same ? pairs + 3 : 2 * (uint64_t)pairs + 4);
    n->len = (uint32_t)(at - n->bytes);
    n->live++;
    n->last = id;
}

void stream_add(struct account *a, struct stream *s, const struct settings *settings,
                struct stream_id id, const struct str *words, uint32_t pairs)
{
    struct stream_slot *slot = last_slot(s);
    size_t texts = texts_of(words, pairs);
    size_t wanted = texts + (2 * (size_t)pairs + 6) * LISTPACK_AROUND;

    if (!slot || is_full(slot->node, settings, texts)) {
        slot = begin_node(a, s, id, words, pairs, 2 * wanted);
    } else if (slot->node->room - slot->node->len < wanted) {
        size_t room = slot->node->len + wanted;

        if (room < 2 * (size_t)slot->node->room)
            room = 2 * (size_t)slot->node->room;
        slot->node = node_resize(a, s, slot->node, room);
    }
    write_entry(slot, id, words, pairs);
    s->length++;
    s->added++;
    s->last = id;
    if (s->length == 1)
        s->first = id;
}

/* ---- reading ---- */

/* Reads the head of the entry at a place. */
static void entry_open(const struct stream_slot *slot, const uint8_t *at, struct stream_entry *out)
{
    struct packed_item ms, seq, count;
    const uint8_t *names;
    uint32_t shared = node_fields(slot->node, &names);

    *out = (struct stream_entry){.flags = (uint8_t *)(uintptr_t)at, .node = slot->node};
    at = listpack_get(listpack_get(listpack_skip(at), &ms), &seq);
    out->id = (struct stream_id){slot->first.ms + (uint64_t)ms.number,
                                 slot->first.seq + (uint64_t)seq.number};
    if (*out->flags & STREAM_SAME_FIELDS) {
        out->fields = shared;
        out->names = names;
    } else {
        at = listpack_get(at, &count);
        out->fields = (uint32_t)count.number;
    }
    out->at = at;
}

/* The place behind an entry of which nothing was read yet. */
static const uint8_t *entry_end(const struct stream_entry *e)
{
    uint64_t elements = e->names ? e->fields : 2 * (uint64_t)e->fields;
    const uint8_t *at = e->at;

    for (uint64_t i = 0; i <= elements; i++)
        at = listpack_skip(at);
    return at;
}

/* The place of the entry that ends at a place. */
static const uint8_t *entry_before(const uint8_t *end)
{
    const uint8_t *at = listpack_before(end);
    struct packed_item elements;

    (void)listpack_get(at, &elements);
    for (int64_t i = 0; i < elements.number; i++)
        at = listpack_before(at);
    return at;
}

void stream_pair(struct stream_entry *e, struct packed_item *field, struct packed_item *value)
{
    if (e->names)
        e->names = listpack_get(e->names, field);
    else
        e->at = listpack_get(e->at, field);
    e->at = listpack_get(e->at, value);
}

struct stream_walk stream_walk_begin(const struct stream *s, struct stream_id from,
                                     struct stream_id to, bool is_back)
{
    struct stream_id wanted = is_back ? to : from;
    struct stream_walk w = {.s = s, .from = from, .to = to, .is_back = is_back};

    /* The last node that does not begin behind what is wanted. */
    w.place = id_map_seek(&s->nodes, wanted);
    const struct stream_slot *slot = id_map_at(&s->nodes, w.place);
    if (!slot || stream_id_order(slot->first, wanted) != 0) {
        bool is_before = id_map_previous(&s->nodes, &w.place);

        if (is_back && !is_before)
            w.place = id_map_end(&s->nodes);
    }
    return w;
}

static bool is_wanted(const struct stream_walk *w, const struct stream_entry *e)
{
    return stream_id_order(e->id, w->from) >= 0 && stream_id_order(e->id, w->to) <= 0 &&
           (w->with_deleted || !(*e->flags & STREAM_DELETED));
}

static bool next_forward(struct stream_walk *w, struct stream_entry *out)
{
    for (const struct stream_slot *slot; (slot = id_map_at(&w->s->nodes, w->place));
         id_map_next(&w->s->nodes, &w->place), w->at = NULL) {
        const uint8_t *end = slot->node->bytes + slot->node->len;

        if (stream_id_order(slot->first, w->to) > 0)
            return false;
        if (!w->at)
            w->at = slot->node->bytes + slot->node->fields_len;
        while (w->at < end) {
            entry_open(slot, w->at, out);
            w->at = entry_end(out);
            if (stream_id_order(out->id, w->to) > 0)
                return false;
            if (is_wanted(w, out))
                return true;
        }
    }
    return false;
}

static bool next_backward(struct stream_walk *w, struct stream_entry *out)
{
    const struct stream_slot *slot;

    while ((slot = id_map_at(&w->s->nodes, w->place))) {
        if (!w->at)
            w->at = slot->node->bytes + slot->node->len;
        while (w->at > slot->node->bytes + slot->node->fields_len) {
            w->at = entry_before(w->at);
            entry_open(slot, w->at, out);
            if (stream_id_order(out->id, w->from) < 0)
                return false;
            if (is_wanted(w, out))
                return true;
        }
        w->at = NULL;
        if (!id_map_previous(&w->s->nodes, &w->place))
            w->place = id_map_end(&w->s->nodes);
    }
    return false;
}

bool stream_next(struct stream_walk *w, struct stream_entry *out)
{
    return w->is_back ? next_backward(w, out) : next_forward(w, out);
}

bool stream_has(const struct stream *s, struct stream_id id)
{
    struct stream_walk w = stream_walk_begin(s, id, id, false);
    struct stream_entry e;

    return stream_next(&w, &e);
}

struct stream_id stream_newest(const struct stream *s)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, true);
    struct stream_entry e;

    return stream_next(&w, &e) ? e.id : STREAM_ID_MIN;
}

struct stream_id stream_oldest(const struct stream *s)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    struct stream_entry e;

    w.with_deleted = true;
    return stream_next(&w, &e) ? e.id : STREAM_ID_MAX;
}

void stream_note_first(struct stream *s)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    struct stream_entry e;

    s->first = stream_next(&w, &e) ? e.id : STREAM_ID_MIN;
}

/* ---- removing ---- */

static void mark(struct stream *s, const struct stream_entry *e)
{
    *e->flags |= STREAM_DELETED;
    e->node->live--;
    e->node->deleted++;
    s->length--;
}

bool stream_remove(struct account *a, struct stream *s, struct stream_id id)
{
    struct stream_walk w = stream_walk_begin(s, id, id, false);
    struct stream_entry e;

    if (!stream_next(&w, &e))
        return false;
    mark(s, &e);
    if (e.node->live == 0)
        node_drop(a, s, &w.place);
    if (stream_id_order(id, s->removed) > 0)
        s->removed = id;
    if (s->length == 0 || stream_id_order(id, s->first) == 0)
        stream_note_first(s);
    return true;
}

/* True when nothing of the node is to stay. */
static bool goes_whole(const struct stream *s, const struct stream_node *n,
                       const struct stream_trim *trim)
{
    if (trim->by_name)
        return stream_id_order(n->last, trim->least) < 0;
    return s->length - n->live >= trim->length;
}

/* Marks the oldest entries of the first node. */
static void cut_node(struct account *a, struct stream *s, const struct stream_trim *trim)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    struct stream_entry e = {.node = NULL};

    while (stream_next(&w, &e)) {
        if (trim->by_name ? stream_id_order(e.id, trim->least) >= 0 : s->length <= trim->length)
            break;
        mark(s, &e);
    }
    struct id_place first = id_map_begin(&s->nodes);
    const struct stream_slot *slot = id_map_at(&s->nodes, first);
    if (slot->node->live == 0)
        node_drop(a, s, &first);
}

uint64_t stream_cut(struct account *a, struct stream *s, const struct stream_trim *trim)
{
    struct id_place first = id_map_begin(&s->nodes);
    uint64_t before = s->length;

    for (const struct stream_slot *slot; (slot = id_map_at(&s->nodes, first));) {
        const struct stream_node *n = slot->node;

        if (!trim->by_name && s->length <= trim->length)
            break;
        if (trim->limit && before - s->length + n->live > trim->limit)
            break;
        if (goes_whole(s, n, trim)) {
            s->length -= n->live;
            node_drop(a, s, &first);
            continue;
        }
        if (!trim->is_rough)
            cut_node(a, s, trim);
        break;
    }
    if (before > s->length)
        stream_note_first(s);
    return before - s->length;
}

/* ---- for the keyspace ---- */

static const char *encoding(const struct db *db, const struct entry *e)
{
    (void)db;
    (void)e;
    return "stream";
}

static void drop(struct db *db, void *object)
{
    stream_free(db->heap.account, object);
}

static bool drop_some(struct db *db, void *object, uint32_t budget)
{
    return stream_free_some(db->heap.account, object, budget);
}

static void *copy(struct db *from, struct db *to, const void *object)
{
    (void)from;
    db_open_heap(to);
    return stream_copy(to->heap.account, object);
}

static size_t weight(const void *object)
{
    return stream_weight(object);
}

static size_t bytes(const struct db *db, const void *object)
{
    (void)db;
    return stream_bytes(object);
}

const struct type_ops stream_type_ops = {
    .name = "stream",
    .encoding = encoding,
    .drop = drop,
    .drop_some = drop_some,
    .copy = copy,
    .weight = weight,
    .bytes = bytes,
    .tell_some = stream_tell_some,
    .tell_change = stream_tell_change,
    .is_tellable = stream_is_tellable,
    .save = stream_save,
    .load = stream_load,
};
