/* Every driver over programs that only say their version. */
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/fs.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;
static char folder[64];
static struct driver_host host;

static void add_program(const char *name, const char *says)
{
    const char *script = arena_printf(&arena, "#!/bin/sh\necho '%s'\n", says);
    cr_assert_not(err_failed(
        fs_write_atomic(fs_join(&arena, folder, name), str_of(script), 0700, FS_NO_SYNC)));
}

static void begin(void)
{
    strcpy(folder, "/tmp/larder-drv-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    add_program("larder-engine", "larder-engine 0.1.0");
    add_program("redis-server", "Redis server v=7.0.15 sha=0");
    add_program("valkey-server", "Valkey server v=8.0.1 sha=0");
    add_program("memcached", "memcached 1.6.18");
    setenv("PATH", arena_printf(&arena, "%s:/bin", folder), 1);
    drivers_survey(&arena, folder, &host);
}

static void end(void)
{
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(drivers, .init = begin, .fini = end);

static struct agent_parameter parameters[] = {
    {.name = "maxmemory-policy",        .value = "allkeys-lru"},
    {.name = "max_item_size",           .value = "2097152"    },
    {.name = "cas_disabled",            .value = "1"          },
    {.name = "disable_flush_all",       .value = "0"          },
    {.name = "idle_timeout",            .value = "30"         },
    {.name = "reserved-memory-percent", .value = "25"         },
};

static struct agent_node_goal goal_of(const char *engine)
{
    return (struct agent_node_goal){
        .node_id = INT_OF(1),
        .state = "running",
        .engine = engine,
        .engine_version = "7.1.0",
        .address = "127.1.2.3",
        .port = INT_OF(6379),
        .maxmemory_bytes = INT_OF(64 << 20),
        .parameters = {true, sizeof(parameters) / sizeof(parameters[0]), parameters},
    };
}

static const char *joined(const char *const *argv)
{
    const char *all = "";

    for (; *argv; argv++)
        all = arena_printf(&arena, "%s %s", all, *argv);
    return all;
}

/* The configuration, every line between line feeds. */
static const char *conf_of(const struct driver *d, const char *engine, struct driver_launch *launch)
{
    struct agent_node_goal goal = goal_of(engine);

    struct err e = d->prepare(&arena, &host, &goal, launch);
    cr_assert_not(err_failed(e), "%s", e.why);
    return arena_printf(&arena, "\n%.*s", STR_ARG(launch->conf));
}

static void assert_has(const char *conf, const char *line)
{
    cr_expect_not_null(strstr(conf, arena_printf(&arena, "\n%s\n", line)), "%s is not in %s", line,
                       conf);
}

Test(drivers, the_survey_finds_what_the_host_has)
{
    struct agent_host_engine_list list;

    drivers_report(&arena, &host, &list);
    cr_assert_eq(list.count, 4);
    cr_assert_str_eq(list.items[0].driver, "bundled");
    cr_assert_str_eq(list.items[0].version, "0.1.0");
    cr_assert_str_eq(list.items[1].version, "7.0.15");
    cr_assert_str_eq(list.items[1].engine, "redis");
    cr_assert_str_eq(list.items[2].driver, "redis");
    cr_assert_str_eq(list.items[2].engine, "valkey");
    cr_assert_null(list.items[3].engine);
    cr_assert_str_eq(list.items[3].driver, "memcached");

    setenv("PATH", "/nonexistent", 1);
    drivers_survey(&arena, "/nonexistent", &host);
    drivers_report(&arena, &host, &list);
    cr_assert(list.has && list.count == 0);
}

Test(drivers, the_survey_leaves_out_what_may_not_run)
{
    host.allowed = "memcached, redis";
    drivers_survey(&arena, folder, &host);
    cr_assert_eq(host.program_count, 3);
    cr_assert_eq(host.programs[0].driver, &driver_redis);
    cr_assert_eq(host.programs[2].driver, &driver_memcached);
}

Test(drivers, a_name_that_leads_to_another_program_is_none_of_its_own)
{
    const char *name = fs_join(&arena, folder, "redis-server");

    cr_assert_eq(unlink(name), 0);
    cr_assert_eq(symlink(fs_join(&arena, folder, "valkey-server"), name), 0);
    drivers_survey(&arena, folder, &host);
    cr_assert_eq(host.program_count, 3);
    cr_assert_str_eq(host.programs[1].engine, "valkey");
}

Test(drivers, all_data_is_asked_for_by_a_name_that_tenants_do_not_know)
{
    struct agent_node_goal goal = goal_of("redis");
    struct driver_contact contact;

    driver_bundled.contact(&host, &goal, &contact);
    cr_assert_str_eq(contact.sync, "SYNC");
    driver_redis.contact(&host, &goal, &contact);
    cr_assert_str_neq(contact.sync, "SYNC");
    assert_has(conf_of(&driver_redis, "redis", &(struct driver_launch){0}),
               arena_printf(&arena, "rename-command SYNC %s", contact.sync));
    goal.engine = "memcached";
    driver_memcached.contact(&host, &goal, &contact);
    cr_assert_str_eq(contact.sync, "");
}

Test(drivers, a_kind_is_found_by_its_name)
{
    cr_assert_eq(driver_find(NULL), &driver_bundled);
    cr_assert_eq(driver_find(""), &driver_bundled);
    cr_assert_eq(driver_find("memcached"), &driver_memcached);
    cr_assert_null(driver_find("Redis"));
}

static const char *orders_of(const struct driver *d, const struct agent_node_goal *goal)
{
    const struct driver_now now = {.epoch = 7};
    struct driver_orders orders;
    struct buf text = BUF_EMPTY;

    struct err e = d->orders(&arena, &host, goal, &now, &orders);
    cr_assert_not(err_failed(e), "%s: %s", d->name, e.why);
    for (size_t i = 0; i < orders.count; i++)
        order_write(&text, &orders.items[i]);
    const char *copy = arena_strdup(&arena, buf_cstr(&text));
    buf_fini(&text);
    return copy;
}

static void assert_orders_are_the_same_again(const struct driver *d,
                                             const struct agent_node_goal *goal)
{
    cr_expect_str_eq(orders_of(d, goal), orders_of(d, goal), "%s", d->name);
}

/* What must hold for every kind, present and to come. */
Test(drivers, every_kind_is_complete)
{
    for (size_t i = 0; i < driver_count; i++) {
        const struct driver *d = drivers[i];
        struct agent_node_goal goal = goal_of(d == &driver_memcached ? "memcached" : "redis");
        struct driver_launch launch;
        struct driver_contact contact = {0};

        cr_expect_eq(driver_find(d->name), d);
        struct err e = d->prepare(&arena, &host, &goal, &launch);
        cr_assert_not(err_failed(e), "%s: %s", d->name, e.why);
        cr_expect_eq(launch.argv[0][0], '/', "%s", d->name);
        d->contact(&host, &goal, &contact);
        cr_expect(contact.probe && contact.stats, "%s", d->name);
        cr_expect_not_null(launch.statics, "%s", d->name);
        assert_orders_are_the_same_again(d, &goal);
        cr_expect(str_is(d->plain(STR("plain words")), "plain words"), "%s", d->name);
        cr_expect(str_is(d->plain(STR("")), ""), "%s", d->name);

        struct driver_host bare = {.engine_dir = "/nonexistent"};
        e = d->prepare(&arena, &bare, &goal, &launch);
        cr_expect(err_is(e, ERR_NOT_FOUND), "%s", d->name);
        cr_expect_not_null(strstr(e.why, d->names[0]), "%s: %s", d->name, e.why);
    }
}

Test(drivers, the_bundled_engine_is_told_what_it_is)
{
    struct driver_launch launch;
    const char *conf = conf_of(&driver_bundled, "valkey", &launch);

    assert_has(conf, "larder-protocol resp");
    assert_has(conf, "larder-engine-name valkey");
    assert_has(conf, "larder-engine-version 7.1.0");
    assert_has(conf, "larder-restricted yes");
    assert_has(conf, "bind 127.1.2.3");
    assert_has(conf, "port 6379");
    assert_has(conf, "maxmemory 67108864");
    assert_has(conf, "maxmemory-policy allkeys-lru");
    cr_expect_null(strstr(conf, "reserved-memory"));
    cr_expect_str_eq(joined(launch.argv),
                     arena_printf(&arena, " %s/larder-engine engine.conf", folder));

    conf = conf_of(&driver_bundled, "memcached", &launch);
    assert_has(conf, "larder-protocol memcached");
    assert_has(conf, "larder-memcached-version 7.1.0");
    assert_has(conf, "larder-memcached-cluster \"\"");
    assert_has(conf, "larder-memcached-item-max 2097152");
    assert_has(conf, "larder-memcached-cas no");
    assert_has(conf, "larder-memcached-flush-all yes");
    assert_has(conf, "timeout 30");
    assert_has(conf, "maxmemory-policy allkeys-lru");
}

Test(drivers, every_kind_listens_on_both_addresses)
{
    struct agent_node_goal goal = goal_of("redis");
    struct driver_launch launch;

    goal.second_address = "fd00::1";
    for (size_t i = 0; i < driver_count; i++) {
        goal.engine = drivers[i] == &driver_memcached ? "memcached" : "redis";
        cr_assert_not(err_failed(drivers[i]->prepare(&arena, &host, &goal, &launch)));
        if (launch.conf.len > 0)
            assert_has(arena_printf(&arena, "\n%.*s", STR_ARG(launch.conf)),
                       "bind 127.1.2.3 fd00::1");
        else
            cr_expect_not_null(strstr(joined(launch.argv), " -l 127.1.2.3,fd00::1 "));
    }
}

Test(drivers, a_redis_server_of_the_host_is_restricted_and_says_when_it_is_ready)
{
    struct driver_launch launch;
    const char *conf = conf_of(&driver_redis, "redis", &launch);

    cr_expect_not_null(strstr(launch.argv[0], "/redis-server"));
    assert_has(conf, "supervised systemd");
    assert_has(conf, "unixsocket admin.sock");
    assert_has(conf, "save \"\"");
    assert_has(conf, "rename-command DEBUG \"\"");
    cr_expect_null(strstr(conf, "rename-command CONFIG \"\""), "the agent needs it");
    cr_expect_not_null(strstr(conf, "\nrename-command CONFIG "));
    assert_has(conf, "aclfile users.acl");
    cr_assert_eq(launch.file_count, 1);
    cr_expect_not_null(strstr(str_dup(&arena, launch.files[0].content), "-acl|setuser"));
    conf_of(&driver_redis, "valkey", &launch);
    cr_expect_not_null(strstr(launch.argv[0], "/valkey-server"));

    struct agent_node_goal goal = goal_of("memcached");
    cr_expect(err_is(driver_redis.prepare(&arena, &host, &goal, &launch), ERR_INVALID));
}

Test(drivers, memcached_gets_all_of_it_on_its_command_line)
{
    struct driver_launch launch;

    conf_of(&driver_memcached, "memcached", &launch);
    const char *line = arena_printf(&arena, "%s ", joined(launch.argv));
    cr_expect_eq(launch.conf.len, 0);
    cr_expect_not_null(strstr(line, " -l 127.1.2.3 -p 6379 -U 0 -m 64 "));
    cr_expect_not_null(strstr(line, " -I 2097152 "));
    cr_expect_not_null(strstr(line, " -C "));
    cr_expect_null(strstr(line, " -F "));
    cr_expect_not_null(strstr(line, " -o idle_timeout=30 "));

    struct agent_node_goal goal = goal_of("redis");
    cr_expect(err_is(driver_memcached.prepare(&arena, &host, &goal, &launch), ERR_INVALID));
}

Test(drivers, only_goals_that_say_so_keep_data_and_only_where_the_host_lets_them)
{
    struct agent_node_goal goal = goal_of("redis");

    cr_assert_not(driver_keeps_data(&host, &goal));
    goal.keeps_data = BOOL_OF(true);
    cr_assert(driver_keeps_data(&host, &goal));
    host.forgets_data = true;
    cr_assert_not(driver_keeps_data(&host, &goal));
    host.forgets_data = false;
    goal.engine = "memcached";
    cr_assert_not(driver_keeps_data(&host, &goal));
}

Test(drivers, what_is_to_be_sealed_is_kept_by_a_kind_that_can_seal_alone)
{
    struct agent_node_goal goal = goal_of("redis");
    struct agent_node_seal seal = {.data_key = "00ff"};

    goal.keeps_data = BOOL_OF(true);
    goal.seal = &seal;
    cr_assert(driver_keeps_data(&host, &goal));
    goal.driver = "redis";
    cr_assert_not(driver_keeps_data(&host, &goal));
}

Test(drivers, a_role_without_a_term_or_a_port_is_none)
{
    struct agent_node_role role = {.is_primary = BOOL_OF(true)};

    cr_assert_not(err_failed(role_check(NULL)));
    cr_assert(err_is(role_check(&role), ERR_INVALID));
    role.term = INT_OF(1);
    cr_assert_not(err_failed(role_check(&role)));
    role.is_primary = BOOL_OF(false);
    cr_assert_not(err_failed(role_check(&role)), "a replica of nobody");
    role.primary_address = "127.0.0.1";
    cr_assert(err_is(role_check(&role), ERR_INVALID));
    role.primary_port = INT_OF(6379);
    cr_assert_not(err_failed(role_check(&role)));
}

Test(drivers, last_words_are_made_plain)
{
    const struct str redis = STR("123:M 01 Jan 2026 10:00:00.000 # Failed listening on port 6379");
    const struct str bundled =
        STR("2026-01-01T00:00:00.000Z larder-engine error: cannot listen error=\"taken\"");

    cr_expect(str_is(driver_redis.plain(redis), "Failed listening on port 6379"));
    cr_expect(str_is(driver_bundled.plain(bundled), "cannot listen error=\"taken\""));
    cr_expect(str_is(driver_redis.plain(STR("Bad directive")), "Bad directive"));
}

Test(drivers, a_node_goes_outside_of_its_group_by_another_name)
{
    struct agent_node_role role = {.user = "replica", .password = "inner"};
    const char *user, *password;

    role_login(NULL, &user, &password);
    cr_assert(*user == '\0' && *password == '\0');
    role_login(&role, &user, &password);
    cr_assert_str_eq(user, "replica");
    cr_assert_str_eq(password, "inner");
    role.is_outside = BOOL_OF(true);
    role_login(&role, &user, &password);
    cr_assert(*user == '\0' && *password == '\0');
    role.outside_user = "other";
    role.outside_password = "outer";
    role_login(&role, &user, &password);
    cr_assert_str_eq(user, "other");
    cr_assert_str_eq(password, "outer");
}
