#include "contract/faults.h"
#include "controlplane/ops/siting.h"
#include "controlplane/store/network.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(siting, .init = world_open, .fini = world_close, .timeout = 60);

static const struct ec_security_group_ids_list none;

static void make_group(const char *name, const char **subnets, size_t count)
{
    struct ec_create_cache_subnet_group_in in = {
        .cache_subnet_group_name = name,
        .cache_subnet_group_description = "d",
        .subnet_ids = {true, count, subnets}
    };
    struct ec_create_cache_subnet_group_out out;

    must(run_ec_create_cache_subnet_group(&in, &out));
}

Test(siting, the_default_group_is_made_when_it_is_first_used)
{
    struct call c = world_call();
    struct subnet_group g;
    struct siting s;

    cr_assert(err_is(store_subnet_group_find(c.tx, "000000000000", "us-east-1", "default", &g),
                     ERR_NOT_FOUND));
    must(siting_choose(&c, "", &none, &s));
    cr_assert_str_eq(s.subnet_group, "default");
    cr_assert_eq(s.zone_count, 3);
    cr_assert(s.has_ipv4 && !s.has_ipv6);
    cr_assert(siting_has_zone(&s, "us-east-1c") && !siting_has_zone(&s, "us-east-1d"));
    cr_assert(strncmp(s.security_groups, "sg-", 3) == 0);
    must(store_subnet_group_find(c.tx, "000000000000", "us-east-1", "default", &g));
    cr_assert_str_eq(g.description, "Default CacheSubnetGroup");
}

Test(siting, the_default_group_follows_the_zones)
{
    struct call c = world_call();
    struct siting s;

    must(siting_choose(&c, NULL, &none, &s));
    fixture_host(&world.f, "h4", "us-east-1d", "127.1.4.0/24", 1 << 30);
    must(siting_choose(&c, "Default", &none, &s));
    cr_assert(siting_has_zone(&s, "us-east-1d"));
}

Test(siting, a_group_binds_its_zones_and_security_groups)
{
    const char *subnets[] = {"subnet-1", "subnet-2", "subnet-3", "subnet-4"};
    const char *ids[] = {"sg-2", "sg-1", "sg-2"};
    struct ec_security_group_ids_list groups = {true, 3, ids};
    struct siting s;

    make_group("Mine", subnets, 2);
    make_group("all", subnets, 4);
    struct call c = world_call();
    must(siting_choose(&c, "MINE", &groups, &s));
    cr_assert_str_eq(s.subnet_group, "mine");
    cr_assert_eq(s.zone_count, 2);
    cr_assert_str_eq(s.security_groups, "sg-2,sg-1");
    must(siting_choose(&c, "all", &none, &s));
    cr_assert_eq(s.zone_count, 3, "each zone once");
    must(siting_change(&c, "mine", "sg-1", NULL, &s));
    cr_assert_str_eq(s.security_groups, "sg-1");
    must(siting_change(&c, "mine", "sg-1", &groups, &s));
    cr_assert_str_eq(s.security_groups, "sg-2,sg-1");
    expect(siting_choose(&c, "theirs", &none, &s), FAULT_CACHE_SUBNET_GROUP_NOT_FOUND,
           "CacheSubnetGroup not found: theirs");
}
