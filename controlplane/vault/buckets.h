/* Files to and from buckets; private to vault/. */
#ifndef LARDER_CONTROLPLANE_VAULT_BUCKETS_H
#define LARDER_CONTROLPLANE_VAULT_BUCKETS_H

#include "controlplane/model/buckets.h"

#include <stdint.h>

struct arena;
struct http;
struct kept_file;

/* Puts what is in the file, unsealed, under the key; its SHA-256 is known. Readers see the whole
 * object or none. Errors have a sentence in `a` that names bucket and key. */
must_use struct err bucket_put(struct http *http, struct arena *a, const struct bucket *b,
                               const char *key, struct kept_file *file, const char *sha256);

/* Writes what is under the key to the file. ERR_NOT_FOUND, and others as above. */
must_use struct err bucket_get(struct http *http, struct arena *a, const struct bucket *b,
                               const char *key, int fd);

#endif
