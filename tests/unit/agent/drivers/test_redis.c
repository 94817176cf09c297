/* What redis-server is started with and told: users one by one, roles by its own commands. */
#include "agent/drivers/driver.h"
#include "agent/drivers/secrets.h"
#include "base/arena.h"
#include "contract/agent.h"
#include "said.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;
static struct driver_program program = {.path = "/bin/redis-server", .version = "7.0.15"};
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
    program.driver = &driver_redis;
}

TestSuite(redis, .init = begin);

static struct driver_orders orders_for(const struct driver_now *now)
{
    struct driver_orders orders;

    struct err e = driver_redis.orders(&arena, &host, &goal, now, &orders);
    cr_assert_not(err_failed(e), "%s", e.why);
    return orders;
}

static const char *conf_of(void)
{
    struct driver_launch launch;

    struct err e = driver_redis.prepare(&arena, &host, &goal, &launch);
    cr_assert_not(err_failed(e), "%s", e.why);
    return arena_printf(&arena, "\n%.*s", STR_ARG(launch.conf));
}

static const char *named(const char *command)
{
    return arena_printf(&arena, "%.32s", secret_word(&arena, &host, 1, command));
}

/* All orders for users, a line each. */
static const char *user_orders(const char *before, const char **rules, size_t count)
{
    struct agent_node_users users = {
        .rules = {true, count, rules}
    };
    const struct driver_now now = {.record = str_of(before)};
    const char *text = "";

    goal.users = &users;
    goal.role = NULL;
    struct driver_orders orders = orders_for(&now);
    for (size_t i = 0; i < orders.count; i++)
        if (str_is(orders.items[i].words[0], "ACL") || str_is(orders.items[i].words[0], "CLIENT"))
            text = arena_printf(&arena, "%s%.50s\n", text, order_text(&arena, &orders.items[i]));
    return text;
}

static const char *record_of(const char **rules, size_t count)
{
    struct agent_node_users users = {
        .rules = {true, count, rules}
    };
    const struct driver_now now = {0};

    goal.users = &users;
    goal.role = NULL;
    return str_dup(&arena, orders_for(&now).record.content);
}

Test(redis, users_that_are_as_they_were_are_left_alone)
{
    const char *rules[] = {"default off", "ann on #aa ~* +@all"};

    cr_assert_str_eq(user_orders(record_of(rules, 2), rules, 2), "");
}

Test(redis, who_lost_a_password_is_disconnected_and_who_is_gone_is_deleted)
{
    const char *before[] = {"default off", "ann on #aa #bb +get", "bob on #cc +get"};
    const char *more[] = {"default off", "ann on #aa #bb +get +set", "bob on #cc +get"};
    const char *after[] = {"default off", "ann on #bb +get"};

    cr_assert_str_eq(user_orders(record_of(before, 3), more, 3),
                     "ACL SETUSER ann reset on #aa #bb +get +set -acl|se\n");
    cr_assert_str_eq(user_orders(record_of(before, 3), after, 2),
                     "ACL SETUSER ann reset on #bb +get -acl|setuser -ac\n"
                     "CLIENT KILL USER ann\n"
                     "ACL DELUSER bob\n");
}

Test(redis, the_agent_has_a_user_and_commands_of_its_own)
{
    struct driver_contact contact;

    driver_redis.contact(&host, &goal, &contact);
    cr_assert_str_eq(contact.greeting, arena_printf(&arena, "AUTH larder-agent %s\r\n",
                                                    secret_word(&arena, &host, 1, "larder-agent")));
    cr_assert_not_null(
        strstr(conf_of(), arena_printf(&arena, "\nrename-command CONFIG %s\n", named("CONFIG"))));
    cr_assert_not_null(
        strstr(record_of((const char *[]){"default off"}, 1), "user larder-agent on #"));
}

static size_t place_of(const struct driver_orders *orders, size_t word, const char *text)
{
    size_t i = 0;

    while (i < orders->count &&
           (orders->items[i].count <= word || !str_is(orders->items[i].words[word], text)))
        i++;
    return i;
}

/* From the order of the role on, so many of them. */
static const char *role_orders(struct driver_orders orders, size_t count)
{
    orders.count = place_of(&orders, 0, named("REPLICAOF")) + count;
    return orders_last(&arena, &orders, count);
}

Test(redis, roles_are_given_by_its_own_command)
{
    const struct driver_now as_primary = {.role = DRIVER_PRIMARY},
                            as_replica = {.role = DRIVER_REPLICA};
    struct driver_orders orders = orders_for(&as_primary);

    cr_assert_str_eq(orders_last(&arena, &orders, 1),
                     arena_printf(&arena, "! %s NO ONE\n", named("REPLICAOF")));
    role.is_primary = BOOL_OF(false);
    role.primary_address = "127.1.2.4";
    role.primary_port = INT_OF(6380);
    orders = orders_for(&as_replica);
    const char *follow = arena_printf(&arena, "! %s 127.1.2.4 6380\n", named("REPLICAOF"));
    cr_assert_str_eq(role_orders(orders, 1), follow);
    orders = orders_for(&as_primary);
    cr_assert_str_eq(role_orders(orders, 2),
                     arena_printf(&arena, "%sCLIENT KILL TYPE normal SKIPME yes\n", follow));
    cr_assert_not_null(strstr(conf_of(), "\nreplicaof 127.1.2.3 1\n"));
}

