/*
 * What one node knows of its cluster: the topology that it was told last, what has changed hands
 * since (handover.h), and from both whether a command on a slot runs here. No sockets, no gossip:
 * the agent tells every node, and nodes tell each other nothing but keys.
 *
 * Ownership is looked up in `owner`, one number per slot. What was handed over after the topology
 * was made stays so under later topologies until one of them knows of it.
 */
#ifndef LARDER_CLUSTER_CLUSTER_H
#define LARDER_CLUSTER_CLUSTER_H

#include "cacheengine/cluster/handover.h"

struct settings;

struct cluster {
    struct arena arena; /* of the topology and its words */
    const struct topology *topology;
    const struct str *words; /* that it was made of; none: it was never set */
    size_t word_count;
    int64_t set_ms;             /* wall time when it was set */
    struct handovers handovers; /* since the topology was made, or before anybody was told one */
    uint16_t owner[SLOT_COUNT]; /* the shard that serves a slot now, or NO_SHARD */
    struct slot_set handed;     /* slots whose owner the hand-overs say */
    struct slot_set hidden;     /* slots of other shards */
    struct slot_set foreign;    /* of them, those that the topology too gives to others */
    struct slot_set importing;  /* of them, those whose keys come here: the imports' (import.h) */
    const struct slot_set
        *paused;       /* slots that are being handed over: nothing may change. NULL: none */
    bool hides_paused; /* nor may anything of them be seen */
};

/* A node that was told nothing yet; the ids are its own until then. */
void cluster_init(struct cluster *c, const char *node_id, const char *shard_id);
void cluster_fini(struct cluster *c);

/*
 * Takes over a topology, whole or not at all. The same one again changes nothing. ERR_INVALID with
 * what is wrong; ERR_CONFLICT when it is older than the present one, differs from it with the same
 * epoch, or is for another node. Sentences in `a`.
 */
must_use struct err cluster_set(struct cluster *c, struct arena *a, const struct str *words,
                                size_t count, int64_t now_ms);

/* Puts a record of a hand-over, and takes one back. False, and nothing, when there is no room for
 * it; when there is none of this id. Who calls it tells it (handover.h). */
bool cluster_hand_over(struct cluster *c, const struct handover *one);
bool cluster_take_back(struct cluster *c, struct str id);

/* Takes over records in place of those there are, as far as the topology has not decided them. */
void cluster_take_handovers(struct cluster *c, struct handovers *taken);

/* True when the node serves the slot as a primary. */
bool cluster_is_mine(const struct cluster *c, uint32_t slot);

/* Where a command on keys of one slot runs. */
enum route {
    ROUTE_HERE,
    ROUTE_HELD,       /* nowhere yet: the slot is being handed over */
    ROUTE_MOVED,      /* at the primary of *shard */
    ROUTE_ASK,        /* here, if all its keys are; at *shard if none is; else not now */
    ROUTE_WHOLE,      /* here, if it is about one key or all its keys are here; else not now */
    ROUTE_UNSERVED,   /* nowhere: nobody serves the slot */
    ROUTE_DOWN,       /* nowhere: the cluster does not serve */
    ROUTE_DOWN_WRITE, /* nowhere: it serves reads only */
};

struct route_query {
    uint32_t slot;
    bool is_write;       /* it is, for all that is known, */
    bool is_read;        /* or it is certainly none */
    bool is_asking;      /* ASKING was said, or the command does not need it */
    bool is_channel;     /* it is about shard channels: all nodes of a shard have them */
    bool reads_replicas; /* READONLY was said */
};

enum route cluster_route(const struct cluster *c, const struct settings *s,
                         const struct route_query *q, uint16_t *shard);

#endif
