/* Counting and timing requests. */
#include "base/buf.h"
#include "base/err.h"
#include "base/shape.h"
#include "controlplane/front/metrics.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

static const struct op_desc ops[] = {{.name = "MakeTea"}, {.name = "PourTea"}};
static const struct service_desc tea = {.name = "tea", .ops = ops, .op_count = 2};
static const struct service_desc *const services[] = {&tea, NULL};

static bool shows(const struct metrics *m, const char *line)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    metrics_render(m, &text);
    return strstr(buf_cstr(&text), line) != NULL;
}

Test(metrics, counts_by_operation_and_status)
{
    struct metrics *m = metrics_new(services);

    metrics_record(m, "MakeTea", 200, 10);
    metrics_record(m, "MakeTea", 200, 10);
    metrics_record(m, "MakeTea", 400, 10);
    metrics_record(m, "MakeTea", 418, 10);
    cr_expect(
        shows(m, "larder_requests_total{service=\"tea\",operation=\"MakeTea\",code=\"200\"} 2\n"));
    cr_expect(
        shows(m, "larder_requests_total{service=\"tea\",operation=\"MakeTea\",code=\"400\"} 1\n"));
    cr_expect(shows(m, "operation=\"MakeTea\",code=\"other\"} 1\n"));
    cr_expect_not(shows(m, "PourTea"), "what was never called takes no lines");
    metrics_free(m);
}

Test(metrics, what_has_no_operation_counts_as_unknown)
{
    struct metrics *m = metrics_new(services);

    metrics_record(m, NULL, 413, 10);
    metrics_record(m, "Nonsense", 413, 10);
    cr_expect(shows(
        m, "larder_requests_total{service=\"larder\",operation=\"unknown\",code=\"413\"} 2\n"));
    metrics_free(m);
}

Test(metrics, buckets_are_cumulative_and_hold_their_upper_bound)
{
    struct metrics *m = metrics_new(services);

    metrics_record(m, "PourTea", 200, 250);
    metrics_record(m, "PourTea", 200, 251);
    metrics_record(m, "PourTea", 200, 60 * 1000000);
    cr_expect(shows(m, "_bucket{service=\"tea\",operation=\"PourTea\",le=\"0.00025\"} 1\n"));
    cr_expect(shows(m, "_bucket{service=\"tea\",operation=\"PourTea\",le=\"0.0005\"} 2\n"));
    cr_expect(shows(m, "_bucket{service=\"tea\",operation=\"PourTea\",le=\"5\"} 2\n"));
    cr_expect(shows(m, "_bucket{service=\"tea\",operation=\"PourTea\",le=\"+Inf\"} 3\n"));
    cr_expect(shows(m, "_sum{service=\"tea\",operation=\"PourTea\"} 60.000501\n"));
    cr_expect(shows(m, "_count{service=\"tea\",operation=\"PourTea\"} 3\n"));
    metrics_free(m);
}

static void *record_many(void *arg)
{
    for (int i = 0; i < 10000; i++)
        metrics_record(arg, "MakeTea", 200, 1);
    return NULL;
}

Test(metrics, no_request_of_any_thread_is_lost)
{
    struct metrics *m = metrics_new(services);
    pthread_t threads[4];

    for (size_t i = 0; i < countof(threads); i++)
        pthread_create(&threads[i], NULL, record_many, m);
    for (size_t i = 0; i < countof(threads); i++)
        pthread_join(threads[i], NULL);
    cr_expect(shows(m, "code=\"200\"} 40000\n"));
    cr_expect(shows(m, "_count{service=\"tea\",operation=\"MakeTea\"} 40000\n"));
    metrics_free(m);
}
