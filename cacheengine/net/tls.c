/*
 * Contexts: certificates and rules as OpenSSL keeps them. The one idea: a changed setting makes new
 * contexts from nothing, and only when both stand do they take the old ones' place; OpenSSL counts
 * who still uses those.
 */
#include "cacheengine/net/tls.h"

#include "base/str.h"
#include "cacheengine/net/tls_internal.h"

#include <link.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SESSION_CONTEXT "larder-engine"

struct tls {
    SSL_CTX *accepting, *connecting; /* either may be NULL: no such end is configured */
    bool checks_host;
};

bool tls_is_wanted(const struct settings *s)
{
    return s->tls_mode != TLS_OFF || s->tls_port != 0 || s->tls_replication || s->tls_cluster;
}

static bool serves(const struct settings *s)
{
    return s->tls_mode != TLS_OFF || s->tls_port != 0;
}

/* Of a library's segments, those that are nothing but its file. */
static int rest_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)size, (void)ctx;
    if (!strstr(info->dlpi_name, "libcrypto.") && !strstr(info->dlpi_name, "libssl."))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t to = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;

        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
            (void)madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 0;
}

void tls_rest(void)
{
    dl_iterate_phdr(rest_library, NULL);
}

/* ---- errors ---- */

void tls_error_text(char *out, size_t room)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    if (reason)
        snprintf(out, room, "%s", reason);
    else if (code)
        ERR_error_string_n(code, out, room);
    else
        snprintf(out, room, "no reason given");
    ERR_clear_error();
}

static struct err refused(struct arena *a, const char *what, const char *value)
{
    char reason[160];

    tls_error_text(reason, sizeof(reason));
    return err_format(a, ERR_INVALID, "%s '%s': %s", what, value, reason);
}

/* ---- rules ---- */

static struct err protocol_range(struct arena *a, const char *words, int *least, int *most)
{
    struct str rest = str_trim(str_of(words));

    *least = TLS1_2_VERSION;
    *most = TLS1_3_VERSION;
    if (rest.len == 0)
        return OK;
    bool has_2 = false, has_3 = false;
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');

        has_2 |= str_is_nocase(word, "TLSv1.2");
        has_3 |= str_is_nocase(word, "TLSv1.3");
        if (word.len > 0 && !str_is_nocase(word, "TLSv1.2") && !str_is_nocase(word, "TLSv1.3"))
            return err_format(a, ERR_INVALID,
                              "tls-protocols '%s': use a combination of 'TLSv1.2' and 'TLSv1.3'",
                              words);
    }
    *least = has_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    *most = has_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    return OK;
}

static struct err set_rules(SSL_CTX *ctx, const struct settings *s, struct arena *a)
{
    int least, most;

    TRY(protocol_range(a, s->tls_protocols, &least, &most));
    if (!SSL_CTX_set_min_proto_version(ctx, least) || !SSL_CTX_set_max_proto_version(ctx, most))
        return refused(a, "tls-protocols", s->tls_protocols);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    /* Requests and replies say themselves where they end: one that is cut off is never taken for a
     * whole one, so an end without goodbye is an end like any other. */
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (s->tls_prefers_own_ciphers)
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    /* One system call takes in whatever has come, instead of two for each record. */
    SSL_CTX_set_read_ahead(ctx, 1);
    if (*s->tls_ciphers && !SSL_CTX_set_cipher_list(ctx, s->tls_ciphers))
        return refused(a, "tls-ciphers", s->tls_ciphers);
    if (*s->tls_cipher_suites && !SSL_CTX_set_ciphersuites(ctx, s->tls_cipher_suites))
        return refused(a, "tls-ciphersuites", s->tls_cipher_suites);
    return OK;
}

/* ---- files ---- */

static int give_passphrase(char *to, int room, int is_writing, void *passphrase)
{
    size_t len = strlen(passphrase);

    (void)is_writing;
    if (room < 0 || len > (size_t)room)
        return -1;
    memcpy(to, passphrase, len);
    return (int)len;
}

static struct err load_pair(SSL_CTX *ctx, struct arena *a, const char *cert, const char *key,
                            const char *passphrase)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return refused(a, "certificate", cert);
    SSL_CTX_set_default_passwd_cb(ctx, give_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, (void *)(uintptr_t)passphrase);
    int loaded = SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb(ctx, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    if (loaded != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return refused(a, "private key", key);
    return OK;
}

static bool has_authority(const struct settings *s)
{
    return *s->tls_ca_file || *s->tls_ca_dir;
}

static struct err load_authority(SSL_CTX *ctx, const struct settings *s, struct arena *a)
{
    const char *file = *s->tls_ca_file ? s->tls_ca_file : NULL;
    const char *dir = *s->tls_ca_dir ? s->tls_ca_dir : NULL;

    if (!file && !dir)
        return OK;
    if (SSL_CTX_load_verify_locations(ctx, file, dir) != 1)
        return refused(a, "certificate authority", file ? file : dir);
    return OK;
}

static struct err load_dh(SSL_CTX *ctx, const struct settings *s, struct arena *a)
{
    if (!*s->tls_dh_file) {
        SSL_CTX_set_dh_auto(ctx, 1);
        return OK;
    }
    BIO *file = BIO_new_file(s->tls_dh_file, "r");
    EVP_PKEY *parameters = file ? PEM_read_bio_Parameters(file, NULL) : NULL;
    BIO_free(file);
    if (parameters && SSL_CTX_set0_tmp_dh_pkey(ctx, parameters) == 1)
        return OK;
    EVP_PKEY_free(parameters);
    return refused(a, "tls-dh-params-file", s->tls_dh_file);
}

/* ---- the two ends ---- */

static void set_sessions(SSL_CTX *ctx, const struct settings *s)
{
    static const unsigned char context[] = SESSION_CONTEXT;

    SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1);
    if (!s->tls_caches_sessions) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
        return;
    }
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(ctx, s->tls_cache_size);
    SSL_CTX_set_timeout(ctx, s->tls_cache_timeout_s);
}

