/* What every backend promises, whatever stands behind it. */
#include "base/arena.h"
#include "base/clock.h"
#include "controlplane/dns/backend.h"
#include "controlplane/dns/dns.h"

#include <criterion/criterion.h>

#include <string.h>

static struct dns *open_backend(struct arena *a, const struct dns_backend *backend)
{
    struct dns_conf conf = {.backend = backend->name,
                            .zone = "Cache.Test.",
                            .listen = "127.0.0.1:0",
                            .clock = &clock_system};
    struct dns *d = NULL;
    struct err e = dns_open(a, &conf, &d);

    cr_assert_eq(e.code, ERR_OK, "%s: %s", backend->name, e.why);
    return d;
}

#define EACH_BACKEND(b) for (const struct dns_backend *const *b = dns_backends; *b; b++)

Test(dns, every_backend_takes_and_drops_names)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    struct arena a = {0};

    EACH_BACKEND(b)
    {
        struct dns *d = open_backend(&a, *b);
        cr_expect_str_eq(dns_zone(d), "cache.test");
        cr_expect_eq(dns_upsert(d, "c1.abc.cache.test", addresses, 2, DNS_TTL_S).code, ERR_OK);
        cr_expect_eq(dns_upsert(d, "C1.ABC.cache.test.", addresses, 1, DNS_TTL_S).code, ERR_OK);
        cr_expect_eq(dns_remove(d, "c1.abc.cache.test").code, ERR_OK);
        cr_expect_eq(dns_remove(d, "c1.abc.cache.test").code, ERR_OK, "twice");
        dns_close(d);
    }
    arena_fini(&a);
}

Test(dns, every_backend_refuses_what_is_no_name_or_no_address)
{
    static const char *const good[] = {"127.0.0.1"};
    static const char *const bad[] = {"localhost"};
    static const char *const names[] = {"",
                                        ".",
                                        "cache.test",
                                        "example.com",
                                        "xcache.test",
                                        "a..cache.test",
                                        ".a.cache.test",
                                        "a b.cache.test",
                                        "a.cache.test..",
                                        "\xc3\xa4.cache.test"};
    struct arena a = {0};

    EACH_BACKEND(b)
    {
        struct dns *d = open_backend(&a, *b);
        for (size_t i = 0; i < countof(names); i++) {
            cr_expect_eq(dns_upsert(d, names[i], good, 1, 5).code, ERR_INVALID, "%s", names[i]);
            cr_expect_eq(dns_remove(d, names[i]).code, ERR_INVALID, "%s", names[i]);
        }
        cr_expect_eq(dns_upsert(d, "a.cache.test", bad, 1, 5).code, ERR_INVALID);
        cr_expect_eq(dns_upsert(d, "a.cache.test", good, 0, 5).code, ERR_INVALID);
        cr_expect_eq(dns_upsert(d, "a.cache.test", good, 1, -1).code, ERR_INVALID);
        cr_expect_eq(dns_upsert(d, "a.cache.test", good, DNS_ADDRESSES_MAX + 1, 5).code, ERR_LIMIT);
        dns_close(d);
    }
    arena_fini(&a);
}

Test(dns, labels_and_names_have_their_limits)
{
    char out[DNS_NAME_MAX], label[66] = "", name[300] = "";

    memset(label, 'a', 63);
    cr_expect(dns_name_clean(label, out));
    memset(label, 'a', 64);
    cr_expect_not(dns_name_clean(label, out));
    for (int i = 0; i < 253; i++)
        name[i] = i % 2 ? '.' : 'a';
    cr_expect(dns_name_clean(name, out));
    cr_expect_str_eq(out, name);
    memcpy(name + 253, ".a", 3);
    cr_expect_not(dns_name_clean(name, out));
}

Test(dns, unknown_backends_and_bad_zones_are_refused_in_words)
{
    struct arena a = {0};
    struct dns *d = NULL;
    struct dns_conf conf = {
        .backend = "carrier pigeon", .zone = "cache.test", .clock = &clock_system};

    struct err e = dns_open(&a, &conf, &d);
    cr_expect_eq(e.code, ERR_INVALID);
    cr_expect_str_eq(e.why, "there is no DNS backend \"carrier pigeon\"");
    conf.backend = "none";
    conf.zone = "not a zone";
    cr_expect_eq(dns_open(&a, &conf, &d).code, ERR_INVALID);
    cr_expect_null(d);
    dns_close(NULL);
    arena_fini(&a);
}
