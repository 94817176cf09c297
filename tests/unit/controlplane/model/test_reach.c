#include "controlplane/model/cluster.h"
#include "controlplane/model/reach.h"

#include <criterion/criterion.h>

#include <string.h>

Test(reach, words_are_those_of_the_interface)
{
    static const char *const types[] = {"ipv4", "ipv6", "dual_stack"};
    enum network_type type;
    enum ip_family family;

    for (size_t i = 0; i < 3; i++) {
        cr_assert(network_type_parse(types[i], &type));
        cr_assert_str_eq(network_type_name(type), types[i]);
        cr_assert_eq(ip_family_parse(types[i], &family), i < 2);
        cr_assert(i == 2 || strcmp(ip_family_name(family), types[i]) == 0);
    }
    cr_assert_not(network_type_parse("", &type));
    cr_assert_not(ip_family_parse("IPv4", &family));
}

Test(reach, a_network_has_one_family_or_both)
{
    cr_assert(network_type_has(NETWORK_IPV4, FAMILY_IPV4));
    cr_assert_not(network_type_has(NETWORK_IPV4, FAMILY_IPV6));
    cr_assert(network_type_has(NETWORK_IPV6, FAMILY_IPV6));
    cr_assert_not(network_type_has(NETWORK_IPV6, FAMILY_IPV4));
    cr_assert(network_type_has(NETWORK_DUAL_STACK, FAMILY_IPV4));
    cr_assert(network_type_has(NETWORK_DUAL_STACK, FAMILY_IPV6));
}

Test(reach, a_node_is_told_of_by_the_address_that_is_asked_for_where_it_has_it)
{
    struct node_goal both = {.address = "127.0.0.1", .second_address = "::1"};
    struct node_goal one = {.address = "::1", .second_address = ""};

    cr_assert_str_eq(goal_address(&both, FAMILY_IPV4), "127.0.0.1");
    cr_assert_str_eq(goal_address(&both, FAMILY_IPV6), "::1");
    cr_assert_str_eq(goal_address(&one, FAMILY_IPV6), "::1");
    one.second_address = NULL;
    cr_assert_str_eq(goal_address(&one, FAMILY_IPV4), "::1");
}
