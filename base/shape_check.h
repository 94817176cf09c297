/*
 * What the spec demands of a value beyond its types: required members, enums, lengths, ranges,
 * patterns, and characters that can travel in XML.
 */
#ifndef LARDER_BASE_SHAPE_CHECK_H
#define LARDER_BASE_SHAPE_CHECK_H

#include "base/shape.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct shape_patterns;

/* The compiled patterns of everything that the operations of these services take. Never fails:
 * specgen has compiled each of them already. Read-only afterwards, so threads may share it. */
struct shape_patterns *shape_patterns_new(const struct service_desc *const *services, size_t count);
void shape_patterns_free(struct shape_patterns *p);

struct shape_breach {
    const struct shape_member *missing; /* the required member that is not there, or NULL */
    const char *path;                   /* "CacheClusterId", "Tags.Tag.1.Key": names on the wire */
    const char *why; /* "Value 'x' at 'azMode' failed to satisfy constraint: Member must ..." */
};

/*
 * Checks a decoded value in the order of the members. False at the first breach, which is described
 * in `a`. `p` NULL leaves the patterns out.
 */
bool shape_check(struct arena *a, const struct shape_patterns *p, const struct shape *s,
                 const void *value, struct shape_breach *out);

#endif
