#include "base/arena.h"
#include "cli/up/plan.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

static struct up_options usual(void)
{
    return (struct up_options){.state_dir = "/s",
                               .listen = "127.0.0.1:9379",
                               .dns = "off",
                               .regions = "us-east-1",
                               .account = "000000000000",
                               .pool = "127.77.0.0/16",
                               .endpoints = "address",
                               .network = "open",
                               .log_level = "info",
                               .update_days = -1,
                               .replace_after_s = -1,
                               .agents = 3};
}

/* The word behind a flag, or NULL. */
static const char *flag_of(const struct up_child *c, const char *flag)
{
    for (size_t i = 0; c->argv[i]; i++)
        if (strcmp(c->argv[i], flag) == 0)
            return c->argv[i + 1];
    return NULL;
}

static void expect_flag(const struct up_child *c, const char *flag, const char *value)
{
    const char *found = flag_of(c, flag);

    cr_assert(ne(ptr, (void *)found, NULL), "%s has no %s", c->name, flag);
    cr_expect(eq(str, (char *)found, (char *)value), "%s %s", c->name, flag);
}

Test(plan, hosts_answer_names_on_ports_that_are_counted_up)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    o.host_dns = "127.0.0.1:9354";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.hosts[0], "--dns", "127.0.0.1:9354");
    expect_flag(&plan.hosts[2], "--dns", "127.0.0.1:9356");
    static const char *const bad[] = {"9354", ":9354", "127.0.0.1", "127.0.0.1:65534", "a:0"};
    for (size_t i = 0; i < countof(bad); i++) {
        o.host_dns = bad[i];
        cr_expect(eq(int, up_plan_make(&a, &o, "/bin", &plan).code, ERR_INVALID));
    }
}

Test(plan, has_one_host_in_each_zone_with_its_own_addresses)
{
    static const char *const names[] = {"us-east-1a-1", "us-east-1b-1", "us-east-1c-1"};
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1c"};
    static const char *const pools[] = {"127.77.0.0/18", "127.77.64.0/18", "127.77.128.0/18"};
    scoped(arena_fini) struct arena a = {0};
    const struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_assert(eq(sz, plan.host_count, 3));
    cr_expect(eq(str, (char *)plan.control_planes[0].argv[0], "/bin/larderd"));
    expect_flag(&plan.control_planes[0], "--endpoint-pool", "127.77.192.0/18");
    expect_flag(&plan.control_planes[0], "--cpu-overcommit", "0");
    for (size_t i = 0; i < plan.host_count; i++) {
        cr_expect(eq(str, (char *)plan.hosts[i].name, (char *)names[i]));
        expect_flag(&plan.hosts[i], "--zone", zones[i]);
        expect_flag(&plan.hosts[i], "--pool", pools[i]);
        expect_flag(&plan.hosts[i], "--memory", "auto");
        expect_flag(&plan.hosts[i], "--token-file", plan.token_path);
    }
}

static bool has_word(const struct up_child *child, const char *word)
{
    for (const char **at = child->argv; *at; at++)
        if (strcmp(*at, word) == 0)
            return true;
    return false;
}

Test(plan, data_is_kept_unless_it_is_not_wanted)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(not(has_word(&plan.hosts[0], "--no-keep-data")));
    o.forgets_data = true;
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(has_word(&plan.hosts[2], "--no-keep-data"));
}

Test(plan, gives_every_region_its_own_hosts)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    o.regions = "us-east-1, eu-west-1";
    o.agents = 2;
    o.memory_bytes = 1 << 30;
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_assert(eq(sz, plan.host_count, 4));
    expect_flag(&plan.hosts[1], "--region", "us-east-1");
    expect_flag(&plan.hosts[2], "--region", "eu-west-1");
    expect_flag(&plan.hosts[2], "--zone", "eu-west-1a");
    expect_flag(&plan.hosts[3], "--memory", "1073741824");
    expect_flag(&plan.hosts[3], "--pool", "127.77.96.0/19");
    expect_flag(&plan.control_planes[0], "--endpoint-pool", "127.77.128.0/19");
}

Test(plan, counts_hosts_that_share_a_zone)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    o.agents = 5;
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(eq(str, (char *)plan.hosts[3].name, "us-east-1a-2"));
    cr_expect(eq(str, (char *)plan.hosts[4].name, "us-east-1b-2"));
}

