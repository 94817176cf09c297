/* Looking at a control plane from outside: how many hosts it hears. */
#ifndef LARDER_CLI_UP_PROBE_H
#define LARDER_CLI_UP_PROBE_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct arena;
struct http;

/* Asks the control plane at `url` for the number of hosts that it hears. Errors as http_send, and
 * ERR_CORRUPT when the answer does not say it. */
must_use struct err probe_hosts(struct http *h, struct arena *a, const char *url, size_t *out);

/* Reads that number off the text of /metrics; false when it is not there. */
bool probe_hosts_in(struct str metrics, size_t *out);

#endif
