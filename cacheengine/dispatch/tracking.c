/*
 * Tracking. The one idea: a client that tracks is an object of its own, so that neither the keys it
 * has read nor those who redirect to others need to be looked through when it goes.
 */
#include "cacheengine/dispatch/tracking.h"

#include "base/command.h"
#include "cacheengine/dispatch/keys.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/transaction.h"

#include <stdlib.h>

#define KEYS_AT_ONCE 1000 /* that are dropped for the table's limits before others have a turn */
/* Messages about them wait no more than this much at a time, so that they drive no data out. */
#define TOLD_AT_ONCE  16384
#define HEADS_AT_ONCE 4096 /* of the table, that are swept at once */

/* Where memory is limited, the table of keys may take this part of it: it is to leave room for the
 * keys themselves. */
#define MEMORY_PART 8

static void book(struct engine *e, int64_t bytes)
{
    e->keyspace.account.used_bytes += (size_t)bytes;
    e->keyspace.account.client_bytes += (size_t)bytes;
}

/* ---- who tracks ---- */

static struct tracking *tracking_of(struct engine *e)
{
    if (!e->tracking) {
        e->tracking = calloc(1, sizeof(*e->tracking));
        check(e->tracking);
        e->tracking->keys.account = &e->keyspace.account;
        e->tracking->broadcast.account = &e->keyspace.account;
        book(e, sizeof(*e->tracking));
        engine_observe(e);
    }
    return e->tracking;
}

/* Nobody tracks any more: no client is to hear of the keys that are left. */
static void free_all(struct engine *e)
{
    tracked_clear(&e->tracking->keys);
    broadcast_fini(&e->tracking->broadcast);
    free(e->tracking);
    e->tracking = NULL;
    book(e, -(int64_t)sizeof(*e->tracking));
    engine_observe(e);
}

static struct tracker *tracker_new(struct engine *e, struct client *c)
{
    struct tracking *all = tracking_of(e);
    struct tracker *t = calloc(1, sizeof(*t));

    check(t);
    *t = (struct tracker){.client = c, .next = all->newest, .bytes = sizeof(*t)};
    if (all->newest)
        all->newest->prev = t;
    all->newest = t;
    all->count++;
    book(e, (int64_t)t->bytes);
    c->tracker = t;
    return t;
}

void tracker_let_go(struct tracker *t)
{
    if (--t->items == 0 && !t->client)
        free(t);
}

/* Adds a prefix in its place: they are told in the order of their bytes. */
static void add_prefix(struct engine *e, struct tracker *t, struct str prefix)
{
    uint32_t place = 0;

    while (place < t->prefix_count && broadcast_order(t->prefixes[place], prefix) < 0)
        place++;
    if (place < t->prefix_count && str_eq(t->prefixes[place], prefix))
        return;
    char *text = malloc(prefix.len + 1);
    t->prefixes = realloc(t->prefixes, (t->prefix_count + 1) * sizeof(*t->prefixes));
    check(text && t->prefixes);
    memcpy(text, prefix.ptr, prefix.len);
    memmove(&t->prefixes[place + 1], &t->prefixes[place],
            (t->prefix_count - place) * sizeof(*t->prefixes));
    t->prefixes[place] = (struct str){text, prefix.len};
    t->prefix_count++;
    t->bytes += sizeof(*t->prefixes) + prefix.len + 1;
    book(e, (int64_t)(sizeof(*t->prefixes) + prefix.len + 1));
    broadcast_join(&e->tracking->broadcast, prefix, t);
}

static void drop_prefixes(struct engine *e, struct tracker *t)
{
    for (uint32_t i = 0; i < t->prefix_count; i++) {
        broadcast_leave(&e->tracking->broadcast, t->prefixes[i], t);
        free((char *)t->prefixes[i].ptr);
    }
    free(t->prefixes);
    t->prefixes = NULL;
    t->prefix_count = 0;
}