Test(plan, serves_unsigned_requests_on_loopback_only)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--auth", "open");
    o.listen = "0.0.0.0:9379";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--auth", "scoped");
    o.auth = "open";
    cr_expect(eq(int, up_plan_make(&a, &o, "/bin", &plan).code, ERR_INVALID));
    o.listen = "[::1]:9379";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--auth", "open");
}

Test(plan, names_go_elsewhere_where_that_is_asked_for)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(eq(ptr, (void *)flag_of(&plan.control_planes[0], "--dns-update"), NULL));
    cr_expect(eq(ptr, (void *)flag_of(&plan.control_planes[0], "--dns-update-key"), NULL));
    cr_expect(eq(ptr, (void *)flag_of(&plan.control_planes[0], "--hosts-file"), NULL));
    o.dns_update = "127.0.0.1:53";
    o.dns_update_key = "/k";
    o.hosts_file = "/h";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--dns-update", "127.0.0.1:53");
    expect_flag(&plan.control_planes[0], "--dns-update-key", "/k");
    expect_flag(&plan.control_planes[0], "--hosts-file", "/h");
}

Test(plan, leaves_the_days_of_updates_to_larderd_where_they_are_not_given)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(eq(ptr, (void *)flag_of(&plan.control_planes[0], "--update-days"), NULL));
    o.update_days = 0;
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--update-days", "0");
}

Test(plan, says_when_lost_hosts_are_done_without_where_that_is_given)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(eq(ptr, (void *)flag_of(&plan.control_planes[0], "--replace-after"), NULL));
    o.replace_after_s = 0;
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--replace-after", "0");
}

Test(plan, names_the_flag_that_makes_no_sense)
{
    static const struct {
        const char *flag;
        struct up_options change;
    } rows[] = {
        {"--region",  {.regions = "us-east-1,us-east-1"}},
        {"--region",  {.regions = "US EAST"}            },
        {"--region",  {.regions = ""}                   },
        {"--region",  {.regions = "a,,b"}               },
        {"--account", {.account = "12"}                 },
        {"--account", {.account = "00000000000x"}       },
        {"--listen",  {.listen = "localhost"}           },
        {"--listen",  {.listen = "127.0.0.1"}           },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct up_options o = usual();
        struct up_plan plan;
        const struct up_options *c = &rows[i].change;
        o.regions = c->regions ? c->regions : o.regions;
        o.account = c->account ? c->account : o.account;
        o.listen = c->listen ? c->listen : o.listen;
        struct err e = up_plan_make(&a, &o, "/bin", &plan);
        cr_assert(eq(int, e.code, ERR_INVALID), "row %zu", i);
        cr_expect(ne(ptr, strstr(e.why, rows[i].flag), NULL), "%s", e.why);
    }
}

Test(plan, a_second_control_plane_stands_by_on_the_same_state)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect_eq(plan.plane_count, 1);
    o.standby = "127.0.0.1:9380";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_assert_eq(plan.plane_count, 2);
    cr_expect(eq(str, (char *)plan.control_planes[1].name, "larderd-2"));
    expect_flag(&plan.control_planes[1], "--listen", "127.0.0.1:9380");
    expect_flag(&plan.control_planes[1], "--dns", "off");
    expect_flag(&plan.control_planes[1], "--state-dir",
                flag_of(&plan.control_planes[0], "--state-dir"));
    for (size_t i = 0; i < 2; i++)
        cr_expect_not_null(flag_of(&plan.control_planes[i], "--standby"));
    expect_flag(&plan.control_planes[1], "--auth", "open");
    o.standby = "0.0.0.0:9380";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--auth", "scoped");
    o.standby = "nowhere";
    cr_expect(eq(int, up_plan_make(&a, &o, "/bin", &plan).code, ERR_INVALID));
}

Test(plan, hands_quotas_on)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options o = usual();
    struct up_plan plan;

    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    cr_expect(eq(ptr, (void *)flag_of(&plan.control_planes[0], "--quota"), NULL));
    o.quota = "nodes-per-group=500";
    cr_assert(not(err_failed(up_plan_make(&a, &o, "/bin", &plan))));
    expect_flag(&plan.control_planes[0], "--quota", "nodes-per-group=500");
}
