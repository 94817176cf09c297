/* The list of kinds, and what the host has of them. */
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/vec.h"
#include "contract/agent.h"

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

static struct err find_path(struct arena *a, const char *engine_dir, const struct driver *d,
                            const char *name, const char **out)
{
    TRY(fs_find_program(a, d->is_ours ? fs_join(a, engine_dir, name) : name, out));
    return **out == '/' ? OK : fs_absolute(a, *out, out);
}

void drivers_survey(struct arena *a, const char *engine_dir, struct driver_host *out)
{
    vec_of(struct driver_program) programs = VEC_EMPTY;

    for (size_t i = 0; i < driver_count; i++)
        for (const char *const *name = drivers[i]->names; *name; name++) {
            struct driver_program program = {.driver = drivers[i]};
            if (err_failed(find_path(a, engine_dir, drivers[i], *name, &program.path)))
                continue;
            program.version = program_version(a, program.path);
            if (program.version)
                *vec_add(a, &programs) = program;
        }
    *out = (struct driver_host){engine_dir, programs.items, programs.count};
}

void drivers_report(struct arena *a, const struct driver_host *host,
                    struct agent_host_engine_list *out)
{
    struct agent_host_engine *engines = arena_array(a, host->program_count + 1, sizeof(*engines));

    for (size_t i = 0; i < host->program_count; i++)
        engines[i] =
            (struct agent_host_engine){host->programs[i].driver->name, host->programs[i].version};
    *out = (struct agent_host_engine_list){true, host->program_count, engines};
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
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
