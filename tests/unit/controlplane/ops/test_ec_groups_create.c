#include "controlplane/model/quotas.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(create_group, .init = world_open, .fini = world_close, .timeout = 60);

#define NAMED(name, type) \
    .replication_group_id = (name), .replication_group_description = "d", .cache_node_type = (type)
#define GROUP NAMED("rg", "cache.t4g.micro")

static struct ec_replication_group *create(struct ec_create_replication_group_in in)
{
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    return out.replication_group;
}

/* --- what comes back --- */

Test(create_group, a_new_group_is_creating_and_all_its_settings_are_told)
{
    struct ec_replication_group *g = create((struct ec_create_replication_group_in){
        NAMED("RG", "cache.t4g.micro"), .num_cache_clusters = INT_OF(2)});

    cr_assert_str_eq(g->replication_group_id, "rg");
    cr_assert_str_eq(g->description, "d");
    cr_assert_str_eq(g->status, "creating");
    cr_assert_str_eq(g->engine, "redis");
    cr_assert_str_eq(g->cache_node_type, "cache.t4g.micro");
    cr_assert_str_eq(g->arn, "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:rg");
    cr_assert_eq(g->member_clusters.count, 2);
    cr_assert_str_eq(g->member_clusters.items[0], "rg-001");
    cr_assert_str_eq(g->member_clusters.items[1], "rg-002");
    cr_assert_eq(g->node_groups.count, 1);
    cr_assert_str_eq(g->node_groups.items[0].node_group_id, "0001");
    cr_assert_str_eq(g->node_groups.items[0].status, "creating");
    cr_assert_null(g->node_groups.items[0].primary_endpoint);
    cr_assert_null(g->node_groups.items[0].slots);
    cr_assert_eq(g->node_groups.items[0].node_group_members.count, 2);
    cr_assert_str_eq(g->automatic_failover, "disabled");
    cr_assert_str_eq(g->multi_az, "disabled");
    cr_assert_str_eq(g->cluster_mode, "disabled");
    cr_assert(g->cluster_enabled.has && !g->cluster_enabled.value);
    cr_assert(g->at_rest_encryption_enabled.has && !g->at_rest_encryption_enabled.value);
    cr_assert(g->transit_encryption_enabled.has && !g->transit_encryption_enabled.value);
    cr_assert(g->auth_token_enabled.has && !g->auth_token_enabled.value);
    cr_assert(g->auto_minor_version_upgrade.value);
    cr_assert_str_eq(g->data_tiering, "disabled");
    cr_assert_str_eq(g->network_type, "ipv4");
    cr_assert_str_eq(g->ip_discovery, "ipv4");
    cr_assert_eq(g->snapshot_retention_limit.value, 0);
    cr_assert_eq(strlen(g->snapshot_window), strlen("05:00-06:00"));
    cr_assert_not_null(g->pending_modified_values);
    cr_assert_eq(g->replication_group_create_time.value, WORLD_NOW_MS);
    cr_assert_null(g->transit_encryption_mode);
    cr_assert_null(g->configuration_endpoint);
}

Test(create_group, members_carry_what_their_group_has)
{
    create((struct ec_create_replication_group_in){
        GROUP, .num_cache_clusters = INT_OF(2), .engine_version = "6.x", .port = INT_OF(7000),
        .preferred_maintenance_window = "Mon:03:00-Mon:04:00", .snapshot_window = "05:00-06:00",
        .auto_minor_version_upgrade = BOOL_OF(false), .at_rest_encryption_enabled = BOOL_OF(true),
        .security_group_ids = STRINGS("sg-1", "sg-2")});
    struct ec_cache_cluster *m = world_describe("rg-002");
    cr_assert_str_eq(m->cache_cluster_status, "creating");
    cr_assert_str_eq(m->replication_group_id, "rg");
    cr_assert_str_eq(m->engine_version, "6.2.6");
    cr_assert_str_eq(m->cache_parameter_group->cache_parameter_group_name, "default.redis6.x");
    cr_assert_str_eq(m->preferred_maintenance_window, "mon:03:00-mon:04:00");
    cr_assert_str_eq(m->snapshot_window, "05:00-06:00");
    cr_assert_not(m->auto_minor_version_upgrade.value);
    cr_assert(m->at_rest_encryption_enabled.value);
    cr_assert_eq(m->security_groups.count, 2);
    world_settle();
    m = world_describe("rg-002");
    cr_assert_str_eq(m->cache_cluster_status, "available");
    cr_assert_eq(m->cache_nodes.count, 1);
    cr_assert_eq(m->cache_nodes.items[0].endpoint->port.value, 7000);
}

