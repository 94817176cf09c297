/* Checks of members that more than one call for serverless caches has; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_SERVERLESS_MEMBERS_H
#define LARDER_CONTROLPLANE_OPS_SERVERLESS_MEMBERS_H

#include "contract/elasticache.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/serverless.h"
#include "controlplane/ops/call.h"

/* FAULT_INVALID_PARAMETER_VALUE when the text is too long. */
must_use struct err serverless_check_description(struct call *c, const char *description);

/* Limits as a request has them; 0 is none. FAULT_INVALID_PARAMETER_VALUE,
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err serverless_read_limits(struct call *c, const struct ec_cache_usage_limits *in,
                                           struct serverless_limits *out);

/* "05:30"; FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err serverless_check_time(struct call *c, const char *time);

/* Sets the windows of what the cache owns: snapshots within an hour of the cache's time, which is
 * chosen by chance where it is "", and maintenance at another. */
must_use struct err serverless_set_window(struct call *c, struct serverless_cache *s,
                                          struct cluster *owned);

/* The newest version of the major one, or of all where none is asked for (NULL or "").
 * FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err serverless_choose_version(struct call *c, const char *engine, const char *major,
                                              const struct engine_version **out);

/* Pages of MaxResults: FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err serverless_page(struct call *c, struct opt_int max_results, const char *token,
                                    int *out_limit, const char **out_after);

#endif
