/* Records of nodes, and their form on disk: the contract's own shapes for goal and report, and
 * beside them what only the agent needs. */
#include "agent/supervise/node.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/shape_json.h"
#include "contract/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME      "node.json"
#define FILE_MAX_BYTES (4U << 20)
#define FILE_DEPTH     16
#define FILE_FORMAT    1

void nodes_init(struct nodes *all, const char *dir, const char *boot_id)
{
    *all = (struct nodes){.dir = strdup(dir), .boot_id = strdup(boot_id)};
    check(all->dir && all->boot_id);
}

static void node_free(struct node *n)
{
    arena_fini(&n->goal_arena);
    free(n->applied);
    free(n->statics);
    free(n->dir);
    free(n);
}

void nodes_fini(struct nodes *all)
{
    if (!all)
        return;
    vec_each(at, all)
        node_free(*at);
    free(all->items);
    free(all->dir);
    free(all->boot_id);
    *all = (struct nodes){0};
}

struct node *nodes_find(const struct nodes *all, int64_t id)
{
    vec_each(at, all)
        if ((*at)->id == id)
            return *at;
    return NULL;
}

struct node *nodes_add(struct nodes *all, int64_t id)
{
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? all->capacity * 2 : 16;
        all->items = realloc(all->items, all->capacity * sizeof(struct node *));
        check(all->items != NULL);
    }

    struct node *n = calloc(1, sizeof(*n));
    check(n != NULL);
    n->id = id;
    n->used_memory_bytes = n->connected_clients = n->replication_offset = n->lineage = -1;
    check(asprintf(&n->dir, "%s/%lld", all->dir, (long long)id) > 0);
    all->items[all->count++] = n;
    return n;
}

void nodes_remove(struct nodes *all, struct node *n)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i] == n) {
            all->items[i] = all->items[--all->count];
            node_free(n);
            return;
        }
}

bool node_set_goal(struct node *n, const struct agent_node_goal *goal)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&text);

    shape_json_write(&w, &agent_shape_node_goal, goal);
    if (n->goal && str_is(buf_str(&text), n->goal_text))
        return false;

    enum node_state state;
    check(node_state_parse(goal->state, &state) && node_state_is_goal(state));
    arena_reset(&n->goal_arena);
    struct agent_node_goal *copy = arena_new(&n->goal_arena, struct agent_node_goal);
    check(!err_failed(shape_json_parse(&n->goal_arena, &agent_shape_node_goal, buf_str(&text),
                                       SHAPE_UNKNOWN_REFUSE, copy)));
    n->goal = copy;
    n->goal_text = str_dup(&n->goal_arena, buf_str(&text));
    n->goal_state = state;
    n->goal_count++;
    return true;
}

static void keep(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    check(!text || copy);
    free(*to);
    *to = copy;
}

void node_forget_settings(struct node *n)
{
    keep(&n->applied, NULL);
    n->is_applied = n->is_refused = n->is_reboot_pending = n->is_link_up = false;
    n->role = NODE_ROLE_UNKNOWN;
    n->role_term = 0;
    n->replication_offset = n->lineage = -1;
}

void node_set_statics(struct node *n, const char *statics)
{
    keep(&n->statics, statics);
}

void node_set_applied(struct node *n, const char *version)
{
    keep(&n->applied, version);
}

bool node_has_settings_of_goal(const struct node *n)
{
    const char *wanted = n->goal && n->goal->settings_version ? n->goal->settings_version : "";
    return n->applied && strcmp(n->applied, wanted) == 0;
}

void node_run_name(int64_t pid, int64_t started_ms, char out[NODE_EXIT_BYTES])
{
    snprintf(out, NODE_EXIT_BYTES, "%lld@%lld", (long long)pid, (long long)started_ms);
}

bool node_set_why(struct node *n, const char *why)
{
    char before[NODE_WHY_BYTES];

    memcpy(before, n->why, sizeof(before));
    snprintf(n->why, sizeof(n->why), "%s", why ? why : "");
    while (n->why[0] && !str_is_utf8(str_of(n->why))) /* cut in the middle of a character */
        n->why[strlen(n->why) - 1] = '\0';
    return strcmp(before, n->why) != 0;
}

static bool has_process(const struct node *n)
{
    return n->state == NODE_STARTING || n->state == NODE_RUNNING || n->state == NODE_STOPPING;
}

static const char *role_name(enum node_role role)
{
    return role == NODE_ROLE_PRIMARY ? "primary" : role == NODE_ROLE_REPLICA ? "replica" : NULL;
}

