#include "controlplane/ops/series.h"
#include "numbers.h"
#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(series, .init = world_open, .fini = world_close, .timeout = 60);

static struct series_bucket buckets[60];

/* Reads so many periods of so many minutes from THEN_MS. */
static void read_series(const char *metric, struct cw_dimensions dimensions, int minutes,
                        size_t count, bool has_samples)
{
    const struct series_span span = {THEN_MS, minutes * MINUTE, count};
    struct call c = world_call();

    must(series_read(&c, &world.f.arena, series_metric("AWS/ElastiCache", metric), &dimensions,
                     &span, has_samples, buckets));
    store_rollback(&world.f.tx);
}

Test(series, minutes_gather_in_periods)
{
    world_redis("c1");
    for (int i = 0; i < 10; i++)
        put_number("c1", "0001", i, "CacheHits", i);
    read_series("CacheHits", of_cluster("c1"), 5, 3, false);
    cr_assert_eq(buckets[0].count, 5);
    cr_assert_eq(buckets[0].sum, 10);
    cr_assert_eq(buckets[1].min, 5);
    cr_assert_eq(buckets[1].max, 9);
    cr_assert_eq(buckets[2].count, 0);
}

Test(series, a_cluster_is_all_of_its_nodes_and_a_node_is_itself)
{
    world_memcached("m1", 2);
    put_number("m1", "0001", 0, "GetHits", 1);
    put_number("m1", "0002", 0, "GetHits", 9);
    read_series("GetHits", of_cluster("m1"), 1, 1, false);
    cr_assert_eq(buckets[0].count, 2);
    cr_assert_eq(buckets[0].sum, 10);
    read_series("GetHits", of_two("CacheNodeId", "0002", "CacheClusterId", "m1"), 1, 1, false);
    cr_assert_eq(buckets[0].count, 1);
    cr_assert_eq(buckets[0].sum, 9);
}

Test(series, a_group_is_its_members_by_the_role_that_they_had)
{
    world_group("rg", 2);
    for (int i = 0; i < 2; i++) { /* roles change after the first minute */
        put_number("rg-001", "0001", i, "IsMaster", i == 0);
        put_number("rg-002", "0001", i, "IsMaster", i == 1);
    }
    fixture_begin(&world.f, STORE_WRITE);
    fixture_commit(&world.f);
    read_series("IsMaster", of_two("ReplicationGroupId", "rg", "Role", "Primary"), 1, 2, false);
    cr_assert_eq(buckets[0].count, 1);
    cr_assert_eq(buckets[0].sum, 1);
    cr_assert_eq(buckets[1].sum, 1);
    read_series("IsMaster", of_two("ReplicationGroupId", "rg", "Role", "Replica"), 1, 2, false);
    cr_assert_eq(buckets[0].count, 1);
    cr_assert_eq(buckets[0].sum, 0);
}

Test(series, samples_of_each_period_are_in_order)
{
    world_redis("c1");
    static const double values[] = {5, 1, 3, 9, 7};
    for (int i = 0; i < 5; i++)
        put_number("c1", "0001", i, "CacheHits", values[i]);
    read_series("CacheHits", of_cluster("c1"), 3, 2, true);
    cr_assert_eq(buckets[0].samples[0], 1);
    cr_assert_eq(buckets[0].samples[2], 5);
    cr_assert_eq(buckets[1].samples[0], 7);
    cr_assert_eq(buckets[1].samples[1], 9);
}

Test(series, names_that_mean_nothing_have_no_samples)
{
    world_redis("c1");
    put_number("c1", "0001", 0, "CacheHits", 1);
    const struct cw_dimensions wrong[] = {
        {0},
        of_cluster("c2"),
        of_two("CacheClusterId", "c1", "CacheClusterId", "c1"),
        of_two("CacheClusterId", "c1", "Role", "Primary"),
        of_two("CacheClusterId", "c1", "ReplicationGroupId", "rg"),
        of_two("CacheClusterId", "c1", "Nothing", "x"),
    };

    for (size_t i = 0; i < countof(wrong); i++) {
        read_series("CacheHits", wrong[i], 1, 1, false);
        cr_assert_eq(buckets[0].count, 0, "row %zu", i);
    }
    cr_assert_null(series_metric("AWS/EC2", "CacheHits"));
}

static bool list_one(void *context, const struct metric *m, const struct cw_dimension *dimensions,
                     size_t count)
{
    char *text = context;

    sprintf(text + strlen(text), "%s(", m->name);
    for (size_t i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s=%s ", dimensions[i].name, dimensions[i].value);
    strcat(text, ")");
    return true;
}

Test(series, every_face_of_a_metric_is_listed_once)
{
    char text[1024] = "";

    world_group("rg", 2);
    put_number("rg-001", "0001", 0, "CacheHits", 1);
    put_number("rg-002", "0001", 0, "CacheHits", 1);
    struct call c = world_call();
    must(series_each(&c, 0, list_one, text));
    store_rollback(&world.f.tx);
    cr_assert_str_eq(text, "CacheHits(CacheClusterId=rg-001 )"
                           "CacheHits(CacheClusterId=rg-001 CacheNodeId=0001 )"
                           "CacheHits(ReplicationGroupId=rg )"
                           "CacheHits(ReplicationGroupId=rg Role=Primary )"
                           "CacheHits(ReplicationGroupId=rg Role=Replica )"
                           "CacheHits(CacheClusterId=rg-002 )"
                           "CacheHits(CacheClusterId=rg-002 CacheNodeId=0001 )");
}
