#include "box.h"

#include "base/buf.h"
#include "base/fs.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/model/snapshot.h"
#include "controlplane/model/updates.h"
#include "controlplane/pki/pki.h"
#include "controlplane/reconcile/reconcile.h"
#include "controlplane/store/certificates.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/slot_moves.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/tasks.h"
#include "controlplane/store/wall_clock.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB          ((int64_t)1 << 30)
#define START_MS     1700000000000
#define QUIET_ROUNDS 2
#define REST_MS      1100 /* longer than anything that the rules wait for while all goes well */
#define JUMP_MS      30000
#define JUMPS_MOST   120                         /* an hour */
#define LONG_MS      (25 * 3600 * (int64_t)1000) /* longer than any operation waits */
#define STREAM       100                         /* how far every engine has come that has data */

struct box box;

/* --- time --- */

static int64_t wall_ms(const struct clock *c)
{
    (void)c;
    return atomic_load(&box.wall_ms);
}

static int64_t boot_ms(const struct clock *c)
{
    (void)c;
    return atomic_load(&box.boot_ms);
}

static void pass(int64_t ms)
{
    atomic_fetch_add(&box.wall_ms, ms);
    atomic_fetch_add(&box.boot_ms, ms);
}

void box_set_clock(int64_t by_ms)
{
    atomic_fetch_add(&box.wall_ms, by_ms);
}

/* --- the control plane --- */

static void open_plane(void)
{
    struct fleet_conf fleet = {.clock = &box.clock,
                               .beat_ms = 1000,
                               .quiet_ms = INT64_MAX / 8,
                               .silent_ms = INT64_MAX / 4,
                               .keys = {0}};
    struct reconcile_conf reconcile = {.clock = &box.clock,
                                       .authority = &box.authority,
                                       .dns_zone = "cache.larder.internal",
                                       .failpoint =
                                           box.failpoint.operation ? &box.failpoint : NULL};

    must(store_open(&box.f.arena, box.f.path, &box.f.store));
    must(store_watch_clock(box.f.store, &box.f.arena, &box.clock, "this boot"));
    box.ops = ops_new(box.f.store, &box.ops_conf);
    must(fleet_start(box.f.store, &fleet, &box.fleet));
    box.reconciler = reconcile_new(box.f.store, &reconcile);
    box.revision = 0;
    box.lives++;
}

static void close_plane(void)
{
    store_rollback(&box.f.tx);
    reconcile_stop(box.reconciler);
    fleet_stop(box.fleet);
    ops_free(box.ops);
    store_close(box.f.store);
    box.f.store = NULL;
    box.reconciler = NULL;
    box.fleet = NULL;
    box.ops = NULL;
}

void box_restart(void)
{
    close_plane();
    open_plane();
}

static struct box_host host_of(const char *name, const char *region, const char *zone,
                               const char *pool)
{
    return (struct box_host){
        .name = name, .incarnation = "first", .region = region, .zone = zone, .pool = pool};
}

static void make_authority(void)
{
    struct pki_identity made;

    must(pki_authority_new(&box.lasting, "Larder", START_MS, &made));
    box.authority = (struct authority){made.certificate, made.private_key, made.not_after_ms};
    fixture_begin(&box.f, STORE_WRITE);
    must(store_authority_put(box.f.tx, &box.authority));
    fixture_commit(&box.f);
}

/* In memory where that can be had: what a disk survives is not what is asked here, and hundreds of
 * runs sync it often. */
static void open_dir(void)
{
    box.f = (struct fixture){.dir = "/dev/shm/larder-box-XXXXXX"};
    if (!mkdtemp(box.f.dir)) {
        box.f = (struct fixture){.dir = "/tmp/larder-box-XXXXXX"};
        cr_assert_not_null(mkdtemp(box.f.dir));
    }
    box.f.path = arena_printf(&box.f.arena, "%s/larder.db", box.f.dir);
}

