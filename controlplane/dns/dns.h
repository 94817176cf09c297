/*
 * Names of endpoints, made resolvable.
 *
 * The reconciler says which name has which addresses; a backend makes that known: the embedded
 * authoritative server, or nobody at all. Every function is safe to call from several threads. A
 * backend may reach out to another server, so an upsert can take time and can fail; what has failed
 * has changed nothing and may be repeated.
 */
#ifndef LARDER_CONTROLPLANE_DNS_DNS_H
#define LARDER_CONTROLPLANE_DNS_DNS_H

#include "base/err.h"

#include <stddef.h>

struct arena;
struct clock;
struct dns;

#define DNS_TTL_S         5    /* what endpoints are published with: they must move fast */
#define DNS_ADDRESSES_MAX 1000 /* of one name */

/* All borrowed until dns_open returns, but the clock, which must live as long as the result. */
struct dns_conf {
    const char *backend; /* "embedded" or "none" */
    const char *zone;    /* "cache.larder.internal" */
    const char *listen;  /* embedded: "127.0.0.1:9353"; port 0 lets the system choose */
    const struct clock *clock;
};

/*
 * Opens the backend; the caller closes the result. The sentence of an error lives in `a`.
 * Errors: ERR_INVALID (unknown backend, bad zone name or address), ERR_CONFLICT (the port is
 * taken), ERR_UNAVAILABLE (not our address), ERR_DENIED, ERR_IO.
 */
must_use struct err dns_open(struct arena *a, const struct dns_conf *conf, struct dns **out);
void dns_close(struct dns *d);

/*
 * Publishes a name with these addresses (IPv4 and IPv6 literals) in place of all it had: who asks
 * sees the old set or the new one, never a mixture and never a gap. At least one address. Errors:
 * ERR_INVALID (not a host name inside the zone, not an address, TTL below 0), ERR_LIMIT (too many
 * addresses), and what the backend meets.
 */
must_use struct err dns_upsert(struct dns *d, const char *name, const char *const *addresses,
                               size_t count, int ttl_s);

/* Unpublishes a name; one that is not published is fine. Errors: ERR_INVALID, as above. */
must_use struct err dns_remove(struct dns *d, const char *name);

/* The zone in lower case without a dot at the end; lives as long as `d`. */
const char *dns_zone(const struct dns *d);

/* The port that the embedded server listens on; 0 for a backend that does not listen. */
int dns_port(const struct dns *d);

#endif
