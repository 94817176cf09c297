#include "controlplane/store/parameters.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(parameters);

#define ACCOUNT "000000000000"
#define REGION  "us-east-1"

static struct parameter_group group_new(const char *name)
{
    struct parameter_group g = {.account = ACCOUNT,
                                .region = REGION,
                                .name = name,
                                .family = "redis7",
                                .description = "words",
                                .created_ms = 7};

    must(store_parameter_group_insert(f.tx, &g));
    return g;
}

Test(parameters, a_group_is_kept_whole_under_a_name_that_is_its_own)
{
    struct parameter_group g = group_new("mine"), found, again = g;

    must(store_parameter_group_find(f.tx, ACCOUNT, REGION, "mine", &found));
    cr_assert_eq(found.id, g.id);
    cr_assert_eq(found.revision, g.revision);
    cr_assert_str_eq(found.family, "redis7");
    cr_assert_str_eq(found.description, "words");
    cr_assert_eq(found.created_ms, 7);
    cr_assert(err_is(store_parameter_group_insert(f.tx, &again), ERR_EXISTS));
    cr_assert(err_is(store_parameter_group_find(f.tx, ACCOUNT, "eu-west-1", "mine", &found),
                     ERR_NOT_FOUND));
}

Test(parameters, revisions_grow_over_all_groups)
{
    struct parameter_group one = group_new("one"), two = group_new("two"), found;

    cr_assert_gt(two.revision, one.revision);
    must(store_parameter_group_revise(f.tx, &one));
    cr_assert_gt(one.revision, two.revision);
    must(store_parameter_group_find(f.tx, ACCOUNT, REGION, "one", &found));
    cr_assert_eq(found.revision, one.revision);
    found.id = 99;
    cr_assert(err_is(store_parameter_group_revise(f.tx, &found), ERR_NOT_FOUND));
}

Test(parameters, groups_are_listed_by_name_from_any_place_and_counted)
{
    struct parameter_group *list;
    size_t count;
    int64_t all;

    group_new("b");
    group_new("a");
    group_new("c");
    must(store_parameter_group_list(f.tx, ACCOUNT, REGION, "a", 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].name, "b");
    must(store_parameter_group_list(f.tx, ACCOUNT, REGION, "", 10, &list, &count));
    cr_assert_eq(count, 3);
    must(store_parameter_group_count(f.tx, ACCOUNT, REGION, &all));
    cr_assert_eq(all, 3);
    must(store_parameter_group_count(f.tx, ACCOUNT, "eu-west-1", &all));
    cr_assert_eq(all, 0);
}

Test(parameters, values_are_put_replaced_taken_away_and_cleared)
{
    struct parameter_group g = group_new("mine");
    struct parameter_value_list values;

    must(store_parameter_value_put(f.tx, g.id, "timeout", "020"));
    must(store_parameter_value_put(f.tx, g.id, "databases", "1"));
    must(store_parameter_value_put(f.tx, g.id, "timeout", "30"));
    must(store_parameter_values(f.tx, g.id, &values));
    cr_assert_eq(values.count, 2);
    cr_assert_str_eq(values.items[0].name, "databases");
    cr_assert_str_eq(values.items[1].value, "30");
    must(store_parameter_value_remove(f.tx, g.id, "timeout"));
    must(store_parameter_values(f.tx, g.id, &values));
    cr_assert_eq(values.count, 1);
    must(store_parameter_values_clear(f.tx, g.id));
    must(store_parameter_values(f.tx, g.id, &values));
    cr_assert_eq(values.count, 0);
}

Test(parameters, values_of_many_groups_come_by_group)
{
    struct parameter_group one = group_new("one"), two = group_new("two"), bare = group_new("bare");
    struct parameter_group_values *groups;
    int64_t ids[] = {two.id, one.id, bare.id, 0};
    size_t count;

    must(store_parameter_value_put(f.tx, two.id, "timeout", "2"));
    must(store_parameter_value_put(f.tx, one.id, "timeout", "1"));
    must(store_parameter_value_put(f.tx, one.id, "databases", "1"));
    must(store_parameter_values_of(f.tx, ids, 4, &groups, &count));
    cr_assert_eq(count, 2);
    cr_assert_eq(groups[0].group_id, one.id);
    cr_assert_eq(groups[0].values.count, 2);
    cr_assert_str_eq(groups[0].values.items[1].value, "1");
    cr_assert_eq(groups[1].values.count, 1);
    cr_assert_str_eq(groups[1].values.items[0].value, "2");
    must(store_parameter_values_of(f.tx, ids, 0, &groups, &count));
    cr_assert_eq(count, 0);
}

Test(parameters, a_removed_group_takes_values_and_tags_along)
{
    struct parameter_group g = group_new("mine"), found;
    struct parameter_value_list values;
    struct tag *tags;
    size_t count;

    must(store_parameter_value_put(f.tx, g.id, "timeout", "30"));
    must(store_tag_put(f.tx, ACCOUNT, REGION, "arn", "k", "v"));
    must(store_parameter_group_remove(f.tx, g.id, "arn"));
    must(store_parameter_values(f.tx, g.id, &values));
    must(store_tag_list(f.tx, "arn", &tags, &count));
    cr_assert_eq(values.count, 0);
    cr_assert_eq(count, 0);
    cr_assert(
        err_is(store_parameter_group_find(f.tx, ACCOUNT, REGION, "mine", &found), ERR_NOT_FOUND));
}

Test(parameters, who_uses_a_group_is_known_and_so_is_its_revision)
{
    struct parameter_group g = group_new("mine");
    struct cluster c = fixture_cluster(&f, "c1", "redis"), found;
    int64_t *ids;
    size_t count;
    bool is_used;

    must(store_parameter_group_is_used(f.tx, ACCOUNT, REGION, "mine", &is_used));
    cr_assert_not(is_used);
    c.parameter_group = "mine";
    must(store_cluster_update(f.tx, &c));
    must(store_parameter_group_clusters(f.tx, ACCOUNT, REGION, "mine", &ids, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(ids[0], c.id);
    must(store_parameter_group_is_used(f.tx, ACCOUNT, REGION, "mine", &is_used));
    cr_assert(is_used);
    must(store_cluster_get(f.tx, c.id, &found));
    cr_assert_eq(found.parameter_revision, g.revision);
    c.parameter_group = "default.redis7";
    must(store_cluster_update(f.tx, &c));
    must(store_cluster_get(f.tx, c.id, &found));
    cr_assert_eq(found.parameter_revision, 0);
}

Test(parameters, a_replication_group_uses_its_group_even_without_members)
{
    bool is_used;

    fixture_group(&f, "rg");
    must(store_parameter_group_is_used(f.tx, ACCOUNT, REGION, "default.redis7", &is_used));
    cr_assert(is_used);
}
