/* One row a parameter; everything else is a loop over the rows. */
#include "agent/drivers/parameters.h"

#include "agent/drivers/conf.h"
#include "agent/drivers/orders.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <limits.h>
#include <string.h>

#define V7_0 700
#define V7_2 702
#define V8_0 800
#define NONE INT_MAX

struct parameter {
    const char *name;     /* ElastiCache's and the directive's */
    const char *old_name; /* of earlier families and engines; NULL: it always had this one */
    const char *fallback; /* what an engine does that was told nothing */
    int since;       /* the first redis-server that knows the name; 0: all of them, NONE: none */
    bool is_bundled; /* larder-engine obeys it, too */
};

static const struct parameter parameters[] = {
    {"acl-pubsub-default",                  NULL,                       "resetchannels", V7_0, true },
    {"acllog-max-len",                      NULL,                       "128",           600,  true },
    {"activedefrag",                        NULL,                       "no",            400,  false},
    {"active-defrag-cycle-max",             NULL,                       "25",            400,  false},
    {"active-defrag-cycle-min",             NULL,                       "1",             400,  false},
    {"active-defrag-ignore-bytes",          NULL,                       "104857600",     400,  false},
    {"active-defrag-max-scan-fields",       NULL,                       "1000",          500,  false},
    {"active-defrag-threshold-lower",       NULL,                       "10",            400,  false},
    {"active-defrag-threshold-upper",       NULL,                       "100",           400,  false},
    {"active-expire-effort",                NULL,                       "1",             600,  true },
    {"activerehashing",                     NULL,                       "yes",           0,    false},
    {"client-query-buffer-limit",           NULL,                       "1073741824",    400,  true },
    {"close-on-replica-write",              "close-on-slave-write",     "no",            NONE, true },
    {"cluster-allow-pubsubshard-when-down", NULL,                       "yes",           V7_0, true },
    {"cluster-allow-reads-when-down",       NULL,                       "no",            600,  true },
    {"cluster-preferred-endpoint-type",     NULL,                       "ip",            V7_0, true },
    {"cluster-require-full-coverage",       NULL,                       "yes",           0,    true },
    {"databases",                           NULL,                       "16",            0,    true },
    {"extended-redis-compatibility",        NULL,                       "no",            V8_0, true },
    {"hash-max-listpack-entries",           "hash-max-ziplist-entries", "512",           V7_0, true },
    {"hash-max-listpack-value",             "hash-max-ziplist-value",   "64",            V7_0, true },
    {"hll-sparse-max-bytes",                NULL,                       "3000",          0,    true },
    {"latency-tracking",                    NULL,                       "yes",           V7_0, true },
    {"lazyfree-lazy-eviction",              NULL,                       "no",            400,  true },
    {"lazyfree-lazy-expire",                NULL,                       "no",            400,  true },
    {"lazyfree-lazy-server-del",            NULL,                       "no",            400,  true },
    {"lazyfree-lazy-user-del",              NULL,                       "no",            600,  true },
    {"lfu-decay-time",                      NULL,                       "1",             400,  true },
    {"lfu-log-factor",                      NULL,                       "10",            400,  true },
    {"list-compress-depth",                 NULL,                       "0",             0,    true },
    {"list-max-listpack-size",              "list-max-ziplist-size",    "-2",            V7_0, true },
    {"lua-time-limit",                      NULL,                       "5000",          0,    true },
    {"maxclients",                          NULL,                       "10000",         0,    true },
    {"maxmemory-policy",                    NULL,                       "noeviction",    0,    true },
    {"maxmemory-samples",                   NULL,                       "5",             0,    true },
    {"min-replicas-max-lag",                "min-slaves-max-lag",       "10",            500,  true },
    {"min-replicas-to-write",               "min-slaves-to-write",      "0",             500,  true },
    {"notify-keyspace-events",              NULL,                       "",              0,    true },
    {"proto-max-bulk-len",                  NULL,                       "536870912",     400,  true },
    {"repl-backlog-size",                   NULL,                       "1048576",       0,    true },
    {"repl-backlog-ttl",                    NULL,                       "3600",          0,    true },
    {"repl-timeout",                        NULL,                       "60",            0,    true },
    {"replica-ignore-maxmemory",            NULL,                       "yes",           500,  true },
    {"replica-lazy-flush",                  "slave-lazy-flush",         "no",            500,  true },
    {"set-max-intset-entries",              NULL,                       "512",           0,    true },
    {"set-max-listpack-entries",            NULL,                       "128",           V7_2, true },
    {"set-max-listpack-value",              NULL,                       "64",            V7_2, true },
    {"slowlog-log-slower-than",             NULL,                       "10000",         0,    true },
    {"slowlog-max-len",                     NULL,                       "128",           0,    true },
    {"stream-node-max-bytes",               NULL,                       "4096",          500,  true },
    {"stream-node-max-entries",             NULL,                       "100",           500,  true },
    {"tcp-keepalive",                       NULL,                       "300",           0,    true },
    {"timeout",                             NULL,                       "0",             0,    true },
    {"tracking-table-max-keys",             NULL,                       "1000000",       600,  true },
    {"zset-max-listpack-entries",           "zset-max-ziplist-entries", "128",           V7_0, true },
    {"zset-max-listpack-value",             "zset-max-ziplist-value",   "64",            V7_0, true },
};

/* What the engine calls it; NULL when it does not know it. */
static const char *directive_of(const struct parameter *p, const struct parameter_taker *taker)
{
    if (taker->is_bundled)
        return p->is_bundled ? p->name : NULL;
    if (p->since == NONE)
        return NULL;
    return taker->version >= p->since ? p->name : p->old_name;
}

