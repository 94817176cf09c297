/*
 * The control plane's own vote on leases of shards: where their hosts are of an even number, it
 * makes that odd. A thread answers renewals by UDP and waits for nobody: neither for the store nor
 * for whoever decides.
 *
 * What is promised needs no disk: a term is in the store before it is asked for here, and is told
 * to the vote again after a restart, before it grants anything of that shard.
 */
#ifndef LARDER_CONTROLPLANE_VOTE_VOTE_H
#define LARDER_CONTROLPLANE_VOTE_VOTE_H

#include "base/err.h"
#include "lease/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct clock;
struct net_addr;
struct vote;

struct vote_conf {
    const struct clock *clock; /* borrowed */
    const struct net_addr *listen;
    const char *name; /* as a voter: its HostId */
    unsigned char key[LEASE_KEY_BYTES];
};

/* Binds the socket and starts the thread. Errors: those of net_bind_udp. */
must_use struct err vote_start(struct arena *a, const struct vote_conf *conf, struct vote **out);

/* Accepts NULL. */
void vote_stop(struct vote *v);

int vote_port(const struct vote *v);

/* It votes on the shard, whose leases last `ms`, and grants none of a term below this one. */
void vote_know(struct vote *v, int64_t shard_id, int64_t term, int ms);

/* It votes on it no longer. */
void vote_forget(struct vote *v, int64_t shard_id);

/* Promises the term, if that may be by now. Where it may be later, `*out_wait_ms` says in how long;
 * INT64_MAX: not before something else happens. */
bool vote_promise(struct vote *v, int64_t shard_id, int64_t term, int64_t *out_wait_ms);

#endif
