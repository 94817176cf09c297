#include "cacheengine/keyspace/settings.h"
#include "cluster_fixture.h"

static void begin(struct cluster *c)
{
    cluster_init(c, "9999999999999999999999999999999999999999",
                 "8888888888888888888888888888888888888888");
}

static enum route route(struct cluster *c, const struct settings *s, struct route_query q)
{
    uint16_t shard = NO_SHARD;

    return cluster_route(c, s, &q, &shard);
}

Test(cluster, older_and_other_topologies_are_refused_and_the_same_is_taken)
{
    scoped(arena_fini) struct arena a = {0};
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    cr_assert(err_is(set_topology(&c, &a, "4 #1 " TWO_SHARDS), ERR_CONFLICT));
    cr_assert(err_is(set_topology(&c, &a, "5 #1 " TWO_SHARDS " MIGRATION 1 #a #b"), ERR_CONFLICT));
    cr_assert(err_is(set_topology(&c, &a, "6 #2 " TWO_SHARDS), ERR_CONFLICT));
    cr_assert(err_is(set_topology(&c, &a, "6 #1 SHARD"), ERR_INVALID));
    cr_assert_eq(c.topology->epoch, 5);
    cr_assert_not(err_failed(set_topology(&c, &a, "6 #1 " TWO_SHARDS)));
    cr_assert_eq(c.topology->epoch, 6);
    cluster_fini(&c);
}

Test(cluster, slots_of_others_are_hidden)
{
    scoped(arena_fini) struct arena a = {0};
    struct cluster c;

    begin(&c);
    cr_assert(slot_set_is_empty(&c.hidden));
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS " MIGRATION 8192 #b #a")));
    cr_assert_not(slot_set_has(&c.hidden, 8191));
    cr_assert_not(slot_set_has(&c.hidden, 8192));
    cr_assert(slot_set_has(&c.hidden, 8193));
    cluster_fini(&c);
}

Test(cluster, commands_find_their_way)
{
    scoped(arena_fini) struct arena a = {0};
    struct settings s = {.wants_full_coverage = true};
    struct cluster c;

    begin(&c);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 1}), ROUTE_UNSERVED);
    cr_assert_not(err_failed(
        set_topology(&c, &a, "5 #1 " TWO_SHARDS " MIGRATION 1 #a #b MIGRATION 9000 #b #a")));
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 0}), ROUTE_HERE);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 8192}), ROUTE_MOVED);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 1}), ROUTE_ASK);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 9000}), ROUTE_MOVED);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 9000, .is_asking = true}), ROUTE_WHOLE);
    cr_assert(cluster_is_mine(&c, 0));
    cr_assert_not(cluster_is_mine(&c, 8192));
    cluster_fini(&c);
}

Test(cluster, replicas_serve_reads_of_their_shard_to_who_wants_them)
{
    scoped(arena_fini) struct arena a = {0};
    struct settings s = {.wants_full_coverage = true};
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #2 " TWO_SHARDS)));
    struct route_query q = {.slot = 0};
    cr_assert_eq(route(&c, &s, q), ROUTE_MOVED);
    q.reads_replicas = true;
    cr_assert_eq(route(&c, &s, q), ROUTE_HERE);
    q.is_write = true;
    cr_assert_eq(route(&c, &s, q), ROUTE_MOVED);
    cr_assert_not(cluster_is_mine(&c, 0));
    cluster_fini(&c);
}

Test(cluster, what_is_down_serves_what_it_is_allowed_to)
{
    scoped(arena_fini) struct arena a = {0};
    struct settings s = {.wants_full_coverage = true};
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(
        set_topology(&c, &a, "5 #1 SHARD #a 0-99 NODE #1 primary 1.1.1.1 1 0 - online")));
    struct route_query q = {.slot = 0};
    cr_assert_eq(route(&c, &s, q), ROUTE_DOWN);
    s.allows_reads_when_down = true;
    cr_assert_eq(route(&c, &s, q), ROUTE_HERE);
    q.is_write = true;
    cr_assert_eq(route(&c, &s, q), ROUTE_DOWN_WRITE);
    s.wants_full_coverage = false;
    cr_assert_eq(route(&c, &s, q), ROUTE_HERE);
    q.slot = 100;
    cr_assert_eq(route(&c, &s, q), ROUTE_UNSERVED);
    cluster_fini(&c);
}

