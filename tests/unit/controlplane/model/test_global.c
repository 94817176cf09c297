#include "base/arena.h"
#include "controlplane/model/global.h"

#include <criterion/criterion.h>

#include <string.h>

Test(global, roles_survive_the_round_trip)
{
    for (int i = GLOBAL_PRIMARY; i <= GLOBAL_LEAVING; i++) {
        enum global_role role = GLOBAL_PRIMARY;
        cr_assert(global_role_parse(global_role_name((enum global_role)i), &role));
        cr_assert_eq((int)role, i);
    }
    enum global_role role;
    cr_assert_not(global_role_parse("king", &role));
    cr_assert_str_eq(global_role_word(GLOBAL_SUCCESSOR), "SECONDARY");
    cr_assert_str_eq(global_member_word(GLOBAL_SUCCESSOR), "associated");
    cr_assert_str_eq(global_member_word(GLOBAL_LEAVING), "disassociating");
}

Test(global, each_region_has_a_prefix_of_five_letters)
{
    struct arena a = {0};

    cr_assert_str_eq(global_prefix(&a, "us-east-1"), "ldgnf");
    cr_assert_str_eq(global_prefix(&a, "eu-west-1"), "gxeiz");
    const char *own = global_prefix(&a, "home-1");
    cr_assert_eq(strlen(own), 5);
    cr_assert_eq(strspn(own, "abcdefghijklmnopqrstuvwxyz"), 5);
    cr_assert_str_eq(own, global_prefix(&a, "home-1"));
    cr_assert_str_neq(own, global_prefix(&a, "home-2"));
    arena_fini(&a);
}

Test(global, small_nodes_take_no_part)
{
    cr_assert(global_takes_type("cache.m5.large"));
    cr_assert(global_takes_type("cache.r6gd.4xlarge"));
    cr_assert_not(global_takes_type("cache.t4g.micro"));
    cr_assert_not(global_takes_type("cache.t4g.large"));
    cr_assert_not(global_takes_type("cache.m5.medium"));
    cr_assert_not(global_takes_type("nonsense"));
}

Test(global, a_member_is_found_by_its_role)
{
    struct global_member members[] = {
        {.group_id = 1, .role = GLOBAL_SECONDARY},
        {.group_id = 2, .role = GLOBAL_PRIMARY  }
    };

    cr_assert_eq(global_member_of_role(members, 2, GLOBAL_PRIMARY)->group_id, 2);
    cr_assert_null(global_member_of_role(members, 2, GLOBAL_LEAVING));
}
