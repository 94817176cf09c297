#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/goals.h"
#include "controlplane/fleet/leases.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/leases.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(fleet_leases);

static struct host host;
static struct shard shard;
static struct agent_node_goal_list goals;

/* One member on the host, and voters that are it, a host that is gone and the control plane. */
static const struct agent_node_role *role_under(struct shard_lease lease)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct cluster c = fixture_cluster(&f, "rg-001", "redis");
    const struct vote_place own = {"127.0.0.1", 9379};

    shard = fixture_shard(&f, g.id, "0001");
    host = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    host.peer_address = "127.77.0.250";
    host.peer_port = 7000;
    must(store_host_put(f.tx, &host));
    c.group_id = g.id;
    c.shard_id = shard.id;
    must(store_cluster_update(f.tx, &c));
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {.host_id = host.id, .address = "127.77.0.1", .port = 6379};
    must(store_goal_set(f.tx, n.id, &goal));
    shard.goal = (struct shard_goal){.has = true, .term = 3, .primary_id = c.id};
    shard.goal.acks.asked = lease.vacated_ms ? OFFSETS_ASKED : OFFSETS_NOT_ASKED;
    shard.lease = lease;
    must(store_shard_goal_set(f.tx, &shard));
    must(goals_of_host(f.tx, host.id, SINCE_EVER, &goals));
    must(leases_locate(f.tx, &own, &goals));
    return goals.items[0].role;
}

static const char *three(void)
{
    return arena_printf(&f.arena, "id-of-h1 gone %s", CONTROL_PLANE_VOTER);
}

Test(fleet_leases, a_lease_has_its_voters_with_their_places)
{
    const struct agent_node_role *role =
        role_under((struct shard_lease){.voters = three(), .number = 4});
    const struct agent_voter *v = role->lease->voters.items;

    cr_assert_eq(role->lease->shard_id.value, shard.id);
    cr_assert_eq(role->lease->ms.value, 1200);
    cr_assert_eq(role->lease->most_ms.value, 1200);
    cr_assert_eq(role->lease->voters.count, 3);
    cr_assert_str_eq(v[0].address, "127.77.0.250");
    cr_assert_eq(v[0].port.value, 7000);
    cr_assert_eq(v[1].port.value, 0, "it is nowhere");
    cr_assert_str_eq(v[2].address, "127.0.0.1");
    cr_assert_eq(v[2].port.value, 9379);
    cr_assert_not_null(strstr(goals.items[0].settings_version, ".v4"));
}

Test(fleet_leases, voters_know_what_holders_ask_for_and_what_they_asked_for_before)
{
    const struct agent_node_role *role = role_under(
        (struct shard_lease){.voters = three(), .number = 4, .ms = 2000, .most_ms = 3000});

    cr_assert_eq(role->lease->ms.value, 2000);
    cr_assert_eq(role->lease->most_ms.value, 3000);
}

Test(fleet_leases, without_voters_there_is_none)
{
    cr_assert_null(role_under((struct shard_lease){0})->lease);
}

Test(fleet_leases, while_nobody_is_the_primary_all_are_replicas_of_nobody)
{
    const struct agent_node_role *role =
        role_under((struct shard_lease){.voters = three(), .number = 4, .vacated_ms = 1000});

    cr_assert_not(role->is_primary.value);
    cr_assert_eq(role->term.value, 3);
    cr_assert_null(role->primary_address);
    cr_assert_not_null(role->lease, "its host votes");
}

Test(fleet_leases, terms_are_asked_for_and_promised)
{
    struct agent_promise_list out = {0};
    struct promise_list found;

    role_under((struct shard_lease){.voters = three(), .number = 4, .asked_term = 5});
    must(leases_promises(f.tx, host.id, &out));
    cr_assert(out.has && out.count == 1);
    cr_assert(out.items[0].shard_id.value == shard.id && out.items[0].term.value == 5);
    must(leases_record(f.tx, host.id, &out));
    must(store_promises_of_group(f.tx, shard.group_id, &found));
    cr_assert_eq(found.count, 1);
    must(leases_promises(f.tx, "another", &out));
    cr_assert_not(out.has);
}
