/*
 * A decoded value together with its shape, and JMESPath-like paths into it. The paths are those
 * that the model's waiters and paginators use: names with dots between, `[]` for every item of a
 * list.
 */
#ifndef LARDER_CLI_COMMANDS_VIEW_H
#define LARDER_CLI_COMMANDS_VIEW_H

#include "base/shape.h"

#include <stdbool.h>

struct arena;

/* `at` is the value as it stands in a list; a struct itself, never a pointer to it. */
struct view {
    const struct shape *shape;
    const void *at;
};

/* The member's value; false when it is absent or the shape has no such member. */
bool view_member(struct view v, const struct shape_member *m, struct view *out);

/* Item `index` of a LIST; the caller has checked the count. */
struct view view_item(struct view list, size_t index);

/* Key and value number `index` of a MAP. */
struct view view_entry(struct view map, size_t index, const char **out_key);

/* What LIST and MAP have in front: the count and the items. */
const struct shape_seq *view_seq(struct view v);

/* The one value at a path without `[]` ("EngineDefaults.Marker"); false when there is none. */
bool view_find(struct view root, const char *path, struct view *out);

/* The text of a STRING, or NULL for another kind. */
const char *view_text(struct view v);

/* Calls `fn` for every value at the path ("CacheClusters[].CacheClusterStatus"). */
typedef void (*view_fn)(void *context, struct view v);
void view_each(struct view root, const char *path, view_fn fn, void *context);

/* Writes a representation of `shape` as a member stands in its struct: bytes that it takes there.
 */
size_t view_member_size(const struct shape *shape);

#endif
