/*
 * set, add, replace, append, prepend, cas, delete, incr, decr. Each is a function that changes the
 * item and returns the line that is said about it.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached_watch.h"

#define CHUNK_MAX 524288 /* memcached's slab_chunk_max */

typedef enum mc_stored store_fn(struct cmd_call *c, const struct mc_store *a);

static enum mc_stored put(struct cmd_call *c, const struct mc_store *a)
{
    struct item notes = {.flags = a->flags, .cas = a->out_cas ? mc_new_cas(c) : 0};

    mc_state(c)->counters.total_items++;
    mc_item_put_body(c, a->key, &notes, a->body_arg, a->deadline_ms);
    if (a->out_cas)
        *a->out_cas = notes.cas;
    return MC_STORED;
}

static enum mc_stored add(struct cmd_call *c, const struct mc_store *a)
{
    return db_find(c->db, a->key) ? MC_NOT_STORED : put(c, a);
}

static enum mc_stored replace(struct cmd_call *c, const struct mc_store *a)
{
    return db_find(c->db, a->key) ? put(c, a) : MC_NOT_STORED;
}

/* Stores what was made of an older value: it is no more than better than nothing. */
static enum mc_stored put_stale(struct cmd_call *c, const struct mc_store *a,
                                const struct item *was)
{
    unsigned marks = ITEM_STALE | (was->marks & ITEM_TAKEN);
    struct mc_store stale = *a;
    struct item it;

    stale.deadline_ms = entry_deadline(was->entry);
    stale.out_cas = NULL;
    put(c, &stale);
    item_read(db_peek(c->db, a->key), &it);
    mc_item_mark(c, a->key, &it, marks);
    return MC_STORED;
}

static enum mc_stored put_if_unchanged(struct cmd_call *c, const struct mc_store *a)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct entry *e = db_find(c->db, a->key);
    struct item it;

    if (!e) {
        n->cas_misses++;
        return MC_NOT_FOUND;
    }
    item_read(e, &it);
    if (it.cas != 0 && it.cas == a->cas) {
        n->cas_hits++;
        return put(c, a);
    }
    if (a->may_be_stale && a->cas != 0 && a->cas < mc_item_cas(c, a->key, &it)) {
        n->cas_hits++;
        return put_stale(c, a, &it);
    }
    n->cas_badval++;
    return MC_EXISTS;
}

/* Finds what is to be extended; anything else than MC_STORED says why it cannot be. */
static enum mc_stored find_to_extend(struct cmd_call *c, const struct mc_store *a, struct item *it)
{
    struct entry *e = db_find(c->db, a->key);

    if (!e)
        return MC_NOT_STORED;
    item_read(e, it);
    if (a->cas != 0 && it->cas != a->cas)
        return MC_EXISTS;
    return mc_item_fits(c->engine, a->key.len, it->flags, it->value.len + a->body.len)
               ? MC_STORED
               : MC_NOT_STORED;
}

/* The cas of what was changed in place, where it is wanted. */
static void tell_cas(struct cmd_call *c, struct key k, uint64_t *out_cas)
{
    struct item it;

    if (!out_cas)
        return;
    item_read(db_peek(c->db, k), &it);
    *out_cas = mc_item_cas(c, k, &it);
}

static enum mc_stored append(struct cmd_call *c, const struct mc_store *a)
{
    struct item it;
    enum mc_stored found = find_to_extend(c, a, &it);

    if (found == MC_STORED) {
        mc_item_append(c, a->key, &it, a->body);
        tell_cas(c, a->key, a->out_cas);
    }
    return found;
}

static enum mc_stored prepend(struct cmd_call *c, const struct mc_store *a)
{
    struct item it;
    enum mc_stored found = find_to_extend(c, a, &it);

    if (found == MC_STORED) {
        mc_item_prepend(c, a->key, &it, a->body);
        tell_cas(c, a->key, a->out_cas);
    }
    return found;
}

static store_fn *const stores[] = {
    [MC_SET] = put,       [MC_ADD] = add,         [MC_REPLACE] = replace,
    [MC_APPEND] = append, [MC_PREPEND] = prepend, [MC_CAS] = put_if_unchanged,
};

static const char *const lines[] = {
    [MC_STORED] = "STORED",       [MC_NOT_STORED] = "NOT_STORED",    [MC_EXISTS] = "EXISTS",
    [MC_NOT_FOUND] = "NOT_FOUND", [MC_NO_MEMORY] = MC_OUT_OF_MEMORY,
};

/* The parser has checked that these are numbers. */
static void read_args(struct cmd_call *c, struct mc_store *a, bool has_cas)
{
    int32_t exptime = 0;

    *a = (struct mc_store){.key = call_key(c, 1), .body_arg = c->argc - 1};
    a->body = c->argv[a->body_arg];
    (void)mc_read_u32(c->argv[2], &a->flags);
    (void)mc_read_i32(c->argv[3], &exptime);
    if (has_cas)
        (void)mc_read_u64(c->argv[5], &a->cas);
    a->deadline_ms = mc_deadline(exptime, c->ks->now_ms);
}

