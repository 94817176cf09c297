#include "contract/faults.h"
#include "controlplane/ops/driver.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(driver, .init = world_open, .fini = world_close, .timeout = 60);

#define REFUSED FAULT_INVALID_PARAMETER_COMBINATION

/* What the hosts h1, h2 and h3 have. */
static void offer(const char *const engines[3])
{
    struct host_list hosts;

    must(store_host_list(world.f.tx, "us-east-1", &hosts));
    for (size_t i = 0; i < 3; i++) {
        hosts.items[i].engines = engines[i];
        must(store_host_put(world.f.tx, &hosts.items[i]));
    }
}

static struct err choose(struct call *c, const char *driver, const char *engine, const char *asked,
                         struct cluster *out)
{
    struct ec_tag tag = {.key = DRIVER_TAG, .value = driver};
    struct ec_tag_list tags = {driver != NULL, driver != NULL, &tag};
    const struct engine_version *version = NULL;

    struct err e = driver_choose(c, &tags, engine, asked, &version, out);
    cr_assert(err_failed(e) || version != NULL);
    return e;
}

Test(driver, the_tag_chooses_and_the_hosts_say_the_version)
{
    static const struct {
        const char *driver, *engine, *asked;
        const char *driver_is, *version_is; /* NULL: refused */
    } rows[] = {
        {NULL,        "redis",     "",       "bundled",   "7.1.0" },
        {"bundled",   "redis",     "7.0",    "bundled",   "7.0.7" },
        {"redis",     "redis",     "",       "redis",     "7.1.3" },
        {"redis",     "redis",     "7.0",    "redis",     "7.0.15"},
        {"redis",     "redis",     "7.0.15", "redis",     "7.0.15"},
        {"redis",     "redis",     "6.x",    NULL,        NULL    },
        {"redis",     "valkey",    "8.0",    "redis",     "8.0.1" },
        {"redis",     "memcached", "",       NULL,        NULL    },
        {"memcached", "memcached", "",       "memcached", "1.6.18"},
        {"memcached", "memcached", "1.6.22", NULL,        NULL    },
    };
    struct call c = world_call();

    offer((const char *const[]){"bundled=0.1.0 redis=7.0.15", "redis=7.1.3 valkey=8.0.1",
                                "memcached=1.6.18"});
    for (size_t i = 0; i < countof(rows); i++) {
        struct cluster cl = {0};
        struct err e = choose(&c, rows[i].driver, rows[i].engine, rows[i].asked, &cl);
        if (!rows[i].driver_is) {
            cr_expect_eq(e.code, REFUSED, "row %zu", i);
            continue;
        }
        must(e);
        cr_expect_str_eq(cl.driver, rows[i].driver_is, "row %zu", i);
        cr_expect_str_eq(cl.engine_version, rows[i].version_is, "row %zu", i);
        cr_expect_str_eq(cl.engine, rows[i].engine, "row %zu", i);
    }
}

Test(driver, what_is_not_there_is_said)
{
    struct call c = world_call();
    struct cluster cl;

    offer((const char *const[]){"redis=7.0.15", "redis=9.9.9", "redis=7.0.15"});
    expect(choose(&c, "redis", "redis", "7.2", &cl), REFUSED,
           "No host has redis 7.2 for the engine driver redis. What they have: 7.0.15, 9.9.9.");
    expect(choose(&c, "redis", "valkey", "", &cl), REFUSED,
           "No host has valkey for the engine driver redis. What they have: nothing.");
    expect(choose(&c, "redis", "redis", "9.9", &cl), REFUSED,
           "The hosts have redis 9.9.9, which this service does not know.");
    expect(choose(&c, "oracle", "redis", "", &cl), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(driver, hosts_without_the_bundled_engine_are_used_as_they_are)
{
    struct call c = world_call();
    struct cluster cl;

    offer((const char *const[]){"redis=7.0.15", "redis=7.0.15 memcached=1.6.18", ""});
    must(choose(&c, NULL, "redis", "", &cl));
    cr_assert_str_eq(cl.driver, "redis");
    must(choose(&c, NULL, "memcached", "", &cl));
    cr_assert_str_eq(cl.driver, "memcached");
    must(choose(&c, "bundled", "redis", "", &cl));
    cr_assert_str_eq(cl.driver, "bundled");
}

Test(driver, the_choice_stays)
{
    struct ec_tag tag = {.key = DRIVER_TAG, .value = "redis"};
    struct ec_tag_list tags = {true, 1, &tag};
    struct tag list[] = {
        {"a",        "b"    },
        {DRIVER_TAG, "redis"},
        {"c",        "d"    }
    };
    size_t count = countof(list);
    struct call c = world_call();

    must(driver_same(&c, &tags, "redis"));
    must(driver_same(&c, &(struct ec_tag_list){0}, "redis"));
    expect(driver_same(&c, &tags, ""), REFUSED, NULL);
    must(driver_refuse(&c, "", "wings"));
    expect(driver_refuse(&c, "redis", "wings"), REFUSED,
           "The engine driver redis does not support wings.");
    driver_settle_tags("redis", list, &count);
    cr_assert_eq(count, 3);
    driver_settle_tags("bundled", list, &count);
    cr_assert_eq(count, 2);
    cr_assert_str_eq(list[1].key, "c");
}
