/*
 * Keys with those who may have copies. The one idea: a client that goes costs nothing, for what is
 * left of it is swept out later, or when a key needs the room; so no key ever has more holders than
 * twice those that live.
 */
#include "cacheengine/dispatch/tracked.h"

#include "cacheengine/dispatch/tracking.h"

#include <stdlib.h>

#define HEADS_MIN 64
#define ROOM_MIN  4

static void book(struct tracked *t, int64_t bytes)
{
    t->bytes += (size_t)bytes;
    t->account->used_bytes += (size_t)bytes;
    t->account->client_bytes += (size_t)bytes;
}

/* ---- holders ---- */

static void let_go(struct tracked *t, struct tracker *holder)
{
    t->items--;
    t->gone_items -= !holder->client;
    tracker_let_go(holder);
}

/* Takes those out that track no more. */
static void drop_gone(struct tracked *t, struct tracked_key *k)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < k->count; i++) {
        struct tracker *holder = tracked_holder(k, i);

        if (!holder->client)
            let_go(t, holder);
        else if (k->room)
            k->holders.many[kept++] = holder;
        else
            kept++;
    }
    k->count = kept;
}

static void make_room(struct tracked *t, struct tracked_key *k)
{
    uint32_t room = k->room ? k->room * 2 : ROOM_MIN;

    struct tracker **many =
        realloc(k->room ? k->holders.many : NULL, room * sizeof(struct tracker *));
    check(many);
    if (!k->room)
        many[0] = k->holders.one;
    book(t, (int64_t)((room - k->room) * sizeof(struct tracker *)));
    k->holders.many = many;
    k->room = room;
}

/* The holder's place in their order (by address), or where it would be. */
static uint32_t holder_place(const struct tracked_key *k, const struct tracker *holder)
{
    uint32_t low = 0, high = k->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if ((uintptr_t)tracked_holder(k, middle) < (uintptr_t)holder)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_holder(struct tracked *t, struct tracked_key *k, struct tracker *holder)
{
    uint32_t room = k->room ? k->room : 1, place = holder_place(k, holder);

    if (place < k->count && tracked_holder(k, place) == holder)
        return;
    if (k->count == room) {
        drop_gone(t, k);
        place = holder_place(k, holder);
    }
    if (k->count == room)
        make_room(t, k);
    struct tracker **holders = k->room ? k->holders.many : &k->holders.one;
    memmove(&holders[place + 1], &holders[place], (k->count - place) * sizeof(*holders));
    holders[place] = holder;
    k->count++;
    t->items++;
    holder->items++;
}

/* ---- keys ---- */

static void resize(struct tracked *t, size_t count)
{
    struct tracked_key **heads = count ? calloc(count, sizeof(struct tracked_key *)) : NULL;

    check(heads || count == 0);
    book(t, ((int64_t)count - (int64_t)t->head_count) * (int64_t)sizeof(struct tracked_key *));
    for (size_t i = 0; i < t->head_count; i++)
        while (t->heads[i]) {
            struct tracked_key *moved = t->heads[i], **to = &heads[moved->hash & (count - 1)];

            t->heads[i] = moved->next;
            moved->next = *to;
            *to = moved;
        }
    free(t->heads);
    t->heads = heads;
    t->head_count = count;
    t->swept = 0;
}

/* What points at the key, or at the NULL where it would be. */
static struct tracked_key **place_of(const struct tracked *t, struct key k)
{
    struct tracked_key **at = &t->heads[k.hash & (t->head_count - 1)];

    while (*at && !((*at)->hash == k.hash && (*at)->len == k.len &&
                    memcmp((*at)->name, k.ptr, k.len) == 0))
        at = &(*at)->next;
    return at;
}

static struct tracked_key *take_at(struct tracked *t, struct tracked_key **at)
{
    struct tracked_key *k = *at;

    *at = k->next;
    t->keys--;
    return k;
}

void tracked_add(struct tracked *t, struct key k, struct tracker *holder)
{
    if (t->keys >= t->head_count)
        resize(t, t->head_count ? t->head_count * 2 : HEADS_MIN);
    struct tracked_key **at = place_of(t, k), *found = *at;

    if (!found) {
        found = malloc(sizeof(*found) + k.len);
        check(found);
        *found = (struct tracked_key){.hash = k.hash, .len = k.len};
        memcpy(found->name, k.ptr, k.len);
        *at = found;
        t->keys++;
        book(t, (int64_t)(sizeof(*found) + k.len));
    }
    add_holder(t, found, holder);
}

struct tracked_key *tracked_take(struct tracked *t, struct key k)
{
    struct tracked_key **at = t->keys > 0 ? place_of(t, k) : NULL;

    return at && *at ? take_at(t, at) : NULL;
}

struct tracked_key *tracked_take_any(struct tracked *t, uint64_t chance)
{
    for (size_t i = 0; t->keys > 0 && i < t->head_count; i++) {
        struct tracked_key **at = &t->heads[(chance + i) & (t->head_count - 1)];

        if (*at)
            return take_at(t, at);
    }
    return NULL;
}

struct tracked_key *tracked_take_of_slots(struct tracked *t, const struct slot_set *slots,
                                          size_t *place)
{
    for (; *place < t->head_count; ++*place)
        for (struct tracked_key **at = &t->heads[*place]; *at; at = &(*at)->next)
            if (slot_set_has(slots, slot_of_key((*at)->name, (*at)->len)))
                return take_at(t, at);
    return NULL;
}

static void key_free(struct tracked *t, struct tracked_key *k)
{
    for (uint32_t i = 0; i < k->count; i++)
        let_go(t, tracked_holder(k, i));
    book(t, -(int64_t)(sizeof(*k) + k->len + k->room * sizeof(struct tracker *)));
    if (k->room)
        free(k->holders.many);
    free(k);
}

void tracked_key_free(struct tracked *t, struct tracked_key *k)
{
    key_free(t, k);
    /* A table that was big once does not stay so. */
    if (t->head_count > HEADS_MIN && t->keys < t->head_count / 16)
        resize(t, t->head_count / 4);
}

/* ---- all of it ---- */

void tracked_sweep(struct tracked *t, size_t heads)
{
    for (; heads > 0 && t->gone_items > 0; heads--) {
        struct tracked_key **at = &t->heads[t->swept++ & (t->head_count - 1)];

        while (*at) {
            struct tracked_key *k = *at;

            drop_gone(t, k);
            if (k->count > 0) {
                at = &k->next;
                continue;
            }
            key_free(t, take_at(t, at));
        }
    }
}

void tracked_clear(struct tracked *t)
{
    for (size_t i = 0; i < t->head_count; i++)
        while (t->heads[i])
            key_free(t, take_at(t, &t->heads[i]));
    resize(t, 0);
}
