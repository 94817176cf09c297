/*
 * Fingerprints of bytes: SHA-1 (FIPS 180-4; only where a format demands it) and SHA-256. The work
 * is nettle's, which costs a process that needs nothing but hashes next to no memory.
 */
#ifndef LARDER_BASE_DIGEST_H
#define LARDER_BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_SHA1_BYTES   20
#define DIGEST_SHA256_BYTES 32

void digest_sha1(const void *data, size_t len, unsigned char out[DIGEST_SHA1_BYTES]);
void digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_BYTES]);

/* HMAC (RFC 2104) by SHA-256. */
void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        unsigned char out[DIGEST_SHA256_BYTES]);

/* SHA-256 of bytes that come piece by piece; on the heap. */
struct digest_sha256;
struct digest_sha256 *digest_sha256_new(void);
void digest_sha256_add(struct digest_sha256 *d, const void *data, size_t len);
void digest_sha256_end(struct digest_sha256 *d, unsigned char out[DIGEST_SHA256_BYTES]);
void digest_sha256_free(struct digest_sha256 *d); /* accepts NULL */

/* `count` bytes as lower-case hexadecimal digits with a NUL behind them: 2 * count + 1 bytes. */
void digest_hex(const unsigned char *bytes, size_t count, char *out);

#endif
