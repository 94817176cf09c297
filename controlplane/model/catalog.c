/* Look-ups in two constant tables, and the rules that follow from their columns. */
#include "controlplane/model/catalog.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"

#include <string.h>

#define NODE_TYPE(name, family, generation, vcpus, mib, maxmemory, memcached_mib, threads, \
                  maxclients, memcached, redis, valkey)                                    \
    {name,          family,  sizeof(generation) == sizeof("current"),                      \
     vcpus,         mib,     maxmemory,                                                    \
     memcached_mib, threads, maxclients,                                                   \
     memcached,     redis,   valkey},

static const struct node_type node_types[] = {
#include "controlplane/model/node_types.def"
};

#define ENGINE_VERSION(engine, version, reported, family, doc, version_doc, is_offered) \
    {engine, version, reported, family, doc, version_doc, is_offered},

static const struct engine_version versions[] = {
#include "controlplane/model/engine_versions.def"
};

struct engine {
    const char *name;
    const char *default_version;
    int port;
    bool is_redis_like;
};

static const struct engine engines[] = {
    {"memcached", "1.6.22", 11211, false},
    {"redis",     "7.1",    6379,  true },
    {"valkey",    "9.0",    6379,  true },
};

#define MIB ((int64_t)1024 * 1024)

static const struct engine *engine_find(const char *name)
{
    for (size_t i = 0; i < countof(engines); i++)
        if (strcmp(engines[i].name, name) == 0)
            return &engines[i];
    return NULL;
}

/* --- node types --- */

const struct node_type *node_type_find(const char *name)
{
    for (size_t i = 0; i < countof(node_types); i++)
        if (strcmp(node_types[i].name, name) == 0)
            return &node_types[i];
    return NULL;
}

const struct node_type *node_type_all(size_t *out_count)
{
    *out_count = countof(node_types);
    return node_types;
}

int64_t node_type_host_bytes(const struct node_type *t)
{
    return t->memory_mib * MIB;
}

/* Families before redis3.2 reserve nothing by default. */
static bool family_reserves_memory(const char *family)
{
    return strcmp(family, "redis2.6") != 0 && strcmp(family, "redis2.8") != 0;
}

static const char *node_type_since(const struct node_type *t, const char *engine)
{
    if (strcmp(engine, "memcached") == 0)
        return t->since_memcached;
    return strcmp(engine, "redis") == 0 ? t->since_redis : t->since_valkey;
}

bool node_type_runs(const struct node_type *t, const char *engine)
{
    return node_type_since(t, engine) != NULL;
}

bool node_type_runs_version(const struct node_type *t, const struct engine_version *v)
{
    const char *since = node_type_since(t, v->engine);

    return since && version_compare(v->reported, since) >= 0;
}

struct err node_type_choose(struct arena *a, const char *name, const struct engine_version *v,
                            const struct node_type **out)
{
    const struct node_type *t = node_type_find(name);

    if (!t)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "Invalid cache node type: %s.", name);
    if (!t->is_offered)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The cache node type %s is of a previous generation and no longer "
                          "offered for new caches.",
                          name);

    const char *since = node_type_since(t, v->engine);
    if (!since)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The cache node type %s is not supported for engine %s.", name,
                          v->engine);
    if (version_compare(v->reported, since) < 0)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The cache node type %s is not supported for %s version %s; it needs "
                          "version %s or later.",
                          name, v->engine, v->version, since);
    *out = t;
    return OK;
}

/* --- engines --- */

bool engine_is_known(const char *engine)
{
    return engine_find(engine) != NULL;
}

bool engine_is_redis_like(const char *engine)
{
    const struct engine *e = engine_find(engine);

    return e && e->is_redis_like;
}

int engine_default_port(const char *engine)
{
    const struct engine *e = engine_find(engine);

    check(e != NULL);
    return e->port;
}

const struct engine_version *engine_versions(size_t *out_count)
{
    *out_count = countof(versions);
    return versions;
}

static const struct engine_version *version_find(const char *engine, const char *version)
{
    for (size_t i = 0; i < countof(versions); i++)
        if (strcmp(versions[i].engine, engine) == 0 && strcmp(versions[i].version, version) == 0)
            return &versions[i];
    return NULL;
}

const struct engine_version *engine_version_default(const char *engine)
{
    const struct engine *e = engine_find(engine);

    check(e != NULL);
    const struct engine_version *v = version_find(engine, e->default_version);
    check(v != NULL);
    return v;
}

int version_compare(const char *x, const char *y)
{
    struct str rest_x = str_of(x), rest_y = str_of(y);

    while (rest_x.len > 0 || rest_y.len > 0) {
        uint64_t part_x = 0, part_y = 0;
        struct str word_x = str_cut(&rest_x, '.'), word_y = str_cut(&rest_y, '.');
        if ((word_x.len > 0 && !str_to_u64(word_x, &part_x)) ||
            (word_y.len > 0 && !str_to_u64(word_y, &part_y)))
            return strcmp(x, y);
        if (part_x != part_y)
            return part_x < part_y ? -1 : 1;
    }
    return 0;
}

