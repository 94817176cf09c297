/*
 * Service updates: builds of the service's own engine that hosts offer, and what has become of them
 * on clusters and groups. Pure. Text is never NULL.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_UPDATES_H
#define LARDER_CONTROLPLANE_MODEL_UPDATES_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

#define UPDATE_DRIVER "bundled" /* engines of others are the host's own business */

/* The build that a host offers, of "bundled=0.1.0 redis=7.0.15": a text that ends with the first
 * space; "" where it offers none. */
const char *build_offered(const char *engines);

/* Whether a node's build is known and older than another one (which may end with a space). */
bool build_is_older(const char *build, const char *other);

struct service_update {
    int64_t id;
    const char *build, *before; /* and the newest one that was there when it came */
    int64_t released_ms;
    bool is_offered;  /* by a host, still */
    bool is_replaced; /* by a newer one */
};

/* "elc-20261128-003"; in `a`. */
char *service_update_name(struct arena *a, const struct service_update *u);

/* "important" for another minor or major version, else "medium"; and for so long it may wait. */
const char *service_update_severity(const struct service_update *u);
int64_t service_update_apply_by_ms(const struct service_update *u);

/* "available"; "expired" when there is a newer one, "cancelled" when no host offers it any more. */
const char *service_update_status(const struct service_update *u);

/* What was asked for with one update on one cluster or group. */
struct update_action {
    int64_t id, update_id;
    int64_t cluster_id, group_id; /* one of them; the other is 0 */
    int64_t operation_id;         /* that restarts the nodes */
    int64_t applied_ms, stopped_ms;
    bool is_running; /* the operation is; read alone */
};

/* How far an update is on a cluster or group: `action` is NULL where nobody asked for it.
 * `has_begun` tells whether a node is restarted at the moment. */
const char *update_action_status(const struct update_action *action, int updated, int total,
                                 bool has_begun);

/* The same of a node. */
const char *update_node_status(const struct update_action *action, bool is_updated, bool has_begun);

#endif
