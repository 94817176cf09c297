/* The host: a name for people, an id for ever, and what it has to offer. */
#include "agent/host.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/rng.h"
#include "contract/agent.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FILE   "agent.lock"
#define ID_FILE     "host-id"
#define SECRET_FILE "host-secret"
#define UUID_LENGTH 36
#define SMALL_BYTES 256
#define NAME_BYTES  256

static const char cgroup_limit[] = "/sys/fs/cgroup/memory.max";

struct err host_lock(struct arena *a, const char *state_dir, int *out_fd)
{
    scoped(buf_fini) struct buf holder = BUF_EMPTY;
    const char *path = fs_join(a, state_dir, LOCK_FILE);
    char text[32];
    int fd;

    struct err e = fs_lock(path, &fd);
    if (err_is(e, ERR_CONFLICT)) {
        err_ignore(fs_read_all(path, SMALL_BYTES, &holder), "the pid is only for the message");
        return err_format(
            a, ERR_CONFLICT,
            "another larder-agent (pid %s) uses the state directory %s: stop it, or give "
            "this one its own --state-dir",
            holder.len > 0 ? buf_cstr(&holder) : "unknown", state_dir);
    }
    if (err_failed(e))
        return err_format(a, e.code, "cannot lock %s: %s", path, err_text(a, e));
    int len = snprintf(text, sizeof(text), "%d", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        int sys = errno;
        close(fd);
        return (struct err){ERR_IO, sys, arena_printf(a, "cannot write %s", path)};
    }
    *out_fd = fd;
    return OK;
}

static bool is_uuid(struct str id)
{
    return id.len == UUID_LENGTH &&
           strspn(id.ptr, "0123456789abcdef-") >= UUID_LENGTH; /* NUL-terminated by str_dup */
}

static struct err host_id(struct arena *a, struct rng *rng, const char *state_dir, const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *path = fs_join(a, state_dir, ID_FILE);

    struct err e = fs_read_all(path, SMALL_BYTES, &text);
    if (err_is(e, ERR_NOT_FOUND)) {
        *out = rng_uuid(rng, a);
        return fs_write_atomic(path, str_of(arena_printf(a, "%s\n", *out)), 0600, FS_SYNC);
    }
    TRY(e);
    *out = str_dup(a, str_trim(buf_str(&text)));
    if (!is_uuid(str_of(*out)))
        return err_format(a, ERR_CORRUPT,
                          "%s is damaged: restore it, or remove it to make this a new host", path);
    return OK;
}

struct err host_secret(struct arena *a, struct rng *rng, const char *state_dir, const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *path = fs_join(a, state_dir, SECRET_FILE);

    struct err e = fs_read_all(path, SMALL_BYTES, &text);
    if (err_is(e, ERR_NOT_FOUND)) {
        /* Two of them, because a UUID has 122 random bits. */
        *out = arena_printf(a, "%s%s", rng_uuid(rng, a), rng_uuid(rng, a));
        return fs_write_atomic(path, str_of(arena_printf(a, "%s\n", *out)), 0600, FS_SYNC);
    }
    TRY(e);
    *out = str_dup(a, str_trim(buf_str(&text)));
    if (strlen(*out) < UUID_LENGTH)
        return err_format(a, ERR_CORRUPT, "%s is damaged: remove it, and restart all engines",
                          path);
    return OK;
}

static int64_t cgroup_memory_bytes(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    int64_t bytes;

    if (err_failed(fs_read_all(cgroup_limit, SMALL_BYTES, &text)) ||
        !str_to_i64(str_trim(buf_str(&text)), &bytes)) /* "max" where there is no limit */
        return INT64_MAX;
    return bytes;
}

int64_t host_memory_bytes(void)
{
    int64_t physical = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
    int64_t allowed = cgroup_memory_bytes();

    return allowed < physical ? allowed : physical;
}

static int64_t count_cpus(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set)
                                                        : sysconf(_SC_NPROCESSORS_ONLN);
}

static const char *machine_name(struct arena *a)
{
    char name[NAME_BYTES] = "";

    if (gethostname(name, sizeof(name) - 1) != 0 || !name[0])
        return "host";
    return arena_strdup(a, name);
}

struct err host_describe(struct arena *a, struct rng *rng, const struct host_options *o,
                         struct agent_host *out)
{
    struct agent_host host = {
        .name = o->name ? o->name : machine_name(a),
        .incarnation = rng_uuid(rng, a),
        .region = o->region,
        .zone = o->zone ? o->zone : arena_printf(a, "%sa", o->region),
        .agent_version = LARDER_VERSION,
        .memory_bytes = INT_OF(o->memory_bytes > 0 ? o->memory_bytes : host_memory_bytes()),
        .v_cpus = INT_OF(o->vcpus > 0 ? o->vcpus : count_cpus()),
        .pool = o->pool,
        .pool6 = o->pool6,
    };

    TRY(host_id(a, rng, o->state_dir, &host.host_id));
    TRY(proc_boot_id(a, &host.boot_id));
    *out = host;
    return OK;
}
