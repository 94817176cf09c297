/*
 * Waiting clients. The one idea: a wait hangs in three places, the list of each of its keys' hashes
 * (in the order of arrival), the heap of time-outs and its client, so each of the three events that
 * end it finds it at once.
 */
#include "cacheengine/dispatch/block.h"

#include "base/clock.h"
#include "base/command.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/iam.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/keyspace/wait.h"

#include <limits.h>
#include <stdlib.h>

#define BLOCK_HEADS 1024

struct waiting_key {
    struct waiting_key *next, *prev; /* of the hash, oldest first */
    struct waiting *of;
    uint64_t hash;
    struct str name;
};

struct waiting {
    struct waiting *next_keyless, *prev_keyless;
    struct client *client;
    const struct command *cmd;
    struct db *db;
    struct wait wait;
    size_t bytes;   /* booked for it */
    uint32_t order; /* in the heap of time-outs; NOT_TIMED when it waits for ever */
    bool goes_on;   /* the command has run and found nothing */
    uint32_t argc;
    struct str *argv;
    struct waiting_key keys[];
};
#define NOT_TIMED UINT32_MAX

struct ready_key {
    struct ready_key *next;
    struct db *db;
    uint64_t hash;
    uint32_t len;
    char name[];
};

struct block_table {
    struct {
        struct waiting_key *first, *last;
    } heads[BLOCK_HEADS];
    struct waiting **timed; /* a binary heap by until_ms */
    uint32_t timed_count, timed_room;
    struct ready_key *ready, *ready_last;
    struct waiting *keyless; /* those that wait for no key */
    bool is_serving;
};

/* ---- the heap of time-outs ---- */

static void timed_set(struct block_table *t, uint32_t at, struct waiting *w)
{
    t->timed[at] = w;
    w->order = at;
}

