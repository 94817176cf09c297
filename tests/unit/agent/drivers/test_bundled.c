/* What larder-engine is started with and told: roles, topology, TLS, users. */
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "contract/agent.h"
#include "said.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;
static struct driver_program program = {.path = "/bin/larder-engine", .version = "0.1.0"};
static struct driver_host host = {.programs = &program, .program_count = 1, .secret = "s"};
static struct agent_node_role role = {
    .term = {true, 4   },
      .is_primary = {true, true},
      .user = "between", .password = "us"
};
static struct agent_node_goal goal = {
    .node_id = {true, 1   },
    .state = "running",
    .engine = "redis",
    .address = "127.1.2.3",
    .port = {true, 6379},
    .role = &role,
};

static void begin(void)
{
    program.driver = &driver_bundled;
}

TestSuite(bundled, .init = begin);

static struct driver_orders orders_for(const struct driver_now *now)
{
    struct driver_orders orders;

    struct err e = driver_bundled.orders(&arena, &host, &goal, now, &orders);
    cr_assert_not(err_failed(e), "%s", e.why);
    return orders;
}

static const char *conf_of(void)
{
    struct driver_launch launch;

    struct err e = driver_bundled.prepare(&arena, &host, &goal, &launch);
    cr_assert_not(err_failed(e), "%s", e.why);
    return arena_printf(&arena, "\n%.*s", STR_ARG(launch.conf));
}

static const struct driver_now now = {.epoch = 9};

Test(bundled, a_node_with_a_role_begins_as_the_replica_of_nobody)
{
    cr_assert_not_null(strstr(conf_of(), "\nreplicaof 127.1.2.3 1\n"));
    goal.role = NULL;
    cr_assert_null(strstr(conf_of(), "replicaof"));
}

Test(bundled, a_role_comes_last_and_waits_for_all_before_it)
{
    struct driver_orders orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 1), "! LARDER.ROLE 4 primary\n");
    cr_assert_eq(orders.after_offset, 0);

    role.after_offset = INT_OF(700);
    orders = orders_for(&now);
    cr_assert_eq(orders.after_offset, 700);

    role.is_primary = BOOL_OF(false);
    role.primary_address = "127.1.2.4";
    role.primary_port = INT_OF(6380);
    orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 2),
                     "CONFIG SET masteruser between masterauth us\n"
                     "! LARDER.ROLE 4 replica 127.1.2.4 6380\n");
    cr_assert_eq(orders.after_offset, 700);
}

Test(bundled, a_replica_of_nobody_goes_where_nobody_listens)
{
    role.is_primary = BOOL_OF(false);
    struct driver_orders orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 1), "! LARDER.ROLE 4 replica 127.1.2.3 1\n");
}

Test(bundled, a_fenced_primary_keeps_the_role_that_it_has)
{
    role.is_fenced = BOOL_OF(true);
    struct driver_orders orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 2), "! LARDER.FENCE 4\nREPLICAOF NO ONE\n");
}

Test(bundled, one_that_is_to_yield_is_fenced_when_its_successor_has_everything)
{
    struct agent_yield yield = {.number = INT_OF(3),
                                .ms = INT_OF(500),
                                .address = "127.1.2.4",
                                .port = INT_OF(6380),
                                .declined_version = "declined"};

    role.is_fenced = BOOL_OF(true);
    role.yield = &yield;
    struct driver_orders orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 3),
                     "! LARDER.YIELD 4 3 500 127.1.2.4 6380\n! LARDER.FENCE 4\n"
                     "REPLICAOF NO ONE\n");
    cr_assert(orders.items[orders.count - 3].yields);
}

static bool has_order(const struct driver_orders *orders, const char *text)
{
    for (size_t i = 0; i < orders->count; i++)
        if (strcmp(order_text(&arena, &orders->items[i]), text) == 0)
            return true;
    return false;
}

Test(bundled, a_primary_with_a_lease_needs_one_and_another_one_does_not)
{
    struct agent_role_lease lease = {.shard_id = INT_OF(7), .ms = INT_OF(1200)};
    struct driver_orders orders = orders_for(&now);

    cr_assert(has_order(&orders, "LARDER.LEASE 4 none"));
    role.lease = &lease;
    orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 1), "! LARDER.ROLE 4 primary LEASED\n");
    cr_assert_not(has_order(&orders, "LARDER.LEASE 4 none"));
    cr_assert(role_is_leased(&role));
    role.is_fenced = BOOL_OF(true);
    orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 2), "! LARDER.FENCE 4\nREPLICAOF NO ONE\n");
    cr_assert_not(role_is_leased(&role));
    cr_assert_not(role_is_leased(NULL));
    cr_assert_null(driver_bundled.fence);
}

