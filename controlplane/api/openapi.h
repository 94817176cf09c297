/* The OpenAPI 3.1 document of the REST paths, made from the same tables that serve them. */
#ifndef LARDER_CONTROLPLANE_API_OPENAPI_H
#define LARDER_CONTROLPLANE_API_OPENAPI_H

#include "base/buf.h"
#include "base/shape.h"

void openapi_write(struct buf *out, const struct service_desc *const *services, size_t count);

#endif
