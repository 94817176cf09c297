/* larder-engine, part of Larder: redis, valkey and memcached clusters by one program. */
#include "agent/drivers/binding.h"
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "agent/drivers/parameters.h"
#include "agent/drivers/secrets.h"
#include "base/arena.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <string.h>

#define ADMIN_SOCKET "admin.sock" /* in the working directory, so that no path is too long */
#define USERS_FILE   "users.acl"
#define TLS_CERT     "tls.crt"
#define TLS_KEY      "tls.key"
#define TLS_CA       "tls-ca.crt"

/* Of the user by which replicas come: the owner's own, whom tenants do not see. */
#define REPLICA_RULES "owner resetchannels -@all +psync +replconf +ping"

struct files {
    struct driver_file *items;
    size_t count, capacity;
};

static const char *const names[] = {"larder-engine", NULL};

static const struct parameter_taker taker = {.is_bundled = true};

/* What a parameter's 1 and 0, or its number, are as a directive's value. */
enum meaning { THE_SAME, YES_OR_NO, NO_OR_YES, KILOBYTES };

/* Parameters of memcached that the engine has as directives of its own; all take effect at a start
 * only. */
static const struct {
    const char *parameter, *directive;
    enum meaning meaning;
} memcached_parameters[] = {
    {"backlog_queue_limit",          "tcp-backlog",                     THE_SAME },
    {"binding_protocol",             "larder-memcached-binding",        THE_SAME },
    {"cas_disabled",                 "larder-memcached-cas",            NO_OR_YES},
    {"disable_flush_all",            "larder-memcached-flush-all",      NO_OR_YES},
    {"idle_timeout",                 "timeout",                         THE_SAME },
    {"lru_crawler",                  "larder-memcached-crawler",        YES_OR_NO},
    {"max_item_size",                "larder-memcached-item-max",       THE_SAME },
    {"max_simultaneous_connections", "maxclients",                      THE_SAME },
    {"watcher_logbuf_size",          "larder-memcached-watcher-buffer", KILOBYTES},
    {"worker_logbuf_size",           "larder-memcached-worker-buffer",  KILOBYTES},
};

static void add_memcached_parameter(struct buf *conf, const char *directive, enum meaning meaning,
                                    const char *value)
{
    bool is_one = strcmp(value, "1") == 0;
    char text[64];

    snprintf(text, sizeof(text), "%skb", value);
    switch (meaning) {
    case THE_SAME: conf_add(conf, directive, value); break;
    case YES_OR_NO: conf_add(conf, directive, is_one ? "yes" : "no"); break;
    case NO_OR_YES: conf_add(conf, directive, is_one ? "no" : "yes"); break;
    case KILOBYTES: conf_add(conf, directive, text); break;
    }
}

static bool is_memcached(const struct agent_node_goal *goal)
{
    return goal->engine && strcmp(goal->engine, "memcached") == 0;
}

/* Work is counted where its limit may come and go: 0 is none. */
static int64_t work_limit(const struct agent_node_goal *goal)
{
    return goal->work_per_second.has ? goal->work_per_second.value : -1;
}

/* A full cache makes room by letting go of what was not used for longest, or refuses. */
static const char *memcached_policy(const struct agent_node_goal *goal)
{
    const char *refuses = goal_parameter(goal, "error_on_memory_exhausted");

    return refuses && strcmp(refuses, "1") == 0 ? "noeviction" : "allkeys-lru";
}

static void add_memcached_parameters(struct buf *conf, const struct agent_node_goal *goal)
{
    conf_add(conf, "maxmemory-policy", memcached_policy(goal));
    for (size_t i = 0; i < countof(memcached_parameters); i++) {
        const char *value = goal_parameter(goal, memcached_parameters[i].parameter);
        if (value)
            add_memcached_parameter(conf, memcached_parameters[i].directive,
                                    memcached_parameters[i].meaning, value);
    }
}

/* What clients are told of the nodes. */
static const char *cluster_text(const struct agent_node_goal *goal)
{
    return goal->cluster_nodes ? goal->cluster_nodes : "";
}

/* ---- files ---- */

