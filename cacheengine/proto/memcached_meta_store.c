/*
 * ms, md, ma: what the text protocol's commands do (memcached_store.c), said in two letters, with
 * what the flags ask for behind them.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached_meta.h"
#include "cacheengine/proto/memcached_watch.h"

#define BAD_FLAG "CLIENT_ERROR invalid or duplicate flag"

/* ---- what they have in common ---- */

/* What is wrong with the words of md and ma, or NULL. */
static const char *read_words(const struct cmd_call *c, struct mc_meta *out)
{
    if (c->argv[1].len > MC_KEY_MAX)
        return MC_BAD_FORMAT;
    if (c->argc > MC_META_WORDS)
        return "CLIENT_ERROR options flags too long";
    return mc_meta_read(c, 2, c->argc, out) ? BAD_FLAG : NULL;
}

void mc_run_meta_problem(struct cmd_call *c)
{
    mc_begin(c);
    mc_line(c, c->problem);
    mc_end(c);
}

/* ---- ms ---- */

static const char *const codes[] = {
    [MC_STORED] = "HD", [MC_NOT_STORED] = "NS", [MC_EXISTS] = "EX", [MC_NOT_FOUND] = "NF"};

/* A big block becomes the value where it stands, and what is in front of that is written over: the
 * words of the line are still needed. */
static void keep_words(struct cmd_call *c)
{
    if (c->argv[c->argc - 1].len < REPLY_BIG)
        return;
    for (uint32_t i = 1; i + 1 < c->argc; i++) {
        struct str *word = &c->argv[i];
        char *bytes = arena_alloc(c->scratch, word->len + 1);

        memcpy(bytes, word->ptr, word->len);
        word->ptr = bytes;
    }
}

/* The cas of what was just stored; an item that is gone at once has had one, too. */
static uint64_t cas_of(struct cmd_call *c, struct key k, enum mc_stored stored)
{
    struct entry *e = stored == MC_STORED ? db_peek(c->db, k) : NULL;
    struct item it;

    if (!e)
        return stored == MC_STORED ? mc_new_cas(c) : 0;
    item_read(e, &it);
    return mc_item_cas(c, k, &it);
}

static void say_stored(struct cmd_call *c, const struct mc_meta *m, struct key k,
                       enum mc_stored stored)
{
    char *to = mc_meta_text(reply_room(c->reply, MC_META_LINE), codes[stored]);

    for (uint32_t i = 3; i + 1 < c->argc; i++) {
        switch (c->argv[i].ptr[0]) {
        case 'O': to = mc_meta_opaque(to, c->argv[i]); break;
        case 'k': to = mc_meta_key(to, c->argv[1], m->has_encoded_key); break;
        case 'c': to = mc_meta_number(to, 'c', cas_of(c, k, stored)); break;
        default: break;
        }
    }
    c->reply->next = mc_meta_text(to, "\r\n");
}

static void mark_encoded(struct cmd_call *c, struct key k)
{
    struct entry *e = db_peek(c->db, k);
    struct item it;

    if (!e)
        return;
    item_read(e, &it);
    mc_item_mark(c, k, &it, it.marks | ITEM_ENCODED);
}

static void mset(struct cmd_call *c)
{
    struct mc_meta m;
    enum mc_mode mode;

    /* The parser has found nothing wrong. */
    (void)mc_meta_read_store(c, c->argc - 1, &m, &mode);
    keep_words(c);
    struct mc_store a = {.key = call_key(c, 1),
                         .flags = m.flags,
                         .body_arg = c->argc - 1,
                         .body = c->argv[c->argc - 1],
                         .deadline_ms = m.deadline_ms,
                         .cas = m.cas,
                         .may_be_stale = m.spoils,
                         .is_meta = true};
    enum mc_stored stored = mc_store(c, &a, mode);
    if (stored == MC_NO_MEMORY) {
        mc_line(c, MC_OUT_OF_MEMORY);
        return;
    }
    if (stored == MC_STORED && m.has_encoded_key && mode != MC_APPEND && mode != MC_PREPEND)
        mark_encoded(c, a.key);
    if (stored != MC_STORED || !m.is_quiet)
        say_stored(c, &m, a.key, stored);
}

void mc_run_ms(struct cmd_call *c)
{
    mc_begin(c);
    if (mc_may_meta(c, true))
        mset(c);
    mc_end(c);
}

void mc_run_ms_too_large(struct cmd_call *c)
{
    mc_begin(c);
    mc_state(c)->counters.too_large++;
    if (mc_may_meta(c, true)) {
        db_delete(c->db, call_key(c, 1), c->ks->settings->lazy_user_del);
        mc_line(c, MC_TOO_LARGE);
    }
    mc_end(c);
}

/* ---- md ---- */

static void spoil(struct cmd_call *c, const struct mc_meta *m, struct key k, struct item *it)
{
    mc_item_spoil(c, k, it);
    if (m->has_ttl)
        mc_item_touch(c, k, &it->entry, m->deadline_ms);
}

static const char *remove_item(struct cmd_call *c, const struct mc_meta *m)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct key k = call_key(c, 1);
    struct item it;

    mc_watch_fetch(c, k);
    struct entry *e = db_find(c->db, k);
    if (!e) {
        n->delete_misses++;
        return "NF";
    }
    item_read(e, &it);
    if (m->has_cas && (it.cas == 0 || it.cas != m->cas)) {
        n->delete_misses++;
        return "EX";
    }
    if (m->spoils) {
        spoil(c, m, k, &it);
        return "HD";
    }
    n->delete_hits++;
    db_delete_entry(c->db, k, e, c->ks->settings->lazy_user_del);
    call_changed(c, k, EVENT_GENERIC, "del");
    return "HD";
}

