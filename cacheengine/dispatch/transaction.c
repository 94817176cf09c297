/*
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH. The one idea: a watch hangs in two lists, that of its
 * client and that of its key's hash, so that a change finds the clients and a client finds its
 * keys.
 */
#include "cacheengine/dispatch/transaction.h"

#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/amid.h"
#include "cacheengine/dispatch/guard.h"
#include "contract/command_procs.h"

#include <stdlib.h>

#define WATCH_HEADS 1024

struct watch {
    struct watch *next_of_client;
    struct watch *next_of_hash, **at_of_hash; /* what points at this watch */
    struct client *client;
    struct db *db;
    uint64_t hash;
    uint32_t len;
    bool was_expired; /* when it began: its removal is no change then */
    char name[];
};

struct watch_table {
    size_t count;
    struct watch *heads[WATCH_HEADS];
};

static struct key watch_key(const struct watch *w)
{
    return (struct key){w->name, w->hash, w->len};
}

void watches_note(struct engine *e, struct db *db, struct key k, enum key_event kind)
{
    if (kind == EVENT_MISS || !e->watches)
        return;
    for (struct watch *w = e->watches->heads[k.hash % WATCH_HEADS]; w; w = w->next_of_hash) {
        if (w->hash != k.hash || w->db != db || w->len != k.len)
            continue;
        if (memcmp(w->name, k.ptr, k.len) == 0 && !(kind == EVENT_EXPIRED && w->was_expired))
            w->client->transaction->is_stale = true;
    }
}

bool watches_exist(const struct engine *e)
{
    return e->watches && e->watches->count > 0;
}

void watches_fini(struct engine *e)
{
    free(e->watches);
    e->watches = NULL;
}

/* What a watch makes of a database that gets another's keys for its own; `next` NULL: none. A key
 * that has expired is as good as none, and becomes or stays so without a change. */
static void note_replaced(struct watch *w, const struct db *next)
{
    struct key k = watch_key(w);
    bool was_there = db_peek(w->db, k) || db_is_stale(w->db, k);
    bool will_be_stale = next && db_is_stale(next, k), will_live = next && db_peek(next, k);

    if (w->was_expired && !will_live)
        w->was_expired = will_be_stale;
    else if (!was_there && will_be_stale)
        w->was_expired = true;
    else if (was_there || will_live)
        w->client->transaction->is_stale = true;
}

/* The keys of a database are replaced by those of another. */
static void note_all_replaced(struct engine *e, const struct db *db, const struct db *next)
{
    for (size_t i = 0; e->watches && e->watches->count > 0 && i < WATCH_HEADS; i++)
        for (struct watch *w = e->watches->heads[i]; w; w = w->next_of_hash)
            if (w->db == db)
                note_replaced(w, next);
}

void watches_flush(struct engine *e, int db)
{
    for (int i = 0; i < e->keyspace.db_count; i++)
        if (db < 0 || db == i)
            note_all_replaced(e, &e->keyspace.dbs[i], NULL);
}

void watches_swap(struct engine *e, int a, int b)
{
    struct db *x = &e->keyspace.dbs[a], *y = &e->keyspace.dbs[b];

    note_all_replaced(e, x, y);
    note_all_replaced(e, y, x);
}

uint64_t watches_clients(const struct engine *e)
{
    uint64_t count = 0;

    for (const struct client *c = e->newest; c; c = c->older)
        count += c->transaction && c->transaction->watches;
    return count;
}

static bool is_same_key(const struct watch *a, const struct watch *b)
{
    return a->hash == b->hash && a->db == b->db && a->len == b->len &&
           memcmp(a->name, b->name, a->len) == 0;
}

uint64_t watches_keys(const struct engine *e)
{
    uint64_t count = 0;

    for (size_t i = 0; e->watches && e->watches->count > 0 && i < WATCH_HEADS; i++)
        for (const struct watch *w = e->watches->heads[i]; w; w = w->next_of_hash) {
            const struct watch *behind = w->next_of_hash;

            while (behind && !is_same_key(behind, w))
                behind = behind->next_of_hash;
            count += !behind;
        }
    return count;
}

