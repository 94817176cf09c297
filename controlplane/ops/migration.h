/* Whether data is moved into a group from a server outside; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_MIGRATION_H
#define LARDER_CONTROLPLANE_OPS_MIGRATION_H

#include "controlplane/ops/group_facts.h"

/* From StartMigration until CompleteMigration is done, or the migration failed. */
must_use struct err migration_is_under_way(struct call *c, const struct group_facts *f, bool *out);

/* FAULT_INVALID_REPLICATION_GROUP_STATE while it is: nothing else of the group may change. */
must_use struct err migration_refuse(struct call *c, const struct group_facts *f);

#endif
