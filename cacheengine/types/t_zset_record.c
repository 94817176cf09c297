/*
 * Sorted sets as records. The one idea: members come in any order; while they may be a packed run
 * they are put behind each other as they come, and the run is checked and ordered once, at the end.
 */
#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/compact.h"
#include "cacheengine/types/t_zset.h"

#include <math.h>
#include <stdlib.h>

/* A member and a score take two bytes at least. */
#define MEMBERS_MAX (ENTRY_VALUE_MAX / 2)

/* ---- writing ---- */

static void save_listpack(struct record_writer *w, const struct entry *e)
{
    uint8_t listpack[LISTPACK_OF_RUN(ENTRY_VALUE_MAX)];
    size_t len = listpack_of_run(listpack, packed_value_run(e), entry_value_len(e));

    record_put_type(w, RECORD_ZSET_LISTPACK);
    record_put_string(w, (struct str){(char *)listpack, len});
}

/* From the last to the first, as Redis does: its lists of nodes grow best so. */
static void save_tree(struct record_writer *w, const struct db *db, const struct rank *rank)
{
    struct rank_walk walk;

    record_put_type(w, RECORD_ZSET_2);
    record_put_length(w, rank->count);
    if (rank->count == 0)
        return;
    rank_seek(db, rank, rank->count - 1, &walk);
    for (uint32_t ref; (ref = rank_prev(db, rank, &walk));) {
        const struct rank_member *m = rank_member_at(db, ref);

        record_put_string(w, rank_member_text(m));
        record_put_double(w, m->score);
    }
}

void zset_save(struct record_writer *w, struct db *db, const struct entry *e)
{
    if (entry_form(e) == FORM_OUTSIDE)
        save_tree(w, db, &((struct zset_tree *)entry_outside(e))->rank);
    else
        save_listpack(w, e);
}

/* ---- reading ---- */

static const char has_twins[] = "an element stands in it twice";

/* A sorted set that is being read. */
struct loading {
    struct record_reader *r;
    struct db *db;
    size_t room;            /* for a run beside the key */
    uint8_t *run;           /* while it is no tree: in the order in which members came */
    size_t len;             /* of the run */
    size_t longest;         /* text so far */
    bool obeys_length;      /* texts above the limit make a tree */
    struct zset_tree *tree; /* NULL while it is a run */
};

static bool is_short(const struct loading *l, size_t len)
{
    return len <= (size_t)l->db->ks->settings->zset_packed_value;
}

static struct err tree_add(struct loading *l, struct str text, double score)
{
    return zset_tree_include(l->db, l->tree, text, score) ? OK : record_bad(l->r, has_twins);
}

/* Turns the run into a tree. */
static struct err spread(struct loading *l)
{
    const uint8_t *at = packed_first(l->run), *end = l->run + l->len;

    l->tree = zset_tree_new(l->db);
    while (at < end) {
        struct packed_item member, score;
        struct packed_digits digits;

        at = packed_get(packed_get(at, &member), &score);
        TRY(tree_add(l, packed_text(&member, &digits), zset_score_of_item(&score)));
    }
    return OK;
}

static struct err add(struct loading *l, const struct packed_item *member, double score)
{
    struct packed_digits digits;
    struct packed_item items[2] = {*member, zset_item_of_score(score)};

    if (isnan(score))
        return record_bad(l->r, "a score is not a number");
    struct str text = packed_text(member, &digits);
    if (text.len > l->longest)
        l->longest = text.len;
    size_t wants = packed_size_of(&items[0]) + packed_size_of(&items[1]);
    bool fits = l->len + wants <= l->room && (is_short(l, text.len) || !l->obeys_length);
    if (!l->tree && !fits)
        TRY(spread(l));
    if (l->tree)
        return tree_add(l, text, score);
    packed_put(packed_put(l->run + l->len, &items[0]), &items[1]);
    packed_set_count(l->run, packed_count(l->run) + 2);
    l->len += wants;
    return OK;
}

/* ---- the order of a run ---- */

/* A member of a run by what decides on its place. */
struct placed {
    double score;
    uint32_t at;
};

static int by_order(const void *a, const void *b, void *run)
{
    const struct placed *x = a, *y = b;
    struct packed_digits digits[2];
    struct packed_item items[2];

    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    packed_get((const uint8_t *)run + x->at, &items[0]);
    packed_get((const uint8_t *)run + y->at, &items[1]);
    return rank_compare(packed_text(&items[0], &digits[0]), packed_text(&items[1], &digits[1]));
}

