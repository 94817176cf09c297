#include "base/clock.h"
#include "controlplane/store/wall_clock.h"
#include "fixture.h"

#include <criterion/criterion.h>

#define HOUR_MS  3600000
#define START_MS 1700000000000

static struct clock_manual manual;

FIXTURE_SUITE(wall_clock);

static int64_t operation_id;

/* A create that began just now and has ten minutes. */
static void begin(void)
{
    clock_manual_init(&manual, START_MS, 5000);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct operation o = {.kind = OPERATION_CREATE,
                          .cluster_id = c.id,
                          .data = "",
                          .why = "",
                          .created_ms = START_MS,
                          .deadline_ms = START_MS + 600000};
    must(store_operation_insert(f.tx, &o));
    operation_id = c.id;
    fixture_commit(&f);
}

static void watch(const char *boot_id)
{
    must(store_watch_clock(f.store, &f.arena, &manual.clock, boot_id));
}

static void restart(const char *boot_id)
{
    store_rollback(&f.tx);
    store_close(f.store);
    must(store_open(&f.arena, f.path, &f.store));
    watch(boot_id);
}

/* How much time is left, after a writer has been there. */
static int64_t left_ms(void)
{
    struct operation o;

    fixture_begin(&f, STORE_WRITE);
    must(store_operation_newest(f.tx, operation_id, &o));
    fixture_commit(&f);
    return o.deadline_ms - clock_wall_ms(&manual.clock);
}

Test(wall_clock, time_that_passes_is_time_that_passes)
{
    begin();
    watch("boot");
    clock_manual_advance(&manual, 60000);
    cr_assert_eq(left_ms(), 540000);
    restart("boot");
    cr_assert_eq(left_ms(), 540000);
}

Test(wall_clock, a_jump_leaves_to_everybody_the_time_they_had)
{
    begin();
    watch("boot");
    clock_manual_advance(&manual, 60000);
    manual.now_wall_ms += HOUR_MS;
    cr_assert_eq(left_ms(), 540000);
    manual.now_wall_ms -= 2 * HOUR_MS;
    cr_assert_eq(left_ms(), 540000);
    clock_manual_advance(&manual, 60000);
    cr_assert_eq(left_ms(), 480000);
}

Test(wall_clock, who_has_for_ever_has_for_ever)
{
    struct operation o;

    begin();
    fixture_begin(&f, STORE_WRITE);
    must(store_operation_newest(f.tx, operation_id, &o));
    o.deadline_ms = INT64_MAX;
    must(store_operation_update(f.tx, &o));
    fixture_commit(&f);
    watch("boot");
    manual.now_wall_ms += HOUR_MS;
    cr_assert_eq(left_ms() + clock_wall_ms(&manual.clock), INT64_MAX);
    manual.now_wall_ms -= 24 * HOUR_MS;
    restart("another");
    cr_assert_eq(left_ms() + clock_wall_ms(&manual.clock), INT64_MAX);
}

Test(wall_clock, what_was_rolled_back_is_moved_all_the_same)
{
    begin();
    watch("boot");
    manual.now_wall_ms += HOUR_MS;
    fixture_begin(&f, STORE_WRITE);
    store_rollback(&f.tx);
    cr_assert_eq(left_ms(), 600000);
    cr_assert_eq(left_ms(), 600000);
}

Test(wall_clock, a_jump_while_nobody_ran_is_known_in_the_same_boot)
{
    begin();
    watch("boot");
    clock_manual_advance(&manual, 60000);
    manual.now_wall_ms -= HOUR_MS;
    restart("boot");
    cr_assert_eq(left_ms(), 540000);
}

Test(wall_clock, in_another_boot_nobody_gets_more_time_than_there_was_in_all)
{
    begin();
    watch("boot");
    manual.now_boot_ms = 100;
    manual.now_wall_ms -= 24 * HOUR_MS;
    restart("another");
    cr_assert_eq(left_ms(), 600000);
}

Test(wall_clock, after_an_outage_what_hosts_have_done_is_heard_before_an_operation_fails)
{
    begin();
    watch("boot");
    clock_manual_advance(&manual, HOUR_MS);
    restart("boot");
    cr_assert_eq(left_ms(), WALL_GRACE_MS);
    clock_manual_advance(&manual, HOUR_MS);
    restart("another");
    cr_assert_eq(left_ms(), WALL_GRACE_MS);
}

Test(wall_clock, a_clock_that_is_brought_into_line_slowly_is_none_that_was_set)
{
    begin();
    watch("boot");
    manual.now_wall_ms += WALL_JUMP_LEAST_MS - 1;
    cr_assert_eq(left_ms(), 600000 - (WALL_JUMP_LEAST_MS - 1));
    manual.now_wall_ms += 1;
    cr_assert_eq(left_ms(), 600000 - (WALL_JUMP_LEAST_MS - 1) + (WALL_JUMP_LEAST_MS - 1));
}

/* The same for every time that is kept to be waited by. */
Test(wall_clock, what_was_noticed_moves_along)
{
    struct node_saw saw = {.host_id = "id-of-h1",
                           .state = NODE_STOPPED,
                           .crashes = 1,
                           .seen_ms = START_MS,
                           .last_exit = "",
                           .why = "",
                           .applied_settings = "",
                           .build = "",
                           .role = ""};
    struct node_list nodes;
    bool is_changed;

    fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    s.goal = (struct shard_goal){.has = true, .term = 1, .primary_id = 1};
    s.falls = 1;
    s.fell_ms = s.last_fell_ms = START_MS;
    must(store_shard_goal_set(f.tx, &s));
    begin();
    fixture_begin(&f, STORE_WRITE);
    struct node n = fixture_node(&f, operation_id, "0001");
    must(store_saw_set(f.tx, n.id, &saw, &is_changed));
    fixture_commit(&f);
    watch("boot");
    manual.now_wall_ms += HOUR_MS;

    fixture_begin(&f, STORE_WRITE);
    struct shard_list shards;
    must(store_shard_list(f.tx, &g.id, 1, &shards));
    cr_assert_eq(shards.items[0].fell_ms, START_MS + HOUR_MS);
    cr_assert_eq(shards.items[0].last_fell_ms, START_MS + HOUR_MS);
    must(store_node_list(f.tx, operation_id, &nodes));
    cr_assert_eq(nodes.items[0].saw.crashed_ms, START_MS + HOUR_MS);
}
