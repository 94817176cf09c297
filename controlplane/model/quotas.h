/* How much one account may have in one region, and what one call may ask for. */
#ifndef LARDER_CONTROLPLANE_MODEL_QUOTAS_H
#define LARDER_CONTROLPLANE_MODEL_QUOTAS_H

#include "base/err.h"
#include "base/str.h"

struct arena;

/* Those that the operator may raise or lower. */
struct quotas {
#define QUOTA(member, name, usual, most) int member;
#include "controlplane/model/quotas.def"
#undef QUOTA
};

/* As the hosted service has them for everybody. */
extern const struct quotas quotas_usual;

/* "nodes-per-group=500,shards-per-group=500": those are otherwise than usual. ERR_INVALID with a
 * sentence. */
must_use struct err quotas_read(struct arena *a, const char *text, struct quotas *out);

#define REPLICAS_MAX           5 /* of a shard */
#define QUOTA_USERS_PER_GROUP  100
#define DESCRIPTION_MAX        255
#define SNAPSHOT_RETENTION_MAX 35 /* days */

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
