#include "world.h"

#include <criterion/criterion.h>

TestSuite(cache_security_groups, .init = world_open, .fini = world_close, .timeout = 60);

#define WHY "Use of cache security groups is not permitted in this API version for your account."

Test(cache_security_groups, no_account_uses_them_any_more)
{
    struct ec_create_cache_security_group_in create = {.cache_security_group_name = "g",
                                                       .description = "d"};
    struct ec_create_cache_security_group_out created;
    struct ec_describe_cache_security_groups_in describe = {0};
    struct ec_describe_cache_security_groups_out described;
    struct ec_delete_cache_security_group_in drop = {.cache_security_group_name = "g"};
    struct ec_delete_cache_security_group_out dropped;
    struct ec_authorize_cache_security_group_ingress_in let = {.cache_security_group_name = "g",
                                                               .ec2_security_group_name = "e",
                                                               .ec2_security_group_owner_id =
                                                                   "000000000000"};
    struct ec_authorize_cache_security_group_ingress_out in;
    struct ec_revoke_cache_security_group_ingress_in take = {.cache_security_group_name = "g",
                                                             .ec2_security_group_name = "e",
                                                             .ec2_security_group_owner_id =
                                                                 "000000000000"};
    struct ec_revoke_cache_security_group_ingress_out taken;

    expect(run_ec_create_cache_security_group(&create, &created), FAULT_INVALID_PARAMETER_VALUE,
           WHY);
    expect(run_ec_describe_cache_security_groups(&describe, &described),
           FAULT_INVALID_PARAMETER_VALUE, WHY);
    expect(run_ec_delete_cache_security_group(&drop, &dropped), FAULT_INVALID_PARAMETER_VALUE, WHY);
    expect(run_ec_authorize_cache_security_group_ingress(&let, &in), FAULT_INVALID_PARAMETER_VALUE,
           WHY);
    expect(run_ec_revoke_cache_security_group_ingress(&take, &taken), FAULT_INVALID_PARAMETER_VALUE,
           WHY);
}
