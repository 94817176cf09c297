#include "controlplane/ops/changes.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(changes, .init = world_open, .fini = world_close, .timeout = 60);

static const struct cluster redis_6_2 = {
    .engine = "redis",
    .engine_version = "6.2.6",
    .node_type = "cache.t4g.micro",
    .parameter_group = "default.redis6.x",
};

Test(changes, a_version_of_the_same_family_keeps_the_parameter_group)
{
    struct call c = world_call();
    struct cluster cl = redis_6_2;
    struct parked p = parked_nothing;
    const struct change_request r = {.noun = "cluster", .engine_version = "6.2"};

    cl.engine_version = "6.0.5";
    must(changes_take(&c, &r, &cl, &p));
    cr_assert_not(changes_family(&cl, &p));
    changes_apply(&p, &cl);
    cr_assert_str_eq(cl.engine_version, "6.2.6");
    cr_assert_str_eq(cl.parameter_group, "default.redis6.x");
}

Test(changes, another_family_brings_its_default_group_where_the_old_one_was_a_default)
{
    struct call c = world_call();
    struct cluster cl = redis_6_2;
    struct parked p = parked_nothing;
    const struct change_request r = {.noun = "cluster", .engine_version = "7.0"};

    must(changes_take(&c, &r, &cl, &p));
    cr_assert(changes_family(&cl, &p));
    changes_apply(&p, &cl);
    cr_assert_str_eq(cl.engine_version, "7.0.7");
    cr_assert_str_eq(cl.parameter_group, "default.redis7");
    cl = redis_6_2;
    cl.parameter_group = "mine";
    p = parked_nothing;
    expect(changes_take(&c, &r, &cl, &p), FAULT_INVALID_PARAMETER_COMBINATION,
           "Expected a parameter group of family redis7 but found one of family redis6.x");
    cr_assert(parked_is_empty(&p), "nothing is taken of what is refused");
}

Test(changes, nothing_grows_beyond_its_host)
{
    struct cluster_facts *m;
    size_t count;

    world_redis("c1");
    struct call c = world_call();
    must(facts_list(&c, "", 10, false, &m, &count));
    must(changes_claim_growth(&c, m, count, &m->cluster, "cache.t4g.small"));
    expect(changes_claim_growth(&c, m, count, &m->cluster, "cache.r7g.16xlarge"),
           FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, NULL);
}
