/*
 * Leftovers: collections whose keys are gone but whose members are not freed yet. A heap belongs to
 * one thread, so big collections are not handed to another: they are freed in slices between
 * commands. What they hold stays in the account until then.
 */
#ifndef LARDER_KEYSPACE_LEFTOVER_H
#define LARDER_KEYSPACE_LEFTOVER_H

#include "cacheengine/keyspace/keyspace.h"

/* Takes over an object of a type that has drop_some. */
void leftover_add(struct db *db, const struct type_ops *ops, void *object);

/* Frees all of a database at once. */
void leftover_drop(struct db *db);

#endif
