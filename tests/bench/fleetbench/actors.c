/* Everything is done at once and told at once, so that what is measured is the control plane. */
#include "actors.h"

#include "base/err.h"
#include "base/shape_json.h"
#include "contract/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS       20000
#define EMPTY_PAUSE   100000 /* microseconds, as the agent's link has it */
#define RETRY_US      50000
#define FIRST_OFFSET  1000
#define BUILD         "0.1.0"
#define NODE_MEMORY   (2 << 20)
#define LOST_RETRY_US 200000

int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- telling --- */

/* As late as the network that is played makes it. */
static int64_t soon(struct world *w)
{
    int64_t late_us = w->jitter_ms ? (int64_t)rng_below(&w->rng, (uint64_t)w->jitter_ms * 1000) : 0;

    if (w->loss_percent && rng_below(&w->rng, 100) < (uint64_t)w->loss_percent)
        late_us += LOST_RETRY_US;
    return now_us() + late_us;
}

static void node_changed(struct node *n)
{
    struct actor *a = n->actor;

    n->is_told = a->is_said = false;
    a->has_news = true;
    if (a->was_answered && !a->report.is_busy && a->report_at_us == INT64_MAX)
        a->report_at_us = soon(a->world);
}

static void write_node(const struct node *n, struct buf *out)
{
    static const char *const roles[] = {
        [ROLE_NONE] = "", [ROLE_PRIMARY] = "primary", [ROLE_REPLICA] = "replica"};

    buf_printf(out, "{\"NodeId\":%lld,\"State\":\"%s\",\"BootCount\":%lld,\"Crashes\":%lld",
               (long long)n->id, n->is_running ? "running" : "stopped", (long long)n->boot_count,
               (long long)n->crashes);
    if (n->crashes)
        buf_puts(out, ",\"LastExit\":\"signal 9\"");
    if (n->is_running)
        buf_printf(out,
                   ",\"Pid\":%lld,\"StartedAt\":1700000000,\"UsedMemoryBytes\":%d,"
                   "\"ConnectedClients\":0,\"AppliedSettings\":\"%s\",\"IsRebootPending\":false,"
                   "\"Build\":\"" BUILD "\"",
                   (long long)(1000 + n->id), NODE_MEMORY, n->settings);
    if (n->is_running && n->role != ROLE_NONE)
        buf_printf(out, ",\"Role\":\"%s\",\"Term\":%lld,\"ReplicationOffset\":%lld", roles[n->role],
                   (long long)n->term, (long long)n->offset);
    if (n->is_running && n->role == ROLE_REPLICA)
        buf_printf(out, ",\"IsLinkUp\":%s", n->is_link_up ? "true" : "false");
    buf_putc(out, '}');
}

static void write_nodes(const struct actor *a, bool is_all, struct buf *out)
{
    bool is_first = true;

    buf_putc(out, '[');
    vec_each(at, &a->nodes) {
        if (!is_all && (*at)->is_told)
            continue;
        if (!is_first)
            buf_putc(out, ',');
        is_first = false;
        write_node(*at, out);
    }
    buf_putc(out, ']');
}

static void send_sync(struct actor *a)
{
    struct world *w = a->world;
    scoped(buf_fini) struct buf body = BUF_EMPTY;

    if (!a->is_said) {
        buf_clear(&a->said);
        write_nodes(a, true, &a->said);
        a->is_said = true;
    }
    buf_printf(
        &body,
        "{\"Host\":{\"HostId\":\"played-%d\",\"Name\":\"played-%d\",\"Incarnation\":\"i%d\","
        "\"BootId\":\"b\",\"Region\":\"us-east-1\",\"Zone\":\"us-east-1%c\","
        "\"AgentVersion\":\"" BUILD "\",\"MemoryBytes\":%lld,\"VCpus\":16,"
        "\"Pool\":\"10.%d.%d.0/24\",\"Engines\":[{\"Driver\":\"bundled\",\"Version\":\"" BUILD
        "\"}]},\"MessageNumber\":%lld,\"SeenGeneration\":%lld,\"TakesChanges\":true,\"TakesTopologies\":true,\"WaitMs\":%d,\"Nodes\":",
        a->number, a->number, a->number, 'a' + a->number % w->zones, (long long)w->memory_bytes,
        a->number / 256, a->number % 256, (long long)++a->message_number, (long long)a->generation,
        WAIT_MS);
    buf_add_str(&body, buf_str(&a->said));
    buf_putc(&body, '}');
    a->sync_at_us = INT64_MAX;
    a->sync_sent_us = now_us();
    w->syncs++;
    wire_post(&a->sync, "/agent/v1/sync", buf_str(&body));
}

