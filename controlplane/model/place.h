/*
 * Which host and which address each new cache node gets. Pure: the caller says what hosts there are
 * and what is taken, or answers when it is asked; nothing else is read and nothing is written.
 * Handlers ask it whether a create can succeed at all, the reconciler asks it where the nodes go;
 * both feed it the same order, so both hear the same answer.
 *
 *     struct place *p = place_new(a, &hosts);
 *     place_take_address(p, "127.77.0.3", 6379);    for every address in use
 *     place_take_node(p, cluster_id, host_id);      for every placed node of the clusters concerned
 *     place_nodes(p, requests, count, choices);
 */
#ifndef LARDER_CONTROLPLANE_MODEL_PLACE_H
#define LARDER_CONTROLPLANE_MODEL_PLACE_H

#include "controlplane/model/cluster.h"

struct arena;
struct place;

struct place_request {
    int64_t
        cluster_id;   /* nodes of one cluster (or shard: see place_key) keep away from each other */
    int64_t node_id;  /* where the search for an address starts, so that none is soon reused */
    const char *zone; /* "" = any */
    int64_t memory_bytes;
    int64_t vcpus;
    int port;
    int second_port; /* that is to be free on the same address; 0 for none */
    enum network_type network;
    bool is_cross_az;    /* spread over zones before hosts */
    bool keeps_apart;    /* no two on one host while another one can take them, whatever its zone */
    const char *program; /* that the host must report, see engine_driver.h; "" = any */
};

struct place_choice {
    const char *host_id, *zone;           /* borrowed from the hosts given */
    const char *address, *second_address; /* as in a node's goal */
};

enum place_result {
    PLACE_OK,
    PLACE_NO_ZONE,    /* the region has no host in the zone asked for */
    PLACE_NO_HOST,    /* no host there is alive and runs the engine */
    PLACE_TOO_LARGE,  /* even an empty host there would be too small */
    PLACE_NO_MEMORY,  /* not enough of it is free now */
    PLACE_NO_VCPUS,   /* too many processors are taken already, see place_limit_vcpus */
    PLACE_NO_IPV6,    /* it is asked for, and no host has a pool of such addresses */
    PLACE_NO_ADDRESS, /* the pools have no address left on which the port is free */
};

/* What nodes keep away from each other: those of a shard, or of a cluster outside of groups. */
int64_t place_key(int64_t cluster_id, int64_t shard_id);

/* A sentence for people; a literal. */
const char *place_result_text(enum place_result result);

/* The board, in `a`; the hosts (of one region, with what is used of them) are borrowed. */
struct place *place_new(struct arena *a, const struct host_list *hosts);

/* From now on, only hosts in these zones (borrowed) are chosen. */
void place_limit_zones(struct place *p, const char *const *zones, size_t count);

/* From now on, no host gives more than so many times the processors that it has; 0: as many as
 * anybody asks for. One that did not say how many it has gives as many, too. */
void place_limit_vcpus(struct place *p, int64_t overcommit);

void place_take_address(struct place *p, const char *address, int port);

/* Whether somebody uses the address with that port, or at all (port 0): asked about each address
 * that is about to be chosen, besides those above, where there are too many to tell them all. */
typedef bool (*place_is_taken_fn)(void *context, const char *address, int port);
void place_ask_addresses(struct place *p, place_is_taken_fn is_taken, void *context);

/* A node that stands already; its memory is part of the host's used_bytes. A host that is not on
 * the board is ignored. */
void place_take_node(struct place *p, int64_t cluster_id, const char *host_id);

/* Gives a node of that host so much more memory and so many more processors (less, when negative),
 * unless the host has not got that any more. */
bool place_grow(struct place *p, const char *host_id, int64_t bytes, int64_t vcpus);

/*
 * Chooses for all requests, in their order, and takes what it chose; or chooses nothing, leaves the
 * board as it was and says why. Of the hosts that can take a node the best has the fewest nodes of
 * the cluster on itself (where they keep apart), then in its zone (cross-az only), then on itself,
 * then the most free memory, then the least taken of its processors, then the first name. `out` has
 * room for `count` choices; the addresses live in the board's arena.
 */
enum place_result place_nodes(struct place *p, const struct place_request *requests, size_t count,
                              struct place_choice *out);

#endif
