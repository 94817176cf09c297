#include "controlplane/store/points.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

FIXTURE_SUITE(points);

#define HOUR   POINTS_HOUR_MS
#define MINUTE POINTS_MINUTE_MS

static int64_t node_of(const char *cluster, const char *number)
{
    struct cluster c;

    if (err_failed(store_cluster_find(f.tx, "000000000000", "us-east-1", cluster, &c)))
        c = fixture_cluster(&f, cluster, "redis");
    return fixture_node(&f, c.id, number).id;
}

static void add(int64_t node_id, int64_t at_ms, const char *metric, double value)
{
    struct point_value one = {metric_find(str_of(metric)), value};
    must(store_point_add(f.tx, node_id, at_ms, &one, 1));
}

static size_t sources(const char *cluster, int64_t since_ms, struct point_source **out)
{
    struct point_source_query q = {
        .account = "000000000000", .region = "us-east-1", .cluster = cluster, .since_ms = since_ms};
    size_t count;

    must(store_point_sources(f.tx, &q, out, &count));
    return count;
}

struct found {
    int number, minutes;
    int64_t sum, first_hour;
};

static struct err count_minutes(void *context, int64_t hour, struct str packed)
{
    struct found *found = context;
    struct points_column c;

    TRY(points_unpack_one(packed, found->number, &c));
    if (!found->first_hour)
        found->first_hour = hour;
    for (int i = 0; i < POINTS_MINUTES; i++)
        if (c.minutes >> i & 1) {
            found->minutes++;
            found->sum += c.scaled[i];
        }
    return OK;
}

static struct found find(int64_t source, const char *metric)
{
    struct found found = {.number = metric_find(str_of(metric))->number};

    must(store_point_hours(f.tx, source, 0, INT32_MAX, count_minutes, &found));
    return found;
}

Test(points, minutes_gather_in_their_hours)
{
    int64_t node = node_of("c1", "0001");
    struct point_source *found;

    for (int i = 0; i < 90; i++)
        add(node, HOUR * 1000 + i * MINUTE, "CacheHits", i);
    cr_assert_eq(sources("c1", 0, &found), 1);
    cr_assert_str_eq(found->number, "0001");
    cr_assert_eq(found->last_ms, HOUR * 1000 + 89 * MINUTE);
    struct found hits = find(found->id, "CacheHits");
    cr_assert_eq(hits.minutes, 90);
    cr_assert_eq(hits.sum, 89 * 90 / 2);
    cr_assert_eq(hits.first_hour, 1000);
}

Test(points, a_minute_that_is_told_again_is_replaced)
{
    int64_t node = node_of("c1", "0001");
    struct point_source *found;

    add(node, HOUR, "CacheHits", 5);
    add(node, HOUR, "Evictions", 6);
    cr_assert_eq(sources("c1", 0, &found), 1);
    cr_assert_eq(find(found->id, "CacheHits").minutes, 0);
    cr_assert_eq(find(found->id, "Evictions").sum, 6);
}

Test(points, a_source_knows_the_metrics_that_it_ever_had)
{
    int64_t node = node_of("c1", "0001");
    struct point_source *found;
    char word[16];

    add(node, HOUR, "CacheHits", 5);
    add(node, HOUR + MINUTE, "Evictions", 5);
    add(node, HOUR + 2 * MINUTE, "CacheHits", 5);
    cr_assert_eq(sources(NULL, 0, &found), 1);
    snprintf(word, sizeof(word), " %d ", metric_find(STR("CacheHits"))->number);
    cr_assert(strstr(found->metrics, word));
    snprintf(word, sizeof(word), " %d ", metric_find(STR("Evictions"))->number);
    cr_assert(strstr(found->metrics, word));
}

Test(points, nodes_without_recent_points_and_other_clusters_are_left_out)
{
    struct point_source *found;

    add(node_of("c1", "0001"), HOUR * 10, "CacheHits", 1);
    add(node_of("c1", "0002"), HOUR * 20, "CacheHits", 1);
    add(node_of("c2", "0001"), HOUR * 20, "CacheHits", 1);
    cr_assert_eq(sources(NULL, 0, &found), 3);
    cr_assert_eq(sources(NULL, HOUR * 15, &found), 2);
    cr_assert_eq(sources("c1", HOUR * 15, &found), 1);
    cr_assert_str_eq(found->number, "0002");
}

Test(points, of_a_node_that_is_gone_nothing_is_added)
{
    struct point_value one = {metric_find(STR("CacheHits")), 1};
    cr_assert(err_is(store_point_add(f.tx, 12345, HOUR, &one, 1), ERR_NOT_FOUND));
}

Test(points, old_ones_go_and_their_sources_with_the_last)
{
    struct point_source *found;
    int64_t room;

    add(node_of("c1", "0001"), HOUR * 10, "CacheHits", 1);
    int64_t node = node_of("c2", "0001");
    add(node, HOUR * 10, "CacheHits", 1);
    add(node, HOUR * 20, "CacheHits", 1);
    must(store_point_prune(f.tx, HOUR * 15, INT64_MAX));
    cr_assert_eq(sources(NULL, 0, &found), 1);
    cr_assert_eq(find(found->id, "CacheHits").first_hour, 20);
    must(store_point_prune(f.tx, HOUR * 25, INT64_MAX));
    must(store_point_room(f.tx, &room));
    cr_assert_eq(room, 0);
}

Test(points, beyond_the_limit_the_oldest_go_first)
{
    struct point_source *found;
    int64_t room;

    int64_t node = node_of("c1", "0001");
    for (int i = 0; i < 10; i++)
        add(node, HOUR * (10 + i), "CacheHits", 1);
    must(store_point_room(f.tx, &room));
    must(store_point_prune(f.tx, 0, room / 2));
    must(store_point_room(f.tx, &room));
    cr_assert_eq(sources(NULL, 0, &found), 1);
    struct found hits = find(found->id, "CacheHits");
    cr_assert_eq(hits.minutes, 5);
    cr_assert_eq(hits.first_hour, 15);
}

/* What a thousand nodes take for 15 days is this times 360,000. */
Test(points, an_hour_of_a_busy_node_takes_a_few_kilobytes)
{
    int64_t node = node_of("c1", "0001"), room;

    for (int minute = 0; minute < 60; minute++) {
        struct point_value values[METRIC_MAX];
        for (size_t i = 0; i < metric_count; i++)
            values[i] = (struct point_value){
                &metrics[i], i % 3 ? 5 : (double)((minute * 7919 + (int)i * 104729) % 20000)};
        must(store_point_add(f.tx, node, HOUR + minute * MINUTE, values, metric_count));
    }
    must(store_point_room(f.tx, &room));
    cr_assert_lt(room, 8000, "%lld bytes", (long long)room);
}
