/* UDP and TCP for the embedded server: one thread, non-blocking sockets, bounded connections. */
#ifndef LARDER_NAMESERVER_SERVER_H
#define LARDER_NAMESERVER_SERVER_H

#include "base/err.h"

struct arena;
struct clock;
struct net_addr;
struct server;
struct zone;

#define SERVER_STREAMS_MAX 64    /* open TCP connections; the one idle for longest makes room */
#define SERVER_IDLE_MS     10000 /* a TCP connection that says nothing for so long is closed */

/* Binds both sockets to `address` (port 0: one that both can have) and starts the thread. `z` and
 * `clock` are borrowed until server_stop. Errors: those of net_bind_udp, in `a`. */
must_use struct err server_start(struct arena *a, const struct net_addr *address, struct zone *z,
                                 const struct clock *clock, struct server **out);

/* Answers from `z` from now on, and from the zone before no more when this returns; what is asked
 * meanwhile waits. ERR_IO or ERR_LIMIT without a thread: then nobody answers until the next call.
 */
must_use struct err server_change_zone(struct server *s, struct zone *z);

/* Ends the thread, closes the sockets and frees. */
void server_stop(struct server *s);

int server_port(const struct server *s);

#endif
