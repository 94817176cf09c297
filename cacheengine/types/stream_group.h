/*
 * Groups of consumers of a stream: up to where a group has read, which consumers it has, and which
 * entries it gave them that they have not acknowledged.
 *
 * An entry that waits to be acknowledged stands in the group's map with all that is known of it,
 * and in the map of its consumer by name alone.
 */
#ifndef LARDER_TYPES_STREAM_GROUP_H
#define LARDER_TYPES_STREAM_GROUP_H

#include "cacheengine/types/stream.h"

#define STREAM_UNKNOWN     (-1) /* how many entries a group has read cannot be said */
#define STREAM_LAG_UNKNOWN INT64_MIN

struct stream_consumer {
    struct str name;
    int64_t seen_ms;       /* when it last asked */
    int64_t active_ms;     /* when it last got something; -1: never */
    struct id_map pending; /* of struct stream_id */
    char text[];
};

/* What a group's `pending` holds. */
struct stream_pending {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t deliveries;
    struct stream_consumer *consumer;
};

struct stream_group {
    struct str name;
    struct stream_id last;              /* the last entry that was given to a consumer */
    int64_t read;                       /* how many entries were, or STREAM_UNKNOWN */
    struct id_map pending;              /* of struct stream_pending */
    struct stream_consumer **consumers; /* by name */
    uint32_t consumer_count;
    char text[];
};

struct stream_group *stream_group_find(const struct stream *s, struct str name);

/* The first group, or consumer, whose name is not below this one; NULL: there is none. */
struct stream_group *stream_group_from(const struct stream *s, struct str name);
struct stream_consumer *stream_consumer_from(const struct stream_group *g, struct str name);

/* The order in which they stand. */
int stream_name_order(struct str a, struct str b);

/* Adds a group, which must not be there. */
struct stream_group *stream_group_add(struct account *a, struct stream *s, struct str name,
                                      struct stream_id last, int64_t read);

void stream_group_remove(struct account *a, struct stream *s, struct stream_group *g);

struct stream_consumer *stream_consumer_find(const struct stream_group *g, struct str name);
struct stream_consumer *stream_consumer_add(struct account *a, struct stream_group *g,
                                            struct str name, int64_t now_ms);

/* Removes a consumer and all that waits for it. */
void stream_consumer_remove(struct account *a, struct stream_group *g, struct stream_consumer *c);

/* The entry as one that waits for this consumer, whoever it waited for before. */
struct stream_pending *stream_pending_give(struct account *a, struct stream_group *g,
                                           struct stream_id id, struct stream_consumer *c,
                                           bool *is_new);

/* It waits no more; false when it did not. */
bool stream_pending_end(struct account *a, struct stream_group *g, struct stream_id id);

/* How many entries had been added when the one of this name was; STREAM_UNKNOWN where that cannot
 * be said. */
int64_t stream_position(const struct stream *s, struct stream_id id);

/* True when an entry that was removed may stand between a name and the end. */
bool stream_has_gaps(const struct stream *s, struct stream_id from);

/* How many entries the group has still to read: below 0 where XGROUP said that it had read more
 * than there were; or STREAM_LAG_UNKNOWN. */
int64_t stream_group_lag(const struct stream *s, const struct stream_group *g);

/* For stream.c. */
void stream_group_free(struct account *a, struct stream_group *g);
bool stream_groups_free_some(struct account *a, struct stream *s, uint32_t *budget);
void stream_groups_copy(struct account *a, struct stream *to, const struct stream *from);
size_t stream_group_bytes(const struct stream_group *g);
size_t stream_groups_weight(const struct stream *s);

#endif
