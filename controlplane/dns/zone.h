/*
 * What the embedded server knows: names with their addresses, shared between the threads that
 * publish and the one that answers. A name's set is replaced as a whole under a lock held for a
 * pointer's swap.
 */
#ifndef LARDER_CONTROLPLANE_DNS_ZONE_H
#define LARDER_CONTROLPLANE_DNS_ZONE_H

#include "base/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct zone;

enum zone_match {
    ZONE_NAME,    /* the name has addresses */
    ZONE_APEX,    /* the zone itself */
    ZONE_SERVER,  /* ns.<zone>, the server's own name */
    ZONE_BETWEEN, /* nothing here, but something below: exists without data (RFC 8020) */
    ZONE_MISSING, /* no such name */
    ZONE_OUTSIDE, /* not ours */
};

struct zone_addresses {
    const struct net_addr *items;
    size_t count;
    int ttl_s;
};

/* `origin` is clean (see backend.h); `serial` starts the count of changes. */
struct zone *zone_new(const char *origin, uint32_t serial);
void zone_free(struct zone *z);

const char *zone_origin(const struct zone *z);

/* Grows by one with every change. */
uint32_t zone_serial(struct zone *z);

/* Clean names inside the zone. What is there already is no change. ERR_INVALID for the server's own
 * name and the zone itself. */
must_use struct err zone_upsert(struct zone *z, const char *name, const struct net_addr *addresses,
                                size_t count, int ttl_s);
void zone_remove(struct zone *z, const char *name);

/* Looks up a name in lower case. For ZONE_NAME fills `out` with a copy in `a`, beginning with
 * another address each time, so that clients which take the first one spread. */
enum zone_match zone_find(struct zone *z, struct arena *a, const char *name,
                          struct zone_addresses *out);

#endif