static void mdelete(struct cmd_call *c, const struct mc_meta *m)
{
    char tail[MC_META_LINE], *end = tail;

    if (!mc_meta_echo(&end, c, c->argc, c->argv[1], m)) {
        mc_line(c, MC_OPAQUE_TOO_LONG);
        return;
    }
    /* Another cas may take some bytes. */
    (void)engine_make_room(c->engine);
    const char *code = remove_item(c, m);
    if (m->is_quiet && str_is(str_of(code), "HD"))
        return;
    reply_raw(c->reply, code, strlen(code));
    reply_raw(c->reply, tail, (size_t)(end - tail));
    reply_literal(c->reply, "\r\n");
}

void mc_run_md(struct cmd_call *c)
{
    struct mc_meta m;

    mc_begin(c);
    const char *problem = read_words(c, &m);
    if (problem)
        mc_line(c, problem);
    else if (mc_may_meta(c, true))
        mdelete(c, &m);
    mc_end(c);
}

/* ---- ma ---- */

static bool read_direction(char mode, bool *is_incr)
{
    *is_incr = mode == 0 || mode == 'I' || mode == '+';
    return *is_incr || mode == 'D' || mode == '-';
}

static char *number_line(char *to, bool wants_value, size_t len)
{
    if (!wants_value)
        return mc_meta_text(to, "HD");
    to = mc_meta_text(to, "VA ");
    return to + number_write_u64(to, len);
}

/* The number as it is now, with what the flags return of its item; they take effect in order. */
static void say_number(struct cmd_call *c, const struct mc_meta *m, struct key k, bool is_new,
                       uint64_t v)
{
    char digits[NUMBER_I64_MAX + 1];
    size_t len = number_write_u64(digits, v);
    struct item it;

    item_read(db_peek(c->db, k), &it);
    int64_t deadline_ms = entry_deadline(it.entry), old_ms = deadline_ms;
    bool is_too_long = false;
    char *to = number_line(reply_room(c->reply, MC_META_LINE), m->wants_value, len);
    for (uint32_t i = 2; i < c->argc && !is_too_long; i++) {
        switch (c->argv[i].ptr[0]) {
        case 'c': to = mc_meta_number(to, 'c', mc_item_cas(c, k, &it)); break;
        case 't': to = mc_meta_ttl(to, deadline_ms, c->ks->now_ms); break;
        case 'T': deadline_ms = m->deadline_ms; break;
        case 'N': deadline_ms = is_new ? m->vivify_ms : deadline_ms; break;
        case 'k': to = mc_meta_key(to, c->argv[1], m->has_encoded_key); break;
        case 'O':
            is_too_long = c->argv[i].len > MC_OPAQUE_MAX;
            to = is_too_long ? to : mc_meta_opaque(to, c->argv[i]);
            break;
        default: break;
        }
    }
    if (deadline_ms != old_ms)
        mc_item_touch(c, k, &it.entry, deadline_ms);
    if (is_too_long) {
        mc_line(c, MC_OPAQUE_TOO_LONG);
        return;
    }
    if (m->is_quiet && !is_new)
        return;
    to = mc_meta_text(to, "\r\n");
    if (m->wants_value) {
        memcpy(to, digits, len);
        to = mc_meta_text(to + len, "\r\n");
    }
    c->reply->next = to;
}

static void say_code(struct cmd_call *c, const struct mc_meta *m, const char *code)
{
    char *to = mc_meta_text(reply_room(c->reply, MC_META_LINE), code);

    if (mc_meta_echo(&to, c, c->argc, c->argv[1], m))
        c->reply->next = mc_meta_text(to, "\r\n");
    else
        mc_line(c, MC_OPAQUE_TOO_LONG);
}

static void vivify(struct cmd_call *c, const struct mc_meta *m, struct key k)
{
    char digits[NUMBER_I64_MAX + 1];
    size_t len = number_write_u64(digits, m->initial);

    if (!heap_has_room(&c->db->heap)) {
        mc_line(c, "SERVER_ERROR Out of memory allocating new item");
        return;
    }
    mc_state(c)->counters.total_items++;
    mc_item_put(c, k, 0, (struct str){digits, len}, NO_DEADLINE);
    say_number(c, m, k, true, m->initial);
}

static void miss(struct cmd_call *c, const struct mc_meta *m, struct key k, bool is_incr)
{
    struct mc_counters *n = &mc_state(c)->counters;

    if (m->vivifies) {
        vivify(c, m, k);
        return;
    }
    *(is_incr ? &n->incr_misses : &n->decr_misses) += 1;
    say_code(c, m, "NF");
}

static void marithmetic(struct cmd_call *c, const struct mc_meta *m)
{
    struct mc_change a = {.key = call_key(c, 1), .delta = m->delta, .cas = m->cas};
    uint64_t v;

    if (!read_direction(m->mode, &a.is_incr)) {
        mc_line(c, "CLIENT_ERROR invalid mode for ma M token");
        return;
    }
    switch (mc_change(c, &a, &v)) {
    case MC_CHANGED: say_number(c, m, a.key, false, v); break;
    case MC_CHANGE_NOT_FOUND: miss(c, m, a.key, a.is_incr); break;
    case MC_CHANGE_EXISTS: say_code(c, m, "EX"); break;
    case MC_CHANGE_NO_NUMBER: mc_line(c, MC_NO_NUMBER); break;
    case MC_CHANGE_NO_MEMORY: mc_line(c, "SERVER_ERROR out of memory"); break;
    }
}

void mc_run_ma(struct cmd_call *c)
{
    struct mc_meta m;

    mc_begin(c);
    const char *problem = read_words(c, &m);
    if (problem)
        mc_line(c, problem);
    else if (mc_may_meta(c, true))
        marithmetic(c, &m);
    mc_end(c);
}
