/* Fingerprints of keys, for comparing what two servers hold (DEBUG DIGEST): the same bytes as Redis
 * and Valkey make of the same keys. */
#ifndef LARDER_TYPES_DIGEST_H
#define LARDER_TYPES_DIGEST_H

#include "base/digest.h"
#include "cacheengine/keyspace/db.h"

struct arena;

/* Mixes the value of an entry, and that it expires, into the DIGEST_SHA1_BYTES of `digest`. */
void digest_value(struct db *db, const struct entry *e, struct arena *a, unsigned char *digest);

/* The fingerprint of all keys of all databases. */
void digest_all(struct keyspace *ks, struct arena *a, unsigned char *digest);

#endif
