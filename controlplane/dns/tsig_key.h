/*
 * Keys that updates are signed with (TSIG, RFC 8945), as files that other tools write: of the form
 * of BIND's tsig-keygen
 *     key "name" { algorithm hmac-sha256; secret "BASE64"; };
 * or of Knot's keymgr and of nsupdate's -y
 *     hmac-sha256:name:BASE64
 * with comments (#, //) and blank lines around. Private to dns/.
 */
#ifndef LARDER_CONTROLPLANE_DNS_TSIG_KEY_H
#define LARDER_CONTROLPLANE_DNS_TSIG_KEY_H

#include "base/err.h"
#include "base/str.h"

struct arena;

struct tsig_key {
    const char *name;      /* a domain name with its dot at the end */
    const char *algorithm; /* "hmac-sha256." */
    const char *secret;    /* base64 */
};

/* Reads a key; it lives in `a`. ERR_INVALID with a sentence that tells what is wrong. */
must_use struct err tsig_key_parse(struct arena *a, struct str text, struct tsig_key *out);

#endif
