/* LATENCY: where time went. */
#include "base/buf.h"
#include "base/command.h"
#include "cacheengine/dispatch/engine.h"
#include "contract/command_procs.h"

#define GRAPH_COLUMNS 80
#define GRAPH_ROWS    4

/* ---- events ---- */

void cmd_latency_latest(struct cmd_call *c)
{
    const struct latency *l = &c->engine->latency;
    struct reply_mark mark = reply_open(c->reply);
    size_t count = 0;

    for (int i = 0; i < LATENCY_KINDS; i++) {
        const struct latency_event *e = l->events[i];

        if (!e)
            continue;
        const struct latency_sample *last = latency_sample(e, e->count - 1);
        reply_array(c->reply, 4);
        reply_bulk_text(c->reply, e->name);
        reply_int(c->reply, last->at_s);
        reply_int(c->reply, last->ms);
        reply_int(c->reply, e->most_ms);
        count++;
    }
    reply_close(c->reply, mark, '*', count);
}

void cmd_latency_history(struct cmd_call *c)
{
    const struct latency_event *e = latency_find(&c->engine->latency, c->argv[2]);

    reply_array(c->reply, e ? e->count : 0);
    for (uint32_t i = 0; e && i < e->count; i++) {
        reply_array(c->reply, 2);
        reply_int(c->reply, latency_sample(e, i)->at_s);
        reply_int(c->reply, latency_sample(e, i)->ms);
    }
}

void cmd_latency_reset(struct cmd_call *c)
{
    int64_t count = 0;

    for (int i = 0; i < LATENCY_KINDS; i++) {
        bool is_meant = c->argc == 2;

        for (uint32_t arg = 2; arg < c->argc; arg++)
            is_meant = is_meant || call_is(c, arg, latency_kind_name((enum latency_kind)i));
        if (is_meant)
            count += latency_forget(&c->engine->latency, (enum latency_kind)i);
    }
    reply_int(c->reply, count);
}

/* How long ago, in the largest unit that it has. */
static void put_age(struct buf *out, int64_t s)
{
    if (s < 60)
        buf_printf(out, "%llds", (long long)s);
    else if (s < 3600)
        buf_printf(out, "%lldm", (long long)s / 60);
    else if (s < 86400)
        buf_printf(out, "%lldh", (long long)s / 3600);
    else
        buf_printf(out, "%lldd", (long long)s / 86400);
}

struct range {
    uint32_t least, most;
};

static struct range range_of(const struct latency_event *e)
{
    struct range r = {latency_sample(e, 0)->ms, latency_sample(e, 0)->ms};

    for (uint32_t i = 1; i < e->count; i++) {
        uint32_t ms = latency_sample(e, i)->ms;

        r.least = ms < r.least ? ms : r.least;
        r.most = ms > r.most ? ms : r.most;
    }
    return r;
}

/* A bar for each of the last samples, and below each how long ago it was, read downward. */
static void put_graph(struct buf *out, const struct latency_event *e, int64_t now_s)
{
    uint32_t first = e->count > GRAPH_COLUMNS ? e->count - GRAPH_COLUMNS : 0;
    struct range r = range_of(e);
    char ages[GRAPH_COLUMNS][24];

    for (uint32_t row = GRAPH_ROWS; row > 0; row--) {
        for (uint32_t i = first; i < e->count; i++) {
            uint64_t above = latency_sample(e, i)->ms - r.least, all = r.most - r.least;
            uint64_t height = all ? 1 + above * (GRAPH_ROWS - 1) / all : 1;

            buf_putc(out, height > row ? '|' : height == row ? '#' : ' ');
        }
        buf_putc(out, '\n');
    }
    for (uint32_t i = first; i < e->count; i++) {
        struct buf age = BUF_EMPTY;

        put_age(&age, now_s - latency_sample(e, i)->at_s);
        snprintf(ages[i - first], sizeof(ages[0]), "%s", buf_cstr(&age));
        buf_fini(&age);
    }
    for (size_t row = 0, goes_on = true; goes_on; row++) {
        buf_putc(out, '\n');
        goes_on = false;
        for (uint32_t i = 0; i < e->count - first; i++) {
            bool has_more = strlen(ages[i]) > row;

            buf_putc(out, has_more ? ages[i][row] : ' ');
            goes_on = goes_on || strlen(ages[i]) > row + 1;
        }
    }
    buf_putc(out, '\n');
}

void cmd_latency_graph(struct cmd_call *c)
{
    const struct latency_event *e = latency_find(&c->engine->latency, c->argv[2]);
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    if (!e) {
        reply_errorf(c->reply, "ERR No samples available for event '%.*s'", STR_ARG(c->argv[2]));
        return;
    }
    struct range r = range_of(e);
    buf_printf(&out, "%s - high %u ms, low %u ms (all time high %u ms)\n", e->name, r.most, r.least,
               e->most_ms);
    for (int i = 0; i < GRAPH_COLUMNS; i++)
        buf_putc(&out, '-');
    buf_putc(&out, '\n');
    put_graph(&out, e, c->ks->now_ms / 1000);
    reply_verbatim(c->reply, buf_str(&out), "txt");
}

/* ---- the doctor ---- */

