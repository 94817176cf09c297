#include "controlplane/ops/inventory.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(inventory, .init = world_open, .fini = world_close, .timeout = 60);

static const char *make_vpc(void)
{
    struct ec2_tag tag = {"Name", "office"};
    struct ec2_tag_specification tags = {
        "vpc", {true, 1, &tag}
    };
    struct ec2_create_vpc_in in = {
        .cidr_block = "10.0.0.0/16", .tag_specifications = {true, 1, &tags}
    };
    struct ec2_create_vpc_out out;

    must(run_ec2_create_vpc(&in, &out));
    cr_assert_eq(out.vpc->tags.count, 1);
    return out.vpc->vpc_id;
}

static size_t tags_of(const char *id)
{
    struct ec2_filter f = {
        "resource-id", {true, 1, &id}
    };
    struct ec2_describe_tags_in in = {
        .filters = {true, 1, &f}
    };
    struct ec2_describe_tags_out out;

    must(run_ec2_describe_tags(&in, &out));
    return out.tags.count;
}

Test(inventory, tags_are_put_and_taken)
{
    const char *id = make_vpc();
    struct ec2_tag more[] =
        {
            {"Name", "new"},
            {"team", NULL }
    },
                   other = {"Name", "old"}, bare = {"team", NULL};
    struct ec2_create_tags_in put = {
        .resources = {true, 1, &id },
          .tags = {true, 2, more}
    };
    struct ec2_create_tags_out put_out;
    struct ec2_delete_tags_in take = {
        .resources = {true, 1, &id   },
          .tags = {true, 1, &other}
    };
    struct ec2_delete_tags_out take_out;

    must(run_ec2_create_tags(&put, &put_out));
    cr_assert_eq(tags_of(id), 2);
    must(run_ec2_delete_tags(&take, &take_out));
    cr_assert_eq(tags_of(id), 2, "it has another value");
    take.tags.items = &bare;
    must(run_ec2_delete_tags(&take, &take_out));
    cr_assert_eq(tags_of(id), 1);
    take.tags = (struct ec2_tag_list){0};
    must(run_ec2_delete_tags(&take, &take_out));
    cr_assert_eq(tags_of(id), 0);
}

Test(inventory, tags_of_the_wrong_kind_are_refused)
{
    const char *id = make_vpc(), *none = "vpc-none";
    struct ec2_tag reserved = {"aws:x", ""}, empty = {"", ""}, many[51];
    struct ec2_tag_specification wrong = {"subnet", {0}};
    struct ec2_create_vpc_in in = {
        .cidr_block = "10.0.0.0/16", .tag_specifications = {true, 1, &wrong}
    };
    struct ec2_create_vpc_out out;
    struct ec2_create_tags_in put = {
        .resources = {true, 1, &none },
          .tags = {true, 1, &empty}
    };
    struct ec2_create_tags_out put_out;

    expect(run_ec2_create_vpc(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(run_ec2_create_tags(&put, &put_out), FAULT_INVALID_ID, "The ID 'vpc-none' is not valid");
    put.resources.items = &id;
    expect(run_ec2_create_tags(&put, &put_out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    put.tags.items = &reserved;
    expect(run_ec2_create_tags(&put, &put_out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    for (int i = 0; i < 51; i++)
        many[i] = (struct ec2_tag){arena_printf(&world.f.arena, "k%d", i), ""};
    put.tags = (struct ec2_tag_list){true, 51, many};
    expect(run_ec2_create_tags(&put, &put_out), FAULT_TAG_LIMIT_EXCEEDED, NULL);
    cr_assert_eq(tags_of(id), 1, "all or none");
}

Test(inventory, pages_go_on_behind_the_last_id)
{
    struct call c = world_call();
    struct id_page page;
    const char *last = "", *token = NULL;

    must(id_page_open(&c, (struct opt_int){true, 1}, NULL, &page));
    cr_assert(id_page_takes(&c, &page, "a", &last, &token));
    cr_assert_null(token);
    cr_assert_not(id_page_takes(&c, &page, "b", &last, &token));
    cr_assert_not_null(token);
    must(id_page_open(&c, (struct opt_int){0}, token, &page));
    token = NULL;
    cr_assert_not(id_page_takes(&c, &page, "a", &last, &token));
    cr_assert(id_page_takes(&c, &page, "b", &last, &token));
    expect(id_page_open(&c, (struct opt_int){0}, "%", &page), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(inventory, kinds_follow_from_ids)
{
    const char *ids[] = {"a", NULL};
    struct call c = world_call();

    cr_assert_str_eq(inventory_kind("sgr-1"), "security-group-rule");
    cr_assert_str_eq(inventory_kind("sg-1"), "security-group");
    cr_assert_null(inventory_kind("i-1"));
    cr_assert_str_eq(inventory_arn(&c, "vpc-1"), "arn:aws:ec2:us-east-1:000000000000:vpc/vpc-1");
    cr_assert_null(inventory_arn(&c, "thing"));
    cr_assert(ids_take(NULL, 0, "x") && ids_take(ids, 2, "a") && !ids_take(ids, 2, "x"));
}
