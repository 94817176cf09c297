/*
 * Sorted sets in their two forms. The one idea: both are asked the same few questions (where is a
 * member, what has which rank, how many stand before a bound), and all commands are made of those.
 */
#include "base/err.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/t_zset.h"

/* The most members that a packed run can have: two elements of two bytes each, or so. */
#define PACKED_MOST (ENTRY_VALUE_MAX / 2)

/* ---- trees ---- */

static uint64_t hash_of_member(const void *ctx, const void *item)
{
    const struct hash_seed *seed = ctx;
    struct str text = rank_member_text(item);

    return hash_bytes(seed, text.ptr, text.len);
}

static uint64_t hash_of_text(const struct db *db, struct str text)
{
    return hash_bytes(&db->ks->seed, text.ptr, text.len);
}

struct zset_tree *zset_tree_new(struct db *db)
{
    db_open_heap(db);
    struct zset_tree *t = heap_at(&db->heap, heap_alloc(&db->heap, sizeof(*t)));

    *t = (struct zset_tree){0};
    index_init(&t->index, &db->heap, hash_of_member, &db->ks->seed);
    return t;
}

/* Databases are exchanged and cut loose: the index is told where its heap is now. */
static void tree_bind(struct db *db, struct zset_tree *t)
{
    t->index.heap = &db->heap;
}

static uint32_t *tree_slot(const struct db *db, const struct zset_tree *t, uint64_t hash,
                           struct str text)
{
    struct index_probe p = index_probe_begin(&t->index, hash);

    for (uint32_t *slot; (slot = index_probe_next(&p));) {
        struct str has = rank_member_text(rank_member_at(db, *slot));

        if (has.len == text.len && memcmp(has.ptr, text.ptr, has.len) == 0)
            return slot;
    }
    return NULL;
}

static void tree_add(struct db *db, struct zset_tree *t, uint64_t hash, struct str text,
                     double score)
{
    uint32_t ref = rank_member_new(db, text, score);

    t->member_bytes += heap_item_bytes(&db->heap, ref);
    index_insert(&t->index, hash, ref);
    rank_insert(db, &t->rank, ref);
}

static void member_free(struct db *db, struct zset_tree *t, uint32_t ref)
{
    t->member_bytes -= heap_item_bytes(&db->heap, ref);
    heap_free(&db->heap, ref);
}

/* Frees at most `budget` leaves; true when the tree is gone. */
static bool tree_free_some(struct db *db, struct zset_tree *t, uint32_t budget)
{
    tree_bind(db, t);
    if (!rank_free_some(db, &t->rank, budget))
        return false;
    index_fini(&t->index);
    heap_free(&db->heap, heap_ref(&db->heap, t));
    return true;
}

void zset_tree_free(struct db *db, struct zset_tree *t)
{
    check(tree_free_some(db, t, UINT32_MAX));
}

bool zset_tree_include(struct db *db, struct zset_tree *t, struct str text, double score)
{
    uint64_t hash = hash_of_text(db, text);

    if (tree_slot(db, t, hash, text))
        return false;
    tree_add(db, t, hash, text, score);
    return true;
}

struct taking {
    struct db *db;
    struct zset_tree *tree;
};

static void take_out(void *ctx, uint32_t ref)
{
    struct taking *t = ctx;
    uint64_t hash = hash_of_text(t->db, rank_member_text(rank_member_at(t->db, ref)));
    struct index_probe p = index_probe_begin(&t->tree->index, hash);
    uint32_t *slot = index_probe_next(&p);

    while (slot && *slot != ref)
        slot = index_probe_next(&p);
    check(slot);
    index_remove(&t->tree->index, hash, slot);
    member_free(t->db, t->tree, ref);
}

static size_t tree_bytes(const struct zset_tree *t)
{
    size_t segment =
        sizeof(struct index_segment) + (sizeof(struct index_bucket) << t->index.bucket_bits);

    return heap_class_bytes(sizeof(*t)) + t->rank.held + t->member_bytes +
           index_directory_bytes(&t->index) +
           t->index.segment_count * heap_class_bytes((segment + 63) & ~(size_t)63);
}

