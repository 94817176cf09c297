/*
 * The one idea: everything is shown from `owner`, one run of slots with the same shard after the
 * other, so that what was handed over since the topology came is shown too.
 */
#include "cacheengine/cluster/show.h"

#include "cacheengine/keyspace/settings.h"

#include <string.h>

/* The port of a bus that others have at this distance and nobody listens at here. */
#define BUS_DISTANCE 10000

/* ---- addresses ---- */

static const struct topology *topology_of(const struct cluster_view *v)
{
    return v->cluster->topology;
}

static bool is_self(const struct cluster_view *v, const struct topology_node *n)
{
    return n == topology_self(topology_of(v));
}

static const char *ip_of(const struct cluster_view *v, const struct topology_node *n)
{
    return is_self(v, n) && *v->settings->announced_ip ? v->settings->announced_ip : n->ip;
}

static const char *hostname_of(const struct cluster_view *v, const struct topology_node *n)
{
    const char *announced = v->settings->announced_hostname;

    return is_self(v, n) && *announced ? announced : n->hostname;
}

static int64_t plain_port(const struct cluster_view *v, const struct topology_node *n)
{
    int64_t port = n->port;

    if (is_self(v, n) && v->settings->announced_port)
        port = v->settings->announced_port;
    /* A node that was told of no topology knows its own port all the same. */
    return port || n->tls_port || !is_self(v, n) ? port : v->settings->port;
}

static int64_t tls_port(const struct cluster_view *v, const struct topology_node *n)
{
    int64_t announced = v->settings->announced_tls_port;

    return is_self(v, n) && announced ? announced : n->tls_port;
}

/* The port for clients like the one that looks, or the only one there is. */
static int64_t client_port(const struct cluster_view *v, const struct topology_node *n)
{
    int64_t plain = plain_port(v, n), tls = tls_port(v, n);

    return v->is_tls ? (tls ? tls : plain) : (plain ? plain : tls);
}

/* NULL: clients know it themselves. */
static const char *endpoint_of(const struct cluster_view *v, const struct topology_node *n)
{
    switch (v->settings->endpoint_type) {
    case ENDPOINT_IP: return ip_of(v, n);
    case ENDPOINT_HOSTNAME: return *hostname_of(v, n) ? hostname_of(v, n) : "?";
    default: return NULL;
    }
}

const char *show_primary(const struct cluster_view *v, struct arena *a, uint16_t shard)
{
    const struct topology_node *n = topology_primary(topology_of(v), shard);
    const char *endpoint = endpoint_of(v, n);

    return arena_printf(a, "%s:%lld", endpoint ? endpoint : "", (long long)client_port(v, n));
}

/* ---- runs of slots ---- */

/* The end (exclusive) of the run that begins with a slot. */
static uint32_t run_end(const struct cluster *c, uint32_t slot)
{
    uint32_t end = slot + 1;

    while (end < SLOT_COUNT && c->owner[end] == c->owner[slot])
        end++;
    return end;
}

/* ---- CLUSTER SLOTS ---- */

static void reply_node(const struct cluster_view *v, const struct topology_node *n, struct reply *r)
{
    int64_t type = v->settings->endpoint_type;
    const char *endpoint = endpoint_of(v, n), *hostname = hostname_of(v, n);
    bool has_ip = type != ENDPOINT_IP, has_hostname = type != ENDPOINT_HOSTNAME && *hostname;

    reply_array(r, 4);
    if (endpoint)
        reply_bulk_text(r, endpoint);
    else
        reply_null(r);
    reply_int(r, client_port(v, n));
    reply_bulk_text(r, n->id);
    reply_map(r, (size_t)has_ip + has_hostname);
    if (has_ip) {
        reply_bulk_text(r, "ip");
        reply_bulk_text(r, ip_of(v, n));
    }
    if (has_hostname) {
        reply_bulk_text(r, "hostname");
        reply_bulk_text(r, hostname);
    }
}

static bool is_listed_replica(const struct topology_node *n)
{
    return !n->is_primary && n->health == NODE_ONLINE;
}

