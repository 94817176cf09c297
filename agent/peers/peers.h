/*
 * Leases between hosts. One thread renews the leases of this host's primaries at their voters every
 * LEASE_RENEW_MS, answers as a voter, and tells each engine (or its shim) until when it may take
 * writes. It runs at a real-time priority where that is allowed, waits for no disk and for nobody
 * else: a loop of the agent that is slow delays no lease. All functions here may be called from one
 * other thread; they take a lock that is never held across a disk.
 */
#ifndef LARDER_AGENT_PEERS_H
#define LARDER_AGENT_PEERS_H

#include "base/err.h"
#include "base/net.h"
#include "lease/holder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct peers;

struct peers_conf {
    const char *host_id;
    const char *state_dir;       /* the key and the port are kept there */
    const struct net_addr *bind; /* port 0: the one of before, else any */
};

/* Who is told until when a lease lasts. */
enum peers_teller {
    PEERS_TELL_ENGINE, /* LARDER.LEASE on its socket */
    PEERS_TELL_SHIM,   /* SHIM_LEASE: it fences the engine when the time has come */
};

struct peers_voter {
    uint64_t number; /* lease_voter_number */
    struct net_addr address;
};

/* A lease to be held. */
struct peers_lease {
    int64_t node, shard, term;
    int ms;
    const struct peers_voter *voters; /* no two with one number */
    size_t voter_count;
    enum peers_teller teller;
    const char *dir, *socket;               /* of the engine or its shim */
    const char *greeting, *fence, *unfence; /* PEERS_TELL_SHIM: see shim_protocol.h */
};

/* Binds the socket and starts the thread. ERR_CONFLICT, ERR_UNAVAILABLE, ERR_DENIED, ERR_IO. */
must_use struct err peers_open(struct arena *a, const struct peers_conf *conf, struct peers **out);

/* Leases run out by themselves: engines keep what they were told last. Accepts NULL. */
void peers_close(struct peers *p);

/* Where it listens. */
struct net_addr peers_address(const struct peers *p);

/* Readable when a lease was won or lost since peers_news. */
int peers_news_fd(const struct peers *p);
void peers_news(struct peers *p);

/* By which datagrams are known from now on; kept in the state directory. ERR_IO. */
must_use struct err peers_set_key(struct peers *p, const unsigned char key[LEASE_KEY_BYTES]);

/* Holds the lease, from now on, in the place of another one of the node. One that is the same goes
 * on. */
void peers_hold(struct peers *p, const struct peers_lease *lease);

/* Renews it no longer; what was told last stays. */
void peers_release(struct peers *p, int64_t node);

/* The same, and takes back what its shim was told: the engine needs no lease any more. */
void peers_drop(struct peers *p, int64_t node);

/* True while the node has the lease of that term. */
bool peers_has_lease(struct peers *p, int64_t node, int64_t term);

/* How late renewals are sent and answered here; see lateness.h. */
int64_t peers_late_ms(struct peers *p);

/* The voter of this host; see voter.h. */
void peers_know(struct peers *p, int64_t shard, int64_t term, int ms);
void peers_forget(struct peers *p, int64_t shard);
void peers_ended(struct peers *p, int64_t shard, int64_t term);
int64_t peers_may_promise_ms(struct peers *p, int64_t shard, int64_t term);
bool peers_promise(struct peers *p, int64_t shard, int64_t term);

#endif
