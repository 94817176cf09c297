/* The list of kinds, and what the host has of them. */
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct driver *const drivers[] = {&driver_bundled, &driver_redis, &driver_memcached};
const size_t driver_count = countof(drivers);

const struct driver *driver_find(const char *name)
{
    if (!name || !*name)
        return drivers[0];
    for (size_t i = 0; i < driver_count; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

struct err role_check(const struct agent_node_role *role)
{
    if (!role)
        return OK;
    if (role->term.value < 1)
        return err_make(ERR_INVALID, "the goal's role has no term");
    if (!role->is_primary.value && !role->is_fenced.value && role->primary_address &&
        (role->primary_port.value < 1 || role->primary_port.value > UINT16_MAX))
        return err_make(ERR_INVALID, "the goal's role has no port of whom it follows");
    return OK;
}

void role_whom(const struct agent_node_goal *goal, const char **out_address, int *out_port)
{
    const struct agent_node_role *role = goal->role;
    bool is_somebody = role->primary_address != NULL;

    *out_address = is_somebody ? role->primary_address : goal->address;
    *out_port = is_somebody ? (int)role->primary_port.value : NOWHERE_PORT;
}

void role_login(const struct agent_node_role *role, const char **out_user,
                const char **out_password)
{
    bool is_outside = role && role->is_outside.value;
    const char *user = !role ? NULL : is_outside ? role->outside_user : role->user;
    const char *password = !role ? NULL : is_outside ? role->outside_password : role->password;

    *out_user = user ? user : "";
    *out_password = password ? password : "";
}

bool role_is_leased(const struct agent_node_role *role)
{
    return role && role->lease && role->is_primary.value && !role->is_fenced.value;
}

bool driver_keeps_data(const struct driver_host *host, const struct agent_node_goal *goal)
{
    bool is_memcached = goal->engine && strcmp(goal->engine, "memcached") == 0;
    const struct driver *d = driver_find(goal->driver);
    bool can_write = !goal->seal || (d && d->can_seal);

    return goal->keeps_data.value && !host->forgets_data && !is_memcached && can_write;
}

static struct err find_path(struct arena *a, const char *engine_dir, const struct driver *d,
                            const char *name, const char **out)
{
    TRY(fs_find_program(a, d->is_ours ? fs_join(a, engine_dir, name) : name, out));
    return **out == '/' ? OK : fs_absolute(a, *out, out);
}

static bool is_allowed(const struct driver_host *host, const struct driver *d)
{
    struct str rest = str_of(host->allowed ? host->allowed : d->name);

    while (rest.len > 0)
        if (str_is(str_trim(str_cut(&rest, ',')), d->name))
            return true;
    return false;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "redis-server" that is a link to valkey-server is no redis. */
static bool leads_elsewhere(const char *path, const struct driver *d, size_t name)
{
    char real[PATH_MAX];

    if (!realpath(path, real))
        return false;
    for (size_t i = 0; d->names[i]; i++)
        if (i != name && strcmp(file_name(real), d->names[i]) == 0)
            return true;
    return false;
}

void drivers_survey(struct arena *a, const char *engine_dir, struct driver_host *out)
{
    vec_of(struct driver_program) programs = VEC_EMPTY;

    for (size_t i = 0; i < driver_count; i++)
        for (size_t k = 0; is_allowed(out, drivers[i]) && drivers[i]->names[k]; k++) {
            const struct driver *d = drivers[i];
            struct driver_program program = {.driver = d,
                                             .engine = d->engines ? d->engines[k] : NULL};
            if (err_failed(find_path(a, engine_dir, d, d->names[k], &program.path)) ||
                leads_elsewhere(program.path, d, k))
                continue;
            program.version = program_version(a, program.path);
            if (program.version)
                *vec_add(a, &programs) = program;
        }
    out->engine_dir = engine_dir;
    out->programs = programs.items;
    out->program_count = programs.count;
}

void drivers_report(struct arena *a, const struct driver_host *host,
                    struct agent_host_engine_list *out)
{
    struct agent_host_engine *engines = arena_array(a, host->program_count + 1, sizeof(*engines));

    for (size_t i = 0; i < host->program_count; i++)
        engines[i] = (struct agent_host_engine){.driver = host->programs[i].driver->name,
                                                .engine = host->programs[i].engine,
                                                .version = host->programs[i].version};
    *out = (struct agent_host_engine_list){true, host->program_count, engines};
}

const char *driver_version(const struct driver_host *host, const char *path)
{
    for (size_t i = 0; i < host->program_count; i++)
        if (strcmp(host->programs[i].path, path) == 0)
            return host->programs[i].version;
    return "";
}

struct err driver_program(struct arena *a, const struct driver_host *host, const struct driver *d,
                          const char *name, const struct driver_program **out)
{
    const struct driver_program *found = NULL;

    for (size_t i = 0; i < host->program_count; i++) {
        const struct driver_program *program = &host->programs[i];
        if (program->driver != d)
            continue;
        if (!found || (name && strcmp(file_name(program->path), name) == 0))
            found = program;
    }
    if (!found)
        return err_format(a, ERR_NOT_FOUND, "this host has no %s", d->names[0]);
    *out = found;
    return OK;
}

char *driver_seed_name(struct arena *a, int64_t part_id)
{
    return arena_printf(a, DRIVER_SEED_PREFIX "%lld.rdb", (long long)part_id);
}