static void send_report(struct actor *a)
{
    scoped(buf_fini) struct buf body = BUF_EMPTY;

    buf_printf(
        &body,
        "{\"HostId\":\"played-%d\",\"Incarnation\":\"i%d\",\"MessageNumber\":%lld,\"Nodes\":",
        a->number, a->number, (long long)++a->message_number);
    write_nodes(a, false, &body);
    buf_putc(&body, '}');
    vec_each(at, &a->nodes)
        (*at)->is_told = true;
    a->has_news = false;
    a->report_at_us = INT64_MAX;
    a->world->reports++;
    wire_post(&a->report, "/agent/v1/report", buf_str(&body));
}

/* --- links --- */

/* A replica follows a primary that is one by its own term. */
static void look_at_link(struct node *n)
{
    const struct node *from = n->follows ? n->follows->node : NULL;
    bool is_up = n->is_running && n->role == ROLE_REPLICA && from && from->is_running &&
                 from->role == ROLE_PRIMARY && from->term == n->term && !from->actor->is_away;

    if (is_up)
        n->offset = from->offset;
    if (n->is_link_up == is_up)
        return;
    n->is_link_up = is_up;
    node_changed(n);
}

static void tell_followers(struct node *n)
{
    if (!n->spot)
        return;
    vec_each(at, &n->spot->followers)
        if ((*at)->follows == n->spot)
            look_at_link(*at);
}

static void follow(struct node *n, struct spot *whom)
{
    if (n->follows == whom)
        return;
    n->follows = whom;
    if (whom)
        *vec_add(&n->actor->world->arena, &whom->followers) = n;
}

static struct spot *spot_of(struct world *w, const char *address, int64_t port)
{
    char place[64];

    snprintf(place, sizeof(place), "%s:%lld", address ? address : "", (long long)port);
    struct spot *spot = map_get(&w->spots, str_of(place));
    if (!spot) {
        spot = arena_new(&w->arena, struct spot);
        map_put(&w->spots, str_of(place), spot);
    }
    return spot;
}

/* --- goals --- */

static struct node *node_of(struct actor *a, int64_t id)
{
    vec_each(at, &a->nodes)
        if ((*at)->id == id)
            return *at;
    struct node *n = arena_zalloc(&a->world->arena, sizeof(*n));
    n->id = id;
    n->actor = a;
    *vec_add(&a->world->arena, &a->nodes) = n;
    *vec_add(&a->world->arena, &a->world->nodes) = n;
    return n;
}

/* One that follows somebody is told to be the primary: somebody decided. */
static void note_promotion(struct node *n)
{
    struct node *old = n->follows ? n->follows->node : NULL;

    if (!old)
        return;
    if (old->crashed_us) {
        printf("failover %lld\n", (long long)(now_us() - old->crashed_us));
        fflush(stdout);
        old->crashed_us = 0;
        n->actor->world->failovers++;
    } else {
        n->actor->world->surprises++;
    }
}

static void take_role(struct node *n, const struct agent_node_role *r)
{
    struct world *w = n->actor->world;
    bool is_primary = r->is_primary.value && !r->is_fenced.value;

    if (r->term.value < n->term ||
        (is_primary && r->life.value > 0 && r->life.value != n->crashes + 1))
        return;
    if (is_primary && n->role == ROLE_REPLICA)
        note_promotion(n);
    n->term = r->term.value;
    n->role = r->is_primary.value ? ROLE_PRIMARY : ROLE_REPLICA;
    if (n->role == ROLE_PRIMARY) {
        n->offset = n->offset > FIRST_OFFSET ? n->offset : FIRST_OFFSET;
        n->is_link_up = false;
        follow(n, NULL);
        return;
    }
    follow(n, spot_of(w, r->primary_address, r->primary_port.value));
}

static void stop(struct node *n)
{
    n->is_running = n->is_link_up = false;
    n->role = ROLE_NONE;
    n->term = n->offset = 0;
    n->settings[0] = '\0';
}

static void take_goal(struct node *n, const struct agent_node_goal *g)
{
    bool is_wanted = g->state && strcmp(g->state, "running") == 0;
    const char *settings = g->settings_version ? g->settings_version : "";

    n->spot = spot_of(n->actor->world, g->address, g->port.value);
    n->spot->node = n;
    if (g->restarts_after_exit.value || g->boot_count.value > n->boot_count)
        n->is_held = false;
    bool may_run = is_wanted && !n->is_held;
    bool is_same = n->is_running == may_run && n->boot_count == g->boot_count.value &&
                   strcmp(n->settings, settings) == 0;
    if (is_same)
        return;
    if (!may_run || n->boot_count != g->boot_count.value)
        stop(n);
    if (may_run) {
        n->is_running = true;
        n->boot_count = g->boot_count.value;
        snprintf(n->settings, sizeof(n->settings), "%s", settings);
        if (g->role)
            take_role(n, g->role);
    }
    n->actor->world->told_us = now_us();
    node_changed(n);
    look_at_link(n);
    tell_followers(n);
}

