/* The backend that tells nobody; what it shares with the others is in test_dns.c. */
#include "base/arena.h"
#include "base/clock.h"
#include "controlplane/dns/backend.h"

#include <criterion/criterion.h>

Test(none, needs_no_address_and_listens_nowhere)
{
    struct arena a = {0};
    struct dns *d = NULL;
    struct dns_conf conf = {.backend = "none", .zone = "cache.test", .clock = &clock_system};

    cr_assert_eq(dns_open(&a, &conf, &d).code, ERR_OK);
    cr_expect_eq(dns_port(d), 0);
    dns_close(d);
    arena_fini(&a);
}