void box_open(void)
{
    static const char *const regions[] = {BOX_HERE, BOX_THERE};

    box.clock = (struct clock){wall_ms, boot_ms};
    atomic_init(&box.wall_ms, START_MS);
    atomic_init(&box.boot_ms, 1000);
    box.ops_conf = (struct ops_conf){
        .regions = regions,
        .region_count = 2,
        .default_account = "000000000000",
        .dns_zone = "cache.larder.internal",
        .endpoint_mode = ENDPOINT_ADDRESS,
        .is_network_open = true,
        .clock = &box.clock,
        .update_days = UPDATE_DAYS_BY_SEVERITY,
    };
    box.caller = (struct caller){"000000000000", BOX_HERE, "AKID", "id"};
    box.build = "0.1.0";
    box.hosts[0] = host_of("h1", BOX_HERE, "us-east-1a", "127.1.1.0/24");
    box.hosts[1] = host_of("h2", BOX_HERE, "us-east-1b", "127.1.2.0/24");
    box.hosts[2] = host_of("h3", BOX_HERE, "us-east-1c", "127.1.3.0/24");
    box.hosts[3] = host_of("t1", BOX_THERE, "eu-west-1a", "127.2.1.0/24");
    box.hosts[4] = host_of("t2", BOX_THERE, "eu-west-1b", "127.2.2.0/24");
    open_dir();
    open_plane();
    make_authority();
    box_settle();
}

void box_close(void)
{
    if (box.f.store)
        close_plane();
    fixture_close(&box.f);
    for (size_t i = 0; i < BOX_HOSTS; i++)
        arena_fini(&box.hosts[i].goals_arena);
    arena_fini(&box.lasting);
}

/* --- going back --- */

static struct {
    struct box_host hosts[BOX_HOSTS];
    int64_t wall_ms, boot_ms;
} kept;

static const char *kept_path(void)
{
    return arena_printf(&box.f.arena, "%s/kept.db", box.f.dir);
}

static void copy_file(const char *from, const char *to)
{
    scoped(buf_fini) struct buf bytes = BUF_EMPTY;

    must(fs_read_all(from, 64 << 20, &bytes));
    FILE *out = fopen(to, "w");
    cr_assert_not_null(out);
    cr_assert_eq(fwrite(bytes.ptr, 1, bytes.len, out), bytes.len);
    fclose(out);
}

void box_keep(void)
{
    close_plane();
    copy_file(box.f.path, kept_path());
    for (size_t i = 0; i < BOX_HOSTS; i++) {
        kept.hosts[i] = box.hosts[i];
        kept.hosts[i].goals_arena = (struct arena){0};
        kept.hosts[i].goals = (struct agent_node_goal_list){0};
        kept.hosts[i].generation = 0;
    }
    kept.wall_ms = atomic_load(&box.wall_ms);
    kept.boot_ms = atomic_load(&box.boot_ms);
}

void box_go_back(void)
{
    if (box.f.store)
        close_plane();
    unlink(arena_printf(&box.f.arena, "%s-wal", box.f.path));
    unlink(arena_printf(&box.f.arena, "%s-shm", box.f.path));
    copy_file(kept_path(), box.f.path);
    for (size_t i = 0; i < BOX_HOSTS; i++) {
        arena_fini(&box.hosts[i].goals_arena);
        box.hosts[i] = kept.hosts[i];
    }
    atomic_store(&box.wall_ms, kept.wall_ms);
    atomic_store(&box.boot_ms, kept.boot_ms);
    box.lives = box.rounds = 0;
    box.build = "0.1.0";
    box.fails_kind = NULL;
    box.caller.region = BOX_HERE;
    open_plane();
}

/* --- hosts --- */

static const char *lasting(const char *text)
{
    return text ? arena_strdup(&box.lasting, text) : NULL;
}

static struct box_node *find_node(struct box_host *h, int64_t id)
{
    for (size_t i = 0; i < h->node_count; i++)
        if (h->nodes[i].id == id)
            return &h->nodes[i];
    return NULL;
}

