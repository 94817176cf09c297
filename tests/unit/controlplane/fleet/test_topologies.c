#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/topologies.h"
#include "controlplane/store/groups.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

FIXTURE_SUITE(topologies);

#define GOALS 3

static struct topologies known;
static const char *own[GOALS] = {"one", "two", "three"};
static struct agent_node_topology named[GOALS];
static struct agent_node_goal items[GOALS];
static struct agent_node_goal_list goals = {true, GOALS, items};
static struct agent_group_topology_list told;

static void set(int64_t group_id, int64_t epoch, const char *words)
{
    must(store_topology_set(f.tx, group_id,
                            &(struct topology){.epoch = epoch, .words = words, .due_ms = 1}));
}

static void name(size_t i, int64_t group_id, int64_t epoch)
{
    named[i] = (struct agent_node_topology){
        .epoch = INT_OF(epoch), .words = {true, 1, &own[i]},
             .group_id = INT_OF(group_id)
    };
    items[i] = (struct agent_node_goal){.node_id = INT_OF((int64_t)i + 1), .topology = &named[i]};
}

static void tell(bool takes)
{
    told = (struct agent_group_topology_list){0};
    must(topologies_tell(&known, f.tx, takes, &goals, &told));
}

/* Two nodes of the first group, one of the second. */
static int64_t first, second;

static void begin(void)
{
    topologies_init(&known);
    first = fixture_group(&f, "a").id;
    second = fixture_group(&f, "b").id;
    set(first, 3, "SHARD a 0-16383");
    set(second, 5, "SHARD b 0-8191");
    name(0, first, 3);
    name(1, second, 5);
    name(2, first, 3);
}

Test(topologies, each_is_told_once_to_a_host_that_takes_it_so)
{
    begin();
    tell(true);
    cr_assert_eq(told.count, 2);
    cr_assert_eq(told.items[0].group_id.value, first);
    cr_assert_eq(told.items[0].epoch.value, 3);
    cr_assert_str_eq(told.items[0].words, "SHARD a 0-16383");
    cr_assert_eq(told.items[1].group_id.value, second);
    cr_assert_str_eq(told.items[1].words, "SHARD b 0-8191");
    for (size_t i = 0; i < GOALS; i++) {
        cr_assert_eq(named[i].words.count, 1);
        cr_assert(named[i].group_id.has);
    }
    topologies_fini(&known);
}

Test(topologies, others_have_all_words_in_each_goal)
{
    begin();
    tell(false);
    cr_assert_not(told.has);
    for (size_t i = 0; i < GOALS; i++) {
        cr_assert_eq(named[i].words.count, 4);
        cr_assert_str_eq(named[i].words.items[0], own[i]);
        cr_assert_str_eq(named[i].words.items[1], "SHARD");
        cr_assert_str_eq(named[i].words.items[3], i == 1 ? "0-8191" : "0-16383");
        cr_assert_not(named[i].group_id.has);
    }
    topologies_fini(&known);
}

Test(topologies, nodes_without_one_are_passed_over)
{
    begin();
    items[0].topology = items[1].topology = items[2].topology = NULL;
    tell(true);
    cr_assert_not(told.has);
    tell(false);
    topologies_fini(&known);
}

Test(topologies, an_epoch_is_read_once_and_the_next_one_anew)
{
    begin();
    tell(true);
    set(first, 3, "never told: an epoch has its words for good");
    tell(true);
    cr_assert_str_eq(told.items[0].words, "SHARD a 0-16383");
    set(first, 4, "SHARD c 0-16383");
    name(0, first, 4);
    name(2, first, 4);
    tell(true);
    cr_assert_str_eq(told.items[0].words, "SHARD c 0-16383");
    cr_assert_str_eq(told.items[1].words, "SHARD b 0-8191");
    topologies_fini(&known);
}

static char *long_words(size_t len)
{
    char *words = malloc(len + 1);

    cr_assert_not_null(words);
    memset(words, 'w', len);
    words[len] = '\0';
    return words;
}

Test(topologies, what_is_kept_has_an_end_and_all_is_told_nevertheless)
{
    begin();
    char *half = long_words(TOPOLOGIES_MOST_BYTES / 2 + 1);
    char *more = long_words(TOPOLOGIES_MOST_BYTES + 1);

    set(first, 4, half);
    name(0, first, 4);
    name(2, first, 4);
    tell(true);
    cr_assert_eq(known.bytes, strlen(half) + strlen("SHARD b 0-8191"));
    set(second, 6, half);
    name(1, second, 6);
    tell(true);
    cr_assert_eq(strlen(told.items[0].words), strlen(half));
    cr_assert_eq(strlen(told.items[1].words), strlen(half));
    cr_assert_eq(known.bytes, strlen(half), "one of them went");
    set(second, 7, more);
    name(1, second, 7);
    tell(true);
    cr_assert_eq(strlen(told.items[1].words), strlen(more), "told, and not kept");
    cr_assert_leq(known.bytes, TOPOLOGIES_MOST_BYTES);
    free(half);
    free(more);
    topologies_fini(&known);
}
