/* Sealing and opening, by OpenSSL. */
#include "base/seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAGIC       "LARDSEAL"
#define MAGIC_BYTES 8
#define VERSION     1
#define ID_AT       12
#define ID_BYTES    8
#define SALT_AT     20
#define SALT_BYTES  16
#define CHECK_AT    36
#define CHECK_BYTES 16
#define MARK_BYTES  4
#define TAG_BYTES   16
#define NONCE_BYTES 12

#define MARK_LAST      (1U << 31)
#define MARK_RECOVERED (1U << 30)
#define CHUNK_MAX      (1U << 20) /* of what is read */

static const char is_changed[] = "the sealed file was changed: what stands here is not what was "
                                 "written";
static const char is_cut[] = "the sealed file was cut off: it ends without its last chunk";

/* ---- keys ---- */

struct seal_key {
    uint8_t bytes[SEAL_KEY_BYTES];
};

struct seal_cipher {
    EVP_CIPHER_CTX *ctx;
};

struct seal_key *seal_key_new(const uint8_t bytes[SEAL_KEY_BYTES])
{
    struct seal_key *k =
        mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(k != MAP_FAILED);
    /* Where the limits forbid to lock it, it is still kept out of dumps. */
    (void)mlock(k, sizeof(*k));
    (void)madvise(k, sizeof(*k), MADV_DONTDUMP);
    memcpy(k->bytes, bytes, SEAL_KEY_BYTES);
    return k;
}

void seal_key_free(struct seal_key *k)
{
    if (!k)
        return;
    OPENSSL_cleanse(k, sizeof(*k));
    munmap(k, sizeof(*k));
}

bool seal_key_is(const struct seal_key *k, const uint8_t bytes[SEAL_KEY_BYTES])
{
    return CRYPTO_memcmp(k->bytes, bytes, SEAL_KEY_BYTES) == 0;
}

void seal_wipe(void *at, size_t len)
{
    OPENSSL_cleanse(at, len);
}

bool seal_is_sealed(const void *head, size_t len)
{
    return len >= MAGIC_BYTES && memcmp(head, MAGIC, MAGIC_BYTES) == 0;
}

/* HKDF-SHA256 of the data key with a salt, for a use. */
static void derive(const struct seal_key *k, struct str salt, struct str use, void *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)k->bytes, SEAL_KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.ptr, salt.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)use.ptr, use.len),
        OSSL_PARAM_construct_end(),
    };

    check(ctx && EVP_KDF_derive(ctx, out, len, params) == 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* The use that a file's keys are for: a word and the head up to the check. */
static void derive_for(const struct seal_key *k, const uint8_t *head, char word, void *out,
                       size_t len)
{
    char use[1 + CHECK_AT];

    use[0] = word;
    memcpy(use + 1, head, CHECK_AT);
    derive(k, (struct str){(const char *)head + SALT_AT, SALT_BYTES},
           (struct str){use, sizeof(use)}, out, len);
}

static void derive_id(const struct seal_key *k, uint8_t out[ID_BYTES])
{
    derive(k, STR("larder"), STR("key id"), out, ID_BYTES);
}

static struct seal_cipher *cipher_new(const struct seal_key *k, const uint8_t *head, bool seals)
{
    struct seal_cipher *c = malloc(sizeof(*c));
    uint8_t own[SEAL_KEY_BYTES];

    check(c);
    derive_for(k, head, 'k', own, sizeof(own));
    c->ctx = EVP_CIPHER_CTX_new();
    check(c->ctx && EVP_CipherInit_ex(c->ctx, EVP_aes_256_gcm(), NULL, own, NULL, seals) == 1);
    OPENSSL_cleanse(own, sizeof(own));
    return c;
}

static void cipher_free(struct seal_cipher *c)
{
    if (c)
        EVP_CIPHER_CTX_free(c->ctx);
    free(c);
}

static void put_mark(uint8_t out[MARK_BYTES], uint32_t mark)
{
    for (unsigned i = 0; i < MARK_BYTES; i++)
        out[i] = (uint8_t)(mark >> (8 * i));
}

static void make_nonce(uint8_t out[NONCE_BYTES], uint32_t mark, uint64_t index)
{
    memset(out, 0, NONCE_BYTES);
    out[0] = mark & MARK_RECOVERED ? 1 : 0;
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(index >> (8 * i));
}

/* ---- sealing ---- */

static void put_chunk(struct seal_cipher *c, uint64_t index, uint32_t marks, struct str plain,
                      struct buf *out)
{
    uint32_t mark = (uint32_t)plain.len | marks;
    uint8_t nonce[NONCE_BYTES];
    uint8_t *to = (uint8_t *)buf_reserve(out, MARK_BYTES + plain.len + TAG_BYTES);
    int len;

    put_mark(to, mark);
    make_nonce(nonce, mark, index);
    check(EVP_CipherInit_ex(c->ctx, NULL, NULL, NULL, nonce, 1) == 1);
    check(EVP_CipherUpdate(c->ctx, NULL, &len, to, MARK_BYTES) == 1);
    to += MARK_BYTES;
    if (plain.len > 0)
        check(EVP_CipherUpdate(c->ctx, to, &len, (const uint8_t *)plain.ptr, (int)plain.len) == 1);
    to += plain.len;
    check(EVP_CipherFinal_ex(c->ctx, to, &len) == 1);
    check(EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, to) == 1);
    out->len += MARK_BYTES + plain.len + TAG_BYTES;
}