static struct str users_file(struct arena *a, const struct agent_node_goal *goal)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *const *lines;
    size_t count;

    users_of_goal(a, goal, "", REPLICA_RULES, &lines, &count);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s\n", lines[i]);
    return (struct str){arena_memdup(a, text.ptr, text.len), text.len};
}

static void add_file(struct arena *a, struct files *files, const char *name, struct str content)
{
    *vec_add(a, files) = (struct driver_file){name, content};
}

static struct files files_of(struct arena *a, const struct agent_node_goal *goal)
{
    struct files files = VEC_EMPTY;

    if (!is_memcached(goal))
        add_file(a, &files, USERS_FILE, users_file(a, goal));
    if (goal->tls) {
        add_file(a, &files, TLS_CERT, str_of(goal->tls->certificate));
        add_file(a, &files, TLS_KEY, str_of(goal->tls->private_key));
        add_file(a, &files, TLS_CA, str_of(goal->tls->authority));
    }
    return files;
}

static struct err check_tls(const struct agent_node_tls *tls)
{
    if (tls &&
        (!tls->mode || (strcmp(tls->mode, "preferred") != 0 && strcmp(tls->mode, "required") != 0)))
        return err_make(ERR_INVALID, "the goal's TLS is neither preferred nor required");
    if (tls && (!tls->certificate || !tls->private_key || !tls->authority))
        return err_make(ERR_INVALID, "the goal's TLS lacks a certificate, a key or an authority");
    return OK;
}

static struct err check_wishes(struct arena *a, const struct agent_node_goal *goal)
{
    TRY(check_tls(goal->tls));
    TRY(users_check(a, goal));
    return role_check(goal->role);
}

/* ---- a start ---- */

static void add_tls(struct buf *conf, const struct agent_node_goal *goal)
{
    if (!goal->tls)
        return;
    conf_add(conf, "larder-tls-mode", goal->tls->mode);
    conf_add(conf, "tls-cert-file", TLS_CERT);
    conf_add(conf, "tls-key-file", TLS_KEY);
    conf_add(conf, "tls-ca-cert-file", TLS_CA);
    conf_add(conf, "tls-auth-clients", "no");
    conf_add(conf, "tls-replication", "yes");
}

static void add_seeds(struct arena *a, struct buf *conf, const struct agent_node_seeds *seeds)
{
    const char *files = "";

    if (!seeds)
        return;
    for (size_t i = 0; i < seeds->parts.count; i++)
        files = arena_printf(a, "%s%s%s", files, i ? " " : "",
                             driver_seed_name(a, seeds->parts.items[i].part_id.value));
    conf_add(conf, "larder-seed-files", files);
    if (seeds->slots && *seeds->slots)
        conf_add(conf, "larder-seed-slots", seeds->slots);
}

/* ---- logs ---- */

static const struct agent_node_log *log_of(const struct agent_node_goal *goal, const char *type)
{
    for (size_t i = 0; i < goal->logs.count; i++)
        if (strcmp(goal->logs.items[i].log_type, type) == 0)
            return &goal->logs.items[i];
    return NULL;
}

/* What a log is turned into on its way is made of JSON. */
static const char *engine_log_format(const struct agent_node_goal *goal)
{
    return log_of(goal, "engine-log") ? "json" : "text";
}

static const char *slow_log_format(const struct agent_node_goal *goal)
{
    const struct agent_node_log *slow = log_of(goal, "slow-log");
    return slow ? slow->format : "text";
}

static const char *slow_log_file(const struct agent_node_goal *goal)
{
    return log_of(goal, "slow-log") ? DRIVER_SLOW_LOG : "";
}

static void add_logs(struct buf *conf, const struct agent_node_goal *goal)
{
    conf_add(conf, "larder-log-cluster", goal->cluster ? goal->cluster : "");
    conf_add(conf, "larder-log-node", goal->cache_node_id ? goal->cache_node_id : "");
    conf_add(conf, "larder-log-format", engine_log_format(goal));
    conf_add(conf, "larder-slowlog-format", slow_log_format(goal));
    conf_add(conf, "larder-slowlog-file", slow_log_file(goal));
}

