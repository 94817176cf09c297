/*
 * A map of names. Each entry also counts the published names below it, so that a name between a
 * leaf and the zone exists for resolvers although nothing is published under it.
 *
 * Every change takes a serial, and the name that changed stands in a ring at its serial's place:
 * what a copy lacks is looked up by the names in between.
 */
#include "nameserver/zone.h"

#include "base/arena.h"
#include "base/map.h"
#include "nameserver/name.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Immutable once made. */
struct record {
    int ttl_s;
    size_t count;
    struct net_addr items[];
};

struct entry {
    struct record *record; /* NULL where names exist only below */
    size_t below;
};

struct zone {
    char origin[DNS_NAME_MAX];
    atomic_uint turn;
    pthread_rwlock_t lock; /* protects what follows */
    uint32_t serial;
    struct map entries;
    uint32_t remembered_from;       /* the ring has the names of the serials after this one */
    char *changed[ZONE_REMEMBERED]; /* owned */
};

struct zone *zone_new(const char *origin, uint32_t serial)
{
    struct zone *z = calloc(1, sizeof(*z));

    check(z != NULL);
    snprintf(z->origin, sizeof(z->origin), "%s", origin);
    z->serial = z->remembered_from = serial;
    pthread_rwlock_init(&z->lock, NULL);
    map_init(&z->entries);
    return z;
}

static void entries_free(struct map *entries)
{
    map_each(slot, entries) {
        struct entry *entry = slot->value;
        free(entry->record);
        free(entry);
    }
    map_fini(entries);
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    entries_free(&z->entries);
    for (size_t i = 0; i < ZONE_REMEMBERED; i++)
        free(z->changed[i]);
    pthread_rwlock_destroy(&z->lock);
    free(z);
}

const char *zone_origin(const struct zone *z)
{
    return z->origin;
}

uint32_t zone_serial(struct zone *z)
{
    pthread_rwlock_rdlock(&z->lock);
    uint32_t serial = z->serial;
    pthread_rwlock_unlock(&z->lock);
    return serial;
}

static struct entry *entry_of(struct zone *z, const char *name)
{
    struct entry *entry = map_get(&z->entries, str_of(name));

    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        check(entry != NULL);
        map_put(&z->entries, str_of(name), entry);
    }
    return entry;
}

static void entry_drop_if_empty(struct zone *z, const char *name, const struct entry *entry)
{
    if (!entry->record && entry->below == 0)
        free(map_take(&z->entries, str_of(name)));
}

/* The next name up inside the zone, or NULL at its top. */
static const char *parent_of(const struct zone *z, const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && strcmp(dot + 1, z->origin) != 0 ? dot + 1 : NULL;
}

static void ancestors_count(struct zone *z, const char *name, size_t change)
{
    for (const char *up = parent_of(z, name); up; up = parent_of(z, up)) {
        struct entry *entry = entry_of(z, up);
        entry->below += change;
        entry_drop_if_empty(z, up, entry);
    }
}

static struct record *record_new(const struct net_addr *addresses, size_t count, int ttl_s)
{
    struct record *record = malloc(sizeof(*record) + count * sizeof(record->items[0]));

    check(record != NULL);
    record->ttl_s = ttl_s;
    record->count = count;
    memcpy(record->items, addresses, count * sizeof(record->items[0]));
    return record;
}

/* Same lifetime, same addresses in the same order. */
static bool record_is_same(const struct record *a, const struct record *b)
{
    if (!a || a->ttl_s != b->ttl_s || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].len != b->items[i].len ||
            memcmp(&a->items[i].storage, &b->items[i].storage, a->items[i].len) != 0)
            return false;
    return true;
}

/* Takes over `fresh` and returns the record that is not used any more: the old one, or `fresh` when
 * it says what is there already. */
static struct record *record_place(struct zone *z, const char *name, struct record *fresh)
{
    struct entry *entry = entry_of(z, name);
    struct record *old = entry->record;

    if (record_is_same(old, fresh))
        return fresh;
    if (!old)
        ancestors_count(z, name, 1);
    entry->record = fresh;
    return old;
}

/* The record that was there, or NULL. */
static struct record *record_take(struct zone *z, const char *name)
{
    struct entry *entry = map_get(&z->entries, str_of(name));

    if (!entry || !entry->record)
        return NULL;
    struct record *old = entry->record;
    entry->record = NULL;
    entry_drop_if_empty(z, name, entry);
    ancestors_count(z, name, (size_t)-1);
    return old;
}

static void note_change(struct zone *z, const char *name)
{
    char **place = &z->changed[++z->serial % ZONE_REMEMBERED];

    free(*place);
    *place = strdup(name);
    check(*place != NULL);
    if (z->serial - z->remembered_from > ZONE_REMEMBERED)
        z->remembered_from = z->serial - ZONE_REMEMBERED;
}