/* What was stored, or why nothing was, in memcached's words. */
static void tell_watchers(struct cmd_call *c, const struct mc_store *a, enum mc_mode mode,
                          enum mc_stored stored)
{
    static const char *const statuses[] = {
        [MC_STORED] = "stored",       [MC_NOT_STORED] = "not_stored", [MC_EXISTS] = "exists",
        [MC_NOT_FOUND] = "not_found", [MC_NO_MEMORY] = "no_memory",
    };
    static const char *const commands[] = {
        [MC_SET] = "set",       [MC_ADD] = "add",         [MC_REPLACE] = "replace",
        [MC_APPEND] = "append", [MC_PREPEND] = "prepend", [MC_CAS] = "cas",
    };
    struct mc_stored_event what = {
        .key = {a->key.ptr, a->key.len},
        .status = statuses[stored],
        .command = commands[mode],
        .size = a->body.len,
        .deadline_ms = a->deadline_ms
    };

    struct item it;

    if (__builtin_expect(!(mc_state(c)->watchers.kinds & MC_MUTATIONS), 1))
        return;
    /* What is told of what was extended is the whole. */
    if (stored == MC_STORED && (mode == MC_APPEND || mode == MC_PREPEND)) {
        item_read(db_peek(c->db, a->key), &it);
        what.size = it.value.len;
        what.deadline_ms = entry_deadline(it.entry);
    }
    mc_watch_store_slow(c, &what);
}

enum mc_stored mc_store(struct cmd_call *c, const struct mc_store *a, enum mc_mode mode)
{
    mc_state(c)->counters.cmd_set++;
    if (!a->is_meta)
        mc_prefix_count(c, (struct str){a->key.ptr, a->key.len}, MC_DEED_SET);
    mc_watch_fetch(c, a->key);
    if (heap_has_room(&c->db->heap) && engine_make_room(c->engine)) {
        enum mc_stored stored = stores[mode](c, a);

        tell_watchers(c, a, mode, stored);
        return stored;
    }
    tell_watchers(c, a, mode, MC_NO_MEMORY);
    mc_state(c)->counters.no_memory++;
    /* Whoever failed to overwrite a value must not be given the old one. */
    if (mode == MC_SET || a->is_meta)
        db_delete(c->db, a->key, false);
    return MC_NO_MEMORY;
}

static void run_store(struct cmd_call *c, enum mc_mode mode)
{
    struct mc_store a;

    mc_begin(c);
    read_args(c, &a, mode == MC_CAS);
    if (mc_may_write(c, true))
        mc_say(c, lines[mc_store(c, &a, mode)], true);
    mc_end(c);
}

void mc_run_set(struct cmd_call *c)
{
    run_store(c, MC_SET);
}

void mc_run_add(struct cmd_call *c)
{
    run_store(c, MC_ADD);
}

void mc_run_replace(struct cmd_call *c)
{
    run_store(c, MC_REPLACE);
}

void mc_run_append(struct cmd_call *c)
{
    run_store(c, MC_APPEND);
}

void mc_run_prepend(struct cmd_call *c)
{
    run_store(c, MC_PREPEND);
}

void mc_run_cas(struct cmd_call *c)
{
    run_store(c, MC_CAS);
}

void mc_run_too_large(struct cmd_call *c)
{
    mc_begin(c);
    mc_state(c)->counters.too_large++;
    if (mc_may_write(c, false)) {
        if (str_is(c->argv[0], "set"))
            mc_watch_fetch(c, call_key(c, 1));
        if (str_is(c->argv[0], "set"))
            db_delete(c->db, call_key(c, 1), c->ks->settings->lazy_user_del);
        mc_say(c, MC_TOO_LARGE, false);
        if (__builtin_expect(mc_state(c)->watchers.kinds & MC_MUTATIONS, 0))
            mc_watch_store_slow(
                c, &(struct mc_stored_event){.key = c->argv[1],
                                             .status = "too_large",
                                             .command = str_dup(c->scratch, c->argv[0]),
                                             .deadline_ms = NO_DEADLINE});
    }
    mc_end(c);
}

/* ---- delete ---- */

/* "delete k", with the old hold time of 0 and noreply behind it. */
static bool delete_is_valid(const struct cmd_call *c)
{
    if (c->argc == 2)
        return true;
    if (c->argc == 3)
        return str_is(c->argv[2], "0") || mc_is_silent(c, false);
    return str_is(c->argv[2], "0") && mc_is_silent(c, false);
}

