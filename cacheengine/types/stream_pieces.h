/*
 * A stream told in parts, as commands, while it changes (what type_ops says of tell_some): first
 * its entries by rising names, then what it knows of itself, then its groups by name, each with its
 * consumers and what waits for them.
 *
 *     XADD key id field value ...                             what stands in front is there or gone
 *     XSETID key last ENTRIESADDED n MAXDELETEDID id
 *     XGROUP CREATE key group last ENTRIESREAD n
 *     LARDER.CONSUMER key group consumer seen active [id delivered deliveries] ...
 *
 * Before the entries are complete, changes of them are followed and those of groups are left out;
 * then changes of entries go along as they are, and those of groups that were told.
 */
#ifndef LARDER_TYPES_STREAM_PIECES_H
#define LARDER_TYPES_STREAM_PIECES_H

#include "cacheengine/types/stream.h"

bool stream_tell_some(const struct entry *e, struct buf *place, const struct teller *t);
enum change_meaning stream_tell_change(const struct entry *e, const struct buf *place,
                                       const struct effect *change, const struct teller *t);
bool stream_is_tellable(const void *object);

#endif
