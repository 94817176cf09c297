#include "group_scene.h"

#include <criterion/criterion.h>

#include <string.h>

/* The group of the other region, and the one that is decided about. */
static struct group_scene there, s;
static struct global_member members[2];

static void set_role(size_t at, enum global_role role)
{
    members[at].role = role;
    if (at == 1)
        s.view.self.role = role;
}

static void open_scenes(void)
{
    group_scene_open(&there, 1, 1);
    group_scene_run(&there);
    there.view.group.user = "larder-replica";
    there.view.group.password = "outer";
    group_scene_open(&s, 1, 2);
    for (size_t i = 0; i < 2; i++)
        members[i] = (struct global_member){.group_id = i == 0 ? 77 : 1,
                                            .datastore_id = 5,
                                            .datastore = "ldgnf-a",
                                            .group = "rg",
                                            .region = i == 0 ? "eu-west-1" : "us-east-1"};
    s.view.is_global = true;
    s.view.self = members[1];
    s.view.peers = members;
    s.view.peer_count = 2;
    s.view.upstream = &there.view;
    set_role(0, GLOBAL_PRIMARY);
    set_role(1, GLOBAL_SECONDARY);
}

static void close_scenes(void)
{
    group_scene_close(&there);
    group_scene_close(&s);
}

TestSuite(globals, .init = open_scenes, .fini = close_scenes);

static const struct decision *find(enum decision_kind kind)
{
    vec_each(d, &s.decisions.list)
        if (d->kind == kind)
            return d;
    return NULL;
}

static enum operation_state state(void)
{
    return s.view.operation.state;
}

/* All do what they should; who follows somebody outside has its link up. */
static void obey(void)
{
    group_scene_obey(&s, 0, 100);
    group_scene_obey(&s, 1, 100);
    if (s.shards[0].goal.source.port) {
        s.nodes[0].saw.role = "replica";
        s.nodes[0].saw.is_link_up = true;
    }
}

static void follow(void)
{
    group_scene_decide(&s);
    obey();
    group_scene_decide(&s);
    obey();
}

Test(globals, a_secondary_follows_the_shard_of_the_same_number)
{
    group_scene_decide(&s);
    const struct shard_source *source = &s.shards[0].goal.source;
    cr_assert_str_eq(source->address, there.nodes[0].goal.address);
    cr_assert_eq(source->port, there.nodes[0].goal.port);
    cr_assert_str_eq(source->user, "larder-replica");
    cr_assert_str_eq(source->password, "outer");
    int64_t term = s.shards[0].goal.term;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, term, "it is decided once");

    there.nodes[0].goal.port = 7000;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.term, term + 1);
    cr_assert_eq(s.shards[0].goal.source.port, 7000);
    cr_assert_eq(find(DECISION_TOUCH)->member.group_id, 77, "others are looked at");
}

Test(globals, a_new_secondary_is_there_when_it_has_the_data)
{
    group_scene_operate(&s, GROUP_CREATE, "");
    group_scene_decide(&s);
    obey();
    s.nodes[0].saw.is_link_up = false;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_RUNNING);
    obey();
    group_scene_decide(&s); /* its replicas are asked anew */
    cr_assert_eq(state(), OPERATION_RUNNING);
    obey();
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
}

static void begin_to_lead(void)
{
    follow();
    set_role(1, GLOBAL_SUCCESSOR);
    group_scene_operate(&s, GROUP_LEAD, "");
    group_scene_decide(&s);
}

/* The other region's primary is fenced at this offset. */
static void fence_there(int64_t offset)
{
    there.shards[0].goal.fenced_id = 1;
    there.shards[0].goal.fence_term = there.shards[0].goal.term;
    group_scene_obey(&there, 0, offset);
}

Test(globals, a_successor_waits_for_the_fence_and_for_the_offset)
{
    begin_to_lead();
    cr_assert_eq(s.shards[0].goal.source.port, 6379, "nobody is fenced yet");
    fence_there(4242);
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.source.port, 0);
    cr_assert_eq(s.shards[0].goal.after_offset, 4242);
    cr_assert_eq(state(), OPERATION_RUNNING);
    obey();
    group_scene_decide(&s);
    cr_assert_eq(s.view.self.role, GLOBAL_PRIMARY);
    cr_assert_eq(s.shards[0].goal.after_offset, 0);
    size_t exchanged = 0;
    vec_each(d, &s.decisions.list)
        if (d->kind == DECISION_GLOBAL_ROLE)
            exchanged += d->member.group_id == 77 ? d->member.role == GLOBAL_SECONDARY
                                                  : d->member.role == GLOBAL_PRIMARY;
    cr_assert_eq(exchanged, 2);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert(
        group_scene_told(&s, "Replication group rg is the primary of global datastore ldgnf-a"));
}

Test(globals, nobody_waits_for_a_region_that_is_gone)
{
    there.hosts[0].is_silent = there.hosts[1].is_silent = there.hosts[2].is_silent = true;
    begin_to_lead();
    cr_assert_eq(s.shards[0].goal.source.port, 0);
    cr_assert_eq(s.shards[0].goal.after_offset, 0);
}

Test(globals, a_fence_that_does_not_come_ends_the_attempt)
{
    begin_to_lead();
    s.view.now_ms = s.view.operation.deadline_ms;
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.view.self.role, GLOBAL_SECONDARY);
    cr_assert_eq(find(DECISION_GLOBAL_ROLE)->member.role, GLOBAL_SECONDARY);
}

/* As the group of the primary sees it. */
static void begin_to_yield(void)
{
    s.view.upstream = NULL;
    set_role(1, GLOBAL_PRIMARY);
    set_role(0, GLOBAL_SUCCESSOR);
    group_scene_run(&s);
    group_scene_operate(&s, GROUP_YIELD, "");
    group_scene_decide(&s);
}

Test(globals, who_yields_is_fenced_and_follows_its_successor)
{
    begin_to_yield();
    cr_assert_eq(s.shards[0].goal.fenced_id, 1);
    cr_assert_eq(find(DECISION_TOUCH)->member.group_id, 77, "the successor looks at the fence");
    set_role(0, GLOBAL_PRIMARY);
    set_role(1, GLOBAL_SECONDARY);
    s.view.upstream = &there.view;
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].goal.source.port, 6379);
    for (int i = 0; i < 3; i++) {
        obey();
        group_scene_decide(&s);
    }
    cr_assert_eq(state(), OPERATION_DONE);
}

Test(globals, who_yields_to_nobody_takes_writes_again)
{
    begin_to_yield();
    int64_t term = s.shards[0].goal.term;
    set_role(0, GLOBAL_SECONDARY);
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_FAILED);
    cr_assert_eq(s.shards[0].goal.fenced_id, 0);
    cr_assert_eq(s.shards[0].goal.term, term + 1);
}

Test(globals, who_leaves_stands_alone)
{
    follow();
    set_role(1, GLOBAL_LEAVING);
    group_scene_operate(&s, GROUP_LEAVE, "");
    group_scene_decide(&s);
    cr_assert_eq(s.shards[0].goal.source.port, 0);
    cr_assert_eq(state(), OPERATION_RUNNING);
    obey();
    group_scene_decide(&s);
    cr_assert_eq(state(), OPERATION_DONE);
    cr_assert_eq(find(DECISION_GLOBAL_LEAVE)->member.group_id, 1);
    cr_assert(group_scene_told(&s, "Replication group rg has left global datastore ldgnf-a"));
}
