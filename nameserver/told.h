/* Changes of the zone as agents are told of them, and as they keep them on their disk. */
#ifndef LARDER_NAMESERVER_TOLD_H
#define LARDER_NAMESERVER_TOLD_H

#include "base/err.h"
#include "contract/agent.h"
#include "nameserver/name.h"

#include <stdint.h>

struct arena;
struct zone_changes;

/* Fills in the message; it lives in `a` and points into `changes` and `zone`. */
void told_write(struct arena *a, const char *zone, int64_t life, const struct zone_changes *changes,
                struct agent_follow_names_out *out);

/* What such a message says, in `a`. ERR_INVALID unless each name in it may be published in its
 * zone with these addresses. */
must_use struct err told_read(struct arena *a, const struct agent_follow_names_out *in,
                              char out_zone[DNS_NAME_MAX], struct zone_changes *out);

#endif
