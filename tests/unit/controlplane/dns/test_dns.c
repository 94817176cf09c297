/* What every backend promises, whatever stands behind it. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "controlplane/dns/backend.h"
#include "controlplane/dns/dns.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/larder-dns-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
}

TestSuite(dns, .init = make_folder, .fini = remove_folder);

/* Only the backend of that name; nobody answers where updates are sent. */
static struct dns *open_backend(struct arena *a, const struct dns_backend *backend)
{
    struct dns_conf conf = {.zone = "Cache.Test.", .clock = &clock_system};
    struct dns *d = NULL;

    if (backend == &dns_embedded)
        conf.listen = "127.0.0.1:0";
    if (backend == &dns_update)
        conf.update_server = "127.0.0.1:1";
    if (backend == &dns_hosts)
        conf.hosts_file = fs_join(a, folder, "hosts");
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

Test(dns, without_any_backend_nobody_is_told)
{
    static const char *const addresses[] = {"127.0.0.1"};
    struct arena a = {0};
    struct dns *d = NULL;

    cr_assert_eq(
        dns_open(&a, &(struct dns_conf){.zone = "cache.test", .clock = &clock_system}, &d).code,
        ERR_OK);
    cr_expect_eq(dns_port(d), 0);
    cr_expect_eq(dns_upsert(d, "a.cache.test", addresses, 1, 5).code, ERR_OK);
    cr_expect_eq(dns_remove(d, "a.cache.test").code, ERR_OK);
    dns_settle(d);
    dns_close(d);
    dns_close(NULL);
    arena_fini(&a);
}

Test(dns, bad_configurations_are_refused_in_words)
{
    struct arena a = {0};
    struct dns *d = NULL;
    const char *empty = fs_join(&a, folder, "empty");
    struct {
        struct dns_conf conf;
        const char *why;
    } rows[] = {
        {{.zone = "not a zone"},                                                    "\"not a zone\" is not a domain name"                },
        {{.zone = "z", .listen = "here"},                                           "\"here\" is not an address to listen on (HOST:PORT)"},
        {{.zone = "z", .update_server = "ns1"},                                     "\"ns1\" is not a server's address (HOST:PORT)"      },
        {{.zone = "z", .update_server = "127.0.0.1:0"},
         "\"127.0.0.1:0\" is not a server's address (HOST:PORT)"                                                                         },
        {{.zone = "z", .update_server = "127.0.0.1:1", .update_key_file = "/none"}, "/none: "                                            },
        {{.zone = "z", .update_server = "127.0.0.1:1", .update_key_file = empty},   empty                                                },
        {{.zone = "z",
          .listen = "127.0.0.1:0",
          .update_server = "127.0.0.1:1",
          .state_dir = "/none"},
         "/none/dns-names: "                                                                                                             },
    };

    cr_assert_eq(fs_write_atomic(empty, str_of(""), 0600, FS_NO_SYNC).code, ERR_OK);
    for (size_t i = 0; i < countof(rows); i++) {
        rows[i].conf.clock = &clock_system;
        struct err e = dns_open(&a, &rows[i].conf, &d);
        cr_expect_neq(e.code, ERR_OK, "row %zu", i);
        cr_expect_eq(strncmp(err_text(&a, e), rows[i].why, strlen(rows[i].why)), 0, "%s",
                     err_text(&a, e));
        cr_expect_null(d);
    }
    arena_fini(&a);
}
