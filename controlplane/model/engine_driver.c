/* A program is its engine's name and its version, so that one text says what a node needs and what
 * a host has. */
#include "controlplane/model/engine_driver.h"

#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/cluster.h"

#include <string.h>

static const struct {
    const char *driver, *engine;
} drivers[] = {
    {DRIVER_BUNDLED,   "redis"    },
    {DRIVER_BUNDLED,   "valkey"   },
    {DRIVER_BUNDLED,   "memcached"},
    {DRIVER_REDIS,     "redis"    },
    {DRIVER_REDIS,     "valkey"   },
    {DRIVER_MEMCACHED, "memcached"},
};

bool driver_is_known(const char *driver)
{
    for (size_t i = 0; i < countof(drivers); i++)
        if (strcmp(drivers[i].driver, driver) == 0)
            return true;
    return false;
}

bool driver_runs(const char *driver, const char *engine)
{
    for (size_t i = 0; i < countof(drivers); i++)
        if (strcmp(drivers[i].driver, driver) == 0 && strcmp(drivers[i].engine, engine) == 0)
            return true;
    return false;
}

bool driver_is_bundled(const char *driver)
{
    return !driver || !*driver || strcmp(driver, DRIVER_BUNDLED) == 0;
}

const char *driver_name(const char *driver)
{
    return driver_is_bundled(driver) ? DRIVER_BUNDLED : driver;
}

const char *driver_of_hosts(const char *engine)
{
    return driver_runs(DRIVER_MEMCACHED, engine) ? DRIVER_MEMCACHED : DRIVER_REDIS;
}

/* "7.0" of "7.0.15". */
static struct str minor_of(const char *version)
{
    struct str rest = str_of(version);

    str_cut(&rest, '.');
    size_t dot = str_find(rest, '.');
    const char *end = dot == SIZE_MAX ? version + strlen(version) : rest.ptr + dot;
    return (struct str){version, (size_t)(end - version)};
}

const char *cluster_program(struct arena *a, const struct cluster *c)
{
    if (driver_is_bundled(c->driver))
        return DRIVER_BUNDLED;
    return arena_printf(a, "%s=%.*s", c->engine, STR_ARG(minor_of(c->engine_version)));
}

bool programs_next(struct str *programs, struct str *out_name, struct str *out_version)
{
    if (programs->len == 0)
        return false;
    *out_version = str_cut(programs, ' ');
    *out_name = str_cut(out_version, '=');
    return true;
}

bool program_version_fits(struct str version, const char *asked)
{
    struct str wish = str_of(asked);

    if (str_ends(wish, ".x"))
        wish.len -= strlen(".x");
    if (wish.len == 0 || str_eq(version, wish))
        return true;
    return version.len > wish.len && version.ptr[wish.len] == '.' &&
           memcmp(version.ptr, wish.ptr, wish.len) == 0;
}

bool programs_have(const char *programs, const char *program)
{
    struct str rest = str_of(programs), wish = str_of(program), name, version;
    struct str wished = str_cut(&wish, '=');

    while (programs_next(&rest, &name, &version))
        if (str_eq(name, wished) && program_version_fits(version, wish.len ? wish.ptr : ""))
            return true;
    return false;
}