/* Fills in the members of a run; true when they are in order as they are. */
static bool place_members(uint8_t *run, size_t len, struct placed *out)
{
    const uint8_t *at = packed_first(run), *end = run + len;
    bool is_ordered = true;

    for (uint32_t i = 0; at < end; i++) {
        struct packed_item score;

        out[i].at = (uint32_t)(at - run);
        at = packed_get(packed_next(at), &score);
        out[i].score = zset_score_of_item(&score);
        is_ordered = is_ordered && (i == 0 || by_order(&out[i - 1], &out[i], run) < 0);
    }
    return is_ordered;
}

static void order_run(uint8_t *run, size_t len)
{
    struct placed members[MEMBERS_MAX];
    uint8_t old[ENTRY_VALUE_MAX];
    uint8_t *to = run + PACKED_HEAD;
    uint32_t count = packed_count(run) / 2;

    if (place_members(run, len, members))
        return;
    memcpy(old, run, len);
    qsort_r(members, count, sizeof(*members), by_order, old);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = old + members[i].at;
        size_t size = (size_t)(packed_next(packed_next(at)) - at);

        memcpy(to, at, size);
        to += size;
    }
}

/* ---- the ways they come ---- */

static uint64_t count_of(const struct loading *l)
{
    return l->tree ? l->tree->rank.count : packed_count(l->run) / 2;
}

static bool is_big(const struct loading *l, uint64_t count)
{
    return count > (uint64_t)l->db->ks->settings->zset_packed_entries;
}

static struct err load_members(struct loading *l, unsigned record_type, struct record_text *text)
{
    uint64_t count;
    double score;

    TRY(record_get_length(l->r, &count));
    if (count == 0)
        return err_make(ERR_NOT_FOUND, "it is empty");
    l->obeys_length = true;
    if (is_big(l, count))
        l->tree = zset_tree_new(l->db);
    for (; count > 0; count--) {
        TRY(record_get_string(l->r, text));
        if (record_type == RECORD_ZSET_2)
            TRY(record_get_double(l->r, &score));
        else
            TRY(record_get_text_double(l->r, &score));
        struct packed_item member = packed_item_of(text->text);
        TRY(add(l, &member, score));
    }
    return OK;
}

static bool score_of(const struct packed_item *item, double *out)
{
    if (item->kind == PACKED_NUMBER) {
        *out = (double)item->number;
        return true;
    }
    return number_parse_double((struct str){item->ptr, item->len}, out);
}

static struct err load_compact(struct loading *l, enum compact_kind kind, struct record_text *text)
{
    struct packed_item member, item;
    struct compact from;
    double score;

    TRY(record_get_string(l->r, text));
    compact_begin(&from, kind, text->text);
    while (compact_next(&from, &member)) {
        if (!compact_next(&from, &item))
            return record_bad(l->r, "a member of it has no score");
        if (!score_of(&item, &score))
            return record_bad(l->r, "a score is not a number");
        TRY(add(l, &member, score));
    }
    if (!compact_is_sound(&from))
        return record_bad(l->r, "the elements of it are damaged");
    return from.count > 0 ? OK : err_make(ERR_NOT_FOUND, "it is empty");
}

static struct err load_any(struct loading *l, unsigned record_type, struct record_text *text)
{
    switch (record_type) {
    case RECORD_ZSET_LISTPACK: return load_compact(l, COMPACT_LISTPACK, text);
    case RECORD_ZSET_ZIPLIST: return load_compact(l, COMPACT_ZIPLIST, text);
    default: return load_members(l, record_type, text);
    }
}

/* Gives the value its form when all members are there. */
static struct err finish(struct loading *l, struct value *out)
{
    bool is_packed = !is_big(l, count_of(l)) && (is_short(l, l->longest) || !l->obeys_length);

    if (!l->tree && packed_has_twins(&l->db->ks->seed, l->run, l->len, 2))
        return record_bad(l->r, has_twins);
    if (!l->tree && !is_packed)
        TRY(spread(l));
    if (l->tree) {
        l->tree->is_shown_packed = is_packed;
        out->form = FORM_OUTSIDE;
        out->outside = l->tree;
        return OK;
    }
    order_run(l->run, l->len);
    out->form = FORM_PLAIN;
    out->len = l->len;
    return OK;
}

struct err zset_load(struct record_reader *r, unsigned record_type, struct db *db, struct key k,
                     struct value *out)
{
    struct loading l = {
        .r = r,
        .db = db,
        .room = db_plain_max(k),
        .run = (uint8_t *)out->bytes,
        .len = PACKED_HEAD,
    };

    packed_set_count(l.run, 0);
    struct err e = load_any(&l, record_type, &out->texts[0]);
    if (!err_failed(e))
        e = finish(&l, out);
    if (err_failed(e) && l.tree)
        zset_tree_free(db, l.tree);
    return e;
}