Test(bundled, a_data_key_comes_first_and_stands_in_no_file)
{
    struct agent_node_seal seal = {.data_key = "00ff"};
    struct driver_launch launch;

    cr_assert_null(strstr(conf_of(), "larder-sealed"));
    goal.seal = &seal;
    struct driver_orders orders = orders_for(&now);
    cr_assert(str_is(orders.items[0].words[0], "LARDER.KEY"));
    cr_assert(str_is(orders.items[0].words[1], "00ff"));
    cr_assert_not_null(strstr(conf_of(), "\nlarder-sealed yes\n"));
    cr_assert_null(strstr(conf_of(), "00ff"));
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    for (size_t i = 0; i < launch.file_count; i++)
        cr_assert_null(strstr(str_dup(&arena, launch.files[i].content), "00ff"));

    /* As an agent reads it from its own disk. */
    seal.data_key = NULL;
    cr_assert(err_is(driver_bundled.orders(&arena, &host, &goal, &now, &orders), ERR_NOT_FOUND));
}

Test(bundled, a_topology_is_told_word_by_word_and_asks_for_a_start_in_cluster_mode)
{
    const char *words[] = {"self", "SHARD", "s", "0-16383"};
    struct agent_node_topology topology = {
        .epoch = {true, 3    },
          .words = { true,   4, words}
    };
    struct driver_launch alone, clustered;

    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &alone)));
    goal.topology = &topology;
    struct driver_orders orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 2), "LARDER.TOPOLOGY 3 self SHARD s 0-16383\n"
                                                      "CONFIG SET larder-open-replicas no\n");
    topology.opens_replicas = BOOL_OF(true);
    orders = orders_for(&now);
    cr_assert_str_eq(orders_last(&arena, &orders, 1), "CONFIG SET larder-open-replicas yes\n");
    cr_assert_not_null(strstr(conf_of(), "\ncluster-enabled yes\n"));
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &clustered)));
    cr_assert_str_neq(alone.statics, clustered.statics);
}

Test(bundled, certificates_are_files_and_the_orders_that_take_them_over)
{
    struct agent_node_tls tls = {"preferred", "CERT", "KEY", "CA"};
    struct driver_launch launch;

    goal.tls = &tls;
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    cr_assert_eq(launch.file_count, 4);
    cr_assert(str_is(launch.files[2].content, "KEY"));
    cr_assert_null(strstr(conf_of(), "KEY"));
    cr_assert_not_null(strstr(conf_of(), "\nlarder-tls-mode preferred\n"));

    struct driver_orders orders = orders_for(&now);
    cr_assert_eq(orders.file_count, 4);
    cr_assert_not_null(strstr(order_text(&arena, &orders.items[0]), " larder-tls-mode preferred "));
    goal.tls = NULL;
    orders = orders_for(&now);
    cr_assert_not_null(strstr(order_text(&arena, &orders.items[0]), " larder-tls-mode off "));

    tls.mode = "perhaps";
    goal.tls = &tls;
    cr_assert(err_is(driver_bundled.prepare(&arena, &host, &goal, &launch), ERR_INVALID));
    tls = (struct agent_node_tls){.mode = "required", .certificate = "CERT"};
    cr_assert(err_is(driver_bundled.prepare(&arena, &host, &goal, &launch), ERR_INVALID));
}

Test(bundled, users_are_told_all_at_once_under_the_epoch_of_the_moment)
{
    struct driver_orders orders = orders_for(&now);
    const char *found = NULL;

    for (size_t i = 0; i < orders.count; i++)
        if (str_is(orders.items[i].words[0], "LARDER.USERS"))
            found = order_text(&arena, &orders.items[i]);
    cr_assert_not_null(found);
    cr_assert_not_null(strstr(found, "LARDER.USERS 9 user default on nopass "));
    cr_assert_not_null(strstr(found, " user between on #"));
    cr_assert_not_null(strstr(found, " owner "), "tenants do not see it");
}

