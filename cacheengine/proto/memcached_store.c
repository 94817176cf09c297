/*
 * set, add, replace, append, prepend, cas, delete, incr, decr. Each is a function that changes the
 * item and returns the line that is said about it.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached.h"

#define CHUNK_MAX 524288 /* memcached's slab_chunk_max */

/* The arguments of a storage command. */
struct store_args {
    struct key key;
    uint32_t flags;
    uint32_t body_arg;
    struct str body;
    int64_t deadline_ms;
    uint64_t cas;
};

typedef const char *store_fn(struct cmd_call *c, const struct store_args *a);

static const char *put(struct cmd_call *c, const struct store_args *a)
{
    mc_state(c)->counters.total_items++;
    mc_item_put_body(c, a->key, a->flags, a->body_arg, a->deadline_ms);
    return "STORED";
}

static const char *add(struct cmd_call *c, const struct store_args *a)
{
    return db_find(c->db, a->key) ? "NOT_STORED" : put(c, a);
}

static const char *replace(struct cmd_call *c, const struct store_args *a)
{
    return db_find(c->db, a->key) ? put(c, a) : "NOT_STORED";
}

static const char *put_if_unchanged(struct cmd_call *c, const struct store_args *a)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct entry *e = db_find(c->db, a->key);
    struct item it;

    if (!e) {
        n->cas_misses++;
        return "NOT_FOUND";
    }
    item_read(e, &it);
    if (it.cas == 0 || it.cas != a->cas) {
        n->cas_badval++;
        return "EXISTS";
    }
    n->cas_hits++;
    return put(c, a);
}

/* Finds what is to be extended; false when there is nothing, or it would become too large. */
static bool find_to_extend(struct cmd_call *c, const struct store_args *a, struct item *it)
{
    struct entry *e = db_find(c->db, a->key);

    if (!e)
        return false;
    item_read(e, it);
    return mc_item_fits(c->engine, a->key.len, it->flags, it->value.len + a->body.len);
}

static const char *append(struct cmd_call *c, const struct store_args *a)
{
    struct item it;

    if (!find_to_extend(c, a, &it))
        return "NOT_STORED";
    mc_item_append(c, a->key, &it, a->body);
    return "STORED";
}

static const char *prepend(struct cmd_call *c, const struct store_args *a)
{
    struct item it;

    if (!find_to_extend(c, a, &it))
        return "NOT_STORED";
    mc_item_prepend(c, a->key, &it, a->body);
    return "STORED";
}

/* The parser has checked that these are numbers. */
static void read_args(struct cmd_call *c, struct store_args *a, bool has_cas)
{
    int32_t exptime = 0;

    *a = (struct store_args){.key = call_key(c, 1), .body_arg = c->argc - 1};
    a->body = c->argv[a->body_arg];
    (void)mc_read_u32(c->argv[2], &a->flags);
    (void)mc_read_i32(c->argv[3], &exptime);
    if (has_cas)
        (void)mc_read_u64(c->argv[5], &a->cas);
    a->deadline_ms = mc_deadline(exptime, c->ks->now_ms);
}

static const char *store(struct cmd_call *c, const struct store_args *a, store_fn *how)
{
    mc_state(c)->counters.cmd_set++;
    if (heap_has_room(&c->db->heap) && engine_make_room(c->engine))
        return how(c, a);
    mc_state(c)->counters.no_memory++;
    /* Whoever failed to overwrite a value must not be given the old one. */
    if (how == put)
        db_delete(c->db, a->key, false);
    return "SERVER_ERROR out of memory storing object";
}

static void run_store(struct cmd_call *c, store_fn *how)
{
    struct store_args a;

    mc_begin(c);
    read_args(c, &a, how == put_if_unchanged);
    if (mc_may_write(c, true))
        mc_say(c, store(c, &a, how), true);
    mc_end(c);
}

void mc_run_set(struct cmd_call *c)
{
    run_store(c, put);
}

void mc_run_add(struct cmd_call *c)
{
    run_store(c, add);
}

void mc_run_replace(struct cmd_call *c)
{
    run_store(c, replace);
}

void mc_run_append(struct cmd_call *c)
{
    run_store(c, append);
}

void mc_run_prepend(struct cmd_call *c)
{
    run_store(c, prepend);
}

void mc_run_cas(struct cmd_call *c)
{
    run_store(c, put_if_unchanged);
}

void mc_run_too_large(struct cmd_call *c)
{
    mc_begin(c);
    mc_state(c)->counters.too_large++;
    if (mc_may_write(c, false)) {
        if (str_is(c->argv[0], "set"))
            db_delete(c->db, call_key(c, 1), c->ks->settings->lazy_user_del);
        mc_say(c, "SERVER_ERROR object too large for cache", false);
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
    struct key k = call_key(c, 1);
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

/* Writes the new number over the old one. Where it is shorter, blanks keep the item's length. */
static const char *put_number(struct cmd_call *c, struct key k, const struct item *it, uint64_t v)
{
    char *text = arena_alloc(c->scratch, it->value.len + NUMBER_I64_MAX + 1);
    size_t len = number_write_u64(text, v), shown = len;

    if (entry_form(it->entry) == FORM_NUMBER && len == it->value.len && v <= INT64_MAX) {
        entry_set_number(it->entry, (int64_t)v);
    } else {
        for (; len < it->value.len; len++)
            text[len] = ' ';
        mc_item_put(c, k, it->flags, (struct str){text, len}, KEEP_DEADLINE);
    }
    call_changed(c, k, EVENT_STRING, "incrby");
    text[shown] = '\0';
    return text;
}

/* What memcached would keep in several chunks is no number to it, whatever it begins with. */
static bool is_one_chunk(size_t key_len, const struct item *it)
{
    return mc_item_size(key_len, it->flags, it->value.len) <= CHUNK_MAX;
}

static const char *change_number(struct cmd_call *c, bool is_incr)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct item it;
    uint64_t delta, v;

    if (c->argv[1].len > MC_KEY_MAX)
        return MC_BAD_FORMAT;
    if (!mc_read_u64(c->argv[2], &delta))
        return "CLIENT_ERROR invalid numeric delta argument";
    if (!engine_make_room(c->engine))
        return "SERVER_ERROR out of memory";
    struct key k = call_key(c, 1);
    struct entry *e = db_find(c->db, k);
    if (!e) {
        *(is_incr ? &n->incr_misses : &n->decr_misses) += 1;
        return "NOT_FOUND";
    }
    item_read(e, &it);
    if (!is_one_chunk(k.len, &it) || !mc_read_u64(it.value, &v))
        return "CLIENT_ERROR cannot increment or decrement non-numeric value";
    *(is_incr ? &n->incr_hits : &n->decr_hits) += 1;
    if (is_incr)
        return put_number(c, k, &it, v + delta);
    return put_number(c, k, &it, delta > v ? 0 : v - delta);
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