static const struct agent_parameter *given_as(const struct agent_node_goal *goal, const char *name)
{
    for (size_t i = 0; name && i < goal->parameters.count; i++)
        if (strcmp(goal->parameters.items[i].name, name) == 0)
            return &goal->parameters.items[i];
    return NULL;
}

/* The goal's, under either name; NULL when it has none. */
static const struct agent_parameter *given(const struct agent_node_goal *goal,
                                           const struct parameter *p)
{
    const struct agent_parameter *found = given_as(goal, p->name);
    return found ? found : given_as(goal, p->old_name);
}

/* True when every node of the topology has a name: what is preferred must be there. */
static bool has_host_names(const struct agent_node_goal *goal)
{
    static const size_t words_to_name = 6; /* behind NODE: id, role, IP, port, TLS port, name */
    const struct agent_node_topology *t = goal->topology;
    bool has_any = false;

    for (size_t i = 0; t && i < t->words.count; i++) {
        if (strcmp(t->words.items[i], "NODE") != 0)
            continue;
        has_any = true;
        if (i + words_to_name >= t->words.count ||
            strcmp(t->words.items[i + words_to_name], "-") == 0)
            return false;
    }
    return has_any;
}

/* `tls-dynamic` is ElastiCache's: names where certificates are checked against them, else
 * addresses. */
static const char *value_for(const struct agent_node_goal *goal, const char *value)
{
    if (strcmp(value, "tls-dynamic") != 0)
        return value;
    return goal->tls && has_host_names(goal) ? "hostname" : "ip";
}

/* A parameter that is given without a value is what the engine does by itself. */
static const char *value_of(const struct agent_node_goal *goal, const struct parameter *p)
{
    const struct agent_parameter *g = given(goal, p);
    return g && g->value && *g->value ? value_for(goal, g->value) : p->fallback;
}

static bool is_static(const struct agent_node_goal *goal, const struct parameter *p)
{
    const struct agent_parameter *g = given(goal, p);
    return (g && g->is_static.value) || strcmp(p->name, "databases") == 0;
}

/* ---- limits of output buffers: three parameters, one directive ---- */

static const struct {
    const char *class;    /* the engine's */
    const char *name;     /* ElastiCache's */
    const char *old_name; /* of families before redis5.0 */
    const char *fallback[3];
} output_limits[] = {
    {"normal", "normal",  "normal", {"0", "0", "0"}                },
    {"slave",  "replica", "slave",  {"268435456", "67108864", "60"}}, /* every version knows it so */
    {"pubsub", "pubsub",  "pubsub", {"33554432", "8388608", "60"}  },
};

static bool is_number(const char *text)
{
    int64_t number;
    return str_to_i64(str_of(text), &number) && number >= 0;
}

static const char *limit_part(struct arena *a, const struct agent_node_goal *goal,
                              const char *class, const char *part)
{
    return goal_parameter(goal, arena_printf(a, "client-output-buffer-limit-%s-%s", class, part));
}

/* "class hard soft seconds"; true when the goal says anything of it. */
static bool output_limit(struct arena *a, const struct agent_node_goal *goal, size_t row,
                         const char **out)
{
    static const char *const parts[] = {"hard-limit", "soft-limit", "soft-seconds"};
    const char *values[countof(parts)];
    bool is_given = false;

    for (size_t i = 0; i < countof(parts); i++) {
        const char *value = limit_part(a, goal, output_limits[row].name, parts[i]);
        if (!value)
            value = limit_part(a, goal, output_limits[row].old_name, parts[i]);
        bool is_good = value && is_number(value);

        values[i] = is_good ? value : output_limits[row].fallback[i];
        is_given |= is_good;
    }
    *out =
        arena_printf(a, "%s %s %s %s", output_limits[row].class, values[0], values[1], values[2]);
    return is_given;
}

/* ---- the three forms ---- */

void parameters_add_conf(struct arena *a, struct buf *conf, const struct agent_node_goal *goal,
                         const struct parameter_taker *taker)
{
    const char *limit;

    for (size_t i = 0; i < countof(parameters); i++) {
        const char *directive = directive_of(&parameters[i], taker);
        const struct agent_parameter *g = given(goal, &parameters[i]);
        if (directive && g && g->value && *g->value)
            conf_add(conf, directive, value_for(goal, g->value));
    }
    for (size_t i = 0; i < countof(output_limits); i++)
        if (output_limit(a, goal, i, &limit))
            buf_printf(conf, "client-output-buffer-limit %s\n", limit);
}

void parameters_add_orders(struct arena *a, struct driver_orders *orders, const char *config,
                           const struct agent_node_goal *goal, const struct parameter_taker *taker)
{
    const char *limit;

    for (size_t i = 0; i < countof(parameters); i++) {
        const char *directive = directive_of(&parameters[i], taker);
        bool is_others = taker->without && strcmp(parameters[i].name, taker->without) == 0;
        if (directive && !is_others && !is_static(goal, &parameters[i]))
            orders_add(a, orders, parameters[i].name, config, "SET", directive,
                       value_of(goal, &parameters[i]), NULL);
    }
    for (size_t i = 0; i < countof(output_limits); i++) {
        output_limit(a, goal, i, &limit);
        orders_add(a, orders, "client-output-buffer-limit", config, "SET",
                   "client-output-buffer-limit", limit, NULL);
    }
}

void parameters_add_statics(struct arena *a, struct buf *statics,
                            const struct agent_node_goal *goal, const struct parameter_taker *taker)
{
    (void)a;
    for (size_t i = 0; i < countof(parameters); i++) {
        const struct parameter *p = &parameters[i];
        if (directive_of(p, taker) && is_static(goal, p) &&
            strcmp(value_of(goal, p), p->fallback) != 0)
            conf_add(statics, p->name, value_of(goal, p));
    }
}
