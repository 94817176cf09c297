/*
 * Any bytes as a datagram about leases, with and without a code that fits them. What can be read
 * can be written, and is then the same; a voter answers it, and its answer can be read.
 */
#include "base/digest.h"
#include "base/err.h"
#include "lease/holder.h"
#include "lease/voter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const unsigned char key[LEASE_KEY_BYTES] = {1};

static void vote(const struct lease_datagram *asked)
{
    struct lease_voter *v = lease_voter_new();
    struct lease_datagram said, back;
    unsigned char bytes[LEASE_DATAGRAM_MAX];
    struct lease_holder h;

    for (size_t i = 0; i < asked->count; i += 2)
        lease_voter_know(v, asked->entries[i].shard, i % 3, LEASE_MS, 0);
    if (lease_voter_answer(v, asked, 1, &said)) {
        check(lease_wire_read(bytes, lease_wire_write(&said, key, bytes), key, &back));
        check(back.count == said.count && back.sequence == asked->sequence);
        lease_holder_init(&h, &asked->entries[0], &asked->voter, 1);
        for (size_t i = 0; i < back.count; i++)
            lease_holder_take(&h, back.voter, 1, &back.entries[i]);
    }
    lease_voter_free(v);
}

static void read_one(const unsigned char *bytes, size_t len)
{
    struct lease_datagram d;
    unsigned char again[LEASE_DATAGRAM_MAX];

    if (!lease_wire_read(bytes, len, key, &d))
        return;
    check(lease_wire_write(&d, key, again) == len && memcmp(again, bytes, len) == 0);
    if (d.kind == LEASE_RENEW)
        vote(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    unsigned char *bytes = malloc(len + LEASE_MAC_BYTES); /* of its very size */

    check(bytes != NULL);
    memcpy(bytes, data, len);
    read_one(bytes, len);
    digest_hmac_sha256(key, sizeof(key), bytes, len, bytes + len);
    read_one(bytes, len + LEASE_MAC_BYTES);
    free(bytes);
    return 0;
}
