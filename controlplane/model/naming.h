/*
 * Names: the identifier rule, ARNs, and the host names of endpoints. Pure.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_NAMING_H
#define LARDER_CONTROLPLANE_MODEL_NAMING_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

#define CLUSTER_NAME_MAX 50
#define GROUP_NAME_MAX   40

/* A letter first; letters, digits and single hyphens; no hyphen last. */
bool name_is_identifier(const char *name);

/* Checks an identifier that a request wants to make; FAULT_INVALID_PARAMETER_VALUE names
 * `parameter`
 * ("CacheClusterIdentifier"). The sentence lives in `a`. */
must_use struct err name_check(struct arena *a, const char *parameter, const char *name,
                               size_t max_length);

/* The form in which identifiers are stored and compared; in `a`. */
char *name_fold(struct arena *a, const char *name);

/* The same number for the same text, in every build and on every machine. */
uint64_t name_hash(const char *text);

struct arn {
    const char *partition, *service, *region, *account;
    const char *type; /* "cluster" */
    const char *name;
};

/* "aws", "aws-cn" or "aws-us-gov". */
const char *arn_partition(const char *region);

/* An ElastiCache ARN; in `a`. */
char *arn_make(struct arena *a, const char *region, const char *account, const char *type,
               const char *name);

/* Takes apart "arn:partition:elasticache:region:account:type:name", with the name in lower case;
 * the parts live in `a`. FAULT_INVALID_ARN for anything else. */
must_use struct err arn_parse(struct arena *a, const char *text, struct arn *out);

/* "us-east-1" as it stands in host names: "use1". In `a`. */
char *region_code(struct arena *a, const char *region);

/* What all endpoint names of one account, region and DNS zone have in common. */
struct endpoint_naming {
    const char *account, *region;
    const char *zone; /* "cache.larder.internal" */
    bool
        is_encrypted; /* of groups that have encryption in transit: their names have another form */
};

/* The host name of a node of a cluster outside groups: "<cluster>.<tag>.<number>.<code>.<zone>".
 * The tag is six characters, the same for everything of one account and region. In `a`. */
char *endpoint_node_name(struct arena *a, const struct endpoint_naming *n, const char *cluster,
                         const char *number);

/* The host name of a group's member, which is a cluster of one node: that of a node, or with
 * encryption "<cluster>.<group>.<tag>.<code>.<zone>". In `a`. */
char *endpoint_member_name(struct arena *a, const struct endpoint_naming *n, const char *group,
                           const char *cluster, const char *number);

/* Names of a replication group: of its primary and of its readers while cluster mode is off, and of
 * all its nodes where it is on. With encryption they begin with "master.", "replica." and
 * "clustercfg." In `a`. */
char *endpoint_primary_name(struct arena *a, const struct endpoint_naming *n, const char *group);
char *endpoint_reader_name(struct arena *a, const struct endpoint_naming *n, const char *group);
char *endpoint_cluster_name(struct arena *a, const struct endpoint_naming *n, const char *group);

/* The host name under which memcached clients discover the nodes. In `a`. */
char *endpoint_configuration_name(struct arena *a, const struct endpoint_naming *n,
                                  const char *cluster);

/* The host name of a serverless cache, whose tag is its own: another cache of the same name, with
 * another id, has another one. In `a`. */
char *endpoint_serverless_name(struct arena *a, const struct endpoint_naming *n, const char *cache,
                               int64_t id);

#endif
