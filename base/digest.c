/* SHA-1 and SHA-256 of nettle; the only file that includes its headers. */
#include "base/digest.h"

#include "base/err.h"

#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdlib.h>

void digest_sha1(const void *data, size_t len, unsigned char out[DIGEST_SHA1_BYTES])
{
    struct sha1_ctx ctx;

    sha1_init(&ctx);
    sha1_update(&ctx, len, data);
    sha1_digest(&ctx, DIGEST_SHA1_BYTES, out);
}

void digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_BYTES])
{
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    sha256_update(&ctx, len, data);
    sha256_digest(&ctx, DIGEST_SHA256_BYTES, out);
}

struct digest_sha256 {
    struct sha256_ctx ctx;
};

struct digest_sha256 *digest_sha256_new(void)
{
    struct digest_sha256 *d = malloc(sizeof(*d));

    check(d != NULL);
    sha256_init(&d->ctx);
    return d;
}

void digest_sha256_add(struct digest_sha256 *d, const void *data, size_t len)
{
    sha256_update(&d->ctx, len, data);
}

void digest_sha256_end(struct digest_sha256 *d, unsigned char out[DIGEST_SHA256_BYTES])
{
    sha256_digest(&d->ctx, DIGEST_SHA256_BYTES, out);
}

void digest_sha256_free(struct digest_sha256 *d)
{
    free(d);
}

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        unsigned char out[DIGEST_SHA256_BYTES])
{
    struct hmac_sha256_ctx ctx;

    hmac_sha256_set_key(&ctx, key_len, key);
    hmac_sha256_update(&ctx, len, data);
    hmac_sha256_digest(&ctx, DIGEST_SHA256_BYTES, out);
}

void digest_hex(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = 0;
}
