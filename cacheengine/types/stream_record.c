/*
 * Streams as records. A node of ours lacks what a listpack has around its elements and the two
 * counts at its begin: they are put there when it is written. What is read is anybody's bytes:
 * every node is read element by element and written anew, and counted, before a stream is made of
 * it.
 */
#include "base/buf.h"
#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/compact.h"
#include "cacheengine/types/stream_group.h"

#include <stdlib.h>

/* ---- writing ---- */

/* The newest form that may be written. */
static enum record_type type_of(const struct record_writer *w)
{
    if (w->version >= RECORD_VERSION)
        return RECORD_STREAM_3;
    return w->version >= RECORD_VERSION_7_0 ? RECORD_STREAM_2 : RECORD_STREAM;
}

static void put_id(struct record_writer *w, struct stream_id id)
{
    record_put_length(w, id.ms);
    record_put_length(w, id.seq);
}

static void put_raw_id(struct record_writer *w, struct stream_id id)
{
    uint8_t bytes[16];

    stream_id_store(bytes, id);
    record_put_bytes(w, bytes, sizeof(bytes));
}

static void put_node(struct record_writer *w, const struct stream_slot *slot, struct buf *work)
{
    const struct stream_node *n = slot->node;
    struct packed_item live = packed_number(n->live), deleted = packed_number(n->deleted);
    uint8_t id[16];

    stream_id_store(id, slot->first);
    record_put_string(w, (struct str){(const char *)id, sizeof(id)});
    buf_clear(work);
    buf_reserve(work, LISTPACK_HEAD + 2 * LISTPACK_AROUND + n->len + LISTPACK_END);
    uint8_t *listpack = (uint8_t *)work->ptr;
    uint8_t *at = listpack_put(listpack_put(listpack + LISTPACK_HEAD, &live), &deleted);
    memcpy(at, n->bytes, n->len);
    size_t len = listpack_close(listpack, at + n->len, 2 + (uint64_t)n->elements);
    record_put_string(w, (struct str){(const char *)listpack, len});
}

static void put_consumer(struct record_writer *w, const struct stream_consumer *c)
{
    struct id_place place = id_map_begin(&c->pending);

    record_put_string(w, c->name);
    record_put_u64(w, (uint64_t)c->seen_ms);
    if (type_of(w) >= RECORD_STREAM_3)
        record_put_u64(w, (uint64_t)c->active_ms);
    record_put_length(w, c->pending.count);
    for (const struct stream_id *id; (id = id_map_at(&c->pending, place));
         id_map_next(&c->pending, &place))
        put_raw_id(w, *id);
}

static void put_group(struct record_writer *w, const struct stream_group *g)
{
    struct id_place place = id_map_begin(&g->pending);

    record_put_string(w, g->name);
    put_id(w, g->last);
    if (type_of(w) >= RECORD_STREAM_2)
        record_put_length(w, (uint64_t)g->read);
    record_put_length(w, g->pending.count);
    for (const struct stream_pending *p; (p = id_map_at(&g->pending, place));
         id_map_next(&g->pending, &place)) {
        put_raw_id(w, p->id);
        record_put_u64(w, (uint64_t)p->delivered_ms);
        record_put_length(w, p->deliveries);
    }
    record_put_length(w, g->consumer_count);
    for (uint32_t i = 0; i < g->consumer_count; i++)
        put_consumer(w, g->consumers[i]);
}

void stream_save(struct record_writer *w, struct db *db, const struct entry *e)
{
    const struct stream *s = entry_outside(e);
    struct id_place place = id_map_begin(&s->nodes);
    scoped(buf_fini) struct buf work = BUF_EMPTY;

    (void)db;
    record_put_type(w, type_of(w));
    record_put_length(w, s->nodes.count);
    for (const struct stream_slot *slot; (slot = id_map_at(&s->nodes, place));
         id_map_next(&s->nodes, &place))
        put_node(w, slot, &work);
    record_put_length(w, s->length);
    put_id(w, s->last);
    if (type_of(w) >= RECORD_STREAM_2) {
        put_id(w, s->first);
        put_id(w, s->removed);
        record_put_length(w, s->added);
    }
    record_put_length(w, s->group_count);
    for (uint32_t i = 0; i < s->group_count; i++)
        put_group(w, s->groups[i]);
}

/* ---- reading nodes ---- */

/* A node that is being read and written anew. */
struct loading {
    struct compact from;
    struct stream_node *to; /* with room for all there is */
    uint8_t *at;
    struct stream_id first, last; /* of the node, and the name that was read last */
    bool has_last;
};

/* The next element, copied; false where there is none. */
static bool take(struct loading *l, struct packed_item *item)
{
    if (!compact_next(&l->from, item))
        return false;
    l->at = listpack_put(l->at, item);
    l->to->elements++;
    return true;
}

