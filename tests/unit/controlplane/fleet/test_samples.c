#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/samples.h"
#include "controlplane/store/points.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(samples);

#define NOW_MS (1000 * POINTS_HOUR_MS)

static void record(int64_t node_id, int64_t at_ms, const char *name, double value)
{
    struct agent_node_number number = {
        name, {true, value}
    };
    struct agent_node_sample sample = {
        INT_OF(node_id), TIME_OF(at_ms), {true, 1, &number}
    };
    struct agent_node_sample_list list = {true, 1, &sample};

    must(samples_record(f.tx, &list, NOW_MS));
}

static struct point_source *source(size_t expected)
{
    struct point_source_query q = {.account = "000000000000", .region = "us-east-1"};
    struct point_source *sources;
    size_t count;

    must(store_point_sources(f.tx, &q, &sources, &count));
    cr_assert_eq(count, expected);
    return sources;
}

static int64_t a_node(void)
{
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    return fixture_node(&f, c.id, "0001").id;
}

Test(samples, numbers_of_known_names_become_points)
{
    int64_t node = a_node();

    record(node, NOW_MS - POINTS_MINUTE_MS, "CacheHits", 4);
    struct point_source *s = source(1);
    cr_assert_eq(s->last_ms, NOW_MS - POINTS_MINUTE_MS);
    record(node, NOW_MS, "NoSuchMetric", 4);
    cr_assert_str_eq(source(1)->metrics, s->metrics);
}

Test(samples, what_cannot_be_is_passed_over)
{
    int64_t node = a_node();

    record(node, NOW_MS - POINTS_KEEP_MS, "CacheHits", 4);
    record(node, NOW_MS + POINTS_HOUR_MS, "CacheHits", 4);
    record(node, -1, "CacheHits", 4);
    record(777, NOW_MS, "CacheHits", 4);
    source(0);
}