/* ---- packed runs ---- */

/* Scores that are whole numbers are stored as such, as Redis does, and so lose the sign of -0. */
struct packed_item zset_item_of_score(double score)
{
    const double limit = 4611686018427387904.0;

    if (score >= -limit && score <= limit && score == (double)(int64_t)score)
        return packed_number((int64_t)score);
    return packed_real(score);
}

double zset_score_of_item(const struct packed_item *item)
{
    return item->kind == PACKED_NUMBER ? (double)item->number : item->real;
}

/* Reads the score at a place; returns the place behind it. */
static const uint8_t *score_get(const uint8_t *at, double *out)
{
    struct packed_item item;

    at = packed_get(at, &item);
    *out = zset_score_of_item(&item);
    return at;
}

/* A run being read from its beginning. */
struct reader {
    const uint8_t *at, *end;
    struct packed_digits digits;
};

static struct reader reader_of(const struct entry *e)
{
    const uint8_t *run = packed_value_run(e);

    return (struct reader){.at = packed_first(run), .end = run + entry_value_len(e)};
}

/* Reads the member at a place; returns the place behind it. */
static const uint8_t *member_get(const uint8_t *at, struct packed_digits *digits,
                                 struct zset_member *out)
{
    struct packed_item item;

    at = score_get(packed_get(at, &item), &out->score);
    out->text = packed_text(&item, digits);
    out->is_brief = item.kind != PACKED_TEXT;
    return at;
}

static bool reader_next(struct reader *r, struct zset_member *out)
{
    if (r->at == r->end)
        return false;
    r->at = member_get(r->at, &r->digits, out);
    return true;
}

static bool is_before(const struct zset_member *m, double score, struct str text)
{
    if (m->score != score)
        return m->score < score;
    return rank_compare(m->text, text) < 0;
}

/* The place at which a member with this score stands, or would stand. */
static const uint8_t *packed_place(const struct entry *e, double score, struct str text)
{
    struct reader r = reader_of(e);
    const uint8_t *at = r.at;
    struct zset_member m;

    while (reader_next(&r, &m) && is_before(&m, score, text))
        at = r.at;
    return at;
}

static uint32_t packed_members(const struct entry *e)
{
    return packed_count(packed_value_run(e)) / 2;
}

static void packed_put_in(struct zset *z, struct str text, double score)
{
    const uint8_t *at = packed_place(z->e, score, text);
    struct packed_item items[2] = {packed_item_of(text), zset_item_of_score(score)};
    struct packed_change change = {(size_t)(at - packed_value_run(z->e)), 0, items, 2, 2};

    z->e = packed_value_change(z->db, z->k, z->e, &change);
}

/* ---- forms ---- */

void zset_open(struct zset *z, struct db *db, struct key k, struct entry *e)
{
    *z = (struct zset){.db = db, .k = k, .e = e};
    if (e && entry_form(e) == FORM_OUTSIDE) {
        z->tree = entry_outside(e);
        tree_bind(db, z->tree);
    }
}

static bool zset_opened(struct cmd_call *c, uint32_t arg, struct zset *z, struct entry *e)
{
    if (!e)
        return false;
    zset_open(z, c->db, call_key(c, arg), e);
    return true;
}

bool zset_read(struct cmd_call *c, uint32_t arg, struct zset *z, bool *ok)
{
    return zset_opened(c, arg, z, call_read(c, call_key(c, arg), TYPE_ZSET, ok));
}

bool zset_write(struct cmd_call *c, uint32_t arg, struct zset *z, bool *ok)
{
    return zset_opened(c, arg, z, call_find(c, call_key(c, arg), TYPE_ZSET, ok));
}

uint64_t zset_count(const struct zset *z)
{
    return z->tree ? z->tree->rank.count : packed_members(z->e);
}

