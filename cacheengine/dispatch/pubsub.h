/*
 * Publish and subscribe: who listens to which channels, patterns and shard channels, and bringing
 * messages to them.
 *
 * Messages are no replies: they are added to a client's output outside its turn and leave with
 * what all others get before the loop waits again. What the client whose command runs is to hear
 * of it comes behind the command's own reply.
 */
#ifndef LARDER_DISPATCH_PUBSUB_H
#define LARDER_DISPATCH_PUBSUB_H

#include "base/buf.h"
#include "cacheengine/dispatch/engine.h"

struct slot_set;

enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD, PUBSUB_KINDS };

/* Of the client: true when it was not subscribed before, or was. */
bool pubsub_subscribe(struct engine *e, struct client *c, enum pubsub_kind kind, struct str name);
bool pubsub_unsubscribe(struct engine *e, struct client *c, enum pubsub_kind kind, struct str name);

/* Ends all that a client subscribes to, without a word. */
void pubsub_forget(struct engine *e, struct client *c);

/* How many of a kind a client subscribes to, and the name of one of them. */
size_t pubsub_count_of(const struct client *c, enum pubsub_kind kind);

/* Memory of what a client subscribes to; what several subscribe to counts for each of them. */
size_t pubsub_bytes_of(const struct client *c);
struct str pubsub_name_of(const struct client *c, enum pubsub_kind kind, size_t i);

/* Brings a message to those who listen, to patterns too unless the channel is a shard's. Returns to
 * how many. */
uint64_t pubsub_publish(struct engine *e, enum pubsub_kind kind, struct str channel,
                        struct str message);

/* How many channels of a kind have subscribers; how many subscribers one has; each of them. */
size_t pubsub_count(const struct engine *e, enum pubsub_kind kind);
size_t pubsub_listeners(const struct engine *e, enum pubsub_kind kind, struct str name);
void pubsub_each(const struct engine *e, enum pubsub_kind kind,
                 void (*use)(void *ctx, struct str name), void *ctx);

/* Ends the connections of subscribers who may not listen any more to what they subscribe to. Call
 * when the rules of a user (NULL: of any) have changed. */
void pubsub_judge(struct engine *e, const struct acl_user *u);

/* Shard channels of slots that went to other nodes: their subscribers are told and it is over. */
void pubsub_leave_slots(struct engine *e, const struct slot_set *gone);

/* Adds bytes to a client's output outside its turn. */
void pubsub_push(struct engine *e, struct client *c, const char *bytes, size_t len);

/* For run.c: what the running client is to hear is added to its output. */
void pubsub_flush_own(struct engine *e, struct client *c);

/* A command of another client runs amid or behind the present one: what both are to hear is kept
 * apart. At the end the other's is added to its output (NULL: there was none), and the present
 * client is the running one again. */
struct pubsub_turn {
    struct pubsub_turn *outer;
    struct client *running;
    struct buf own; /* what it is to hear when it is the running one again */
};
void pubsub_turn_begin(struct engine *e, struct client *c, struct pubsub_turn *t);
void pubsub_turn_end(struct engine *e, struct client *c, struct pubsub_turn *t);

void pubsub_fini(struct engine *e);

#endif
