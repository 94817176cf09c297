/*
 * The datagrams between holders of leases and voters. One carries the renewals of many shards to
 * one voter, or its answers; all bytes are under HMAC-SHA256 by a key that hosts have from the
 * control plane.
 *
 *   'L' 'L' version kind | count, 4 bytes | voter, 8 | sequence, 8
 *   count times: shard, 8 | term, 8 | holder, 8 | ms, 4
 *   HMAC, 32
 *
 * Numbers are big-endian. A voter answers only what is for itself, and says so: who took over the
 * address of another one does not vote in its place.
 */
#ifndef LARDER_LEASE_WIRE_H
#define LARDER_LEASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEASE_KEY_BYTES   32
#define LEASE_ENTRIES_MAX 32
#define LEASE_ENTRY_BYTES 28
#define LEASE_HEAD_BYTES  24
#define LEASE_MAC_BYTES   32
#define LEASE_DATAGRAM_MAX \
    (LEASE_HEAD_BYTES + LEASE_ENTRIES_MAX * LEASE_ENTRY_BYTES + LEASE_MAC_BYTES)

/* How a lease lasts. The fence margin is for what acts late on a deadline. */
#define LEASE_MS        1200
#define LEASE_RENEW_MS  200
#define LEASE_MARGIN_MS 100
#define LEASE_MS_MAX    60000

enum lease_kind {
    LEASE_RENEW = 1,
    LEASE_ANSWER = 2,
};

/* In an answer: granted for `ms`, which may be less than was asked for; where that is 0, refused,
 * because `term` is promised or held. */
struct lease_entry {
    int64_t shard;
    int64_t term;
    int64_t holder; /* the node that is primary */
    int ms;
};

struct lease_datagram {
    enum lease_kind kind;
    uint64_t voter;    /* whom it is for, or who answers */
    uint64_t sequence; /* of the renewal; its answer has the same */
    size_t count;
    struct lease_entry entries[LEASE_ENTRIES_MAX];
};

/* What a voter is called in datagrams, from its HostId; "control-plane" for that one. Never 0. */
uint64_t lease_voter_number(const char *host_id);

/* Writes it and returns its length. At least one entry. */
size_t lease_wire_write(const struct lease_datagram *d, const unsigned char key[LEASE_KEY_BYTES],
                        unsigned char out[LEASE_DATAGRAM_MAX]);

/* False for what is no datagram under that key, or says what none may: numbers of shard, term and
 * holder below 1, ms above LEASE_MS_MAX, a renewal for no time. */
bool lease_wire_read(const void *bytes, size_t len, const unsigned char key[LEASE_KEY_BYTES],
                     struct lease_datagram *out);

#endif