/* Puts a tree in the place of the run, or makes the key of it. */
static void become_tree(struct zset *z, bool is_shown_packed)
{
    struct zset_tree *t = zset_tree_new(z->db);

    t->is_shown_packed = is_shown_packed;
    if (z->e) {
        struct reader r = reader_of(z->e);
        struct zset_member m;

        while (reader_next(&r, &m))
            tree_add(z->db, t, hash_of_text(z->db, m.text), m.text, m.score);
        z->e = db_move_outside(z->db, z->k, z->e, t);
    } else {
        z->e = db_set_outside(z->db, z->k, TYPE_ZSET, t, NO_DEADLINE);
    }
    z->tree = t;
}

void zset_spread(struct zset *z)
{
    if (z->tree)
        z->tree->is_shown_packed = false;
    else
        become_tree(z, false);
}

static bool is_within_limits(const struct db *db, uint64_t count, size_t longest)
{
    const struct settings *s = db->ks->settings;

    return count <= (uint64_t)s->zset_packed_entries && longest <= (size_t)s->zset_packed_value;
}

/* ---- finding ---- */

static bool packed_seek(const struct entry *e, struct str text, struct zset_place *out)
{
    struct packed_item item = packed_item_of(text);
    const uint8_t *run = packed_value_run(e);

    out->at = packed_find(run, entry_value_len(e), 2, &item);
    if (!out->at)
        return false;
    score_get(packed_next(out->at), &out->score);
    return true;
}

static bool tree_seek(const struct zset *z, struct str text, struct zset_place *out)
{
    out->slot = tree_slot(z->db, z->tree, out->hash, text);
    if (!out->slot)
        return false;
    out->score = rank_member_at(z->db, *out->slot)->score;
    return true;
}

bool zset_find(const struct zset *z, struct str text, struct zset_place *out)
{
    *out = (struct zset_place){0};
    if (!z->e)
        return false;
    if (!z->tree)
        return packed_seek(z->e, text, out);
    out->hash = hash_of_text(z->db, text);
    return tree_seek(z, text, out);
}

bool zset_find_for(const struct zset *z, struct str text, double score, struct zset_place *out)
{
    if (!z->tree)
        return zset_find(z, text, out);
    *out = (struct zset_place){.hash = hash_of_text(z->db, text)};
    index_prefetch(&z->tree->index, out->hash);
    rank_prefetch(z->db, &z->tree->rank, score);
    return tree_seek(z, text, out);
}

uint64_t zset_rank(const struct zset *z, const struct zset_place *place)
{
    if (z->tree)
        return rank_of(z->db, &z->tree->rank, *place->slot);
    uint64_t n = 0;
    for (const uint8_t *at = packed_first(packed_value_run(z->e)); at < place->at; n++)
        at = packed_next(packed_next(at));
    return n;
}

uint64_t zset_below(const struct zset *z, const struct zset_bound *bound)
{
    if (bound->beyond)
        return bound->beyond < 0 ? 0 : zset_count(z);
    if (z->tree)
        return rank_below(z->db, &z->tree->rank, &bound->at);
    struct reader r = reader_of(z->e);
    struct zset_member m;
    uint64_t n = 0;
    while (reader_next(&r, &m) && rank_is_below(m.score, m.text, &bound->at))
        n++;
    return n;
}

/* ---- changing ---- */

/* Adds to a run, if a run it may be with this member in it; else false. */
static bool packed_add(struct zset *z, struct str text, double score)
{
    uint64_t count = z->e ? packed_members(z->e) + 1 : 1;
    size_t len = z->e ? entry_value_len(z->e) : PACKED_HEAD;
    struct packed_item items[2] = {packed_item_of(text), zset_item_of_score(score)};

    if (!is_within_limits(z->db, count, text.len)) {
        become_tree(z, false);
        return false;
    }
    if (len + packed_size_of(&items[0]) + packed_size_of(&items[1]) > db_plain_max(z->k)) {
        become_tree(z, true);
        return false;
    }
    if (!z->e) {
        uint8_t empty[PACKED_HEAD] = {0};

        z->e = db_set_plain(z->db, z->k, TYPE_ZSET, FORM_PLAIN, empty, sizeof(empty), NO_DEADLINE);
    }
    packed_put_in(z, text, score);
    return true;
}