static struct transaction *transaction_of(struct client *c)
{
    if (!c->transaction) {
        c->transaction = calloc(1, sizeof(*c->transaction));
        check(c->transaction);
    }
    return c->transaction;
}

/* Memory of a client that grows by so much, or (a negative number as size_t has it) shrinks. */
static void book(struct engine *e, size_t bytes)
{
    account_add(&e->keyspace.account, bytes);
    e->keyspace.account.client_bytes += bytes;
}

static void unwatch(struct engine *e, struct client *c)
{
    struct transaction *t = c->transaction;

    if (!t)
        return;
    while (t->watches) {
        struct watch *w = t->watches;

        t->watches = w->next_of_client;
        *w->at_of_hash = w->next_of_hash;
        if (w->next_of_hash)
            w->next_of_hash->at_of_hash = w->at_of_hash;
        e->watches->count--;
        free(w);
    }
    book(e, -t->watch_bytes);
    t->watch_bytes = 0;
    t->watched = 0;
    t->is_stale = false;
    engine_observe(e);
}

static void queue_free(struct engine *e, struct transaction *t)
{
    book(e, -t->bytes);
    while (t->head) {
        struct queued_call *q = t->head;

        t->head = q->next;
        free(q);
    }
    t->tail = NULL;
    t->count = 0;
    t->bytes = 0;
    t->is_open = t->is_broken = false;
}

void transaction_free(struct engine *e, struct client *c)
{
    if (!c->transaction)
        return;
    queue_free(e, c->transaction);
    unwatch(e, c);
    free(c->transaction);
    c->transaction = NULL;
}

void transaction_discard(struct engine *e, struct client *c)
{
    if (!c->transaction)
        return;
    queue_free(e, c->transaction);
    unwatch(e, c);
}

void transaction_break(struct client *c)
{
    if (transaction_is_open(c))
        c->transaction->is_broken = true;
}

/* What is queued is still to be run, so it counts as what a client has sent and is not used up. */
static void check_limit(const struct cmd_call *call)
{
    struct engine *e = call->engine;
    struct client *c = call->client;

    if ((int64_t)c->transaction->bytes <= e->settings.query_buffer_limit || c->is_primary)
        return;
    log_warn("client dropped: its transaction is over the limit of query buffers",
             f_int("id", c->id), f_int("bytes", c->transaction->bytes));
    e->stats.query_limit_kills++;
    c->host->kill(c);
}

void transaction_queue(struct cmd_call *call)
{
    struct transaction *t = call->client->transaction;
    size_t bytes = sizeof(struct queued_call) + call->argc * sizeof(struct str);
    char *to;

    for (uint32_t i = 0; i < call->argc; i++)
        bytes += call->argv[i].len;
    struct queued_call *q = malloc(bytes);
    check(q);
    *q = (struct queued_call){.cmd = call->cmd, .argc = call->argc};
    to = (char *)&q->argv[q->argc];
    for (uint32_t i = 0; i < call->argc; i++) {
        memcpy(to, call->argv[i].ptr, call->argv[i].len);
        q->argv[i] = (struct str){to, call->argv[i].len};
        to += call->argv[i].len;
    }
    if (t->head)
        t->tail->next = q;
    else
        t->head = q;
    t->tail = q;
    t->count++;
    t->bytes += bytes;
    book(call->engine, bytes);
    reply_status(call->reply, "QUEUED");
    check_limit(call);
}

/* MULTI and WATCH have no place within a transaction; with Valkey 8 they end it, too. */
static bool refuse_within(struct cmd_call *c, const char *sentence)
{
    bool is_within = transaction_is_open(c->client),
         is_strict = settings_are_valkey_8(c->ks->settings);

    if (!is_within)
        return false;
    reply_error(c->reply, is_strict ? "ERR Command not allowed inside a transaction" : sentence);
    if (is_strict)
        transaction_break(c->client);
    return true;
}

void cmd_multi(struct cmd_call *c)
{
    if (refuse_within(c, "ERR MULTI calls can not be nested"))
        return;
    transaction_of(c->client)->is_open = true;
    reply_ok(c->reply);
}