static void reply_slots(const struct cluster_view *v, uint32_t first, uint32_t last,
                        struct reply *r)
{
    const struct topology *t = topology_of(v);
    const struct topology_shard *shard = &t->shards[v->cluster->owner[first]];
    const struct topology_node *nodes = t->nodes + shard->node_first;
    size_t replicas = 0;

    for (uint32_t i = 0; i < shard->node_count; i++)
        replicas += is_listed_replica(&nodes[i]);
    reply_array(r, 3 + replicas);
    reply_int(r, first);
    reply_int(r, last);
    reply_node(v, &t->nodes[shard->primary], r);
    for (uint32_t i = 0; i < shard->node_count; i++)
        if (is_listed_replica(&nodes[i]))
            reply_node(v, &nodes[i], r);
}

void show_slots(const struct cluster_view *v, struct reply *r)
{
    const struct cluster *c = v->cluster;
    struct reply_mark mark = reply_open(r);
    size_t count = 0;

    for (uint32_t slot = 0, end; slot < SLOT_COUNT; slot = end) {
        end = run_end(c, slot);
        if (c->owner[slot] == NO_SHARD)
            continue;
        reply_slots(v, slot, end - 1, r);
        count++;
    }
    reply_close(r, mark, '*', count);
}

/* ---- CLUSTER SHARDS ---- */

static void reply_text_field(struct reply *r, const char *name, const char *value)
{
    reply_bulk_text(r, name);
    reply_bulk_text(r, value);
}

static void reply_int_field(struct reply *r, const char *name, int64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, value);
}

static void reply_node_details(const struct cluster_view *v, const struct topology_node *n,
                               struct reply *r)
{
    static const char *const healths[] = {"online", "loading", "fail"};
    int64_t plain = plain_port(v, n), tls = tls_port(v, n);
    const char *hostname = hostname_of(v, n), *endpoint = endpoint_of(v, n);

    reply_map(r, 6 + (size_t)(plain != 0) + (tls != 0) + (*hostname != 0));
    reply_text_field(r, "id", n->id);
    if (plain)
        reply_int_field(r, "port", plain);
    if (tls)
        reply_int_field(r, "tls-port", tls);
    reply_text_field(r, "ip", ip_of(v, n));
    reply_text_field(r, "endpoint", endpoint ? endpoint : "");
    if (*hostname)
        reply_text_field(r, "hostname", hostname);
    reply_text_field(r, "role", n->is_primary ? "master" : "replica");
    reply_int_field(r, "replication-offset", is_self(v, n) ? (int64_t)v->offset : 0);
    reply_text_field(r, "health", healths[n->health]);
}

static void reply_shard_runs(const struct cluster *c, uint32_t shard, struct reply *r)
{
    struct reply_mark mark = reply_open(r);
    size_t count = 0;

    for (uint32_t slot = 0, end; slot < SLOT_COUNT; slot = end) {
        end = run_end(c, slot);
        if (c->owner[slot] != shard)
            continue;
        reply_int(r, slot);
        reply_int(r, end - 1);
        count += 2;
    }
    reply_close(r, mark, '*', count);
}

void show_shards(const struct cluster_view *v, struct reply *r)
{
    const struct topology *t = topology_of(v);

    reply_array(r, t->shard_count);
    for (uint32_t i = 0; i < t->shard_count; i++) {
        const struct topology_shard *shard = &t->shards[i];

        reply_map(r, 2);
        reply_bulk_text(r, "slots");
        reply_shard_runs(v->cluster, i, r);
        reply_bulk_text(r, "nodes");
        reply_array(r, shard->node_count);
        for (uint32_t j = 0; j < shard->node_count; j++)
            reply_node_details(v, &t->nodes[shard->node_first + j], r);
    }
}

/* ---- CLUSTER NODES ---- */

static void put_slots(const struct cluster_view *v, const struct topology_node *n, struct buf *out)
{
    const struct cluster *c = v->cluster;

    for (uint32_t slot = 0, end; slot < SLOT_COUNT; slot = end) {
        end = run_end(c, slot);
        if (c->owner[slot] != n->shard)
            continue;
        if (end - slot == 1)
            buf_printf(out, " %u", slot);
        else
            buf_printf(out, " %u-%u", slot, end - 1);
    }
}

