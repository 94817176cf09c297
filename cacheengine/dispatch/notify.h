/*
 * Keyspace notifications: what happens to keys, as messages on channels of the server's own
 * (`notify-keyspace-events`).
 */
#ifndef LARDER_DISPATCH_NOTIFY_H
#define LARDER_DISPATCH_NOTIFY_H

#include "cacheengine/dispatch/engine.h"

/* Classes as letters ("KEA") to bits; false when a letter is none. */
bool notify_parse(struct str letters, uint32_t *out);

/* The letters in their one order. */
#define NOTIFY_LETTERS 20
void notify_letters(uint32_t classes, char out[NOTIFY_LETTERS]);

/* Takes over the setting. */
void notify_apply(struct engine *e);

/* Tells subscribers of a change; call while e->notify_classes is not 0. */
void notify_tell(struct engine *e, const struct db *db, struct key k, enum key_event kind,
                 const char *name);

#endif
