#include "controlplane/store/sources.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(sources);

static struct shard_source source_at(const char *address, int port)
{
    return (struct shard_source){
        .address = address, .port = port, .user = "larder-replica", .password = "secret"};
}

Test(sources, one_is_put_changed_and_taken_away)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard s = fixture_shard(&f, g.id, "0001");
    struct shard_source first = source_at("10.0.0.1", 6379), second = source_at("db.example", 7000);
    struct shard_source nobody = {0};
    struct source_row *rows;
    size_t count;

    must(store_source_list(f.tx, &g.id, 1, &rows, &count));
    cr_assert_eq(count, 0);
    cr_assert_eq(source_of_shard(rows, count, s.id).port, 0);
    must(store_source_set(f.tx, s.id, &first));
    must(store_source_set(f.tx, s.id, &second));
    must(store_source_list(f.tx, &g.id, 1, &rows, &count));
    cr_assert_eq(count, 1);
    struct shard_source found = source_of_shard(rows, count, s.id);
    cr_assert(shard_source_is(&found, &second));
    cr_assert_not(shard_source_is(&found, &first));
    cr_assert_not(shard_source_is(&found, &nobody));
    must(store_source_set(f.tx, s.id, &nobody));
    must(store_source_list(f.tx, &g.id, 1, &rows, &count));
    cr_assert_eq(count, 0);
}

Test(sources, a_host_hears_of_those_of_shards_that_it_has_members_of)
{
    struct replication_group g = fixture_group(&f, "rg");
    struct shard here = fixture_shard(&f, g.id, "0001"), there = fixture_shard(&f, g.id, "0002");
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.1.0/24", (int64_t)1 << 30);
    struct cluster member = fixture_cluster(&f, "rg-0001-001", "redis");
    struct node n = fixture_node(&f, member.id, "0001");
    struct shard_source source = source_at("10.0.0.1", 6379);
    struct node_goal goal = {
        .host_id = h.id, .address = "127.77.1.1", .port = 6379, .state = NODE_RUNNING};
    struct source_row *rows;
    size_t count;

    member.group_id = g.id;
    member.shard_id = here.id;
    must(store_cluster_update(f.tx, &member));
    must(store_goal_set(f.tx, n.id, &goal));
    must(store_source_set(f.tx, here.id, &source));
    must(store_source_set(f.tx, there.id, &source));
    must(store_source_list_of_host(f.tx, h.id, &rows, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(rows[0].shard_id, here.id);
}