/* The slots that move key by key, from or to this node. */
static void put_migrations(const struct cluster_view *v, struct buf *out)
{
    const struct topology *t = topology_of(v);
    uint16_t own = topology_own_shard(t);

    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        uint16_t to = t->next_owner[slot];

        if (to == NO_SHARD || slot_set_has(&v->cluster->handed, slot))
            continue;
        if (t->owner[slot] == own)
            buf_printf(out, " [%u->-%s]", slot, topology_primary(t, to)->id);
        else if (to == own)
            buf_printf(out, " [%u-<-%s]", slot, topology_primary(t, t->owner[slot])->id);
    }
}

static void put_node(const struct cluster_view *v, const struct topology_node *n, struct buf *out)
{
    const struct topology *t = topology_of(v);
    int64_t port = client_port(v, n);
    const char *hostname = hostname_of(v, n);

    buf_printf(out, "%s %s:%lld@%lld%s%s ", n->id, ip_of(v, n), (long long)port,
               (long long)port + BUS_DISTANCE, *hostname ? "," : "", hostname);
    buf_printf(out, "%s%s%s ", is_self(v, n) ? "myself," : "", n->is_primary ? "master" : "slave",
               n->health == NODE_FAILED ? ",fail" : "");
    buf_puts(out, n->is_primary ? "-" : topology_primary(t, n->shard)->id);
    /* Nobody pings: what is known of others is as old as the topology. */
    buf_printf(out, " 0 %lld %llu %s", is_self(v, n) ? 0 : (long long)v->cluster->set_ms,
               (unsigned long long)t->epoch,
               n->health == NODE_FAILED ? "disconnected" : "connected");
    if (n->is_primary)
        put_slots(v, n, out);
    if (is_self(v, n) && t->has_migrations)
        put_migrations(v, out);
}

void show_nodes(const struct cluster_view *v, struct buf *out)
{
    const struct topology *t = topology_of(v);

    for (uint32_t i = 0; i < t->node_count; i++) {
        put_node(v, &t->nodes[i], out);
        buf_putc(out, '\n');
    }
}

void show_replicas(const struct cluster_view *v, const struct topology_node *of, struct reply *r)
{
    const struct topology *t = topology_of(v);
    const struct topology_shard *shard = &t->shards[of->shard];

    reply_array(r, shard->node_count - 1);
    for (uint32_t i = 0; i < shard->node_count; i++) {
        const struct topology_node *n = &t->nodes[shard->node_first + i];
        scoped(buf_fini) struct buf line = BUF_EMPTY;

        if (n->is_primary)
            continue;
        put_node(v, n, &line);
        reply_bulk_str(r, buf_str(&line));
    }
}

/* ---- CLUSTER INFO ---- */

static uint32_t serving_shards(const struct topology *t)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < t->shard_count; i++)
        count += t->shards[i].slot_count > 0;
    return count;
}

void show_info(const struct cluster_view *v, struct buf *out)
{
    const struct topology *t = topology_of(v);
    bool is_up = topology_is_up(t, v->settings->wants_full_coverage);

    buf_printf(out,
               "cluster_state:%s\r\ncluster_slots_assigned:%u\r\ncluster_slots_ok:%u\r\n"
               "cluster_slots_pfail:0\r\ncluster_slots_fail:%u\r\n",
               is_up ? "ok" : "fail", t->assigned_count, t->assigned_count - t->failed_count,
               t->failed_count);
    buf_printf(out,
               "cluster_known_nodes:%u\r\ncluster_size:%u\r\ncluster_current_epoch:%llu\r\n"
               "cluster_my_epoch:%llu\r\n",
               t->node_count, serving_shards(t), (unsigned long long)t->epoch,
               (unsigned long long)t->epoch);
    buf_puts(out, "cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
                  "total_cluster_links_buffer_limit_exceeded:0\r\n");
}
