/* Which names may stand in a zone. */
#include "base/err.h"
#include "nameserver/name.h"

#include <criterion/criterion.h>

Test(name, what_may_be_published_is_inside_the_zone_and_not_its_servers)
{
    static const struct {
        const char *name;
        bool may_be;
    } rows[] = {
        {"a.cache.test",    true },
        {"a.ns.cache.test", true },
        {"ns.a.cache.test", true },
        {"cache.test",      false},
        {"ns.cache.test",   false},
        {"mycache.test",    false},
        {"a.test",          false},
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(dns_name_may_be_published(rows[i].name, "cache.test"), rows[i].may_be, "%s",
                     rows[i].name);
}

Test(name, a_name_is_brought_to_lower_case_without_its_dot)
{
    char clean[DNS_NAME_MAX];

    cr_assert(dns_name_clean("A-1.Cache_x.TEST.", clean));
    cr_expect_str_eq(clean, "a-1.cache_x.test");
    cr_expect_not(dns_name_clean("a..test", clean));
    cr_expect_not(dns_name_clean("a b.test", clean));
    cr_expect_not(dns_name_clean("", clean));
}
