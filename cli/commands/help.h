/* Help texts, made from the specification. */
#ifndef LARDER_CLI_COMMANDS_HELP_H
#define LARDER_CLI_COMMANDS_HELP_H

#include "base/shape.h"

struct arena;
struct buf;

/* All commands. */
void help_all(struct arena *a, struct buf *out);

/* One operation and its options. */
void help_operation(struct arena *a, const struct service_desc *s, const struct op_desc *op,
                    struct buf *out);

/* The waiters of a service. */
void help_waiters(struct arena *a, const struct service_desc *s, struct buf *out);

#endif
