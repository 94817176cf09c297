#include "numbers.h"
#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(cw_data, .init = world_open, .fini = world_close, .timeout = 60);

static struct cw_metric_data_query queries[600];

static struct cw_get_metric_data_in ask(size_t count)
{
    return (struct cw_get_metric_data_in){
        .metric_data_queries = {true, count, queries},
        .start_time = TIME_OF(THEN_MS),
        .end_time = TIME_OF(THEN_MS + 10 * MINUTE),
        .scan_by = "TimestampAscending",
    };
}

static struct cw_metric_data_query of_metric(const char *id, const char *metric, const char *stat,
                                             int minutes)
{
    struct cw_metric *m = arena_new(&world.f.arena, struct cw_metric);
    struct cw_metric_stat *s = arena_new(&world.f.arena, struct cw_metric_stat);

    *m = (struct cw_metric){"AWS/ElastiCache", metric, of_cluster("c1")};
    *s = (struct cw_metric_stat){m, INT_OF(minutes * 60), stat, NULL};
    return (struct cw_metric_data_query){.id = id, .metric_stat = s};
}

static struct cw_metric_data_query of_expression(const char *id, const char *expression)
{
    return (struct cw_metric_data_query){.id = id, .expression = expression};
}

static void fill(void)
{
    world_redis("c1");
    for (int i = 0; i < 4; i++) {
        put_number("c1", "0001", i, "CacheHits", i + 1);
        put_number("c1", "0001", i, "CacheHits", i + 1);
    }
}

Test(cw_data, each_query_has_a_result_in_the_order_that_was_asked_for)
{
    struct cw_get_metric_data_in in = ask(2);
    struct cw_get_metric_data_out out;

    fill();
    queries[0] = of_metric("one", "CacheHits", "Sum", 2);
    queries[1] = of_metric("two", "CacheHits", "p100", 1);
    queries[1].label = "most";
    must(run_cw_get_metric_data(&in, &out));
    cr_assert_eq(out.metric_data_results.count, 2);
    const struct cw_metric_data_result *r = out.metric_data_results.items;
    cr_assert_str_eq(r[0].label, "CacheHits");
    cr_assert_str_eq(r[0].status_code, "Complete");
    cr_assert_eq(r[0].values.count, 2);
    cr_assert_eq(r[0].values.items[0].value, 3);
    cr_assert_eq(r[0].values.items[1].value, 7);
    cr_assert_eq(r[0].timestamps.items[1].value, THEN_MS + 2 * MINUTE);
    cr_assert_str_eq(r[1].label, "most");
    cr_assert_eq(r[1].values.count, 4);
    in.scan_by = NULL;
    must(run_cw_get_metric_data(&in, &out));
    cr_assert_eq(out.metric_data_results.items[1].values.items[0].value, 4, "the newest first");
}

Test(cw_data, expressions_speak_of_queries_that_need_not_be_shown)
{
    struct cw_get_metric_data_in in = ask(3);
    struct cw_get_metric_data_out out;

    fill();
    queries[0] = of_expression("e2", "e1 + 1");
    queries[1] = of_expression("e1", "hits * 10");
    queries[2] = of_metric("hits", "CacheHits", "Sum", 1);
    queries[1].return_data = queries[2].return_data = BOOL_OF(false);
    must(run_cw_get_metric_data(&in, &out));
    cr_assert_eq(out.metric_data_results.count, 1);
    cr_assert_str_eq(out.metric_data_results.items[0].id, "e2");
    cr_assert_eq(out.metric_data_results.items[0].values.count, 4);
    cr_assert_eq(out.metric_data_results.items[0].values.items[3].value, 41);
}

Test(cw_data, pages_give_every_point_once)
{
    struct cw_get_metric_data_in in = ask(3);
    struct cw_get_metric_data_out out;
    size_t seen = 0, pages = 0;

    fill();
    queries[0] = of_metric("a", "CacheHits", "Sum", 1);
    queries[1] = of_metric("none", "Evictions", "Sum", 1);
    queries[2] = of_metric("b", "CacheHits", "Sum", 1);
    in.max_datapoints = INT_OF(3);
    do {
        must(run_cw_get_metric_data(&in, &out));
        for (size_t i = 0; i < out.metric_data_results.count; i++)
            seen += out.metric_data_results.items[i].values.count;
        in.next_token = out.next_token;
        cr_assert_lt(++pages, 10);
        if (in.next_token)
            cr_assert_str_eq(
                out.metric_data_results.items[out.metric_data_results.count - 1].status_code,
                "PartialData");
    } while (in.next_token);
    cr_assert_eq(seen, 8);
    cr_assert_eq(pages, 3);
    in.next_token = "AAAA";
    expect(run_cw_get_metric_data(&in, &out), FAULT_INVALID_NEXT_TOKEN, NULL);
}

Test(cw_data, what_cannot_be_asked_is_refused)
{
    struct cw_get_metric_data_out out;
    struct cw_get_metric_data_in in = ask(1);
    static const char *const wrong[] = {"self", "self + 1", "nobody", "SEARCH('{a}', 'Sum', 60)",
                                        "hours + hits"};

    queries[0] = of_metric("Upper", "CacheHits", "Sum", 1);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    queries[0] = of_metric("a", "CacheHits", "tm99", 1);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    queries[0] = of_metric("a", "CacheHits", "Sum", 1);
    queries[0].metric_stat->period = INT_OF(90);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    queries[0] = (struct cw_metric_data_query){.id = "a"};
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    queries[0] = of_metric("a", "CacheHits", "Sum", 1);
    queries[0].return_data = BOOL_OF(false);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    queries[0] = of_metric("a", "CacheHits", "Sum", 1);
    in.end_time = in.start_time;
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR,
           "The parameter StartTime must be less than the parameter EndTime.");
    in = ask(0);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    in = ask(501);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    in = ask(2);
    queries[1] = queries[0];
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR,
           "The values for parameter id in MetricDataQueries are not unique.");
    in = ask(3);
    queries[1] = of_metric("hits", "CacheHits", "Sum", 1);
    queries[2] = of_metric("hours", "CacheHits", "Sum", 60);
    for (size_t i = 0; i < countof(wrong); i++) {
        queries[0] = of_expression("self", wrong[i]);
        expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
    }
}

Test(cw_data, more_than_can_be_computed_is_refused)
{
    struct cw_get_metric_data_out out;
    struct cw_get_metric_data_in in = ask(1);

    queries[0] = of_metric("a", "CacheHits", "Sum", 1);
    in.start_time = TIME_OF(0);
    in.end_time = TIME_OF(253402300799000);
    expect(run_cw_get_metric_data(&in, &out), FAULT_VALIDATION_ERROR, NULL);
}
