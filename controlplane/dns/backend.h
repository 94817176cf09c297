/* What stands behind dns.h: one constant table of functions per way to make names known. */
#ifndef LARDER_CONTROLPLANE_DNS_BACKEND_H
#define LARDER_CONTROLPLANE_DNS_BACKEND_H

#include "base/net.h"
#include "controlplane/dns/dns.h"
#include "nameserver/name.h"

struct dns_backend;
struct zone;

/* The head of every backend's own struct. */
struct dns_publisher {
    const struct dns_backend *backend;
};

/*
 * `open` makes the backend's struct; dns.c then fills in `backend`. It leaves NULL in *out where
 * the configuration does not ask for this backend. Names and addresses arrive checked: lower case,
 * inside the zone, no dot at the end, at least one address. `settle`, `port` and `records` may be
 * NULL.
 */
struct dns_backend {
    const char *name;
    struct err (*open)(struct arena *a, const struct dns_conf *conf, const char *zone,
                       struct dns_publisher **out);
    struct err (*upsert)(struct dns_publisher *p, const char *name,
                         const struct net_addr *addresses, size_t count, int ttl_s);
    struct err (*remove)(struct dns_publisher *p, const char *name);
    void (*settle)(struct dns_publisher *p);
    int (*port)(const struct dns_publisher *p);
    struct zone *(*records)(const struct dns_publisher *p);
    void (*close)(struct dns_publisher *p);
};

extern const struct dns_backend dns_embedded; /* the server in this program */
extern const struct dns_backend dns_update;   /* updates for another one (RFC 2136) */
extern const struct dns_backend dns_hosts;    /* a file of the form of /etc/hosts */

/* Every backend, ended by NULL. */
extern const struct dns_backend *const dns_backends[];

#endif
