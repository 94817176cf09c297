/* Links in the loop: what keyspace/link.h promises, over non-blocking sockets. */
#ifndef LARDER_NET_LINK_H
#define LARDER_NET_LINK_H

#include "cacheengine/net/loop.h"

struct epoll_event;

/* What the loop hands to those below: dials in this loop. */
struct link_dialer links_dialer(struct loop *l);

/* What epoll has to say of a link; `of` is what was registered. */
void links_event(void *of, uint32_t events);

/* Tells what is due: time-outs, wakes. Returns the milliseconds until the next is, INT_MAX for
 * none. */
int links_due(struct loop *l);

/* Frees those that were closed; when no event of the round is left. */
void links_free_closed(struct loop *l);

/* Closes all without a word. */
void links_close(struct loop *l);

#endif