static struct box_node *add_node(struct box_host *h, const struct agent_node_goal *g)
{
    cr_assert_lt(h->node_count, BOX_NODES);
    struct box_node *n = &h->nodes[h->node_count++];

    *n = (struct box_node){.id = g->node_id.value,
                           .cluster = lasting(g->cluster),
                           .address = lasting(g->address),
                           .port = (int)g->port.value,
                           .applied = ""};
    return n;
}

static void remove_node(struct box_host *h, struct box_node *n)
{
    size_t at = (size_t)(n - h->nodes);

    memmove(n, n + 1, (h->node_count - at - 1) * sizeof(*n));
    h->node_count--;
    h->has_news = true;
}

/* The process ends, and what it had is gone with it. */
static void stop_node(struct box_node *n)
{
    n->is_running = n->has_role = n->is_primary = n->is_link_up = n->is_outside = false;
    n->offset = n->term = 0;
    n->applied = "";
    n->task_count = 0;
}

static const struct box_node *primary_at(const char *address, int64_t port)
{
    for (size_t i = 0; i < BOX_HOSTS; i++)
        for (size_t k = 0; k < box.hosts[i].node_count; k++) {
            const struct box_node *n = &box.hosts[i].nodes[k];
            if (n->is_running && n->port == port && address && strcmp(n->address, address) == 0)
                return n;
        }
    return NULL;
}

/* False when the order is an old one, or not for this life of the engine. */
static bool take_role(struct box_node *n, const struct agent_node_role *r)
{
    bool is_other_life = r->life.value > 0 && r->life.value != n->crashes + 1;

    if (r->term.value < n->term || (r->is_primary.value && is_other_life) ||
        (r->is_primary.value && r->after_offset.value > n->offset))
        return false;
    n->has_role = true;
    n->term = r->term.value;
    n->is_primary = r->is_primary.value;
    n->is_outside = r->is_outside.value;
    if (n->is_primary)
        n->offset = STREAM;
    return true;
}

static void follow(struct box_node *n, const struct agent_node_role *r)
{
    const struct box_node *from = primary_at(r->primary_address, r->primary_port.value);
    bool has_source =
        n->is_outside ? !from || from->offset > 0 : from && (from->is_primary || from->is_outside);

    n->is_link_up = n->has_role && !n->is_primary && has_source;
    if (n->is_link_up)
        n->offset = STREAM;
}

static void run_node(struct box_node *n, const struct agent_node_goal *g)
{
    bool is_new_life = n->is_running && g->boot_count.value > n->boot_count;
    bool may_start =
        n->crashes == 0 || g->restarts_after_exit.value || g->boot_count.value > n->boot_count;

    if (is_new_life)
        stop_node(n);
    if (!n->is_running && may_start) {
        n->is_running = true;
        n->boot_count = g->boot_count.value;
        n->version = lasting(g->engine_version);
        n->build = box.build;
    }
    if (!n->is_running)
        return;
    n->is_reboot_pending = strcmp(n->version, g->engine_version) != 0;
    bool is_other = strcmp(n->applied, g->settings_version ? g->settings_version : "") != 0;
    if (is_other && (!g->role || take_role(n, g->role)))
        n->applied = lasting(g->settings_version);
    if (g->role)
        follow(n, g->role);
}

static void keep_part(int64_t task_id)
{
    struct snapshot_part part;
    struct kept_bytes bytes = {100, "00", ""};
    int64_t file_id;

    fixture_begin(&box.f, STORE_WRITE);
    if (!err_failed(store_part_of_task(box.f.tx, task_id, &part)))
        must(store_part_keep(box.f.tx, part.id, &bytes, wall_ms(NULL), &file_id));
    fixture_commit(&box.f);
}

static void do_task(struct box_node *n, const struct agent_node_task *t)
{
    for (size_t i = 0; i < n->task_count; i++)
        if (n->tasks[i].id == t->task_id.value)
            return;
    bool fails = box.fails_kind && strcmp(box.fails_kind, t->kind) == 0 && box.fails_left > 0;
    box.fails_left -= fails;
    if (!fails && strcmp(t->kind, SNAPSHOT_TASK) == 0)
        keep_part(t->task_id.value);
    if (n->task_count == BOX_TASKS) /* the oldest is told of no more */
        memmove(n->tasks, n->tasks + 1, --n->task_count * sizeof(n->tasks[0]));
    n->tasks[n->task_count++] = (struct box_task){t->task_id.value, fails};
}

