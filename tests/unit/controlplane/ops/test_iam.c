#include "world.h"

#include <criterion/criterion.h>

TestSuite(iam, .init = world_open, .fini = world_close, .timeout = 60);

Test(iam, the_account_stands_in_every_arn)
{
    struct iam_get_user_in who = {0};
    struct iam_get_user_out user;
    struct iam_list_roles_in ask = {0};
    struct iam_list_roles_out roles;

    must(run_iam_get_user(&who, &user));
    cr_assert_str_eq(user.user->arn, "arn:aws:iam::000000000000:root");
    must(run_iam_list_roles(&ask, &roles));
    cr_assert_eq(roles.roles.count, 1);
    cr_assert_str_eq(
        roles.roles.items[0].arn,
        "arn:aws:iam::000000000000:role/aws-service-role/elasticache.amazonaws.com/AWSServiceRoleForElastiCache");
    ask.path_prefix = "/mine/";
    must(run_iam_list_roles(&ask, &roles));
    cr_assert_eq(roles.roles.count, 0);
    who.user_name = "somebody";
    expect(run_iam_get_user(&who, &user), FAULT_NO_SUCH_ENTITY,
           "The user with name somebody cannot be found.");
}
