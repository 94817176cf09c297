#include "controlplane/ops/global_parameters.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"
#include "global_world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(global_parameters, .init = global_world_open, .fini = world_close, .timeout = 60);

static struct err set_parameter(const char *group, const char *name, const char *value)
{
    struct ec_parameter_name_value one = {name, value};
    struct ec_modify_cache_parameter_group_in in = {
        .cache_parameter_group_name = group, .parameter_name_values = {true, 1, &one}
    };
    struct ec_modify_cache_parameter_group_out out;

    return run_ec_modify_cache_parameter_group(&in, &out);
}

/* The value of maxmemory-policy in a group of the caller's region that users set; NULL: none. */
static const char *policy_of(const char *group)
{
    struct ec_describe_cache_parameters_in in = {.cache_parameter_group_name = group,
                                                 .source = "user"};
    struct ec_describe_cache_parameters_out out;

    must(run_ec_describe_cache_parameters(&in, &out));
    return out.parameters.count == 1 ? out.parameters.items[0].parameter_value : NULL;
}

static const char *parameters_of(const char *region, const char *group)
{
    struct replication_group g;

    fixture_begin(&world.f, STORE_READ);
    must(store_group_find(world.f.tx, "000000000000", region, group, &g));
    fixture_commit(&world.f);
    return g.common.parameter_group;
}

static struct err name_parameters(const char *group)
{
    struct ec_modify_global_replication_group_in in = {.global_replication_group_id = "ldgnf-store",
                                                       .apply_immediately = BOOL_OF(true),
                                                       .cache_parameter_group_name = group};
    struct ec_modify_global_replication_group_out out;

    return run_ec_modify_global_replication_group(&in, &out);
}

static struct err make_group(const char *name)
{
    struct ec_create_cache_parameter_group_in in = {.cache_parameter_group_name = name,
                                                    .cache_parameter_group_family = "redis7",
                                                    .description = "d"};
    struct ec_create_cache_parameter_group_out out;

    return run_ec_create_cache_parameter_group(&in, &out);
}

Test(global_parameters, members_have_groups_of_their_own)
{
    global_world_pair();
    cr_assert_str_eq(parameters_of(HERE, "here"), "global-datastore-here-redis7");
    cr_assert_str_eq(parameters_of(THERE, "there"), "global-datastore-there-redis7");
    struct ec_describe_cache_parameter_groups_in in = {.cache_parameter_group_name =
                                                           "global-datastore-here-redis7"};
    struct ec_describe_cache_parameter_groups_out out;
    must(run_ec_describe_cache_parameter_groups(&in, &out));
    cr_assert(out.cache_parameter_groups.items[0].is_global.value);
    expect(make_group("global-datastore-mine"), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(global_parameters, what_changes_at_the_primary_changes_everywhere)
{
    global_world_pair();
    must(set_parameter("global-datastore-here-redis7", "maxmemory-policy", "allkeys-lru"));
    global_world_go(THERE);
    cr_assert_str_eq(policy_of("global-datastore-there-redis7"), "allkeys-lru");
    expect(set_parameter("global-datastore-there-redis7", "maxmemory-policy", "noeviction"),
           FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
           "The parameter group global-datastore-there-redis7 follows that of the primary of the "
           "global replication group ldgnf-store and is changed with it.");
    cr_assert_str_eq(policy_of("global-datastore-there-redis7"), "allkeys-lru");

    global_world_go(HERE);
    struct ec_reset_cache_parameter_group_in reset = {.cache_parameter_group_name =
                                                          "global-datastore-here-redis7",
                                                      .reset_all_parameters = BOOL_OF(true)};
    struct ec_reset_cache_parameter_group_out out;
    must(run_ec_reset_cache_parameter_group(&reset, &out));
    global_world_go(THERE);
    cr_assert_null(policy_of("global-datastore-there-redis7"));
}

Test(global_parameters, a_group_that_is_named_is_copied_for_each)
{
    global_world_pair();
    must(make_group("mine"));
    must(set_parameter("mine", "maxmemory-policy", "allkeys-lfu"));
    must(name_parameters("Mine"));
    cr_assert_str_eq(parameters_of(HERE, "here"), "global-datastore-here-redis7");
    cr_assert_str_eq(policy_of("global-datastore-here-redis7"), "allkeys-lfu");
    global_world_go(THERE);
    cr_assert_str_eq(policy_of("global-datastore-there-redis7"), "allkeys-lfu");
    global_world_go(HERE);
    must(set_parameter("mine", "maxmemory-policy", "noeviction"));
    cr_assert_str_eq(policy_of("global-datastore-here-redis7"), "allkeys-lfu", "it is a copy");
    global_world_settle();
    must(name_parameters("global-datastore-here-redis7"));
    cr_assert_str_eq(policy_of("global-datastore-here-redis7"), "allkeys-lfu");
}

Test(global_parameters, a_primary_keeps_a_group_that_its_user_made)
{
    struct ec_modify_replication_group_in change = {.replication_group_id = "here",
                                                    .cache_parameter_group_name = "mine"};
    struct ec_modify_replication_group_out changed;
    struct ec_create_global_replication_group_in in = {
        .global_replication_group_id_suffix = "store", .primary_replication_group_id = "here"};
    struct ec_create_global_replication_group_out out;

    global_world_group("here", 2);
    must(make_group("mine"));
    must(run_ec_modify_replication_group(&change, &changed));
    must(run_ec_create_global_replication_group(&in, &out));
    cr_assert_str_eq(parameters_of(HERE, "here"), "mine");
    global_world_go(THERE);
    must(global_world_join("there", "ldgnf-store"));
    global_world_settle();
    cr_assert_str_eq(parameters_of(THERE, "there"), "global-datastore-there-redis7");
    global_world_go(HERE);
    must(set_parameter("mine", "maxmemory-policy", "allkeys-lru"));
    global_world_go(THERE);
    cr_assert_str_eq(policy_of("global-datastore-there-redis7"), "allkeys-lru");
}
