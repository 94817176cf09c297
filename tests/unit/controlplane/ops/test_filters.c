#include "base/arena.h"
#include "base/err.h"
#include "controlplane/ops/filters.h"

#include <criterion/criterion.h>

Test(filters, wildcards_stand_for_runs_and_single_characters)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"abc",   "abc",     true },
        {"abc",   "abcd",    false},
        {"a*",    "a",       true },
        {"a*c",   "abbbc",   true },
        {"a*b*c", "aXbXbXc", true },
        {"a*b*c", "aXbXbX",  false},
        {"*",     "",        true },
        {"?",     "",        false},
        {"a?c",   "abc",     true },
        {"a?c",   "ac",      false},
        {"a\\*c", "a*c",     true },
        {"a\\*c", "abc",     false},
        {"a\\?",  "a?",      true },
        {"",      "",        true },
        {"",      "a",       false},
        {"**a**", "bab",     true },
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(wildcard_match(rows[i].pattern, rows[i].text), rows[i].matches, "%s on %s",
                     rows[i].pattern, rows[i].text);
}

Test(filters, each_filter_needs_one_of_its_values)
{
    struct arena a = {0};
    struct traits t = {.arena = &a};
    struct ec2_tag tag = {"team", "blue"};
    const char *red_or_blue[] = {"red", "bl*"}, *red[] = {"red"}, *team[] = {"team"};
    const char *nothing[] = {NULL};
    struct ec2_filter f[2] = {
        {"tag:team", {true, 2, red_or_blue}},
        {"tag-key",  {true, 1, team}       },
    };
    struct ec2_filter_list list = {true, 2, f};

    trait_add_bool(&t, "is-default", true);
    trait_add(&t, "vpc-id", NULL);
    trait_add_tags(&t, &(struct ec2_tag_list){true, 1, &tag});
    cr_assert(filters_pass(&list, &t));
    f[0].values = (struct ec2_value_string_list){true, 1, red};
    cr_assert_not(filters_pass(&list, &t));
    f[0].values = (struct ec2_value_string_list){true, 1, nothing};
    cr_assert_not(filters_pass(&list, &t));
    cr_assert(filters_pass(&(struct ec2_filter_list){0}, &t));
    arena_fini(&a);
}
