/*
 * Held replies. The one idea: offsets of writes only grow, so all held replies of all clients stand
 * in one ring, in the order in which they are acknowledged and in which their time is up; both take
 * from its front. Each knows the next one of its client, whose first is what stops the client.
 */
#include "cacheengine/dispatch/acks.h"

#include "cacheengine/dispatch/guard.h"

#include <limits.h>
#include <stdlib.h>

#define RING_MIN     256
#define REPLICAS_MAX 64

struct held_write {
    struct client *client; /* NULL: it has gone */
    int64_t offset;        /* that is to be acknowledged */
    int64_t since_ms;      /* on the clock of passed_ms */
    uint64_t begin, end;   /* places of its reply */
    uint64_t next;         /* number of the client's next one; 0: this is its last */
};

struct replica_ack {
    uint64_t id;
    int64_t offset;
};

struct acks {
    struct held_write *ring;
    uint64_t first, behind; /* numbers, from 1 on: held are first .. behind - 1 */
    uint64_t capacity;      /* of the ring, a power of two */
    size_t held_bytes;
    struct replica_ack replicas[REPLICAS_MAX];
    uint32_t replica_count;
    int64_t asked; /* the offset of the last held write when replicas were asked last */
};

static struct held_write *at(const struct acks *k, uint64_t number)
{
    return &k->ring[number & (k->capacity - 1)];
}

static bool is_empty(const struct acks *k)
{
    return !k || k->first == k->behind;
}

uint64_t acks_held(const struct engine *e)
{
    return e->acks ? e->acks->behind - e->acks->first : 0;
}

/* How many replicas must have a write. A replica's own writes are its primary's. */
static size_t needed(const struct engine *e)
{
    return e->replica ? 0 : (size_t)e->settings.write_acks;
}

/* ---- what is confirmed ---- */

/* Up to where at least `count` replicas have acknowledged. */
static int64_t reached_by(const struct acks *k, size_t count)
{
    int64_t best = -1;

    for (uint32_t i = 0; i < k->replica_count; i++) {
        size_t others = 0;

        for (uint32_t j = 0; j < k->replica_count; j++)
            others += k->replicas[j].offset >= k->replicas[i].offset;
        if (others >= count && k->replicas[i].offset > best)
            best = k->replicas[i].offset;
    }
    return best;
}

static int64_t confirmed(const struct engine *e)
{
    return needed(e) == 0 ? INT64_MAX : reached_by(e->acks, needed(e));
}

/* ---- holding ---- */

static struct acks *acks_of(struct engine *e)
{
    if (!e->acks) {
        e->acks = calloc(1, sizeof(*e->acks));
        check(e->acks);
        e->acks->first = e->acks->behind = 1;
        account_add(&e->keyspace.account, sizeof(*e->acks));
    }
    return e->acks;
}

static void grow(struct engine *e, struct acks *k)
{
    uint64_t capacity = k->capacity ? 2 * k->capacity : RING_MIN;
    struct held_write *ring = calloc(capacity, sizeof(*ring));

    check(ring);
    for (uint64_t i = k->first; i < k->behind; i++)
        ring[i & (capacity - 1)] = *at(k, i);
    account_add(&e->keyspace.account, (capacity - k->capacity) * sizeof(*ring));
    free(k->ring);
    k->ring = ring;
    k->capacity = capacity;
}

/* Gives the memory of a burst back. */
static void shrink_empty(struct engine *e, struct acks *k)
{
    if (!is_empty(k) || k->capacity <= RING_MIN)
        return;
    account_sub(&e->keyspace.account, k->capacity * sizeof(*k->ring));
    free(k->ring);
    k->ring = NULL;
    k->capacity = 0;
}

static size_t cost(const struct held_write *h)
{
    return (size_t)(h->end - h->begin) + sizeof(*h);
}

static void check_memory(struct engine *e)
{
    guard_set(e, GUARD_ACKS, (int64_t)e->acks->held_bytes > e->settings.write_acks_memory);
}

static void hold(struct engine *e, struct client *c, uint64_t begin)
{
    struct acks *k = acks_of(e);

    if (k->behind - k->first == k->capacity)
        grow(e, k);
    *at(k, k->behind) = (struct held_write){
        .client = c,
        .offset = e->stream.offset,
        .since_ms = e->keyspace.passed_ms,
        .begin = begin,
        .end = reply_place(&c->reply),
    };
    k->held_bytes += cost(at(k, k->behind));
    if (c->held_count++)
        at(k, c->held_last)->next = k->behind;
    else
        c->held_first = k->behind;
    c->held_last = k->behind++;
    c->held_place = at(k, c->held_first)->begin;
    check_memory(e);
}

void acks_note(struct engine *e, struct client *c, uint64_t begin)
{
    /* The owner is answered at once, whatever his order does. */
    if (c->is_admin)
        return;
    if (durability_asks(e) > 0)
        durability_wrote(&e->durability, e->stream.offset, e->keyspace.passed_ms);
    if (reply_place(&c->reply) == begin)
        return;
    c->acknowledges = true;
    if (needed(e) > 0)
        hold(e, c, begin);
}

