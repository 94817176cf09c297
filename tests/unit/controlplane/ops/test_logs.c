#include "controlplane/model/log_delivery.h"
#include "controlplane/store/log_delivery.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(logs, .init = world_open, .fini = world_close, .timeout = 60);

typedef struct ec_log_delivery_configuration_request request;

static struct ec_cloud_watch_logs_destination_details group_details;
static struct ec_destination_details details = {.cloud_watch_logs_details = &group_details};

static request to_group(const char *log, const char *group)
{
    group_details.log_group = group;
    return (request){log, LOG_TO_GROUP, &details, "json", {0}};
}

static struct err create(const char *name, const char *engine, request *items, size_t count)
{
    struct ec_create_cache_cluster_in in = {
        .cache_cluster_id = name,
        .engine = engine,
        .cache_node_type = "cache.t4g.micro",
        .num_cache_nodes = INT_OF(1),
        .log_delivery_configurations = {true, count, items},
    };
    struct ec_create_cache_cluster_out out;

    return run_ec_create_cache_cluster(&in, &out);
}

static struct err modify(request *items, size_t count, struct ec_modify_cache_cluster_out *out)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "c1",
        .apply_immediately = BOOL_OF(true),
        .log_delivery_configurations = {true, count, items},
    };
    return run_ec_modify_cache_cluster(&in, out);
}

/* The agent says that the settings of the newest revision are in force, or what stands in the way.
 */
static void obey(const char *why)
{
    struct log_delivery_list list;
    struct node_list nodes;
    struct cluster c;
    bool is_changed;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", "c1", &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    must(store_log_delivery_list(world.f.tx, &c.id, 1, NULL, 0, &list));
    struct node_saw saw = nodes.items[0].saw;
    saw.applied_settings = arena_printf(&world.f.arena, "p0.u0.r0.t0.l%lld",
                                        (long long)list.items[list.count - 1].revision);
    must(store_saw_set(world.f.tx, nodes.items[0].id, &saw, &is_changed));
    const struct log_error error = {.log_type = LOG_SLOW, .why = why};
    must(store_log_errors_set(world.f.tx, nodes.items[0].id, &error, why != NULL));
    fixture_commit(&world.f);
}

static const struct ec_log_delivery_configuration *only(const struct ec_cache_cluster *c)
{
    cr_assert_eq(c->log_delivery_configurations.count, 1);
    return &c->log_delivery_configurations.items[0];
}

static void have_folder(void)
{
    static const struct log_destinations all = {.dir = "/logs"};
    world.conf.log_destinations = &all;
    ops_free(world.ops);
    world.ops = ops_new(world.f.store, &world.conf);
}

Test(logs, a_configuration_goes_through_its_statuses)
{
    struct ec_modify_cache_cluster_out out;
    request r = to_group(LOG_SLOW, "a");

    have_folder();
    must(create("c1", "redis", &r, 1));
    world_settle();
    const struct ec_cache_cluster *c = world_describe("c1");
    cr_assert_str_eq(only(c)->status, "enabling");
    cr_assert_str_eq(only(c)->destination_details->cloud_watch_logs_details->log_group, "a");
    cr_assert_eq(c->pending_modified_values->log_delivery_configurations.count, 1);
    obey(NULL);
    c = world_describe("c1");
    cr_assert_str_eq(only(c)->status, "active");
    cr_assert_eq(c->pending_modified_values->log_delivery_configurations.count, 0);
    must(modify(&r, 1, &out));
    cr_assert_str_eq(only(out.cache_cluster)->status, "active", "nothing is other than before");

    r = to_group(LOG_SLOW, "b");
    must(modify(&r, 1, &out));
    cr_assert_str_eq(only(out.cache_cluster)->status, "modifying");
    obey("no such thing");
    c = world_describe("c1");
    cr_assert_str_eq(only(c)->status, "error");
    cr_assert_str_eq(only(c)->message, "no such thing");
    obey(NULL);
    r = (request){.log_type = LOG_SLOW, .enabled = BOOL_OF(false)};
    must(modify(&r, 1, &out));
    cr_assert_str_eq(only(out.cache_cluster)->status, "disabling");
    obey(NULL);
    cr_assert_eq(world_describe("c1")->log_delivery_configurations.count, 0);
}

Test(logs, a_destination_that_leads_nowhere_is_an_error_of_the_log_alone)
{
    request r = to_group(LOG_SLOW, "nowhere");

    must(create("c1", "redis", &r, 1));
    world_settle();
    const struct ec_cache_cluster *c = world_describe("c1");
    cr_assert_str_eq(c->cache_cluster_status, "available");
    cr_assert_str_eq(only(c)->status, "error");
    cr_assert_str_eq(only(c)->message, "The destination nowhere does not exist.");
}

Test(logs, what_cannot_be_asked_is_refused_and_nothing_is_recorded)
{
    request twice[] = {to_group(LOG_SLOW, "a"), to_group(LOG_SLOW, "a")};
    request nameless = to_group(NULL, "a"), formless = to_group(LOG_SLOW, "a");
    request empty = to_group(LOG_SLOW, "a"), stream = to_group(LOG_SLOW, "a");
    request good = to_group(LOG_SLOW, "a");

    formless.log_format = NULL;
    empty.destination_details = NULL;
    stream.destination_type = LOG_TO_STREAM;
    expect(create("c1", "redis", twice, 2), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    expect(create("c1", "redis", &nameless, 1), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(create("c1", "redis", &formless, 1), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(create("c1", "redis", &empty, 1), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(create("c1", "redis", &stream, 1), FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(create("c1", "memcached", &good, 1), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    world_redis("c1");
    cr_assert_eq(world_describe("c1")->log_delivery_configurations.count, 0);
}

Test(logs, changes_do_not_wait_for_a_window)
{
    request good = to_group(LOG_SLOW, "a");
    struct ec_modify_cache_cluster_out out;
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "c1", .log_delivery_configurations = {true, 1, &good}
    };

    world_redis("c1");
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "Log delivery can only be changed with ApplyImmediately.");
}

Test(logs, members_of_a_group_have_its_configurations)
{
    request good = to_group(LOG_ENGINE, "a");
    struct ec_modify_replication_group_in in = {
        .replication_group_id = "rg",
        .apply_immediately = BOOL_OF(true),
        .log_delivery_configurations = {true, 1, &good},
    };
    struct ec_modify_replication_group_out out;

    have_folder();
    world_group("rg", 2);
    must(run_ec_modify_replication_group(&in, &out));
    cr_assert_eq(out.replication_group->log_delivery_configurations.count, 1);
    cr_assert_str_eq(out.replication_group->log_delivery_configurations.items[0].status,
                     "enabling");
    const struct ec_cache_cluster *member = world_describe("rg-001");
    cr_assert(member->replication_group_log_delivery_enabled.value);
    cr_assert_str_eq(only(member)->log_type, LOG_ENGINE);
}
