/* A version of the hosts' own engines is a fact, not a wish: it is looked up in what they report.
 */
#include "controlplane/ops/driver.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/store/store.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

/* --- which driver --- */

static const char *driver_in(const struct ec_tag_list *tags)
{
    for (size_t i = 0; i < tags->count; i++)
        if (tags->items[i].key && strcmp(tags->items[i].key, DRIVER_TAG) == 0)
            return tags->items[i].value ? tags->items[i].value : "";
    return NULL;
}

static const char *driver_by_default(const struct host_list *hosts, const char *engine)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (programs_have(hosts->items[i].engines, DRIVER_BUNDLED))
            return DRIVER_BUNDLED;
    return hosts->count > 0 ? driver_of_hosts(engine) : DRIVER_BUNDLED;
}

static struct err check_driver(struct call *c, const char *driver, const char *engine)
{
    if (!driver_is_known(driver))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %s for the tag " DRIVER_TAG ". It must be " DRIVER_BUNDLED
                     ", " DRIVER_REDIS " or " DRIVER_MEMCACHED ".",
                     driver);
    if (!driver_runs(driver, engine))
        return COMBINATION("The engine driver %s does not run %s.", driver, engine);
    return OK;
}

/* --- which version --- */

static bool is_newer(struct call *c, struct str version, const char *other)
{
    return !other || version_compare(str_dup(c->arena, version), other) > 0;
}

/* The newest that fits; NULL for none. `*out_all` lists what there is of the engine. */
static const char *newest(struct call *c, const struct host_list *hosts, const char *engine,
                          const char *asked, const char **out_all)
{
    const char *found = NULL;

    *out_all = "";
    for (size_t i = 0; i < hosts->count; i++) {
        struct str rest = str_of(hosts->items[i].engines), name, version;
        while (!hosts->items[i].is_silent && programs_next(&rest, &name, &version)) {
            if (!str_is(name, engine))
                continue;
            if (program_version_fits(version, asked) && is_newer(c, version, found))
                found = str_dup(c->arena, version);
            const char *text = str_dup(c->arena, version);
            if (!strstr(*out_all, text))
                *out_all = arena_printf(c->arena, "%s%s%s", *out_all, **out_all ? ", " : "", text);
        }
    }
    return found;
}

static struct err choose_program(struct call *c, const struct host_list *hosts, const char *engine,
                                 const char *asked, const struct engine_version **out_version,
                                 struct cluster *out)
{
    const char *all, *version = newest(c, hosts, engine, asked, &all);

    if (!version)
        return COMBINATION("No host has %s%s%s for the engine driver %s. What they have: %s.",
                           engine, *asked ? " " : "", asked, out->driver, *all ? all : "nothing");
    *out_version = engine_version_reported(engine, version);
    if (!*out_version)
        return COMBINATION("The hosts have %s %s, which this service does not know.", engine,
                           version);
    out->engine = (*out_version)->engine;
    out->engine_version = version;
    return OK;
}

struct err driver_choose(struct call *c, const struct ec_tag_list *tags, const char *engine,
                         const char *asked, const struct engine_version **out_version,
                         struct cluster *out)
{
    const char *driver = driver_in(tags);
    struct host_list hosts;

    TRY(store_host_list(c->tx, c->caller->region, &hosts));
    out->driver = driver ? driver : driver_by_default(&hosts, engine);
    TRY(check_driver(c, out->driver, engine));
    if (!driver_is_bundled(out->driver))
        return choose_program(c, &hosts, engine, asked, out_version, out);
    TRY(engine_version_choose(c->arena, engine, asked, out_version));
    out->engine = (*out_version)->engine;
    out->engine_version = (*out_version)->reported;
    return OK;
}

/* --- what is there already --- */

struct err driver_same(struct call *c, const struct ec_tag_list *tags, const char *current)
{
    const char *driver = driver_in(tags), *has = current && *current ? current : DRIVER_BUNDLED;

    if (!driver || strcmp(driver, has) == 0)
        return OK;
    return COMBINATION("The tag " DRIVER_TAG " chooses when a cache is created: this one has %s.",
                       has);
}

struct err driver_refuse(struct call *c, const char *driver, const char *what)
{
    if (driver_is_bundled(driver))
        return OK;
    return COMBINATION("The engine driver %s does not support %s.", driver, what);
}

void driver_settle_tags(const char *driver, struct tag *tags, size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++)
        if (strcmp(tags[i].key, DRIVER_TAG) != 0 || strcmp(tags[i].value, driver) == 0)
            tags[kept++] = tags[i];
    *count = kept;
}
