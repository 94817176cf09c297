#include "contract/agent.h"
#include "controlplane/fleet/sights.h"

#include <criterion/criterion.h>

static struct sights sights;
static struct agent_node_report reports[2];
static struct agent_node_report_list all = {.has = true, .items = reports, .count = 2};

static void open_sights(void)
{
    sights_init(&sights);
    for (int i = 0; i < 2; i++)
        reports[i] = (struct agent_node_report){.node_id = INT_OF(i + 1),
                                                .state = "running",
                                                .crashes = INT_OF(0),
                                                .role = "replica",
                                                .term = INT_OF(3),
                                                .replication_offset = INT_OF(100),
                                                .used_memory_bytes = INT_OF(1 << 30)};
}

static void close_sights(void)
{
    sights_fini(&sights);
}

TestSuite(sights, .init = open_sights, .fini = close_sights);

static void write_down(int64_t number, const struct agent_node_report_list *nodes, bool is_all)
{
    sights_begin(&sights, "h", false);
    sights_end(&sights, "h", number, nodes, is_all);
}

static bool are_news(void)
{
    return sights_are_news(&sights, "h", &all);
}

Test(sights, what_was_never_said_is_news_and_what_was_is_not)
{
    cr_expect(are_news());
    write_down(1, &all, true);
    cr_expect_not(are_news());
    cr_expect(sights_are_news(&sights, "another", &all));
}

Test(sights, each_fact_that_is_written_down_is_news)
{
    struct agent_node_task_report task = {.task_id = INT_OF(1), .state = "running"};
    struct agent_node_log_error error = {"slow-log", "the disk is full"};

    write_down(1, &all, true);
#define IS_NEWS(member, value)                     \
    do {                                           \
        struct agent_node_report was = reports[1]; \
        reports[1].member = value;                 \
        cr_expect(are_news(), #member);            \
        reports[1] = was;                          \
        cr_expect_not(are_news());                 \
    } while (0)
    IS_NEWS(state, "stopped");
    IS_NEWS(crashes, INT_OF(1));
    IS_NEWS(boot_count, INT_OF(1));
    IS_NEWS(pid, INT_OF(9));
    IS_NEWS(last_exit, "signal 9");
    IS_NEWS(why, "no room");
    IS_NEWS(applied_settings, "p1");
    IS_NEWS(is_reboot_pending, BOOL_OF(true));
    IS_NEWS(has_bad_seed, BOOL_OF(true));
    IS_NEWS(is_killed, BOOL_OF(true));
    IS_NEWS(is_silent, BOOL_OF(true));
    IS_NEWS(is_unleased, BOOL_OF(true));
    IS_NEWS(build, "2");
    IS_NEWS(role, "primary");
    IS_NEWS(term, INT_OF(4));
    IS_NEWS(lineage, INT_OF(4));
    IS_NEWS(is_link_up, BOOL_OF(true));
    IS_NEWS(node_id, INT_OF(7));
    IS_NEWS(replication_offset, INT_OF(0));
    IS_NEWS(used_memory_bytes, INT_OF((int64_t)2 << 30));
    IS_NEWS(tasks, ((struct agent_node_task_report_list){.has = true, .items = &task, .count = 1}));
    IS_NEWS(log_errors,
            ((struct agent_node_log_error_list){.has = true, .items = &error, .count = 1}));
}

Test(sights, what_grows_all_the_time_is_no_news)
{
    write_down(1, &all, true);
    reports[0].replication_offset = INT_OF(200);
    reports[0].connected_clients = INT_OF(5);
    reports[1].used_memory_bytes = INT_OF((1 << 30) + (1 << 26));
    cr_expect_not(are_news());
}

Test(sights, how_far_one_came_is_known_by_the_last_word)
{
    int64_t offset = -1;

    cr_expect_not(sights_offset(&sights, "h", reports[0].node_id.value, &offset));
    write_down(1, &all, true);
    reports[0].replication_offset = INT_OF(4711);
    cr_expect_not(are_news());
    cr_expect(sights_offset(&sights, "h", reports[0].node_id.value, &offset));
    cr_expect_eq(offset, 4711);
}

Test(sights, memory_that_creeps_is_news_in_the_end)
{
    write_down(1, &all, true);
    reports[1].used_memory_bytes = INT_OF((1 << 30) + (100 << 20));
    write_down(2, &all, true);
    cr_expect_not(are_news());
    reports[1].used_memory_bytes = INT_OF((1 << 30) + (200 << 20));
    cr_expect(are_news(), "seen from what the store has");
}

Test(sights, a_node_that_is_gone_is_news)
{
    write_down(1, &all, true);
    struct agent_node_report_list fewer = {.has = true, .items = reports, .count = 1};
    cr_expect(sights_are_news(&sights, "h", &fewer));
    write_down(2, &fewer, true);
    cr_expect_not(sights_are_news(&sights, "h", &fewer));
    cr_expect(are_news());
}

Test(sights, a_report_of_one_node_leaves_the_others)
{
    struct agent_node_report_list one = {.has = true, .items = reports, .count = 1};

    write_down(1, &all, true);
    reports[0].state = "stopped";
    write_down(2, &one, false);
    cr_expect_not(are_news());
}

Test(sights, while_a_message_is_on_its_way_everything_is_news)
{
    write_down(1, &all, true);
    sights_begin(&sights, "h", false);
    cr_expect(are_news());
    sights_end(&sights, "h", 2, NULL, false);
    cr_expect_not(are_news());
}

Test(sights, after_a_failure_or_a_message_that_was_overtaken_all_is_said_again)
{
    write_down(1, &all, true);
    sights_begin(&sights, "h", false);
    sights_fail(&sights, "h");
    cr_expect(are_news());
    write_down(5, &all, true);
    write_down(4, &all, true);
    cr_expect(are_news());
    write_down(6, &all, true);
    cr_expect_not(are_news());
}

Test(sights, a_new_incarnation_begins_with_nothing)
{
    write_down(900, &all, true);
    sights_begin(&sights, "h", true);
    sights_end(&sights, "h", 1, &all, true);
    cr_expect_not(are_news());
    reports[0].state = "failed";
    write_down(2, &all, true);
    cr_expect_not(are_news());
}
