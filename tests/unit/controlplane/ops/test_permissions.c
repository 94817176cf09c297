#include "controlplane/ops/permissions.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(permissions, .init = world_open, .fini = world_close, .timeout = 60);

static struct security_group group = {.id = "sg-1", .vpc_id = "vpc-1", .name = "web"};
static const struct network net = {.groups = &group, .group_count = 1};

static struct security_rule rule(void)
{
    return (struct security_rule){.id = "",
                                  .group_id = "sg-1",
                                  .cidr = "",
                                  .ipv6_cidr = "",
                                  .prefix_list = "",
                                  .peer_group = "",
                                  .peer_account = "",
                                  .description = ""};
}

Test(permissions, protocols_have_one_form)
{
    static const struct {
        const char *given, *stored;
        struct opt_int from, to;
        int code, first, last;
    } rows[] = {
        {"tcp",  "tcp",    {true, 1}, {true, 2},     0,                             1,  2    },
        {"6",    "tcp",    {true, 5}, {0},           0,                             5,  5    },
        {"UDP",  "udp",    {true, 0}, {true, 65535}, 0,                             0,  65535},
        {"-1",   "-1",     {true, 1}, {true, 2},     0,                             -1, -1   },
        {"all",  "-1",     {0},       {0},           0,                             -1, -1   },
        {"icmp", "icmp",   {true, 8}, {true, -1},    0,                             8,  -1   },
        {"58",   "icmpv6", {0},       {0},           0,                             -1, -1   },
        {"50",   "50",     {0},       {0},           0,                             -1, -1   },
        {"tcp",  NULL,     {true, 2}, {true, 1},     FAULT_INVALID_PARAMETER_VALUE, 0,  0    },
        {"tcp",  NULL,     {0},       {0},           FAULT_INVALID_PARAMETER_VALUE, 0,  0    },
        {"tcp",  NULL,     {true, 1}, {true, 70000}, FAULT_INVALID_PARAMETER_VALUE, 0,  0    },
        {"256",  NULL,     {0},       {0},           FAULT_INVALID_PARAMETER_VALUE, 0,  0    },
        {"tpc",  NULL,     {0},       {0},           FAULT_INVALID_PARAMETER_VALUE, 0,  0    },
        {NULL,   NULL,     {0},       {0},           FAULT_MISSING_PARAMETER,       0,  0    },
    };
    struct call c = world_call();

    for (size_t i = 0; i < countof(rows); i++) {
        struct security_rule r = rule();
        struct err e = rule_normalize(&c, rows[i].given, rows[i].from, rows[i].to, &r);
        cr_assert_eq(e.code, rows[i].code, "row %zu", i);
        if (rows[i].code)
            continue;
        cr_assert_str_eq(r.protocol, rows[i].stored);
        cr_assert(r.from_port == rows[i].first && r.to_port == rows[i].last, "row %zu", i);
    }
}

Test(permissions, a_rule_has_one_source)
{
    struct call c = world_call();
    struct security_rule none = rule(), two = rule(), bad = rule(), bad6 = rule(), list = rule(),
                         stranger = rule(), peer = rule();

    two.cidr = "10.0.0.0/8";
    two.peer_group = "sg-1";
    bad.cidr = "10.0.0.0";
    bad6.ipv6_cidr = "fd00::1/8";
    list.prefix_list = "pl-1";
    stranger.peer_group = "sg-2";
    peer.peer_group = "sg-1";
    expect(rule_check_source(&c, &net, &none), FAULT_INVALID_PERMISSION_MALFORMED, NULL);
    expect(rule_check_source(&c, &net, &two), FAULT_INVALID_PERMISSION_MALFORMED, NULL);
    expect(rule_check_source(&c, &net, &bad), FAULT_INVALID_PARAMETER_VALUE,
           "CIDR block 10.0.0.0 is malformed");
    expect(rule_check_source(&c, &net, &bad6), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(rule_check_source(&c, &net, &list), FAULT_UNSUPPORTED_OPERATION, NULL);
    expect(rule_check_source(&c, &net, &stranger), FAULT_INVALID_GROUP_NOT_FOUND, NULL);
    must(rule_check_source(&c, &net, &peer));
    cr_assert_str_eq(peer.peer_account, "000000000000");
}

Test(permissions, one_permission_becomes_a_rule_per_source_and_back)
{
    struct call c = world_call();
    struct ec2_ip_range ranges[] = {
        {"office", "10.0.0.0/8"},
        {NULL,     "11.0.0.0/8"},
    };
    struct ec2_user_id_group_pair pair = {.group_id = "sg-1"};
    struct ec2_ip_permission p = {
        .ip_protocol = "tcp",
        .from_port = INT_OF(1),
        .to_port = INT_OF(2),
        .ip_ranges = {true, 2, ranges},
        .user_id_group_pairs = {true, 1, &pair }
    };
    struct ec2_ip_permission_list list = {true, 1, &p}, back;
    struct permission_flat flat = {
        .protocol = "udp", .cidr = "12.0.0.0/8", .from_port = INT_OF(7), .to_port = INT_OF(7)};
    struct security_rules rules;

    must(permissions_read(&c, &net, &group, false, &list, &flat, &rules));
    cr_assert_eq(rules.count, 4);
    cr_assert_str_eq(rules.items[0].description, "office");
    cr_assert_str_eq(rules.items[2].peer_group, "sg-1");
    cr_assert_str_eq(rules.items[3].protocol, "udp");
    cr_assert_str_eq(rule_text(&c, &rules.items[3]),
                     "peer: 12.0.0.0/8, UDP, from port: 7, to port: 7, ALLOW");
    permissions_wire(&c, &rules, "sg-1", false, &back);
    cr_assert_eq(back.count, 2);
    cr_assert_eq(back.items[0].ip_ranges.count, 2);
    cr_assert_eq(back.items[0].user_id_group_pairs.count, 1);
    permissions_wire(&c, &rules, "sg-1", true, &back);
    cr_assert_eq(back.count, 0);
    p.ip_ranges.count = p.user_id_group_pairs.count = 0;
    expect(permissions_read(&c, &net, &group, false, &list, NULL, &rules), FAULT_MISSING_PARAMETER,
           NULL);
    expect(permissions_read(&c, &net, &group, false, &(struct ec2_ip_permission_list){0}, NULL,
                            &rules),
           FAULT_MISSING_PARAMETER, NULL);
}

Test(permissions, rules_that_let_the_same_through_are_the_same)
{
    struct security_rule a = rule(), b = rule();

    a.protocol = b.protocol = "-1";
    a.cidr = b.cidr = "10.0.0.0/8";
    b.id = "sgr-2";
    b.description = "other";
    cr_assert(rule_is_same(&a, &b));
    b.is_egress = true;
    cr_assert_not(rule_is_same(&a, &b));
}
