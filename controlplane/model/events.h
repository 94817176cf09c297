/* The wording of events, for all who write them. Pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_EVENTS_H
#define LARDER_CONTROLPLANE_MODEL_EVENTS_H

#include "controlplane/model/snapshot.h"

struct arena;

enum event_kind {
#define EVENT(kind, source_type, message) EVENT_##kind,
#include "controlplane/model/events.def"
#undef EVENT
    EVENT_KIND_COUNT
};

/* Events older than this are forgotten. */
#define EVENT_KEEP_MS (14 * 24 * 3600 * (int64_t)1000)

/* An event of a cluster (or of one of its nodes: their events have the cluster as source). `first`
 * and `second` fill the gaps of the message; NULL where it has none. The message lives in `a`, the
 * rest is borrowed from the cluster. */
struct event event_of_cluster(struct arena *a, const struct cluster *c, int64_t now_ms,
                              enum event_kind kind, const char *first, const char *second);

/* The same of any other source, by its account, region and name. */
struct event_source {
    const char *account, *region, *name;
};
struct event event_of(struct arena *a, const struct event_source *source, int64_t now_ms,
                      enum event_kind kind, const char *first, const char *second);

/*
 * What an event of an owned cluster or group is to those who know its owner alone: false for what
 * does not concern them. `first` and `second` are the gaps of the original, whose last is the
 * reason where there is one.
 */
bool event_of_owner(struct arena *a, const struct cluster *owned, int64_t now_ms,
                    enum event_kind kind, const char *first, const char *second, struct event *out);

/* An event of a snapshot. Its source is what the data is of, `cluster`, and of a serverless cache
 * the snapshot itself, which has words of its own for `kind`. */
struct event event_of_snapshot(struct arena *a, const struct snapshot *s, const char *cluster,
                               int64_t now_ms, enum event_kind kind, const char *second);

/* The same of a replication group. */
struct event event_of_group(struct arena *a, const struct replication_group *g, int64_t now_ms,
                            enum event_kind kind, const char *first, const char *second);

#endif
