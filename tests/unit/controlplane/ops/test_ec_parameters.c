#include "controlplane/model/effective.h"
#include "controlplane/model/settings.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

static void create(const char *name, const char *family)
{
    struct ec_create_cache_parameter_group_in in = {.cache_parameter_group_name = name,
                                                    .cache_parameter_group_family = family,
                                                    .description = "words"};
    struct ec_create_cache_parameter_group_out out;

    must(run_ec_create_cache_parameter_group(&in, &out));
}

static void open_groups(void)
{
    world_open();
    create("mine", "redis7");
    create("items", "memcached1.6");
}

TestSuite(ec_parameters, .init = open_groups, .fini = world_close, .timeout = 60);

static struct err set_many(const char *group, struct ec_parameter_name_value *pairs, size_t count)
{
    struct ec_modify_cache_parameter_group_in in = {
        .cache_parameter_group_name = group, .parameter_name_values = {true, count, pairs}
    };
    struct ec_modify_cache_parameter_group_out out;

    return run_ec_modify_cache_parameter_group(&in, &out);
}

static struct err set(const char *group, const char *name, const char *value)
{
    struct ec_parameter_name_value pair = {name, value};

    return set_many(group, &pair, 1);
}

static struct err reset(const char *group, const char *name, bool is_all)
{
    struct ec_parameter_name_value pair = {name, NULL};
    struct ec_reset_cache_parameter_group_in in = {.cache_parameter_group_name = group};
    struct ec_reset_cache_parameter_group_out out;

    if (is_all)
        in.reset_all_parameters = BOOL_OF(true);
    if (name)
        in.parameter_name_values = (struct ec_parameter_name_value_list){true, 1, &pair};
    return run_ec_reset_cache_parameter_group(&in, &out);
}

static struct ec_describe_cache_parameters_out list(const char *group, const char *source)
{
    struct ec_describe_cache_parameters_in in = {.cache_parameter_group_name = group,
                                                 .source = source};
    struct ec_describe_cache_parameters_out out;

    must(run_ec_describe_cache_parameters(&in, &out));
    return out;
}

static const char *value_of(const char *group, const char *name)
{
    struct ec_describe_cache_parameters_out out = list(group, NULL);

    for (size_t i = 0; i < out.parameters.count; i++)
        if (strcmp(out.parameters.items[i].parameter_name, name) == 0)
            return out.parameters.items[i].parameter_value;
    return NULL;
}

static void cluster_with(const char *name, const char *engine, const char *group)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = engine,
                                            .cache_node_type = "cache.t4g.micro",
                                            .cache_parameter_group_name = group};
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
}

/* The agent of the cluster's only node says that it has the settings of now. */
static void report(const char *name, bool is_reboot_pending)
{
    struct cluster c;
    struct node_list nodes;
    bool is_changed;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", name, &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    struct settings_version v = {.parameters = parameters_number(&c)};
    nodes.items[0].saw.applied_settings = settings_version_text(&world.f.arena, &v);
    nodes.items[0].saw.is_reboot_pending = is_reboot_pending;
    must(store_saw_set(world.f.tx, nodes.items[0].id, &nodes.items[0].saw, &is_changed));
    fixture_commit(&world.f);
}

static void expect_status(const char *cluster, const char *status, size_t reboots)
{
    struct ec_cache_cluster *c = world_describe(cluster);

    cr_assert_str_eq(c->cache_parameter_group->parameter_apply_status, status);
    cr_assert_str_eq(c->cache_nodes.items[0].parameter_group_status, status);
    cr_assert_eq(c->cache_parameter_group->cache_node_ids_to_reboot.count, reboots);
}

/* --- modify --- */

