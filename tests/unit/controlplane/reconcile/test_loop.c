#include "../store/fixture.h"
#include "base/clock.h"
#include "controlplane/dns/dns.h"
#include "controlplane/reconcile/apply.h"
#include "controlplane/reconcile/names.h"
#include "controlplane/reconcile/reconcile.h"

#include <criterion/criterion.h>

#include <stdatomic.h>

static struct fixture f;
static struct reconciler *reconciler;
static atomic_int goals_told;

static void count_goals(void *context, const uint64_t *keys, size_t count)
{
    (void)context, (void)keys, (void)count;
    atomic_fetch_add(&goals_told, 1);
}

static void start(void)
{
    struct reconcile_conf conf = {.clock = &clock_system, .on_goals = count_goals};
    must(reconcile_start(f.store, &conf, &reconciler));
}

static void open_fixture(void)
{
    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
}

static void close_fixture(void)
{
    reconcile_stop(reconciler);
    fixture_close(&f);
}

TestSuite(loop, .init = open_fixture, .fini = close_fixture, .timeout = 30);

static struct cluster create(const char *name)
{
    struct cluster c = fixture_cluster(&f, name, "redis");
    struct operation o = {.kind = OPERATION_CREATE,
                          .cluster_id = c.id,
                          .data = "",
                          .why = "",
                          .deadline_ms = INT64_MAX};
    fixture_node(&f, c.id, "0001");
    must(store_operation_insert(f.tx, &o));
    store_touch_cluster(f.tx, c.id);
    return c;
}

static struct node node_of(int64_t cluster_id)
{
    struct node_list nodes;
    fixture_begin(&f, STORE_READ);
    must(store_node_list(f.tx, cluster_id, &nodes));
    store_rollback(&f.tx);
    return nodes.count ? nodes.items[0] : (struct node){0};
}

/* Waits until the predicate holds, by the store's own wake-ups where it has any. */
#define await(condition) \
    while (!(condition)) \
    store_wait(f.store, store_generation(f.store), clock_boot_ms(&clock_system) + 2)

static enum operation_state state_of(int64_t cluster_id)
{
    struct operation o;
    fixture_begin(&f, STORE_READ);
    must(store_operation_newest(f.tx, cluster_id, &o));
    store_rollback(&f.tx);
    return o.state;
}

static void see(int64_t node_id, const char *host_id, enum node_state state)
{
    struct node_saw saw = {.host_id = host_id,
                           .state = state,
                           .boot_count = 1,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .role = ""};
    bool is_changed;
    fixture_begin(&f, STORE_WRITE);
    must(store_saw_set(f.tx, node_id, &saw, &is_changed));
    fixture_commit(&f);
}

Test(loop, what_was_wanted_before_the_start_is_placed)
{
    fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = create("c1");
    fixture_commit(&f);
    start();
    await(node_of(c.id).goal.has);
    cr_assert_str_eq(node_of(c.id).goal.host_id, "id-of-h1");
    await(atomic_load(&goals_told) > 0);
}

Test(loop, a_report_finishes_the_create)
{
    fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = create("c1");
    fixture_commit(&f);
    start();
    await(node_of(c.id).goal.has);
    see(node_of(c.id).id, "id-of-h1", NODE_RUNNING);
    await(state_of(c.id) == OPERATION_DONE);
}

Test(loop, a_host_that_comes_later_takes_what_waits)
{
    struct cluster c = create("c1");
    fixture_commit(&f);
    start();
    fixture_begin(&f, STORE_WRITE);
    fixture_host(&f, "late", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    store_touch_all(f.tx);
    fixture_commit(&f);
    await(node_of(c.id).goal.has);
}

/* One that stands is looked at before one that is to be placed. */
Test(loop, a_node_that_is_placed_later_gets_an_address_of_its_own)
{
    fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 34);
    struct cluster first = create("c1");
    fixture_commit(&f);
    start();
    await(node_of(first.id).goal.has);
    fixture_begin(&f, STORE_WRITE);
    store_touch_cluster(f.tx, first.id);
    struct cluster second = create("c2");
    fixture_commit(&f);
    await(node_of(second.id).goal.has);
    cr_assert_str_neq(node_of(second.id).goal.address, node_of(first.id).goal.address);
}

Test(loop, room_that_becomes_free_goes_to_who_waits)
{
    fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 600LL << 20);
    struct cluster first = create("first");
    fixture_commit(&f);
    start();
    await(node_of(first.id).goal.has);
    fixture_begin(&f, STORE_WRITE);
    struct cluster second = create("second");
    fixture_commit(&f);

    fixture_begin(&f, STORE_WRITE);
    struct node_list nodes;
    must(store_node_list(f.tx, first.id, &nodes));
    must(store_node_want(f.tx, nodes.items[0].id, false));
    store_touch_cluster(f.tx, first.id);
    fixture_commit(&f);
    await(node_of(second.id).goal.has);
}