Test(cluster, what_was_handed_over_stays_so_until_a_topology_knows_it)
{
    scoped(arena_fini) struct arena a = {0};
    struct handover five = handover_of(HANDOVER_HANDED, '7', 'a', 'b', 5);
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    cr_assert(cluster_hand_over(&c, &five));
    cr_assert_not(cluster_is_mine(&c, 5));
    cr_assert(slot_set_has(&c.hidden, 5));
    /* It names the owner of before, and in another order. */
    cr_assert_not(
        err_failed(set_topology(&c, &a,
                                "6 #1 SHARD #b 8192-16383 NODE #3 primary ::1 7003 8003 - online "
                                "SHARD #a 0-8191 NODE #1 primary 127.0.0.1 7001 0 - online")));
    cr_assert_eq(c.owner[5], 0);
    cr_assert(slot_set_has(&c.handed, 5));
    cr_assert_not(err_failed(
        set_topology(&c, &a,
                     "7 #1 SHARD #a 0-4,6-8191 NODE #1 primary 127.0.0.1 7001 0 - online "
                     "SHARD #b 5,8192-16383 NODE #3 primary ::1 7003 8003 - online")));
    cr_assert(slot_set_is_empty(&c.handed));
    cr_assert_eq(c.owner[5], 1);
    cluster_fini(&c);
}

Test(cluster, a_third_owner_overrules_what_was_handed_over)
{
    scoped(arena_fini) struct arena a = {0};
    struct handover five = handover_of(HANDOVER_HANDED, '7', 'a', 'b', 5);
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    cr_assert(cluster_hand_over(&c, &five));
    cr_assert_not(err_failed(
        set_topology(&c, &a,
                     "6 #1 SHARD #a 0-4,6-8191 NODE #1 primary 127.0.0.1 7001 0 - online "
                     "SHARD #b 8192-16383 NODE #3 primary ::1 7003 8003 - online "
                     "SHARD #c 5 NODE #4 primary 127.0.0.1 7004 0 - online")));
    cr_assert(slot_set_is_empty(&c.handed));
    cr_assert_eq(c.owner[5], 2);
    cluster_fini(&c);
}

Test(cluster, records_that_came_before_a_topology_hold_under_it)
{
    scoped(arena_fini) struct arena a = {0};
    struct handover given = handover_of(HANDOVER_GIVEN, '7', 'a', 'b', 5);
    struct handover expected = handover_of(HANDOVER_EXPECTED, '8', 'b', 'a', 9000);
    struct handovers left = {0};
    struct settings s = {0};
    struct cluster c;

    begin(&c);
    cr_assert(handover_put(&left, &given));
    cr_assert(handover_put(&left, &expected));
    cluster_take_handovers(&c, &left);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5}), ROUTE_UNSERVED);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5}), ROUTE_MOVED);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 6}), ROUTE_HERE);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 9000}), ROUTE_MOVED);
    cr_assert(cluster_take_back(&c, str_of(given.id)));
    cr_assert_not(cluster_take_back(&c, str_of(given.id)));
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5}), ROUTE_HERE);
    cluster_fini(&c);
}

Test(cluster, records_that_come_behind_their_topology_are_over)
{
    scoped(arena_fini) struct arena a = {0};
    struct handover old = handover_of(HANDOVER_HANDED, '7', 'c', 'a', 5);
    struct handovers left = {0};
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    cr_assert(handover_put(&left, &old));
    cluster_take_handovers(&c, &left);
    cr_assert_eq(c.handovers.count, 0);
    cr_assert(cluster_is_mine(&c, 5));
    cluster_fini(&c);
}

Test(cluster, while_slots_are_given_nobody_sees_them)
{
    scoped(arena_fini) struct arena a = {0};
    struct handover given = handover_of(HANDOVER_GIVEN, '7', 'a', 'b', 5);
    struct settings s = {0};
    struct cluster c;

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS)));
    c.paused = &given.slots;
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5, .is_read = true}), ROUTE_HERE);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5}), ROUTE_HELD);
    c.hides_paused = true;
    cr_assert(cluster_hand_over(&c, &given));
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5, .is_read = true}), ROUTE_HELD);
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 6, .is_read = true}), ROUTE_HERE);
    c.paused = NULL;
    cr_assert_eq(route(&c, &s, (struct route_query){.slot = 5, .is_read = true}), ROUTE_MOVED);
    cluster_fini(&c);
}

Test(cluster, reads_are_answered_where_slots_are_about_to_be)
{
    scoped(arena_fini) struct arena a = {0};
    struct cluster c;
    struct route_query q = {.slot = 9000, .is_read = true};

    begin(&c);
    cr_assert_not(err_failed(set_topology(&c, &a, "5 #1 " TWO_SHARDS " READ 9000 #a")));
    struct settings s = {.wants_full_coverage = true};
    cr_assert_eq(route(&c, &s, q), ROUTE_HERE);
    cr_assert_not(slot_set_has(&c.hidden, 9000));
    cr_assert_not(slot_set_has(&c.foreign, 9000));
    q.is_read = false;
    q.is_write = true;
    cr_assert_eq(route(&c, &s, q), ROUTE_MOVED);
    q = (struct route_query){.slot = 9001, .is_read = true};
    cr_assert_eq(route(&c, &s, q), ROUTE_MOVED);
    cr_assert_not(err_failed(set_topology(&c, &a, "6 #1 " TWO_SHARDS)));
    q.slot = 9000;
    cr_assert_eq(route(&c, &s, q), ROUTE_MOVED);
    cluster_fini(&c);
}