static bool take_number(struct loading *l, int64_t *out)
{
    struct packed_item item;

    if (!take(l, &item) || item.kind != PACKED_NUMBER)
        return false;
    *out = item.number;
    return true;
}

static bool take_many(struct loading *l, int64_t count)
{
    struct packed_item item;

    while (count > 0 && take(l, &item))
        count--;
    return count == 0;
}

/* A number of fields that there can be. */
static bool take_fields(struct loading *l, int64_t *out)
{
    return take_number(l, out) && *out >= 0 && *out <= l->from.end - l->from.at;
}

static bool take_entry(struct loading *l, int64_t shared)
{
    int64_t flags, ms, seq, fields = shared, elements;

    if (!take_number(l, &flags) || flags < 0 || flags > (STREAM_DELETED | STREAM_SAME_FIELDS) ||
        !take_number(l, &ms) || !take_number(l, &seq))
        return false;
    struct stream_id id = {l->first.ms + (uint64_t)ms, l->first.seq + (uint64_t)seq};
    if (l->has_last ? stream_id_order(id, l->last) <= 0 : stream_id_order(id, l->first) < 0)
        return false;
    l->last = id;
    l->has_last = true;
    if (!(flags & STREAM_SAME_FIELDS) && !take_fields(l, &fields))
        return false;
    int64_t words = flags & STREAM_SAME_FIELDS ? fields : 2 * fields;
    if (!take_many(l, words) || !take_number(l, &elements) ||
        elements != words + (flags & STREAM_SAME_FIELDS ? 3 : 4))
        return false;
    l->to->live += !(flags & STREAM_DELETED);
    l->to->deleted += (flags & STREAM_DELETED) != 0;
    return true;
}

static bool load_entries(struct loading *l)
{
    int64_t shared, zero;

    if (!take_fields(l, &shared) || !take_many(l, shared) || !take_number(l, &zero) || zero != 0)
        return false;
    l->to->fields_len = (uint32_t)(l->at - l->to->bytes);
    while (l->from.at < l->from.end)
        if (!take_entry(l, shared))
            return false;
    l->to->len = (uint32_t)(l->at - l->to->bytes);
    l->to->last = l->last;
    return compact_is_sound(&l->from);
}

/* Adds the node of a listpack to the stream; false when it cannot be one. */
static bool add_node(struct account *a, struct stream *s, struct stream_id first, struct str bytes)
{
    struct loading l = {.first = first};
    struct packed_item counts[2];
    const struct stream_slot *before;
    struct id_place place = id_map_end(&s->nodes);

    if (bytes.len > STREAM_ENTRY_MAX)
        return false;
    before = id_map_previous(&s->nodes, &place) ? id_map_at(&s->nodes, place) : NULL;
    if (before && stream_id_order(first, before->node->last) <= 0)
        return false;
    compact_begin(&l.from, COMPACT_LISTPACK, bytes);
    if (!compact_next(&l.from, &counts[0]) || !compact_next(&l.from, &counts[1]))
        return false;
    /* Every element is written in its shortest form: nothing becomes longer. */
    l.to = calloc(1, sizeof(*l.to) + bytes.len + LISTPACK_AROUND);
    check(l.to);
    l.at = l.to->bytes;
    bool ok = load_entries(&l);
    if (ok && l.to->live > 0) {
        stream_add_node(a, s, first, l.to);
        s->length += l.to->live;
    }
    free(l.to);
    return ok;
}

/* ---- reading records ---- */

static struct err get_id(struct record_reader *r, struct stream_id *out)
{
    TRY(record_get_length(r, &out->ms));
    return record_get_length(r, &out->seq);
}

static struct err get_raw_id(struct record_reader *r, struct stream_id *out)
{
    uint8_t bytes[16];

    TRY(record_get_bytes(r, bytes, sizeof(bytes)));
    *out = stream_id_load(bytes);
    return OK;
}

static struct err get_time(struct record_reader *r, int64_t *out)
{
    uint64_t v;

    TRY(record_get_u64(r, &v));
    *out = (int64_t)v;
    return OK;
}

static struct err load_nodes(struct record_reader *r, struct account *a, struct stream *s,
                             struct record_text texts[2])
{
    uint64_t count;

    TRY(record_get_length(r, &count));
    for (uint64_t i = 0; i < count; i++) {
        TRY(record_get_string(r, &texts[0]));
        TRY(record_get_string(r, &texts[1]));
        if (texts[0].text.len != 16)
            return record_bad(r, "the name of a node of a stream is not of 16 bytes");
        struct stream_id first = stream_id_load((const uint8_t *)texts[0].text.ptr);
        if (!add_node(a, s, first, texts[1].text))
            return record_bad(r, "a node of a stream is damaged");
    }
    return OK;
}

