/*
 * The name server of a control plane that stands by: it answers from a copy of the zone, for which
 * the leader is asked over and over, as by agents. A thread of its own.
 */
#ifndef LARDER_CONTROLPLANE_DNS_STAND_IN_H
#define LARDER_CONTROLPLANE_DNS_STAND_IN_H

#include "base/err.h"

struct arena;
struct clock;
struct stand_in;

/* All borrowed for the life of the result. */
struct stand_in_conf {
    const struct clock *clock;
    const char *listen; /* where names are answered: "127.0.0.1:9354" */
    const char *path;   /* of the file with the copy */
    const char *token;  /* of agents; NULL for none */
    /* Where the leader is at the moment, in `a`, without a slash at its end; NULL: nobody knows. On
     * the thread. */
    const char *(*leader)(void *context, struct arena *a);
    void *context;
};

/* Errors, in `a`: those of dns_open, and of copy_open. */
must_use struct err stand_in_start(struct arena *a, const struct stand_in_conf *conf,
                                   struct stand_in **out);

/* Ends at once, whoever is asked at the moment. Accepts NULL. */
void stand_in_stop(struct stand_in *s);

int stand_in_port(const struct stand_in *s);

#endif
