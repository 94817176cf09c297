#include "scene.h"

#include "base/err.h"
#include "controlplane/model/effective.h"
#include "controlplane/reconcile/rules.h"

#include <string.h>

static struct host host_of(const char *id, const char *zone, const char *pool)
{
    return (struct host){
        .id = id,
        .region = "us-east-1",
        .zone = zone,
        .name = id,
        .incarnation = "i",
        .boot_id = "b",
        .agent_version = "v",
        .memory_bytes = 1LL << 32,
        .vcpus = 2,
        .pool = pool,
        .engines = "bundled=0.1.0",
    };
}

void scene_open(struct scene *s)
{
    *s = (struct scene){0};
    s->hosts[0] = host_of("h1", "us-east-1a", "127.77.0.0/24");
    s->hosts[1] = host_of("h2", "us-east-1b", "127.77.1.0/24");
    s->region.region = "us-east-1";
    s->region.hosts = (struct host_list){s->hosts, 2};
    s->region.board = place_new(&s->arena, &s->region.hosts);
    s->view = (struct view){
        .cluster =
            {
                      .id = 1,
                      .account = "000000000000",
                      .region = "us-east-1",
                      .name = "c1",
                      .engine = "redis",
                      .engine_version = "7.1.0",
                      .node_type = "cache.t4g.micro",
                      .port = 6379,
                      .az_mode = "single-az",
                      .preferred_zone = "",
                      .parameter_group = "default.redis7",
                      .notification_topic = "",
                      .notification_status = "",
                      .is_wanted = true,
                      .configuration_version = 1,
                      },
        .nodes = {s->nodes, 0        },
        .region = &s->region,
        .now_ms = 1000,
    };
    scene_add_node(s, "0001");
}

void scene_close(struct scene *s)
{
    arena_fini(&s->arena);
}

struct node *scene_add_node(struct scene *s, const char *number)
{
    check(s->view.nodes.count < SCENE_NODES);
    struct node *n = &s->nodes[s->view.nodes.count++];
    *n = (struct node){
        .id = (int64_t)s->view.nodes.count,
        .cluster_id = 1,
        .number = number,
        .zone = "",
        .is_wanted = true,
        .boot_count = 1,
        .goal = {.host_id = "",           .address = ""},
        .saw = { .host_id = "", .last_exit = "", .why = "", .applied_settings = "", .role = ""},
        .host_zone = "",
    };
    return n;
}

void scene_run(struct scene *s, struct node *n)
{
    n->goal = (struct node_goal){
        .has = true,
        .host_id = "h1",
        .address = arena_printf(&s->arena, "127.77.0.%d", (int)n->id),
        .port = 6379,
        .state = NODE_RUNNING,
        .boot_count = n->boot_count,
        .parameters = parameters_number(&s->view.cluster),
    };
    n->saw = (struct node_saw){
        .has = true,
        .host_id = "h1",
        .state = NODE_RUNNING,
        .boot_count = n->boot_count,
        .pid = 7,
        .last_exit = "",
        .applied_settings = "",
        .role = "",
        .why = "",
    };
    n->host_zone = "us-east-1a";
}

void scene_operate(struct scene *s, enum operation_kind kind, const char *data)
{
    s->view.has_operation = true;
    s->view.operation = (struct operation){
        .id = 1,
        .kind = kind,
        .cluster_id = 1,
        .data = data,
        .why = "",
        .created_ms = 500,
        .deadline_ms = 10000,
    };
}

void scene_decide(struct scene *s)
{
    decisions_init(&s->decisions, &s->arena);
    rules_decide(&s->view, &s->decisions);
}

size_t scene_count(const struct scene *s, enum decision_kind kind)
{
    size_t count = 0;
    vec_each(d, &s->decisions.list)
        count += d->kind == kind;
    return count;
}

const struct decision *scene_last(const struct scene *s, enum decision_kind kind)
{
    const struct decision *last = NULL;
    vec_each(d, &s->decisions.list)
        if (d->kind == kind)
            last = d;
    return last;
}

bool scene_told(const struct scene *s, const char *text)
{
    vec_each(d, &s->decisions.list)
        if (d->kind == DECISION_EVENT && strcmp(d->event.message, text) == 0)
            return true;
    return false;
}