struct err sealer_begin(struct sealer *s, const struct seal_key *k, enum seal_purpose purpose,
                        struct buf *out)
{
    uint8_t head[SEAL_HEAD_BYTES] = MAGIC;

    *s = (struct sealer){0};
    head[MAGIC_BYTES] = VERSION;
    head[MAGIC_BYTES + 1] = (uint8_t)purpose;
    derive_id(k, head + ID_AT);
    if (RAND_bytes(head + SALT_AT, SALT_BYTES) != 1)
        return err_make(ERR_INTERNAL, "there is no randomness to seal a file with");
    derive_for(k, head, 'c', head + CHECK_AT, CHECK_BYTES);
    s->cipher = cipher_new(k, head, true);
    buf_add(out, head, sizeof(head));
    return OK;
}

void sealer_seal(struct sealer *s, struct str plain, struct buf *out)
{
    while (plain.len > 0) {
        size_t part = plain.len < SEAL_CHUNK_BYTES ? plain.len : SEAL_CHUNK_BYTES;

        put_chunk(s->cipher, s->index++, 0, (struct str){plain.ptr, part}, out);
        plain.ptr += part;
        plain.len -= part;
    }
}

void sealer_end(struct sealer *s, struct buf *out)
{
    put_chunk(s->cipher, s->index++, MARK_LAST, (struct str){"", 0}, out);
}

static struct err hand_on(struct sealer *s)
{
    struct err e = s->to->write(s->to, s->sealed.ptr, s->sealed.len);

    buf_clear(&s->sealed);
    return e;
}

static struct err stream_write(struct sink *sink, const void *bytes, size_t len)
{
    struct sealer *s = container_of(sink, struct sealer, sink);

    buf_add(&s->plain, bytes, len);
    size_t full = s->plain.len - s->plain.len % SEAL_CHUNK_BYTES;
    if (full == 0)
        return OK;
    sealer_seal(s, (struct str){s->plain.ptr, full}, &s->sealed);
    memmove(s->plain.ptr, s->plain.ptr + full, s->plain.len - full);
    s->plain.len -= full;
    return hand_on(s);
}

struct err sealer_stream(struct sealer *s, const struct seal_key *k, enum seal_purpose purpose,
                         struct sink *to)
{
    struct buf head = BUF_EMPTY;

    TRY(sealer_begin(s, k, purpose, &head));
    s->sink.write = stream_write;
    s->to = to;
    s->sealed = head;
    return hand_on(s);
}

struct err sealer_finish(struct sealer *s)
{
    sealer_seal(s, buf_str(&s->plain), &s->sealed);
    buf_clear(&s->plain);
    sealer_end(s, &s->sealed);
    return hand_on(s);
}

void sealer_fini(struct sealer *s)
{
    cipher_free(s->cipher);
    if (s->plain.cap)
        OPENSSL_cleanse(s->plain.ptr, s->plain.cap);
    buf_fini(&s->plain);
    buf_fini(&s->sealed);
    *s = (struct sealer){0};
}

/* ---- opening ---- */

/* Reads up to `len` bytes; fewer only at the end. */
static struct err read_full(struct unsealer *u, void *to, size_t len, size_t *got)
{
    *got = 0;
    while (*got < len) {
        size_t part;

        TRY(u->from->read(u->from, (char *)to + *got, len - *got, &part));
        if (part == 0)
            return OK;
        *got += part;
    }
    return OK;
}

static struct err check_head(const struct seal_key *k, enum seal_purpose purpose,
                             const uint8_t *head)
{
    uint8_t id[ID_BYTES], told[CHECK_BYTES];

    if (head[MAGIC_BYTES] != VERSION)
        return err_make(ERR_UNSUPPORTED, "the file is sealed in a form that this engine does not "
                                         "know");
    derive_id(k, id);
    if (memcmp(id, head + ID_AT, ID_BYTES) != 0)
        return err_make(ERR_DENIED, "the file is sealed under another key");
    derive_for(k, head, 'c', told, sizeof(told));
    if (CRYPTO_memcmp(told, head + CHECK_AT, CHECK_BYTES) != 0)
        return err_make(ERR_CORRUPT, "the head of the sealed file was changed");
    if (head[MAGIC_BYTES + 1] != purpose)
        return err_make(ERR_CORRUPT, "the sealed file is of another kind: it was exchanged");
    return OK;
}

static struct err unsealer_read(struct source *source, void *to, size_t max, size_t *got);

