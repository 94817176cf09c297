/*
 * What a running engine has taken on of its goal, and what is left for its next start. A node
 * counts as running once all that its goal says is in force: nobody sees it without its users or
 * its role.
 */
#include "agent/steps/machine.h"
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "contract/agent.h"

#include <string.h>

#define STATICS_FILE      "started-with"
#define STATICS_MAX_BYTES (1U << 20)

struct err steps_take_term(struct steps *s, struct arena *a, struct node *n, int64_t term)
{
    if (term < n->highest_term)
        return err_format(a, ERR_CONFLICT,
                          "the role is of term %lld, and this node has seen term %lld",
                          (long long)term, (long long)n->highest_term);
    if (term == n->highest_term)
        return OK;
    int64_t before = n->highest_term;
    n->highest_term = term;
    struct err e = node_save(s->conf.nodes, n, FS_SYNC);
    if (err_failed(e)) {
        n->highest_term = before;
        return err_format(a, e.code, "the role's term cannot be written down: %s", err_text(a, e));
    }
    return OK;
}

struct err settings_write_statics(struct arena *a, const struct node *n, const char *statics)
{
    return fs_write_atomic(fs_join(a, n->dir, STATICS_FILE), str_of(statics), 0600, FS_NO_SYNC);
}

void settings_read_statics(struct node *n)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    struct err e = fs_read_all(fs_join(&a, n->dir, STATICS_FILE), STATICS_MAX_BYTES, &text);
    node_set_statics(n, err_failed(e) ? NULL : buf_cstr(&text));
}

void settings_compare(struct steps *s, struct node *n)
{
    scoped(arena_fini) struct arena a = {0};
    const struct driver *driver = n->goal ? driver_find(n->goal->driver) : NULL;
    struct driver_launch launch;

    n->is_applied = n->is_applied && node_has_settings_of_goal(n);
    if (!node_is_up(n) || !n->statics || n->goal_state != NODE_RUNNING || !driver)
        return;
    if (err_failed(driver->prepare(&a, s->conf.host, n->goal, &launch)))
        return; /* whatever is wrong with the goal is said when it is ordered */
    n->is_reboot_pending = strcmp(n->statics, launch.statics) != 0;
}

void steps_obeys(struct steps *s, struct node *n, const char *version, int64_t term)
{
    node_set_applied(n, version);
    n->role_term = term;
    n->is_applied = node_has_settings_of_goal(n);
    if (n->is_applied && n->is_refused) {
        n->is_refused = false;
        node_set_why(n, NULL);
    }
    log_info("settings are in force", f_int("node", n->id), f_str("version", version),
             f_int("term", term));
    if (n->state == NODE_STARTING)
        machine_advance(s, n);
    machine_changed(s, n);
}

void steps_refuses(struct steps *s, struct node *n, const char *why, bool is_vital)
{
    if (!n->is_refused || strcmp(n->why, why) != 0)
        log_warn("settings are not in force", f_int("node", n->id), f_str("why", why));
    n->is_refused = true;
    machine_explain(s, n, why);
    if (!is_vital || n->state != NODE_STARTING)
        return;
    n->has_bad_seed = exits_are_about_seed(n, str_of(why));
    s->conf.supervisor->stop(s->conf.supervisor, n, 0); /* its exit goes on from here */
}

static enum node_role role_of(const struct driver_stats *stats)
{
    return stats->role == DRIVER_PRIMARY   ? NODE_ROLE_PRIMARY
           : stats->role == DRIVER_REPLICA ? NODE_ROLE_REPLICA
                                           : NODE_ROLE_UNKNOWN;
}

/* A role and a link are told at once, how far the stream has come with the next beat. */
void steps_sees(struct steps *s, struct node *n, const struct driver_stats *stats)
{
    bool is_news = n->role != role_of(stats) || n->is_link_up != stats->is_link_up ||
                   n->lineage != stats->lineage;

    n->role = role_of(stats);
    n->is_link_up = stats->is_link_up;
    n->replication_offset = stats->replication_offset;
    n->lineage = stats->lineage;
    if (is_news)
        machine_changed(s, n);
}

/* Of one whose room follows what it uses, an eighth more or less is news. */
void steps_weighs(struct steps *s, struct node *n)
{
    int64_t now = n->used_memory_bytes, told = n->told_memory_bytes;
    int64_t more = now > told ? now : told, less = now > told ? told : now;

    if (!n->goal || !n->goal->watches_memory.value || now < 0 || more - less <= more / 8)
        return;
    n->told_memory_bytes = now;
    machine_changed(s, n);
}
