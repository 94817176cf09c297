#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(tags);

Test(tags, putting_one_again_replaces_its_value)
{
    struct tag *tags;
    size_t count;

    must(store_tag_put(f.tx, "0", "r", "arn", "team", "one"));
    must(store_tag_put(f.tx, "0", "r", "arn", "env", ""));
    must(store_tag_put(f.tx, "0", "r", "arn", "team", "two"));
    must(store_tag_list(f.tx, "arn", &tags, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(tags[0].key, "env");
    cr_assert_str_eq(tags[0].value, "");
    cr_assert_str_eq(tags[1].value, "two");
}

Test(tags, one_is_read_by_its_key)
{
    const char *value;

    must(store_tag_put(f.tx, "0", "r", "arn", "team", "one"));
    must(store_tag_get(f.tx, "arn", "team", &value));
    cr_assert_str_eq(value, "one");
    must(store_tag_get(f.tx, "arn", "env", &value));
    cr_assert_null(value);
}

Test(tags, removing_what_is_not_there_says_so)
{
    must(store_tag_put(f.tx, "0", "r", "arn", "k", "v"));
    must(store_tag_remove(f.tx, "arn", "k"));
    cr_assert(err_is(store_tag_remove(f.tx, "arn", "k"), ERR_NOT_FOUND));
}

Test(tags, a_range_of_arns_is_read_at_once)
{
    struct arn_tag *tags;
    size_t count;

    must(store_tag_put(f.tx, "0", "r", "arn:ec2:b", "k", "v"));
    must(store_tag_put(f.tx, "0", "r", "arn:ec2:a", "k2", "v"));
    must(store_tag_put(f.tx, "0", "r", "arn:ec2:a", "k1", "v"));
    must(store_tag_put(f.tx, "0", "r", "arn:other", "k", "v"));
    must(store_tag_put(f.tx, "1", "r", "arn:ec2:c", "k", "v"));
    must(store_tag_range(f.tx, "0", "r", "arn:ec2:", "arn:ec2;", &tags, &count));
    cr_assert_eq(count, 3);
    cr_assert_str_eq(tags[0].arn, "arn:ec2:a");
    cr_assert_str_eq(tags[0].tag.key, "k1");
    must(store_tag_clear(f.tx, "arn:ec2:a"));
    must(store_tag_range(f.tx, "0", "r", "arn:ec2:", "arn:ec2;", &tags, &count));
    cr_assert_eq(count, 1);
}
