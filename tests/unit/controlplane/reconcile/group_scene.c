#include "group_scene.h"

#include "base/err.h"
#include "controlplane/model/settings.h"

#include <string.h>

#define GIB ((int64_t)1 << 30)

static void add_host(struct group_scene *s, size_t i)
{
    char letter = (char)('a' + i);

    s->hosts[i] = (struct host){
        .id = arena_printf(&s->arena, "h%zu", i + 1),
        .region = "us-east-1",
        .zone = arena_printf(&s->arena, "us-east-1%c", letter),
        .name = arena_printf(&s->arena, "h%zu", i + 1),
        .memory_bytes = 4 * GIB,
        .pool = arena_printf(&s->arena, "127.77.%zu.0/24", i + 1),
        .engines = "bundled=1",
    };
}

static void add_member(struct group_scene *s, size_t at, struct shard *shard)
{
    s->nodes[at] = (struct node){
        .id = (int64_t)at + 1,
        .cluster_id = (int64_t)at + 1,
        .number = "0001",
        .zone = "",
        .engine_id = arena_printf(&s->arena, "n%zu", at + 1),
        .is_wanted = true,
        .boot_count = 1,
        .goal = {.host_id = "",           .address = ""},
        .saw = { .host_id = "", .last_exit = "", .why = "", .applied_settings = "", .role = ""},
        .host_zone = "",
    };
    s->members[at] = (struct view){
        .cluster =
            {
                      .id = (int64_t)at + 1,
                      .group_id = 1,
                      .shard_id = shard->id,
                      .account = "000000000000",
                      .region = "us-east-1",
                      .name = arena_printf(&s->arena, "rg-%03zu", at + 1),
                      .engine = "redis",
                      .engine_version = "7.1.0",
                      .node_type = "cache.t4g.micro",
                      .port = 6379,
                      .az_mode = "cross-az",
                      .preferred_zone = "",
                      .parameter_group = "default.redis7",
                      .notification_topic = "",
                      .notification_status = "",
                      .is_wanted = true,
                      .created_ms = 500,
                      },
        .nodes = {&s->nodes[at], 1},
        .region = &s->region,
        .now_ms = 1000,
    };
}

void group_scene_open(struct group_scene *s, size_t shards, size_t members)
{
    *s = (struct group_scene){0};
    for (size_t i = 0; i < 3; i++)
        add_host(s, i);
    s->region.region = "us-east-1";
    s->region.hosts = (struct host_list){s->hosts, 3};
    s->region.board = place_new(&s->arena, &s->region.hosts);
    for (size_t i = 0; i < shards; i++) {
        s->shards[i] = (struct shard){
            .id = (int64_t)i + 1,
            .group_id = 1,
            .number = i == 0 ? "0001" : "0002",
            .engine_id = i == 0 ? "s1" : "s2",
            .slots = shards == 1 ? ""
                     : i == 0    ? "0-8191"
                                 : "8192-16383",
            .is_wanted = true,
            .endpoints = {.address = "", .reader_address = ""},
        };
        for (size_t k = 0; k < members; k++)
            add_member(s, i * members + k, &s->shards[i]);
    }
    s->view = (struct group_view){
        .group = {.id = 1,
                  .account = "000000000000",
                  .region = "us-east-1",
                  .name = "rg",
                  .mode = shards > 1 ? CLUSTER_MODE_ENABLED : CLUSTER_MODE_DISABLED,
                  .common = {.notification_topic = "", .notification_status = ""},
                  .has_failover = true,
                  .is_wanted = true},
        .shards = {s->shards,                                             shards},
        .members = s->members,
        .member_count = shards * members,
        .topology = {.words = ""},
        .region = &s->region,
        .now_ms = 1000,
    };
}

void group_scene_close(struct group_scene *s)
{
    arena_fini(&s->arena);
}

