#include "base/err.h"
#include "controlplane/store/network.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(security_rules);

static struct security_rule rule(const char *id, const char *group)
{
    return (struct security_rule){.id = id,
                                  .group_id = group,
                                  .protocol = "tcp",
                                  .from_port = 6379,
                                  .to_port = 6380,
                                  .cidr = "10.0.0.0/8",
                                  .ipv6_cidr = "",
                                  .prefix_list = "",
                                  .peer_group = "",
                                  .peer_account = "",
                                  .description = "d"};
}

static void groups(void)
{
    struct vpc v = {.id = "vpc-1", .cidr = "10.0.0.0/16", .ipv6_cidr = "", .tenancy = "default"};
    struct security_group a = {.id = "sg-a", .vpc_id = "vpc-1", .name = "a", .description = ""};
    struct security_group b = {.id = "sg-b", .vpc_id = "vpc-1", .name = "b", .description = ""};

    must(store_vpc_insert(f.tx, "1", "r", &v));
    must(store_security_group_insert(f.tx, "1", "r", &a));
    must(store_security_group_insert(f.tx, "1", "r", &b));
}

Test(security_rules, rules_are_listed_by_group_changed_and_removed)
{
    struct security_rule one = rule("sgr-2", "sg-a"), two = rule("sgr-1", "sg-a"),
                         other = rule("sgr-3", "sg-b");
    struct security_rules list;

    groups();
    must(store_security_rule_insert(f.tx, "1", "r", &other));
    must(store_security_rule_insert(f.tx, "1", "r", &one));
    must(store_security_rule_insert(f.tx, "1", "r", &two));
    must(store_security_rule_list(f.tx, "1", "r", "", &list));
    cr_assert_eq(list.count, 3);
    must(store_security_rule_list(f.tx, "1", "r", "sg-a", &list));
    cr_assert_eq(list.count, 2);
    cr_assert_str_eq(list.items[0].id, "sgr-1");
    cr_assert_eq(list.items[0].to_port, 6380);

    one.cidr = "";
    one.peer_group = "sg-b";
    must(store_security_rule_update(f.tx, "1", "r", &one));
    must(store_security_rule_list(f.tx, "1", "r", "sg-a", &list));
    cr_assert_str_eq(list.items[1].peer_group, "sg-b");
    must(store_security_rule_remove(f.tx, "1", "r", "sgr-2"));
    cr_assert(err_is(store_security_rule_remove(f.tx, "1", "r", "sgr-2"), ERR_NOT_FOUND));
    cr_assert(err_is(store_security_rule_update(f.tx, "1", "r", &one), ERR_NOT_FOUND));
}

Test(security_rules, rules_go_with_their_group)
{
    struct security_rule one = rule("sgr-1", "sg-a");
    struct security_rules list;

    groups();
    must(store_security_rule_insert(f.tx, "1", "r", &one));
    must(store_security_group_remove(f.tx, "1", "r", "sg-a"));
    must(store_security_rule_list(f.tx, "1", "r", "", &list));
    cr_assert_eq(list.count, 0);
}
