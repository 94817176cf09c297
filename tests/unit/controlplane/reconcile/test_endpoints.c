#include "controlplane/reconcile/endpoints.h"
#include "controlplane/reconcile/groups.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct group_scene s;

static void close_scene(void)
{
    group_scene_close(&s);
}

TestSuite(endpoints, .fini = close_scene);

static void give_pool(const char *pool)
{
    s.view.endpoints = endpoint_board_new(&s.arena, pool, NULL, 0);
}

static void settle(void)
{
    for (int i = 0; i < 4; i++) {
        group_scene_decide(&s);
        for (size_t k = 0; k < s.view.member_count; k++)
            if (s.nodes[k].saw.state != NODE_STOPPED)
                group_scene_obey(&s, k, 100);
    }
}

static void open_shard(size_t members)
{
    group_scene_open(&s, 1, members);
    give_pool("127.0.9.0/28");
    settle();
}

static const struct shard_endpoints *endpoints(void)
{
    return &s.shards[0].endpoints;
}

static bool has_reader(int64_t cluster_id)
{
    return shard_endpoints_of(endpoints(), &s.shards[0].goal, cluster_id) & ENDPOINT_READER;
}

Test(endpoints, a_shard_gets_one_for_its_primary_and_one_for_readers)
{
    open_shard(3);
    cr_assert_str_eq(endpoints()->address, "127.0.9.1");
    cr_assert_str_eq(endpoints()->reader_address, "127.0.9.2");
    cr_assert(has_reader(2));
    settle();
    cr_assert_eq(group_scene_count(&s, DECISION_SHARD), 0, "and that is all");
}

Test(endpoints, without_a_pool_there_are_none)
{
    group_scene_open(&s, 1, 2);
    settle();
    cr_assert_str_eq(endpoints()->address, "");
    give_pool("nonsense");
    settle();
    cr_assert_str_eq(endpoints()->address, "");
}

Test(endpoints, an_address_is_given_once_and_not_soon_again)
{
    static const char *const taken[] = {"127.0.9.1"};

    group_scene_open(&s, 1, 1);
    struct endpoint_board *b = endpoint_board_new(&s.arena, "127.0.9.0/29", taken, 1);
    cr_assert_str_eq(endpoint_board_take(b, 0), "127.0.9.2");
    cr_assert_str_eq(endpoint_board_take(b, 4), "127.0.9.5");
    for (int i = 0; i < 3; i++)
        cr_assert_not_null(endpoint_board_take(b, 0));
    cr_assert_null(endpoint_board_take(b, 0), "none is left");
}

Test(endpoints, a_lone_primary_is_read_from_until_it_has_a_replica)
{
    open_shard(1);
    cr_assert(has_reader(1));
}

Test(endpoints, who_is_read_from_lets_go_before_another_one_is)
{
    open_shard(3);
    group_scene_cut(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert_not(has_reader(2));
    cr_assert_not(has_reader(3));
    group_scene_decide(&s);
    cr_assert_not(has_reader(3), "the second one has not said that it did");
    group_scene_obey(&s, 1, 100);
    group_scene_cut(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert(has_reader(3));
}

Test(endpoints, one_whose_link_ended_a_moment_ago_is_read_from_still)
{
    open_shard(3);
    group_scene_cut(&s, 1, 100);
    s.nodes[1].saw.unlinked_ms = s.view.now_ms;
    s.view.now_ms += 199;
    group_scene_decide(&s);
    cr_assert(has_reader(2));
    cr_assert_eq(s.decisions.wake_ms, s.view.now_ms + 1);
    s.view.now_ms++;
    group_scene_decide(&s);
    cr_assert_not(has_reader(2));
}

Test(endpoints, one_that_died_has_nothing_to_let_go_of)
{
    open_shard(3);
    group_scene_kill(&s, 1);
    group_scene_decide(&s);
    cr_assert(has_reader(3));
}

/* It would fall upon the primary for the moment. */
Test(endpoints, while_there_is_no_primary_readers_stay_where_they_are)
{
    open_shard(3);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 100);
    group_scene_cut(&s, 2, 100);
    group_scene_decide(&s);
    cr_assert(has_reader(2));
}

Test(endpoints, the_address_of_the_primary_goes_with_the_role)
{
    open_shard(2);
    group_scene_kill(&s, 0);
    group_scene_cut(&s, 1, 100);
    group_scene_decide(&s);
    cr_assert_eq(shard_endpoints_of(endpoints(), &s.shards[0].goal, 1), 0);
    cr_assert(shard_endpoints_of(endpoints(), &s.shards[0].goal, 2) & ENDPOINT_PRIMARY);
    cr_assert_str_eq(endpoints()->address, "127.0.9.1");
}

Test(endpoints, of_a_cluster_the_first_shard_has_one_by_which_the_others_are_found)
{
    group_scene_open(&s, 2, 1);
    give_pool("127.0.9.0/28");
    settle();
    cr_assert_str_eq(s.shards[0].endpoints.address, "127.0.9.1");
    cr_assert_str_eq(s.shards[0].endpoints.reader_address, "");
    cr_assert_str_eq(s.shards[1].endpoints.address, "");
}
