/* Samples of a node whose process and host are files of the test's. */
#include "agent/drivers/numbers.h"
#include "agent/measure.h"
#include "agent/supervise/node.h"
#include "base/clock.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MINUTE 60000
#define BEGAN  (1000 * (int64_t)MINUTE)

static struct arena arena;
static char proc[64], folder[64];
static struct clock_manual manual;
static struct nodes nodes;
static struct measure *measure;
static struct node *n;

static void put(const char *name, const char *text)
{
    const char *path = fs_join(&arena, proc, name);

    cr_assert_not(err_failed(fs_write_atomic(path, str_of(text), 0600, FS_NO_SYNC)));
}

/* The kernel's files of process 42: its faults and CPU ticks, those of all CPUs. */
static void kernel(int faults, int ticks, int busy, int idle)
{
    const char *stat =
        arena_printf(&arena, "42 (an (odd) name) S 1 1 1 0 -1 0 5 5 %d 0 %d 0 0 0", faults, ticks);
    put("42/stat", stat);
    put("42/task/42/stat", stat);
    put("stat", arena_printf(&arena, "cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 1 1 1 1\n", busy, idle));
    put("meminfo",
        "MemTotal: 900 kB\nMemAvailable:     100 kB\nSwapTotal: 30 kB\nSwapFree: 10 kB\n");
}

static void begin(void)
{
    strcpy(proc, "/tmp/larder-proc-XXXXXX");
    strcpy(folder, "/tmp/larder-measure-XXXXXX");
    cr_assert(mkdtemp(proc) && mkdtemp(folder));
    cr_assert_not(err_failed(fs_make_dirs(fs_join(&arena, proc, "42/task/42"), 0700)));
    clock_manual_init(&manual, BEGAN + 10, 5000);
    nodes_init(&nodes, folder, "boot-1");
    measure = measure_open(&manual.clock, proc);
    n = nodes_add(&nodes, 1);
    n->run = (struct node_run){.pid = 42, .started_ms = BEGAN};
    kernel(0, 0, 0, 0);
}

static void end(void)
{
    measure_forget(n);
    measure_close(measure);
    nodes_fini(&nodes);
    cr_assert_not(err_failed(fs_remove_tree(proc)));
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(measure, .init = begin, .fini = end);

static double number(const char *name)
{
    cr_assert_not_null(n->sample);
    for (size_t i = 0; i < n->sample->count; i++)
        if (strcmp(n->sample->items[i].name, name) == 0)
            return n->sample->items[i].value;
    return NAN;
}

static void take(int hits)
{
    measure_take(measure, n,
                 str_of(arena_printf(&arena,
                                     "role:master\r\nkeyspace_hits:%d\r\n"
                                     "keyspace_misses:0\r\n",
                                     hits)));
}

Test(measure, a_sample_is_of_the_minute_before)
{
    clock_manual_advance(&manual, MINUTE);
    take(3);
    cr_assert_eq(n->sample->at_ms, BEGAN);
    cr_assert_eq(number("CacheHits"), 3, "the process began with the minute");
    cr_assert_eq(number("FreeableMemory"), 100 * 1024);
    cr_assert_eq(number("SwapUsage"), 20 * 1024);
}

Test(measure, counters_grow_from_minute_to_minute_and_begin_anew_with_a_process)
{
    take(3);
    clock_manual_advance(&manual, MINUTE);
    take(10);
    cr_assert_eq(number("CacheHits"), 7);
    clock_manual_advance(&manual, MINUTE);
    n->run.started_ms = clock_wall_ms(&manual.clock) - 100;
    take(12);
    cr_assert_eq(number("CacheHits"), 12);
}

Test(measure, of_a_process_that_ran_before_nobody_knows_what_grew)
{
    n->run.started_ms = BEGAN - 100 * MINUTE;
    take(300);
    cr_assert(isnan(number("CacheHits")));
    clock_manual_advance(&manual, MINUTE);
    take(301);
    cr_assert_eq(number("CacheHits"), 1);
}

Test(measure, the_kernel_tells_of_cpus_and_faults)
{
    double ticks_per_s = (double)sysconf(_SC_CLK_TCK);

    kernel(2, 0, 100, 100);
    take(0);
    clock_manual_advance(&manual, MINUTE);
    kernel(5, (int)(30 * ticks_per_s), 125, 175);
    take(0);
    cr_assert_eq(number("MajorPageFaults"), 3);
    cr_assert_float_eq(number("EngineCPUUtilization"), 50, 1e-6);
    cr_assert_float_eq(number("CPUUtilization"), 25, 1e-6);
}

Test(measure, a_process_without_files_has_the_engines_numbers_alone)
{
    n->run.pid = 43;
    take(3);
    cr_assert_eq(number("CacheHits"), 3);
    cr_assert(isnan(number("EngineCPUUtilization")));
}
