/*
 * What was in memory when a node was stopped, kept as DRIVER_KEPT in its folder until it serves
 * again. The engine writes the file at its clean end and reads it at its start. It is removed as
 * soon as the node runs: then it is of the past, and an engine that crashes later shall not bring
 * that back.
 */
#include "agent/steps/machine.h"
#include "base/arena.h"
#include "base/log.h"
#include "contract/agent.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAMAGED          DRIVER_KEPT ".damaged"
#define READ_BYTES_A_MS  20000 /* the slowest disk that is reckoned with: 20 MB/s */
#define WRITE_BYTES_A_MS 20000
#define NANOS_A_MS       1000000
#define MS_A_SECOND      1000
#define START_SLACK_MS   5 /* between the clock of files and that of the shim */

static bool kept_stat(const struct node *n, struct stat *out)
{
    scoped(arena_fini) struct arena a = {0};
    return stat(fs_join(&a, n->dir, DRIVER_KEPT), out) == 0;
}

static void kept_remove(const struct node *n)
{
    scoped(arena_fini) struct arena a = {0};

    struct err e = fs_remove(fs_join(&a, n->dir, DRIVER_KEPT));
    if (err_failed(e))
        log_error("cannot remove what was kept of a node", f_int("node", n->id), f_err(e));
}

bool kept_is_of_last_run(const struct node *n)
{
    struct stat st;

    if (!kept_stat(n, &st))
        return false;
    int64_t written_ms = (int64_t)st.st_mtim.tv_sec * MS_A_SECOND + st.st_mtim.tv_nsec / NANOS_A_MS;
    return written_ms + START_SLACK_MS >= n->run.started_ms;
}

void kept_before_start(struct steps *s, struct node *n)
{
    struct stat st;

    if ((n->goal->seeds || !driver_keeps_data(s->conf.host, n->goal)) && kept_stat(n, &st))
        kept_remove(n);
}

struct err kept_take_seed(struct arena *a, const struct node *n, bool loads_seeds)
{
    const struct agent_node_seeds *seeds = n->goal->seeds;

    if (!seeds || loads_seeds)
        return OK;
    if (seeds->parts.count != 1 || (seeds->slots && *seeds->slots))
        return err_make(ERR_UNSUPPORTED,
                        "this kind of engine begins with one whole snapshot, or with none");
    const char *seed = fs_join(a, n->dir, driver_seed_name(a, seeds->parts.items[0].part_id.value));
    if (link(seed, fs_join(a, n->dir, DRIVER_KEPT)) != 0)
        return err_sys(errno, "the seed cannot be linked");
    return OK;
}

/* Files of seeds that the goal names no more, or that are in memory. */
static void remove_seeds(const struct node *n)
{
    scoped(arena_fini) struct arena a = {0};
    struct fs_names names;

    if (err_failed(fs_list(&a, n->dir, &names)))
        return;
    for (size_t i = 0; i < names.count; i++)
        if (str_starts(str_of(names.items[i]), DRIVER_SEED_PREFIX))
            err_ignore(fs_remove(fs_join(&a, n->dir, names.items[i])),
                       "it is of no use, and does no harm");
}

void kept_in_force(struct node *n)
{
    struct stat st;

    if (n->goal && n->goal->seeds)
        remove_seeds(n);
    if (!kept_stat(n, &st))
        return;
    log_info("what was kept is in memory again", f_int("node", n->id),
             f_int("bytes", (int64_t)st.st_size));
    kept_remove(n);
}

void kept_after_crash(struct node *n)
{
    struct stat st;

    if (kept_stat(n, &st))
        kept_remove(n);
}

/* Its primary has what it had. */
void kept_after_failure(struct node *n)
{
    scoped(arena_fini) struct arena a = {0};
    const struct agent_node_role *role = n->goal->role;
    struct stat st;

    if (!role || role->is_primary.value || role->is_fenced.value || !kept_stat(n, &st))
        return;
    if (rename(fs_join(&a, n->dir, DRIVER_KEPT), fs_join(&a, n->dir, DAMAGED)) == 0)
        log_warn("a replica starts without what was kept of it", f_int("node", n->id),
                 f_str("why", n->why), f_str("set_aside", DAMAGED));
    else
        log_error("cannot set aside what was kept of a node", f_int("node", n->id),
                  f_err(err_sys(errno, "rename")));
}

int64_t kept_start_ms(const struct node *n)
{
    const struct agent_node_seeds *seeds = n->goal ? n->goal->seeds : NULL;
    int64_t bytes = 0;
    struct stat st;

    for (size_t i = 0; seeds && i < seeds->parts.count; i++)
        bytes += seeds->parts.items[i].bytes.value;
    if (bytes > 0)
        return bytes / READ_BYTES_A_MS;
    return kept_stat(n, &st) ? (int64_t)st.st_size / READ_BYTES_A_MS : 0;
}

int64_t kept_stop_ms(const struct steps *s, const struct node *n)
{
    if (!n->goal || !driver_keeps_data(s->conf.host, n->goal) || n->used_memory_bytes < 0)
        return 0;
    return n->used_memory_bytes / WRITE_BYTES_A_MS;
}