/* Whether two versions have major and minor in common. */
static bool is_same_minor(const char *x, const char *y)
{
    struct str rest_x = str_of(x), rest_y = str_of(y);

    return str_eq(str_cut(&rest_x, '.'), str_cut(&rest_y, '.')) &&
           str_eq(str_cut(&rest_x, '.'), str_cut(&rest_y, '.'));
}

/* Of two versions around `reported`, the nearer one: what is not newer than it comes first. */
static bool is_nearer(const char *reported, const struct engine_version *x,
                      const struct engine_version *y)
{
    bool is_below = version_compare(x->reported, reported) <= 0;

    if (!y)
        return true;
    if (is_below != (version_compare(y->reported, reported) <= 0))
        return is_below;
    return is_below == (version_compare(x->reported, y->reported) > 0);
}

const struct engine_version *engine_version_reported(const char *engine, const char *reported)
{
    const struct engine_version *nearest = NULL;

    for (size_t i = 0; i < countof(versions); i++)
        if (strcmp(versions[i].engine, engine) == 0 &&
            is_same_minor(versions[i].reported, reported) &&
            is_nearer(reported, &versions[i], nearest))
            nearest = &versions[i];
    return nearest;
}

/* From redis 6 on (and for valkey) patches are the service's business: "7.0.7" must be asked for as
 * "7.0". The version whose minor the request names with a patch, or NULL. */
static const struct engine_version *version_with_patch(struct arena *a, const char *engine,
                                                       const char *version)
{
    const char *last_dot = strrchr(version, '.');

    if (!last_dot || strchr(version, '.') == last_dot)
        return NULL;
    return version_find(engine, arena_strndup(a, version, (size_t)(last_dot - version)));
}

struct err engine_version_choose(struct arena *a, const char *engine, const char *version,
                                 const struct engine_version **out)
{
    check(engine_is_known(engine));
    if (*version == '\0') {
        *out = engine_version_default(engine);
        return OK;
    }
    bool is_six_x = strcmp(engine, "redis") == 0 && strcmp(version, "6.x") == 0;
    const struct engine_version *v = version_find(engine, is_six_x ? "6.2" : version);
    if (v && v->is_offered) {
        *out = v;
        return OK;
    }
    const struct engine_version *minor = v ? NULL : version_with_patch(a, engine, version);
    if (minor)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "Specific version selection is not allowed for '%s', please use '%s'",
                          version, minor->version);
    return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION, "Cannot find version %s for %s",
                      version, engine);
}

/* Which engine may follow which, from one version to at least another one. */
static const struct {
    const char *from, *from_version, *to, *to_version; /* "": any */
} successions[] = {
    {"redis",  "",    "valkey", ""   },
    {"valkey", "7.2", "redis",  "7.1"},
};

static bool engine_may_follow(const struct engine_version *from, const struct engine_version *to)
{
    for (size_t i = 0; i < countof(successions); i++)
        if (strcmp(from->engine, successions[i].from) == 0 &&
            strcmp(to->engine, successions[i].to) == 0 &&
            (!*successions[i].from_version ||
             strcmp(from->version, successions[i].from_version) == 0) &&
            (!*successions[i].to_version || strcmp(to->version, successions[i].to_version) == 0))
            return true;
    return false;
}

struct err engine_version_check_upgrade(struct arena *a, const struct engine_version *from,
                                        const struct engine_version *to)
{
    if (strcmp(from->engine, to->engine) != 0)
        return engine_may_follow(from, to)
                   ? OK
                   : err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                                "Changing the engine from %s %s to %s %s is not supported.",
                                from->engine, from->version, to->engine, to->version);
    if (version_compare(to->reported, from->reported) >= 0)
        return OK;
    return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                      "Downgrading the engine version from %s to %s is not supported.",
                      from->reported, to->version);
}

/* --- parameter groups --- */

char *parameter_group_default(struct arena *a, const char *family)
{
    return arena_printf(a, "default.%s", family);
}

/* The one of the families that is spelled so, or NULL. */
static const char *family_find(struct str name)
{
    for (size_t i = 0; i < countof(versions); i++)
        if (str_is(name, versions[i].family))
            return versions[i].family;
    return NULL;
}

/* Cluster mode came with redis 3.2. */
static bool family_has_cluster_mode(const char *family)
{
    return strncmp(family, "memcached", strlen("memcached")) != 0 && family_reserves_memory(family);
}

const char *parameter_group_family(const char *name, bool *out_is_cluster)
{
    static const struct str prefix = STR("default."), suffix = STR(".cluster.on");
    struct str rest = str_of(name);

    if (!str_starts(rest, prefix.ptr))
        return NULL;
    rest.ptr += prefix.len;
    rest.len -= prefix.len;
    bool is_cluster = str_ends(rest, suffix.ptr);
    if (is_cluster)
        rest.len -= suffix.len;

    const char *family = family_find(rest);
    if (!family || (is_cluster && !family_has_cluster_mode(family)))
        return NULL;
    *out_is_cluster = is_cluster;
    return family;
}