static void order_logs(struct arena *a, struct driver_orders *orders,
                       const struct agent_node_goal *goal)
{
    orders_add(a, orders, "logs", "CONFIG", "SET", "larder-log-cluster",
               goal->cluster ? goal->cluster : "", "larder-log-node",
               goal->cache_node_id ? goal->cache_node_id : "", "larder-log-format",
               engine_log_format(goal), "larder-slowlog-format", slow_log_format(goal),
               "larder-slowlog-file", slow_log_file(goal), NULL);
}

/*
 * A node with a role begins as a replica of nobody: it takes no writes and gives no data to
 * replicas that are still looking for it, until it has its orders. What it has loaded keeps its
 * place in the stream meanwhile.
 */
static void add_resp(struct arena *a, struct buf *conf, const struct driver_host *host,
                     const struct agent_node_goal *goal)
{
    conf_add(conf, "larder-engine-name", goal->engine ? goal->engine : "redis");
    conf_add(conf, "aclfile", USERS_FILE);
    conf_add_int(conf, "tcp-backlog", DRIVER_BACKLOG);
    conf_add(conf, "dbfilename", DRIVER_KEPT);
    conf_add(conf, "save", "");
    if (goal->seal)
        conf_add(conf, "larder-sealed", "yes");
    conf_add(conf, "shutdown-on-sigterm", driver_keeps_data(host, goal) ? "save" : "nosave");
    if (goal->topology)
        conf_add(conf, "cluster-enabled", "yes");
    if (goal->role)
        buf_printf(conf, "replicaof %s %d\n", goal->address, NOWHERE_PORT);
    add_logs(conf, goal);
    parameters_add_conf(a, conf, goal, &taker);
}

static const char *statics_of(struct arena *a, const struct agent_node_goal *goal)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    buf_printf(&text, "%s %s\n", goal->engine ? goal->engine : "redis",
               goal->engine_version ? goal->engine_version : "");
    if (is_memcached(goal)) {
        add_memcached_parameters(&text, goal);
    } else {
        buf_puts(&text, goal->topology ? "cluster-enabled yes\n" : "");
        parameters_add_statics(a, &text, goal, &taker);
    }
    return str_dup(a, buf_str(&text));
}

static struct err bundled_prepare(struct arena *a, const struct driver_host *host,
                                  const struct agent_node_goal *goal, struct driver_launch *out)
{
    scoped(buf_fini) struct buf conf = BUF_EMPTY;
    const struct driver_program *program;

    TRY(driver_program(a, host, &driver_bundled, NULL, &program));
    TRY(check_wishes(a, goal));
    conf_add(&conf, "larder-protocol", is_memcached(goal) ? "memcached" : "resp");
    if (goal->engine_version)
        conf_add(&conf, is_memcached(goal) ? "larder-memcached-version" : "larder-engine-version",
                 goal->engine_version);
    conf_add(&conf, "larder-restricted", "yes");
    conf_add(&conf, "larder-admin-socket", ADMIN_SOCKET);
    conf_add_bind(&conf, goal);
    conf_add(&conf, "replica-announce-ip", goal->address); /* not where the connection comes from */
    conf_add_int(&conf, "port", goal->port.value);
    conf_add(&conf, "daemonize", "no");
    conf_add_int(&conf, "maxmemory", goal->maxmemory_bytes.value);
    if (goal->reader_port.value)
        conf_add_int(&conf, "larder-reader-port", goal->reader_port.value);
    if (goal->is_serverless.value)
        conf_add(&conf, "larder-serverless", "yes");
    conf_add_int(&conf, "larder-ecpus-per-second", work_limit(goal));
    conf_add(&conf, "repl-diskless-sync-delay", "0");
    add_seeds(a, &conf, goal->seeds);
    add_tls(&conf, goal);
    if (is_memcached(goal)) {
        add_memcached_parameters(&conf, goal);
        conf_add(&conf, "larder-memcached-cluster", cluster_text(goal));
    } else {
        add_resp(a, &conf, host, goal);
    }

    const char **argv = arena_array(a, 3, sizeof(*argv));
    argv[0] = program->path;
    argv[1] = DRIVER_CONF;
    struct files files = files_of(a, goal);
    *out = (struct driver_launch){
        .argv = argv,
        .conf = {arena_memdup(a, conf.ptr, conf.len), conf.len},
        .files = files.items,
        .file_count = files.count,
        .statics = statics_of(a, goal),
    };
    return OK;
}

/* ---- orders to one that runs ---- */

