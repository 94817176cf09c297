/*
 * Big collections on their way to another shard, a few elements at a time. For migration_feed.c.
 *
 * The walk over the slots puts their names into a queue and does not go on before it is empty. The
 * first of the queue is under way: the target forgets the key, then gets its elements in commands
 * of some dozens, and with the last ones the key's deadline. For others in the queue, and the first
 * before it is begun, nothing is to be sent, as for keys that the walk will come to.
 *
 * What changes the key under way is taken here (pieces_take_effect) as long as it names the
 * elements that it changes: they are sent as they are now. A list's changes are followed by where
 * they stand: pushes at both ends, and pops of what was sent or is yet to be. After any other
 * change it begins anew (pieces_changed); when that has happened some times, it goes as one record
 * after all.
 */
#ifndef LARDER_CLUSTER_MIGRATION_PIECES_H
#define LARDER_CLUSTER_MIGRATION_PIECES_H

#include "cacheengine/cluster/migration.h"

/* True when a value is better sent so. */
bool pieces_want(const struct migration *m, struct db *db, const struct entry *e);

/* Puts a key into the queue. */
void pieces_add(struct migration *m, struct str name);

/* Whether a key is in the queue. */
bool pieces_have(const struct migration *m, struct str name);

static inline bool pieces_are_sent(const struct migration *m)
{
    return m->pieces.queue.len == 0;
}

/* Sends some elements of the first key. */
void pieces_step(struct migration *m);

/* Sends what an effect of a command does to the key under way. False: it must be followed
 * otherwise.
 */
bool pieces_take_effect(struct migration *m, const struct command *cmd, const struct effect *e);

/* Notes that a key of the queue changed, or went, in a way that was not taken. */
void pieces_changed(struct migration *m, struct str name);

/* Forgets all. */
void pieces_drop(struct migration *m);

#endif
