/*
 * A map of names. Each entry also counts the published names below it, so that a name between a
 * leaf and the zone exists for resolvers although nothing is published under it.
 */
#include "controlplane/dns/zone.h"

#include "base/arena.h"
#include "base/map.h"
#include "controlplane/dns/backend.h"

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
};

struct zone *zone_new(const char *origin, uint32_t serial)
{
    struct zone *z = calloc(1, sizeof(*z));

    check(z != NULL);
    snprintf(z->origin, sizeof(z->origin), "%s", origin);
    z->serial = serial;
    pthread_rwlock_init(&z->lock, NULL);
    map_init(&z->entries);
    return z;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    map_each(slot, &z->entries) {
        struct entry *entry = slot->value;
        free(entry->record);
        free(entry);
    }
    map_fini(&z->entries);
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

static bool is_server_name(const struct zone *z, const char *name)
{
    return strncmp(name, "ns.", 3) == 0 && strcmp(name + 3, z->origin) == 0;
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

struct err zone_upsert(struct zone *z, const char *name, const struct net_addr *addresses,
                       size_t count, int ttl_s)
{
    if (is_server_name(z, name) || strcmp(name, z->origin) == 0)
        return err_make(ERR_INVALID, "the name belongs to the DNS server itself");

    struct record *fresh = record_new(addresses, count, ttl_s);
    pthread_rwlock_wrlock(&z->lock);
    struct entry *entry = entry_of(z, name);
    struct record *unused = fresh;
    if (!record_is_same(entry->record, fresh)) {
        unused = entry->record;
        if (!entry->record)
            ancestors_count(z, name, 1);
        entry->record = fresh;
        z->serial++;
    }
    pthread_rwlock_unlock(&z->lock);
    free(unused);
    return OK;
}

void zone_remove(struct zone *z, const char *name)
{
    struct record *old = NULL;

    pthread_rwlock_wrlock(&z->lock);
    struct entry *entry = map_get(&z->entries, str_of(name));
    if (entry && entry->record) {
        old = entry->record;
        entry->record = NULL;
        entry_drop_if_empty(z, name, entry);
        ancestors_count(z, name, (size_t)-1);
        z->serial++;
    }
    pthread_rwlock_unlock(&z->lock);
    free(old);
}

/* Copies with the n-th address first. */
static struct zone_addresses rotate(struct arena *a, const struct record *record, size_t n)
{
    struct net_addr *items = arena_array(a, record->count, sizeof(*items));

    for (size_t i = 0; i < record->count; i++)
        items[i] = record->items[(i + n) % record->count];
    return (struct zone_addresses){.items = items, .count = record->count, .ttl_s = record->ttl_s};
}

enum zone_match zone_find(struct zone *z, struct arena *a, const char *name,
                          struct zone_addresses *out)
{
    enum zone_match match = ZONE_MISSING;

    if (!dns_name_is_within(name, z->origin))
        return ZONE_OUTSIDE;
    if (strcmp(name, z->origin) == 0)
        return ZONE_APEX;
    if (is_server_name(z, name))
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