Test(bundled, memcached_has_no_roles_and_no_users)
{
    goal.engine = "memcached";
    goal.role = NULL;
    struct driver_orders orders = orders_for(&now);
    struct driver_contact contact;

    cr_assert_eq(orders.count, 3);
    cr_assert(str_is(orders.items[2].words[2], "larder-memcached-cluster"));
    cr_assert(str_is(orders.items[2].words[3], ""));
    goal.cluster_nodes = "3\nh|1.1.1.1|11211\n";
    orders = orders_for(&now);
    cr_assert(str_is(orders.items[2].words[3], "3\nh|1.1.1.1|11211\n"));
    driver_bundled.contact(&host, &goal, &contact);
    cr_assert_null(contact.role);
    cr_assert_str_eq(contact.probe->request, "version\r\n", "what it says must be its own tongue");
    cr_assert_str_eq(contact.sync, "SYNC");
}

Test(bundled, memcached_begins_with_seeds_and_keeps_nothing)
{
    struct agent_node_seed part = {.part_id = INT_OF(7)};
    struct agent_node_seeds seeds = {
        .parts = {true, 1, &part}
    };
    struct driver_launch launch;

    goal.engine = "memcached";
    goal.role = NULL;
    goal.seeds = &seeds;
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    const char *conf = str_dup(&arena, launch.conf);
    cr_assert_not_null(strstr(conf, "\nlarder-seed-files seed-7.rdb\n"));
    cr_assert_not_null(strstr(conf, "\nrepl-diskless-sync-delay 0\n"));
    cr_assert_null(strstr(conf, "dbfilename"));
    goal.seeds = NULL;
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    cr_assert_null(strstr(str_dup(&arena, launch.conf), "larder-seed-files"));
}

Test(bundled, parameters_of_memcached_become_directives_in_their_units)
{
    struct agent_parameter given[] = {
        {.name = "lru_crawler",         .value = "0"  },
        {.name = "cas_disabled",        .value = "0"  },
        {.name = "watcher_logbuf_size", .value = "256"},
    };
    struct driver_launch launch;

    goal.engine = "memcached";
    goal.role = NULL;
    goal.parameters = (struct agent_parameter_list){true, 3, given};
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    const char *conf = str_dup(&arena, launch.conf);
    cr_assert_not_null(strstr(conf, "\nlarder-memcached-crawler no\n"));
    cr_assert_not_null(strstr(conf, "\nlarder-memcached-cas yes\n"));
    cr_assert_not_null(strstr(conf, "\nlarder-memcached-watcher-buffer 256kb\n"));
}

Test(bundled, a_full_memcached_makes_room_unless_it_is_to_refuse)
{
    struct agent_parameter refuses[] = {
        {.name = "error_on_memory_exhausted", .value = "1", .is_static = {true, true}},
    };
    struct driver_launch makes_room, refusing;

    goal.engine = "memcached";
    goal.role = NULL;
    goal.parameters = (struct agent_parameter_list){0};
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &makes_room)));
    goal.parameters = (struct agent_parameter_list){true, 1, refuses};
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &refusing)));
    cr_assert_not_null(
        strstr(str_dup(&arena, makes_room.conf), "\nmaxmemory-policy allkeys-lru\n"));
    cr_assert_not_null(strstr(str_dup(&arena, refusing.conf), "\nmaxmemory-policy noeviction\n"));
    cr_assert_str_neq(makes_room.statics, refusing.statics, "it is for the start");
}

Test(bundled, limits_are_for_the_start_and_for_one_that_runs)
{
    struct driver_launch launch;

    goal.reader_port = INT_OF(6380);
    goal.work_per_second = INT_OF(5000);
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    const char *conf = str_dup(&arena, launch.conf);
    cr_assert_not_null(strstr(conf, "\nlarder-reader-port 6380\n"));
    cr_assert_not_null(strstr(conf, "\nlarder-ecpus-per-second 5000\n"));
    struct driver_orders orders = orders_for(&now);
    bool is_told = false;
    for (size_t i = 0; i < orders.count; i++)
        is_told |= strcmp(orders.items[i].what, "limits") == 0 && orders.items[i].count == 6 &&
                   str_is(orders.items[i].words[5], "5000");
    cr_assert(is_told);
}

Test(bundled, what_is_of_a_serverless_cache_says_so_to_its_engine)
{
    struct driver_launch node, serverless;

    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &node)));
    goal.is_serverless = BOOL_OF(true);
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &serverless)));
    cr_assert_null(strstr(str_dup(&arena, node.conf), "larder-serverless"));
    cr_assert_not_null(strstr(str_dup(&arena, serverless.conf), "\nlarder-serverless yes\n"));
    cr_assert_str_eq(node.statics, serverless.statics,
                     "one that runs goes on until its next start");
}