static const char *ordered(const struct driver_orders *orders, const char *directive)
{
    for (size_t i = 0; i < orders->count; i++)
        if (orders->items[i].count == 4 && str_is(orders->items[i].words[2], directive))
            return str_dup(&arena, orders->items[i].words[3]);
    return NULL;
}

Test(redis, a_replica_of_nobody_goes_where_nobody_listens)
{
    const struct driver_now as_replica = {.role = DRIVER_REPLICA};

    role.is_primary = BOOL_OF(false);
    cr_assert_str_eq(role_orders(orders_for(&as_replica), 1),
                     arena_printf(&arena, "! %s 127.1.2.3 1\n", named("REPLICAOF")));
}

Test(redis, who_was_primary_is_fenced_until_it_follows)
{
    struct agent_parameter given[] = {
        {.name = "min-replicas-to-write", .value = "0"}
    };
    const struct driver_now now = {.role = DRIVER_PRIMARY, .is_fenced = true};

    goal.parameters = (struct agent_parameter_list){true, 1, given};
    role.is_primary = BOOL_OF(false);
    role.primary_address = "127.1.2.4";
    role.primary_port = INT_OF(6380);
    struct driver_orders orders = orders_for(&now);
    cr_assert_lt(place_of(&orders, 0, named("REPLICAOF")),
                 place_of(&orders, 2, "min-replicas-to-write"));
    cr_assert_lt(place_of(&orders, 2, "masterauth"), place_of(&orders, 0, named("REPLICAOF")));
    cr_assert_str_eq(ordered(&orders, "min-replicas-to-write"), "0");
}

Test(redis, the_fence_is_more_replicas_than_there_can_be)
{
    struct agent_parameter given[] = {
        {.name = "min-replicas-to-write", .value = "1"}
    };
    const struct driver_now now = {.role = DRIVER_PRIMARY};

    goal.parameters = (struct agent_parameter_list){true, 1, given};
    struct driver_orders orders = orders_for(&now);
    cr_assert_str_eq(ordered(&orders, "min-replicas-to-write"), "1");
    role.is_fenced = BOOL_OF(true);
    orders = orders_for(&now);
    cr_assert_str_eq(ordered(&orders, "min-replicas-to-write"), "2147483647");
    cr_assert_str_eq(orders_last(&arena, &orders, 2),
                     arena_printf(&arena, "CLIENT KILL TYPE normal SKIPME yes\n! %s NO ONE\n",
                                  named("REPLICAOF")));
}

Test(redis, whether_a_primary_with_a_lease_takes_writes_is_for_its_shim_to_say)
{
    struct agent_parameter given[] = {
        {.name = "min-replicas-to-write", .value = "1"}
    };
    struct agent_role_lease lease = {.shard_id = INT_OF(7), .ms = INT_OF(1200)};
    const struct driver_now now = {.role = DRIVER_PRIMARY};
    struct driver_fence fence;

    goal.parameters = (struct agent_parameter_list){true, 1, given};
    role.lease = &lease;
    struct driver_orders orders = orders_for(&now);
    cr_assert_null(ordered(&orders, "min-replicas-to-write"));
    cr_assert_not_null(ordered(&orders, "min-replicas-max-lag"));
    cr_assert_not(err_failed(driver_redis.fence(&arena, &host, &goal, &fence)));
    const char *set =
        arena_printf(&arena, "*4\r\n$32\r\n%s\r\n$3\r\nSET\r\n$21\r\nmin-replicas-to-write\r\n",
                     named("CONFIG"));
    cr_assert_str_eq(fence.unfence, arena_printf(&arena, "%s$1\r\n1\r\n", set));
    cr_assert_str_eq(fence.fence,
                     arena_printf(&arena,
                                  "%s$10\r\n2147483647\r\n*6\r\n$6\r\nCLIENT\r\n$4\r\nKILL\r\n"
                                  "$4\r\nTYPE\r\n$6\r\nnormal\r\n$6\r\nSKIPME\r\n$3\r\nyes\r\n",
                                  set));
    role.is_fenced = BOOL_OF(true);
    orders = orders_for(&now);
    cr_assert_str_eq(ordered(&orders, "min-replicas-to-write"), "2147483647");
}

Test(redis, what_it_cannot_do_is_refused_with_a_sentence)
{
    struct agent_node_topology topology = {
        .epoch = {true, 1}
    };
    struct agent_node_tls tls = {"preferred", "CERT", "KEY", "CA"};
    struct driver_launch launch;

    goal.topology = &topology;
    cr_assert(err_is(driver_redis.prepare(&arena, &host, &goal, &launch), ERR_INVALID));
    goal.topology = NULL;
    goal.tls = &tls;
    cr_assert(err_is(driver_redis.prepare(&arena, &host, &goal, &launch), ERR_INVALID));
    tls.mode = "required";
    cr_assert_not_null(strstr(conf_of(), "\nport 0\ntls-port 6379\n"));
}

Test(redis, data_is_kept_by_the_directive_that_the_version_has)
{
    goal.keeps_data = BOOL_OF(true);
    cr_assert_not_null(strstr(conf_of(), "\nshutdown-on-sigterm save\n"));
    program.version = "6.2.7";
    cr_assert_not_null(strstr(conf_of(), "\nsave 2147483647 2147483647\n"));
    goal.keeps_data = BOOL_OF(false);
    cr_assert_not_null(strstr(conf_of(), "\nsave \"\"\n"));
}
