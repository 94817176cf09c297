/*
 * A cluster as its clients are shown it: the answers to CLUSTER's subcommands, in the shapes that
 * clients read, and the addresses that redirections name.
 */
#ifndef LARDER_CLUSTER_SHOW_H
#define LARDER_CLUSTER_SHOW_H

#include "base/buf.h"
#include "cacheengine/cluster/cluster.h"
#include "cacheengine/keyspace/reply.h"

/* Who looks, and what only this node knows. */
struct cluster_view {
    const struct cluster *cluster;
    const struct settings *settings;
    bool is_tls;     /* over TLS: its ports are those that count */
    uint64_t offset; /* this node's in the stream of replication */
};

void show_slots(const struct cluster_view *v, struct reply *r);
void show_shards(const struct cluster_view *v, struct reply *r);
void show_nodes(const struct cluster_view *v, struct buf *out);
void show_info(const struct cluster_view *v, struct buf *out);

/* The lines of a node's replicas, as an array. */
void show_replicas(const struct cluster_view *v, const struct topology_node *of, struct reply *r);

/* Where clients of a shard's primary are sent: "host:port". Lives in `a`. */
const char *show_primary(const struct cluster_view *v, struct arena *a, uint16_t shard);

#endif
