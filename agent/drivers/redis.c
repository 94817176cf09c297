/*
 * redis-server or valkey-server as found on the host. What tenants of a managed cache may not do is
 * taken away: whole commands by renaming them to nothing (the answer is then that of an unknown
 * command), single subcommands by the default user's rules.
 */
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <string.h>

#define ADMIN_SOCKET "admin.sock"
#define PREFIX_BYTES 20 /* pid, role and time are longer */
#define V6_2         602
#define V7_0         700

static const char *const names[] = {"redis-server", "valkey-server", NULL};

static const char *const hidden_commands[] = {"BGREWRITEAOF", "BGSAVE",  "CONFIG",    "DEBUG",
                                              "MIGRATE",      "MODULE",  "REPLICAOF", "SAVE",
                                              "SHUTDOWN",     "SLAVEOF", "SYNC"};

static const char default_user[] =
    "user default on nopass sanitize-payload ~* &* +@all -acl|setuser -acl|deluser -acl|load "
    "-acl|save -cluster|addslots -cluster|addslotsrange -cluster|bumpepoch -cluster|delslots "
    "-cluster|delslotsrange -cluster|failover -cluster|flushslots -cluster|forget -cluster|meet "
    "-cluster|replicate -cluster|reset -cluster|saveconfig -cluster|set-config-epoch "
    "-cluster|setslot\n";

static const struct conf_parameter parameters[] = {
    {"activedefrag",                  NULL, 0   },
    {"active-defrag-cycle-max",       NULL, 0   },
    {"active-defrag-cycle-min",       NULL, 0   },
    {"active-defrag-ignore-bytes",    NULL, 0   },
    {"active-defrag-max-scan-fields", NULL, 0   },
    {"active-defrag-threshold-lower", NULL, 0   },
    {"active-defrag-threshold-upper", NULL, 0   },
    {"active-expire-effort",          NULL, 600 },
    {"acllog-max-len",                NULL, 600 },
    {"activerehashing",               NULL, 0   },
    {"client-query-buffer-limit",     NULL, 0   },
    {"databases",                     NULL, 0   },
    {"hash-max-listpack-entries",     NULL, V7_0},
    {"hash-max-listpack-value",       NULL, V7_0},
    {"hash-max-ziplist-entries",      NULL, 0   },
    {"hash-max-ziplist-value",        NULL, 0   },
    {"hll-sparse-max-bytes",          NULL, 0   },
    {"latency-tracking",              NULL, V7_0},
    {"lazyfree-lazy-eviction",        NULL, 0   },
    {"lazyfree-lazy-expire",          NULL, 0   },
    {"lazyfree-lazy-server-del",      NULL, 0   },
    {"lazyfree-lazy-user-del",        NULL, 600 },
    {"lfu-decay-time",                NULL, 0   },
    {"lfu-log-factor",                NULL, 0   },
    {"list-compress-depth",           NULL, 0   },
    {"list-max-listpack-size",        NULL, V7_0},
    {"list-max-ziplist-size",         NULL, 0   },
    {"maxclients",                    NULL, 0   },
    {"maxmemory-policy",              NULL, 0   },
    {"maxmemory-samples",             NULL, 0   },
    {"min-replicas-max-lag",          NULL, 0   },
    {"min-replicas-to-write",         NULL, 0   },
    {"notify-keyspace-events",        NULL, 0   },
    {"proto-max-bulk-len",            NULL, 0   },
    {"repl-backlog-size",             NULL, 0   },
    {"repl-backlog-ttl",              NULL, 0   },
    {"replica-ignore-maxmemory",      NULL, 0   },
    {"set-max-intset-entries",        NULL, 0   },
    {"set-max-listpack-entries",      NULL, 702 },
    {"set-max-listpack-value",        NULL, 702 },
    {"slowlog-log-slower-than",       NULL, 0   },
    {"slowlog-max-len",               NULL, 0   },
    {"stream-node-max-bytes",         NULL, 0   },
    {"stream-node-max-entries",       NULL, 0   },
    {"tcp-keepalive",                 NULL, 0   },
    {"timeout",                       NULL, 0   },
    {"tracking-table-max-keys",       NULL, 600 },
    {"zset-max-listpack-entries",     NULL, V7_0},
    {"zset-max-listpack-value",       NULL, V7_0},
    {"zset-max-ziplist-entries",      NULL, 0   },
    {"zset-max-ziplist-value",        NULL, 0   },
};

static void add_restrictions(struct buf *conf, int version)
{
    for (size_t i = 0; i < countof(hidden_commands); i++)
        buf_printf(conf, "rename-command %s \"\"\n", hidden_commands[i]);
    if (version >= V7_0) /* earlier ones cannot take away single subcommands */
        buf_puts(conf, default_user);
}

static struct err redis_prepare(struct arena *a, const struct driver_host *host,
                                const struct agent_node_goal *goal, struct driver_launch *out)
{
    scoped(buf_fini) struct buf conf = BUF_EMPTY;
    const struct driver_program *program;

    if (goal->engine && strcmp(goal->engine, "memcached") == 0)
        return err_make(ERR_INVALID, "the redis driver does not run memcached");
    bool is_valkey = goal->engine && strcmp(goal->engine, "valkey") == 0;
    TRY(driver_program(a, host, &driver_redis, is_valkey ? "valkey-server" : "redis-server",
                       &program));
    int version = version_number(program->version);

    conf_add(&conf, "bind", goal->address);
    conf_add_int(&conf, "port", goal->port.value);
    conf_add(&conf, "protected-mode",
             "no"); /* who may connect is the network's matter, as in a VPC */
    conf_add(&conf, "unixsocket", ADMIN_SOCKET);
    conf_add(&conf, "unixsocketperm", "700");
    conf_add(&conf, "daemonize", "no");
    conf_add(&conf, "supervised", "systemd"); /* says READY=1 to the shim */
    conf_add(&conf, "save", "");
    conf_add(&conf, "appendonly", "no");
    if (version >= V6_2)
        conf_add(&conf, "set-proc-title", "no");
    conf_add_int(&conf, "maxmemory", goal->maxmemory_bytes.value);
    conf_add_parameters(&conf, goal, parameters, countof(parameters), version);
    conf_add_output_limits(&conf, goal);
    add_restrictions(&conf, version);

    const char **argv = arena_array(a, 3, sizeof(*argv));
    argv[0] = program->path;
    argv[1] = DRIVER_CONF;
    *out = (struct driver_launch){
        argv, {arena_memdup(a, conf.ptr, conf.len), conf.len}
    };
    return OK;
}

static void redis_contact(const struct agent_node_goal *goal, struct driver_contact *out)
{
    (void)goal;
    *out = (struct driver_contact){ADMIN_SOCKET, &resp_probe, &resp_stats};
}

/* "12:M 01 Jan 2026 00:00:00.000 # text" without what stands before the text. */
static struct str redis_plain(struct str line)
{
    static const char marks[] = "#*-.";

    for (size_t i = 0; i + 2 < line.len; i++)
        if (line.ptr[i] == ' ' && strchr(marks, line.ptr[i + 1]) && line.ptr[i + 2] == ' ' &&
            i > PREFIX_BYTES)
            return (struct str){line.ptr + i + 3, line.len - i - 3};
    return line;
}

const struct driver driver_redis = {
    .name = "redis",
    .names = names,
    .prepare = redis_prepare,
    .contact = redis_contact,
    .plain = redis_plain,
};
