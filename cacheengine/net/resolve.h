/* Names of hosts, resolved aside: the system's resolver waits, and the loop must not. */
#ifndef LARDER_NET_RESOLVE_H
#define LARDER_NET_RESOLVE_H

#include "base/err.h"

#include <netdb.h>

struct resolution;

/* Begins to resolve; an address needs no thread and is there at once. ERR_IO when the system gives
 * no thread or no pipe. */
must_use struct err resolve_begin(const char *host, int port, struct resolution **out);

/* A descriptor that becomes readable when the result is there. */
int resolve_fd(const struct resolution *r);

/* The result, which belongs to the resolution. ERR_UNAVAILABLE with the resolver's words. */
must_use struct err resolve_result(struct resolution *r, const struct addrinfo **out);

/* Frees it, or leaves that to the thread that still waits. Accepts NULL. */
void resolve_end(struct resolution *r);

#endif
