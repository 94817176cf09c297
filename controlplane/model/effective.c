/* One pass over the family's table, and the arithmetic of memory. */
#include "controlplane/model/effective.h"

#include "base/arena.h"
#include "base/str.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/naming.h"

#include <string.h>

#define MIB                ((int64_t)1024 * 1024)
#define MAXMEMORY_LEAST    MIB /* 0 would mean that there is no limit */
#define MAXMEMORY_PERCENTS 100

/* Parameters that engines are told otherwise, or that are arithmetic of ours. */
static const char *const not_told[] = {
    "appendfsync",                    /* what is kept over a stop is the agent's matter */
    "appendonly",  "cluster-enabled", /* follows from the topology */
    "config_max",  "config_size_max", "max_cache_memory",
    "maxmemory",   "reserved-memory", "reserved-memory-percent",
};

static bool is_told(const char *name)
{
    for (size_t i = 0; i < countof(not_told); i++)
        if (strcmp(not_told[i], name) == 0)
            return false;
    return true;
}

/* --- memory --- */

static bool integer_of(const struct parameter_family *f, const struct parameter_value_list *set,
                       const char *name, int64_t *out)
{
    const struct parameter *p = parameter_find(f, name);
    const char *value = p ? parameter_value_or_default(p, set, NULL) : NULL;

    return value && str_to_i64(str_of(value), out);
}

/* The reserve in bytes counts where it was set and the percentage was not; where both were set, the
 * greater one. */
static int64_t reserve_of(const struct parameter_family *f, const struct parameter_value_list *set,
                          int64_t ceiling)
{
    int64_t bytes = 0, percent = 0;

    if (!integer_of(f, set, "reserved-memory", &bytes))
        bytes = 0;
    if (!integer_of(f, set, "reserved-memory-percent", &percent))
        return bytes;
    int64_t share = ceiling - ceiling * (MAXMEMORY_PERCENTS - percent) / MAXMEMORY_PERCENTS;
    if (bytes == 0)
        return share;
    if (!parameter_value_find(set, "reserved-memory-percent"))
        return bytes;
    return bytes > share ? bytes : share;
}

static int64_t memory_of(const struct parameter_family *f, const struct parameter_value_list *set,
                         const struct node_type *t)
{
    int64_t ceiling = t->maxmemory_bytes, reserve = 0;

    if (parameter_find(f, "max_cache_memory")) {
        ceiling = t->memcached_mib * MIB;
        if (integer_of(f, set, "memcached_connections_overhead", &reserve))
            reserve = reserve > t->memcached_mib ? ceiling : reserve * MIB;
    } else {
        reserve = reserve_of(f, set, ceiling);
    }
    return reserve < ceiling - MAXMEMORY_LEAST ? ceiling - reserve : MAXMEMORY_LEAST;
}

/* --- values --- */

/* Small nodes take fewer clients than the family's number says. */
static const char *clients_of(struct arena *a, const char *value, const struct node_type *t)
{
    int64_t number;

    if (!str_to_i64(str_of(value), &number) || number <= t->maxclients)
        return value;
    return arena_printf(a, "%d", t->maxclients);
}

static bool is_client_limit(const char *name)
{
    return strcmp(name, "maxclients") == 0 || strcmp(name, "max_simultaneous_connections") == 0;
}

void parameters_effective(struct arena *a, const struct parameter_value_list *set,
                          const struct engine_version *v, const struct node_type *t,
                          struct effective_parameters *out)
{
    const struct parameter_family *f = parameter_family_find(v->family);

    check(f != NULL); /* the catalogues of versions and of families go together */
    *out = (struct effective_parameters){
        .items = arena_array(a, f->count, sizeof(*out->items)),
        .maxmemory_bytes = memory_of(f, set, t),
    };
    for (const struct parameter *p = f->items; p < f->items + f->count; p++) {
        const char *value = parameter_value_or_default(p, set, t->name);
        if (!value || !is_told(p->name) || version_compare(v->reported, p->since) < 0)
            continue;
        if (is_client_limit(p->name))
            value = clients_of(a, value, t);
        out->items[out->count++] = (struct effective_value){p->name, value, p->is_static};
    }
}

#define NUMBER_MASK 0xffffffffffff /* 48 bits: exact wherever it goes */

int64_t parameters_number(const struct cluster *c)
{
    uint64_t hash = parameter_catalogue_hash ^ (uint64_t)c->parameter_revision;
    const char *const texts[] = {c->parameter_group, c->engine_version, c->node_type};

    for (size_t i = 0; i < countof(texts); i++)
        hash = hash * 31 + name_hash(texts[i]);
    hash += (uint64_t)c->allotment.work_most * 31;
    return (int64_t)(hash & NUMBER_MASK) | 1;
}