static void obey(struct box_host *h, const struct agent_node_goal *g)
{
    struct box_node *n = find_node(h, g->node_id.value);

    if (strcmp(g->state, "absent") == 0) {
        if (n)
            remove_node(h, n);
        return;
    }
    if (!n)
        n = add_node(h, g);
    struct box_node before = *n;
    if (strcmp(g->state, "running") == 0)
        run_node(n, g);
    else
        stop_node(n);
    for (size_t i = 0; n->is_running && i < g->tasks.count; i++)
        do_task(n, &g->tasks.items[i]);
    h->has_news |= memcmp(&before, n, sizeof(before)) != 0;
}

static bool is_named(const struct box_host *h, int64_t id)
{
    for (size_t i = 0; i < h->goals.count; i++)
        if (h->goals.items[i].node_id.value == id)
            return true;
    return false;
}

static struct agent_node_report report_of(const struct box_node *n)
{
    struct arena *a = &box.f.arena;
    struct agent_node_report r = {
        .node_id = INT_OF(n->id),
        .state = n->is_running ? "running" : "stopped",
        .boot_count = INT_OF(n->boot_count),
        .pid = INT_OF(n->is_running ? 4711 : 0),
        .crashes = INT_OF(n->crashes),
        .applied_settings = n->applied,
        .build = n->is_running ? n->build : NULL,
        .is_reboot_pending = BOOL_OF(n->is_reboot_pending),
        .role = !n->has_role    ? NULL
                : n->is_primary ? "primary"
                                : "replica",
        .term = INT_OF(n->term),
        .replication_offset = INT_OF(n->offset),
        .is_link_up = BOOL_OF(n->is_link_up),
        .used_memory_bytes = INT_OF(1 << 20),
    };

    r.tasks.items = arena_array(a, n->task_count, sizeof(*r.tasks.items));
    r.tasks.count = n->task_count;
    r.tasks.has = n->task_count > 0;
    for (size_t i = 0; i < n->task_count; i++)
        r.tasks.items[i] = (struct agent_node_task_report){
            .task_id = INT_OF(n->tasks[i].id),
            .state = n->tasks[i].has_failed ? "failed" : "done",
            .why = n->tasks[i].has_failed ? "it was told to fail" : NULL,
            .percent = INT_OF(n->tasks[i].has_failed || box.fails_kind ? 0 : 100),
        };
    return r;
}

static struct agent_sync_in *sync_of(struct box_host *h)
{
    struct arena *a = &box.f.arena;
    struct agent_host *host = arena_new(a, struct agent_host);
    struct agent_host_engine *engine = arena_new(a, struct agent_host_engine);
    struct agent_sync_in *in = arena_new(a, struct agent_sync_in);

    *engine = (struct agent_host_engine){.driver = "bundled", .version = box.build};
    *host = (struct agent_host){
        .host_id = h->name,
        .name = h->name,
        .incarnation = h->incarnation,
        .boot_id = "boot",
        .region = h->region,
        .zone = h->zone,
        .memory_bytes = INT_OF(256 * GIB),
        .v_cpus = INT_OF(16),
        .pool = h->pool,
        .engines = {true, 1, engine},
    };
    *in = (struct agent_sync_in){.host = host,
                                 .seen_generation = INT_OF(h->generation),
                                 .message_number = INT_OF(++h->message_number)};
    in->nodes.has = true;
    in->nodes.count = h->node_count;
    in->nodes.items = arena_array(a, h->node_count, sizeof(*in->nodes.items));
    for (size_t i = 0; i < h->node_count; i++)
        in->nodes.items[i] = report_of(&h->nodes[i]);
    return in;
}

