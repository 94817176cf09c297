/* Lists in their two forms. The one idea: short lists live beside their key and know no nodes. */
#include "cacheengine/types/sequence.h"

#include "base/arena.h"
#include "base/err.h"
#include "cacheengine/keyspace/settings.h"

#define RUN_AGAIN      256  /* bytes of elements at which a quicklist becomes a run again */
#define COUNTED_BYTES  8192 /* most bytes of a listpack whose elements are limited by number */
#define LISTPACK_FRAME 7
#define AROUND_MOST    4 /* bytes that a listpack has around an element more than a run, at most */

/* ---- what Redis would have ---- */

/* How long a listpack may be: list-max-listpack-size says elements, or -1 to -5 for bytes. */
struct limit {
    uint64_t bytes, count;
};

static struct limit limit_of(const struct db *db)
{
    int64_t size = db->ks->settings->list_packed_size;

    if (size >= 0)
        return (struct limit){COUNTED_BYTES, size > 0 ? (uint64_t)size : 1};
    return (struct limit){4096ULL << (size < -5 ? 4 : -size - 1), UINT64_MAX};
}

/* How long the listpack of an element is at least and at most is known by its bytes here; only near
 * a limit it must be known exactly. */
static size_t listpack_size(const struct packed_item *item)
{
    struct packed_digits digits;
    size_t len, head = 1;

    if (item->kind == PACKED_NUMBER) {
        int64_t v = item->number;

        if (v >= 0 && v <= 127)
            return 2;
        if (v >= -4096 && v <= 4095)
            return 3;
        return v == (int16_t)v ? 4 : v >> 23 == 0 || v >> 23 == -1 ? 5 : v == (int32_t)v ? 6 : 10;
    }
    len = packed_text(item, &digits).len;
    if (len >= 64)
        head = len < 4096 ? 2 : 5;
    len += head;
    return len + (len <= 127 ? 1 : len < 16383 ? 2 : len < 2097151 ? 3 : len < 268435455 ? 4 : 5);
}

static bool is_beyond(const struct sequence *s, const struct limit *most, size_t more_bytes,
                      uint64_t more_count)
{
    uint64_t count = sequence_count(s) + more_count;
    size_t bytes = LISTPACK_FRAME + more_bytes;
    struct sequence_walk w;
    struct packed_item item;

    if (count > most->count)
        return true;
    if (!s->e && !s->q)
        return bytes > most->bytes;
    size_t run = s->q ? s->q->bytes + s->q->texts : entry_value_len(s->e);
    if (bytes + run + AROUND_MOST * sequence_count(s) <= most->bytes)
        return false;
    if (run > most->bytes + sequence_count(s) * PACKED_AWAY_SIZE)
        return true;
    sequence_walk_begin(&w, s, 0, false, NULL);
    while (sequence_next(&w, &item))
        bytes += listpack_size(&item);
    return bytes > most->bytes;
}

/* ---- forms ---- */

static size_t run_max(struct key k)
{
    size_t max = db_plain_max(k);

    return max < SEQUENCE_RUN_MAX ? max : SEQUENCE_RUN_MAX;
}

void sequence_open(struct sequence *s, struct db *db, struct key k, struct entry *e)
{
    *s = (struct sequence){.db = db, .k = k, .e = e};
    if (e && entry_form(e) == FORM_OUTSIDE)
        s->q = entry_outside(e);
}

uint64_t sequence_count(const struct sequence *s)
{
    if (s->q)
        return s->q->count;
    return s->e ? packed_count(packed_value_run(s->e)) : 0;
}

struct quicklist *sequence_unpack(struct db *db, const void *run, size_t len)
{
    const uint8_t *at = packed_first(run), *end = (const uint8_t *)run + len;
    struct quicklist *q = quicklist_new(db);
    struct packed_item item;

    while (at < end) {
        at = packed_get(at, &item);
        quicklist_push(db, q, false, &item);
    }
    q->is_shown_packed = true;
    return q;
}

/* Makes it a quicklist. */
static void spread(struct sequence *s)
{
    if (s->q)
        return;
    if (s->e) {
        s->q = sequence_unpack(s->db, packed_value_run(s->e), entry_value_len(s->e));
        s->e = db_move_outside(s->db, s->k, s->e, s->q);
        return;
    }
    s->q = quicklist_new(s->db);
    s->q->is_shown_packed = true;
    s->e = db_set_outside(s->db, s->k, TYPE_LIST, s->q, NO_DEADLINE);
}