static struct err set_up_accepting(SSL_CTX *ctx, const struct settings *s, struct arena *a)
{
    static const int modes[] = {
        [TLS_CLIENTS_NO] = SSL_VERIFY_NONE,
        [TLS_CLIENTS_YES] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        [TLS_CLIENTS_OPTIONAL] = SSL_VERIFY_PEER,
    };

    if (!*s->tls_cert_file)
        return err_make(ERR_INVALID, "No tls-cert-file configured!");
    if (!*s->tls_key_file)
        return err_make(ERR_INVALID, "No tls-key-file configured!");
    if (s->tls_auth_clients != TLS_CLIENTS_NO && !has_authority(s))
        return err_make(ERR_INVALID,
                        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when "
                        "tls-cluster, tls-replication or tls-auth-clients are enabled!");
    TRY(set_rules(ctx, s, a));
    set_sessions(ctx, s);
    TRY(load_pair(ctx, a, s->tls_cert_file, s->tls_key_file, s->tls_key_pass));
    TRY(load_authority(ctx, s, a));
    TRY(load_dh(ctx, s, a));
    SSL_CTX_set_verify(ctx, modes[s->tls_auth_clients], NULL);
    return OK;
}

static struct err set_up_connecting(SSL_CTX *ctx, const struct settings *s, struct arena *a)
{
    bool has_own = *s->tls_client_cert_file != 0;
    const char *cert = has_own ? s->tls_client_cert_file : s->tls_cert_file;
    const char *key = has_own ? s->tls_client_key_file : s->tls_key_file;

    TRY(set_rules(ctx, s, a));
    TRY(load_authority(ctx, s, a));
    if (*cert)
        TRY(load_pair(ctx, a, cert, key, has_own ? s->tls_client_key_pass : s->tls_key_pass));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return OK;
}

static struct err make_context(const SSL_METHOD *method, const struct settings *s, struct arena *a,
                               struct err (*set_up)(SSL_CTX *, const struct settings *,
                                                    struct arena *),
                               SSL_CTX **out)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return refused(a, "TLS", "context");
    struct err e = set_up(ctx, s, a);
    if (err_failed(e)) {
        SSL_CTX_free(ctx);
        return e;
    }
    *out = ctx;
    return OK;
}

/* Outgoing connections are for those who say whom to trust. */
static bool connects(const struct settings *s)
{
    return has_authority(s);
}

must_use static struct err make_contexts(const struct settings *s, struct arena *a, struct tls *out)
{
    struct tls made = {.checks_host = s->tls_checks_host};

    if ((s->tls_replication || s->tls_cluster) && !has_authority(s))
        return err_make(ERR_INVALID,
                        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when "
                        "tls-cluster, tls-replication or tls-auth-clients are enabled!");
    if (serves(s))
        TRY(make_context(TLS_server_method(), s, a, set_up_accepting, &made.accepting));
    if (connects(s)) {
        struct err e = make_context(TLS_client_method(), s, a, set_up_connecting, &made.connecting);

        if (err_failed(e)) {
            SSL_CTX_free(made.accepting);
            return e;
        }
    }
    *out = made;
    return OK;
}

struct err tls_open(const struct settings *s, struct arena *a, struct tls **out)
{
    struct tls made;

    TRY(make_contexts(s, a, &made));
    *out = malloc(sizeof(**out));
    check(*out);
    **out = made;
    return OK;
}

struct err tls_reload(struct tls *tls, const struct settings *s, struct arena *a)
{
    struct tls made;

    TRY(make_contexts(s, a, &made));
    SSL_CTX_free(tls->accepting);
    SSL_CTX_free(tls->connecting);
    *tls = made;
    return OK;
}

void tls_close(struct tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->accepting);
    SSL_CTX_free(tls->connecting);
    free(tls);
}

struct tls_session *tls_accept(struct tls *tls, int fd)
{
    return tls->accepting ? tls_session_new(tls->accepting, fd, true) : NULL;
}

struct tls_session *tls_connect(struct tls *tls, int fd, const char *host)
{
    struct tls_session *s = tls->connecting ? tls_session_new(tls->connecting, fd, false) : NULL;

    if (s)
        tls_session_expect(s, host, tls->checks_host);
    return s;
}