void cmd_discard(struct cmd_call *c)
{
    if (!transaction_is_open(c->client)) {
        reply_error(c->reply, "ERR DISCARD without MULTI");
        return;
    }
    transaction_discard(c->engine, c->client);
    reply_ok(c->reply);
}

/* A watched key that has expired since is a change that nobody has seen yet. */
static bool is_stale(struct transaction *t)
{
    for (const struct watch *w = t->watches; w && !t->is_stale; w = w->next_of_client)
        (void)db_find(w->db, watch_key(w));
    return t->is_stale;
}

static void run_queued(struct cmd_call *call)
{
    struct engine *e = call->engine;

    amid_look(e, call->client);
    const char *text = e->guards ? guard_order_refusal(call) : NULL;
    if (text)
        reply_error(call->reply, text);
    if (!text && (access_is_free(call->client) || access_still_allows(call)))
        engine_execute(call);
    else
        engine_count_error(e, call->reply->error_code);
}

static void run_queue(struct cmd_call *c, struct transaction *t)
{
    reply_array(c->reply, t->count);
    amid_begin(c->engine);
    for (struct queued_call *q = t->head; q; q = q->next) {
        struct cmd_call call = {
            .cmd = q->cmd,
            .argv = q->argv,
            .argc = q->argc,
            .reply = c->reply,
            .db = &c->ks->dbs[c->client->db],
            .ks = c->ks,
            .client = c->client,
            .engine = c->engine,
            .scratch = c->scratch,
            .is_inner = true,
        };

        run_queued(&call);
    }
    amid_end(c->engine);
}

void cmd_exec(struct cmd_call *c)
{
    struct transaction *t = c->client->transaction;

    if (!transaction_is_open(c->client)) {
        reply_error(c->reply, "ERR EXEC without MULTI");
        return;
    }
    bool is_broken = t->is_broken, stale = is_stale(t);
    unwatch(c->engine, c->client);
    if (is_broken) {
        reply_error(c->reply, "EXECABORT Transaction discarded because of previous errors.");
    } else if (stale) {
        reply_null_array(c->reply);
    } else {
        /* What runs now must not be queued again, nor be freed by a RESET among it. */
        struct transaction own = *t;

        *t = (struct transaction){0};
        run_queue(c, &own);
        queue_free(c->engine, &own);
        return;
    }
    queue_free(c->engine, t);
}

void cmd_unwatch(struct cmd_call *c)
{
    unwatch(c->engine, c->client);
    reply_ok(c->reply);
}

static void watch(struct cmd_call *c, struct key k)
{
    struct engine *e = c->engine;
    struct transaction *t = transaction_of(c->client);

    for (const struct watch *w = t->watches; w; w = w->next_of_client)
        if (w->db == c->db && w->len == k.len && memcmp(w->name, k.ptr, k.len) == 0)
            return;
    if (!e->watches) {
        e->watches = calloc(1, sizeof(*e->watches));
        check(e->watches);
    }
    struct watch *w = malloc(sizeof(*w) + k.len);
    struct watch **head = &e->watches->heads[k.hash % WATCH_HEADS];
    check(w);
    *w = (struct watch){.client = c->client, .db = c->db, .hash = k.hash, .len = k.len};
    memcpy(w->name, k.ptr, k.len);
    w->next_of_client = t->watches;
    t->watches = w;
    t->watched++;
    t->watch_bytes += sizeof(*w) + k.len;
    book(e, sizeof(*w) + k.len);
    w->next_of_hash = *head;
    w->at_of_hash = head;
    if (*head)
        (*head)->at_of_hash = &w->next_of_hash;
    *head = w;
    w->was_expired = db_is_stale(c->db, k);
    e->watches->count++;
    engine_observe(e);
}

void cmd_watch(struct cmd_call *c)
{
    if (refuse_within(c, "ERR WATCH inside MULTI is not allowed"))
        return;
    for (uint32_t i = 1; i < c->argc; i++)
        watch(c, call_key(c, i));
    reply_ok(c->reply);
}