/* Makes a short quicklist a run. */
static void gather(struct sequence *s)
{
    uint8_t run[PACKED_HEAD + RUN_AGAIN], *to = run + PACKED_HEAD;
    struct sequence_walk w;
    struct packed_item item;

    sequence_walk_begin(&w, s, 0, false, NULL);
    packed_set_count(run, (uint32_t)s->q->count);
    while (sequence_next(&w, &item))
        to = packed_put(to, &item);
    s->e = db_set_plain(s->db, s->k, TYPE_LIST, FORM_PLAIN, run, (size_t)(to - run), KEEP_DEADLINE);
    s->q = NULL;
}

void sequence_grows(struct sequence *s, size_t bytes, uint64_t count)
{
    struct limit most = limit_of(s->db);

    if ((s->q && !s->q->is_shown_packed) || !is_beyond(s, &most, bytes, count))
        return;
    spread(s);
    s->q->is_shown_packed = false;
}

void sequence_shrank(struct sequence *s)
{
    struct limit most = limit_of(s->db);

    if (!s->q || s->q->count == 0)
        return;
    /* Half of the limit, lest a list at the limit changes back and forth. */
    most = (struct limit){most.bytes / 2, most.count / 2};
    if (!s->q->is_shown_packed)
        s->q->is_shown_packed = !is_beyond(s, &most, 0, 0);
    if (s->q->is_shown_packed && s->q->away == 0 && s->q->bytes <= RUN_AGAIN &&
        s->q->bytes + PACKED_HEAD <= run_max(s->k))
        gather(s);
}

void sequence_settle(struct sequence *s)
{
    struct limit most = limit_of(s->db);
    bool is_big = is_beyond(s, &most, 0, 0);

    if (is_big)
        spread(s);
    if (s->q)
        s->q->is_shown_packed = !is_big;
}

bool sequence_may_be_run(const struct db *db, struct key k, size_t len, uint64_t count)
{
    return len <= run_max(k) && count <= limit_of(db).count;
}

/* ---- changes ---- */

static void run_change(struct sequence *s, const struct packed_change *change)
{
    s->e = packed_value_change(s->db, s->k, s->e, change);
}

/* Pushes texts into a run, which has the room. */
static void run_push(struct sequence *s, bool at_front, const struct str *texts, uint32_t count,
                     size_t size)
{
    size_t len = s->e ? entry_value_len(s->e) : PACKED_HEAD;
    bool is_new = !s->e;

    if (is_new)
        s->e = db_set_plain(s->db, s->k, TYPE_LIST, FORM_PLAIN, NULL, len + size, NO_DEADLINE);
    else
        s->e = db_resize(s->db, s->k, s->e, len + size);
    uint8_t *run = packed_value_run(s->e);
    packed_set_count(run, (is_new ? 0 : packed_count(run)) + count);
    uint8_t *at = run + len;
    if (at_front) {
        memmove(run + PACKED_HEAD + size, run + PACKED_HEAD, len - PACKED_HEAD);
        at = run + PACKED_HEAD;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct packed_item item = packed_item_of(texts[at_front ? count - 1 - i : i]);

        at = packed_put(at, &item);
    }
}

void sequence_push(struct sequence *s, bool at_front, const struct str *texts, uint32_t count)
{
    if (!s->q) {
        size_t len = s->e ? entry_value_len(s->e) : PACKED_HEAD, most = run_max(s->k), size = 0;

        for (uint32_t i = 0; i < count && len + size <= most; i++) {
            struct packed_item item = packed_item_of(texts[i]);

            size += packed_size_of(&item);
        }
        if (len + size <= most) {
            run_push(s, at_front, texts, count, size);
            return;
        }
        spread(s);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct packed_item item = packed_item_of(texts[i]);

        quicklist_push(s->db, s->q, at_front, &item);
    }
}

static size_t offset_of(const struct sequence *s, uint64_t index)
{
    const uint8_t *run = packed_value_run(s->e);

    return (size_t)(packed_at(run, (uint32_t)index) - run);
}

/* Puts a text where `had` bytes of a run are; false when there is no room. */
static bool run_put(struct sequence *s, size_t at, size_t had, int delta,
                    const struct packed_item *item)
{
    struct packed_change change = {at, had, item, 1, delta};

    if (packed_change_len(entry_value_len(s->e), &change) > run_max(s->k))
        return false;
    run_change(s, &change);
    return true;
}

void sequence_insert(struct sequence *s, uint64_t index, struct str text)
{
    struct packed_item item = packed_item_of(text);

    if (!s->q && run_put(s, offset_of(s, index), 0, 1, &item))
        return;
    spread(s);
    quicklist_insert(s->db, s->q, index, &item);
}