/* Goals are used after the answer's arena is gone. */
static void take_goals(struct box_host *h, const struct agent_sync_out *out)
{
    h->generation = out->generation.value;
    h->goals = out->goals;
}

static void beat(struct box_host *h)
{
    struct agent_sync_out out = {0};
    int64_t wait_ms;

    must(fleet_sync(box.fleet, &h->goals_arena, sync_of(h), !h->has_news, false, &out, &wait_ms));
    h->has_news = false;
    if (out.is_changed.value)
        take_goals(h, &out);
    for (size_t i = h->node_count; i > 0; i--)
        if (!is_named(h, h->nodes[i - 1].id))
            remove_node(h, &h->nodes[i - 1]);
    for (size_t i = 0; i < h->goals.count; i++)
        obey(h, &h->goals.items[i]);
}

static struct box_node *find_primary(const char *group, struct box_host **out_host)
{
    for (size_t i = 0; i < BOX_HOSTS; i++)
        for (size_t k = 0; k < box.hosts[i].node_count; k++) {
            struct box_node *n = &box.hosts[i].nodes[k];
            if (!n->is_primary || !str_starts(str_of(n->cluster), group))
                continue;
            *out_host = &box.hosts[i];
            return n;
        }
    return NULL;
}

bool box_has_primary(const char *group)
{
    struct box_host *host;
    return find_primary(group, &host) != NULL;
}

void box_kill_primary(const char *group)
{
    struct box_host *host;
    struct box_node *n = find_primary(group, &host);

    cr_assert_not_null(n, "%s has no primary", group);
    stop_node(n);
    n->crashes++;
    host->has_news = true;
}

/* --- rounds --- */

bool box_is_busy(void)
{
    int64_t *ids;
    size_t count;
    bool is_busy = false;

    fixture_begin(&box.f, STORE_READ);
    must(store_cluster_ids(box.f.tx, &ids, &count));
    for (size_t i = 0; i < count && !is_busy; i++) {
        struct cluster c;
        struct operation o;
        struct group_operation g;
        must(store_cluster_get(box.f.tx, ids[i], &c));
        is_busy =
            !err_failed(store_operation_running(box.f.tx, c.id, &o)) ||
            (c.group_id && !err_failed(store_group_operation_running(box.f.tx, c.group_id, &g)));
    }
    store_rollback(&box.f.tx);
    return is_busy;
}

static void pass_once(void)
{
    bool was_over = box.failpoint.is_over;

    reconcile_pass(box.reconciler);
    bool has_fault = box.failpoint.is_over && !was_over && !box.is_patient;
    if (has_fault || ++box.rounds == box.ends_after)
        box_restart();
}

bool box_round(void)
{
    bool has_news = false;

    for (size_t i = 0; i < BOX_HOSTS; i++)
        beat(&box.hosts[i]);
    pass_once();
    pass(BOX_ROUND_MS);
    for (size_t i = 0; i < BOX_HOSTS; i++)
        has_news |= box.hosts[i].has_news;
    uint64_t revision = store_revision(box.f.store);
    has_news |= revision != box.revision;
    box.revision = revision;
    return has_news;
}

static void await_quiet(void)
{
    for (int quiet = 0; quiet < QUIET_ROUNDS;)
        quiet = box_round() ? 0 : quiet + 1;
}

static void calm_down(void)
{
    do {
        await_quiet();
        pass(REST_MS);
    } while (box_round());
}

bool box_wait(void)
{
    calm_down();
    for (int i = 0; i < JUMPS_MOST && box_is_busy(); i++) {
        pass(JUMP_MS);
        calm_down();
    }
    return !box_is_busy();
}

void box_settle(void)
{
    if (box_wait())
        return;
    pass(LONG_MS);
    cr_assert(box_wait(), "an operation has no end:\n%s", box_text());
}

struct err box_run(const char *name, const void *in, void *out)
{
    const struct op_desc *op = service_op(&service_elasticache, name);

