/*
 * redis-server or valkey-server as found on the host. What tenants of a managed cache may not do is
 * taken away: whole commands by renaming them to nothing, or to a name that only the agent knows
 * (the answer is then that of an unknown command), single subcommands by rules of their users.
 */
#include "agent/drivers/binding.h"
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "agent/drivers/parameters.h"
#include "agent/drivers/secrets.h"
#include "base/arena.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <stdio.h>
#include <string.h>

#define ADMIN_SOCKET "admin.sock"
#define ADMIN_USER   "larder-agent"
#define USERS_FILE   "users.acl"
#define TLS_CERT     "tls.crt"
#define TLS_KEY      "tls.key"
#define TLS_CA       "tls-ca.crt"
#define PREFIX_BYTES 20 /* pid, role and time are longer */
#define NAME_BYTES   32 /* of a command that only the agent knows the name of */
#define V6_0         600
#define V6_2         602
#define V7_0         700

/* More replicas than there can be: the fence of engines that have none of their own. */
#define FENCE_REPLICAS "2147483647"
#define FENCE_NAME     "min-replicas-to-write"

#define REPLICA_RULES "resetchannels -@all +psync +replconf +ping"

static const char *const names[] = {"redis-server", "valkey-server", NULL};
static const char *const engines[] = {"redis", "valkey", NULL};

/* Commands that are taken away, and those of them that the agent itself uses under another name. */
static const struct {
    const char *name;
    bool is_used;
} hidden_commands[] = {
    {"BGREWRITEAOF", false},
    {"BGSAVE",       false},
    {"CONFIG",       true },
    {"DEBUG",        false},
    {"MIGRATE",      false},
    {"MODULE",       false},
    {"REPLICAOF",    true },
    {"SAVE",         false},
    {"SHUTDOWN",     false},
    {"SLAVEOF",      false},
    {"SYNC",         true },
};

/* Behind the rules of every tenant. */
static const char restrictions[] =
    " -acl|setuser -acl|deluser -acl|load -acl|save -cluster|addslots -cluster|addslotsrange "
    "-cluster|bumpepoch -cluster|delslots -cluster|delslotsrange -cluster|failover "
    "-cluster|flushslots -cluster|forget -cluster|meet -cluster|replicate -cluster|reset "
    "-cluster|saveconfig -cluster|set-config-epoch -cluster|setslot";

static struct err program_of(struct arena *a, const struct driver_host *host,
                             const struct agent_node_goal *goal, const struct driver_program **out)
{
    bool is_valkey = goal->engine && strcmp(goal->engine, "valkey") == 0;
    return driver_program(a, host, &driver_redis, is_valkey ? "valkey-server" : "redis-server",
                          out);
}

/* What the agent calls a command that tenants do not have. */
static const char *command(struct arena *a, const struct driver_host *host,
                           const struct agent_node_goal *goal, const char *name)
{
    return arena_printf(a, "%.*s", NAME_BYTES, secret_word(a, host, goal->node_id.value, name));
}

static const char *admin_password(struct arena *a, const struct driver_host *host,
                                  const struct agent_node_goal *goal)
{
    return secret_word(a, host, goal->node_id.value, ADMIN_USER);
}

/* What cannot be had from these engines is refused rather than left out. */
static struct err check_wishes(struct arena *a, const struct agent_node_goal *goal, int version)
{
    if (goal->topology)
        return err_make(ERR_INVALID, "the redis driver has no cluster mode");
    if (goal->logs.count > 0)
        return err_make(ERR_INVALID, "the redis driver sends no logs on");
    if (goal->tls && (!goal->tls->mode || strcmp(goal->tls->mode, "required") != 0))
        return err_make(ERR_INVALID,
                        "the redis driver has TLS required or none: one port cannot take both");
    if (goal->tls && (!goal->tls->certificate || !goal->tls->private_key || !goal->tls->authority))
        return err_make(ERR_INVALID, "the goal's TLS lacks a certificate, a key or an authority");
    if ((goal->tls && version < V6_2) || (goal->users && version < V7_0))
        return err_format(a, ERR_INVALID, "this needs a redis-server of %s",
                          goal->users ? "7.0 or later" : "6.2 or later");
    if (goal->role && goal->role->write_acks.value > 0)
        return err_make(ERR_INVALID, "the redis driver has no writes that wait for replicas");
    TRY(users_check(a, goal));
    return role_check(goal->role);
}

