/* The front's one thread of its own: accepts connections, ends those beyond patience, and resumes
 * held polls when their time is over. */
#ifndef LARDER_CONTROLPLANE_FRONT_KEEPER_H
#define LARDER_CONTROLPLANE_FRONT_KEEPER_H

#include "base/err.h"

struct clock;
struct conns;
struct keeper;
struct net_addr;

struct keeper_conf {
    int listen_fd;
    struct conns *conns;
    const struct clock *clock;
    void (*take)(void *context, int fd, const struct net_addr *peer); /* takes over `fd` */
    void *context;
};

/* `conf` is copied, what it points to borrowed. Errors: ERR_IO. */
must_use struct err keeper_new(const struct keeper_conf *conf, struct keeper **out);

/* Starts the thread; ERR_IO. */
must_use struct err keeper_start(struct keeper *k);

/* Ends the thread; the listening socket stays open. Fine when it was never started. */
void keeper_stop(struct keeper *k);

/* Frees it once nobody pokes any more. */
void keeper_free(struct keeper *k);

/* Lets it look again: a connection came or went, or a poll is held. From any thread. */
void keeper_poke(struct keeper *k);

#endif
