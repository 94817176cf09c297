/*
 * Names as they should be at a place outside that may be slow or away: another name server, a file.
 * Changes are taken at once; a thread brings them there until the place has taken them. After a
 * failure, and now and then without one, everything is brought again, as the place may have
 * forgotten what it had taken. Private to dns/.
 */
#ifndef LARDER_CONTROLPLANE_DNS_FOLLOWER_H
#define LARDER_CONTROLPLANE_DNS_FOLLOWER_H

#include "controlplane/dns/backend.h"

#include <stdint.h>

struct arena;
struct follower;

struct follower_name {
    const char *name;
    const struct net_addr *addresses;
    size_t count; /* 0: there is no such name any more */
    int ttl_s;
};

/* All borrowed until follower_start returns, but `what` and `context`, which must live as long as
 * the follower. */
struct follower_conf {
    const char *what; /* the place, for the log: "name server 127.0.0.1:53" */
    void *context;
    /* Brings these names there: all, or none and the reason, whose sentence may live in `a`. On the
     * follower's thread. */
    struct err (*push)(void *context, struct arena *a, const struct follower_name *names,
                       size_t count);
    /* Asked before each push; see dns_conf. NULL: it always may. */
    bool (*may_push)(void *context);
    void *may_push_context;
    /* How much one push may have at most: names, and addresses unless it is a single name's. 0: a
     * push has all names that there are, and the first waits for follower_settle. */
    size_t names_max, addresses_max;
    int64_t refresh_ms; /* all is brought again so often; 0: never */
    /* A file where names are remembered from before they are brought until they are taken back, so
     * that those of a program that died can be taken back by the next one. NULL: nothing is. */
    const char *memory;
};

/* ERR_IO (the memory; its sentence in `a`), ERR_LIMIT (no thread). */
must_use struct err follower_start(struct arena *a, const struct follower_conf *conf,
                                   struct follower **out);

/* What has not been brought by then is not; accepts NULL. */
void follower_stop(struct follower *f);

/* Sets all addresses of a name; none: the name is no more. */
void follower_set(struct follower *f, const char *name, const struct net_addr *addresses,
                  size_t count, int ttl_s);

/* Says that all names have been set since the start: who is only in the memory is no more. */
void follower_settle(struct follower *f);

/* The head of a backend that has a follower, and what stands in its table for it. */
struct following {
    struct dns_publisher publisher;
    struct follower *follower;
};

must_use struct err following_upsert(struct dns_publisher *p, const char *name,
                                     const struct net_addr *addresses, size_t count, int ttl_s);
must_use struct err following_remove(struct dns_publisher *p, const char *name);
void following_settle(struct dns_publisher *p);

#endif