/* ---- files ---- */

static struct str users_file(struct arena *a, const struct driver_host *host,
                             const struct agent_node_goal *goal, int version)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *const *lines;
    size_t count;

    /* Earlier ones cannot take away single subcommands. */
    users_of_goal(a, goal, version >= V7_0 ? restrictions : "", REPLICA_RULES, &lines, &count);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s\n", lines[i]);
    buf_printf(&text, "user " ADMIN_USER " on %s ~* %s +@all\n",
               password_rule(a, admin_password(a, host, goal)), version >= V6_2 ? "&*" : "");
    return (struct str){arena_memdup(a, text.ptr, text.len), text.len};
}

struct files {
    struct driver_file *items;
    size_t count, capacity;
};

static void add_tls_files(struct arena *a, struct files *files, const struct agent_node_tls *tls)
{
    if (!tls)
        return;
    *vec_add(a, files) = (struct driver_file){TLS_CERT, str_of(tls->certificate)};
    *vec_add(a, files) = (struct driver_file){TLS_KEY, str_of(tls->private_key)};
    *vec_add(a, files) = (struct driver_file){TLS_CA, str_of(tls->authority)};
}

/* ---- a start ---- */

static void add_restrictions(struct arena *a, struct buf *conf, const struct driver_host *host,
                             const struct agent_node_goal *goal)
{
    for (size_t i = 0; i < countof(hidden_commands); i++)
        conf_add_words(conf, "rename-command", hidden_commands[i].name,
                       hidden_commands[i].is_used ? command(a, host, goal, hidden_commands[i].name)
                                                  : "");
}

static void add_ports(struct buf *conf, const struct agent_node_goal *goal)
{
    conf_add_int(conf, "tcp-backlog", DRIVER_BACKLOG);
    if (!goal->tls) {
        conf_add_int(conf, "port", goal->port.value);
        return;
    }
    conf_add(conf, "port", "0");
    conf_add_int(conf, "tls-port", goal->port.value);
    conf_add(conf, "tls-cert-file", TLS_CERT);
    conf_add(conf, "tls-key-file", TLS_KEY);
    conf_add(conf, "tls-ca-cert-file", TLS_CA);
    conf_add(conf, "tls-auth-clients", "no");
    conf_add(conf, "tls-replication", "yes");
}

/* How a SIGTERM ends it: with or without a file of what is in memory. Before 7.0 it writes one
 * when there are points of time for snapshots, of which this one never comes. */
static void keeping(const struct driver_host *host, const struct agent_node_goal *goal, int version,
                    const char **out_name, const char **out_value)
{
    bool keeps = driver_keeps_data(host, goal);

    *out_name = version >= V7_0 ? "shutdown-on-sigterm" : "save";
    if (version >= V7_0)
        *out_value = keeps ? "save" : "nosave";
    else
        *out_value = keeps ? "2147483647 2147483647" : "";
}

/* A node with a role begins as a replica of nobody, which takes no writes and feeds nobody, until
 * it has its orders. */
static void add_data(struct buf *conf, const struct driver_host *host,
                     const struct agent_node_goal *goal, int version)
{
    const char *name, *value;

    keeping(host, goal, version, &name, &value);
    if (version >= V7_0)
        conf_add(conf, "save", "");
    if (version < V7_0 && *value)
        buf_printf(conf, "save %s\n", value);
    else
        conf_add(conf, name, value);
    conf_add(conf, "dbfilename", DRIVER_KEPT);
    conf_add(conf, "appendonly", "no");
    conf_add(conf, "repl-diskless-sync", "yes");
    conf_add(conf, "repl-diskless-sync-delay", "0");
    if (version >= V6_0)
        conf_add(conf, "rdb-del-sync-files", "yes"); /* DRIVER_KEPT is of a clean end alone */
    if (goal->role)
        buf_printf(conf, "%s %s %d\n", version >= 500 ? "replicaof" : "slaveof", goal->address,
                   NOWHERE_PORT);
}

