#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/parked.h"

#include <criterion/criterion.h>

TestSuite(parked, .timeout = 60);

Test(parked, nothing_is_an_empty_text)
{
    scoped(arena_fini) struct arena a = {0};
    struct parked p;

    cr_assert_str_eq(parked_text(&a, &parked_nothing), "");
    parked_parse(&a, "", &p);
    cr_assert(parked_is_empty(&p));
    cr_assert_str_eq(p.engine_version, "");
}

Test(parked, everything_comes_back_from_its_text)
{
    scoped(arena_fini) struct arena a = {0};
    const struct parked before = {.engine = "valkey",
                                  .engine_version = "8.0.1",
                                  .parameter_group = "default.valkey8.cluster.on",
                                  .node_type = "cache.m5.large",
                                  .node_count = 3,
                                  .removals = "0002,0004",
                                  .zones = "us-east-1a,us-east-1b",
                                  .scale_percent = 20,
                                  .scale_minutes = 5};
    struct parked after;

    parked_parse(&a, parked_text(&a, &before), &after);
    cr_assert_not(parked_is_empty(&after));
    cr_assert_str_eq(after.engine, before.engine);
    cr_assert_str_eq(after.engine_version, before.engine_version);
    cr_assert_str_eq(after.parameter_group, before.parameter_group);
    cr_assert_str_eq(after.node_type, before.node_type);
    cr_assert_eq(after.node_count, 3);
    cr_assert_str_eq(after.removals, before.removals);
    cr_assert_str_eq(after.zones, before.zones);
    cr_assert_eq(after.scale_percent, 20);
    cr_assert_eq(after.scale_minutes, 5);
}

Test(parked, unknown_words_and_bad_numbers_are_left_out)
{
    scoped(arena_fini) struct arena a = {0};
    struct parked p;

    parked_parse(&a, "colour=red count=many type=cache.m5.large =", &p);
    cr_assert_str_eq(p.node_type, "cache.m5.large");
    cr_assert_eq(p.node_count, 0);
    cr_assert_str_eq(p.engine, "");
}