    cr_assert_not_null(op);
    store_rollback(&box.f.tx);
    return ops_run(box.ops, &box.f.arena, &box.caller, &service_elasticache, op, in, out);
}

/* --- the end --- */

static void check_member(const struct shard *s, const struct cluster *m)
{
    struct node_list nodes;
    bool is_primary = s->goal.primary_id == m->id;

    must(store_node_list(box.f.tx, m->id, &nodes));
    cr_assert(m->is_wanted && nodes.count == 1, "%s\n%s", m->name, box_text());
    const struct node_saw *saw = &nodes.items[0].saw;
    bool is_well = saw->state == NODE_RUNNING && saw->term == s->goal.term &&
                   strcmp(saw->role, is_primary ? "primary" : "replica") == 0 &&
                   (is_primary || saw->is_link_up);
    cr_assert(is_well, "%s is not what it should be:\n%s", m->name, box_text());
}

static void check_group(const struct replication_group *g)
{
    struct shard_list shards;
    struct slot_move_list moves;
    struct cluster *members;
    size_t count, primaries = 0;

    must(store_shard_list(box.f.tx, &g->id, 1, &shards));
    must(store_group_members(box.f.tx, &g->id, 1, &members, &count));
    must(store_slot_move_list(box.f.tx, &g->id, 1, &moves));
    for (size_t i = 0; i < shards.count; i++)
        for (size_t k = 0; k < count; k++)
            if (members[k].shard_id == shards.items[i].id) {
                check_member(&shards.items[i], &members[k]);
                primaries += shards.items[i].goal.primary_id == members[k].id;
            }
    cr_assert(g->is_wanted && primaries == shards.count && moves.count == 0, "%s", box_text());
    for (size_t i = 0; i < shards.count; i++)
        cr_assert_eq(shards.items[i].goal.fenced_id, 0, "%s", box_text());
}

void box_check_whole(void)
{
    struct replication_group *groups;
    size_t count;

    fixture_begin(&box.f, STORE_READ);
    must(store_group_list(box.f.tx, "000000000000", BOX_HERE, "", 100, &groups, &count));
    for (size_t i = 0; i < count; i++)
        check_group(&groups[i]);
    cr_assert_null(strstr(box_text(), " task "), "%s", box_text());
}

static void delete_groups(const char *region)
{
    struct replication_group *groups;
    size_t count;

    box.caller.region = region;
    fixture_begin(&box.f, STORE_READ);
    must(store_group_list(box.f.tx, "000000000000", region, "", 100, &groups, &count));
    store_rollback(&box.f.tx);
    for (size_t i = 0; i < count; i++) {
        struct ec_delete_replication_group_in in = {.replication_group_id = groups[i].name};
        struct ec_delete_replication_group_out out;
        must(run_ec_delete_replication_group(&in, &out));
    }
}

static void delete_clusters(void)
{
    struct cluster *clusters;
    size_t count;

    fixture_begin(&box.f, STORE_READ);
    must(store_cluster_list_single(box.f.tx, "000000000000", BOX_HERE, "", 100, &clusters, &count));
    store_rollback(&box.f.tx);
    for (size_t i = 0; i < count; i++) {
        struct ec_delete_cache_cluster_in in = {.cache_cluster_id = clusters[i].name};
        struct ec_delete_cache_cluster_out out;
        must(run_ec_delete_cache_cluster(&in, &out));
    }
}

static void delete_serverless(void)
{
    struct serverless_cache *list;
    size_t count;

    fixture_begin(&box.f, STORE_READ);
    must(store_serverless_list(box.f.tx, "000000000000", BOX_HERE, "", 100, &list, &count));
    store_rollback(&box.f.tx);
    for (size_t i = 0; i < count; i++) {
        struct ec_delete_serverless_cache_in in = {.serverless_cache_name = list[i].name};
        struct ec_delete_serverless_cache_out out;
        must(run_ec_delete_serverless_cache(&in, &out));
    }
}