Test(create_group, once_it_is_there_roles_and_endpoints_are_told)
{
    struct ec_replication_group *g = world_group("rg", 3);
    struct ec_node_group *s = &g->node_groups.items[0];

    cr_assert_str_eq(g->status, "available");
    cr_assert_str_eq(s->status, "available");
    cr_assert_str_eq(s->node_group_members.items[0].current_role, "primary");
    cr_assert_str_eq(s->node_group_members.items[1].current_role, "replica");
    cr_assert_str_eq(s->primary_endpoint->address,
                     s->node_group_members.items[0].read_endpoint->address);
    cr_assert_str_eq(s->reader_endpoint->address,
                     s->node_group_members.items[1].read_endpoint->address);
    cr_assert_eq(s->primary_endpoint->port.value, 6379);
    cr_assert_str_neq(s->node_group_members.items[0].preferred_availability_zone,
                      s->node_group_members.items[1].preferred_availability_zone);
    cr_assert_str_neq(s->node_group_members.items[1].preferred_availability_zone,
                      s->node_group_members.items[2].preferred_availability_zone);
}

Test(create_group, with_names_endpoints_follow_the_service)
{
    world.conf.endpoint_mode = ENDPOINT_DNS;
    ops_free(world.ops);
    world.ops = ops_new(world.f.store, &world.conf);
    struct ec_node_group *s = &world_group("rg", 2)->node_groups.items[0];
    cr_assert(strncmp(s->primary_endpoint->address, "rg.", 3) == 0);
    cr_assert_not_null(strstr(s->primary_endpoint->address, ".ng.0001.use1.cache.larder.internal"));
    cr_assert(strncmp(s->reader_endpoint->address, "rg-ro.", 6) == 0);
    cr_assert(strncmp(s->node_group_members.items[0].read_endpoint->address, "rg-001.", 7) == 0);
}

Test(create_group, two_shards_turn_cluster_mode_on_and_hide_the_roles)
{
    struct ec_replication_group *g = create((struct ec_create_replication_group_in){
        GROUP, .num_node_groups = INT_OF(2), .replicas_per_node_group = INT_OF(1)});

    cr_assert_str_eq(g->cluster_mode, "enabled");
    cr_assert(g->cluster_enabled.value);
    cr_assert_str_eq(g->automatic_failover, "enabled");
    cr_assert_eq(g->member_clusters.count, 4);
    cr_assert_str_eq(g->member_clusters.items[0], "rg-0001-001");
    cr_assert_str_eq(g->member_clusters.items[3], "rg-0002-002");
    cr_assert_str_eq(g->node_groups.items[0].slots, "0-8191");
    cr_assert_str_eq(g->node_groups.items[1].slots, "8192-16383");
    cr_assert_str_eq(
        world_describe("rg-0002-001")->cache_parameter_group->cache_parameter_group_name,
        "default.redis7.cluster.on");
    world_settle();
    g = world_describe_group("rg");
    cr_assert_eq(g->configuration_endpoint->port.value, 6379);
    cr_assert_null(g->node_groups.items[0].primary_endpoint);
    cr_assert_null(g->node_groups.items[0].reader_endpoint);
    cr_assert_null(g->node_groups.items[0].node_group_members.items[0].current_role);
    cr_assert_null(g->node_groups.items[0].node_group_members.items[0].read_endpoint);
}