void node_report(const struct node *n, struct agent_node_report *out)
{
    bool is_alive = has_process(n) && n->run.pid > 0;
    bool is_silent = is_alive && n->is_silent, is_unleased = is_alive && n->is_unleased;

    *out = (struct agent_node_report){
        .node_id = INT_OF(n->id),
        .state = node_state_name(n->state),
        .boot_count = {n->run.boot_count > 0,                 n->run.boot_count},
        .pid = {is_alive,                                     n->run.pid},
        .started_at = {is_alive,n->run.started_ms},
        .crashes = INT_OF(n->crashes),
        .crashed_at = {n->crashed_ms > 0,                              n->crashed_ms},
        .last_exit = n->last_exit[0] ? n->last_exit : NULL,
        .why = n->why[0] ? n->why : NULL,
        .used_memory_bytes = {is_alive && n->used_memory_bytes >= 0,                                     n->used_memory_bytes},
        .connected_clients = {is_alive && n->connected_clients >= 0,n->connected_clients},
        .applied_settings = is_alive && n->applied && *n->applied ? n->applied : NULL,
        .is_reboot_pending = {is_alive && n->statics, n->is_reboot_pending},
        .has_bad_seed = {n->has_bad_seed,                                     true},
        .is_killed = {n->is_killed,                       n->is_killed},
        .is_silent = {is_silent,                is_silent},
        .is_unleased = {is_unleased,                                     is_unleased},
        .build = is_alive && n->run.build[0] ? n->run.build : NULL,
        .role = is_alive ? role_name(n->role) : NULL,
        .term = {is_alive && n->role_term > 0,n->role_term},
        .replication_offset = {n->replication_offset >= 0,                          n->replication_offset},
        .lineage = {is_alive && n->lineage > 0,                                     n->lineage},
        .is_link_up = {is_alive && n->role == NODE_ROLE_REPLICA,             n->is_link_up},
        .log_errors = n->log_errors ? *n->log_errors : (struct agent_node_log_error_list){0                          },
    };
    if (n->task_reports)
        out->tasks = *n->task_reports;
}

struct err node_save(struct nodes *all, struct node *n, enum fs_sync sync)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = {.out = &text, .indent = 2};
    struct agent_node_report report;

    node_report(n, &report);
    json_begin_object(&w);
    json_name_int(&w, "Format", FILE_FORMAT);
    json_name_text(&w, "BootId", all->boot_id);
    json_name_text(&w, "CountedExit", n->counted_exit);
    json_name_bool(&w, "IsHeld", n->is_held);
    json_name_int(&w, "HighestTerm", n->highest_term);
    json_name(&w, "Report");
    shape_json_write(&w, &agent_shape_node_report, &report);
    if (n->goal) {
        struct agent_node_goal goal = *n->goal;
        struct agent_node_seal keyless = {0};

        if (goal.seal)
            goal.seal = &keyless; /* the key is not to lie beside what it opens */
        json_name(&w, "Goal");
        shape_json_write(&w, &agent_shape_node_goal, &goal);
    }
    json_end_object(&w);
    buf_putc(&text, '\n');
    TRY(fs_write_atomic(fs_join(&a, n->dir, FILE_NAME), buf_str(&text), 0600, sync));
    n->is_unsaved = sync == FS_NO_SYNC;
    return OK;
}

static void take_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void take_report(struct node *n, const struct agent_node_report *r, enum node_state state)
{
    n->state = state;
    n->run.boot_count = r->boot_count.value;
    n->run.pid = r->pid.value;
    n->run.started_ms = r->started_at.value;
    n->crashes = r->crashes.value;
    n->crashed_ms = r->crashed_at.value;
    take_text(n->run.build, sizeof(n->run.build), r->build);
    take_text(n->last_exit, sizeof(n->last_exit), r->last_exit);
    node_set_why(n, r->why);
    keep(&n->applied, r->applied_settings);
    n->is_reboot_pending = r->is_reboot_pending.value;
    n->role_term = r->term.value;
}

static struct err take_file(struct arena *a, struct nodes *all, struct node *n,
                            const struct json *file, struct node_past *out)
{
    static const struct err damaged = {ERR_CORRUPT, 0, "node.json is damaged"};
    const struct json *report_json = json_get(file, "Report"), *goal_json = json_get(file, "Goal");
    const struct json *held = json_get(file, "IsHeld"), *term = json_get(file, "HighestTerm");
    const char *boot_id = json_get_text(file, "BootId");
    struct agent_node_report report = {0};
    struct agent_node_goal goal = {0};
    enum node_state state, goal_state;

    if (!report_json || err_failed(shape_json_read(a, &agent_shape_node_report, report_json,
                                                   SHAPE_UNKNOWN_IGNORE, &report)))
        return damaged;
    if (goal_json && err_failed(shape_json_read(a, &agent_shape_node_goal, goal_json,
                                                SHAPE_UNKNOWN_IGNORE, &goal)))
        return damaged;
    if (!node_state_parse(report.state, &state) ||
        (goal_json &&
         (!node_state_parse(goal.state, &goal_state) || !node_state_is_goal(goal_state))))
        return damaged;

    take_report(n, &report, state);
    take_text(n->counted_exit, sizeof(n->counted_exit), json_get_text(file, "CountedExit"));
    n->is_held = held && held->kind == JSON_BOOL && held->boolean;
    if (term && !json_to_i64(term, &n->highest_term))
        return damaged;
    if (goal_json)
        node_set_goal(n, &goal);
    out->is_of_this_boot = boot_id && strcmp(boot_id, all->boot_id) == 0;
    return OK;
}

struct err node_load(struct nodes *all, struct node *n, struct node_past *out)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json file;

    TRY(fs_read_all(fs_join(&a, n->dir, FILE_NAME), FILE_MAX_BYTES, &text));
    if (err_failed(json_parse(&a, buf_str(&text), FILE_DEPTH, &file)))
        return err_make(ERR_CORRUPT, "node.json is not JSON");
    return take_file(&a, all, n, &file, out);
}
