/*
 * A meter for each node remembers the reading before. The counters of a process begin at 0, so for
 * one that began within the last minutes no earlier reading is needed; of an older one, which an
 * earlier agent started, the first reading tells what is and not what grew.
 */
#include "agent/measure.h"

#include "agent/drivers/numbers.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/vec.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define MINUTE_MS      60000
#define FRESH_MS       (2 * MINUTE_MS) /* a process that is younger began between two readings */
#define PROC_MAX_BYTES (256U << 10)
#define KIB            1024.0

/* Words of /proc/PID/stat, counted from the one behind the program's name. */
#define STAT_MAJOR_FAULTS 9
#define STAT_USER_TICKS   11
#define STAT_SYSTEM_TICKS 12
#define STAT_WORDS        13

/* Words of the first line of /proc/stat behind "cpu". */
#define CPU_IDLE   3
#define CPU_IOWAIT 4
#define CPU_WORDS  8 /* what comes then is counted in those */

/* What the kernel says at one moment; NAN where it does not. */
struct kernel {
    double boot_ms;
    double engine_ms;    /* CPU of the engine's main thread */
    double major_faults; /* of the process */
    double busy, all;    /* ticks of all CPUs */
};

struct meter {
    int64_t pid, started_ms; /* of the process that was read */
    bool has_before;
    struct reading before;
    struct kernel kernel;
    struct sample sample;
};

struct measure {
    const struct clock *clock;
    const char *proc;
};

/* The kernel's files. */

static bool read_proc(const struct measure *m, const char *path, struct buf *out)
{
    scoped(arena_fini) struct arena a = {0};

    buf_clear(out);
    return !err_failed(fs_read_all(fs_join(&a, m->proc, path), PROC_MAX_BYTES, out));
}

static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    return str_cut(rest, ' ');
}

static double number_of(struct str word)
{
    int64_t number;
    return str_to_i64(word, &number) ? (double)number : NAN;
}

/* The words of a stat file, of a process or a thread. */
static bool read_stat(const struct measure *m, const char *path, double words[STAT_WORDS])
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!read_proc(m, path, &text))
        return false;
    struct str rest = buf_str(&text);
    while (str_find(rest, ')') != SIZE_MAX) /* a program's name may have one, too */
        str_cut(&rest, ')');
    for (size_t i = 0; i < STAT_WORDS; i++)
        words[i] = number_of(next_word(&rest));
    return true;
}

static void read_process(const struct measure *m, int64_t pid, struct kernel *out)
{
    scoped(arena_fini) struct arena a = {0};
    double words[STAT_WORDS];
    long long number = (long long)pid;

    if (read_stat(m, arena_printf(&a, "%lld/stat", number), words))
        out->major_faults = words[STAT_MAJOR_FAULTS];
    if (read_stat(m, arena_printf(&a, "%lld/task/%lld/stat", number, number), words))
        out->engine_ms = (words[STAT_USER_TICKS] + words[STAT_SYSTEM_TICKS]) * 1000 /
                         (double)sysconf(_SC_CLK_TCK);
}

static void read_cpus(const struct measure *m, struct kernel *out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!read_proc(m, "stat", &text))
        return;
    struct str rest = buf_str(&text);
    struct str line = str_cut(&rest, '\n');
    next_word(&line); /* cpu */
    out->busy = out->all = 0;
    for (size_t i = 0; i < CPU_WORDS; i++) {
        double ticks = number_of(next_word(&line));
        out->all += ticks;
        if (i != CPU_IDLE && i != CPU_IOWAIT)
            out->busy += ticks;
    }
}

static struct kernel kernel_now(const struct measure *m, int64_t pid)
{
    struct kernel now = {(double)clock_boot_ms(m->clock), NAN, NAN, NAN, NAN};

    read_process(m, pid, &now);
    read_cpus(m, &now);
    return now;
}

static void tell_memory(const struct measure *m, struct sample *out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    double available = NAN, swap = NAN, swap_free = NAN;

    if (!read_proc(m, "meminfo", &text))
        return;
    for (struct str rest = buf_str(&text); rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, ':');
        double bytes = number_of(next_word(&line)) * KIB;
        if (str_is(name, "MemAvailable"))
            available = bytes;
        else if (str_is(name, "SwapTotal"))
            swap = bytes;
        else if (str_is(name, "SwapFree"))
            swap_free = bytes;
    }
    sample_add(out, "FreeableMemory", available);
    sample_add(out, "SwapUsage", swap - swap_free);
}

static void tell_kernel(const struct kernel *before, const struct kernel *now, struct sample *out)
{
    double passed_ms = now->boot_ms - before->boot_ms;

    if (passed_ms <= 0)
        return;
    sample_add(out, "EngineCPUUtilization", 100 * (now->engine_ms - before->engine_ms) / passed_ms);
    sample_add(out, "MajorPageFaults", now->major_faults - before->major_faults);
    if (now->all > before->all)
        sample_add(out, "CPUUtilization",
                   100 * (now->busy - before->busy) / (now->all - before->all));
}

/* Nodes. */

static struct meter *meter_of(const struct measure *m, struct node *n)
{
    struct meter *meter = n->meter;

    if (!meter) {
        meter = n->meter = calloc(1, sizeof(*meter));
        check(meter != NULL);
    }
    if (meter->pid == n->run.pid && meter->started_ms == n->run.started_ms)
        return meter;
    double age_ms = (double)(clock_wall_ms(m->clock) - n->run.started_ms);
    meter->pid = n->run.pid;
    meter->started_ms = n->run.started_ms;
    meter->has_before = age_ms < FRESH_MS;
    reading_begin(&meter->before);
    /* Of the CPUs nobody knows what they did before. */
    meter->kernel =
        (struct kernel){(double)clock_boot_ms(m->clock) - age_ms, 0, 0, INFINITY, INFINITY};
    return meter;
}

void measure_take(struct measure *m, struct node *n, struct str answer)
{
    struct meter *meter = meter_of(m, n);
    struct kernel kernel = kernel_now(m, n->run.pid);
    struct sample *sample = &meter->sample;
    struct reading now;

    reading_take(answer, &now);
    *sample = (struct sample){.at_ms = clock_wall_ms(m->clock) / MINUTE_MS * MINUTE_MS - MINUTE_MS};
    reading_tell(meter->has_before ? &meter->before : NULL, &now, sample);
    if (meter->has_before)
        tell_kernel(&meter->kernel, &kernel, sample);
    tell_memory(m, sample);
    meter->before = now;
    meter->kernel = kernel;
    meter->has_before = true;
    n->sample = sample;
}

void measure_forget(struct node *n)
{
    free(n->meter);
    n->meter = NULL;
    n->sample = NULL;
}

/* Beginning and end. */

struct measure *measure_open(const struct clock *clock, const char *proc)
{
    struct measure *m = calloc(1, sizeof(*m));

    check(m != NULL);
    *m = (struct measure){clock, proc};
    return m;
}

void measure_close(struct measure *m)
{
    free(m);
}