Test(create_group, the_parameter_group_turns_cluster_mode_on_for_one_shard)
{
    struct ec_replication_group *g = create((struct ec_create_replication_group_in){
        GROUP, .cache_parameter_group_name = "default.redis7.cluster.on"});

    cr_assert_str_eq(g->cluster_mode, "enabled");
    cr_assert_eq(g->member_clusters.count, 1);
    cr_assert_str_eq(g->member_clusters.items[0], "rg-0001-001");
    cr_assert_str_eq(g->node_groups.items[0].slots, "0-16383");
}

Test(create_group, a_compatible_one_has_the_endpoints_of_both_modes)
{
    create((struct ec_create_replication_group_in){GROUP, .cluster_mode = "compatible",
                                                   .num_cache_clusters = INT_OF(2),
                                                   .automatic_failover_enabled = BOOL_OF(true)});
    world_settle();
    struct ec_replication_group *g = world_describe_group("rg");
    cr_assert_str_eq(g->cluster_mode, "compatible");
    cr_assert_not_null(g->configuration_endpoint);
    cr_assert_not_null(g->node_groups.items[0].primary_endpoint);
    cr_assert_str_eq(g->member_clusters.items[0], "rg-001");
}

Test(create_group, shards_are_as_the_request_describes_them)
{
    struct ec_node_group_configuration shards[] = {
        {.node_group_id = "0003",
         .slots = "0-99,200-16383",
         .replica_count = INT_OF(1),
         .primary_availability_zone = "us-east-1b",
         .replica_availability_zones = STRINGS("us-east-1c")},
        {.node_group_id = "7", .slots = "100-199"},
    };
    struct ec_replication_group *g = create((struct ec_create_replication_group_in){
        GROUP, .node_group_configuration = {true, 2, shards}
    });

    cr_assert_eq(g->member_clusters.count, 3);
    cr_assert_str_eq(g->member_clusters.items[0], "rg-0003-001");
    cr_assert_str_eq(g->member_clusters.items[2], "rg-0007-001");
    cr_assert_str_eq(g->node_groups.items[0].slots, "0-99,200-16383");
    cr_assert_str_eq(g->node_groups.items[1].slots, "100-199");
    world_settle();
    g = world_describe_group("rg");
    cr_assert_str_eq(
        g->node_groups.items[0].node_group_members.items[0].preferred_availability_zone,
        "us-east-1b");
    cr_assert_str_eq(
        g->node_groups.items[0].node_group_members.items[1].preferred_availability_zone,
        "us-east-1c");
}

Test(create_group, members_go_where_they_were_asked_for)
{
    create((struct ec_create_replication_group_in){GROUP, .num_cache_clusters = INT_OF(2),
                                                   .preferred_cache_cluster_a_zs =
                                                       STRINGS("us-east-1c", "us-east-1c")});
    world_settle();
    cr_assert_str_eq(world_describe("rg-001")->preferred_availability_zone, "us-east-1c");
    cr_assert_str_eq(world_describe("rg-002")->preferred_availability_zone, "us-east-1c");
}

Test(create_group, a_valkey_group_is_encrypted_at_rest_by_default)
{
    struct ec_replication_group *g =
        create((struct ec_create_replication_group_in){GROUP, .engine = "Valkey"});

    cr_assert_str_eq(g->engine, "valkey");
    cr_assert(g->at_rest_encryption_enabled.value);
}

Test(create_group, a_key_is_named_for_what_is_encrypted_at_rest_alone)
{
    struct ec_create_replication_group_in in = {GROUP, .kms_key_id = "alias/ours"};

    struct ec_create_replication_group_out out;
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    in.at_rest_encryption_enabled = BOOL_OF(true);
    cr_assert_str_eq(create(in)->kms_key_id, "alias/ours");
}

/* --- an existing cluster --- */

