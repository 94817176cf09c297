/* What was issued is judged by OpenSSL as a client judges it. */
#include "base/arena.h"
#include "controlplane/pki/pki.h"

#include <criterion/criterion.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define NOW_MS (time(NULL) * 1000)
#define DAY_MS (24 * 3600 * 1000LL)

static struct arena a;
static struct pki_identity authority;

static void must(struct err e)
{
    cr_assert_not(err_failed(e), "%s", e.why);
}

static void make_authority(void)
{
    must(pki_authority_new(&a, "Larder test", NOW_MS, &authority));
}

static void forget(void)
{
    arena_fini(&a);
}

TestSuite(pki, .init = make_authority, .fini = forget);

static X509 *read_certificate(const char *text)
{
    BIO *in = BIO_new_mem_buf(text, -1);
    X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);

    BIO_free(in);
    cr_assert_not_null(x);
    return x;
}

/* X509_V_OK when a client that trusts `root` takes the certificate for a server's. */
static int verify(const char *certificate, const char *root)
{
    X509 *x = read_certificate(certificate), *trusted = read_certificate(root);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();

    X509_STORE_add_cert(store, trusted);
    X509_STORE_CTX_init(context, store, x, NULL);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(x);
    X509_free(trusted);
    return result;
}

Test(pki, clients_take_what_the_authority_issued_for_its_names_alone)
{
    static const char *const names[] = {"one.cache.test", "*.group.test", "127.77.0.3", "::1"};
    struct pki_identity node;

    must(pki_issue(&a, &authority, names, countof(names), NOW_MS, &node));
    cr_assert_eq(verify(node.certificate, authority.certificate), X509_V_OK);
    X509 *x = read_certificate(node.certificate);
    cr_assert_eq(X509_check_host(x, "one.cache.test", 0, 0, NULL), 1);
    cr_assert_eq(X509_check_host(x, "master.group.test", 0, 0, NULL), 1);
    cr_assert_eq(X509_check_host(x, "two.cache.test", 0, 0, NULL), 0);
    cr_assert_eq(X509_check_ip_asc(x, "127.77.0.3", 0), 1);
    cr_assert_eq(X509_check_ip_asc(x, "::1", 0), 1);
    cr_assert_eq(X509_check_ip_asc(x, "127.77.0.4", 0), 0);
    X509_free(x);
}

Test(pki, another_authority_is_not_trusted)
{
    static const char *const names[] = {"one.cache.test"};
    struct pki_identity other, node;

    must(pki_authority_new(&a, "Larder test", NOW_MS, &other));
    must(pki_issue(&a, &other, names, 1, NOW_MS, &node));
    cr_assert_neq(verify(node.certificate, authority.certificate), X509_V_OK);
}

Test(pki, a_node_cannot_issue)
{
    static const char *const names[] = {"one.cache.test"};
    struct pki_identity node, below;

    must(pki_issue(&a, &authority, names, 1, NOW_MS, &node));
    cr_assert(err_is(pki_issue(&a, &node, names, 1, NOW_MS, &below), ERR_INVALID));
}

Test(pki, ends_are_known_and_never_behind_the_authoritys)
{
    static const char *const names[] = {"one.cache.test"};
    struct pki_identity node;
    int64_t end;

    must(pki_issue(&a, &authority, names, 1, NOW_MS, &node));
    cr_assert_lt(llabs(node.not_after_ms - NOW_MS - 365 * DAY_MS), 5000);
    must(pki_not_after(node.certificate, &end));
    cr_assert_eq(end, node.not_after_ms);
    cr_assert_eq(pki_renewal_ms(end), end - 30 * DAY_MS);
    must(pki_issue(&a, &authority, names, 1, authority.not_after_ms - DAY_MS, &node));
    cr_assert_eq(node.not_after_ms, authority.not_after_ms);
}

Test(pki, keys_are_fresh)
{
    static const char *const names[] = {"one.cache.test"};
    struct pki_identity one, two;

    must(pki_issue(&a, &authority, names, 1, NOW_MS, &one));
    must(pki_issue(&a, &authority, names, 1, NOW_MS, &two));
    cr_assert_str_neq(one.private_key, two.private_key);
    cr_assert(strncmp(one.private_key, "-----BEGIN PRIVATE KEY-----", 27) == 0);
}

Test(pki, unusable_names_and_authorities_are_refused)
{
    static const char *const wrong[] = {
        "", "*.", "a b", "a,IP:1.2.3.4", "a*b.test", "e\xc3\xa9.test"};
    static const char *const right[] = {"one.cache.test"};
    struct pki_identity node, other, broken = {"no", "no", 0};

    for (size_t i = 0; i < countof(wrong); i++)
        cr_assert(err_is(pki_issue(&a, &authority, &wrong[i], 1, NOW_MS, &node), ERR_INVALID),
                  "'%s'", wrong[i]);
    cr_assert(err_is(pki_issue(&a, &authority, right, 0, NOW_MS, &node), ERR_INVALID));
    cr_assert(err_is(pki_issue(&a, &broken, right, 1, NOW_MS, &node), ERR_INVALID));
    must(pki_authority_new(&a, "other", NOW_MS, &other));
    other.private_key = authority.private_key;
    cr_assert(err_is(pki_issue(&a, &other, right, 1, NOW_MS, &node), ERR_INVALID));
    cr_assert(err_is(pki_not_after("no", &node.not_after_ms), ERR_INVALID));
}
