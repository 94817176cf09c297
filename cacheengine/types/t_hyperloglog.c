/*
 * HyperLogLogs: how many different elements there were, of strings that say little else. The one
 * idea: a key is changed only when a register rises, and most elements raise none.
 */
#include "cacheengine/types/t_hyperloglog.h"

#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/changed.h"
#include "contract/command_procs.h"

/* ---- keys ---- */

void hll_say_damaged(struct cmd_call *c)
{
    reply_error(c->reply, "INVALIDOBJ Corrupted HLL object detected");
}

bool hll_bytes_of(struct cmd_call *c, const struct entry *e, struct str *out)
{
    if (entry_type(e) != TYPE_STRING) {
        reply_wrong_type(c->reply);
        return false;
    }
    if (entry_form(e) != FORM_NUMBER) {
        *out = db_string(e, &(struct number_text){0});
        if (hll_is_one(*out))
            return true;
    }
    reply_error(c->reply, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    return false;
}

/* The same bytes to be written to, which no output queue has a share of. */
static uint8_t *bytes_to_change(struct cmd_call *c, struct key k, struct entry *e)
{
    if (entry_form(e) != FORM_OUTSIDE)
        return (uint8_t *)entry_value(e);
    struct blob *b = entry_outside(e);
    if (blob_is_shared(b)) {
        struct str old = blob_str(b);
        struct blob *own = blob_new(&c->ks->account, old.len, old.len);

        memcpy(own->bytes, old.ptr, old.len);
        db_set_blob(c->db, k, own, KEEP_DEADLINE);
        b = own;
    }
    return (uint8_t *)blob_ptr(b);
}

/* Gives the key other bytes, which do not stand in the database. */
static void store(struct cmd_call *c, struct key k, const uint8_t *bytes, size_t len)
{
    if (len <= db_plain_max(k)) {
        db_set_plain(c->db, k, TYPE_STRING, FORM_EDITED, bytes, len, KEEP_DEADLINE);
        return;
    }
    struct blob *b = blob_new(&c->ks->account, len, len);
    memcpy(b->bytes, bytes, len);
    db_set_blob(c->db, k, b, KEEP_DEADLINE);
}

void hll_store_dense(struct cmd_call *c, struct key k, const uint8_t *registers, const void *head)
{
    uint8_t *bytes = arena_alloc(c->scratch, HLL_DENSE_BYTES);

    hll_write_dense(registers, head, bytes);
    store(c, k, bytes, HLL_DENSE_BYTES);
}

/* A sparse one as it stands in the database, to be read; false when it is too long to be right. */
static bool sparse_open(struct cmd_call *c, struct str s, struct hll_sparse *out)
{
    int64_t limit = c->ks->settings->hll_sparse_bytes;

    *out = (struct hll_sparse){.bytes = (uint8_t *)s.ptr, .len = s.len, .limit = HLL_SPARSE_MAX};
    if (limit < HLL_SPARSE_MAX)
        out->limit = (size_t)limit;
    hll_sparse_rewind(out);
    return s.len <= HLL_SPARSE_MAX;
}

/* Makes it a copy that may be changed, with room for `marks` more. */
static void sparse_copy(struct cmd_call *c, struct hll_sparse *s, uint32_t marks)
{
    /* It grows no further than to its limit, or by what joining takes back at once. */
    size_t longest = s->len > s->limit ? s->len : s->limit;
    size_t grown = s->len + (size_t)marks * HLL_SPARSE_GROWTH;
    uint8_t *bytes =
        arena_alloc(c->scratch, (grown < longest ? grown : longest) + HLL_SPARSE_GROWTH);

    memcpy(bytes, s->bytes, s->len);
    s->bytes = bytes;
}

/* ---- PFADD ---- */

struct adding {
    struct key k;
    struct str s;    /* what the key has */
    uint64_t raised; /* registers */
    uint32_t next;   /* argument */
};

/* Elements into dense registers, where they stand. */
static void add_dense(struct cmd_call *c, struct adding *a, struct entry *e)
{
    uint8_t *bytes = NULL;

    for (; a->next < c->argc; a->next++) {
        struct hll_mark m = hll_mark_of(c->argv[a->next]);

        if (hll_dense_get(a->s.ptr, m.index) >= m.value)
            continue;
        if (!bytes) {
            bytes = bytes_to_change(c, a->k, e);
            a->s.ptr = (const char *)bytes;
        }
        (void)hll_dense_raise(bytes, m);
        a->raised++;
    }
    if (bytes)
        hll_outdate_estimate(bytes);
}

/* The rest of the elements makes a dense one of a sparse one; false when that is damaged. */
static bool add_as_dense(struct cmd_call *c, struct adding *a, struct str sparse)
{
    uint8_t *registers = arena_zalloc(c->scratch, HLL_REGISTERS), head[HLL_HEAD_BYTES];

    if (!hll_merge(registers, sparse))
        return false;
    memcpy(head, sparse.ptr, sizeof(head));
    for (; a->next < c->argc; a->next++) {
        struct hll_mark m = hll_mark_of(c->argv[a->next]);

        if (m.value <= registers[m.index])
            continue;
        registers[m.index] = m.value;
        a->raised++;
    }
    hll_outdate_estimate(head);
    hll_store_dense(c, a->k, registers, head);
    return true;
}

/* Skips the elements that change nothing; false when the registers are damaged. */
static bool skip_known(struct cmd_call *c, struct adding *a, struct hll_sparse *s)
{
    enum hll_change change = HLL_SAME;

    for (; a->next < c->argc; a->next++) {
        change = hll_sparse_look(s, hll_mark_of(c->argv[a->next]));
        if (change != HLL_SAME)
            break;
    }
    return change != HLL_DAMAGED;
}

/* Elements into sparse registers; false when those are damaged, and nothing was changed then. */
static bool add_sparse(struct cmd_call *c, struct adding *a)
{
    struct hll_sparse s;

    if (!sparse_open(c, a->s, &s) || !skip_known(c, a, &s))
        return false;
    if (a->next == c->argc)
        return true;
    sparse_copy(c, &s, c->argc - a->next);
    for (; a->next < c->argc; a->next++) {
        switch (hll_sparse_raise(&s, hll_mark_of(c->argv[a->next]))) {
        case HLL_SAME: break;
        case HLL_RAISED: a->raised++; break;
        case HLL_TOO_BIG: return add_as_dense(c, a, (struct str){(const char *)s.bytes, s.len});
        case HLL_DAMAGED: return false;
        }
        hll_sparse_rewind(&s);
    }
    store(c, a->k, s.bytes, s.len);
    return true;
}

void cmd_pfadd(struct cmd_call *c)
{
    struct adding a = {.k = call_key(c, 1), .next = 2};
    struct entry *e = db_find(c->db, a.k);
    uint8_t empty[HLL_EMPTY_BYTES];
    bool is_new = !e, ok = true;

    if (e && !hll_bytes_of(c, e, &a.s))
        return;
    if (is_new) {
        hll_write_empty(empty);
        a.s = (struct str){(const char *)empty, sizeof(empty)};
        if (c->argc == 2)
            store(c, a.k, empty, sizeof(empty));
    }
    if (hll_is_dense(a.s))
        add_dense(c, &a, e);
    else
        ok = add_sparse(c, &a);
    if (!ok) {
        hll_say_damaged(c);
        return;
    }
    if (a.raised + is_new > 0)
        changed_by(c, a.k, EVENT_STRING, "pfadd", a.raised + is_new);
    reply_int(c->reply, a.raised + is_new > 0);
}

/* ---- PFCOUNT ---- */

/* Merges the HyperLogLogs in the arguments from 1 on; false after an error was sent. */
static bool merge_all(struct cmd_call *c, uint8_t *registers, bool *has_dense)
{
    *has_dense = false;
    for (uint32_t i = 1; i < c->argc; i++) {
        const struct entry *e = db_read(c->db, call_key(c, i));
        struct str s;

        if (!e)
            continue;
        if (!hll_bytes_of(c, e, &s))
            return false;
        *has_dense |= hll_is_dense(s);
        if (!hll_merge(registers, s)) {
            hll_say_damaged(c);
            return false;
        }
    }
    return true;
}

static void count_many(struct cmd_call *c)
{
    uint8_t *registers = arena_zalloc(c->scratch, HLL_REGISTERS);
    uint32_t histogram[HLL_REGISTER_MAX + 1];
    bool has_dense;

    if (!merge_all(c, registers, &has_dense))
        return;
    hll_histogram_of(registers, histogram);
    reply_int(c->reply, (int64_t)hll_estimate(histogram));
}

/* Keeps an estimate with the key. A node that takes no writes keeps it to itself: it is the same
 * everywhere, and found again where it is not known. */
static void keep_estimate(struct cmd_call *c, struct key k, struct entry *e, uint64_t estimate)
{
    hll_set_estimate(bytes_to_change(c, k, e), estimate);
    if (!c->ks->hooks.takes_writes || c->ks->hooks.takes_writes(c))
        call_changed(c, k, EVENT_SILENT, "pfcount");
}

void cmd_pfcount(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    uint32_t histogram[HLL_REGISTER_MAX + 1];
    uint64_t estimate = 0;
    struct str s;

    if (c->argc > 2) {
        count_many(c);
        return;
    }
    struct entry *e = db_read(c->db, k);
    if (e && !hll_bytes_of(c, e, &s))
        return;
    if (e && !hll_known_estimate(s, &estimate)) {
        if (!hll_histogram(s, histogram)) {
            hll_say_damaged(c);
            return;
        }
        estimate = hll_estimate(histogram);
        keep_estimate(c, k, e, estimate);
    }
    reply_int(c->reply, (int64_t)estimate);
}

/* ---- PFMERGE ---- */

/* Raises the registers of a sparse one; false when it must be a dense one. */
static bool merge_sparse(struct cmd_call *c, struct key k, struct str s, const uint8_t *registers)
{
    struct hll_sparse sparse;

    if (!sparse_open(c, s, &sparse))
        return false;
    sparse_copy(c, &sparse, HLL_REGISTERS);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        if (registers[i] &&
            hll_sparse_raise(&sparse, (struct hll_mark){i, registers[i]}) == HLL_TOO_BIG)
            return false;
    hll_outdate_estimate(sparse.bytes);
    store(c, k, sparse.bytes, sparse.len);
    return true;
}

void cmd_pfmerge(struct cmd_call *c)
{
    uint8_t *registers = arena_zalloc(c->scratch, HLL_REGISTERS);
    uint8_t empty[HLL_EMPTY_BYTES], head[HLL_HEAD_BYTES];
    struct key k = call_key(c, 1);
    struct str s = {(const char *)empty, sizeof(empty)};
    bool has_dense;

    if (!merge_all(c, registers, &has_dense))
        return;
    const struct entry *e = db_find(c->db, k);
    hll_write_empty(empty);
    if (e && !hll_bytes_of(c, e, &s))
        return;
    if (has_dense || !merge_sparse(c, k, s, registers)) {
        memcpy(head, s.ptr, sizeof(head));
        hll_outdate_estimate(head);
        hll_store_dense(c, k, registers, head);
    }
    call_changed(c, k, EVENT_STRING, "pfadd");
    reply_ok(c->reply);
}