static const char *statics_of(struct arena *a, const struct agent_node_goal *goal,
                              const struct parameter_taker *taker)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    buf_puts(&text, goal->tls ? "tls\n" : "");
    parameters_add_statics(a, &text, goal, taker);
    return str_dup(a, buf_str(&text));
}

static struct err redis_prepare(struct arena *a, const struct driver_host *host,
                                const struct agent_node_goal *goal, struct driver_launch *out)
{
    scoped(buf_fini) struct buf conf = BUF_EMPTY;
    const struct driver_program *program;
    struct driver_launch launch = {0};
    struct files files = VEC_EMPTY;

    if (goal->engine && strcmp(goal->engine, "memcached") == 0)
        return err_make(ERR_INVALID, "the redis driver does not run memcached");
    TRY(program_of(a, host, goal, &program));
    const struct parameter_taker taker = {.version = version_number(program->version)};
    TRY(check_wishes(a, goal, taker.version));

    conf_add_bind(&conf, goal);
    conf_add(&conf, "replica-announce-ip", goal->address);
    add_ports(&conf, goal);
    conf_add(&conf, "protected-mode",
             "no"); /* who may connect is the network's matter, as in a VPC */
    conf_add(&conf, "unixsocket", ADMIN_SOCKET);
    conf_add(&conf, "unixsocketperm", "700");
    conf_add(&conf, "daemonize", "no");
    conf_add(&conf, "supervised", "systemd"); /* says READY=1 to the shim */
    if (taker.version >= V6_2)
        conf_add(&conf, "set-proc-title", "no");
    if (taker.version >= V6_0)
        conf_add(&conf, "aclfile", USERS_FILE);
    conf_add_int(&conf, "maxmemory", goal->maxmemory_bytes.value);
    add_data(&conf, host, goal, taker.version);
    parameters_add_conf(a, &conf, goal, &taker);
    add_restrictions(a, &conf, host, goal);

    const char **argv = arena_array(a, 3, sizeof(*argv));
    argv[0] = program->path;
    argv[1] = DRIVER_CONF;
    launch.argv = argv;
    launch.conf = (struct str){arena_memdup(a, conf.ptr, conf.len), conf.len};
    launch.statics = statics_of(a, goal, &taker);
    if (taker.version >= V6_0)
        *vec_add(a, &files) =
            (struct driver_file){USERS_FILE, users_file(a, host, goal, taker.version)};
    add_tls_files(a, &files, goal->tls);
    launch.files = files.items;
    launch.file_count = files.count;
    *out = launch;
    return OK;
}

/* ---- orders to one that runs ---- */

/* The goal as its parameters are while the node is fenced. */
static struct agent_node_goal fenced(struct arena *a, const struct agent_node_goal *goal)
{
    struct agent_node_goal copy = *goal;
    size_t count = goal->parameters.count;

    copy.parameters.items = arena_array(a, count + 1, sizeof(*copy.parameters.items));
    copy.parameters.items[0] =
        (struct agent_parameter){.name = FENCE_NAME, .value = FENCE_REPLICAS};
    for (size_t i = 0; i < count; i++)
        copy.parameters.items[i + 1] = goal->parameters.items[i];
    copy.parameters.count = count + 1;
    return copy;
}

/* A word of the first line that gives access and is not in the second one. */
static bool loses_access(struct str before, struct str line)
{
    while (before.len > 0) {
        struct str word = str_cut(&before, ' ');
        bool gives = str_starts(word, "#") || str_is(word, "nopass") || str_is(word, "on");
        bool is_there = false;

        for (struct str rest = line; gives && !is_there && rest.len > 0;)
            is_there = str_eq(str_cut(&rest, ' '), word);
        if (gives && !is_there)
            return true;
    }
    return false;
}

static struct str name_in(struct str line)
{
    str_cut(&line, ' '); /* "user" */
    return str_cut(&line, ' ');
}

