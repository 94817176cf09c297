/* larder-engine, part of Larder: redis, valkey and memcached clusters by one program. */
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <string.h>

#define ADMIN_SOCKET "admin.sock" /* in the working directory, so that no path is too long */

static const char *const names[] = {"larder-engine", NULL};

/* Parameters that the engine has as directives of its own. */
static const struct conf_parameter resp_parameters[] = {
    {"active-expire-effort",      NULL, 0},
    {"client-query-buffer-limit", NULL, 0},
    {"databases",                 NULL, 0},
    {"hash-max-listpack-entries", NULL, 0},
    {"hash-max-listpack-value",   NULL, 0},
    {"hll-sparse-max-bytes",      NULL, 0},
    {"lazyfree-lazy-eviction",    NULL, 0},
    {"lazyfree-lazy-expire",      NULL, 0},
    {"lazyfree-lazy-server-del",  NULL, 0},
    {"lazyfree-lazy-user-del",    NULL, 0},
    {"lfu-decay-time",            NULL, 0},
    {"lfu-log-factor",            NULL, 0},
    {"list-compress-depth",       NULL, 0},
    {"list-max-listpack-size",    NULL, 0},
    {"maxclients",                NULL, 0},
    {"maxmemory-policy",          NULL, 0},
    {"maxmemory-samples",         NULL, 0},
    {"notify-keyspace-events",    NULL, 0},
    {"proto-max-bulk-len",        NULL, 0},
    {"set-max-intset-entries",    NULL, 0},
    {"set-max-listpack-entries",  NULL, 0},
    {"set-max-listpack-value",    NULL, 0},
    {"slowlog-log-slower-than",   NULL, 0},
    {"slowlog-max-len",           NULL, 0},
    {"stream-node-max-bytes",     NULL, 0},
    {"stream-node-max-entries",   NULL, 0},
    {"tcp-keepalive",             NULL, 0},
    {"timeout",                   NULL, 0},
    {"zset-max-listpack-entries", NULL, 0},
    {"zset-max-listpack-value",   NULL, 0},
};

static const struct conf_parameter memcached_parameters[] = {
    {"idle_timeout",                 "timeout",                   0},
    {"max_item_size",                "larder-memcached-item-max", 0},
    {"max_simultaneous_connections", "maxclients",                0},
};

static bool is_memcached(const struct agent_node_goal *goal)
{
    return goal->engine && strcmp(goal->engine, "memcached") == 0;
}

static void add_parameters(struct buf *conf, const struct agent_node_goal *goal)
{
    if (is_memcached(goal)) {
        conf_add_parameters(conf, goal, memcached_parameters, countof(memcached_parameters), 0);
        return;
    }
    conf_add_parameters(conf, goal, resp_parameters, countof(resp_parameters), 0);
    conf_add_output_limits(conf, goal);
}

static struct err bundled_prepare(struct arena *a, const struct driver_host *host,
                                  const struct agent_node_goal *goal, struct driver_launch *out)
{
    scoped(buf_fini) struct buf conf = BUF_EMPTY;
    const struct driver_program *program;

    TRY(driver_program(a, host, &driver_bundled, NULL, &program));
    conf_add(&conf, "larder-protocol", is_memcached(goal) ? "memcached" : "resp");
    if (!is_memcached(goal))
        conf_add(&conf, "larder-engine-name", goal->engine ? goal->engine : "redis");
    if (goal->engine_version)
        conf_add(&conf, "larder-engine-version", goal->engine_version);
    conf_add(&conf, "larder-restricted", "yes");
    conf_add(&conf, "larder-admin-socket", ADMIN_SOCKET);
    conf_add(&conf, "bind", goal->address);
    conf_add_int(&conf, "port", goal->port.value);
    conf_add(&conf, "daemonize", "no");
    conf_add(&conf, "save", "");
    conf_add_int(&conf, "maxmemory", goal->maxmemory_bytes.value);
    add_parameters(&conf, goal);

    const char **argv = arena_array(a, 3, sizeof(*argv));
    argv[0] = program->path;
    argv[1] = DRIVER_CONF;
    *out = (struct driver_launch){
        argv, {arena_memdup(a, conf.ptr, conf.len), conf.len}
    };
    return OK;
}

static void bundled_contact(const struct agent_node_goal *goal, struct driver_contact *out)
{
    if (is_memcached(goal))
        *out = (struct driver_contact){NULL, &memcached_probe, &memcached_stats};
    else
        *out = (struct driver_contact){ADMIN_SOCKET, &resp_probe, &resp_stats};
}

/* What a line of Larder's own log says: "TIME larder-engine LEVEL: text". */
static struct str bundled_plain(struct str line)
{
    static const char mark[] = " larder-engine ";

    const char *at = memmem(line.ptr, line.len, mark, strlen(mark));
    if (!at)
        return line;
    struct str rest = {at, line.len - (size_t)(at - line.ptr)};
    str_cut(&rest, ':');
    rest = str_trim(rest);
    return rest.len > 0 ? rest : line;
}

const struct driver driver_bundled = {
    .name = "bundled",
    .names = names,
    .is_ours = true,
    .prepare = bundled_prepare,
    .contact = bundled_contact,
    .plain = bundled_plain,
};