void box_clear(void)
{
    delete_serverless();
    delete_groups(BOX_THERE);
    delete_groups(BOX_HERE);
    delete_clusters();
    box_settle();
    const char *text = box_text();
    for (struct str rest = str_of(text); rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        cr_assert(str_starts(line, "told ") || str_starts(line, "snapshot "), "%s", text);
    }
}

const char *box_offer(const char *build)
{
    const struct ec_describe_service_updates_in in = {0};
    struct ec_describe_service_updates_out out;

    box.build = build;
    for (size_t i = 0; i < BOX_HOSTS; i++) {
        box.hosts[i].incarnation = build;
        box.hosts[i].generation = 0;
    }
    box_round();
    must(run_ec_describe_service_updates(&in, &out));
    cr_assert_eq(out.service_updates.count, 1);
    return out.service_updates.items[0].service_update_name;
}

/* --- what there is --- */

static void tell_node(struct buf *b, const struct node *n)
{
    struct node_task *tasks;
    size_t count;

    buf_printf(b,
               "  node %lld %s %s%s at %s %s:%d %s boot %lld %lld type %s saw %s %s %s term %lld",
               (long long)n->id, n->number, n->is_wanted ? "wanted" : "unwanted",
               n->goal.has ? "" : " homeless", n->goal.host_id, n->goal.address, n->goal.port,
               node_state_name(n->goal.state), (long long)n->boot_count,
               (long long)n->goal.boot_count, n->node_type, n->saw.host_id,
               node_state_name(n->saw.state), n->saw.role, (long long)n->saw.term);
    must(store_task_list(box.f.tx, n->id, &tasks, &count));
    for (size_t i = 0; i < count; i++)
        buf_printf(b, " task %s %s", tasks[i].kind, task_state_name(tasks[i].state));
    buf_puts(b, "\n");
}

static void tell_cluster(struct buf *b, int64_t id)
{
    struct cluster c;
    struct operation o;
    struct node_list nodes;

    must(store_cluster_get(box.f.tx, id, &c));
    must(store_node_list(box.f.tx, id, &nodes));
    buf_printf(b, "cluster %s of group %lld shard %lld %s %s %s %s %s\n", c.name,
               (long long)c.group_id, (long long)c.shard_id, c.is_wanted ? "wanted" : "unwanted",
               c.engine, c.engine_version, c.node_type, c.parameter_group);
    if (!err_failed(store_operation_newest(box.f.tx, id, &o)))
        buf_printf(b, "  %s %s %s\n", operation_kind_name(o.kind), operation_state_name(o.state),
                   o.why);
    for (size_t i = 0; i < nodes.count; i++)
        tell_node(b, &nodes.items[i]);
}

static void tell_shards(struct buf *b, int64_t group_id)
{
    struct shard_list shards;
    struct slot_move_list moves;

    must(store_shard_list(box.f.tx, &group_id, 1, &shards));
    for (size_t i = 0; i < shards.count; i++) {
        const struct shard *s = &shards.items[i];
        buf_printf(b,
                   "  shard %s %s %s term %lld primary %lld fenced %lld after %lld life %lld "
                   "source %s\n",
                   s->number, s->slots, s->is_wanted ? "wanted" : "unwanted",
                   (long long)s->goal.term, (long long)s->goal.primary_id,
                   (long long)s->goal.fenced_id, (long long)s->goal.after_offset,
                   (long long)s->goal.life, s->goal.source.port ? s->goal.source.address : "-");
    }
    must(store_slot_move_list(box.f.tx, &group_id, 1, &moves));
    for (size_t i = 0; i < moves.count; i++)
        buf_printf(b, "  move %s %s\n", moves.items[i].slots,
                   slot_move_state_name(moves.items[i].state));
}

static void tell_group(struct buf *b, const struct replication_group *g)
{
    struct group_operation *o;
    size_t count;

    buf_printf(b, "group %s %s mode %s failover %d %s %s %s\n", g->name,
               g->is_wanted ? "wanted" : "unwanted", cluster_mode_name(g->mode), g->has_failover,
               g->common.engine_version, g->common.node_type, g->common.parameter_group);
    must(store_group_operation_newest(box.f.tx, &g->id, 1, &o, &count));
    if (count)
        buf_printf(b, "  %s %s %s\n", group_operation_kind_name(o->kind),
                   operation_state_name(o->state), o->why);
    tell_shards(b, g->id);
}

