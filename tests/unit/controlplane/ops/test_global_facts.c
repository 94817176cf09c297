#include "controlplane/ops/global_facts.h"
#include "global_world.h"

#include <criterion/criterion.h>

TestSuite(global_facts, .init = global_world_open, .fini = world_close, .timeout = 60);

Test(global_facts, a_datastore_is_read_with_its_members)
{
    struct global_facts f;

    global_world_pair();
    struct call c = world_call();
    must(global_facts_find(&c, "LDGNF-Store", &f));
    cr_assert_eq(f.count, 2);
    cr_assert_str_eq(f.members[0].region, THERE);
    cr_assert_str_eq(f.groups[0].group.name, "there");
    cr_assert_str_eq(global_facts_primary(&f)->group.name, "here");
    cr_assert_eq(global_facts_member(&c, &f, "HERE", HERE), 1);
    cr_assert_eq(global_facts_member(&c, &f, "here", THERE), 2);
    fixture_commit(&world.f);
}

Test(global_facts, a_call_is_made_in_another_region)
{
    struct caller who;
    struct call c = world_call(), there = global_call_in(&c, THERE, &who);

    cr_assert_str_eq(there.caller->region, THERE);
    cr_assert_str_eq(c.caller->region, HERE);
    cr_assert_str_eq(there.caller->account, c.caller->account);
    fixture_commit(&world.f);
}

Test(global_facts, one_that_changes_is_not_changed)
{
    struct global_facts f;

    global_world_store();
    global_world_go(THERE);
    must(global_world_join("there", "ldgnf-store"));
    struct call c = world_call();
    must(global_facts_find(&c, "ldgnf-store", &f));
    cr_assert_str_eq(f.status, "modifying");
    struct ec_global_replication_group *g = global_to_wire_new(&c, &f);
    cr_assert_str_eq(g->members.items[0].status, "associating");
    expect(global_facts_for_change(&c, "ldgnf-store", &f),
           FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE,
           "Global replication group ldgnf-store is in modifying state.");
    fixture_commit(&world.f);
}

Test(global_facts, members_are_told_apart_from_other_groups)
{
    struct group_facts here, other;

    global_world_store();
    global_world_group("other", 1);
    struct call c = world_call();
    must(group_facts_find(&c, "here", &here));
    must(group_facts_find(&c, "other", &other));
    cr_assert_not_null(here.global);
    cr_assert_null(other.global);
    must(global_refuse_member(&c, &other, "no"));
    expect(global_refuse_member(&c, &here, "no"), FAULT_INVALID_REPLICATION_GROUP_STATE,
           "Replication group here is a member of the global replication group ldgnf-store: no.");
    fixture_commit(&world.f);
}
