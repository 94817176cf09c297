/*
 * The topology of a cluster as a value: which shards there are, which nodes they have, which slots
 * they own. Made from words, complete or not at all, and never changed afterwards.
 *
 * The words (LARDER.TOPOLOGY has them behind its name):
 *
 *     EPOCH SELF
 *     SHARD shard-id SLOTS
 *       NODE node-id primary|replica IP PORT TLS-PORT HOSTNAME online|loading|fail
 *       NODE ...
 *     SHARD ...
 *     MIGRATION SLOTS from-shard-id to-shard-id
 *     ...
 *     READ SLOTS shard-id
 *     ...
 *     KEEP SLOTS
 *
 *     EPOCH      a decimal from 1 on, larger with every change of anything that follows
 *     SELF       the id of the node that is told; it is one of those below
 *     ids        40 digits of 0-9 and a-f, of nodes and of shards, none twice
 *     SLOTS      numbers and runs of them with commas between, "0-5460,5462", or "-" for none
 *     IP         an address of IPv4 or IPv6
 *     PORT       of plain connections, TLS-PORT of those with TLS; 0 where there are none: one is
 * not 0 HOSTNAME   letters, digits, '-', '.' and '_', at most 255; "-" for none
 *
 * A shard has exactly one primary, a slot at most one shard. Slots that no shard has are not
 * served.
 *
 * MIGRATION says that slots move from shard to shard key by key, by the hand of a client: the
 * shard that has them asks for keys that it has no more at the other one (ASK), which serves them
 * to who is ASKING. Slots that LARDER.MIGRATE moves need no such word: they move at one instant.
 *
 * READ says that a shard has all keys of slots that are another's, and answers reads of them, too:
 * they are about to be its own, and not all nodes hear of that at one instant.
 *
 * KEEP names slots whose keys stay, hidden, with shards that had the slots before: who follows such
 * a shard from outside of the cluster may still be asked for them.
 */
#ifndef LARDER_CLUSTER_TOPOLOGY_H
#define LARDER_CLUSTER_TOPOLOGY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "cacheengine/keyspace/slot.h"

#define CLUSTER_ID_LEN  40
#define SHARDS_MAX      1024
#define SHARD_NODES_MAX 64

enum node_health { NODE_ONLINE, NODE_LOADING, NODE_FAILED };

struct topology_node {
    char id[CLUSTER_ID_LEN + 1];
    const char *ip, *hostname; /* hostname: empty when there is none */
    uint32_t shard;            /* its index */
    uint16_t port, tls_port;
    enum node_health health;
    bool is_primary;
};

struct topology_shard {
    char id[CLUSTER_ID_LEN + 1];
    uint32_t node_first, node_count; /* its nodes, in the order of the words */
    uint32_t primary;                /* one of them */
    uint32_t slot_count;
};

#define NO_SHARD UINT16_MAX

struct topology {
    uint64_t epoch;
    struct topology_node *nodes;
    struct topology_shard *shards;
    uint32_t node_count, shard_count;
    uint32_t self;           /* the node */
    uint32_t assigned_count; /* slots that have a shard */
    uint32_t failed_count;   /* of them, those whose primary has failed */
    bool has_migrations;
    uint16_t owner[SLOT_COUNT];      /* the shard of a slot, or NO_SHARD */
    uint16_t next_owner[SLOT_COUNT]; /* where a MIGRATION moves it, or NO_SHARD */
    uint16_t reader[SLOT_COUNT];     /* that answers reads, too, or NO_SHARD */
    struct slot_set kept;            /* of all KEEP words */
};

/* Makes a topology in `a` of words, which are copied. ERR_INVALID with a sentence in `a`. */
must_use struct err topology_parse(struct arena *a, const struct str *words, size_t count,
                                   struct topology **out);

/* That of a node that was told of none: alone, without slots; epoch 0. */
struct topology *topology_alone(struct arena *a, const char *node_id, const char *shard_id);

/* An id as above; false when it is none. */
bool cluster_id_read(struct str word, char out[CLUSTER_ID_LEN + 1]);

/* A list of slots as above; ERR_INVALID with a sentence in `a`. */
must_use struct err slots_parse(struct arena *a, struct str text, struct slot_set *out);

static inline const struct topology_node *topology_self(const struct topology *t)
{
    return &t->nodes[t->self];
}

/* The shard of this node. */
static inline uint16_t topology_own_shard(const struct topology *t)
{
    return (uint16_t)t->nodes[t->self].shard;
}

static inline const struct topology_node *topology_primary(const struct topology *t, uint32_t shard)
{
    return &t->nodes[t->shards[shard].primary];
}

/* The node or shard of an id in any case, or NULL. */
const struct topology_node *topology_node_find(const struct topology *t, struct str id);
const struct topology_shard *topology_shard_find(const struct topology *t, struct str id);

/* The slots of one shard. */
void topology_slots(const struct topology *t, uint32_t shard, struct slot_set *out);

/* True when the cluster serves: every slot has a shard whose primary has not failed, or that is not
 * asked for. */
bool topology_is_up(const struct topology *t, bool wants_full_coverage);

#endif
