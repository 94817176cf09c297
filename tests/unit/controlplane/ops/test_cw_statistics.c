#include "numbers.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(cw_statistics, .init = world_open, .fini = world_close, .timeout = 60);

static struct cw_get_metric_statistics_in ask(const char *metric, int minutes)
{
    static const char *statistics[] = {"Average", "Sum"};

    return (struct cw_get_metric_statistics_in){
        .namespace = "AWS/ElastiCache",
        .metric_name = metric,
        .dimensions = of_cluster("c1"),
        .start_time = TIME_OF(THEN_MS),
        .end_time = TIME_OF(THEN_MS + 30 * MINUTE),
        .period = INT_OF(minutes * 60),
        .statistics = {true, 2, statistics},
    };
}

Test(cw_statistics, periods_with_samples_have_datapoints)
{
    struct cw_get_metric_statistics_in in = ask("CacheHits", 5);
    struct cw_get_metric_statistics_out out;

    world_redis("c1");
    for (int i = 10; i < 15; i++)
        put_number("c1", "0001", i, "CacheHits", i);
    must(run_cw_get_metric_statistics(&in, &out));
    cr_assert_str_eq(out.label, "CacheHits");
    cr_assert_eq(out.datapoints.count, 1);
    const struct cw_datapoint *p = &out.datapoints.items[0];
    cr_assert_eq(p->timestamp.value, THEN_MS + 10 * MINUTE);
    cr_assert_eq(p->average.value, 12);
    cr_assert_eq(p->sum.value, 60);
    cr_assert_not(p->maximum.has, "it was not asked for");
    cr_assert_str_eq(p->unit, "Count");
}

Test(cw_statistics, percentiles_are_extended_statistics)
{
    static const char *extended[] = {"p50", "p100"};
    struct cw_get_metric_statistics_in in = ask("CacheHits", 5);
    struct cw_get_metric_statistics_out out;

    in.statistics.count = 0;
    in.extended_statistics = (struct cw_extended_statistics){true, 2, extended};
    world_redis("c1");
    for (int i = 0; i < 5; i++)
        put_number("c1", "0001", i, "CacheHits", i * i);
    must(run_cw_get_metric_statistics(&in, &out));
    cr_assert_eq(out.datapoints.count, 1);
    cr_assert_eq(out.datapoints.items[0].extended_statistics.count, 2);
    cr_assert_str_eq(out.datapoints.items[0].extended_statistics.items[0].key, "p50");
    cr_assert_eq(out.datapoints.items[0].extended_statistics.items[0].value.value, 4);
    cr_assert_eq(out.datapoints.items[0].extended_statistics.items[1].value.value, 16);
}

Test(cw_statistics, of_another_unit_or_an_unknown_name_there_is_nothing)
{
    struct cw_get_metric_statistics_in in = ask("CacheHits", 5);
    struct cw_get_metric_statistics_out out;

    world_redis("c1");
    put_number("c1", "0001", 0, "CacheHits", 1);
    in.unit = "Bytes";
    must(run_cw_get_metric_statistics(&in, &out));
    cr_assert_eq(out.datapoints.count, 0);
    in.unit = "Count";
    must(run_cw_get_metric_statistics(&in, &out));
    cr_assert_eq(out.datapoints.count, 1);
    in.metric_name = "NoSuchMetric";
    must(run_cw_get_metric_statistics(&in, &out));
    cr_assert_eq(out.datapoints.count, 0);
    cr_assert(out.datapoints.has);
}

Test(cw_statistics, what_cannot_be_asked_is_refused)
{
    static const char *tm[] = {"tm90"};
    struct cw_get_metric_statistics_out out;
    struct cw_get_metric_statistics_in in = ask("CacheHits", 5);

    in.end_time = in.start_time;
    expect(run_cw_get_metric_statistics(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           "The parameter StartTime must be less than the parameter EndTime.");
    in = ask("CacheHits", 5);
    in.period = INT_OF(61);
    expect(run_cw_get_metric_statistics(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    in = ask("CacheHits", 1);
    in.end_time = TIME_OF(THEN_MS + 1441 * MINUTE);
    expect(run_cw_get_metric_statistics(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "You have requested up to 1441 datapoints, which exceeds the limit of 1,440. You may "
           "reduce the datapoints requested by increasing Period, or decreasing the time range.");
    in = ask("CacheHits", 5);
    in.extended_statistics = (struct cw_extended_statistics){true, 1, tm};
    expect(run_cw_get_metric_statistics(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    in.statistics.count = 0;
    expect(run_cw_get_metric_statistics(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    in.extended_statistics.count = 0;
    expect(run_cw_get_metric_statistics(&in, &out), FAULT_MISSING_REQUIRED_PARAMETER, NULL);
}
