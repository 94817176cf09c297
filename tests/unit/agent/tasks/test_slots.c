#include "agent/tasks/kind.h"
#include "scene.h"

#include <criterion/criterion.h>

#include <string.h>

#define MOVE  "00000000000000000000000000000000000000aa"
#define OTHER "00000000000000000000000000000000000000bb"
#define TOKEN "00000000000000000000000000000000000000cc"
#define SHARD "00000000000000000000000000000000000000dd"

#define STATUS     "*2\r\n$14\r\nLARDER.MIGRATE\r\n$6\r\nSTATUS\r\n"
#define TOPOLOGY   "*1\r\n$15\r\nLARDER.TOPOLOGY\r\n"
#define CANCEL(id) "*3\r\n$14\r\nLARDER.MIGRATE\r\n$6\r\nCANCEL\r\n$40\r\n" id "\r\n"
#define EXPECT                                                                                    \
    "*7\r\n$14\r\nLARDER.MIGRATE\r\n$6\r\nEXPECT\r\n$40\r\n" MOVE "\r\n$1\r\n5\r\n$4\r\n0-99\r\n" \
    "$40\r\n" SHARD "\r\n$40\r\n" TOKEN "\r\n"
#define START(count, tail)                                                                 \
    "*" count "\r\n$14\r\nLARDER.MIGRATE\r\n$5\r\nSTART\r\n$40\r\n" MOVE "\r\n$1\r\n5\r\n" \
    "$4\r\n0-99\r\n$40\r\n" SHARD "\r\n$9\r\n127.0.0.2\r\n$4\r\n7000\r\n$40\r\n" TOKEN "\r\n" tail
#define WORDS "*2\r\n$1\r\n5\r\n$1\r\nx\r\n"

/* What an engine shows of one move. */
#define SHOWN(id, direction, state)                                                                \
    "*6\r\n$2\r\nid\r\n$40\r\n" id "\r\n$9\r\ndirection\r\n" direction "\r\n$5\r\nstate\r\n" state \
    "\r\n"
#define OUT      "$3\r\nout"
#define IN       "$2\r\nin"
#define COPIES   "$6\r\ncopies"
#define DONE     "$4\r\ndone"
#define TAKEN    "$5\r\ntaken"
#define RECEIVES "$8\r\nreceives"

static struct scene s;
static struct tasks *tasks;

static void on_news(void *context, struct node *n)
{
    (void)context;
    (void)n;
}

static void begin(void)
{
    scene_open(&s);
    cr_assert_not(err_failed(tasks_open(
        &(struct tasks_conf){
            .loop = s.loop, .host = &s.host, .kinds = task_kinds, .on_news = on_news},
        &tasks)));
}

static void end(void)
{
    tasks_forget(s.n);
    tasks_close(tasks);
    scene_close(&s);
}

TestSuite(slots, .init = begin, .fini = end, .timeout = 60);

static void give(struct agent_node_task task)
{
    task.task_id = INT_OF(7);
    s.goal.tasks = (struct agent_node_task_list){.has = true, .items = &task, .count = 1};
    node_set_goal(s.n, &s.goal);
    tasks_look(tasks, s.n);
}

static void give_import(void)
{
    struct agent_import_slots in = {
        .move_id = MOVE, .token = TOKEN, .slots = "0-99", .from_shard = SHARD};
    give((struct agent_node_task){.kind = "ImportSlots", .import_slots = &in});
}

static void give_export(bool is_tls)
{
    struct agent_export_slots out = {
        .move_id = MOVE,
        .token = TOKEN,
        .slots = "0-99",
        .to_shard = SHARD,
        .address = "127.0.0.2",
        .port = INT_OF(7000),
        .is_tls = BOOL_OF(is_tls),
    };
    give((struct agent_node_task){.kind = "ExportSlots", .export_slots = &out});
}

static void give_settle(void)
{
    struct agent_settle_slots in = {.move_id = MOVE};
    give((struct agent_node_task){.kind = "SettleSlots", .settle_slots = &in});
}

static void exchange(const char *heard, const char *said)
{
    scene_hear(&s, heard);
    scene_say(&s, said);
}

/* The task's report once it has this state. */
static const struct agent_node_task_report *await(const char *state)
{
    static struct agent_node_report r;

    for (int64_t end_ms = scene_patience(&s);;) {
        node_report(s.n, &r);
        if (strcmp(r.tasks.items[0].state, state) == 0)
            return &r.tasks.items[0];
        scene_turn(&s, end_ms, state);
    }
}

/* --- the side that gets --- */

Test(slots, a_node_expects_slots_by_the_topology_that_it_has)
{
    give_import();
    scene_accept(&s);
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(EXPECT, "+OK\r\n");
    await("done");
}