/* All at once: a certificate fits its key, or neither is taken. */
static void order_tls(struct arena *a, struct driver_orders *orders,
                      const struct agent_node_goal *goal)
{
    if (!goal->tls)
        orders_add(a, orders, "TLS", "CONFIG", "SET", "larder-tls-mode", "off", "tls-replication",
                   "no", NULL);
    else
        orders_add(a, orders, "TLS", "CONFIG", "SET", "tls-cert-file", TLS_CERT, "tls-key-file",
                   TLS_KEY, "tls-ca-cert-file", TLS_CA, "tls-auth-clients", "no", "larder-tls-mode",
                   goal->tls->mode, "tls-replication", "yes", NULL);
}

static void order_users(struct arena *a, struct driver_orders *orders,
                        const struct agent_node_goal *goal, int64_t epoch)
{
    const char *const *lines;
    size_t count;

    users_of_goal(a, goal, "", REPLICA_RULES, &lines, &count);
    const char **words = arena_array(a, count + 2, sizeof(*words));
    words[0] = "LARDER.USERS";
    words[1] = arena_printf(a, "%lld", (long long)epoch);
    for (size_t i = 0; i < count; i++)
        words[2 + i] = lines[i];
    orders_add_words(a, orders, "users", words, count + 2);
}

/* Comes first, as an engine that waits for its key takes nothing else. */
static void order_seal(struct arena *a, struct driver_orders *orders,
                       const struct agent_node_seal *seal)
{
    orders_add(a, orders, "data key", "LARDER.KEY", seal->data_key, NULL);
    orders->items[orders->count - 1].is_vital = true; /* it loads what was kept */
    orders_add(a, orders, "encryption at rest", "CONFIG", "SET", "larder-sealed", "yes", NULL);
}

static void order_topology(struct arena *a, struct driver_orders *orders,
                           const struct agent_node_topology *topology)
{
    const char **words = arena_array(a, topology->words.count + 2, sizeof(*words));

    words[0] = "LARDER.TOPOLOGY";
    words[1] = arena_printf(a, "%lld", (long long)topology->epoch.value);
    for (size_t i = 0; i < topology->words.count; i++)
        words[2 + i] = topology->words.items[i];
    orders_add_words(a, orders, "topology", words, topology->words.count + 2);
    orders_add(a, orders, "topology", "CONFIG", "SET", "larder-open-replicas",
               topology->opens_replicas.value ? "yes" : "no", NULL);
}

/* A fenced primary gets no role: that of its term belongs to its successor. */
static void order_role(struct arena *a, struct driver_orders *orders,
                       const struct agent_node_goal *goal)
{
    const struct agent_node_role *role = goal->role;
    const char *term = arena_printf(a, "%lld", (long long)role->term.value);

    if (role->is_fenced.value) {
        orders_add(a, orders, "fence", "LARDER.FENCE", term, NULL);
        orders_add(a, orders, "role", "REPLICAOF", "NO", "ONE", NULL);
    } else if (role_is_leased(role)) {
        orders->after_offset = role->after_offset.value;
        orders_add(a, orders, "role", "LARDER.ROLE", term, "primary", "LEASED", NULL);
    } else if (role->is_primary.value) {
        orders->after_offset = role->after_offset.value;
        orders_add(a, orders, "role", "LARDER.ROLE", term, "primary", NULL);
    } else {
        const char *address;
        int port;
        role_whom(goal, &address, &port);
        orders->after_offset = role->after_offset.value;
        orders_add(a, orders, "role", "LARDER.ROLE", term, "replica", address,
                   arena_printf(a, "%d", port), NULL);
    }
}

/* Before it lets go of anything: where its successor is too slow, nothing has happened. */
static void order_yield(struct arena *a, struct driver_orders *orders,
                        const struct agent_node_role *role)
{
    const struct agent_yield *yield = role->yield;

    orders_add(a, orders, "yielding", "LARDER.YIELD",
               arena_printf(a, "%lld", (long long)role->term.value),
               arena_printf(a, "%lld", (long long)yield->number.value),
               arena_printf(a, "%lld", (long long)yield->ms.value), yield->address,
               arena_printf(a, "%lld", (long long)yield->port.value), NULL);
    orders->items[orders->count - 1].yields = true;
}