void zset_add(struct zset *z, const struct zset_place *place, struct str text, double score)
{
    uint64_t hash = place->hash;

    if (!z->tree) {
        if (packed_add(z, text, score))
            return;
        hash = hash_of_text(z->db, text);
    } else if (z->tree->is_shown_packed) {
        z->tree->is_shown_packed = is_within_limits(z->db, z->tree->rank.count + 1, text.len);
    }
    tree_add(z->db, z->tree, hash, text, score);
}

void zset_rescore(struct zset *z, const struct zset_place *place, struct str text, double score)
{
    if (z->tree) {
        rank_rescore(z->db, &z->tree->rank, *place->slot, score);
        return;
    }
    struct packed_item item = zset_item_of_score(score);
    size_t wants = entry_value_len(z->e) + packed_size_of(&item);
    if (wants > db_plain_max(z->k)) {
        struct zset_place there;

        become_tree(z, true);
        check(zset_find(z, text, &there));
        rank_rescore(z->db, &z->tree->rank, *there.slot, score);
        return;
    }
    zset_remove(z, place);
    packed_put_in(z, text, score);
}

void zset_remove(struct zset *z, const struct zset_place *place)
{
    if (!z->tree) {
        z->e = packed_value_remove(z->db, z->k, z->e, place->at, 2);
        return;
    }
    uint32_t ref = *place->slot;
    rank_remove(z->db, &z->tree->rank, ref);
    index_remove(&z->tree->index, place->hash, place->slot);
    member_free(z->db, z->tree, ref);
}

void zset_cut(struct zset *z, uint64_t first, uint64_t count)
{
    if (count == 0)
        return;
    if (z->tree) {
        struct taking t = {z->db, z->tree};

        rank_cut(z->db, &z->tree->rank, first, count, take_out, &t);
        return;
    }
    const uint8_t *at = packed_at(packed_value_run(z->e), (uint32_t)first * 2);
    z->e = packed_value_remove(z->db, z->k, z->e, at, (unsigned)count * 2);
}

/* ---- reading ---- */

static void tree_each(const struct zset *z, uint64_t first, uint64_t count, bool is_backward,
                      void (*visit)(void *ctx, const struct zset_member *m), void *ctx)
{
    const struct rank *r = &z->tree->rank;
    struct rank_walk walk;

    rank_seek(z->db, r, is_backward ? first + count - 1 : first, &walk);
    while (count-- > 0) {
        uint32_t ref = is_backward ? rank_prev(z->db, r, &walk) : rank_next(z->db, r, &walk);
        const struct rank_member *item = rank_member_at(z->db, ref);
        struct zset_member m = {.text = rank_member_text(item), .score = item->score};

        visit(ctx, &m);
    }
}

static void packed_each(const struct zset *z, uint64_t first, uint64_t count, bool is_backward,
                        void (*visit)(void *ctx, const struct zset_member *m), void *ctx)
{
    const uint8_t *run = packed_value_run(z->e);
    const uint8_t *at = packed_at(run, (uint32_t)first * 2);
    uint16_t places[PACKED_MOST]; /* runs are read forward only */
    struct packed_digits digits;
    struct zset_member m;

    if (!is_backward) {
        for (; count > 0; count--) {
            at = member_get(at, &digits, &m);
            visit(ctx, &m);
        }
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        places[i] = (uint16_t)(at - run);
        at = packed_next(packed_next(at));
    }
    while (count-- > 0) {
        member_get(run + places[count], &digits, &m);
        visit(ctx, &m);
    }
}

void zset_each(const struct zset *z, uint64_t first, uint64_t count, bool is_backward,
               void (*visit)(void *ctx, const struct zset_member *m), void *ctx)
{
    if (count == 0)
        return;
    if (z->tree)
        tree_each(z, first, count, is_backward, visit, ctx);
    else
        packed_each(z, first, count, is_backward, visit, ctx);
}

/* ---- whole results ---- */

int zset_order(const void *a, const void *b)
{
    const struct zset_member *x = a, *y = b;

    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return rank_compare(x->text, y->text);
}

