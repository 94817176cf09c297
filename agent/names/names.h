/*
 * Endpoints' names, answered by this host: a poll of its own keeps a copy of the zone up to date,
 * and a thread answers from it whether the control plane runs or not.
 */
#ifndef LARDER_AGENT_NAMES_NAMES_H
#define LARDER_AGENT_NAMES_NAMES_H

#include "base/err.h"

struct arena;
struct loop;
struct names;
struct net_addr;
struct rng;

/* All borrowed for the life of the part. */
struct names_conf {
    struct loop *loop;
    struct rng *rng;
    const char *const *url; /* of the control plane at the moment, without a slash at its end */
    const char *token;      /* NULL for none */
    const char *path;       /* of the file with the copy */
    const struct net_addr *listen; /* where names are answered, UDP and TCP */
    int wait_ms;                   /* how long the control plane may hold a poll */
};

/* Answers from the copy of before at once, and begins to poll. The sentence of an error is in `a`:
 * those of copy_open, ERR_IO when the system has no descriptors left. */
must_use struct err names_open(struct arena *a, const struct names_conf *conf, struct names **out);

/* The control plane is another one: it is asked at once, whoever is asked at the moment. Accepts
 * NULL. */
void names_turn(struct names *n);

/* Accepts NULL. */
void names_close(struct names *n);

int names_port(const struct names *n);

#endif
