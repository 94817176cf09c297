/*
 * A certificate is built the same way for an authority and for a server; what differs stands in a
 * table of extensions. Nothing of OpenSSL leaves this file.
 */
#include "controlplane/pki/pki.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/net.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DAY_S          (24 * 3600L)
#define AUTHORITY_DAYS (20 * 365L)
#define SERVER_DAYS    365L
#define RENEWAL_MS     (30 * DAY_S * 1000)
#define BACKDATE_S     3600 /* the clocks of clients may be late */
#define SERIAL_BITS    127

struct extension {
    int nid;
    const char *value;
};

/* What is built; freed as a whole. */
struct draft {
    EVP_PKEY *key;
    X509 *certificate;
    BIO *text;
};

static void draft_fini(struct draft *d)
{
    EVP_PKEY_free(d->key);
    X509_free(d->certificate);
    BIO_free(d->text);
}

/* Who signs. */
struct signer {
    EVP_PKEY *key;
    X509 *certificate;
};

static void signer_fini(struct signer *s)
{
    EVP_PKEY_free(s->key);
    X509_free(s->certificate);
}

static struct err refused(void)
{
    return err_make(ERR_INTERNAL, "OpenSSL could not make a certificate");
}

/* --- PEM --- */

static BIO *text_open(const char *text)
{
    return BIO_new_mem_buf(text, -1);
}

static struct err certificate_read(const char *text, X509 **out)
{
    BIO *in = text_open(text);

    *out = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    BIO_free(in);
    return *out ? OK : err_make(ERR_INVALID, "this is no certificate in PEM");
}

static struct err signer_read(const struct pki_identity *identity, struct signer *out)
{
    BIO *in = text_open(identity->private_key);

    out->key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
    BIO_free(in);
    if (!out->key)
        return err_make(ERR_INVALID, "the authority's key is no private key in PEM");
    TRY(certificate_read(identity->certificate, &out->certificate));
    if (X509_check_ca(out->certificate) != 1)
        return err_make(ERR_INVALID, "the certificate is not that of an authority");
    return X509_check_private_key(out->certificate, out->key) == 1
               ? OK
               : err_make(ERR_INVALID, "the authority's key is not that of its certificate");
}

static char *text_take(struct arena *a, BIO *text)
{
    char *bytes;
    long len = BIO_get_mem_data(text, &bytes);
    char *copy = arena_strndup(a, bytes, (size_t)len);

    BIO_reset(text);
    return copy;
}

static struct err identity_write(struct arena *a, struct draft *d, struct pki_identity *out)
{
    struct pki_identity identity;

    d->text = BIO_new(BIO_s_mem());
    if (!d->text || PEM_write_bio_X509(d->text, d->certificate) != 1)
        return refused();
    identity.certificate = text_take(a, d->text);
    if (PEM_write_bio_PKCS8PrivateKey(d->text, d->key, NULL, NULL, 0, NULL, NULL) != 1)
        return refused();
    identity.private_key = text_take(a, d->text);
    TRY(pki_not_after(identity.certificate, &identity.not_after_ms));
    *out = identity;
    return OK;
}

/* --- building --- */

/* Random and positive, as RFC 5280 wants it. */
static bool set_serial(X509 *x)
{
    BIGNUM *number = BN_new();
    bool is_set = number &&
                  BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;

    BN_free(number);
    return is_set;
}

static bool set_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Larder", -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1,
                                      -1, 0) == 1;
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return is_added;
}

