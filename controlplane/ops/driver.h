/* Who runs a cache: the bundled engine, or one that hosts have; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_DRIVER_H
#define LARDER_CONTROLPLANE_OPS_DRIVER_H

#include "contract/elasticache.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/ops/call.h"

/* Since then the hosts' redis can take single subcommands from users. */
#define DRIVER_VERSION_USERS "7.0"

/*
 * Chooses for a new cache of that engine: what its tags say; else the bundled engine, or that of
 * the hosts where none of the region has the bundled one. Sets the cluster's driver, engine and
 * version, which for the hosts' own is the one that they have: the newest that is what was asked
 * for ("" for any). FAULT_INVALID_PARAMETER_VALUE and FAULT_INVALID_PARAMETER_COMBINATION.
 */
must_use struct err driver_choose(struct call *c, const struct ec_tag_list *tags,
                                  const char *engine, const char *asked,
                                  const struct engine_version **out_version, struct cluster *out);

/* What tags say, must be what the cache has that is there already. */
must_use struct err driver_same(struct call *c, const struct ec_tag_list *tags,
                                const char *current);

/* FAULT_INVALID_PARAMETER_COMBINATION where the driver is not the bundled one: `what` is a noun
 * that it has not. */
must_use struct err driver_refuse(struct call *c, const char *driver, const char *what);

/* Takes the tag of another driver, which came with others from elsewhere, out of the list. */
void driver_settle_tags(const char *driver, struct tag *tags, size_t *count);

#endif