Test(slots, what_came_before_is_forgotten_where_the_engine_lets_it_go)
{
    give_import();
    scene_accept(&s);
    exchange(STATUS, "*2\r\n" SHOWN(OTHER, IN, TAKEN) SHOWN(TOKEN, IN, RECEIVES));
    exchange(CANCEL(OTHER) TOPOLOGY, "-ERR the slots were taken: wait\r\n" WORDS);
    exchange(EXPECT, "+OK\r\n");
    await("done");
}

Test(slots, a_refusal_is_not_the_end)
{
    give_import();
    scene_accept(&s);
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(EXPECT, "-ERR the epoch of the topology is 6 here\r\n");
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(EXPECT, "+OK\r\n");
    await("done");
}

Test(slots, an_engine_that_hangs_up_ends_it)
{
    give_import();
    scene_accept(&s);
    scene_hear(&s, STATUS);
    fd_close(&s.fd);
    cr_assert_str_eq(await("failed")->why, "the engine hung up");
}

/* --- the side that gives --- */

Test(slots, slots_go_and_it_is_told_how_far_they_are)
{
    give_export(false);
    scene_accept(&s);
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(START("9", ""), "+OK\r\n");
    exchange(STATUS, "*1\r\n*10\r\n$2\r\nid\r\n$40\r\n" MOVE "\r\n$9\r\ndirection\r\n" OUT
                     "\r\n$5\r\nstate\r\n" COPIES "\r\n$4\r\nkeys\r\n:30\r\n$9\r\nkeys-here\r\n"
                     ":120\r\n");
    scene_hear(&s, STATUS);
    cr_assert_eq(await("running")->percent.value, 25);
    scene_say(&s, "*2\r\n" SHOWN(OTHER, IN, RECEIVES) SHOWN(MOVE, OUT, DONE));
    await("done");
}

Test(slots, connections_are_encrypted_where_the_target_has_that)
{
    give_export(true);
    scene_accept(&s);
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(START("10", "$3\r\nTLS\r\n"), "+OK\r\n");
    exchange(STATUS, "*1\r\n" SHOWN(MOVE, OUT, DONE));
    await("done");
}

Test(slots, a_move_of_before_that_goes_on_is_ended_first)
{
    give_export(false);
    scene_accept(&s);
    exchange(STATUS, "*1\r\n" SHOWN(OTHER, OUT, COPIES));
    exchange(CANCEL(OTHER) TOPOLOGY, "+OK\r\n" WORDS);
    exchange(START("9", ""), "+OK\r\n");
    exchange(STATUS, "*1\r\n" SHOWN(MOVE, OUT, DONE));
    await("done");
}

Test(slots, what_the_engine_says_of_a_failure_is_told)
{
    give_export(false);
    scene_accept(&s);
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(START("9", ""), "+OK\r\n");
    exchange(STATUS, "*1\r\n*8\r\n$2\r\nid\r\n$40\r\n" MOVE "\r\n$9\r\ndirection\r\n" OUT
                     "\r\n$5\r\nstate\r\n$6\r\nfailed\r\n$5\r\nerror\r\n$7\r\nno room\r\n");
    cr_assert_str_eq(await("failed")->why, "no room");
}

Test(slots, an_engine_that_knows_nothing_of_it_has_failed)
{
    give_export(false);
    scene_accept(&s);
    exchange(STATUS, "*0\r\n");
    exchange(TOPOLOGY, WORDS);
    exchange(START("9", ""), "+OK\r\n");
    exchange(STATUS, "*0\r\n");
    cr_assert_str_eq(await("failed")->why, "the engine knows nothing of it any more");
}

/* --- who has them --- */

Test(slots, what_was_not_taken_never_will_be)
{
    give_settle();
    scene_accept(&s);
    exchange(CANCEL(MOVE), "+OK\r\n");
    cr_assert_not(await("done")->percent.has);
}

Test(slots, what_nobody_knows_was_not_taken)
{
    give_settle();
    scene_accept(&s);
    exchange(CANCEL(MOVE), "-ERR there is no such migration\r\n");
    cr_assert_not(await("done")->percent.has);
}

Test(slots, what_was_taken_is_told)
{
    give_settle();
    scene_accept(&s);
    exchange(CANCEL(MOVE), "-ERR the slots were taken: a topology is to confirm that\r\n");
    cr_assert_eq(await("done")->percent.value, 100);
}

Test(slots, tasks_that_do_not_say_what_fail)
{
    give((struct agent_node_task){.kind = "ExportSlots"});
    cr_assert_str_eq(await("failed")->why, "the task does not say which slots");
    give((struct agent_node_task){.kind = "SettleSlots"});
}
