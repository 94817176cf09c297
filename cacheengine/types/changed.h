/* Changes of a collection: several elements with one notification. */
#ifndef LARDER_TYPES_CHANGED_H
#define LARDER_TYPES_CHANGED_H

#include "cacheengine/keyspace/call.h"

/* call_changed for `changes` changes; 0 only tells (the end of a key by a change that was counted
 * already). */
static inline void changed_by(struct cmd_call *c, struct key k, enum key_event kind,
                              const char *event, uint64_t changes)
{
    call_changed(c, k, kind, event);
    c->dirty += changes - 1;
}

#endif
