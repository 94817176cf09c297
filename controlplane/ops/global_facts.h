/* A global datastore with all that is known of it and its members; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GLOBAL_FACTS_H
#define LARDER_CONTROLPLANE_OPS_GLOBAL_FACTS_H

#include "contract/elasticache.h"
#include "controlplane/model/global.h"
#include "controlplane/ops/group_facts.h"

struct global_facts {
    struct global_datastore datastore;
    struct global_member *members; /* by region */
    struct group_facts *groups;    /* of each */
    size_t count;
    const char *status;
};

/* By name in any case, from any region; FAULT_GLOBAL_REPLICATION_GROUP_NOT_FOUND. */
must_use struct err global_facts_find(struct call *c, const char *name, struct global_facts *out);

/* For a change of it: FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE unless it is available, or has
 * nobody but its primary. */
must_use struct err global_facts_for_change(struct call *c, const char *name,
                                            struct global_facts *out);

/* The caller's datastores with names after `after`, by name, at most `limit`. */
must_use struct err global_facts_list(struct call *c, const char *after, int limit,
                                      struct global_facts **out, size_t *out_count);

/* Reads members and groups again, after the handler changed them. */
must_use struct err global_facts_refresh(struct call *c, struct global_facts *f);

/* The primary, whose settings are all others' too. */
const struct group_facts *global_facts_primary(const struct global_facts *f);

/* The index of the member of that name (in any case) and region, or `count`. */
size_t global_facts_member(struct call *c, const struct global_facts *f, const char *group,
                           const char *region);

/* What members say of a change with a fault that the calls of datastores do not have is said with
 * one that they have. */
must_use struct err global_fault_of(struct err e);

/* The call as if it had been made in another region. `who` is where its caller is kept. */
struct call global_call_in(const struct call *c, const char *region, struct caller *who);

void global_to_wire(struct call *c, const struct global_facts *f, bool shows_members,
                    struct ec_global_replication_group *out);
struct ec_global_replication_group *global_to_wire_new(struct call *c,
                                                       const struct global_facts *f);

/* What groups are as members, for group_facts.c: one query for all. */
must_use struct err global_facts_fill_groups(struct call *c, struct group_facts *list,
                                             size_t count);

/* FAULT_INVALID_REPLICATION_GROUP_STATE when the group is a member: `what` is done by the calls of
 * the datastore. */
must_use struct err global_refuse_member(struct call *c, const struct group_facts *f,
                                         const char *what);

#endif
