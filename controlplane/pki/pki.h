/*
 * Certificates of cache nodes: an authority of the service's own, and certificates that it issues
 * (X.509 v3, RFC 5280; keys on the curve P-256). Everything is PEM text. Pure but for chance and
 * the clock, which the caller reads.
 */
#ifndef LARDER_CONTROLPLANE_PKI_H
#define LARDER_CONTROLPLANE_PKI_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena;

/* A private key and the certificate of its public one. */
struct pki_identity {
    const char *certificate, *private_key; /* PEM; the key as PKCS #8, not encrypted */
    int64_t not_after_ms;                  /* wall time */
};

/* An authority that is valid for twenty years, called `name`. ERR_INTERNAL when OpenSSL refuses. */
must_use struct err pki_authority_new(struct arena *a, const char *name, int64_t now_ms,
                                      struct pki_identity *out);

/*
 * A certificate for a server that clients reach by any of `names`: host names (also "*.domain") and
 * addresses of IPv4 and IPv6 as text. It is valid for a year, or until its authority is not any
 * more. The nodes of a group are clients of each other with it, too. ERR_INVALID when the authority
 * is no identity of pki_authority_new or a name is unusable; `why` lives in `a`.
 */
must_use struct err pki_issue(struct arena *a, const struct pki_identity *authority,
                              const char *const *names, size_t name_count, int64_t now_ms,
                              struct pki_identity *out);

/* When a certificate should be replaced: a month before its end, so that a service that was off for
 * weeks still has one. */
int64_t pki_renewal_ms(int64_t not_after_ms);

/* Until when the certificate is valid. ERR_INVALID for text that is none. */
must_use struct err pki_not_after(const char *certificate, int64_t *out_ms);

#endif
