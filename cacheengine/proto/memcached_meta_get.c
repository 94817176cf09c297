/*
 * mg, mn, me. mg goes over its flags in the order in which they came: a T in front of a t changes
 * what the latter shows. What it finds out on the way (a new end, a token that was won) is done to
 * the item at the end, when nothing of it is needed any more.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached_meta.h"
#include "cacheengine/proto/memcached_watch.h"

#define SLAB_CLASS 1 /* the engine has one, see stats slabs */

/* One mg while it runs. */
struct mget {
    struct cmd_call *call;
    struct key key;
    struct mc_meta meta;
    struct item item;
    int64_t deadline_ms; /* of the item, as it will be */
    bool sets_deadline;
    bool is_new;   /* it was made by this request */
    bool has_won;  /* the client is to make it anew */
    bool was_read; /* before */
    uint32_t idle_s;
};

/* ---- finding ---- */

static struct entry *find(struct mget *g)
{
    struct db *db = g->call->db;
    bool leaves_age = g->meta.leaves_age || g->meta.wants_last_use;

    mc_watch_fetch(g->call, g->key);
    struct entry *e = leaves_age ? db_look(db, g->key) : db_read(db, g->key);

    if (e || !g->meta.vivifies || !heap_has_room(&db->heap) || !engine_make_room(g->call->engine))
        return e;
    g->is_new = true;
    mc_state(g->call)->counters.total_items++;
    mc_item_put(g->call, g->key, 0, STR(""), NO_DEADLINE);
    return db_peek(db, g->key);
}

static void look_at(struct mget *g, struct entry *e)
{
    item_read(e, &g->item);
    g->deadline_ms = entry_deadline(e);
    g->was_read = db_was_read(g->call->db, e);
    g->idle_s = db_unused_s(g->call->db, e);
}

/* ---- flags ---- */

static bool ends_too_soon(const struct mget *g)
{
    int64_t now_ms = g->call->ks->now_ms;

    if (g->deadline_ms == NO_DEADLINE || g->meta.recache_ms <= 0 || g->is_new)
        return false;
    return mc_seconds_left(g->deadline_ms, now_ms) < mc_seconds_left(g->meta.recache_ms, now_ms);
}

/* Flags that do something. */
static void act_on(struct mget *g, char flag)
{
    if (flag == 'T') {
        g->deadline_ms = g->meta.deadline_ms;
        g->sets_deadline = true;
    } else if (flag == 'N' && g->is_new) {
        g->deadline_ms = g->meta.vivify_ms;
        g->sets_deadline = g->has_won = true;
    } else if (flag == 'R' && !(g->item.marks & ITEM_TAKEN) && ends_too_soon(g)) {
        g->has_won = true;
    }
}

/* Flags that return something. */
static char *answer(struct mget *g, char *to, struct str word)
{
    const struct item *it = &g->item;

    switch (word.ptr[0]) {
    case 's': return mc_meta_number(to, 's', it->value.len);
    case 't': return mc_meta_ttl(to, g->deadline_ms, g->call->ks->now_ms);
    case 'c': return mc_meta_number(to, 'c', mc_item_cas(g->call, g->key, &g->item));
    case 'f': return mc_meta_number(to, 'f', it->flags);
    case 'l': return mc_meta_number(to, 'l', g->idle_s);
    case 'h': return mc_meta_text(to, g->was_read ? " h1" : " h0");
    case 'k': return mc_meta_key(to, g->call->argv[1], it->marks & ITEM_ENCODED);
    case 'O': return mc_meta_opaque(to, word);
    default: act_on(g, word.ptr[0]); return to;
    }
}

/* The line up to its end, or NULL when an opaque is too long for it. */
static char *answer_all(struct mget *g, char *to)
{
    struct cmd_call *c = g->call;

    if (g->meta.wants_value) {
        to = mc_meta_text(to, "VA ");
        to += number_write_u64(to, g->item.value.len);
    } else {
        to = mc_meta_text(to, "HD");
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        if (c->argv[i].ptr[0] == 'O' && c->argv[i].len > MC_OPAQUE_MAX)
            return NULL;
        to = answer(g, to, c->argv[i]);
    }
    return to;
}

/* Who has won, who has lost, and that the value is an old one. */
static char *answer_state(struct mget *g, char *to)
{
    bool is_taken = g->item.marks & ITEM_TAKEN, is_stale = g->item.marks & ITEM_STALE;

    if (is_taken)
        to = mc_meta_text(to, " Z");
    if (is_stale)
        to = mc_meta_text(to, " X");
    g->has_won |= is_stale && !is_taken;
    return g->has_won ? mc_meta_text(to, " W") : to;
}

/* ---- mg ---- */

static void send_value(struct mget *g)
{
    const struct item *it = &g->item;
    struct reply *r = g->call->reply;

    if (it->value.len >= REPLY_BIG)
        reply_raw_blob(r, it->blob, it->blob_from, it->value.len);
    else
        reply_raw(r, it->value.ptr, it->value.len);
    reply_literal(r, "\r\n");
}