static void drop_absent(struct actor *a, const struct agent_node_goal_list *goals, bool are_all)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->nodes.count; i++) {
        struct node *n = a->nodes.items[i];
        bool is_wanted = !are_all;
        for (size_t k = 0; k < goals->count; k++)
            if (goals->items[k].node_id.value == n->id)
                is_wanted = strcmp(goals->items[k].state, "absent") != 0;
        if (is_wanted) {
            a->nodes.items[kept++] = n;
            continue;
        }
        stop(n);
        tell_followers(n);
        if (n->spot && n->spot->node == n)
            n->spot->node = NULL;
        a->is_said = false;
        a->sync_at_us = now_us();
    }
    a->nodes.count = kept;
}

/* False when nothing new was told. */
static bool take_goals(struct actor *a, struct str body)
{
    scoped(arena_fini) struct arena arena = {0};
    struct agent_sync_out answer = {0};

    struct err e = shape_json_parse(&arena, service_op(&service_agent, "Sync")->out, body,
                                    SHAPE_UNKNOWN_IGNORE, &answer);
    check(!err_failed(e));
    if (!answer.is_changed.value)
        return false;
    a->generation = answer.generation.value;
    for (size_t i = 0; i < answer.goals.count; i++)
        if (strcmp(answer.goals.items[i].state, "absent") != 0)
            take_goal(node_of(a, answer.goals.items[i].node_id.value), &answer.goals.items[i]);
    drop_absent(a, &answer.goals, !answer.is_partial.value);
    return true;
}

/* --- answers --- */

static void on_sync(struct wire *wire, int status, struct str body)
{
    struct actor *a = wire->context;

    if (a->is_away)
        return;
    if (status != 200) {
        a->sync_at_us = now_us() + RETRY_US;
        return;
    }
    a->was_answered = true;
    bool is_news = take_goals(a, body);
    bool was_quick = now_us() - a->sync_sent_us < EMPTY_PAUSE;
    a->sync_at_us = soon(a->world) + (was_quick && !is_news ? EMPTY_PAUSE : 0);
    if (a->has_news && !a->report.is_busy && a->report_at_us == INT64_MAX)
        a->report_at_us = soon(a->world);
}

static void on_report(struct wire *wire, int status, struct str body)
{
    struct actor *a = wire->context;

    (void)body;
    if (a->is_away)
        return;
    if (status != 200)
        vec_each(at, &a->nodes)
            (*at)->is_told = false;
    if (status != 200 || a->has_news)
        a->report_at_us = status == 200 ? soon(a->world) : now_us() + RETRY_US;
}

/* --- the world --- */

void world_open(struct world *w)
{
    w->actors = arena_zalloc(&w->arena, (size_t)w->count * sizeof(*w->actors));
    map_init(&w->spots);
    for (int i = 0; i < w->count; i++) {
        struct actor *a = &w->actors[i];
        a->world = w;
        a->number = i;
        a->report_at_us = INT64_MAX;
        a->sync_at_us = now_us() + (int64_t)rng_below(&w->rng, 1000000);
        wire_init(&a->sync, w->epoll_fd, &w->server, on_sync, a);
        wire_init(&a->report, w->epoll_fd, &w->server, on_report, a);
    }
}

int64_t world_step(struct world *w, int64_t now)
{
    int64_t next = INT64_MAX;

    for (int i = 0; i < w->count; i++) {
        struct actor *a = &w->actors[i];
        if (a->is_away)
            continue;
        if (a->report_at_us <= now && !a->report.is_busy)
            send_report(a);
        if (a->sync_at_us <= now && !a->sync.is_busy)
            send_sync(a);
        if (a->report_at_us < next && !a->report.is_busy)
            next = a->report_at_us;
        if (a->sync_at_us < next && !a->sync.is_busy)
            next = a->sync_at_us;
    }
    return next;
}

bool node_may_crash(const struct node *n)
{
    if (!n->is_running || n->role != ROLE_PRIMARY || n->actor->is_away)
        return false;
    vec_each(at, &n->spot->followers)
        if ((*at)->follows == n->spot && (*at)->is_link_up)
            return true;
    return false;
}

void node_crash(struct node *n)
{
    stop(n);
    n->crashes++;
    n->is_held = true;
    n->crashed_us = n->actor->world->crashed_us = now_us();
    node_changed(n);
    tell_followers(n);
}

void actor_leave(struct actor *a)
{
    a->is_away = true;
    wire_fini(&a->sync);
    wire_fini(&a->report);
    vec_each(at, &a->nodes)
        tell_followers(*at);
}

void actor_return(struct actor *a)
{
    a->is_away = a->is_said = a->was_answered = false;
    a->generation = 0;
    a->sync_at_us = now_us();
    vec_each(at, &a->nodes) {
        struct node *n = *at;
        if (n->is_running)
            n->crashes++;
        n->is_held = n->is_running;
        stop(n);
    }
}
