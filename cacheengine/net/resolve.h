/*
 * Names of hosts, resolved aside: the system's resolver waits, and the loop must not.
 *
 * A few threads do it, as many as there are names to be looked up, and never more than
 * RESOLVE_THREADS; further names wait in a queue. A name that nobody wants any more leaves the
 * queue; one that is being looked up already is given to the next who asks for it.
 */
#ifndef LARDER_NET_RESOLVE_H
#define LARDER_NET_RESOLVE_H

#include "base/err.h"

#include <netdb.h>

#define RESOLVE_THREADS  4
#define RESOLVE_CLOSE_MS 200 /* so long at most is waited for threads at the end */

struct resolver;
struct resolution;

/* Like getaddrinfo, which is what is used but in tests. */
typedef int resolve_fn(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **out);

struct resolver *resolver_new(resolve_fn *look_up);

/* Frees it; there must be no resolutions any more. A thread whose lookup hangs frees what it needs
 * itself, if the process lives on for so long. Accepts NULL. */
void resolver_close(struct resolver *s);

/* Begins to resolve; an address needs no thread and is there at once. ERR_IO when the system gives
 * no thread or no pipe. */
must_use struct err resolve_begin(struct resolver *s, const char *host, int port,
                                  struct resolution **out);

/* A descriptor that becomes readable when the result is there. */
int resolve_fd(const struct resolution *r);

/* The result, which belongs to the resolution. ERR_UNAVAILABLE with the resolver's words. */
must_use struct err resolve_result(struct resolution *r, const struct addrinfo **out);

/* It is not wanted any more. Accepts NULL. */
void resolve_end(struct resolution *r);

#endif
