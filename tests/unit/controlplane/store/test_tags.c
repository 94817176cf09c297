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

Test(tags, removing_what_is_not_there_says_so)
{
    must(store_tag_put(f.tx, "0", "r", "arn", "k", "v"));
    must(store_tag_remove(f.tx, "arn", "k"));
    cr_assert(err_is(store_tag_remove(f.tx, "arn", "k"), ERR_NOT_FOUND));
}
