#include "world.h"

#include <criterion/criterion.h>

TestSuite(sts, .init = world_open, .fini = world_close, .timeout = 60);

static struct sts_get_caller_identity_out ask(void)
{
    struct sts_get_caller_identity_in in = {0};
    struct sts_get_caller_identity_out out;

    must(run_sts_get_caller_identity(&in, &out));
    return out;
}

Test(sts, the_caller_is_the_account_that_stands_in_its_arns)
{
    struct sts_get_caller_identity_out out = ask();

    cr_assert_str_eq(out.account, "000000000000");
    cr_assert_str_eq(out.user_id, "AKID");
    cr_assert_str_eq(out.arn, "arn:aws:iam::000000000000:root");
}

Test(sts, an_unsigned_caller_is_the_account_itself_and_the_partition_follows_the_region)
{
    world.caller.access_key = "";
    world.caller.region = "cn-north-1";
    cr_assert_str_eq(ask().user_id, "000000000000");
    cr_assert_str_eq(ask().arn, "arn:aws-cn:iam::000000000000:root");
}
