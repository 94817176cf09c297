/* JSON schemas of shapes, for the OpenAPI document. */
#ifndef LARDER_CONTROLPLANE_API_SCHEMAS_H
#define LARDER_CONTROLPLANE_API_SCHEMAS_H

#include "base/json.h"
#include "base/shape.h"

/* A document being written. */
struct openapi {
    struct json_writer w;
    const struct service_desc *const *services;
    size_t service_count;
    const struct service_desc *service; /* the one being written */
};

/* The inside of a schema object that stands for a value of the shape. */
void schemas_write_reference(struct openapi *x, const struct shape *s);

/* A schema object for a value of the shape; `doc` may be NULL. */
void schemas_write_use(struct openapi *x, const struct shape *s, const char *doc);

/* The inside of the schema of a STRUCT. Members that `skip` names in braces are left out; a closed
 * one takes no further members. */
void schemas_write_object(struct openapi *x, const struct shape *s, const char *skip,
                          bool is_closed);

/* True when the path `skip` (or NULL) has this member as a parameter. */
bool schemas_skips(const char *skip, const struct shape_member *m);

/* The members of components.schemas: faults, and every shape that an operation can reach. */
void schemas_write_all(struct openapi *x);

#endif
