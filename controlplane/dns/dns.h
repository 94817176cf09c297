/*
 * Names of endpoints, made resolvable.
 *
 * The reconciler says which name has which addresses, and each backend that is asked for makes that
 * known: the authoritative server in this program, updates for another server (RFC 2136), a hosts
 * file. Every function is safe to call from several threads and returns at once: a server that is
 * slow or away gets the changes when it can take them.
 */
#ifndef LARDER_CONTROLPLANE_DNS_DNS_H
#define LARDER_CONTROLPLANE_DNS_DNS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct dns;
struct zone_changes;

#define DNS_TTL_S 5 /* what endpoints are published with: they must move fast */

/* All borrowed until dns_open returns, but the clock, which must live as long as the result. */
struct dns_conf {
    const char *zone;   /* "cache.larder.internal" */
    const char *listen; /* where this program answers: "127.0.0.1:9353"; port 0 lets the system
                         * choose; NULL: nowhere */
    const char *update_server;   /* which other server is sent updates: "127.0.0.1:53"; or NULL */
    const char *update_key_file; /* what they are signed with (tsig_key.h); NULL: not signed */
    const char *hosts_file;      /* NULL: none */
    const char *state_dir;       /* remembers what the other server was sent */
    const struct clock *clock;
    /* Asked before anybody outside is told of names, from any thread: who does not lead any more
     * tells nobody what it believes. NULL: it always leads. Both live as long as the result. */
    bool (*leads)(void *context);
    void *leads_context;
};

/*
 * Opens the backends; the caller closes the result. The sentence of an error lives in `a`.
 * Errors: ERR_INVALID (bad zone name, address or key), ERR_CONFLICT (the port is taken),
 * ERR_UNAVAILABLE (not our address), ERR_NOT_FOUND (no key file), ERR_DENIED, ERR_IO, ERR_LIMIT
 * (no thread).
 */
must_use struct err dns_open(struct arena *a, const struct dns_conf *conf, struct dns **out);
void dns_close(struct dns *d);

/*
 * Publishes a name with these addresses (IPv4 and IPv6 literals) in place of all it had: who asks
 * sees the old set or the new one, never a mixture and never a gap. At least one address. Errors:
 * ERR_INVALID (not a host name inside the zone, not an address, TTL below 0), ERR_LIMIT (too many
 * addresses).
 */
must_use struct err dns_upsert(struct dns *d, const char *name, const char *const *addresses,
                               size_t count, int ttl_s);

/* Unpublishes a name; one that is not published is fine. Errors: ERR_INVALID, as above. */
must_use struct err dns_remove(struct dns *d, const char *name);

/* Says that all names that there are have been published since dns_open. Names from before it that
 * are still known outside, because this program died before it could take them back, go now. */
void dns_settle(struct dns *d);

/* The serial up to which copies can be told; 0 before dns_settle. */
uint32_t dns_serial(const struct dns *d);

/*
 * What a copy of the zone lacks that has come to `serial` of `life` (both 0: it is new), in `a`. A
 * copy of another life, from before a restart, gets the whole zone, with a later serial. False
 * when it lacks nothing, and before dns_settle, when names may be missing that the copy has.
 */
bool dns_changes(struct dns *d, struct arena *a, int64_t life, uint32_t serial,
                 struct zone_changes *out);

/* Of the zone since dns_open: another one each time, never 0. */
int64_t dns_life(const struct dns *d);

/* The zone in lower case without a dot at the end; lives as long as `d`. */
const char *dns_zone(const struct dns *d);

/* The port that the embedded server listens on; 0 when there is none. */
int dns_port(const struct dns *d);

#endif
