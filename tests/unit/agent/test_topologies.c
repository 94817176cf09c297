#include "agent/topologies.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

static struct arena arena;
static const char *own[] = {"one", "two", "three"};
static struct agent_node_topology topologies[3];
static struct agent_node_goal goals[3];
static struct agent_node_goal_list list = {true, 3, goals};
static struct agent_group_topology told[2];
static struct agent_group_topology_list told_list = {true, 2, told};

/* Two nodes of one group, the third of another one. */
static void begin(void)
{
    for (size_t i = 0; i < 3; i++) {
        topologies[i] = (struct agent_node_topology){
            .epoch = INT_OF(i < 2 ? 5 : 9),
            .words = {true, 1, &own[i]},
            .group_id = INT_OF(i < 2 ? 7 : 8)
        };
        goals[i] = (struct agent_node_goal){.topology = &topologies[i]};
    }
    told[0] = (struct agent_group_topology){INT_OF(7), INT_OF(5), "SHARD a 0-16383"};
    told[1] = (struct agent_group_topology){INT_OF(8), INT_OF(9), "SHARD b 0-8191"};
}

static void end(void)
{
    arena_fini(&arena);
}

TestSuite(topologies, .init = begin, .fini = end);

Test(topologies, words_of_the_group_come_behind_the_node_s_own)
{
    cr_assert_not(err_failed(topologies_resolve(&arena, &told_list, &list)));
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(topologies[i].words.count, 4);
        cr_assert_str_eq(topologies[i].words.items[0], own[i]);
        cr_assert_str_eq(topologies[i].words.items[1], "SHARD");
        cr_assert_str_eq(topologies[i].words.items[2], i < 2 ? "a" : "b");
        cr_assert_not(topologies[i].group_id.has, "the goal is as if it had been told so");
    }
}

Test(topologies, goals_that_name_none_stay_as_they_are)
{
    const char *words[] = {"one", "SHARD", "a", "0-16383"};

    topologies[0].words = (struct agent_word_list){true, 4, words};
    topologies[0].group_id.has = false;
    goals[1].topology = NULL;
    cr_assert_not(err_failed(topologies_resolve(&arena, &told_list, &list)));
    cr_assert_eq(topologies[0].words.count, 4);
    cr_assert_eq(topologies[2].words.count, 4);
}

Test(topologies, one_that_is_named_and_not_told_is_an_error)
{
    told[1].epoch = INT_OF(8);
    cr_assert(err_is(topologies_resolve(&arena, &told_list, &list), ERR_INVALID));
    begin();
    told_list.count = 1;
    cr_assert(err_is(topologies_resolve(&arena, &told_list, &list), ERR_INVALID));
}