void tracking_begin(struct engine *e, struct client *c, const struct tracking_wish *w)
{
    struct tracker *t = c->tracker ? c->tracker : tracker_new(e, c);

    t->target = w->target;
    t->redirect_id = w->target ? w->target->id : 0;
    if (w->target)
        w->target->is_redirected_to = true;
    t->is_broken = false;
    t->is_broadcast = w->is_broadcast;
    t->is_opt_in = w->is_opt_in;
    t->is_opt_out = w->is_opt_out;
    t->skips_own = w->skips_own;
    if (w->is_broadcast && w->prefix_count == 0)
        add_prefix(e, t, STR(""));
    for (uint32_t i = 0; i < w->prefix_count; i++)
        add_prefix(e, t, w->prefixes[i]);
}

void tracking_end(struct engine *e, struct client *c)
{
    struct tracker *t = c->tracker;
    struct tracking *all = e->tracking;

    if (!t)
        return;
    drop_prefixes(e, t);
    if (t->next)
        t->next->prev = t->prev;
    if (t->prev)
        t->prev->next = t->next;
    else
        all->newest = t->next;
    all->count--;
    /* What keys still hold of it is swept out soon. */
    book(e, -(int64_t)t->bytes);
    all->keys.gone_items += t->items;
    c->tracker = NULL;
    t->client = NULL;
    if (t->items == 0)
        free(t);
    if (all->count == 0)
        free_all(e);
}

void tracking_forget(struct engine *e, struct client *c)
{
    tracking_end(e, c);
    if (!c->is_redirected_to || !e->tracking)
        return;
    for (struct tracker *t = e->tracking->newest; t; t = t->next)
        if (t->target == c)
            t->target = NULL;
}

/* ---- telling ---- */

static bool is_leaving(const struct client *c)
{
    return c->is_killed || c->is_closing;
}

static void say_broken(struct engine *e, struct tracker *t)
{
    char text[80];

    t->is_broken = true;
    if (t->client->reply.resp < 3)
        return;
    int len = snprintf(text, sizeof(text), ">2\r\n$21\r\ntracking-redir-broken\r\n:%llu\r\n",
                       (unsigned long long)t->redirect_id);
    pubsub_push(e, t->client, text, (size_t)len);
}

/* Tells that these keys are no longer good: a RESP array; NULL: all keys. */
static void tell(struct engine *e, struct tracker *t, const struct buf *keys)
{
    static const char push[] = ">2\r\n$10\r\ninvalidate\r\n",
                      message[] = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    struct client *to = t->redirect_id ? t->target : t->client;

    if (!to || (t->redirect_id && is_leaving(to))) {
        say_broken(e, t);
        return;
    }
    bool hears_pushes = to->reply.resp >= 3;
    /* One that speaks RESP2 can be told by messages alone, and then not of what it does itself. */
    if (!hears_pushes && (!t->redirect_id || !to->subscriber))
        return;
    if (hears_pushes)
        pubsub_push(e, to, push, sizeof(push) - 1);
    else
        pubsub_push(e, to, message, sizeof(message) - 1);
    if (keys)
        pubsub_push(e, to, keys->ptr, keys->len);
    else
        pubsub_push(e, to, hears_pushes ? "_\r\n" : "$-1\r\n", hears_pushes ? 3 : 5);
}

/* Tells those who may have copies of a key, and forgets it. `changer` is spared if it asked for
 * that. */
static void invalidate(struct engine *e, struct tracked_key *k, const struct client *changer)
{
    scoped(buf_fini) struct buf keys = BUF_EMPTY;

    buf_printf(&keys, "*1\r\n$%u\r\n", k->len);
    buf_add(&keys, k->name, k->len);
    buf_add(&keys, "\r\n", 2);
    for (uint32_t i = 0; i < k->count; i++) {
        struct tracker *t = tracked_holder(k, i);

        if (t->client && !(t->skips_own && t->client == changer))
            tell(e, t, &keys);
    }
    tracked_key_free(&e->tracking->keys, k);
}

void tracking_note(struct engine *e, struct key k, enum key_event kind)
{
    struct tracking *all = e->tracking;
    struct str name = {k.ptr, k.len};
    bool is_by_itself = kind == EVENT_EXPIRED || kind == EVENT_EVICTED;
    const struct client *changer = is_by_itself ? NULL : e->running;

    if (kind == EVENT_MISS || kind == EVENT_NEW)
        return;
    if (all->broadcast.prefix_count > 0 &&
        broadcast_note(&all->broadcast, name, changer ? changer->id : 0))
        tracking_broadcast_slow(e);
    struct tracked_key *found = tracked_take(&all->keys, k);
    if (found)
        invalidate(e, found, changer);
}