/* Writes the members as a run to `buffer`; 0 when there is no room. */
static size_t packed_of_members(const struct zset_member *members, uint64_t count, uint8_t *buffer,
                                size_t room)
{
    uint8_t *at = buffer + PACKED_HEAD;

    packed_set_count(buffer, (uint32_t)count * 2);
    for (uint64_t i = 0; i < count; i++) {
        struct packed_item items[2] = {packed_item_of(members[i].text),
                                       zset_item_of_score(members[i].score)};

        size_t wants = packed_size_of(&items[0]) + packed_size_of(&items[1]);
        if ((size_t)(at - buffer) + wants > room)
            return 0;
        at = packed_put(packed_put(at, &items[0]), &items[1]);
    }
    return (size_t)(at - buffer);
}

void zset_store(struct db *db, struct key k, const struct zset_member *members, uint64_t count)
{
    uint8_t buffer[ENTRY_VALUE_MAX];
    size_t longest = 0, len = 0;

    for (uint64_t i = 0; i < count; i++)
        longest = members[i].text.len > longest ? members[i].text.len : longest;
    bool is_small = is_within_limits(db, count, longest);
    if (is_small)
        len = packed_of_members(members, count, buffer, db_plain_max(k));
    if (len > 0) {
        db_set_plain(db, k, TYPE_ZSET, FORM_PLAIN, buffer, len, NO_DEADLINE);
        return;
    }
    /* The members may stand in what the key has now, so it goes last. */
    struct zset_tree *t = zset_tree_new(db);
    t->is_shown_packed = is_small;
    for (uint64_t i = 0; i < count; i++)
        tree_add(db, t, hash_of_text(db, members[i].text), members[i].text, members[i].score);
    db_set_outside(db, k, TYPE_ZSET, t, NO_DEADLINE);
}

/* ---- what the keyspace asks of a type ---- */

static const char *encoding(const struct db *db, const struct entry *e)
{
    (void)db;
    if (entry_form(e) != FORM_OUTSIDE)
        return "listpack";
    return ((const struct zset_tree *)entry_outside(e))->is_shown_packed ? "listpack" : "skiplist";
}

static void drop(struct db *db, void *object)
{
    zset_tree_free(db, object);
}

static bool drop_some(struct db *db, void *object, uint32_t budget)
{
    /* A step of others is some ten members, a leaf more. */
    return tree_free_some(db, object, 1 + budget / 4);
}

static void *copy(struct db *from, struct db *to, const void *object)
{
    const struct zset_tree *old = object;
    struct zset_tree *t = zset_tree_new(to);
    struct rank_walk walk;

    t->is_shown_packed = old->is_shown_packed;
    if (old->rank.count == 0)
        return t;
    rank_seek(from, &old->rank, 0, &walk);
    for (uint32_t ref; (ref = rank_next(from, &old->rank, &walk));) {
        const struct rank_member *m = rank_member_at(from, ref);
        struct str text = rank_member_text(m);

        tree_add(to, t, hash_of_text(to, text), text, m->score);
    }
    return t;
}

static void *unpack(struct db *db, const char *bytes, size_t len)
{
    struct zset_tree *t = zset_tree_new(db);
    struct reader r = {.at = packed_first(bytes), .end = (const uint8_t *)bytes + len};
    struct zset_member m;

    t->is_shown_packed = true;
    while (reader_next(&r, &m))
        tree_add(db, t, hash_of_text(db, m.text), m.text, m.score);
    return t;
}

static size_t weight(const void *object)
{
    return ((const struct zset_tree *)object)->rank.count;
}

static size_t bytes(const struct db *db, const void *object)
{
    (void)db;
    return tree_bytes(object);
}

const struct type_ops zset_type_ops = {
    .name = "zset",
    .encoding = encoding,
    .drop = drop,
    .drop_some = drop_some,
    .copy = copy,
    .unpack = unpack,
    .weight = weight,
    .bytes = bytes,
    .each = zset_each_text,
    .some = zset_some_text,
    .one = zset_one_text,
    .save = zset_save,
    .load = zset_load,
};
