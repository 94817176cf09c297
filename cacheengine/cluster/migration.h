/*
 * Slot migration, the side that gives: slots go to another shard with their keys, while they are
 * read and written here, and change hands at one instant.
 *
 * What the agent does (LARDER.MIGRATE, on the admin sockets; `id` and `token` are its own, 40
 * digits of 0-9 and a-f each, and the epoch is that of the topology both nodes have):
 *
 *     1. target   EXPECT id epoch slots from-shard token
 *     2. source   START id epoch slots to-shard host port token [TLS]
 *     3. either   STATUS, until it says "done" (source) or "taken" (target), or "failed"
 *     4. all      LARDER.TOPOLOGY with the new owner: it confirms what has happened
 *     to give up  CANCEL id, at the target first. It refuses when the slots were taken: then they
 *                 are the target's, whatever the source knows of it.
 *
 * On the wire the source is a client of the target's ordinary port; the target answers only what is
 * marked, and errors, which end the migration:
 *
 *     AUTH larder-import token       -> +OK
 *     LARDER.IMPORT BEGIN id         -> +0    what the target had of the slots is gone
 *     LARDER.IMPORT RESUME id        -> +n    instead, after a cut: n commands have run; or +TAKEN
 *     SET ..., RESTORE ..., UNLINK ..., HSET ...  keys as they are
 *     INCR ..., DEL ..., ...                  effects: what changes keys that were sent
 *     LARDER.IMPORT SYNC             -> +n    n of the commands above have run
 *     LARDER.IMPORT TAKE id          -> +TAKEN  the slots are the target's from now on
 *
 * A walk over the slots (slot_walk.h) sends every key once, in slices of well below a millisecond.
 * Changes of keys that the walk is past are sent as the effects that they are (effect.h); of keys
 * that it will still come to, nothing is sent but removals, since it will send them as they are
 * then. An effect on keys of both kinds goes as the state of those that were sent. When the walk is
 * done and little is under way, writes to the slots are held, the rest is sent and acknowledged,
 * the target takes the slots, and those who were held are sent there (MOVED). If that takes longer
 * than some ms, they go on here and it is tried again later.
 *
 * What was not acknowledged is kept, up to a limit, so that a cut link is resumed at the command
 * where it broke, for a minute. If it breaks while the target is asked to take over, nobody knows
 * who has the slots: writes to them stay held until the target has said so, or the agent has
 * (CANCEL).
 *
 * Big collections go in pieces, some dozens of elements at a time, and may change meanwhile
 * (migration_pieces.h), long strings, too; the target does not know for how long they were unused.
 * At once go a stream, one element, and what changes all the time in ways that name no elements.
 *
 * Where larder-write-acks is set, the target's answer that it has the slots waits for its replicas
 * to have all that was sent.
 *
 * The source forgets the keys when a topology has confirmed that they are another's (forget.h).
 */
#ifndef LARDER_CLUSTER_MIGRATION_H
#define LARDER_CLUSTER_MIGRATION_H

#include "base/buf.h"
#include "cacheengine/cluster/cluster.h"
#include "cacheengine/keyspace/link.h"
#include "cacheengine/keyspace/record.h"
#include "cacheengine/keyspace/slot_walk.h"

struct command;

enum migration_state {
    MIGRATION_CONNECTS, /* or connects again */
    MIGRATION_COPIES,
    MIGRATION_PAUSES, /* writes are held, the rest is sent */
    MIGRATION_TAKES,  /* the target was asked to take over */
    MIGRATION_DONE,
    MIGRATION_FAILED,
};
extern const char *const migration_state_names[];

/* What those above do for it. */
struct migration_host {
    void *ctx;
    const struct link_dialer *dialer;
    /* The keys of a command, in `a`. */
    const struct str *(*keys)(struct arena *a, const struct command *cmd, const struct str *argv,
                              uint32_t argc, uint32_t *count);
    /* Whether a script is amid its writes: nothing is walked over or handed on until it is done.
     * NULL: there are none. */
    bool (*is_writing)(void *ctx);
    /* Slots have changed hands, or writes are held or go on (cluster->paused). */
    void (*changed)(void *ctx);
};

struct migration_order {
    char id[CLUSTER_ID_LEN + 1], token[CLUSTER_ID_LEN + 1];
    struct slot_set slots;
    uint16_t to; /* the shard */
    const char *host;
    int port;
    bool is_secure;
};

struct migration {
    struct effect_sink sink;
    struct keyspace *ks;
    struct cluster *cluster;
    struct migration_host host;
    struct migration_order order;
    char to_shard[CLUSTER_ID_LEN + 1];
    char *target_host; /* owned */
    enum migration_state state;
    bool has_begun; /* the target knows it: after a cut it is resumed */
    bool is_greeted;
    struct link *link;
    int64_t cut_ms,
        dial_ms; /* on the clock of passed_ms: when it broke; when it was last dialled */
    struct slot_walk walk;
    struct arena arena; /* of one effect */

    /* what is on its way */
    struct buf out;       /* commands that were not acknowledged */
    size_t sent;          /* of it, bytes that the link has */
    struct buf lengths;   /* of these commands, uint32_t each */
    size_t lengths_first; /* the first that counts */
    uint64_t acked;       /* commands */
    uint64_t appended;
    size_t booked;

    /* big collections, on their way in pieces (migration_pieces.h) */
    struct {
        struct buf queue; /* names, each behind its length; the first is under way, if has_begun */
        bool has_begun;
        enum entry_type type;
        uint64_t cursor;
        uint32_t beginnings;
        struct buf words; /* of the command's elements */
        uint32_t elements;
    } pieces;

    /* the present transaction of effects */
    bool is_grouped;
    struct buf group, group_lengths; /* the commands as they are */
    struct buf group_keys;           /* their keys, each behind its length */
    bool has_past, has_coming;       /* keys of both kinds are in it */

    struct record_writer writer;
    struct sink payload_sink;
    struct buf payload;
    struct buf line; /* of an answer, so far */
    int64_t paused_us;
    int64_t longest_pause_us;
    int64_t started_ms, ended_ms;
    uint64_t keys_sent, effects_sent, bytes_sent;
    char failure[160];
};

/* Begins one. The order is copied. */
struct migration *migration_start(struct keyspace *ks, struct cluster *c,
                                  const struct migration_host *host,
                                  const struct migration_order *order);

/* Ends it wherever it stands, and frees it. Accepts NULL. */
void migration_free(struct migration *m);

/* What time brings: to be called some times a second, and when a topology was set. */
void migration_tick(struct migration *m);

static inline bool migration_is_over(const struct migration *m)
{
    return m->state == MIGRATION_DONE || m->state == MIGRATION_FAILED;
}

#endif
