/* Checks of request members that more than one handler makes; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_MEMBERS_H
#define LARDER_CONTROLPLANE_OPS_MEMBERS_H

#include "contract/elasticache.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/cluster.h"
#include "controlplane/ops/call.h"

/* A member that cannot be obeyed: refused when it is given, unless it asks for what is so anyway.
 */
struct member_rule {
    const char *member;   /* by its name in the model */
    const char *harmless; /* text form of the value that changes nothing, or NULL */
};

/* Looks at the members of an ElastiCache operation's input; `why` is a sentence with one %s for the
 * member. FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err members_refuse(struct call *c, const char *op, const void *in,
                                   const struct member_rule *rules, size_t count, const char *why);

/* Sentences for members_refuse. */
#define WHY_NOT_SERVED    "The parameter %s is not supported by this version."
#define WHY_NOT_MEMCACHED "The parameter %s is not supported for memcached clusters."

/* True when a text member is given and not empty. */
static inline bool member_has_text(const char *value)
{
    return value && *value;
}

/* FAULT_INVALID_PARAMETER_VALUE when a member that is needed is missing or empty. */
must_use struct err member_need(struct call *c, const char *name, const char *value);

/* What a member says cannot be changed to: FAULT_INVALID_PARAMETER_COMBINATION. `noun` is what has
 * the value now: "cluster". */
must_use struct err member_no_change(struct call *c, const char *noun, const char *member,
                                     const char *current);

/* member_no_change, unless EngineVersion is empty or means what `cl` has: as it was asked for or as
 * it is reported. Also the faults of engine_version_choose. */
must_use struct err member_same_version(struct call *c, const char *noun, const char *version,
                                        const struct cluster *cl);

/* Any use of the old cache security groups is refused. */
must_use struct err member_security_group_names(struct call *c,
                                                const struct ec_cache_security_group_name_list *in);

/* Checks the ids and joins them with commas, each once. */
must_use struct err member_security_groups(struct call *c,
                                           const struct ec_security_group_ids_list *in,
                                           const char **out);

/* Gives a cluster outside of groups its parameter group: the one by default when `name` is NULL.
 * Groups that turn cluster mode on are refused. `t` is the type of its nodes. */
must_use struct err member_parameter_group(struct call *c, const char *name,
                                           const struct engine_version *v,
                                           const struct node_type *t, struct cluster *cl);

/* The same for a replication group, which may have cluster mode on: by default it is where
 * `wants_cluster`; `*out_is_cluster` tells whether the group that was found turns it on. */
must_use struct err member_group_parameter_group(struct call *c, const char *name,
                                                 const struct engine_version *v,
                                                 const struct node_type *t, bool wants_cluster,
                                                 struct cluster *cl, bool *out_is_cluster);

/*
 * Sets the windows of a cluster. NULL keeps what the cluster has, or chooses by chance where it has
 * none yet: the same for the same account, region and name. memcached has no snapshot window.
 */
must_use struct err member_windows(struct call *c, const char *maintenance, const char *snapshot,
                                   struct cluster *cl);

/* Both windows, whatever the engine: of what a serverless cache owns. */
must_use struct err member_windows_both(struct call *c, const char *maintenance,
                                        const char *snapshot, struct cluster *cl);

/* Sets the topic that hears of a cluster's events. NULL keeps what it has, "" takes it away; an ARN
 * must be that of an SNS topic of the caller's account and region. `status` is active, inactive or
 * NULL: a new topic is active. */
must_use struct err member_topic(struct call *c, const char *arn, const char *status,
                                 struct cluster *cl);

must_use struct err member_snapshot_retention(struct call *c, struct opt_int days, int *out);

#endif