/* The line of that user; empty when there is none. */
static struct str line_of(struct str lines, struct str name)
{
    while (lines.len > 0) {
        struct str line = str_cut(&lines, '\n');
        if (line.len > 0 && str_eq(name_in(line), name))
            return line;
    }
    return (struct str){0};
}

static void order_user(struct arena *a, struct driver_orders *orders, struct str line)
{
    vec_of(const char *) words = VEC_EMPTY;

    *vec_add(a, &words) = "ACL";
    *vec_add(a, &words) = "SETUSER";
    *vec_add(a, &words) = str_dup(a, name_in(line));
    *vec_add(a, &words) = "reset";
    str_cut(&line, ' ');
    str_cut(&line, ' ');
    while (line.len > 0) {
        struct str word = str_cut(&line, ' ');
        if (word.len > 0)
            *vec_add(a, &words) = str_dup(a, word);
    }
    orders_add_words(a, orders, "users", words.items, words.count);
}

/* One by one, because ACL LOAD would close the connections of everybody. Who lost a password, or
 * all access, is disconnected. */
static void order_users(struct arena *a, struct driver_orders *orders, struct str before,
                        struct str lines)
{
    for (struct str rest = lines; rest.len > 0;) {
        struct str line = str_cut(&rest, '\n'), name = name_in(line);
        if (line.len == 0 || str_eq(line_of(before, name), line))
            continue;
        order_user(a, orders, line);
        if (loses_access(line_of(before, name), line))
            orders_add(a, orders, "closing connections", "CLIENT", "KILL", "USER", str_dup(a, name),
                       NULL);
    }
    while (before.len > 0) {
        struct str name = name_in(str_cut(&before, '\n'));
        if (name.len > 0 && line_of(lines, name).len == 0)
            orders_add(a, orders, "users", "ACL", "DELUSER", str_dup(a, name), NULL);
    }
}

/* Connections of who was here when it was primary: they are to look for the new one. */
static void order_farewell(struct arena *a, struct driver_orders *orders)
{
    orders_add(a, orders, "closing connections", "CLIENT", "KILL", "TYPE", "normal", "SKIPME",
               "yes", NULL);
}

static void order_role(struct arena *a, struct driver_orders *orders, const char *replicaof,
                       const struct agent_node_goal *goal, enum driver_role now)
{
    const struct agent_node_role *role = goal->role;
    size_t last = orders->count;

    orders->after_offset = role->is_fenced.value ? 0 : role->after_offset.value;
    if (role->is_primary.value || role->is_fenced.value) {
        orders_add(a, orders, "role", replicaof, "NO", "ONE", NULL);
    } else {
        const char *address;
        int port;
        role_whom(goal, &address, &port);
        orders_add(a, orders, "role", replicaof, address, arena_printf(a, "%d", port), NULL);
    }
    if (!role->is_primary.value && now == DRIVER_PRIMARY)
        order_farewell(a, orders);
    orders_wait(orders, last);
}

static struct err redis_orders(struct arena *a, const struct driver_host *host,
                               const struct agent_node_goal *goal, const struct driver_now *now,
                               struct driver_orders *out)
{
    const struct driver_program *program;
    const struct agent_node_role *role = goal->role;
    struct driver_orders orders = {0};
    struct files files = VEC_EMPTY;
    const char *name, *value, *user, *password;

    TRY(program_of(a, host, goal, &program));
    /* Whether writes are taken is for the shim to say, which holds the lease. */
    const struct parameter_taker taker = {.version = version_number(program->version),
                                          .without = role_is_leased(role) ? FENCE_NAME : NULL};
    TRY(check_wishes(a, goal, taker.version));
    if (role && role->endpoints.count > 0 && taker.version < V6_2)
        return err_make(ERR_UNSUPPORTED,
                        "an address that moves needs a redis-server of 6.2 or later");
    const char *config = command(a, host, goal, "CONFIG");
    bool is_fenced = role && role->is_fenced.value;
    bool is_to_follow = role && !role->is_primary.value && !is_fenced;
    struct agent_node_goal shown = is_fenced ? fenced(a, goal) : *goal;