void sequence_replace(struct sequence *s, uint64_t index, struct str text)
{
    struct packed_item item = packed_item_of(text);

    if (!s->q) {
        size_t at = offset_of(s, index);

        if (run_put(s, at, packed_size(packed_value_run(s->e) + at), 0, &item))
            return;
    }
    spread(s);
    quicklist_replace(s->db, s->q, index, &item);
}

void sequence_remove(struct sequence *s, uint64_t index, uint64_t count)
{
    if (count == 0)
        return;
    if (s->q)
        quicklist_remove(s->db, s->q, index, count);
    else
        s->e = packed_value_remove(s->db, s->k, s->e, packed_value_run(s->e) + offset_of(s, index),
                                   (unsigned)count);
}

void sequence_sift(struct sequence *s, struct quicklist_sieve *sieve)
{
    uint32_t taken = 0;

    if (s->q) {
        quicklist_sift(s->db, s->q, sieve);
        return;
    }
    uint8_t *run = packed_value_run(s->e), *to = run + PACKED_HEAD;
    const uint8_t *at = to, *end = run + entry_value_len(s->e), *next;
    for (; at < end; at = next) {
        struct packed_item item;

        next = packed_get(at, &item);
        if (quicklist_sieve_takes(sieve, &item)) {
            taken++;
            continue;
        }
        memmove(to, at, (size_t)(next - at));
        to += next - at;
    }
    packed_set_count(run, packed_count(run) - taken);
    if (taken > 0)
        s->e = db_resize(s->db, s->k, s->e, (size_t)(to - run));
}

/* ---- reading ---- */

void sequence_walk_begin(struct sequence_walk *w, const struct sequence *s, uint64_t index,
                         bool is_back, struct arena *a)
{
    w->is_back = is_back;
    w->is_run = !s->q;
    if (s->q) {
        if (is_back)
            quicklist_walk_back(&w->in, s->db, s->q, index, a);
        else
            quicklist_walk_begin(&w->in, s->db, s->q, index);
        return;
    }
    const uint8_t *run = packed_value_run(s->e);
    w->left = is_back ? index + 1 : packed_count(run) - index;
    w->at = is_back ? packed_first(run) : packed_at(run, (uint32_t)index);
    if (!is_back)
        return;
    w->places = arena_alloc(a, w->left * sizeof(*w->places));
    for (uint64_t i = 0; i < w->left; i++, w->at = packed_next(w->at))
        w->places[i] = w->at;
}

bool sequence_next(struct sequence_walk *w, struct packed_item *out)
{
    if (!w->is_run)
        return w->is_back ? quicklist_previous(&w->in, out) : quicklist_next(&w->in, out);
    if (w->left == 0)
        return false;
    w->left--;
    if (w->is_back)
        packed_get(w->places[w->left], out);
    else
        w->at = packed_get(w->at, out);
    return true;
}

void sequence_at(const struct sequence *s, uint64_t index, struct packed_item *out)
{
    struct sequence_walk w;

    sequence_walk_begin(&w, s, index, false, NULL);
    check(sequence_next(&w, out));
}

/* ---- what the keyspace asks of a type ---- */

static const char *encoding(const struct db *db, const struct entry *e)
{
    (void)db;
    if (entry_form(e) != FORM_OUTSIDE)
        return "listpack";
    return ((struct quicklist *)entry_outside(e))->is_shown_packed ? "listpack" : "quicklist";
}

static void drop(struct db *db, void *object)
{
    quicklist_free(db, object);
}

static bool drop_some(struct db *db, void *object, uint32_t budget)
{
    return quicklist_free_some(db, object, budget);
}

static void *copy(struct db *from, struct db *to, const void *object)
{
    return quicklist_copy(from, to, object);
}

static void *unpack(struct db *db, const char *bytes, size_t len)
{
    return sequence_unpack(db, bytes, len);
}

static size_t weight(const void *object)
{
    return quicklist_weight(object);
}

static size_t bytes(const struct db *db, const void *object)
{
    (void)db;
    return ((const struct quicklist *)object)->held;
}

const struct type_ops list_type_ops = {
    .name = "list",
    .encoding = encoding,
    .drop = drop,
    .drop_some = drop_some,
    .copy = copy,
    .unpack = unpack,
    .weight = weight,
    .bytes = bytes,
    .each = sequence_each,
    .some = sequence_some,
    .save = sequence_save,
    .load = sequence_load,
};