void tracking_flush(struct engine *e)
{
    if (!e->tracking)
        return;
    for (struct tracker *t = e->tracking->newest; t; t = t->next)
        tell(e, t, NULL);
    tracked_clear(&e->tracking->keys);
}

void tracking_leave_slots(struct engine *e, const struct slot_set *gone)
{
    struct tracked_key *k;
    size_t place = 0;

    while (e->tracking && (k = tracked_take_of_slots(&e->tracking->keys, gone, &place)))
        invalidate(e, k, NULL);
}

/* ---- prefixes ---- */

static void tell_prefix(struct engine *e, const struct broadcast_prefix *p)
{
    scoped(buf_fini) struct buf all = BUF_EMPTY, others = BUF_EMPTY;

    if (!broadcast_list(&e->tracking->broadcast, p, 0, &all))
        return;
    for (uint32_t i = 0; i < p->count; i++) {
        struct tracker *t = p->listeners[i];

        buf_clear(&others);
        if (!t->skips_own)
            tell(e, t, &all);
        else if (broadcast_list(&e->tracking->broadcast, p, t->client->id, &others))
            tell(e, t, &others);
    }
}

void tracking_broadcast_slow(struct engine *e)
{
    struct broadcast *b = &e->tracking->broadcast;

    if (b->key_count == 0)
        return;
    broadcast_settle(b);
    for (uint32_t i = 0; i < b->prefix_count; i++) {
        if (b->prefixes[i].has_news)
            tell_prefix(e, &b->prefixes[i]);
        b->prefixes[i].has_news = false;
    }
    broadcast_clear(b);
}

/* ---- reading ---- */

void tracking_remember(struct cmd_call *call)
{
    struct engine *e = call->engine;
    struct tracker *t = call->client->tracker;
    uint32_t count;

    if (t->is_broadcast || (t->is_opt_in && !t->is_chosen) || (t->is_opt_out && t->is_chosen))
        return;
    /* Of a script, what it reads is remembered, not what it might have. */
    if (scripting_is_run(call->cmd))
        return;
    const struct key_place *keys =
        keys_find(call->scratch, call->cmd, call->argv, call->argc, &count);
    for (uint32_t i = 0; i < count; i++)
        tracked_add(&e->tracking->keys, call_key(call, keys[i].arg), t);
    (void)tracking_limit(e);
}

void tracking_settle(const struct cmd_call *call)
{
    const struct command *cmd = call->cmd;
    struct client *c = call->client;
    bool is_client = cmd && (strcmp(cmd->name, "client") == 0 ||
                             (cmd->parent && strcmp(cmd->parent->name, "client") == 0));

    if (!is_client && !transaction_is_open(c) && !c->waiting)
        c->tracker->is_chosen = false;
}

/* ---- limits ---- */

static bool is_over(const struct engine *e)
{
    const struct tracked *t = &e->tracking->keys;
    uint64_t most = (uint64_t)e->settings.tracked_keys_max;
    uint64_t memory = (uint64_t)e->settings.max_memory;

    return t->keys > 0 &&
           ((most > 0 && t->keys > most) || (memory > 0 && t->bytes > memory / MEMORY_PART));
}

bool tracking_limit(struct engine *e)
{
    size_t most = e->keyspace.account.client_bytes + TOLD_AT_ONCE;

    for (int i = 0; e->tracking && is_over(e); i++) {
        if (i == KEYS_AT_ONCE || e->keyspace.account.client_bytes > most)
            return false;
        invalidate(e, tracked_take_any(&e->tracking->keys, rng_next(&e->keyspace.rng)), NULL);
    }
    return true;
}

bool tracking_tick(struct engine *e)
{
    if (!e->tracking)
        return true;
    tracked_sweep(&e->tracking->keys, HEADS_AT_ONCE);
    return tracking_limit(e);
}
