#include "controlplane/reconcile/global_shards.h"
#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

/* The primary's group, and a secondary; two shards each, in the secondary with a replica. */
static struct group_scene there, s;
static struct global_member members[2];

static void obey_all(struct group_scene *scene, int64_t offset)
{
    for (size_t i = 0; i < scene->view.member_count; i++)
        group_scene_obey(scene, i, offset);
    for (size_t i = 0; i < scene->view.member_count; i++)
        if (member_shard(&scene->view, &scene->members[i])->goal.source.port) {
            scene->nodes[i].saw.role = "replica";
            scene->nodes[i].saw.is_link_up = true;
        }
}

static void look(void)
{
    group_scene_decide(&s);
    there.view.followers = s.view.shards;
}

static void follow(void)
{
    for (int i = 0; i < 4; i++) {
        look();
        obey_all(&s, 100);
    }
}

static void be_member(struct group_scene *scene, size_t self)
{
    scene->view.is_global = true;
    scene->view.self = members[self];
    scene->view.peers = members;
    scene->view.peer_count = 2;
}

static void open_scenes(void)
{
    group_scene_open(&there, 2, 1);
    there.view.group.id = 77;
    for (size_t i = 0; i < 2; i++)
        there.shards[i].group_id = 77;
    group_scene_run(&there);
    there.view.group.user = "larder-replica";
    there.view.group.password = "outer";
    group_scene_open(&s, 2, 2);
    for (size_t i = 0; i < 2; i++)
        members[i] = (struct global_member){.group_id = i == 0 ? 77 : 1,
                                            .datastore_id = 5,
                                            .role = i == 0 ? GLOBAL_PRIMARY : GLOBAL_SECONDARY,
                                            .datastore = "ldgnf-a",
                                            .group = "rg",
                                            .region = i == 0 ? "eu-west-1" : "us-east-1"};
    be_member(&there, 0);
    be_member(&s, 1);
    s.view.upstream = &there.view;
    follow();
    there.view.followers = s.view.shards;
}

static void close_scenes(void)
{
    group_scene_close(&there);
    group_scene_close(&s);
}

TestSuite(global_shards, .init = open_scenes, .fini = close_scenes);

/* The first hundred slots change hands in the primary's region. */
static void hand_over(void)
{
    there.shards[0].slots = "100-8191";
    there.shards[1].slots = "0-99,8192-16383";
    group_scene_decide(&there);
}

Test(global_shards, keys_are_kept_until_all_have_followed)
{
    cr_assert(global_shards_are_followed(&there.view));
    cr_assert_null(strstr(there.view.topology.words, "KEEP"));
    hand_over();
    cr_assert_not(global_shards_are_followed(&there.view));
    cr_assert_not_null(strstr(there.view.topology.words, " KEEP 0-99"));
    cr_assert_eq(group_scene_count(&there, DECISION_TOUCH), 1, "the secondary is looked at");

    there.shards[0].slots = "200-8191";
    there.shards[1].slots = "0-199,8192-16383";
    group_scene_decide(&there);
    cr_assert_not_null(strstr(there.view.topology.words, " KEEP 0-199"));
    s.shards[0].slots = there.shards[0].slots;
    s.shards[1].slots = there.shards[1].slots;
    s.shards[1].goal.after_offset = 1; /* not all of its nodes know yet */
    group_scene_decide(&there);
    cr_assert_not_null(strstr(there.view.topology.words, " KEEP 0-199"));
    s.shards[1].goal.after_offset = 0;
    group_scene_decide(&there);
    cr_assert_null(strstr(there.view.topology.words, "KEEP"));
    members[1].role = GLOBAL_LEAVING;
    there.view.followers.count = 0;
    hand_over();
    cr_assert_null(strstr(there.view.topology.words, "KEEP"), "nobody follows");
}

Test(global_shards, slots_are_taken_when_their_keys_are_there)
{
    hand_over();
    look();
    cr_assert_eq(s.shards[1].goal.after_offset, 0, "it is not known yet how far that is");
    obey_all(&there, 500);
    int64_t term = s.shards[1].goal.term, before = s.shards[0].goal.term;
    look();
    cr_assert_eq(s.shards[1].goal.after_offset, 500);
    cr_assert_eq(s.shards[1].goal.term, term + 1);
    cr_assert_eq(s.shards[0].goal.term, before, "it has nothing to wait for");
    look();
    cr_assert_eq(s.shards[1].goal.term, term + 1, "it is decided once");
    cr_assert_str_eq(s.shards[1].slots, "8192-16383");

    obey_all(&s, 500);
    look();
    cr_assert_not_null(strstr(s.view.topology.words, " READ 0-99 s2"));
    cr_assert_str_eq(s.shards[1].slots, "8192-16383", "not all nodes know that");
    obey_all(&s, 500);
    look();
    cr_assert_str_eq(s.shards[0].slots, "100-8191");
    cr_assert_str_eq(s.shards[1].slots, "0-99,8192-16383");
    cr_assert_null(strstr(s.view.topology.words, "READ"));
    cr_assert_eq(s.shards[1].goal.after_offset, 500);
    cr_assert_not(global_shards_are_followed(&there.view));
    obey_all(&s, 500);
    look();
    cr_assert_eq(s.shards[1].goal.after_offset, 0);
    cr_assert(global_shards_are_followed(&there.view));
    cr_assert_eq(group_scene_count(&s, DECISION_TOUCH), 1, "the primary goes on");
}