struct err zone_upsert(struct zone *z, const char *name, const struct net_addr *addresses,
                       size_t count, int ttl_s)
{
    if (dns_name_is_servers(name, z->origin) || strcmp(name, z->origin) == 0)
        return err_make(ERR_INVALID, "the name belongs to the DNS server itself");

    struct record *fresh = record_new(addresses, count, ttl_s);
    pthread_rwlock_wrlock(&z->lock);
    struct record *unused = record_place(z, name, fresh);
    if (unused != fresh)
        note_change(z, name);
    pthread_rwlock_unlock(&z->lock);
    free(unused);
    return OK;
}

void zone_remove(struct zone *z, const char *name)
{
    pthread_rwlock_wrlock(&z->lock);
    struct record *old = record_take(z, name);
    if (old)
        note_change(z, name);
    pthread_rwlock_unlock(&z->lock);
    free(old);
}

bool zone_serial_is_later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

void zone_pass_serial(struct zone *z, uint32_t serial)
{
    pthread_rwlock_wrlock(&z->lock);
    if (!zone_serial_is_later(z->serial, serial))
        z->serial = z->remembered_from = serial + 1;
    pthread_rwlock_unlock(&z->lock);
}

/* Copies with the n-th address first. */
static struct zone_addresses rotate(struct arena *a, const struct record *record, size_t n)
{
    struct net_addr *items = arena_array(a, record->count, sizeof(*items));

    for (size_t i = 0; i < record->count; i++)
        items[i] = record->items[(i + n) % record->count];
    return (struct zone_addresses){.items = items, .count = record->count, .ttl_s = record->ttl_s};
}

static void add_name(struct zone_changes *to, struct arena *a, const char *name,
                     const struct entry *entry)
{
    struct zone_name *added = &to->names[to->count++];

    *added = (struct zone_name){.name = str_dup(a, str_of(name))};
    if (entry && entry->record)
        added->addresses = rotate(a, entry->record, 0);
}

static void add_all(const struct zone *z, struct arena *a, struct zone_changes *to)
{
    to->is_whole = true;
    to->names = arena_array(a, z->entries.count, sizeof(*to->names));
    map_each(slot, &z->entries) {
        const struct entry *entry = slot->value;
        if (entry->record)
            add_name(to, a, slot->key, entry);
    }
}

static void add_changed(const struct zone *z, struct arena *a, uint32_t since,
                        struct zone_changes *to)
{
    struct map seen;

    map_init(&seen);
    to->names = arena_array(a, z->serial - since, sizeof(*to->names));
    for (uint32_t serial = z->serial; serial != since; serial--) {
        char *name = z->changed[serial % ZONE_REMEMBERED];
        if (!map_put(&seen, str_of(name), name))
            add_name(to, a, name, map_get(&z->entries, str_of(name)));
    }
    map_fini(&seen);
}

void zone_changes(struct zone *z, struct arena *a, const uint32_t *since, struct zone_changes *out)
{
    pthread_rwlock_rdlock(&z->lock);
    *out = (struct zone_changes){.serial = z->serial};
    if (since && z->serial - *since <= z->serial - z->remembered_from)
        add_changed(z, a, *since, out);
    else
        add_all(z, a, out);
    pthread_rwlock_unlock(&z->lock);
}

void zone_apply(struct zone *z, const struct zone_changes *changes)
{
    struct map old;

    map_init(&old);
    pthread_rwlock_wrlock(&z->lock);
    if (changes->is_whole) {
        old = z->entries;
        map_init(&z->entries);
    }
    for (size_t i = 0; i < changes->count; i++) {
        const struct zone_name *n = &changes->names[i];
        const struct zone_addresses *to = &n->addresses;
        free(to->count > 0 ? record_place(z, n->name, record_new(to->items, to->count, to->ttl_s))
                           : record_take(z, n->name));
    }
    z->serial = z->remembered_from = changes->serial;
    pthread_rwlock_unlock(&z->lock);
    entries_free(&old);
}

enum zone_match zone_find(struct zone *z, struct arena *a, const char *name,
                          struct zone_addresses *out)
{
    enum zone_match match = ZONE_MISSING;

    if (!dns_name_is_within(name, z->origin))
        return ZONE_OUTSIDE;
    if (strcmp(name, z->origin) == 0)
        return ZONE_APEX;
    if (dns_name_is_servers(name, z->origin))
        return ZONE_SERVER;

    size_t turn = atomic_fetch_add_explicit(&z->turn, 1, memory_order_relaxed);
    pthread_rwlock_rdlock(&z->lock);
    const struct entry *entry = map_get(&z->entries, str_of(name));
    if (entry)
        match = entry->record ? ZONE_NAME : ZONE_BETWEEN;
    if (match == ZONE_NAME)
        *out = rotate(a, entry->record, turn);
    pthread_rwlock_unlock(&z->lock);
    return match;
}