/* A fresh key with a certificate of `name`; signed by itself when there is no signer. */
static struct err draft_make(struct draft *d, const char *name, int64_t now_ms, long days,
                             const struct signer *signer, const struct extension *extensions,
                             size_t count)
{
    time_t from = (time_t)(now_ms / 1000 - BACKDATE_S);
    time_t until = (time_t)(now_ms / 1000) + days * DAY_S;

    d->key = EVP_EC_gen("P-256");
    d->certificate = X509_new();
    if (!d->key || !d->certificate)
        return refused();
    X509 *x = d->certificate, *issuer = signer ? signer->certificate : x;
    if (X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
        !set_name(X509_get_subject_name(x), name) ||
        X509_set_issuer_name(x, X509_get_subject_name(issuer)) != 1 ||
        X509_set_pubkey(x, d->key) != 1 || !ASN1_TIME_set(X509_getm_notBefore(x), from) ||
        !ASN1_TIME_set(X509_getm_notAfter(x), until))
        return refused();
    if (signer && ASN1_TIME_compare(X509_get0_notAfter(x), X509_get0_notAfter(issuer)) > 0 &&
        X509_set1_notAfter(x, X509_get0_notAfter(issuer)) != 1)
        return refused();
    for (size_t i = 0; i < count; i++)
        if (!add_extension(x, issuer, extensions[i].nid, extensions[i].value))
            return refused();
    return X509_sign(x, signer ? signer->key : d->key, EVP_sha256()) > 0 ? OK : refused();
}

/* --- names --- */

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/* Names become a list in OpenSSL's own language: nothing may pass that means something there. */
static bool is_host_name(const char *name)
{
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

    if (*rest == '\0' || strlen(rest) > 253)
        return false;
    for (; *rest; rest++)
        if (!is_host_byte(*rest))
            return false;
    return true;
}

/* "DNS:a.test,IP:127.0.0.1" */
static struct err names_text(struct arena *a, const char *const *names, size_t count,
                             const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct net_addr address;

    for (size_t i = 0; i < count; i++) {
        bool is_address = net_addr_parse_host(str_of(names[i]), &address);
        if (!is_address && !is_host_name(names[i]))
            return err_format(a, ERR_INVALID, "'%s' is neither a host's name nor an address",
                              names[i]);
        buf_printf(&text, "%s%s:%s", i ? "," : "", is_address ? "IP" : "DNS", names[i]);
    }
    *out = str_dup(a, buf_str(&text));
    return OK;
}

/* --- the outside --- */

struct err pki_authority_new(struct arena *a, const char *name, int64_t now_ms,
                             struct pki_identity *out)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints,      "critical,CA:TRUE,pathlen:0"  },
        {NID_key_usage,              "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"                        },
    };
    scoped(draft_fini) struct draft d = {0};

    TRY(draft_make(&d, name, now_ms, AUTHORITY_DAYS, NULL, extensions, countof(extensions)));
    return identity_write(a, &d, out);
}

struct err pki_issue(struct arena *a, const struct pki_identity *authority,
                     const char *const *names, size_t name_count, int64_t now_ms,
                     struct pki_identity *out)
{
    struct extension extensions[] = {
        {NID_basic_constraints,        "critical,CA:FALSE"        },
        {NID_key_usage,                "critical,digitalSignature"},
        {NID_ext_key_usage,            "serverAuth,clientAuth"    },
        {NID_authority_key_identifier, "keyid"                    },
        {NID_subject_alt_name,         NULL                       },
    };
    scoped(signer_fini) struct signer signer = {0};
    scoped(draft_fini) struct draft d = {0};

    if (name_count == 0)
        return err_make(ERR_INVALID, "a certificate needs a name");
    TRY(names_text(a, names, name_count, &extensions[countof(extensions) - 1].value));
    TRY(signer_read(authority, &signer));
    TRY(draft_make(&d, "cache node", now_ms, SERVER_DAYS, &signer, extensions,
                   countof(extensions)));
    return identity_write(a, &d, out);
}

int64_t pki_renewal_ms(int64_t not_after_ms)
{
    return not_after_ms - RENEWAL_MS;
}

struct err pki_not_after(const char *certificate, int64_t *out_ms)
{
    struct tm parts;
    X509 *x;

    TRY(certificate_read(certificate, &x));
    bool is_read = ASN1_TIME_to_tm(X509_get0_notAfter(x), &parts) == 1;
    X509_free(x);
    if (!is_read)
        return err_make(ERR_INVALID, "the certificate has no end");
    *out_ms = (int64_t)timegm(&parts) * 1000;
    return OK;
}