Test(global_shards, more_slots_are_waited_for_anew)
{
    hand_over();
    obey_all(&there, 500);
    look();
    obey_all(&s, 500);
    there.shards[0].slots = "200-8191";
    there.shards[1].slots = "0-199,8192-16383";
    group_scene_decide(&there);
    look();
    cr_assert_str_eq(s.shards[1].slots, "8192-16383");
    obey_all(&there, 900);
    look();
    cr_assert_eq(s.shards[1].goal.after_offset, 900);
    for (int i = 0; i < 3; i++) {
        obey_all(&s, 900);
        look();
    }
    cr_assert_str_eq(s.shards[1].slots, "0-199,8192-16383");
}

Test(global_shards, who_was_never_followed_has_nothing_to_wait_for)
{
    hand_over();
    obey_all(&there, 0);
    look();
    cr_assert_lt(s.shards[1].goal.after_offset, 0);
    for (int i = 0; i < 3; i++) {
        obey_all(&s, 0);
        look();
    }
    cr_assert_str_eq(s.shards[1].slots, "0-99,8192-16383");
}

Test(global_shards, a_silent_node_is_not_waited_for_but_a_replica_is)
{
    hand_over();
    obey_all(&there, 500);
    look();
    obey_all(&s, 500);
    s.nodes[3].saw.is_link_up = false;
    look();
    cr_assert_null(strstr(s.view.topology.words, "READ"), "its replica may be read, too");
    for (int i = 0; i < 2; i++) {
        obey_all(&s, 500);
        s.nodes[3].saw.state = NODE_STOPPED;
        look();
    }
    cr_assert_not_null(strstr(s.view.topology.words, "READ"));
}

Test(global_shards, shards_go_when_they_are_gone_there)
{
    there.shards[0].slots = "0-16383";
    there.shards[1].slots = "";
    group_scene_operate(&s, GROUP_ALIGN, "");
    s.view.operation.step = 2;
    there.view.has_operation = true;
    there.view.operation = (struct group_operation){.kind = GROUP_RESHARD,
                                                    .data = "",
                                                    .why = "",
                                                    .state = OPERATION_RUNNING,
                                                    .deadline_ms = 99000};
    s.shards[0].slots = "0-16383";
    s.shards[1].slots = "";
    there.view.operation.step = 2;
    s.view.now_ms = 9000;
    look();
    cr_assert(s.shards[1].is_wanted, "it may be new");
    cr_assert_gt(s.view.operation.deadline_ms, 100000, "there is time while the primary is at it");

    there.shards[1].is_wanted = false;
    there.view.has_operation = false;
    look();
    cr_assert_not(s.shards[1].is_wanted);
    cr_assert_not(s.members[2].cluster.is_wanted);
    cr_assert_not(s.nodes[3].is_wanted);
    cr_assert(s.members[0].cluster.is_wanted);
}

Test(global_shards, moves_wait_for_those_who_follow)
{
    static struct slot_move move;

    move = (struct slot_move){.id = 1,
                              .group_id = 77,
                              .from_id = 1,
                              .to_id = 2,
                              .slots = "200-299",
                              .token = "t",
                              .task_why = ""};
    hand_over();
    obey_all(&there, 500);
    group_scene_operate(&there, GROUP_RESHARD, "");
    there.view.operation.step = 2;
    there.view.moves = (struct slot_move_list){&move, 1};
    group_scene_decide(&there);
    cr_assert_eq(move.state, SLOT_MOVE_WAITING);
    s.shards[0].slots = there.shards[0].slots;
    s.shards[1].slots = there.shards[1].slots;
    group_scene_decide(&there); /* nothing is kept any more */
    obey_all(&there, 500);
    group_scene_decide(&there);
    cr_assert_eq(move.state, SLOT_MOVE_ANNOUNCED);
}
