/* The buckets that snapshots are exported to and seeds come from: the operator's file. */
#ifndef LARDER_CONTROLPLANE_MODEL_BUCKETS_H
#define LARDER_CONTROLPLANE_MODEL_BUCKETS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A folder, or a service that speaks S3. */
struct bucket {
    const char *name;
    const char *dir; /* absolute; NULL: it is the other kind */
    const char *url; /* of the service, without a slash at its end */
    const char *region, *access_key, *secret_key;
};

struct buckets {
    struct bucket *items;
    size_t count;
};

/*
 * Reads the file's text: "NAME /FOLDER" or "NAME URL REGION ACCESS-KEY SECRET-KEY" on each line,
 * '#' begins a comment. ERR_INVALID with a sentence that names the line. The list lives in `a`.
 */
must_use struct err buckets_parse(struct arena *a, struct str text, struct buckets *out);

/* The bucket of that name, or NULL. */
const struct bucket *bucket_find(const struct buckets *all, const char *name);

/* Takes apart "arn:aws:s3:::bucket/key": "bucket/key", which stays part of the text. False for
 * anything else, and for keys that lead out of a folder. */
bool bucket_arn_parse(const char *arn, const char **out_path);

/* Splits "bucket/key"; the parts live in `a`. */
void bucket_path_split(struct arena *a, const char *path, const char **out_bucket,
                       const char **out_key);

#endif
