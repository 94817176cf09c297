/*
 * Lists as records. The one idea: a node of ours is written as a node of Redis's, and what is read
 * is pushed element by element, for the nodes of others have other sizes.
 */
#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/compact.h"
#include "cacheengine/types/sequence.h"

#include <stdlib.h>

/* How a node of a RECORD_LIST_QUICKLIST_2 stands in the file. */
enum container { CONTAINER_PLAIN = 1, CONTAINER_PACKED = 2 };

/* Elements that are written as one node. */
#define NODE_TEXTS 8000

/* ---- writing ---- */

/* A node of Redis's that is being made of elements. */
struct node {
    struct record_writer *w;
    uint8_t *listpack, *at;
    uint64_t count;
    bool is_counting; /* nothing is written: the nodes are counted first */
    uint64_t nodes;
};

static void node_end(struct node *n)
{
    if (n->count == 0)
        return;
    n->nodes++;
    if (!n->is_counting) {
        size_t len = listpack_close(n->listpack, n->at, n->count);

        record_put_length(n->w, CONTAINER_PACKED);
        record_put_string(n->w, (struct str){(char *)n->listpack, len});
    }
    n->at = n->listpack + LISTPACK_HEAD;
    n->count = 0;
}

static void node_add(struct node *n, const struct packed_item *item)
{
    if (item->kind == PACKED_AWAY) {
        node_end(n);
        n->nodes++;
        if (n->is_counting)
            return;
        record_put_length(n->w, CONTAINER_PLAIN);
        record_put_string(n->w, (struct str){item->ptr, item->len});
        return;
    }
    n->at = listpack_put(n->at, item);
    n->count++;
    if (n->at - n->listpack > NODE_TEXTS)
        node_end(n);
}

/* Puts all elements into nodes; how many these were. */
static uint64_t each_node(struct record_writer *w, const struct sequence *s, uint8_t *listpack,
                          bool is_counting)
{
    struct node n = {.w = w, .listpack = listpack, .is_counting = is_counting};
    struct sequence_walk walk;
    struct packed_item item;

    n.at = listpack + LISTPACK_HEAD;
    sequence_walk_begin(&walk, s, 0, false, NULL);
    while (sequence_next(&walk, &item))
        node_add(&n, &item);
    node_end(&n);
    return n.nodes;
}

static void save_nodes(struct record_writer *w, const struct sequence *s)
{
    uint8_t listpack[LISTPACK_HEAD + NODE_TEXTS + QUICKLIST_INLINE_MAX + 2 * LISTPACK_AROUND +
                     LISTPACK_END];

    record_put_type(w, RECORD_LIST_QUICKLIST_2);
    record_put_length(w, each_node(w, s, listpack, true));
    each_node(w, s, listpack, false);
}

/* Element by element: the form that every version knows. */
static void save_elements(struct record_writer *w, const struct sequence *s)
{
    struct sequence_walk walk;
    struct packed_item item;

    record_put_type(w, RECORD_LIST);
    record_put_length(w, sequence_count(s));
    sequence_walk_begin(&walk, s, 0, false, NULL);
    while (sequence_next(&walk, &item)) {
        if (item.kind == PACKED_NUMBER)
            record_put_number(w, item.number);
        else
            record_put_string(w, (struct str){item.ptr, item.len});
    }
}

void sequence_save(struct record_writer *w, struct db *db, const struct entry *e)
{
    struct sequence s;

    sequence_open(&s, db, (struct key){0}, (struct entry *)e);
    if (w->version < RECORD_VERSION_7_0)
        save_elements(w, &s);
    else
        save_nodes(w, &s);
}

/* ---- reading ---- */

/* A list that is being read. */
struct loading {
    struct record_reader *r;
    struct db *db;
    struct key k;
    uint8_t *run;        /* while it is no quicklist */
    size_t len;          /* of the run */
    struct quicklist *q; /* NULL while it is a run */
};

static void add(struct loading *l, const struct packed_item *item)
{
    size_t size = packed_size_of(item);

    if (!l->q && sequence_may_be_run(l->db, l->k, l->len + size, packed_count(l->run) + 1UL)) {
        packed_put(l->run + l->len, item);
        l->len += size;
        packed_set_count(l->run, packed_count(l->run) + 1);
        return;
    }
    if (!l->q)
        l->q = sequence_unpack(l->db, l->run, l->len);
    quicklist_push(l->db, l->q, false, item);
}

static struct err load_element(struct loading *l, struct record_text *text)
{
    TRY(record_get_string(l->r, text));
    struct packed_item item = packed_item_of(text->text);
    add(l, &item);
    return OK;
}

static struct err load_compact(struct loading *l, enum compact_kind kind, struct record_text *text)
{
    struct compact from;
    struct packed_item item;

    TRY(record_get_string(l->r, text));
    compact_begin(&from, kind, text->text);
    while (compact_next(&from, &item))
        add(l, &item);
    return compact_is_sound(&from) ? OK : record_bad(l->r, "the elements of it are damaged");
}

static struct err load_node(struct loading *l, unsigned record_type, struct record_text *text)
{
    uint64_t container;

    if (record_type == RECORD_LIST)
        return load_element(l, text);
    if (record_type != RECORD_LIST_QUICKLIST_2)
        return load_compact(l, COMPACT_ZIPLIST, text);
    TRY(record_get_length(l->r, &container));
    switch (container) {
    case CONTAINER_PLAIN:
        TRY(load_element(l, text));
        return text->text.len > 0 ? OK : record_bad(l->r, "an element that stands alone is empty");
    case CONTAINER_PACKED: return load_compact(l, COMPACT_LISTPACK, text);
    default: return record_bad(l->r, "a node of it is of an unknown kind");
    }
}

static struct err load_nodes(struct loading *l, unsigned record_type, struct record_text *text)
{
    uint64_t nodes = 1;

    if (record_type != RECORD_LIST_ZIPLIST)
        TRY(record_get_length(l->r, &nodes));
    for (; nodes > 0; nodes--)
        TRY(load_node(l, record_type, text));
    if (!l->q && packed_count(l->run) == 0)
        return err_make(ERR_NOT_FOUND, "it is empty");
    return OK;
}

struct err sequence_load(struct record_reader *r, unsigned record_type, struct db *db, struct key k,
                         struct value *out)
{
    struct loading l = {.r = r, .db = db, .k = k, .run = (uint8_t *)out->bytes, .len = PACKED_HEAD};

    packed_set_count(l.run, 0);
    struct err e = load_nodes(&l, record_type, &out->texts[0]);
    if (err_failed(e)) {
        quicklist_free(db, l.q);
        return e;
    }
    if (l.q)
        sequence_settle(&(struct sequence){.db = db, .q = l.q});
    out->form = l.q ? FORM_OUTSIDE : FORM_PLAIN;
    if (l.q)
        out->outside = l.q;
    else
        out->len = l.len;
    return OK;
}
