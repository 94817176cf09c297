/*
 * What each host said last and was written down: a beat that says nothing else costs no
 * transaction. Offsets of replication and numbers of clients are no news by themselves; offsets are
 * kept for the case that no other word follows.
 */
#ifndef LARDER_CONTROLPLANE_FLEET_SIGHTS_H
#define LARDER_CONTROLPLANE_FLEET_SIGHTS_H

#include "base/map.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct agent_node_report_list;

struct sights {
    pthread_mutex_t lock; /* guards all below */
    struct map by_host;
};

void sights_init(struct sights *s);
void sights_fini(struct sights *s);

/* Whether anything of a Sync, which names every node of the host, is to be written down. While
 * another message of the host is on its way to the store, everything is. */
bool sights_are_news(struct sights *s, const char *host_id,
                     const struct agent_node_report_list *nodes);

/* How far a node had come by the last word of its host; false when that says nothing of it. */
bool sights_offset(struct sights *s, const char *host_id, int64_t node_id, int64_t *out);

/* A message of the host goes to the store. `is_new`: nothing of what it said before counts. */
void sights_begin(struct sights *s, const char *host_id, bool is_new);

/* It is there. `number` is the message's, `is_all` a Sync's; of one that was overtaken `nodes` is
 * NULL. */
void sights_end(struct sights *s, const char *host_id, int64_t number,
                const struct agent_node_report_list *nodes, bool is_all);

/* It may or may not be: what the host said last is forgotten. */
void sights_fail(struct sights *s, const char *host_id);

#endif
