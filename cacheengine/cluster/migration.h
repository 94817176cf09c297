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
 *     to go back  RETURN id, at the target first: though the slots were taken, what the target has
 *                 of them is given up, or was lost with its memory
 *
 * On the wire the source is a client of the target's ordinary port; the target answers only what is
 * marked, and errors, which end the migration:
 *
 *     AUTH larder-import token       -> +OK
 *     LARDER.IMPORT BEGIN id         -> +0    what the target had of the slots is gone
 *     LARDER.IMPORT RESUME id        -> +n    instead, after a cut: n commands have run; or +TAKEN;
 *                                             or +NONE: the target was started anew, has nothing of
 *                                             it and has not taken it
 *     SET ..., RESTORE ..., UNLINK ..., HSET ...  keys as they are
 *     INCR ..., DEL ..., ...                  effects: what changes keys that were sent
 *     LARDER.IMPORT SYNC             -> +n    n of the commands above have run
 *     LARDER.IMPORT TAKE id          -> +TAKEN  the slots are the target's from now on
 *
 * A walk over the slots (slot_walk.h) sends every key once, in slices of well below a millisecond.
 * Changes of keys that the walk is past are sent as the effects that they are (effect.h); of keys
 * that it will still come to, nothing is sent but removals, since it will send them as they are
 * then. An effect on keys of both kinds goes as the state of those that were sent. When the walk is
 * done and little is under way, writes to the slots are held and the rest is sent and acknowledged;
 * if that takes longer than some ms, they go on here and it is tried again later. Then the source
 * gives the slots up, the target takes them, and those who were held are sent there (MOVED).
 *
 * What was not acknowledged is kept (outbox.h), up to a limit, so that a cut link is resumed at the
 * command where it broke, for a minute.
 *
 * No instant has two who serve, whoever dies when: each side writes down what it is about to do
 * (handover.h), in the file and to its replicas, before the other hears of it. By phases:
 *
 *     copies, pauses   The source serves. If it dies, nothing has happened: the agent drops what
 *                      the target has (CANCEL) or begins anew. If the target dies it has the keys
 *                      of an import that was not complete, and forgets them; the source asks
 *                      whether they are there (RESUME), hears +NONE and begins anew.
 *     gives            The record "given" is on its way to where the source's writes go: the file,
 *                      synced where appendfsync is always, and all replicas that are online, as
 *                      well as larder-write-acks. Nobody serves: clients are held. The target was
 *                      not asked yet, so whatever fails here (the link, a replica that is too slow)
 *                      takes the record back, and the source goes on.
 *     takes            The record is kept there, and TAKE was sent. The source does not serve, nor
 *                      does who is started or promoted in its place: it finds the record, sends
 *                      clients to the target (MOVED), and asks the target by itself (RESUME), which
 *                      has taken the slots, or takes them now, or has lost all and says +NONE: then
 *                      the record is taken back. To who knows nothing of the migration, or is no
 *                      primary (it may have failed over), the source goes on asking.
 *     taken            The target's record "taken" goes the way of its writes, as does its answer:
 *                      what it has acknowledged of the slots comes behind. It serves, and so does
 *                      who is started or promoted in its place and has anything of that.
 *     done             "handed": until a topology knows of it (handover.h) nothing else ends it.
 *
 * A node that loses its memory when it dies keeps no records. It serves nothing before it is told a
 * topology, and so the agent asks first (STATUS) and tells then: before a source that came back
 * with nothing is given slots, the target of each migration that has not taken is told to CANCEL,
 * and slots that were taken are the target's in the new topology. A target that came back with
 * nothing has lost what it took: the slots are given to it as they are, or RETURN at the source
 * gives back what that had when they changed hands.
 *
 * Big collections go in pieces, some dozens of elements at a time, and may change meanwhile
 * (migration_pieces.h), streams and long strings, too; the target does not know for how long they
 * were unused. At once goes one element, or entry, and what changes all the time in ways that name
 * no elements.
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
#include "cacheengine/cluster/outbox.h"
#include "cacheengine/keyspace/link.h"
#include "cacheengine/keyspace/record.h"
#include "cacheengine/keyspace/slot_walk.h"

struct command;

enum migration_state {
    MIGRATION_CONNECTS, /* or connects again */
    MIGRATION_COPIES,
    MIGRATION_PAUSES, /* writes are held, the rest is sent */
    MIGRATION_GIVES,  /* it is written down that the slots are given */
    MIGRATION_TAKES,  /* the target was asked to take over, or may have been */
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
    /* Tells the cluster's records of hand-overs to all who are told of changes; returns a mark. */
    int64_t (*tell)(void *ctx);
    /* Whether what was told up to the mark is kept as writes are, and this node may still write. */
    bool (*is_kept)(void *ctx, int64_t mark);
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
    char from_shard[CLUSTER_ID_LEN + 1], to_shard[CLUSTER_ID_LEN + 1];
    char *target_host; /* owned */
    enum migration_state state;
    bool has_begun;  /* the target knows it: after a cut it is resumed */
    bool is_revived; /* made from a record: what was sent is not known here */
    bool is_greeted;
    int64_t gave_mark;      /* MIGRATION_GIVES: of the record */
    int64_t gave_ms;        /* and when, on the clock of passed_ms */
    int64_t rests_until_ms; /* after it could not be given */
    struct link *link;
    int64_t cut_ms,
        dial_ms; /* on the clock of passed_ms: when it broke; when it was last dialled */
    struct slot_walk walk;
    struct arena arena; /* of one effect */

    /* what is on its way */
    struct outbox out; /* commands that were not acknowledged */
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
        struct buf place; /* where a value is that says itself (type_ops.tell_some) */
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

/* Goes on with one of a record, "given", that another process has left: asks the target. */
struct migration *migration_revive(struct keyspace *ks, struct cluster *c,
                                   const struct migration_host *host, const struct handover *one);

/* Ends it wherever it stands, and frees it; the record, if there is one, stays. Accepts NULL. */
void migration_free(struct migration *m);

/* What time brings: to be called some times a second, and when a topology was set. */
void migration_tick(struct migration *m);

static inline bool migration_is_over(const struct migration *m)
{
    return m->state == MIGRATION_DONE || m->state == MIGRATION_FAILED;
}

#endif
