#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(security_groups, .init = world_open, .fini = world_close, .timeout = 60);

static const char *make(const char *name)
{
    struct ec2_create_security_group_in in = {.group_name = name, .description = "d"};
    struct ec2_create_security_group_out out;

    must(run_ec2_create_security_group(&in, &out));
    return out.group_id;
}

static struct err drop(const char *id, const char *name)
{
    struct ec2_delete_security_group_in in = {.group_id = id, .group_name = name};
    struct ec2_delete_security_group_out out;

    return run_ec2_delete_security_group(&in, &out);
}

Test(security_groups, a_new_one_lets_everything_out)
{
    const char *id = make("web");
    struct ec2_describe_security_groups_in in = {
        .group_ids = {true, 1, &id}
    };
    struct ec2_describe_security_groups_out out;

    must(run_ec2_describe_security_groups(&in, &out));
    cr_assert_eq(out.security_groups.count, 1);
    cr_assert_eq(out.security_groups.items[0].ip_permissions.count, 0);
    cr_assert_str_eq(out.security_groups.items[0].ip_permissions_egress.items[0].ip_protocol, "-1");
    cr_assert_not(out.security_groups.items[0].ip_permissions_egress.items[0].from_port.has);
}

Test(security_groups, a_new_one_is_refused_for)
{
    static const struct {
        const char *name, *description, *vpc;
        int code;
    } rows[] = {
        {"web",     "d", NULL,       FAULT_INVALID_GROUP_DUPLICATE },
        {"default", "d", NULL,       FAULT_INVALID_PARAMETER_VALUE },
        {"sg-x",    "d", NULL,       FAULT_INVALID_PARAMETER_VALUE },
        {"",        "d", NULL,       FAULT_INVALID_PARAMETER_VALUE },
        {"x",       "",  NULL,       FAULT_INVALID_PARAMETER_VALUE },
        {"x",       "d", "vpc-none", FAULT_INVALID_VPC_ID_NOT_FOUND},
    };

    make("web");
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec2_create_security_group_in in = {
            .group_name = rows[i].name, .description = rows[i].description, .vpc_id = rows[i].vpc};
        struct ec2_create_security_group_out out;
        expect(run_ec2_create_security_group(&in, &out), rows[i].code, NULL);
    }
}

Test(security_groups, one_that_something_needs_stays)
{
    const char *web = make("web"), *db = make("db"), *ids[] = {web};
    struct ec_create_cache_cluster_in c1 = {
        .cache_cluster_id = "c1",
        .engine = "redis",
        .cache_node_type = "cache.t4g.micro",
        .security_group_ids = {true, 1, ids}
    };
    struct ec_create_cache_cluster_out created;
    struct ec2_user_id_group_pair pair = {.group_id = db};
    struct ec2_ip_permission p = {
        .ip_protocol = "-1", .user_id_group_pairs = {true, 1, &pair}
    };
    struct ec2_authorize_security_group_ingress_in let = {
        .group_id = web, .ip_permissions = {true, 1, &p}
    };
    struct ec2_authorize_security_group_ingress_out in;

    must(run_ec_create_cache_cluster(&c1, &created));
    must(run_ec2_authorize_security_group_ingress(&let, &in));
    expect(drop(web, NULL), FAULT_DEPENDENCY_VIOLATION, NULL);
    expect(drop(db, NULL), FAULT_DEPENDENCY_VIOLATION, NULL);
    expect(drop(NULL, "default"), FAULT_CANNOT_DELETE, NULL);
    expect(drop(NULL, NULL), FAULT_MISSING_PARAMETER, NULL);
    expect(drop("sg-none", NULL), FAULT_INVALID_GROUP_NOT_FOUND, NULL);
    must(drop(make("alone"), NULL));
}