Test(ec_parameters, what_was_set_is_listed_as_it_was_given)
{
    must(set("Mine", "Timeout", "0020"));
    must(set("mine", "maxmemory-policy", "volatile-lru")); /* the default, but set */
    struct ec_describe_cache_parameters_out out = list("mine", "user");
    cr_assert_eq(out.parameters.count, 2);
    cr_assert_str_eq(out.parameters.items[0].parameter_name, "maxmemory-policy");
    cr_assert_str_eq(out.parameters.items[0].source, "user");
    cr_assert_str_eq(out.parameters.items[1].parameter_value, "0020");
    cr_assert_eq(out.cache_node_type_specific_parameters.count, 0);
    must(reset("mine", "TIMEOUT", false));
    cr_assert_eq(list("mine", "user").parameters.count, 1);
    cr_assert_str_eq(value_of("mine", "timeout"), "0");
}

Test(ec_parameters, mistakes_are_told_and_nothing_is_set)
{
    struct ec_parameter_name_value many[21], twice[] = {
                                                 {"timeout", "30"},
                                                 {"Timeout", "40"},
    };
    struct ec_parameter_name_value half[] = {
        {"timeout",   "30"   },
        {"databases", "10001"},
    };

    for (size_t i = 0; i < 21; i++)
        many[i] = (struct ec_parameter_name_value){"timeout", "30"};
    expect(set_many("mine", many, 21), FAULT_INVALID_PARAMETER_VALUE, NULL);
    must(set_many("mine", many, 0)); /* clients send empty lists, which change nothing */
    expect(set_many("mine", twice, 2), FAULT_INVALID_PARAMETER_VALUE,
           "The parameter timeout is given more than once.");
    expect(set_many("mine", half, 2), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(set("yours", "timeout", "30"), FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND, NULL);
    expect(set("default.redis7", "timeout", "30"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(set("mine", "nothing", "30"), FAULT_INVALID_PARAMETER_VALUE,
           "Parameter nothing doesn't exist");
    expect(set("mine", "maxclients", "10"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(set("mine", "timeout", "5"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(set("mine", "timeout", NULL), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(set("mine", NULL, "30"), FAULT_INVALID_PARAMETER_VALUE, NULL);
    cr_assert_eq(list("mine", "user").parameters.count, 0);
}

Test(ec_parameters, values_must_go_together_with_those_that_were_set_before)
{
    struct ec_parameter_name_value both[] = {
        {"max_item_size",  "2097152"},
        {"slab_chunk_max", "1048576"},
    };

    expect(set("items", "slab_chunk_max", "1000000"), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(set_many("items", both, 2));
    expect(set("items", "max_item_size", "1572864"), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(set("items", "max_item_size", "3145728"));
    must(set("items", "slab_chunk_max", "3145728"));
    expect(reset("items", "max_item_size", false), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(reset("items", NULL, true));
    cr_assert_str_eq(value_of("items", "slab_chunk_max"), "524288");
}

Test(ec_parameters, values_must_fit_the_nodes_of_every_cluster_that_uses_the_group)
{
    must(set("items", "max_item_size", "134217728"));
    must(reset("items", NULL, true));
    cluster_with("m1", "memcached", "items");
    expect(set("items", "max_item_size", "134217728"), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(set("items", "max_item_size", "67108864"));
}

Test(ec_parameters, cluster_mode_is_chosen_before_a_cache_uses_the_group)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .engine = "redis",
                                            .cache_node_type = "cache.t4g.micro",
                                            .cache_parameter_group_name = "mine"};
    struct ec_create_cache_cluster_out out;

    must(set("mine", "cluster-enabled", "yes"));
    expect(run_ec_create_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "Cluster mode should be disabled in parameter group, but found it is enabled.");
    must(reset("mine", "cluster-enabled", false));
    must(run_ec_create_cache_cluster(&in, &out));
    expect(set("mine", "cluster-enabled", "yes"), FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE, NULL);
    must(set("mine", "cluster-enabled", "no"));
}

Test(ec_parameters, events_tell_what_was_set_what_it_does_not_do_and_who_hears)
{
    struct ec_describe_events_in in = {.source_identifier = "mine",
                                       .source_type = "cache-parameter-group"};
    struct ec_describe_events_in of_cluster = {.source_identifier = "c1",
                                               .source_type = "cache-cluster"};
    struct ec_describe_events_out out;

    cluster_with("c1", "redis", "mine");
    must(set("mine", "activedefrag", "yes"));
    must(run_ec_describe_events(&in, &out));
    cr_assert_str_eq(out.events.items[0].message,
                     "Parameter activedefrag has no effect on bundled engines: memory is not "
                     "defragmented in the background");
    cr_assert_str_eq(out.events.items[1].message, "Updated parameter activedefrag to yes");
    must(run_ec_describe_events(&of_cluster, &out));
    cr_assert_str_eq(out.events.items[0].message, "Updated parameter group mine");

    must(set("mine", "activedefrag", "yes")); /* no change, no event */
    must(run_ec_describe_events(&in, &out));
    cr_assert_eq(out.events.count, 3);
    must(reset("mine", "activedefrag", false));
    must(reset("mine", NULL, true)); /* nothing was left */
    must(run_ec_describe_events(&in, &out));
    cr_assert_str_eq(out.events.items[0].message,
                     "Reset parameter activedefrag to its default value");
}

/* --- reset --- */

Test(ec_parameters, a_reset_names_parameters_or_all_of_them)
{
    must(set("mine", "timeout", "30"));
    expect(reset("mine", "timeout", true), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(reset("mine", NULL, false), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(reset("mine", "nothing", false), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(reset("default.redis7", NULL, true), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(reset("yours", NULL, true), FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND, NULL);
    cr_assert_eq(list("mine", "user").parameters.count, 1);
    must(reset("mine", "databases", false)); /* it was not set: no mistake */
    must(reset("mine", NULL, true));
    cr_assert_eq(list("mine", "user").parameters.count, 0);
}

Test(ec_parameters, the_reserve_is_set_in_bytes_or_in_percent)
{
    struct ec_parameter_name_value both[] = {
        {"reserved-memory",         "1000"},
        {"reserved-memory-percent", "10"  },
    };

    create("old", "redis3.2");
    must(set("old", "reserved-memory", "1000"));
    expect(reset("old", "reserved-memory", false), FAULT_INVALID_PARAMETER_VALUE,
           "Parameter reserved-memory doesn't exist");
    must(reset("old", "reserved-memory-percent", false)); /* which takes the other one along */
    cr_assert_eq(list("old", "user").parameters.count, 0);

    must(set("old", "reserved-memory", "1000"));
    must(set("old", "reserved-memory-percent", "10"));
    cr_assert_eq(list("old", "user").parameters.count, 1);
    cr_assert_str_eq(list("old", "user").parameters.items[0].parameter_name,
                     "reserved-memory-percent");
    must(set("old", "reserved-memory", "1000"));
    cr_assert_str_eq(list("old", "user").parameters.items[0].parameter_name, "reserved-memory");
    must(set_many("old", both, 2));
    cr_assert_eq(list("old", "user").parameters.count, 2);
}

/* --- what clusters show --- */

Test(ec_parameters, a_change_is_applying_until_the_nodes_say_that_they_have_it)
{
    cluster_with("c1", "redis", "mine");
    report("c1", false);
    expect_status("c1", "in-sync", 0);
    must(set("mine", "timeout", "30"));
    expect_status("c1", "applying", 0);
    expect(reset("mine", NULL, true), FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
           "The parameter group mine has pending changes: cache cluster c1 is still applying "
           "them.");
    must(set("mine", "timeout", "40")); /* the next one may come at once */
    report("c1", false);
    expect_status("c1", "in-sync", 0);
    must(reset("mine", NULL, true));
}

Test(ec_parameters, static_parameters_wait_for_a_reboot)
{
    struct ec_reboot_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .cache_node_ids_to_reboot = STRINGS("0001")};
    struct ec_reboot_cache_cluster_out out;

    cluster_with("c1", "redis", "mine");
    must(set("mine", "databases", "32"));
    report("c1", true);
    expect_status("c1", "pending-reboot", 1);
    must(run_ec_reboot_cache_cluster(&in, &out));
    world_settle();
    report("c1", false);
    expect_status("c1", "in-sync", 0);
}

Test(ec_parameters, another_group_is_applied_like_other_values)
{
    struct ec_modify_cache_cluster_in in = {.cache_cluster_id = "c1",
                                            .cache_parameter_group_name = "mine"};
    struct ec_modify_cache_cluster_out out;

    must(set("mine", "timeout", "30"));
    cluster_with("c1", "redis", NULL);
    report("c1", false);
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert_str_eq(out.cache_cluster->cache_parameter_group->parameter_apply_status, "applying");
    expect_status("c1", "applying", 0);
    report("c1", false);
    expect_status("c1", "in-sync", 0);

    must(set("mine", "databases", "32"));
    in.cache_parameter_group_name = "default.redis7";
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    in.cache_parameter_group_name = "items";
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "Expected a parameter group of family redis7 but found one of family memcached1.6");
}

/* --- describe --- */

Test(ec_parameters, sources_and_shapes_are_those_of_the_hosted_service)
{
    struct ec_describe_cache_parameters_in in = {.cache_parameter_group_name = "mine",
                                                 .source = "nobody"};
    struct ec_describe_cache_parameters_out out = list("mine", "system");

    cr_assert_eq(out.parameters.count, 63);
    cr_assert_eq(out.cache_node_type_specific_parameters.count, 3);
    cr_assert_str_eq(out.parameters.items[0].parameter_name, "acllog-max-len");
    cr_assert_str_eq(out.parameters.items[2].parameter_name, "activedefrag");
    cr_assert_str_eq(out.parameters.items[2].change_type, "immediate");
    cr_assert_eq(list("mine", "engine-default").parameters.count, 0);
    cr_assert_eq(list("default.redis7.cluster.on", "user").parameters.count, 0);
    cr_assert_str_eq(value_of("default.redis7.cluster.on", "cluster-enabled"), "yes");
    cr_assert_str_eq(value_of("mine", "rename-commands"), "");
    cr_assert_null(value_of("mine", "notify-keyspace-events"));
    must(set("mine", "notify-keyspace-events", ""));
    cr_assert_null(value_of("mine", "notify-keyspace-events"));
    expect(run_ec_describe_cache_parameters(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(ec_parameters, pages_count_parameters_of_both_kinds)
{
    struct ec_describe_cache_parameters_in in = {.cache_parameter_group_name = "mine",
                                                 .max_records = INT_OF(20)};
    struct ec_describe_cache_parameters_out out;
    size_t total = 0, by_type = 0, pages = 0;

    do {
        must(run_ec_describe_cache_parameters(&in, &out));
        size_t here = out.parameters.count + out.cache_node_type_specific_parameters.count;
        cr_assert(here == 20 || !out.marker);
        total += here;
        by_type += out.cache_node_type_specific_parameters.count;
        in.marker = out.marker;
        pages++;
    } while (in.marker);
    cr_assert_eq(total, 66);
    cr_assert_eq(by_type, 3);
    cr_assert_eq(pages, 4);
    in.marker = "bm90aGluZw=="; /* "nothing" */
    expect(run_ec_describe_cache_parameters(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(ec_parameters, engine_defaults_are_the_family_itself)
{
    struct ec_describe_engine_default_parameters_in in = {.cache_parameter_group_family =
                                                              "memcached1.6"};
    struct ec_describe_engine_default_parameters_out out;

    must(run_ec_describe_engine_default_parameters(&in, &out));
    cr_assert_str_eq(out.engine_defaults->cache_parameter_group_family, "memcached1.6");
    cr_assert_eq(out.engine_defaults->parameters.count, 30);
    cr_assert_eq(out.engine_defaults->cache_node_type_specific_parameters.count, 2);
    const struct ec_cache_node_type_specific_parameter *memory =
        &out.engine_defaults->cache_node_type_specific_parameters.items[0];
    cr_assert_str_eq(memory->parameter_name, "max_cache_memory");
    cr_assert_gt(memory->cache_node_type_specific_values.count, 80);
    in.cache_parameter_group_family = "redis8";
    expect(run_ec_describe_engine_default_parameters(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           NULL);
}
