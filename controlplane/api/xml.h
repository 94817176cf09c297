/* Answers of the Query protocol: values of any shape, and the envelopes around results and faults.
 */
#ifndef LARDER_CONTROLPLANE_API_XML_H
#define LARDER_CONTROLPLANE_API_XML_H

#include "base/buf.h"
#include "base/shape.h"

/* Text between tags. What XML cannot hold becomes U+FFFD; `text` must be well-formed UTF-8. */
void xml_text(struct buf *out, struct str text);

/* `<name>value</name>` by the shape; empty lists and structures are `<name/>`. */
void xml_element(struct buf *out, const char *name, const struct shape *s, const void *value);

/* The whole answer of an operation: `value` is of the type of op->out. Returns where in `out` the
 * id of the request stands. */
size_t xml_result(struct buf *out, const struct service_desc *service, const struct op_desc *op,
                  const void *value, const char *request_id);

/* The whole answer of a fault. */
void xml_fault(struct buf *out, const struct service_desc *service, const struct fault_desc *fault,
               const char *why, const char *request_id);

#endif
