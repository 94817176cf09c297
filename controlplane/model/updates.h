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

/* Whether a build is known and older than another one. Either ends with its first space. */
bool build_is_older(const char *build, const char *other);

struct service_update {
    int64_t id;
    const char *build, *before; /* and the newest one that was there when it came */
    int64_t released_ms;
    int64_t replaced_ms; /* when a newer one came; 0: none has */
    bool is_offered;     /* by a host, still */
};

/* "elc-20261128-003"; in `a`. */
char *service_update_name(struct arena *a, const struct service_update *u);

/* "important" for another minor or major version, else "medium". */
const char *service_update_severity(const struct service_update *u);

/* How long an update may wait: so many days, or as its severity has it. */
#define UPDATE_DAYS_BY_SEVERITY (-1)
#define UPDATE_DAYS_MAX         365
int64_t service_update_apply_by_ms(const struct service_update *u, int64_t days);

/* Whether it is applied unasked once it has waited for so long: all are but those to another major
 * version. To another minor one only that goes along which takes minor upgrades. */
bool service_update_is_automatic(const struct service_update *u);
bool service_update_is_forced_on(const struct service_update *u, bool takes_minor);

/* Whether AutoMinorVersionUpgrade means anything to that engine. */
bool update_heeds_minor(const char *engine, const char *engine_version);

/* "available"; "expired" when there is a newer one, "cancelled" when no host offers it any more. */
const char *service_update_status(const struct service_update *u);

/* What was asked for with one update on one cluster or group. */
struct update_action {
    int64_t id, update_id;
    int64_t cluster_id, group_id; /* one of them; the other is 0 */
    int64_t operation_id; /* that restarts the nodes; 0: its maintenance window is awaited */
    int64_t applied_ms, stopped_ms;
    bool is_automatic; /* nobody asked for it */
    bool is_running;   /* the operation is; read alone */
};

/* How far an update is on a cluster or group. */
struct update_progress {
    int updated, total; /* nodes */
    bool has_begun;     /* one is restarted at the moment */
    bool can_go_on;     /* a host of one that is not updated offers it */
    bool is_overdue;    /* it is applied unasked, and has waited for long enough */
};

/* The word for it; `action` is NULL where there is none. */
const char *update_action_status(const struct update_action *action,
                                 const struct update_progress *p);

/* Whether the upkeep may put an action in the place of this one (NULL: of none) in a maintenance
 * window that opened then. What was stopped stays so; what failed is tried again. */
bool update_may_be_forced(const struct update_action *action, int64_t opened_ms);

/* The same of a node. */
const char *update_node_status(const struct update_action *action, bool is_updated, bool has_begun);

#endif
