/* Groups that are to have a larger node type than their hosts have room for. */
#include "base/arena.h"
#include "box.h"
#include "contract/faults.h"
#include "controlplane/store/groups.h"

#include <criterion/criterion.h>

#include <string.h>

#define SMALL "cache.t4g.micro"
#define LARGE "cache.r6g.2xlarge"

TestSuite(scale_steps, .init = box_open, .fini = box_close, .timeout = 60);

static void make_group(int64_t members, bool is_multi_az)
{
    const struct ec_create_replication_group_in in = {
        .replication_group_id = "rg",
        .replication_group_description = "d",
        .engine = "redis",
        .cache_node_type = SMALL,
        .num_cache_clusters = INT_OF(members),
        .automatic_failover_enabled = BOOL_OF(members > 1),
        .multi_az_enabled = BOOL_OF(is_multi_az),
    };
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    box_settle();
}

/* A host of that zone has no room for larger members any more. */
static void fill(const char *name, const char *zone)
{
    const struct ec_create_cache_cluster_in in = {
        .cache_cluster_id = name,
        .engine = "redis",
        .cache_node_type = "cache.r6g.8xlarge",
        .num_cache_nodes = INT_OF(1),
        .preferred_availability_zone = zone,
    };
    struct ec_create_cache_cluster_out out;

    must(run_ec_create_cache_cluster(&in, &out));
    box_settle();
}

static struct err scale(const char *type)
{
    const struct ec_modify_replication_group_in in = {
        .replication_group_id = "rg", .cache_node_type = type, .apply_immediately = BOOL_OF(true)};
    struct ec_modify_replication_group_out out;

    return run_ec_modify_replication_group(&in, &out);
}

/* "rg-001 h1 cache.t4g.micro primary" and so on; in the order of names. */
static const char *members(void)
{
    struct replication_group g;
    struct shard_list shards;
    struct cluster *list;
    const char *text = "";
    size_t count;

    fixture_begin(&box.f, STORE_READ);
    must(store_group_find(box.f.tx, "000000000000", BOX_HERE, "rg", &g));
    must(store_shard_list(box.f.tx, &g.id, 1, &shards));
    must(store_group_members(box.f.tx, &g.id, 1, &list, &count));
    for (size_t i = 0; i < count; i++) {
        struct node_list nodes;
        must(store_node_list(box.f.tx, list[i].id, &nodes));
        const struct node *n = &nodes.items[0];
        text = arena_printf(&box.f.arena, "%s%s%s %s %s%s%s", text, i > 0 ? ", " : "", list[i].name,
                            n->goal.host_id, list[i].node_type, *n->node_type ? " but" : "",
                            shards.items[0].goal.primary_id == list[i].id ? " primary" : "");
    }
    text = arena_printf(&box.f.arena, "%s: %s", g.common.node_type, text);
    store_rollback(&box.f.tx);
    return text;
}

static void expect(const char *wanted)
{
    const char *got = members();
    cr_expect_str_eq(got, wanted, "%s\nin the place of\n%s", got, wanted);
}

Test(scale_steps, a_member_without_room_moves_and_keeps_its_name)
{
    make_group(2, false);
    fill("filler", "us-east-1a");
    expect(SMALL ": rg-001 h1 " SMALL " primary, rg-002 h2 " SMALL);
    must(scale(LARGE));
    box_settle();
    expect(LARGE ": rg-001 h3 " LARGE " primary, rg-002 h2 " LARGE);
    box_check_whole();
}

Test(scale_steps, a_lone_primary_moves)
{
    make_group(1, false);
    fill("filler", "us-east-1a");
    must(scale(LARGE));
    box_settle();
    expect(LARGE ": rg-001 h2 " LARGE " primary");
    box_check_whole();
}

Test(scale_steps, replicas_move_without_a_switch)
{
    make_group(2, false);
    fill("filler", "us-east-1b");
    must(scale(LARGE));
    box_settle();
    expect(LARGE ": rg-001 h1 " LARGE " primary, rg-002 h3 " LARGE);
    cr_expect_null(strstr(box_text(), "Failover from"));
    box_check_whole();
}

Test(scale_steps, who_has_room_grows_where_it_stands)
{
    make_group(2, false);
    must(scale(LARGE));
    box_settle();
    expect(LARGE ": rg-001 h1 " LARGE " primary, rg-002 h2 " LARGE);
}

static void expect_no_capacity(void)
{
    box_round();
    const char *before = box_text();
    cr_expect_eq(scale(LARGE).code, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY);
    cr_expect_str_eq(box_text(), before, "a change that is refused changes nothing");
}

Test(scale_steps, where_nowhere_is_room_nothing_changes)
{
    make_group(2, false);
    fill("one", "us-east-1a");
    fill("two", "us-east-1b");
    fill("three", "us-east-1c");
    expect_no_capacity();
}

Test(scale_steps, where_processors_are_counted_they_are_claimed_too)
{
    box.ops_conf.cpu_overcommit = 1; /* of 16 that each host has */
    box_restart();
    make_group(2, false);
    must(scale("cache.r6g.2xlarge"));
    box_settle();
    must(scale("cache.r6g.4xlarge"));
    box_settle();
    box_round();
    const char *before = box_text();
    cr_expect_eq(scale("cache.r6g.8xlarge").code, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY);
    cr_expect_str_eq(box_text(), before);
    box_check_whole();
}

Test(scale_steps, one_of_several_zones_stays_in_its_own)
{
    make_group(2, true);
    fill("filler", "us-east-1a");
    expect_no_capacity();
}

/* What was begun waits for longer than it may, at that step. */
static void hang_at(const char *step)
{
    box.failpoint =
        (struct failpoint){.operation = "group-scale", .step = step, .fault = FAILPOINT_HANG};
    box_restart();
    must(scale(LARGE));
    box_wait();
    box.failpoint = (struct failpoint){0};
    box_restart();
    box_settle();
}

Test(scale_steps, what_does_not_come_about_is_taken_back)
{
    static const char *const steps[] = {"await_room", "await_members", "move_on", "promote"};

    make_group(2, false);
    fill("filler", "us-east-1a");
    box_keep();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        box_go_back();
        hang_at(steps[i]);
        expect(SMALL ": rg-001 h1 " SMALL " primary, rg-002 h2 " SMALL);
        box_check_whole();
    }
}

Test(scale_steps, what_cannot_be_taken_back_is_done_however_long_it_takes)
{
    static const char *const steps[] = {"demote", "await_followers", "again"};

    make_group(2, false);
    fill("filler", "us-east-1a");
    box_keep();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        box_go_back();
        hang_at(steps[i]);
        expect(LARGE ": rg-001 h3 " LARGE " primary, rg-002 h2 " LARGE);
        box_check_whole();
    }
}

Test(scale_steps, a_primary_that_dies_meanwhile_stops_nothing)
{
    make_group(2, false);
    fill("filler", "us-east-1a");
    box_keep();
    for (int rounds = 1; rounds < 16; rounds += 2) {
        box_go_back();
        must(scale(LARGE));
        for (int i = 0; i < rounds; i++)
            box_round();
        box_kill_primary("rg-");
        box_settle();
        const char *text = members();
        cr_expect(str_starts(str_of(text), LARGE ": rg-001 h3 " LARGE), "after %d rounds: %s",
                  rounds, text);
        cr_expect_null(strstr(text, "but"), "%s", text);
        cr_expect_null(strstr(text, "rg-003"), "%s", text);
        box_check_whole();
    }
}