Test(create_group, a_cluster_becomes_the_primary_and_keeps_its_name)
{
    world_redis("old");
    const char *address = world_describe("old")->cache_nodes.items[0].endpoint->address;
    struct ec_replication_group *g =
        create((struct ec_create_replication_group_in){.replication_group_id = "rg",
                                                       .replication_group_description = "d",
                                                       .primary_cluster_id = "Old",
                                                       .num_cache_clusters = INT_OF(2)});

    cr_assert_eq(g->member_clusters.count, 2);
    cr_assert_str_eq(g->member_clusters.items[0], "old");
    cr_assert_str_eq(g->member_clusters.items[1], "rg-001");
    cr_assert_str_eq(world_describe("old")->cache_cluster_status, "modifying");
    cr_assert_str_eq(world_describe("rg-001")->cache_cluster_status, "creating");
    world_settle();
    g = world_describe_group("rg");
    cr_assert_str_eq(g->node_groups.items[0].primary_endpoint->address, address);
    cr_assert_str_eq(world_describe("old")->replication_group_id, "rg");
    cr_assert_str_neq(world_describe("old")->preferred_availability_zone,
                      world_describe("rg-001")->preferred_availability_zone);
}

Test(create_group, a_cluster_that_is_not_fit_is_not_adopted)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .primary_cluster_id = "none",
                                                .num_cache_clusters = INT_OF(2)};
    struct ec_create_replication_group_out out;

    expect(run_ec_create_replication_group(&in, &out), FAULT_CACHE_CLUSTER_NOT_FOUND, NULL);
    world_memcached("mc", 1);
    in.primary_cluster_id = "mc";
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    world_group("other", 2);
    in.primary_cluster_id = "other-001";
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_CACHE_CLUSTER_STATE, NULL);
    world_redis("old");
    in.primary_cluster_id = "old";
    in.port = INT_OF(7000);
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

/* --- tags --- */

static size_t tag_count(const char *arn)
{
    struct ec_list_tags_for_resource_in in = {.resource_name = arn};
    struct ec_list_tags_for_resource_out out;

    must(run_ec_list_tags_for_resource(&in, &out));
    return out.tag_list.count;
}

Test(create_group, tags_are_copied_to_all_members)
{
    struct ec_tag tags[] = {
        {"team", "blue"}
    };

    create((struct ec_create_replication_group_in){
        GROUP, .num_cache_clusters = INT_OF(2), .tags = {true, 1, tags}
    });
    world_settle();
    cr_assert_eq(tag_count("arn:aws:elasticache:us-east-1:000000000000:replicationgroup:rg"), 1);
    cr_assert_eq(tag_count("arn:aws:elasticache:us-east-1:000000000000:cluster:rg-002"), 1);
}

/* --- rules --- */

#define COMBINATION FAULT_INVALID_PARAMETER_COMBINATION
#define VALUE       FAULT_INVALID_PARAMETER_VALUE

static struct ec_node_group_configuration half_slots[] = {{.slots = "0-99"}, {.slots = "100-200"}};
static struct ec_node_group_configuration both_slots[] = {{.slots = "0-99"}, {.slots = "99-16383"}};
static struct ec_node_group_configuration one_slots[] = {{.slots = "0-99"}, {.slots = NULL}};
static struct ec_node_group_configuration same_ids[] = {{.node_group_id = "1"},
                                                        {.node_group_id = "0001"}};
static struct ec_node_group_configuration lone[] = {
    {.replica_count = INT_OF(2), .replica_availability_zones = STRINGS("us-east-1a")}
};
static struct ec_node_group_configuration many[] = {{.replica_count = INT_OF(6)}};
static struct ec_node_group_configuration other_number[] = {{.node_group_id = "0002"}};

#define SHARDS(list) .node_group_configuration = {true, countof(list), list}
#define ON           .cache_parameter_group_name = "default.redis7.cluster.on"