static const char *const advice[LATENCY_KINDS] = {
    [LATENCY_COMMAND] = "Slow commands: SLOWLOG GET names them. Look for KEYS, SORT, large ranges "
                        "and deletions of large values (UNLINK frees those in the background).",
    [LATENCY_FAST_COMMAND] = "Commands that should be quick were not: the machine itself stalls. "
                             "Look for swapping, other processes on the core, or a busy host.",
    [LATENCY_EXPIRE_CYCLE] = "Many keys end at the same time: spread their times, or lower "
                             "active-expire-effort.",
    [LATENCY_EVICTION_CYCLE] = "Eviction takes long: large values are evicted (set "
                               "lazyfree-lazy-eviction yes), or maxmemory is far too small.",
    [LATENCY_FORK] = "The fork for a snapshot takes long: the more memory in use, the longer. "
                     "Let snapshots be made by a replica, or use more and smaller nodes.",
    [LATENCY_APPEND_WRITE] = "Writes to the append-only file wait for the disk: it is too slow or "
                             "shared. no-appendfsync-on-rewrite yes helps while a child writes.",
    [LATENCY_APPEND_SYNC] = "appendfsync always waits for the disk with every round of writes: "
                            "everysec loses a second at most and does not wait.",
};

static void put_report(struct buf *out, const struct latency_event *e)
{
    uint64_t sum = 0;
    uint64_t seconds =
        e->count > 1
            ? (uint64_t)(latency_sample(e, e->count - 1)->at_s - latency_sample(e, 0)->at_s)
            : 0;

    for (uint32_t i = 0; i < e->count; i++)
        sum += latency_sample(e, i)->ms;
    buf_printf(out, "- %s: %u stalls", e->name, e->count);
    if (seconds > 0)
        buf_printf(out, " in %llu seconds", (unsigned long long)seconds);
    buf_printf(out, ", %llu ms on average, %u ms at worst.\n", (unsigned long long)(sum / e->count),
               e->most_ms);
}

void cmd_latency_doctor(struct cmd_call *c)
{
    const struct engine *e = c->engine;
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    bool has_any = false;

    for (int i = 0; i < LATENCY_KINDS; i++)
        if (e->latency.events[i]) {
            put_report(&out, e->latency.events[i]);
            buf_printf(&out, "  %s\n", advice[i]);
            has_any = true;
        }
    if (!has_any && e->settings.latency_threshold_ms == 0)
        buf_puts(&out, "Latency is not watched: set latency-monitor-threshold to the milliseconds "
                       "from which on a stall is to be noted.\n");
    else if (!has_any)
        buf_printf(&out, "No latency stall of %lld ms or more was seen.\n",
                   (long long)e->settings.latency_threshold_ms);
    reply_verbatim(c->reply, buf_str(&out), "txt");
}

/* ---- histograms ---- */

/* Says how many calls took at most 1, 2, 4 ... microseconds (of 1024 ns), where that adds any. */
static void say_histogram(struct cmd_call *c, const struct histogram *h)
{
    struct reply *r = c->reply;
    uint64_t seen = 0, said = 0;
    size_t rows = 0;
    unsigned bucket = 0;

    reply_map(r, 2);
    reply_bulk_text(r, "calls");
    reply_int(r, (int64_t)histogram_count(h));
    reply_bulk_text(r, "histogram_usec");
    struct reply_mark mark = reply_open(r);
    for (uint64_t bound_ns = 1024; bucket < HISTOGRAM_BUCKETS; bound_ns *= 2) {
        while (bucket < HISTOGRAM_BUCKETS &&
               engine_ticks_ns(c->engine, histogram_bound(bucket) - 1) <= bound_ns)
            seen += h->buckets[bucket++];
        if (seen == said)
            continue;
        reply_int(r, (int64_t)(bound_ns / 1000));
        reply_int(r, (int64_t)seen);
        said = seen;
        rows++;
    }
    reply_close(r, mark, '%', rows);
}

static size_t say_command(struct cmd_call *c, const struct command *cmd)
{
    const struct histogram *h = c->engine->by_command[cmd->id].histogram;

    if (!h)
        return 0;
    reply_bulk_text(c->reply, cmd->name);
    say_histogram(c, h);
    return 1;
}

/* A command and its subcommands. */
static size_t say_family(struct cmd_call *c, const struct command *cmd)
{
    size_t said = say_command(c, cmd);

    for (uint32_t i = 0; i < cmd->sub_count; i++)
        said += say_command(c, &cmd->subs[i]);
    return said;
}

/* The command of a name, which may be a subcommand's whole one ("client|id"). */
static const struct command *command_of(struct str name)
{
    struct str rest = name, parent = str_cut(&rest, '|');
    const struct command *cmd = parent.len ? command_find(parent.ptr, parent.len) : NULL;

    return cmd && rest.len ? command_find_sub(cmd, rest.ptr, rest.len) : cmd;
}

void cmd_latency_histogram(struct cmd_call *c)
{
    struct reply_mark mark = reply_open(c->reply);
    size_t said = 0;

    for (size_t i = 0; c->argc == 2 && i < command_count; i++)
        said += say_family(c, &command_table[i]);
    for (uint32_t arg = 2; arg < c->argc; arg++) {
        const struct command *cmd = command_of(c->argv[arg]);

        if (cmd)
            said += say_family(c, cmd);
    }
    reply_close(c->reply, mark, '%', said);
}

void cmd_latency_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Explain what was seen, and what helps.",
        "GRAPH <event>",
        "    Draw the samples of an event.",
        "HISTOGRAM [<command> ...]",
        "    Say how many calls of commands took how long.",
        "HISTORY <event>",
        "    Show the samples of an event: time and milliseconds.",
        "LATEST",
        "    Show the latest and the worst sample of every event.",
        "RESET [<event> ...]",
        "    Forget these events, or all.",
        NULL,
    };

    reply_help(c->reply, "LATENCY", lines);
}
