/* Fixed places for all, so that there is one length for each count, and nothing to be parsed. */
#include "lease/wire.h"

#include "base/digest.h"
#include "base/err.h"

#include <string.h>

#define VERSION 1

uint64_t lease_voter_number(const char *host_id)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    uint64_t number = 0;

    digest_sha256(host_id, strlen(host_id), digest);
    for (int i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    return number ? number : 1;
}

static unsigned char *put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *at++ = (unsigned char)(value >> (8 * i));
    return at;
}

static uint64_t take(const unsigned char **at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | *(*at)++;
    return value;
}

static size_t length_of(uint64_t count)
{
    return LEASE_HEAD_BYTES + count * LEASE_ENTRY_BYTES + LEASE_MAC_BYTES;
}

size_t lease_wire_write(const struct lease_datagram *d, const unsigned char key[LEASE_KEY_BYTES],
                        unsigned char out[LEASE_DATAGRAM_MAX])
{
    unsigned char *at = out;

    check(d->count >= 1 && d->count <= LEASE_ENTRIES_MAX);
    at = put(at, 'L' << 8 | 'L', 2);
    at = put(at, VERSION, 1);
    at = put(at, d->kind, 1);
    at = put(at, d->count, 4);
    at = put(at, d->voter, 8);
    at = put(at, d->sequence, 8);
    for (size_t i = 0; i < d->count; i++) {
        const struct lease_entry *e = &d->entries[i];
        at = put(at, (uint64_t)e->shard, 8);
        at = put(at, (uint64_t)e->term, 8);
        at = put(at, (uint64_t)e->holder, 8);
        at = put(at, (uint64_t)e->ms, 4);
    }
    digest_hmac_sha256(key, LEASE_KEY_BYTES, out, (size_t)(at - out), at);
    return length_of(d->count);
}

static bool is_authentic(const unsigned char *bytes, size_t len, const unsigned char *key)
{
    unsigned char mac[LEASE_MAC_BYTES];
    unsigned difference = 0;

    digest_hmac_sha256(key, LEASE_KEY_BYTES, bytes, len - LEASE_MAC_BYTES, mac);
    for (size_t i = 0; i < LEASE_MAC_BYTES; i++) /* in the same time wherever they differ */
        difference |= mac[i] ^ bytes[len - LEASE_MAC_BYTES + i];
    return difference == 0;
}

static bool read_entry(const unsigned char **at, enum lease_kind kind, struct lease_entry *out)
{
    out->shard = (int64_t)take(at, 8);
    out->term = (int64_t)take(at, 8);
    out->holder = (int64_t)take(at, 8);
    uint64_t ms = take(at, 4);
    out->ms = (int)(ms <= LEASE_MS_MAX ? ms : 0);
    return out->shard > 0 && out->term > 0 && out->holder > 0 && ms <= LEASE_MS_MAX &&
           (kind == LEASE_ANSWER || ms > 0);
}

bool lease_wire_read(const void *bytes, size_t len, const unsigned char key[LEASE_KEY_BYTES],
                     struct lease_datagram *out)
{
    const unsigned char *at = bytes;

    if (len < length_of(1) || len > LEASE_DATAGRAM_MAX || take(&at, 2) != ('L' << 8 | 'L') ||
        take(&at, 1) != VERSION)
        return false;
    uint64_t kind = take(&at, 1), count = take(&at, 4);
    if ((kind != LEASE_RENEW && kind != LEASE_ANSWER) || count > LEASE_ENTRIES_MAX ||
        len != length_of(count) || !is_authentic(bytes, len, key))
        return false;
    out->kind = (enum lease_kind)kind;
    out->voter = take(&at, 8);
    out->sequence = take(&at, 8);
    out->count = count;
    for (size_t i = 0; i < count; i++)
        if (!read_entry(&at, out->kind, &out->entries[i]))
            return false;
    return true;
}
