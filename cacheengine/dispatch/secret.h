/* What no log may show: passwords and keys among the arguments of a call. */
#ifndef LARDER_DISPATCH_SECRET_H
#define LARDER_DISPATCH_SECRET_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct cmd_call;

#define SECRET_SHOWN STR("(redacted)") /* in its place */

/* True when the argument is one. */
bool secret_is_argument(const struct cmd_call *c, uint32_t arg);

/* True when the directive's value is one. */
bool secret_is_directive(struct str name);

#endif
