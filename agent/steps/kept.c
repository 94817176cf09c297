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

    if (!driver_keeps_data(s->conf.host, n->goal) && kept_stat(n, &st))
        kept_remove(n);
}

void kept_in_force(struct node *n)
{
    struct stat st;

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
    struct stat st;
    return kept_stat(n, &st) ? (int64_t)st.st_size / READ_BYTES_A_MS : 0;
}

int64_t kept_stop_ms(const struct steps *s, const struct node *n)
{
    if (!n->goal || !driver_keeps_data(s->conf.host, n->goal) || n->used_memory_bytes < 0)
        return 0;
    return n->used_memory_bytes / WRITE_BYTES_A_MS;
}
