/* The embedded server behind dns.h: what is published can be asked for, and is gone when removed.
 */
#include "../../nameserver/ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "controlplane/dns/dns.h"

#include <criterion/criterion.h>

static struct dns *open_embedded(struct arena *a, const char *listen, struct err *out_error)
{
    struct dns *d = NULL;
    struct dns_conf conf = {.zone = "cache.test", .listen = listen, .clock = &clock_system};

    *out_error = dns_open(a, &conf, &d);
    return d;
}

Test(embedded, what_is_published_resolves_until_it_is_removed)
{
    static const char *const before[] = {"127.0.0.7", "127.0.0.8"};
    static const char *const after[] = {"127.0.0.9"};
    static struct wire_reply reply;
    struct arena a = {0};
    struct err e;
    struct dns *d = open_embedded(&a, "127.0.0.1:0", &e);

    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    cr_assert_eq(dns_upsert(d, "C1.cache.test", before, 2, DNS_TTL_S).code, ERR_OK);
    cr_assert(ask_udp("127.0.0.1", dns_port(d), "c1.cache.test", TYPE_A, &reply));
    cr_expect_eq(reply.answers, 2);
    cr_assert_eq(dns_upsert(d, "c1.cache.test", after, 1, DNS_TTL_S).code, ERR_OK);
    cr_assert(ask_udp("127.0.0.1", dns_port(d), "c1.cache.test", TYPE_A, &reply));
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, "127.0.0.9");
    cr_assert_eq(dns_remove(d, "c1.cache.test").code, ERR_OK);
    cr_assert(ask_udp("127.0.0.1", dns_port(d), "c1.cache.test", TYPE_A, &reply));
    cr_expect_eq(reply.rcode, NXDOMAIN);
    cr_expect_eq(dns_upsert(d, "ns.cache.test", after, 1, DNS_TTL_S).code, ERR_INVALID);
    dns_close(d);
    arena_fini(&a);
}

Test(embedded, a_bad_or_missing_address_is_told_in_words)
{
    struct arena a = {0};
    struct err e;

    cr_expect_null(open_embedded(&a, "somewhere", &e));
    cr_expect_eq(e.code, ERR_INVALID);
    cr_expect_str_eq(e.why, "\"somewhere\" is not an address to listen on (HOST:PORT)");
    arena_fini(&a);
}
