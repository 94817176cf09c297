/*
 * Nodes of serverless caches begin small and are given twice the room whenever half of it is used,
 * so that a burst finds some; what they no longer need they give back by halves. The two thresholds
 * are so far apart that one step never asks for the other.
 */
#include "controlplane/model/serverless.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/catalog.h"

#include <string.h>

#define GIB               ((int64_t)1 << 30)
#define ROOM_FIRST_BYTES  ((int64_t)512 << 20) /* of a node of which nothing is asked */
#define STORAGE_MOST_GB   5000                 /* of a cache that has no limit of its own */
#define WORK_OF_SHARD     100000               /* ECPUs per second that one engine surely does */
#define WORK_TIGHT        (WORK_OF_SHARD / 5 * 4)
#define DATA_TIGHT_BYTES  (16 * GIB) /* a shard with more is slow to copy and to load */
#define SHARDS_MOST       90
#define ROOM_SPARE_PARTS  4 /* beside the data, a node needs a quarter for itself */
#define SHRINK_USED_PARTS 8

char *serverless_behind_name(struct arena *a, const char *name)
{
    return arena_printf(a, "serverless.%s", name);
}

/* One number of the version, of memcached two. */
char *serverless_major(struct arena *a, const char *engine, const char *version)
{
    struct str rest = str_of(version);
    struct str first = str_cut(&rest, '.'), second = str_cut(&rest, '.');

    return engine_is_redis_like(engine) ? str_dup(a, first)
                                        : arena_printf(a, "%.*s.%.*s", (int)first.len, first.ptr,
                                                       (int)second.len, second.ptr);
}

/* The first version of each engine that is there without servers. */
static const struct {
    const char *engine, *since;
} firsts[] = {
    {"memcached", "1.6"},
    {"redis",     "7"  },
    {"valkey",    "7"  },
};

static bool is_served(const struct engine_version *v)
{
    for (size_t i = 0; i < countof(firsts); i++)
        if (strcmp(firsts[i].engine, v->engine) == 0)
            return v->is_offered && version_compare(v->reported, firsts[i].since) >= 0;
    return false;
}

const struct engine_version *serverless_version(const char *engine, const char *major)
{
    scoped(arena_fini) struct arena a = {0};
    const struct engine_version *newest = NULL;
    size_t count;
    const struct engine_version *all = engine_versions(&count);

    for (size_t i = 0; i < count; i++) {
        const struct engine_version *v = &all[i];
        if (strcmp(v->engine, engine) != 0 || !is_served(v) ||
            (major && strcmp(serverless_major(&a, engine, v->reported), major) != 0))
            continue;
        if (!newest || version_compare(v->reported, newest->reported) > 0)
            newest = v;
    }
    return newest;
}

static int64_t share(int64_t of, int64_t parts)
{
    return (of + parts - 1) / parts;
}

int64_t serverless_shards(const struct serverless_limits *limits)
{
    int64_t shards = share(limits->work_least, WORK_OF_SHARD);

    return shards < 1 ? 1 : shards > SHARDS_MOST ? SHARDS_MOST : shards;
}

/* The work of one key stays with one shard: more of them are added for what all do together. */
int64_t serverless_shards_needed(const struct serverless_limits *limits,
                                 const struct serverless_use *use, int64_t shards)
{
    int64_t wanted[] = {
        serverless_shards(limits),
        use->most_data_bytes > DATA_TIGHT_BYTES ? share(use->data_bytes, DATA_TIGHT_BYTES / 2) : 0,
        use->most_work > WORK_TIGHT ? share(use->work, WORK_OF_SHARD / 2) : 0,
    };
    int64_t most = shards;

    for (size_t i = 0; i < countof(wanted); i++)
        most = wanted[i] > most ? wanted[i] : most;
    return most <= SHARDS_MOST || most == shards ? most
           : SHARDS_MOST > shards                ? SHARDS_MOST
                                                 : shards;
}

size_t serverless_shards_of_parts(size_t shards, size_t parts)
{
    if (parts > SHARDS_MOST)
        parts = SHARDS_MOST;
    return parts > shards ? parts : shards;
}

struct allotment serverless_allotment(const struct serverless_limits *limits, int64_t shards)
{
    int64_t most_gb = limits->storage_most_gb ? limits->storage_most_gb : STORAGE_MOST_GB;
    struct allotment a = {
        .least_bytes = share(limits->storage_least_gb * GIB, shards),
        .most_bytes = most_gb * GIB / shards,
        .work_most = share(limits->work_most, shards),
    };

    if (a.least_bytes < ROOM_FIRST_BYTES)
        a.least_bytes = ROOM_FIRST_BYTES;
    if (a.least_bytes > a.most_bytes)
        a.least_bytes = a.most_bytes;
    return a;
}

int64_t allotment_host_bytes(int64_t data_bytes)
{
    return data_bytes + data_bytes / ROOM_SPARE_PARTS;
}

int64_t allotment_data_bytes(int64_t host_bytes)
{
    return host_bytes / (ROOM_SPARE_PARTS + 1) * ROOM_SPARE_PARTS;
}

int64_t cluster_host_bytes(const struct cluster *c)
{
    const struct node_type *type = node_type_find(c->node_type);

    check(type != NULL); /* nothing is stored with a type that the catalogue lacks */
    return c->allotment.most_bytes ? allotment_host_bytes(c->allotment.least_bytes)
                                   : node_type_host_bytes(type);
}

int64_t cluster_vcpus(const struct cluster *c)
{
    const struct node_type *type = node_type_find(c->node_type);

    check(type != NULL);
    return c->allotment.most_bytes ? 0 : type->vcpus;
}

int cluster_reader_port(const struct cluster *c)
{
    return c->owner.id ? c->port + 1 : 0;
}

int64_t allotment_room(const struct allotment *a, int64_t now_bytes, int64_t used_bytes)
{
    int64_t room = now_bytes > a->least_bytes ? now_bytes : a->least_bytes;

    while (used_bytes > room / 2 && room < a->most_bytes)
        room *= 2;
    while (used_bytes < room / SHRINK_USED_PARTS && room > a->least_bytes)
        room /= 2;
    if (room < a->least_bytes)
        room = a->least_bytes; /* half of an odd number */
    return room < a->most_bytes ? room : a->most_bytes;
}

bool allotment_is_met(const struct allotment *a, int64_t host_bytes, int64_t used_bytes)
{
    int64_t room_bytes = allotment_data_bytes(host_bytes);

    return a->most_bytes == 0 ||
           (used_bytes >= 0 &&
            allotment_host_bytes(allotment_room(a, room_bytes, used_bytes)) <= host_bytes);
}