/* What is known of the stream as a whole. */
static struct err load_head(struct record_reader *r, unsigned type, struct stream *s)
{
    struct stream_id first;
    uint64_t length;

    TRY(record_get_length(r, &length));
    TRY(get_id(r, &s->last));
    if (length != s->length)
        return record_bad(r, "a stream has not as many entries as it says");
    s->added = length;
    if (type >= RECORD_STREAM_2) {
        TRY(get_id(r, &first));
        TRY(get_id(r, &s->removed));
        TRY(record_get_length(r, &s->added));
    }
    if (stream_id_order(stream_newest(s), s->last) > 0)
        return record_bad(r, "a stream has entries behind its last name");
    if (s->added < s->length || s->added > INT64_MAX)
        return record_bad(r, "a stream has more entries than were added");
    stream_note_first(s);
    return OK;
}

static struct err load_group_pending(struct record_reader *r, struct account *a,
                                     struct stream_group *g)
{
    uint64_t count;

    TRY(record_get_length(r, &count));
    for (uint64_t i = 0; i < count; i++) {
        struct stream_id id;
        bool is_new;

        TRY(get_raw_id(r, &id));
        struct stream_pending *p = id_map_insert(a, &g->pending, id, &is_new);
        if (!is_new)
            return record_bad(r, "an entry waits twice in a group of a stream");
        TRY(get_time(r, &p->delivered_ms));
        TRY(record_get_length(r, &p->deliveries));
    }
    return OK;
}

static struct err load_consumer_pending(struct record_reader *r, struct account *a,
                                        struct stream_group *g, struct stream_consumer *c)
{
    uint64_t count;

    TRY(record_get_length(r, &count));
    for (uint64_t i = 0; i < count; i++) {
        struct stream_id id;
        bool is_new;

        TRY(get_raw_id(r, &id));
        struct stream_pending *p = id_map_find(&g->pending, id);
        if (!p || p->consumer)
            return record_bad(r, "an entry waits for a consumer, but not in the group");
        p->consumer = c;
        (void)id_map_insert(a, &c->pending, id, &is_new);
    }
    return OK;
}

static struct err load_consumers(struct record_reader *r, unsigned type, struct account *a,
                                 struct stream_group *g, struct record_text *text)
{
    uint64_t count, found = 0;

    TRY(record_get_length(r, &count));
    for (uint64_t i = 0; i < count; i++) {
        TRY(record_get_string(r, text));
        if (stream_consumer_find(g, text->text))
            return record_bad(r, "a group of a stream has two consumers of one name");
        struct stream_consumer *c = stream_consumer_add(a, g, text->text, 0);
        TRY(get_time(r, &c->seen_ms));
        c->active_ms = c->seen_ms;
        if (type >= RECORD_STREAM_3)
            TRY(get_time(r, &c->active_ms));
        TRY(load_consumer_pending(r, a, g, c));
        found += c->pending.count;
    }
    if (found != g->pending.count)
        return record_bad(r, "an entry waits in a group of a stream, but for no consumer");
    return OK;
}

static struct err load_groups(struct record_reader *r, unsigned type, struct account *a,
                              struct stream *s, struct record_text *text)
{
    uint64_t count, read;

    TRY(record_get_length(r, &count));
    for (uint64_t i = 0; i < count; i++) {
        struct stream_id last;

        TRY(record_get_string(r, text));
        if (stream_group_find(s, text->text))
            return record_bad(r, "a stream has two groups of one name");
        struct stream_group *g = stream_group_add(a, s, text->text, STREAM_ID_MIN, STREAM_UNKNOWN);
        TRY(get_id(r, &last));
        g->last = last;
        read = (uint64_t)stream_position(s, last);
        if (type >= RECORD_STREAM_2)
            TRY(record_get_length(r, &read));
        if ((int64_t)read < STREAM_UNKNOWN)
            return record_bad(r, "a group of a stream has read less than nothing");
        g->read = (int64_t)read;
        TRY(load_group_pending(r, a, g));
        TRY(load_consumers(r, type, a, g, text));
    }
    return OK;
}

static struct err load(struct record_reader *r, unsigned type, struct account *a, struct stream *s,
                       struct value *out)
{
    TRY(load_nodes(r, a, s, out->texts));
    TRY(load_head(r, type, s));
    return load_groups(r, type, a, s, &out->texts[0]);
}

struct err stream_load(struct record_reader *r, unsigned record_type, struct db *db, struct key k,
                       struct value *out)
{
    (void)k;
    db_open_heap(db);
    struct account *a = db->heap.account;
    struct stream *s = stream_new(a);
    struct err e = load(r, record_type, a, s, out);
    if (err_failed(e)) {
        stream_free(a, s);
        return e;
    }
    out->type = TYPE_STREAM;
    out->form = FORM_OUTSIDE;
    out->outside = s;
    return OK;
}