static const struct {
    const char *what;
    struct ec_create_replication_group_in in;
    int fault;
} rules[] = {
    {"bad name",                             {NAMED("1rg", "cache.t4g.micro")},                                       VALUE      },
    {"long name",                            {NAMED("a2345678901234567890123456789012345678901", "cache.t4g.micro")}, VALUE      },
    {"no description",                       {.replication_group_id = "rg", .replication_group_description = ""},     VALUE      },
    {"memcached",                            {GROUP, .engine = "memcached"},                                          VALUE      },
    {"unknown version",                      {GROUP, .engine_version = "1.0"},                                        COMBINATION},
    {"no node type",                         {NAMED("rg", NULL)},                                                     VALUE      },
    {"unknown node type",                    {NAMED("rg", "cache.huge")},                                             VALUE      },
    {"data tiering type",                    {NAMED("rg", "cache.r6gd.xlarge")},                                      COMBINATION},
    {"both ways of counting",
     {GROUP, .num_cache_clusters = INT_OF(2), .num_node_groups = INT_OF(1)},
     COMBINATION                                                                                                                 },
    {"clusters and replicas",
     {GROUP, .num_cache_clusters = INT_OF(2), .replicas_per_node_group = INT_OF(1)},
     COMBINATION                                                                                                                 },
    {"clusters and shards described",
     {GROUP, .num_cache_clusters = INT_OF(2), SHARDS(lone)},
     COMBINATION                                                                                                                 },
    {"no clusters",                          {GROUP, .num_cache_clusters = INT_OF(0)},                                VALUE      },
    {"seven clusters",                       {GROUP, .num_cache_clusters = INT_OF(7)},                                VALUE      },
    {"no shards",                            {GROUP, .num_node_groups = INT_OF(0)},                                   VALUE      },
    {"too many shards",
     {GROUP, .num_node_groups = INT_OF(91)},
     FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED                                                                      },
    {"too many nodes",
     {GROUP, .num_node_groups = INT_OF(50), .replicas_per_node_group = INT_OF(1)},
     FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED                                                                                       },
    {"six replicas",                         {GROUP, ON, .replicas_per_node_group = INT_OF(6)},                       VALUE      },
    {"negative replicas",                    {GROUP, .replicas_per_node_group = INT_OF(-1)},                          VALUE      },
    {"shards without cluster mode",
     {GROUP, .num_node_groups = INT_OF(2), .cache_parameter_group_name = "default.redis7"},
     COMBINATION                                                                                                                 },
    {"shards with cluster mode off",
     {GROUP, .num_node_groups = INT_OF(2), .cluster_mode = "disabled"},
     COMBINATION                                                                                                                 },
    {"cluster mode without its parameters",
     {GROUP, .cluster_mode = "enabled", .cache_parameter_group_name = "default.redis7"},
     COMBINATION                                                                                                                 },
    {"cluster mode off with its parameters", {GROUP, ON, .cluster_mode = "disabled"},                                 COMBINATION},
    {"compatible with two shards",
     {GROUP, ON, .cluster_mode = "compatible", .num_node_groups = INT_OF(2)},
     COMBINATION                                                                                                                 },
    {"compatible without failover",
     {GROUP, .cluster_mode = "compatible", .num_cache_clusters = INT_OF(2)},
     COMBINATION                                                                                                                 },
    {"family of another engine",
     {GROUP, .engine = "valkey", .cache_parameter_group_name = "default.redis7"},
     COMBINATION                                                                                                                 },
    {"unknown parameter group",
     {GROUP, .cache_parameter_group_name = "mine"},
     FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND                                                                                       },
    {"unknown subnet group",
     {GROUP, .cache_subnet_group_name = "mine"},
     FAULT_CACHE_SUBNET_GROUP_NOT_FOUND                                                                                          },
    {"failover alone",                       {GROUP, .automatic_failover_enabled = BOOL_OF(true)},                    COMBINATION},
    {"cluster mode without failover",
     {GROUP, ON, .automatic_failover_enabled = BOOL_OF(false)},
     COMBINATION                                                                                                                 },
    {"multi-az without failover",
     {GROUP, .num_cache_clusters = INT_OF(2), .multi_az_enabled = BOOL_OF(true)},
     COMBINATION                                                                                                                 },
    {"multi-az without replicas",            {GROUP, ON, .multi_az_enabled = BOOL_OF(true)},                          COMBINATION},
    {"multi-az in one zone",
     {GROUP, .num_cache_clusters = INT_OF(2), .automatic_failover_enabled = BOOL_OF(true),
      .multi_az_enabled = BOOL_OF(true),
      .preferred_cache_cluster_a_zs = STRINGS("us-east-1a", "us-east-1a")},
     COMBINATION                                                                                                                 },
    {"too few zones",
     {GROUP, .num_cache_clusters = INT_OF(2),
      .preferred_cache_cluster_a_zs = STRINGS("us-east-1a")},
     COMBINATION                                                                                                                 },
    {"zones for shards",
     {GROUP, .num_node_groups = INT_OF(2),
      .preferred_cache_cluster_a_zs = STRINGS("us-east-1a", "us-east-1a")},
     COMBINATION                                                                                                                 },
    {"unknown zone",                         {GROUP, .preferred_cache_cluster_a_zs = STRINGS("us-east-1z")},          VALUE      },
    {"slots with holes",                     {GROUP, SHARDS(half_slots)},                                             VALUE      },
    {"slots twice",                          {GROUP, SHARDS(both_slots)},                                             VALUE      },
    {"slots of one shard only",              {GROUP, SHARDS(one_slots)},                                              VALUE      },
    {"slots without cluster mode",
     {GROUP, .cache_parameter_group_name = "default.redis7",
      .node_group_configuration = {true, 1, half_slots}},
     COMBINATION                                                                                                                 },
    {"the same shard twice",                 {GROUP, SHARDS(same_ids)},                                               VALUE      },
    {"another number of shards",             {GROUP, .num_node_groups = INT_OF(3), SHARDS(same_ids)},                 VALUE      },
    {"zones for too few replicas",           {GROUP, SHARDS(lone)},                                                   VALUE      },
    {"six replicas of a shard",              {GROUP, SHARDS(many)},                                                   VALUE      },
    {"a lone shard that is not the first",   {GROUP, SHARDS(other_number)},                                           VALUE      },
    {"low port",                             {GROUP, .port = INT_OF(80)},                                             VALUE      },
    {"windows that overlap",
     {GROUP, .preferred_maintenance_window = "mon:03:00-mon:04:00",
      .snapshot_window = "03:30-04:30"},
     COMBINATION                                                                                                                 },
    {"retention",                            {GROUP, .snapshot_retention_limit = INT_OF(36)},                         VALUE      },
    {"global group",
     {GROUP, .global_replication_group_id = "ldgnf-x"},
     FAULT_GLOBAL_REPLICATION_GROUP_NOT_FOUND                                                                                    },
    {"tls mode without tls",                 {GROUP, .transit_encryption_mode = "preferred"},                         COMBINATION},
    {"token",                                {GROUP, .auth_token = "0123456789abcdef"},                               COMBINATION},
    {"snapshot",                             {GROUP, .snapshot_name = "s"},                                           VALUE      },
    {"too many nodes for the hosts",
     {NAMED("rg", "cache.r7g.16xlarge")},
     FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY                                                                                   },
};

