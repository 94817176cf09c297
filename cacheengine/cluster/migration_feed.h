/* What a migration sends: keys, and effects on keys; and what of it is kept. For migration.c. */
#ifndef LARDER_CLUSTER_MIGRATION_FEED_H
#define LARDER_CLUSTER_MIGRATION_FEED_H

#include "cacheengine/cluster/migration.h"

/* Makes ready for sending, the sink of effects too; frees what is kept. */
void migration_feed_open(struct migration *m);
void migration_feed_drop(struct migration *m);

/* One step of the walk: the keys of a place are appended, or some elements of a big one. */
void migration_feed_step(struct migration *m);

/* True when every key was sent once. */
bool migration_feed_is_done(const struct migration *m);

/* The target has run so many commands in all: they are not kept any more. */
void migration_feed_acked(struct migration *m, uint64_t count);

/* ---- for migration_pieces.c ---- */

/* A command of so many words is appended to m->out; between the two, its words are put into what
 * the first one returns. */
struct buf *migration_command_begin(struct migration *m, uint32_t words);
void migration_command_end(struct migration *m);

void migration_put_word(struct buf *b, struct str word);
void migration_put_removal(struct migration *m, struct str key);

/* The key as one command. */
void migration_put_whole(struct migration *m, struct db *db, const struct entry *e);

#endif
