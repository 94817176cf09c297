/*
 * What a server knows: names with their addresses, shared between the threads that publish and the
 * one that answers. A name's set is replaced as a whole under a lock held for a pointer's swap.
 *
 * A zone remembers which names changed of late, so that copies of it can be told of these alone.
 */
#ifndef LARDER_NAMESERVER_ZONE_H
#define LARDER_NAMESERVER_ZONE_H

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

#define ZONE_REMEMBERED 4096 /* changes: whose copy is older gets the whole zone */

struct zone_name {
    const char *name;                /* clean */
    struct zone_addresses addresses; /* none: the name is gone */
};

/* From one serial to a later one. */
struct zone_changes {
    uint32_t serial; /* the later one */
    bool is_whole;   /* names that are not here are gone */
    struct zone_name *names;
    size_t count;
};

/* `origin` is clean (see name.h); `serial` starts the count of changes. */
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

/* What changed after `*since`, each name once; the whole zone when that is not remembered, or with
 * NULL. In `a`. */
void zone_changes(struct zone *z, struct arena *a, const uint32_t *since, struct zone_changes *out);

/* Makes all of the changes at once in a zone that is a copy; what is asked meanwhile sees none or
 * all of them. The names may be published in it (name.h). */
void zone_apply(struct zone *z, const struct zone_changes *changes);

/* Lets the next serials be later than `serial`, which a copy has had of a zone before this one. */
void zone_pass_serial(struct zone *z, uint32_t serial);

/* True when the serial `a` is later than `b`; they go round (RFC 1982). */
bool zone_serial_is_later(uint32_t a, uint32_t b);

/* Looks up a name in lower case. For ZONE_NAME fills `out` with a copy in `a`, beginning with
 * another address each time, so that clients which take the first one spread. */
enum zone_match zone_find(struct zone *z, struct arena *a, const char *name,
                          struct zone_addresses *out);

#endif