void group_scene_obey(struct group_scene *s, size_t member, int64_t offset)
{
    struct node *n = &s->nodes[member];
    const struct shard *shard = member_shard(&s->view, &s->members[member]);
    const struct shard_goal *goal = &shard->goal;
    const struct shard_lease *lease = &shard->lease;
    struct settings_version v = {.parameters = n->goal.parameters,
                                 .epoch = n->goal.is_clustered ? s->view.topology.epoch : 0,
                                 .voters = lease->number};
    bool is_named = goal->primary_id == n->cluster_id || goal->fenced_id == n->cluster_id;
    bool is_primary = is_named && !lease->vacated_ms;

    settings_take_role(&v, goal, &shard->endpoints, n->cluster_id);
    n->saw = (struct node_saw){
        .has = true,
        .host_id = n->goal.host_id,
        .state = NODE_RUNNING,
        .boot_count = n->boot_count,
        .last_exit = "",
        .why = "",
        .applied_settings = settings_version_text(&s->arena, &v),
        .role = is_primary ? "primary" : "replica",
        .term = v.term,
        .offset = offset,
        .lineage = 1,
        .is_link_up = !is_primary && !lease->vacated_ms,
    };
}

void group_scene_run(struct group_scene *s)
{
    group_scene_decide(s);
    for (size_t i = 0; i < s->view.member_count; i++)
        group_scene_obey(s, i, 100);
    group_scene_decide(s); /* links are up: the topology says so */
    for (size_t i = 0; i < s->view.member_count; i++)
        group_scene_obey(s, i, 100);
}

void group_scene_kill(struct group_scene *s, size_t member)
{
    struct node_saw *saw = &s->nodes[member].saw;

    saw->state = NODE_STOPPED;
    saw->crashes++;
    saw->crashed_ms = s->view.now_ms;
    saw->role = "";
}

void group_scene_cut(struct group_scene *s, size_t member, int64_t offset)
{
    s->nodes[member].saw.is_link_up = false;
    s->nodes[member].saw.offset = offset;
}

void group_scene_lease(struct group_scene *s)
{
    s->view.has_vote = true;
    for (size_t i = 0; i < s->region.hosts.count; i++)
        s->hosts[i].peer_port = 7000;
    group_scene_run(s);
    group_scene_run(s);
}

static struct host *host_of(struct group_scene *s, size_t member)
{
    for (size_t i = 0; i < s->region.hosts.count; i++)
        if (strcmp(s->hosts[i].id, s->nodes[member].goal.host_id) == 0)
            return &s->hosts[i];
    return NULL;
}

void group_scene_hush(struct group_scene *s, size_t member, bool is_silent)
{
    struct host *h = host_of(s, member);

    h->is_quiet = true;
    h->is_silent = is_silent;
    h->silent_ms = is_silent ? s->view.now_ms : 0;
}

void group_scene_hear(struct group_scene *s, size_t member)
{
    struct host *h = host_of(s, member);

    h->is_quiet = h->is_silent = false;
    h->silent_ms = 0;
}

void group_scene_promise(struct group_scene *s, const char *voter, int64_t term)
{
    promises_add(&s->arena, &s->view.promises, voter, s->shards[0].id, term);
}

void group_scene_operate(struct group_scene *s, enum group_operation_kind kind, const char *data)
{
    s->view.has_operation = true;
    s->view.operation = (struct group_operation){
        .id = 1,
        .kind = kind,
        .group_id = 1,
        .data = data,
        .why = "",
        .created_ms = 500,
        .deadline_ms = 10000,
    };
}

void group_scene_decide(struct group_scene *s)
{
    decisions_init(&s->decisions, &s->arena);
    groups_decide(&s->view, &s->decisions);
}

size_t group_scene_count(const struct group_scene *s, enum decision_kind kind)
{
    size_t count = 0;
    vec_each(d, &s->decisions.list)
        count += d->kind == kind;
    return count;
}

bool group_scene_told(const struct group_scene *s, const char *text)
{
    vec_each(d, &s->decisions.list)
        if (d->kind == DECISION_EVENT && strcmp(d->event.message, text) == 0)
            return true;
    return false;
}
