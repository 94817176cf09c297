#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/engine_driver.h"

#include <criterion/criterion.h>

Test(engine_driver, each_runs_engines_of_its_own)
{
    cr_assert(driver_is_known("bundled") && driver_is_known("redis") &&
              driver_is_known("memcached"));
    cr_assert_not(driver_is_known(""));
    cr_assert_not(driver_is_known("valkey"));
    cr_assert(driver_runs("redis", "valkey") && driver_runs("bundled", "memcached"));
    cr_assert_not(driver_runs("redis", "memcached"));
    cr_assert_not(driver_runs("memcached", "redis"));
    cr_assert_str_eq(driver_of_hosts("memcached"), "memcached");
    cr_assert_str_eq(driver_of_hosts("valkey"), "redis");
}

Test(engine_driver, the_bundled_one_is_what_was_not_chosen)
{
    cr_assert(driver_is_bundled(NULL) && driver_is_bundled("") && driver_is_bundled("bundled"));
    cr_assert_not(driver_is_bundled("redis"));
    cr_assert_str_eq(driver_name(NULL), "bundled");
    cr_assert_str_eq(driver_name("redis"), "redis");
}

Test(engine_driver, a_node_needs_the_minor_version_of_its_cluster)
{
    struct arena a = {0};
    struct cluster c = {.engine = "redis", .engine_version = "7.0.15"};

    cr_assert_str_eq(cluster_program(&a, &c), "bundled");
    c.driver = "redis";
    cr_assert_str_eq(cluster_program(&a, &c), "redis=7.0");
    c.engine_version = "7";
    cr_assert_str_eq(cluster_program(&a, &c), "redis=7");
    arena_fini(&a);
}

Test(engine_driver, hosts_have_what_they_report)
{
    static const char programs[] = "bundled=0.1.0 redis=7.0.15 valkey=8.0.1";
    static const struct {
        const char *program;
        bool has;
    } rows[] = {
        {"bundled",       true },
        {"redis",         true },
        {"redis=7.0",     true },
        {"redis=7.0.15",  true },
        {"redis=7.0.1",   false},
        {"redis=7.2",     false},
        {"redis=8.0",     false},
        {"valkey=8.0",    true },
        {"valkey=8",      true },
        {"memcached=1.6", false},
        {"edis=7.0",      false},
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(programs_have(programs, rows[i].program), rows[i].has, "%s", rows[i].program);
    cr_expect_not(programs_have("", "bundled"));
}

Test(engine_driver, versions_are_asked_for_in_part)
{
    static const struct {
        const char *version, *asked;
        bool fits;
    } rows[] = {
        {"7.0.15", "",       true },
        {"7.0.15", "7.0",    true },
        {"7.0.15", "7.0.15", true },
        {"7.0.15", "7.0.1",  false},
        {"7.0.15", "7.1",    false},
        {"7.0",    "7.0.15", false},
        {"6.2.14", "6.x",    true },
        {"7.0.15", "6.x",    false},
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(program_version_fits(str_of(rows[i].version), rows[i].asked), rows[i].fits,
                     "%s %s", rows[i].version, rows[i].asked);
}