    if (taker.version >= V6_0)
        orders.record = (struct driver_file){USERS_FILE, users_file(a, host, goal, taker.version)};
    add_tls_files(a, &files, goal->tls);
    orders.files = files.items;
    orders.file_count = files.count;
    if (goal->tls)
        orders_add(a, &orders, "TLS", config, "SET", "tls-cert-file", TLS_CERT, "tls-key-file",
                   TLS_KEY, "tls-ca-cert-file", TLS_CA, NULL);
    orders_add(a, &orders, "maxmemory", config, "SET", "maxmemory",
               arena_printf(a, "%lld", (long long)goal->maxmemory_bytes.value), NULL);
    if (!is_to_follow)
        parameters_add_orders(a, &orders, config, &shown, &taker);
    keeping(host, goal, taker.version, &name, &value);
    orders_add(a, &orders, "keeping data", config, "SET", name, value, NULL);
    if (taker.version >= V6_0) {
        order_users(a, &orders, now->record, orders.record.content);
        role_login(role, &user, &password);
        orders_add(a, &orders, "primary's user", config, "SET", "masteruser", user, NULL);
        orders_add(a, &orders, "primary's user", config, "SET", "masterauth", password, NULL);
    }
    if (taker.version >= V6_2)
        binding_before_role(a, &orders, config, goal, now);
    if (is_fenced && now->role == DRIVER_PRIMARY && !now->is_fenced)
        order_farewell(a, &orders);
    if (role)
        order_role(a, &orders, command(a, host, goal, "REPLICAOF"), goal, now->role);
    if (taker.version >= V6_2)
        binding_behind_role(a, &orders, config, goal, now);
    if (is_to_follow) /* one of them is the fence of who was primary, which holds until it follows
                       */
        parameters_add_orders(a, &orders, config, &shown, &taker);
    *out = orders;
    return OK;
}

static void redis_contact(const struct driver_host *host, const struct agent_node_goal *goal,
                          struct driver_contact *out)
{
    scoped(arena_fini) struct arena a = {0};
    const struct driver_program *program;

    *out = (struct driver_contact){.socket = ADMIN_SOCKET,
                                   .probe = &resp_probe,
                                   .stats = &resp_stats,
                                   .numbers = &resp_numbers,
                                   .role = &resp_role};
    snprintf(out->sync, sizeof(out->sync), "%s", command(&a, host, goal, "SYNC"));
    if (!err_failed(program_of(&a, host, goal, &program)) &&
        version_number(program->version) >= V6_0)
        snprintf(out->greeting, sizeof(out->greeting), "AUTH " ADMIN_USER " %s\r\n",
                 admin_password(&a, host, goal));
}

/* ---- a lease ---- */

static const char *as_resp(struct arena *a, const struct driver_orders *orders)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < orders->count; i++)
        order_write(&text, &orders->items[i]);
    return str_dup(a, buf_str(&text));
}

static struct err redis_fence(struct arena *a, const struct driver_host *host,
                              const struct agent_node_goal *goal, struct driver_fence *out)
{
    const struct driver_program *program;
    struct driver_orders fence = {0}, unfence = {0};

    TRY(program_of(a, host, goal, &program));
    const char *config = command(a, host, goal, "CONFIG");
    const char *name = version_number(program->version) >= 500 ? FENCE_NAME : "min-slaves-to-write";
    const char *value = goal_parameter(goal, FENCE_NAME);

    orders_add(a, &fence, "fence", config, "SET", name, FENCE_REPLICAS, NULL);
    order_farewell(a, &fence);
    orders_add(a, &unfence, "fence", config, "SET", name, value ? value : "0", NULL);
    *out = (struct driver_fence){as_resp(a, &fence), as_resp(a, &unfence)};
    return OK;
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
    .engines = engines,
    .record = USERS_FILE,
    .prepare = redis_prepare,
    .contact = redis_contact,
    .orders = redis_orders,
    .fence = redis_fence,
    .plain = redis_plain,
};