struct err unsealer_begin(struct unsealer *u, const struct seal_key *k, enum seal_purpose purpose,
                          struct source *from)
{
    uint8_t head[SEAL_HEAD_BYTES];
    size_t got;

    *u = (struct unsealer){.source = {unsealer_read}, .from = from};
    if (!k)
        return err_make(ERR_DENIED, "the file is sealed, and there is no key for it");
    TRY(read_full(u, head, sizeof(head), &got));
    if (got < sizeof(head))
        return err_make(ERR_CORRUPT, is_cut);
    if (!seal_is_sealed(head, got))
        return err_make(ERR_CORRUPT, "the file is not sealed");
    TRY(check_head(k, purpose, head));
    u->cipher = cipher_new(k, head, false);
    u->passed = sizeof(head);
    return OK;
}

/* The file ends where a chunk should be. */
static struct err end_early(struct unsealer *u)
{
    if (!u->may_be_unfinished)
        return err_make(ERR_CORRUPT, is_cut);
    u->is_unfinished = true;
    return OK;
}

/* Decrypts in place what stands in u->plain: the chunk and its tag. */
static bool open_chunk(struct unsealer *u, uint32_t mark, uint8_t *bytes, size_t len)
{
    uint8_t nonce[NONCE_BYTES], head[MARK_BYTES];
    int part;

    put_mark(head, mark);
    make_nonce(nonce, mark, u->index);
    check(EVP_CipherInit_ex(u->cipher->ctx, NULL, NULL, NULL, nonce, 0) == 1);
    check(EVP_CIPHER_CTX_ctrl(u->cipher->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, bytes + len) == 1);
    check(EVP_CipherUpdate(u->cipher->ctx, NULL, &part, head, MARK_BYTES) == 1);
    if (len > 0)
        check(EVP_CipherUpdate(u->cipher->ctx, bytes, &part, bytes, (int)len) == 1);
    return EVP_CipherFinal_ex(u->cipher->ctx, bytes + len, &part) == 1;
}

/* What stands behind the last chunk was put there by somebody else. */
static struct err expect_end(struct unsealer *u)
{
    char byte;
    size_t got;

    u->is_finished = true;
    TRY(read_full(u, &byte, 1, &got));
    return got == 0 ? OK
                    : err_make(ERR_CORRUPT, "something stands behind the end of the sealed file");
}

static struct err read_chunk(struct unsealer *u)
{
    uint8_t head[MARK_BYTES];
    size_t got;

    TRY(read_full(u, head, sizeof(head), &got));
    if (got < sizeof(head))
        return end_early(u);
    uint32_t mark = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
                    (uint32_t)head[3] << 24;
    size_t len = mark & ~(MARK_LAST | MARK_RECOVERED);
    if (len > CHUNK_MAX || ((mark & MARK_RECOVERED) && (!(mark & MARK_LAST) || len > 0)))
        return err_make(ERR_CORRUPT, is_changed);
    buf_clear(&u->plain);
    u->given = 0;
    uint8_t *bytes = (uint8_t *)buf_reserve(&u->plain, len + TAG_BYTES);
    TRY(read_full(u, bytes, len + TAG_BYTES, &got));
    if (got < len + TAG_BYTES)
        return end_early(u);
    if (!open_chunk(u, mark, bytes, len))
        return err_make(ERR_CORRUPT, is_changed);
    u->plain.len = len;
    u->index++;
    u->passed += MARK_BYTES + len + TAG_BYTES;
    return mark & MARK_LAST ? expect_end(u) : OK;
}

static struct err unsealer_read(struct source *source, void *to, size_t max, size_t *got)
{
    struct unsealer *u = container_of(source, struct unsealer, source);

    while (u->given == u->plain.len && !u->is_finished && !u->is_unfinished)
        TRY(read_chunk(u));
    *got = u->plain.len - u->given;
    if (*got > max)
        *got = max;
    if (*got)
        memcpy(to, u->plain.ptr + u->given, *got);
    u->given += *got;
    return OK;
}

uint64_t seal_chunk_at(uint64_t chunk)
{
    return SEAL_HEAD_BYTES + chunk * (MARK_BYTES + SEAL_CHUNK_BYTES + TAG_BYTES);
}

void unsealer_seek(struct unsealer *u, uint64_t chunk)
{
    u->index = chunk;
    u->passed = seal_chunk_at(chunk);
    u->given = 0;
    buf_clear(&u->plain);
    u->is_finished = u->is_unfinished = false;
}

void unsealer_end_file(struct unsealer *u, struct buf *out)
{
    put_chunk(u->cipher, u->index, MARK_LAST | MARK_RECOVERED, (struct str){"", 0}, out);
}

void unsealer_fini(struct unsealer *u)
{
    cipher_free(u->cipher);
    if (u->plain.cap)
        OPENSSL_cleanse(u->plain.ptr, u->plain.cap);
    buf_fini(&u->plain);
    *u = (struct unsealer){0};
}
