/*
 * The control plane's own vote on leases of shards: where their hosts are of an even number, it
 * makes that odd. A thread answers renewals by UDP and waits for nobody: neither for the store nor
 * for whoever decides.
 *
 * There may be another control plane that takes this one's place while it stands still
 * (lead/lead.h). The two never count as two: this one says nothing when it was not confirmed in the
 * last trust_ms, and the other one promises nothing for so long and the time of a grant. An answer
 * that was ready and is sent later, by one that stood still in between, does no harm: its holder
 * counts from when it asked.
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
    /* It votes for so long after vote_confirm, and not beyond: somebody else may vote in its place
     * then. 0: nobody can. */
    int trust_ms;
    /* Another one may have voted in its place until now: what that one grants has run out in so
     * long at most, and nothing is promised before. */
    int other_ms;
    unsigned char key[LEASE_KEY_BYTES];
};

/* Binds the socket and starts the thread. Errors: those of net_bind_udp. */
must_use struct err vote_start(struct arena *a, const struct vote_conf *conf, struct vote **out);

/* Accepts NULL. */
void vote_stop(struct vote *v);

int vote_port(const struct vote *v);

/* At that time of the boot clock nobody else could vote in its place. The start counts as one. */
void vote_confirm(struct vote *v, int64_t boot_ms);

/* It votes on the shard, whose leases last `ms`, and grants none of a term below this one. */
void vote_know(struct vote *v, int64_t shard_id, int64_t term, int ms);

/* It votes on it no longer. */
void vote_forget(struct vote *v, int64_t shard_id);

/* Promises the term, if that may be by now. Where it may be later, `*out_wait_ms` says in how long;
 * INT64_MAX: not before something else happens. */
bool vote_promise(struct vote *v, int64_t shard_id, int64_t term, int64_t *out_wait_ms);

#endif