/* ---- letting go ---- */

/* Takes the first off the ring; its client may send up to its next. Returns the client. */
static struct client *take_first(struct engine *e)
{
    struct acks *k = e->acks;
    struct held_write *h = at(k, k->first++);

    k->held_bytes -= cost(h);
    if (!h->client)
        return NULL;
    h->client->held_count--;
    h->client->held_first = h->next;
    if (h->next)
        h->client->held_place = at(k, h->next)->begin;
    return h->client;
}

/* Lets everything up to an offset go. A client is woken once for all that is at hand of it. */
static void release(struct engine *e, int64_t offset)
{
    struct acks *k = e->acks;

    while (!is_empty(k) && at(k, k->first)->offset <= offset) {
        uint64_t next = at(k, k->first)->next;
        struct client *c = take_first(e);

        if (c && !(next && at(k, next)->offset <= offset))
            c->host->wake(c);
    }
    check_memory(e);
    shrink_empty(e, k);
}

/* What replicas had when they went stays reached: marks that were passed are gone. */
static void look_at_durability(struct engine *e)
{
    size_t asked = durability_asks(e);

    if (asked > 0 && e->durability.count > 0)
        durability_reached(&e->durability, reached_by(e->acks, asked));
}

void acks_reached(struct engine *e, uint64_t replica, int64_t offset)
{
    struct acks *k = acks_of(e);
    uint32_t i = 0;

    while (i < k->replica_count && k->replicas[i].id != replica)
        i++;
    if (i == REPLICAS_MAX)
        return;
    if (i == k->replica_count)
        k->replicas[k->replica_count++] = (struct replica_ack){replica, offset};
    else if (k->replicas[i].offset < offset)
        k->replicas[i].offset = offset;
    if (!is_empty(k))
        release(e, confirmed(e));
    look_at_durability(e);
}

void acks_lost(struct engine *e, uint64_t replica)
{
    struct acks *k = e->acks;

    for (uint32_t i = 0; k && i < k->replica_count; i++)
        if (k->replicas[i].id == replica)
            k->replicas[i--] = k->replicas[--k->replica_count];
}

bool acks_want_asking_slow(struct engine *e)
{
    struct acks *k = e->acks;
    int64_t last = at(k, k->behind - 1)->offset;

    if (last == k->asked)
        return false;
    k->asked = last;
    return true;
}

void acks_settle(struct engine *e)
{
    e->watches_writes = e->authority.is_leased || durability_asks(e) > 0;
    durability_settle(e);
    if (e->acks)
        look_at_durability(e);
    if (!is_empty(e->acks))
        release(e, confirmed(e));
    else if (e->acks)
        check_memory(e);
}

/* ---- connections ---- */

size_t acks_sendable(const struct client *c)
{
    return c->held_count ? (size_t)(c->held_place - c->reply.front) : reply_pending(&c->reply);
}

void acks_forget(struct engine *e, struct client *c)
{
    struct acks *k = e->acks;

    for (uint64_t i = c->held_first; c->held_count > 0; i = at(k, i)->next) {
        at(k, i)->client = NULL;
        c->held_count--;
    }
}

/* ---- time ---- */

/* Puts an error where the first held reply of all stands. */
static void refuse_first(struct engine *e)
{
    const struct held_write *h = at(e->acks, e->acks->first);
    bool is_resp = e->settings.protocol == PROTOCOL_RESP;
    char text[192];

    if (!h->client || h->client->is_killed)
        return;
    int len =
        snprintf(text, sizeof(text),
                 "%s the write was made here, but within %lld ms not acknowledged by %lld "
                 "replica(s)\r\n",
                 is_resp ? "-UNCONFIRMED" : "SERVER_ERROR",
                 (long long)e->settings.write_acks_timeout_ms, (long long)e->settings.write_acks);
    reply_replace(&h->client->reply, h->begin, h->end, text, (size_t)len);
    engine_count_error(e, "UNCONFIRMED");
    e->durability.refused++;
}

int acks_expire_slow(struct engine *e)
{
    struct acks *k = e->acks;
    int64_t now_ms = e->keyspace.passed_ms, wait_ms = e->settings.write_acks_timeout_ms;

    while (!is_empty(k) && at(k, k->first)->since_ms + wait_ms <= now_ms) {
        refuse_first(e);
        struct client *c = take_first(e);
        if (c)
            c->host->wake(c);
    }
    check_memory(e);
    shrink_empty(e, k);
    if (is_empty(k))
        return INT_MAX;
    int64_t left_ms = at(k, k->first)->since_ms + wait_ms - now_ms;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

void acks_fini(struct engine *e)
{
    if (!e->acks)
        return;
    free(e->acks->ring);
    free(e->acks);
    e->acks = NULL;
}
