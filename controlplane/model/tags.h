/* What a tag may be. Pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_TAGS_H
#define LARDER_CONTROLPLANE_MODEL_TAGS_H

#include "base/err.h"
#include "controlplane/model/cluster.h"

struct arena;

#define TAGS_MAX      50
#define TAG_KEY_MAX   128 /* characters, not bytes */
#define TAG_VALUE_MAX 256

/* Checks tags that a request brings: lengths, the reserved prefix, no key twice.
 * FAULT_INVALID_PARAMETER_VALUE; the sentence lives in `a`. */
must_use struct err tags_check(struct arena *a, const struct tag *tags, size_t count);

/* Checks that `old` and `new`, equal keys counted once, stay below the limit of a resource:
 * FAULT_TAG_QUOTA_PER_RESOURCE_EXCEEDED. */
must_use struct err tags_check_quota(const struct tag *old, size_t old_count, const struct tag *new,
                                     size_t new_count);

#endif