/* One that had a lease and needs none any more, because its replicas are gone, takes writes by its
 * role alone. */
static void order_no_lease(struct arena *a, struct driver_orders *orders,
                           const struct agent_node_role *role)
{
    if (role && role->is_primary.value && !role->is_fenced.value && !role->lease)
        orders_add(a, orders, "lease", "LARDER.LEASE",
                   arena_printf(a, "%lld", (long long)role->term.value), "none", NULL);
}

static void order_resp(struct arena *a, struct driver_orders *orders,
                       const struct driver_host *host, const struct agent_node_goal *goal,
                       const struct driver_now *now)
{
    const struct agent_node_role *role = goal->role;
    const char *user, *password;

    parameters_add_orders(a, orders, "CONFIG", goal, &taker);
    orders_add(a, orders, "keeping data", "CONFIG", "SET", "shutdown-on-sigterm",
               driver_keeps_data(host, goal) ? "save" : "nosave", NULL);
    order_logs(a, orders, goal);
    order_users(a, orders, goal, now->epoch);
    /* Before the role: the first write of a primary waits for its replicas already. */
    orders_add(a, orders, "acknowledgements", "CONFIG", "SET", "larder-write-acks",
               arena_printf(a, "%lld", (long long)(role ? role->write_acks.value : 0)), NULL);
    order_no_lease(a, orders, role);
    role_login(role, &user, &password);
    orders_add(a, orders, "primary's user", "CONFIG", "SET", "masteruser", user, "masterauth",
               password, NULL);
    size_t last = orders->count;
    if (role && role->is_fenced.value && role->yield) {
        order_yield(a, orders, role);
        orders_wait(orders, last++);
    }
    binding_before_role(a, orders, "CONFIG", goal, now);
    if (role)
        order_role(a, orders, goal);
    binding_behind_role(a, orders, "CONFIG", goal, now);
    if (goal->topology)
        order_topology(a, orders, goal->topology);
    orders_wait(orders, last);
}

static struct err bundled_orders(struct arena *a, const struct driver_host *host,
                                 const struct agent_node_goal *goal, const struct driver_now *now,
                                 struct driver_orders *out)
{
    struct driver_orders orders = {0};
    struct files files = files_of(a, goal);

    TRY(check_wishes(a, goal));
    /* Nothing is in force before it: what was kept would be taken for loaded, and removed. */
    if (goal->seal && !goal->seal->data_key)
        return err_make(ERR_NOT_FOUND, "the control plane has not told the data key yet");
    orders.files = files.items;
    orders.file_count = files.count;
    if (goal->seal)
        order_seal(a, &orders, goal->seal);
    order_tls(a, &orders, goal);
    orders_add(a, &orders, "limits", "CONFIG", "SET", "maxmemory",
               arena_printf(a, "%lld", (long long)goal->maxmemory_bytes.value),
               "larder-ecpus-per-second", arena_printf(a, "%lld", (long long)work_limit(goal)),
               NULL);
    if (is_memcached(goal))
        orders_add(a, &orders, "nodes of the cluster", "CONFIG", "SET", "larder-memcached-cluster",
                   cluster_text(goal), NULL);
    else
        order_resp(a, &orders, host, goal, now);
    *out = orders;
    return OK;
}

static void bundled_contact(const struct driver_host *host, const struct agent_node_goal *goal,
                            struct driver_contact *out)
{
    (void)host;
    if (is_memcached(goal))
        *out = (struct driver_contact){.socket = ADMIN_SOCKET,
                                       .probe = &memcached_probe,
                                       .stats = &memcached_stats,
                                       .numbers = &memcached_numbers,
                                       .sync = "SYNC"};
    else
        *out = (struct driver_contact){.socket = ADMIN_SOCKET,
                                       .probe = &resp_probe,
                                       .stats = &resp_stats,
                                       .numbers = &resp_numbers,
                                       .role = &resp_role,
                                       .listen = &resp_listen,
                                       .sync = "SYNC"};
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
    .can_seal = true,
    .asks_about_tokens = true,
    .says_ready = true,
    .loads_seeds = true,
    .prepare = bundled_prepare,
    .contact = bundled_contact,
    .orders = bundled_orders,
    .plain = bundled_plain,
};