static void tell_groups(struct buf *b)
{
    static const char *const regions[] = {BOX_HERE, BOX_THERE};
    struct replication_group *groups;
    size_t count;

    for (size_t r = 0; r < countof(regions); r++) {
        must(store_group_list(box.f.tx, "000000000000", regions[r], "", 100, &groups, &count));
        for (size_t i = 0; i < count; i++)
            tell_group(b, &groups[i]);
    }
}

static void tell_serverless(struct buf *b)
{
    struct serverless_cache *owners;
    struct replication_group *groups;
    size_t count, owned;

    must(store_serverless_list(box.f.tx, "000000000000", BOX_HERE, "", 100, &owners, &count));
    for (size_t i = 0; i < count; i++) {
        buf_printf(b, "serverless %s\n", owners[i].name);
        must(store_group_list_owned(box.f.tx, &owners[i].id, 1, &groups, &owned));
        for (size_t k = 0; k < owned; k++)
            tell_group(b, &groups[k]);
    }
}

static void tell_snapshots(struct buf *b)
{
    struct snapshot_query q = {.account = "000000000000",
                               .region = BOX_HERE,
                               .owner = "",
                               .after = "",
                               .group_name = "",
                               .cluster_name = "",
                               .name = "",
                               .source = "",
                               .limit = 100};
    struct snapshot *list;
    size_t count;

    must(store_snapshot_list(box.f.tx, &q, &list, &count));
    for (size_t i = 0; i < count; i++)
        buf_printf(b, "snapshot %s %d\n", list[i].name, (int)list[i].state);
}

static void tell_events(struct buf *b, const char *region)
{
    struct event_query q = {.account = "000000000000",
                            .region = region,
                            .source_type = "",
                            .source = "",
                            .to_ms = INT64_MAX,
                            .limit = 1000};
    struct event *list;
    size_t count;

    must(store_event_list(box.f.tx, &q, &list, &count));
    for (size_t i = count; i > 0; i--)
        buf_printf(b, "told %s: %s\n", list[i - 1].source, list[i - 1].message);
}

/* Addresses that the store counts as taken, and engines that are there. */
static void tell_hosts(struct buf *b)
{
    for (size_t i = 0; i < BOX_HOSTS; i++) {
        const struct box_host *h = &box.hosts[i];
        struct host_node *placed;
        size_t count;
        must(store_host_nodes(box.f.tx, h->name, SINCE_EVER, &placed, &count));
        for (size_t k = 0; k < count; k++)
            buf_printf(b, "host %s has %s:%d\n", h->name, placed[k].goal.address,
                       placed[k].goal.port);
        for (size_t k = 0; k < h->node_count; k++)
            buf_printf(b, "host %s runs %lld %s boot %lld %s%s term %lld\n", h->name,
                       (long long)h->nodes[k].id, h->nodes[k].cluster,
                       (long long)h->nodes[k].boot_count,
                       h->nodes[k].is_running ? "running" : "stopped",
                       h->nodes[k].is_primary ? " primary" : "", (long long)h->nodes[k].term);
    }
}

const char *box_text(void)
{
    scoped(buf_fini) struct buf b = BUF_EMPTY;
    int64_t *ids;
    size_t count;

    fixture_begin(&box.f, STORE_READ);
    tell_groups(&b);
    tell_serverless(&b);
    must(store_cluster_ids(box.f.tx, &ids, &count));
    for (size_t i = 0; i < count; i++)
        tell_cluster(&b, ids[i]);
    tell_snapshots(&b);
    tell_hosts(&b);
    tell_events(&b, BOX_HERE);
    tell_events(&b, BOX_THERE);
    store_rollback(&box.f.tx);
    return str_dup(&box.f.arena, buf_str(&b));
}