static void note_use(struct mget *g)
{
    struct cmd_call *c = g->call;

    if (g->has_won)
        mc_item_mark(c, g->key, &g->item, g->item.marks | ITEM_TAKEN);
    if (g->meta.leaves_age)
        return;
    if (g->meta.wants_last_use)
        (void)db_find(c->db, g->key);
    db_note_read(c->db, g->item.entry);
}

static void count_hit(struct mget *g)
{
    struct mc_counters *n = &mc_state(g->call)->counters;

    if (g->meta.has_ttl) {
        n->cmd_touch++;
        n->touch_hits++;
    } else {
        n->cmd_get++;
        n->get_hits++;
    }
}

static void hit(struct mget *g, struct entry *e)
{
    struct cmd_call *c = g->call;

    look_at(g, e);
    char *to = reply_room(c->reply, MC_META_LINE);
    char *end = answer_all(g, to);
    if (end) {
        end = mc_meta_text(answer_state(g, end), "\r\n");
        c->reply->next = end;
        if (g->meta.wants_value)
            send_value(g);
        note_use(g);
        count_hit(g);
    } else {
        mc_line(c, MC_OPAQUE_TOO_LONG);
    }
    if (g->sets_deadline)
        mc_item_touch(c, g->key, &g->item.entry, g->deadline_ms);
}

static void miss(struct mget *g)
{
    struct cmd_call *c = g->call;
    struct mc_counters *n = &mc_state(c)->counters;

    n->cmd_get++;
    n->get_misses++;
    char *to = mc_meta_text(reply_room(c->reply, MC_META_LINE), "EN");
    if (!mc_meta_echo(&to, c, c->argc, c->argv[1], &g->meta))
        mc_line(c, MC_OPAQUE_TOO_LONG);
    else if (!g->meta.is_quiet)
        c->reply->next = mc_meta_text(to, "\r\n");
}

static void mget(struct mget *g)
{
    struct cmd_call *c = g->call;

    if (!mc_may_meta(c, g->meta.has_ttl || g->meta.vivifies))
        return;
    /* A cas or a mark may take some bytes: room is made, but no read is refused for want of it. */
    (void)engine_make_room(c->engine);
    g->key = call_key(c, 1);
    struct entry *e = find(g);
    if (e)
        hit(g, e);
    else
        miss(g);
}

void mc_run_mg(struct cmd_call *c)
{
    struct mget g = {.call = c};
    const char *problem;

    mc_begin(c);
    if (c->argv[1].len > MC_KEY_MAX)
        problem = MC_BAD_FORMAT;
    else if (c->argc > MC_META_WORDS)
        problem = "CLIENT_ERROR options flags are too long";
    else
        problem = mc_meta_read(c, 2, c->argc, &g.meta);
    if (problem)
        mc_line(c, problem);
    else
        mget(&g);
    mc_end(c);
}

/* ---- mn, me ---- */

void mc_run_mn(struct cmd_call *c)
{
    mc_begin(c);
    mc_line(c, "MN");
    mc_end(c);
}

/* What is known of an item, for people. The end is said as what it has gone by. */
static void show(struct cmd_call *c, struct key k, struct entry *e)
{
    int64_t deadline_ms = entry_deadline(e);
    uint32_t idle_s = db_unused_s(c->db, e);
    bool was_read = db_was_read(c->db, e);
    struct item it;

    item_read(e, &it);
    uint64_t cas = mc_item_cas(c, k, &it);
    bool is_encoded = it.marks & ITEM_ENCODED;
    char *to = mc_meta_text(reply_room(c->reply, MC_META_LINE), "ME ");
    to = mc_meta_key_bytes(to, c->argv[1], &is_encoded);
    to += snprintf(
        to, 256, " exp=%lld la=%u cas=%llu fetch=%s cls=%d size=%zu\r\n",
        deadline_ms == NO_DEADLINE ? -1LL : -(long long)mc_seconds_left(deadline_ms, c->ks->now_ms),
        idle_s, (unsigned long long)cas, was_read ? "yes" : "no", SLAB_CLASS,
        mc_item_size(k.len, it.flags, it.value.len));
    c->reply->next = to;
}

static void explain(struct cmd_call *c)
{
    if (!mc_may_meta(c, false))
        return;
    (void)engine_make_room(c->engine);
    struct key k = call_key(c, 1);
    struct entry *e = db_look(c->db, k);
    if (e)
        show(c, k, e);
    else
        mc_line(c, "EN");
    mc_state(c)->counters.cmd_meta++;
}

void mc_run_me(struct cmd_call *c)
{
    mc_begin(c);
    if (c->argc < 2 || c->argv[1].len > MC_KEY_MAX || c->argv[1].len == 0)
        mc_line(c, MC_BAD_FORMAT);
    else
        explain(c);
    mc_end(c);
}
