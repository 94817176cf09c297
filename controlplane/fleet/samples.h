/* The numbers that agents report of their nodes each minute, into the store. */
#ifndef LARDER_CONTROLPLANE_FLEET_SAMPLES_H
#define LARDER_CONTROLPLANE_FLEET_SAMPLES_H

#include "base/err.h"

#include <stdint.h>

struct agent_node_sample_list;
struct store_tx;

/* Samples of nodes that no longer exist, of times that cannot be, and numbers that no metric of the
 * catalogue has are passed over. */
must_use struct err samples_record(struct store_tx *tx, const struct agent_node_sample_list *in,
                                   int64_t now_ms);

#endif
