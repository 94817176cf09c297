#include "world.h"

#include <criterion/criterion.h>

TestSuite(security_rules, .init = world_open, .fini = world_close, .timeout = 60);

static const char *make(const char *name)
{
    struct ec2_create_security_group_in in = {.group_name = name, .description = "d"};
    struct ec2_create_security_group_out out;

    must(run_ec2_create_security_group(&in, &out));
    return out.group_id;
}

static size_t rule_count(const char *group)
{
    struct ec2_filter f = {
        "group-id", {true, 1, &group}
    };
    struct ec2_describe_security_group_rules_in in = {
        .filters = {true, 1, &f}
    };
    struct ec2_describe_security_group_rules_out out;

    must(run_ec2_describe_security_group_rules(&in, &out));
    return out.security_group_rules.count;
}

static struct err authorize(const char *group, const char *cidr,
                            struct ec2_authorize_security_group_ingress_out *out)
{
    struct ec2_authorize_security_group_ingress_in in = {.group_id = group,
                                                         .ip_protocol = "tcp",
                                                         .from_port = INT_OF(1),
                                                         .to_port = INT_OF(1),
                                                         .cidr_ip = cidr};

    return run_ec2_authorize_security_group_ingress(&in, out);
}

Test(security_rules, there_may_be_so_many_rules)
{
    struct ec2_authorize_security_group_ingress_out out;
    const char *web = make("web");

    for (int i = 0; i < 60; i++)
        must(authorize(web, arena_printf(&world.f.arena, "10.0.%d.0/24", i), &out));
    expect(authorize(web, "10.1.0.0/24", &out), FAULT_RULES_PER_SECURITY_GROUP_LIMIT_EXCEEDED,
           NULL);
    expect(
        authorize(web, "10.0.1.0/24", &out), FAULT_INVALID_PERMISSION_DUPLICATE,
        "the specified rule \"peer: 10.0.1.0/24, TCP, from port: 1, to port: 1, ALLOW\" already exists");
    cr_assert_eq(rule_count(web), 61);
}

Test(security_rules, rules_are_changed_by_their_ids)
{
    struct ec2_authorize_security_group_ingress_out one, two;
    const char *web = make("web");

    must(authorize(web, "10.0.0.0/24", &one));
    must(authorize(web, "10.0.1.0/24", &two));
    struct ec2_security_group_rule_request to = {.ip_protocol = "udp",
                                                 .from_port = INT_OF(5),
                                                 .to_port = INT_OF(6),
                                                 .cidr_ipv4 = "10.9.0.0/16"};
    struct ec2_security_group_rule_update update = {
        one.security_group_rules.items[0].security_group_rule_id, &to};
    struct ec2_modify_security_group_rules_in in = {
        .group_id = web, .security_group_rules = {true, 1, &update}
    };
    struct ec2_modify_security_group_rules_out out;
    must(run_ec2_modify_security_group_rules(&in, &out));
    update.security_group_rule_id = two.security_group_rules.items[0].security_group_rule_id;
    expect(run_ec2_modify_security_group_rules(&in, &out), FAULT_INVALID_PERMISSION_DUPLICATE,
           NULL);
    update.security_group_rule_id = "sgr-none";
    expect(run_ec2_modify_security_group_rules(&in, &out),
           FAULT_INVALID_SECURITY_GROUP_RULE_ID_NOT_FOUND, NULL);

    struct ec2_security_group_rule_description d = {
        two.security_group_rules.items[0].security_group_rule_id, "new"};
    struct ec2_update_security_group_rule_descriptions_ingress_in words = {
        .group_id = web, .security_group_rule_descriptions = {true, 1, &d}
    };
    struct ec2_update_security_group_rule_descriptions_ingress_out said;
    must(run_ec2_update_security_group_rule_descriptions_ingress(&words, &said));
    struct ec2_describe_security_group_rules_in ask = {
        .security_group_rule_ids = {true, 1, &d.security_group_rule_id}
    };
    struct ec2_describe_security_group_rules_out told;
    must(run_ec2_describe_security_group_rules(&ask, &told));
    cr_assert_str_eq(told.security_group_rules.items[0].description, "new");
}

Test(security_rules, rules_are_revoked_by_what_they_say)
{
    const char *web = make("web");
    struct ec2_ip_range all = {.cidr_ip = "0.0.0.0/0"};
    struct ec2_ip_permission p = {
        .ip_protocol = "-1", .ip_ranges = {true, 1, &all}
    };
    struct ec2_revoke_security_group_egress_in in = {
        .group_id = web, .ip_permissions = {true, 1, &p}
    };
    struct ec2_revoke_security_group_egress_out out;

    must(run_ec2_revoke_security_group_egress(&in, &out));
    cr_assert_eq(out.revoked_security_group_rules.count, 1);
    cr_assert_eq(rule_count(web), 0);
    expect(run_ec2_revoke_security_group_egress(&in, &out), FAULT_INVALID_PERMISSION_NOT_FOUND,
           NULL);
}