/* Puts a wait where it belongs, from the free place `at` on. */
static void timed_settle(struct block_table *t, uint32_t at, struct waiting *w)
{
    while (at > 0 && t->timed[(at - 1) / 2]->wait.until_ms > w->wait.until_ms) {
        timed_set(t, at, t->timed[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t below = 2 * at + 1;

        if (below + 1 < t->timed_count &&
            t->timed[below + 1]->wait.until_ms < t->timed[below]->wait.until_ms)
            below++;
        if (below >= t->timed_count || t->timed[below]->wait.until_ms >= w->wait.until_ms)
            break;
        timed_set(t, at, t->timed[below]);
        at = below;
    }
    timed_set(t, at, w);
}

static void timed_add(struct block_table *t, struct waiting *w)
{
    if (t->timed_count == t->timed_room) {
        t->timed_room = t->timed_room ? 2 * t->timed_room : 16;
        t->timed = realloc(t->timed, t->timed_room * sizeof(struct waiting *));
        check(t->timed);
    }
    t->timed_count++;
    /* The new place holds what is not smaller than anything above it. */
    timed_set(t, t->timed_count - 1, w);
    timed_settle(t, t->timed_count - 1, w);
}

static void timed_remove(struct block_table *t, struct waiting *w)
{
    uint32_t at = w->order;
    struct waiting *last = t->timed[--t->timed_count];

    if (last != w)
        timed_settle(t, at, last);
}

/* ---- beginning and ending ---- */

static struct block_table *table_of(struct engine *e)
{
    if (!e->blocks) {
        e->blocks = calloc(1, sizeof(*e->blocks));
        check(e->blocks);
    }
    return e->blocks;
}

static void key_hang(struct block_table *t, struct waiting_key *k)
{
    struct waiting_key **first = &t->heads[k->hash % BLOCK_HEADS].first;
    struct waiting_key **last = &t->heads[k->hash % BLOCK_HEADS].last;

    k->prev = *last;
    k->next = NULL;
    if (*last)
        (*last)->next = k;
    else
        *first = k;
    *last = k;
}

static void key_unhang(struct block_table *t, struct waiting_key *k)
{
    if (k->prev)
        k->prev->next = k->next;
    else
        t->heads[k->hash % BLOCK_HEADS].first = k->next;
    if (k->next)
        k->next->prev = k->prev;
    else
        t->heads[k->hash % BLOCK_HEADS].last = k->prev;
}

/* The wait with a copy of the call's arguments, in one piece. */
static struct waiting *waiting_new(const struct cmd_call *c, const struct wait *w)
{
    size_t head = sizeof(struct waiting) + w->keys * sizeof(struct waiting_key);
    size_t bytes = head + c->argc * sizeof(struct str);

    for (uint32_t i = 0; i < c->argc; i++)
        bytes += c->argv[i].len;
    struct waiting *out = malloc(bytes);
    check(out);
    *out = (struct waiting){.client = c->client,
                            .cmd = c->cmd,
                            .db = c->db,
                            .wait = *w,
                            .bytes = bytes,
                            .order = NOT_TIMED,
                            .goes_on = true,
                            .argc = c->argc};
    out->argv = (struct str *)(void *)((char *)out + head);
    char *to = (char *)(out->argv + c->argc);
    for (uint32_t i = 0; i < c->argc; i++) {
        memcpy(to, c->argv[i].ptr, c->argv[i].len);
        out->argv[i] = (struct str){to, c->argv[i].len};
        to += c->argv[i].len;
    }
    return out;
}

static void keyless_hang(struct block_table *t, struct waiting *w)
{
    w->next_keyless = t->keyless;
    if (t->keyless)
        t->keyless->prev_keyless = w;
    t->keyless = w;
}

static void keyless_unhang(struct block_table *t, struct waiting *w)
{
    if (w->prev_keyless)
        w->prev_keyless->next_keyless = w->next_keyless;
    else
        t->keyless = w->next_keyless;
    if (w->next_keyless)
        w->next_keyless->prev_keyless = w->prev_keyless;
}

void blocks_wait(void *ctx, struct cmd_call *c, const struct wait *wait)
{
    struct engine *e = ctx;
    struct block_table *t = table_of(e);

    if (c->client->waiting) {
        c->client->waiting->goes_on = true;
        return;
    }
    struct waiting *w = waiting_new(c, wait);
    for (uint32_t i = 0; i < wait->keys; i++) {
        struct str name = w->argv[wait->first + i];

        w->keys[i] = (struct waiting_key){
            .of = w, .hash = keyspace_key(&e->keyspace, name).hash, .name = name};
        key_hang(t, &w->keys[i]);
    }
    if (wait->keys == 0)
        keyless_hang(t, w);
    if (wait->until_ms != NO_DEADLINE)
        timed_add(t, w);
    account_add(&e->keyspace.account, w->bytes);
    c->client->waiting = w;
    e->waiting_count++;
    engine_observe(e);
}

void blocks_forget(struct engine *e, struct client *c)
{
    struct waiting *w = c->waiting;

    if (!w)
        return;
    iam_leave(e, c);
    for (uint32_t i = 0; i < w->wait.keys; i++)
        key_unhang(e->blocks, &w->keys[i]);
    if (w->wait.keys == 0)
        keyless_unhang(e->blocks, w);
    if (w->order != NOT_TIMED)
        timed_remove(e->blocks, w);
    account_sub(&e->keyspace.account, w->bytes);
    c->waiting = NULL;
    free(w);
    e->waiting_count--;
    engine_observe(e);
}

/* The client has its answer and goes on with what it has sent since. */
static void wait_end(struct engine *e, struct client *c)
{
    blocks_forget(e, c);
    if (c->reply_mode == CLIENT_REPLY_SKIPPING)
        c->reply_mode = CLIENT_REPLY_ON;
    c->host->wake(c);
    c->host->resume(c);
}

/* Where to rewind to when the client wants no answer; NULL when it wants one. */
static struct reply_piece *hold_if_muted(struct client *c)
{
    return c->reply_mode == CLIENT_REPLY_ON ? NULL : reply_hold(&c->reply);
}

/* Ends a wait as if its time were up, or with an error. */
static void end_with(struct engine *e, struct client *c, const char *error)
{
    struct command_stats *s = &e->by_command[c->waiting->cmd->id];
    struct reply_piece *held = hold_if_muted(c);

    s->calls++;
    s->failed += error != NULL;
    c->commands++;
    e->stats.commands++;
    if (error) {
        reply_error(&c->reply, error);
        engine_count_error(e, c->reply.error_code);
    } else {
        c->waiting->wait.over(&c->reply);
    }
    if (held)
        reply_rewind(&c->reply, held);
    wait_end(e, c);
}

static bool run_again(struct engine *e, struct waiting *w, bool is_last);

bool blocks_end(struct engine *e, struct client *c, bool with_error)
{
    if (!c->waiting)
        return false;
    if (!with_error && !c->waiting->wait.over) {
        run_again(e, c->waiting, true);
        wait_end(e, c);
        return true;
    }
    end_with(e, c, with_error ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : NULL);
    return true;
}

bool blocks_wait_goes_on(const struct client *c)
{
    return c->waiting->goes_on;
}

void blocks_refuse_all(struct engine *e, const char *text)
{
    for (struct client *c = e->oldest; c && e->waiting_count > 0; c = c->newer)
        if (c->waiting)
            end_with(e, c, text);
}

void blocks_fini(struct engine *e)
{
    struct block_table *t = e->blocks;

    if (!t)
        return;
    while (t->ready) {
        struct ready_key *r = t->ready;

        t->ready = r->next;
        free(r);
    }
    free(t->timed);
    free(t);
    e->blocks = NULL;
}

/* ---- noting ---- */

static struct waiting_key *first_waiting(const struct block_table *t, const struct db *db,
                                         uint64_t hash, struct str name,
                                         const struct waiting_key *behind)
{
    struct waiting_key *k = behind ? behind->next : t->heads[hash % BLOCK_HEADS].first;

    while (k && !(k->hash == hash && k->of->db == db && str_eq(k->name, name)))
        k = k->next;
    return k;
}

static void note(struct block_table *t, struct db *db, uint64_t hash, struct str name)
{
    for (const struct ready_key *r = t->ready; r; r = r->next)
        if (r->hash == hash && r->db == db && str_eq((struct str){r->name, r->len}, name))
            return;
    struct ready_key *r = malloc(sizeof(*r) + name.len);
    check(r);
    *r = (struct ready_key){.db = db, .hash = hash, .len = (uint32_t)name.len};
    memcpy(r->name, name.ptr, name.len);
    if (t->ready)
        t->ready_last->next = r;
    else
        t->ready = r;
    t->ready_last = r;
}

void blocks_note(struct engine *e, struct db *db, struct key k, enum key_event kind)
{
    struct str name = {k.ptr, k.len};

    if (e->waiting_count == 0 || kind == EVENT_MISS)
        return;
    if (first_waiting(e->blocks, db, k.hash, name, NULL))
        note(e->blocks, db, k.hash, name);
}

void blocks_note_all(struct engine *e, int db)
{
    for (size_t i = 0; e->waiting_count > 0 && i < BLOCK_HEADS; i++)
        for (const struct waiting_key *k = e->blocks->heads[i].first; k; k = k->next)
            if (db < 0 || k->of->db->id == db)
                note(e->blocks, k->of->db, k->hash, k->name);
}

struct block_counts blocks_count(const struct engine *e)
{
    const struct block_table *t = e->blocks;
    struct block_counts out = {.timed = t ? t->timed_count : 0};

    for (size_t i = 0; t && e->waiting_count > 0 && i < BLOCK_HEADS; i++)
        for (const struct waiting_key *k = t->heads[i].first; k; k = k->next) {
            const struct waiting_key *other = first_waiting(t, k->of->db, k->hash, k->name, NULL);
            bool hears = false;

            /* The first that waits for a key counts for all of them. */
            if (other != k)
                continue;
            for (; other; other = first_waiting(t, k->of->db, k->hash, k->name, other))
                hears |= other->of->wait.wakes_gone;
            out.keys++;
            out.gone_keys += hears;
        }
    return out;
}

/* ---- serving ---- */

static struct cmd_call call_of(struct engine *e, const struct waiting *w)
{
    return (struct cmd_call){
        .cmd = w->cmd,
        .argv = w->argv,
        .argc = w->argc,
        .reply = &w->client->reply,
        .db = w->db,
        .ks = &e->keyspace,
        .client = w->client,
        .engine = e,
        .scratch = &e->scratch,
    };
}

/* Rules may have changed since it came. */
static bool still_may(struct cmd_call *call)
{
    if (access_is_free(call->client) || access_allows(call))
        return true;
    engine_count_error(call->engine, call->reply->error_code);
    call->engine->by_command[call->cmd->id].rejected++;
    return false;
}

/* Runs a waiting command again; true when it has its answer. `is_last`: it must. */
static bool run_again(struct engine *e, struct waiting *w, bool is_last)
{
    struct client *c = w->client;
    struct reply_piece *held = hold_if_muted(c);
    struct cmd_call call = call_of(e, w);

    call.is_inner = is_last;
    w->goes_on = false;
    struct write_watch watch = writes_begin(e, c);
    struct pubsub_turn turn;

    pubsub_turn_begin(e, c, &turn);
    if (still_may(&call))
        engine_execute(&call);
    if (held)
        reply_rewind(&c->reply, held);
    writes_end(e, c, &watch);
    pubsub_turn_end(e, c, &turn);
    return !w->goes_on;
}

void blocks_again(struct engine *e, struct client *c)
{
    if (c->waiting && !c->is_killed && run_again(e, c->waiting, false))
        wait_end(e, c);
}

/* Serves those that wait for a key, in their order. */
static void serve_key(struct engine *e, const struct ready_key *r)
{
    struct str name = {r->name, r->len};
    struct key key = {r->name, r->hash, r->len};
    struct waiting_key *k = first_waiting(e->blocks, r->db, r->hash, name, NULL);

    while (k) {
        struct waiting_key *next = first_waiting(e->blocks, r->db, r->hash, name, k);
        const struct entry *entry = db_peek(r->db, key);

        /* A key named twice is two steps of one wait. */
        while (next && next->of == k->of)
            next = first_waiting(e->blocks, r->db, r->hash, name, next);
        struct client *c = k->of->client;
        bool is_useful = entry && entry_type(entry) == k->of->wait.type;
        if (!c->is_killed && (is_useful || k->of->wait.wakes_gone) && run_again(e, k->of, false))
            wait_end(e, c);
        k = next;
    }
}

void blocks_serve(struct engine *e)
{
    struct block_table *t = e->blocks;

    if (!t || t->is_serving)
        return;
    t->is_serving = true;
    /* Those who waited come after the command that stood still, not amid it. */
    if (e->is_clock_late && t->ready)
        engine_set_now(e, clock_wall_ms(&clock_system), clock_boot_ms(&clock_system));
    e->is_clock_late = false;
    while (t->ready) {
        struct ready_key *r = t->ready;

        t->ready = r->next;
        serve_key(e, r);
        free(r);
    }
    t->is_serving = false;
}

void blocks_judge(struct engine *e, const char *(*refusal)(const struct cmd_call *call))
{
    for (struct client *c = e->oldest; c; c = c->newer) {
        if (!c->waiting || c->is_killed)
            continue;
        struct cmd_call call = call_of(e, c->waiting);
        const char *error = refusal(&call);
        if (error)
            end_with(e, c, error);
    }
}

void blocks_serve_keyless(struct engine *e)
{
    struct block_table *t = e->blocks;

    for (struct waiting *w = t ? t->keyless : NULL, *next; w; w = next) {
        struct client *c = w->client;

        next = w->next_keyless;
        if (!w->wait.over && !c->is_killed && run_again(e, w, false))
            wait_end(e, c);
    }
}

int blocks_expire(struct engine *e)
{
    struct block_table *t = e->blocks;
    int64_t now_ms = e->keyspace.passed_ms;

    while (t && t->timed_count > 0 && t->timed[0]->wait.until_ms <= now_ms)
        blocks_end(e, t->timed[0]->client, false);
    if (!t || t->timed_count == 0)
        return INT_MAX;
    int64_t left_ms = t->timed[0]->wait.until_ms - now_ms;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
