/*
 * Rows are made once, found by name in a map that nobody changes any more, and counted up with
 * relaxed atomics. A scrape may see a request in one number and not yet in the other; it will in
 * the next.
 */
#include "controlplane/front/metrics.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/shape.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The statuses that we send; anything else counts under the last one. */
static const int statuses[] = {200, 400, 403, 404, 405, 408, 409, 413, 500, 503, 0};

/* Upper bounds in microseconds, as Prometheus wants them: cumulative when shown. */
static const struct {
    int64_t us;
    const char *text;
} bounds[] = {
    {250,     "0.00025"},
    {500,     "0.0005" },
    {1000,    "0.001"  },
    {2500,    "0.0025" },
    {5000,    "0.005"  },
    {10000,   "0.01"   },
    {25000,   "0.025"  },
    {50000,   "0.05"   },
    {100000,  "0.1"    },
    {250000,  "0.25"   },
    {1000000, "1"      },
    {5000000, "5"      },
};

/* What the front answers itself, and what has no operation. */
static const char *const own_rows[] = {"unknown", "openapi", "healthz", "readyz", "metrics"};

struct row {
    const char *service, *operation;
    atomic_uint_fast64_t by_status[countof(statuses)];
    atomic_uint_fast64_t by_bound[countof(bounds) + 1];
    atomic_uint_fast64_t sum_us;
};

struct metrics {
    struct row *rows;
    size_t count;
    struct map by_name;
};

static void row_add(struct metrics *m, const char *service, const char *operation)
{
    struct row *row = &m->rows[m->count++];

    row->service = service;
    row->operation = operation;
    map_put(&m->by_name, str_of(operation), row);
}

struct metrics *metrics_new(const struct service_desc *const *services)
{
    struct metrics *m = calloc(1, sizeof(*m));
    size_t count = countof(own_rows);

    check(m != NULL);
    for (const struct service_desc *const *s = services; *s; s++)
        count += (*s)->op_count;
    m->rows = calloc(count, sizeof(*m->rows));
    check(m->rows != NULL);
    for (size_t i = 0; i < countof(own_rows); i++)
        row_add(m, "larder", own_rows[i]);
    for (const struct service_desc *const *s = services; *s; s++)
        for (size_t i = 0; i < (*s)->op_count; i++)
            row_add(m, (*s)->name, (*s)->ops[i].name);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    map_fini(&m->by_name);
    free(m->rows);
    free(m);
}

static void count_up(atomic_uint_fast64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static uint64_t read_count(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_record(struct metrics *m, const char *operation, int status, int64_t took_us)
{
    struct row *row = map_get(&m->by_name, str_of(operation));
    size_t code = 0, bound = 0;

    if (!row)
        row = &m->rows[0];
    while (code < countof(statuses) - 1 && statuses[code] != status)
        code++;
    while (bound < countof(bounds) && took_us > bounds[bound].us)
        bound++;
    count_up(&row->by_status[code], 1);
    count_up(&row->by_bound[bound], 1);
    count_up(&row->sum_us, took_us > 0 ? (uint64_t)took_us : 0);
}

static void render_counts(const struct row *row, struct buf *out)
{
    for (size_t i = 0; i < countof(statuses); i++) {
        uint64_t count = read_count(&row->by_status[i]);
        if (count == 0)
            continue;
        buf_printf(out, "larder_requests_total{service=\"%s\",operation=\"%s\",code=", row->service,
                   row->operation);
        if (statuses[i])
            buf_printf(out, "\"%d\"} %llu\n", statuses[i], (unsigned long long)count);
        else
            buf_printf(out, "\"other\"} %llu\n", (unsigned long long)count);
    }
}

static uint64_t row_total(const struct row *row)
{
    uint64_t total = 0;

    for (size_t i = 0; i < countof(row->by_bound); i++)
        total += read_count(&row->by_bound[i]);
    return total;
}

static void render_histogram(const struct row *row, struct buf *out)
{
    uint64_t below = 0;

    if (row_total(row) == 0)
        return;
    for (size_t i = 0; i < countof(row->by_bound); i++) {
        below += read_count(&row->by_bound[i]);
        buf_printf(out,
                   "larder_request_duration_seconds_bucket{service=\"%s\",operation=\"%s\","
                   "le=\"%s\"} %llu\n",
                   row->service, row->operation, i < countof(bounds) ? bounds[i].text : "+Inf",
                   (unsigned long long)below);
    }
    buf_printf(out,
               "larder_request_duration_seconds_sum{service=\"%s\",operation=\"%s\"} %.6f\n"
               "larder_request_duration_seconds_count{service=\"%s\",operation=\"%s\"} %llu\n",
               row->service, row->operation, (double)read_count(&row->sum_us) / 1e6, row->service,
               row->operation, (unsigned long long)below);
}

void metrics_render(const struct metrics *m, struct buf *out)
{
    buf_puts(out, "# HELP larder_requests_total Requests answered.\n"
                  "# TYPE larder_requests_total counter\n");
    for (size_t i = 0; i < m->count; i++)
        render_counts(&m->rows[i], out);
    buf_puts(out,
             "# HELP larder_request_duration_seconds Time spent on answering, without the time "
             "that a poll was held back.\n"
             "# TYPE larder_request_duration_seconds histogram\n");
    for (size_t i = 0; i < m->count; i++)
        render_histogram(&m->rows[i], out);
}