Test(create_group, each_rule_has_its_fault_and_nothing_is_made)
{
    struct ec_create_replication_group_out out;
    struct ec_describe_replication_groups_out groups;
    struct ec_describe_cache_clusters_out clusters;

    for (size_t i = 0; i < countof(rules); i++) {
        struct err e = run_ec_create_replication_group(&rules[i].in, &out);
        cr_expect_eq(e.code, rules[i].fault, "%s: %d %s", rules[i].what, e.code,
                     e.why ? e.why : "");
    }
    must(run_ec_describe_replication_groups(&(struct ec_describe_replication_groups_in){0},
                                            &groups));
    cr_assert_eq(groups.replication_groups.count, 0);
    must(run_ec_describe_cache_clusters(&(struct ec_describe_cache_clusters_in){0}, &clusters));
    cr_assert_eq(clusters.cache_clusters.count, 0);
}

Test(create_group, a_name_is_taken_once)
{
    struct ec_create_replication_group_in in = {GROUP};
    struct ec_create_replication_group_out out;

    create(in);
    expect(run_ec_create_replication_group(&in, &out), FAULT_REPLICATION_GROUP_ALREADY_EXISTS,
           "Replication group rg already exists.");
}

Test(create_group, a_member_passes_over_a_name_that_somebody_has)
{
    world_redis("rg-001");
    struct ec_replication_group *g = create((struct ec_create_replication_group_in){GROUP});
    cr_assert_str_eq(g->member_clusters.items[0], "rg-002");
}
