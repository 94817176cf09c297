#include "controlplane/store/groups.h"
#include "controlplane/store/leases.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(leases);

static struct shard asked_shard(const char *voters, int64_t term)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");

    s.goal = (struct shard_goal){.has = true, .term = 3, .primary_id = 1};
    s.lease = (struct shard_lease){.voters = voters, .number = 2, .asked_term = term};
    must(store_shard_goal_set(f.tx, &s));
    return s;
}

static int64_t generation_of(const char *host_id)
{
    int64_t generation;
    must(store_host_generation(f.tx, host_id, &generation));
    return generation;
}

Test(leases, a_lease_is_kept_with_the_goal)
{
    struct shard s = asked_shard("h1 h2", 4);
    struct shard_list found;

    s.lease = (struct shard_lease){.voters = "h1 h2 h3",
                                   .number = 3,
                                   .is_held = true,
                                   .settled_ms = 10,
                                   .asked_term = 11,
                                   .is_told = true,
                                   .vacated_ms = 12,
                                   .lost_id = 13,
                                   .lost_offset = 14,
                                   .lost_term = 15,
                                   .ms = 2000,
                                   .most_ms = 3000,
                                   .calm_ms = 16};
    int64_t most_ms;

    must(store_shard_goal_set(f.tx, &s));
    must(store_shard_list(f.tx, &s.group_id, 1, &found));
    const struct shard_lease *l = &found.items[0].lease;
    cr_assert_str_eq(l->voters, "h1 h2 h3");
    cr_assert(l->number == 3 && l->is_held && l->settled_ms == 10 && l->asked_term == 11);
    cr_assert(l->is_told && l->vacated_ms == 12 && l->lost_id == 13 && l->lost_offset == 14 &&
              l->lost_term == 15);
    cr_assert(l->ms == 2000 && l->most_ms == 3000 && l->calm_ms == 16);
    must(store_lease_most_ms(f.tx, &most_ms));
    cr_assert_eq(most_ms, 3000);
}

Test(leases, voters_hear_at_once_of_what_they_are_asked)
{
    struct host h1 = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1);
    struct host h2 = fixture_host(&f, "h2", "us-east-1b", "127.77.1.0/24", 1);
    int64_t before = generation_of(h1.id);
    struct promise_list asked;

    struct shard s =
        asked_shard(arena_printf(&f.arena, "%s nobody %s", h1.id, CONTROL_PLANE_VOTER), 4);
    cr_assert_gt(generation_of(h1.id), before);
    must(store_promises_asked(f.tx, h1.id, &asked));
    cr_assert_eq(asked.count, 1);
    cr_assert(asked.items[0].shard_id == s.id && asked.items[0].term == 4);
    must(store_promises_asked(f.tx, h2.id, &asked));
    cr_assert_eq(asked.count, 0, "it is no voter");

    before = generation_of(h1.id);
    must(store_hosts_raise_all(f.tx));
    cr_assert_gt(generation_of(h1.id), before);
}

Test(leases, what_a_host_promised_is_what_it_said_last)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1);
    struct shard s = asked_shard(h.id, 4);
    struct promise promises[] = {
        {h.id, s.id,    4},
        {h.id, 1000000, 4}
    };
    struct promise_list found;

    must(store_promises_set(f.tx, h.id, promises, 2));
    must(store_promises_of_group(f.tx, s.group_id, &found));
    cr_assert_eq(found.count, 1, "of a shard that is gone nothing is kept");
    cr_assert_str_eq(found.items[0].host_id, h.id);
    cr_assert(found.items[0].shard_id == s.id && found.items[0].term == 4);
    promises[0].term = 5;
    must(store_promises_set(f.tx, h.id, promises, 1));
    must(store_promises_of_group(f.tx, s.group_id, &found));
    cr_assert_eq(found.items[0].term, 5);
    must(store_promises_set(f.tx, h.id, NULL, 0));
    must(store_promises_of_group(f.tx, s.group_id, &found));
    cr_assert_eq(found.count, 0);
}

Test(leases, voters_have_places_and_a_key)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1);
    struct lease_secret secret;
    struct voter_place *places;
    size_t count;

    h.peer_address = "127.77.0.250";
    h.peer_port = 7000;
    must(store_host_put(f.tx, &h));
    must(store_voter_places(f.tx, arena_printf(&f.arena, "%s nobody", h.id), &places, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(places[0].address, "127.77.0.250");
    cr_assert_eq(places[0].port, 7000);

    cr_assert(err_is(store_lease_secret_get(f.tx, &secret), ERR_NOT_FOUND));
    secret = (struct lease_secret){"a2V5", "", 0};
    must(store_lease_secret_put(f.tx, &secret));
    secret.port = 9379;
    must(store_lease_secret_put(f.tx, &secret));
    must(store_lease_secret_get(f.tx, &secret));
    cr_assert_str_eq(secret.key, "a2V5");
    cr_assert_eq(secret.port, 9379);
}
