/* How much one account may have in one region, and what one call may ask for. */
#ifndef LARDER_CONTROLPLANE_MODEL_QUOTAS_H
#define LARDER_CONTROLPLANE_MODEL_QUOTAS_H

#define QUOTA_NODES_PER_REGION       300
#define QUOTA_NODES_PER_MEMCACHED    60
#define QUOTA_PARAMETER_GROUPS       300
#define QUOTA_NODES_PER_GROUP        90
#define QUOTA_SHARDS_PER_GROUP       90
#define REPLICAS_MAX                 5 /* of a shard */
#define QUOTA_SWITCHES_PER_DAY       15
#define QUOTA_USERS_PER_REGION       2000
#define QUOTA_USER_GROUPS_PER_REGION 200
#define QUOTA_USERS_PER_GROUP        100
#define QUOTA_SERVERLESS_PER_REGION  40
#define DESCRIPTION_MAX              255
#define SNAPSHOT_RETENTION_MAX       35 /* days */

/* Ports below need privileges that engines do not run with. */
#define PORT_MIN 1024
#define PORT_MAX 65535

/* MaxRecords of the Describe calls. */
#define RECORDS_MIN     20
#define RECORDS_MAX     100
#define RECORDS_DEFAULT 100

#define EVENTS_DEFAULT_MINUTES 60
#define EVENTS_MAX_MINUTES     (14 * 24 * 60)

#endif