static const char *delete_item(struct cmd_call *c)
{
    struct mc_counters *n = &mc_state(c)->counters;

    if (!delete_is_valid(c))
        return "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
    if (c->argv[1].len > MC_KEY_MAX)
        return MC_BAD_FORMAT;
    mc_prefix_count(c, c->argv[1], MC_DEED_DELETE);
    struct key k = call_key(c, 1);
    mc_watch_fetch(c, k);
    if (!db_delete(c->db, k, c->ks->settings->lazy_user_del)) {
        n->delete_misses++;
        return "NOT_FOUND";
    }
    n->delete_hits++;
    call_changed(c, k, EVENT_GENERIC, "del");
    return "DELETED";
}

void mc_run_delete(struct cmd_call *c)
{
    mc_begin(c);
    const char *line = mc_may_write(c, false) ? delete_item(c) : NULL;
    if (line && (c->argc == 2 || !mc_is_silent(c, false)))
        mc_line(c, line);
    mc_end(c);
}

/* ---- incr, decr ---- */

/* Writes the new number over the old one. Where it is shorter, blanks keep the item's length: it is
 * the same item then, and what was noted of it stays. */
static void put_number(struct cmd_call *c, struct key k, struct item *it, uint64_t v)
{
    char *text = arena_alloc(c->scratch, it->value.len + NUMBER_I64_MAX + 1);
    size_t len = number_write_u64(text, v);
    bool is_the_same = len <= it->value.len;
    unsigned marks = it->marks;

    if (entry_form(it->entry) == FORM_NUMBER && len == it->value.len && v <= INT64_MAX) {
        entry_set_number(it->entry, (int64_t)v);
        call_changed(c, k, EVENT_STRING, "incrby");
        return;
    }
    bool was_read = db_was_read(c->db, it->entry);
    for (; len < it->value.len; len++)
        text[len] = ' ';
    mc_item_put(c, k, it->flags, (struct str){text, len}, KEEP_DEADLINE);
    if (is_the_same && (marks || was_read)) {
        item_read(db_peek(c->db, k), it);
        mc_item_mark(c, k, it, marks);
        if (was_read)
            db_note_read(c->db, it->entry);
    }
    call_changed(c, k, EVENT_STRING, "incrby");
}

/* What memcached would keep in several chunks is no number to it, whatever it begins with. */
static bool may_be_number(size_t key_len, const struct item *it)
{
    return it->value.len > 0 && mc_item_size(key_len, it->flags, it->value.len) <= CHUNK_MAX;
}

enum mc_changed mc_change(struct cmd_call *c, const struct mc_change *a, uint64_t *out)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct item it;
    uint64_t v;

    if (!engine_make_room(c->engine))
        return MC_CHANGE_NO_MEMORY;
    mc_watch_fetch(c, a->key);
    struct entry *e = db_find(c->db, a->key);
    if (!e)
        return MC_CHANGE_NOT_FOUND;
    item_read(e, &it);
    if (!may_be_number(a->key.len, &it))
        return MC_CHANGE_NO_NUMBER;
    if (a->cas != 0 && it.cas != a->cas)
        return MC_CHANGE_EXISTS;
    if (!mc_read_u64(it.value, &v))
        return MC_CHANGE_NO_NUMBER;
    *(a->is_incr ? &n->incr_hits : &n->decr_hits) += 1;
    *out = a->is_incr ? v + a->delta : a->delta > v ? 0 : v - a->delta;
    put_number(c, a->key, &it, *out);
    tell_cas(c, a->key, a->out_cas);
    return MC_CHANGED;
}

static const char *change_number(struct cmd_call *c, bool is_incr)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct mc_change a = {.is_incr = is_incr};
    uint64_t v;

    if (c->argv[1].len > MC_KEY_MAX)
        return MC_BAD_FORMAT;
    if (!mc_read_u64(c->argv[2], &a.delta))
        return "CLIENT_ERROR invalid numeric delta argument";
    a.key = call_key(c, 1);
    switch (mc_change(c, &a, &v)) {
    case MC_CHANGE_NO_MEMORY: return "SERVER_ERROR out of memory";
    case MC_CHANGE_NO_NUMBER: return MC_NO_NUMBER;
    case MC_CHANGE_EXISTS:
    case MC_CHANGE_NOT_FOUND:
        *(is_incr ? &n->incr_misses : &n->decr_misses) += 1;
        return "NOT_FOUND";
    case MC_CHANGED: break;
    }
    char *text = arena_alloc(c->scratch, NUMBER_I64_MAX + 1);
    text[number_write_u64(text, v)] = '\0';
    return text;
}

static void run_change(struct cmd_call *c, bool is_incr)
{
    mc_begin(c);
    if (mc_may_write(c, false))
        mc_say(c, change_number(c, is_incr), false);
    mc_end(c);
}

void mc_run_incr(struct cmd_call *c)
{
    run_change(c, true);
}

void mc_run_decr(struct cmd_call *c)
{
    run_change(c, false);
}
