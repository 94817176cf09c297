/*
 * Random sequences of commands on one stream against plain arrays. The first byte chooses how big
 * nodes are; then each step is four bytes: what, and three that say which. Names are 5-0, 5-1, ...
 * in the order of adding. What is said must be, byte for byte, what the arrays would say.
 */
#include "base/err.h"
#include "contract/command_procs.h"
#include "tests/unit/cacheengine/types/types_harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ENTRIES   512
#define GROUPS    2
#define CONSUMERS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pending {
    bool waits;
    uint8_t consumer;
    uint32_t deliveries;
};

struct group {
    bool exists;
    uint32_t next; /* the first entry that nobody has read */
    struct pending pending[ENTRIES];
};

struct world {
    struct harness h;
    const uint8_t *step;
    struct str argv[HARNESS_ARGS];
    uint32_t argc;
    char words[2048];
    size_t words_len;
    struct buf wants;
    uint32_t count; /* entries ever added */
    bool exists;
    bool live[ENTRIES];
    uint8_t shape[ENTRIES]; /* which fields, and what in them */
    struct group groups[GROUPS];
};

/* ---- words ---- */

__attribute__((format(printf, 2, 3))) static void word(struct world *w, const char *fmt, ...)
{
    char *at = w->words + w->words_len;
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(at, sizeof(w->words) - w->words_len, fmt, ap);
    va_end(ap);
    w->words_len += (size_t)len + 1;
    check(w->words_len < sizeof(w->words) && w->argc < HARNESS_ARGS);
    w->argv[w->argc++] = (struct str){at, (size_t)len};
}

static void begin(struct world *w, const char *name)
{
    w->argc = 0;
    w->words_len = 0;
    buf_clear(&w->wants);
    word(w, "%s", name);
}

__attribute__((format(printf, 2, 3))) static void want(struct world *w, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    buf_add(&w->wants, text, (size_t)len);
}

static void run(struct world *w, void (*proc)(struct cmd_call *c))
{
    harness_run(&w->h, proc, w->argv, w->argc);
    check(str_eq(buf_str(&w->h.said), buf_str(&w->wants)));
}

/* ---- entries ---- */

/* One to three fields; every fourth entry has others than those before. */
static uint32_t pairs_of(uint8_t shape)
{
    return 1 + shape % 3;
}

static void name_of(uint8_t shape, uint32_t i, bool is_value, char out[32])
{
    if (is_value)
        snprintf(out, 32, shape & 0x40 ? "%u" : "v%u-of-some-length", (shape + i) * 2654435761U);
    else
        snprintf(out, 32, "%c%u", shape & 0x80 ? 'f' : 'g', i);
}

static void want_bulk(struct world *w, const char *text)
{
    want(w, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void want_id(struct world *w, uint32_t at)
{
    char text[32];

    snprintf(text, sizeof(text), "5-%u", at);
    want_bulk(w, text);
}

static void want_entry(struct world *w, uint32_t at)
{
    uint32_t pairs = pairs_of(w->shape[at]);
    char text[32];

    want(w, "*2\r\n");
    want_id(w, at);
    want(w, "*%u\r\n", 2 * pairs);
    for (uint32_t i = 0; i < 2 * pairs; i++) {
        name_of(w->shape[at], i / 2, i % 2, text);
        want_bulk(w, text);
    }
}

static uint32_t length(const struct world *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->count; i++)
        n += w->live[i];
    return n;
}

static uint32_t entry_of(const struct world *w)
{
    return (w->step[1] + 256U * (w->step[2] & 3)) % (w->count + 2);
}

static void add(struct world *w)
{
    uint8_t shape = w->step[1];
    char text[32];

    if (w->count == ENTRIES)
        return;
    begin(w, "XADD");
    word(w, "k");
    word(w, "5-*");
    for (uint32_t i = 0; i < 2 * pairs_of(shape); i++) {
        name_of(shape, i / 2, i % 2, text);
        word(w, "%s", text);
    }
    /* The first number within a time that is not that of 0-0 is 0. */
    want_id(w, w->count);
    w->shape[w->count] = shape;
    w->live[w->count++] = true;
    w->exists = true;
    run(w, cmd_xadd);
}

static void del(struct world *w)
{
    uint32_t at = entry_of(w);
    bool is_there = at < w->count && w->live[at];

    begin(w, "XDEL");
    word(w, "k");
    word(w, "5-%u", at);
    word(w, "4-7");
    want(w, ":%d\r\n", is_there);
    if (is_there)
        w->live[at] = false;
    run(w, cmd_xdel);
}

static void trim(struct world *w)
{
    bool by_name = w->step[3] & 1;
    uint32_t at = by_name ? entry_of(w) : w->step[1] * 4U, had = length(w), gone = 0;

    begin(w, "XTRIM");
    word(w, "k");
    word(w, by_name ? "MINID" : "MAXLEN");
    word(w, by_name ? "5-%u" : "%u", at);
    for (uint32_t i = 0; i < w->count && (by_name ? i < at : had - gone > at); i++) {
        gone += w->live[i];
        w->live[i] = false;
    }
    want(w, ":%u\r\n", gone);
    run(w, cmd_xtrim);
}

static void range(struct world *w)
{
    bool is_back = w->step[3] & 1;
    uint32_t from = w->step[1] * 8U % (w->count + 1), to = from + w->step[2];
    uint32_t most = 1 + w->step[3] / 2U, said = 0;
    struct buf entries = BUF_EMPTY;

    begin(w, is_back ? "XREVRANGE" : "XRANGE");
    for (uint32_t i = 0; i < w->count && said < most; i++) {
        uint32_t at = is_back ? w->count - 1 - i : i;

        if (!w->live[at] || at < from || at > to)
            continue;
        said++;
        want_entry(w, at);
    }
    buf_add_str(&entries, buf_str(&w->wants));
    buf_clear(&w->wants);
    want(w, "*%u\r\n", said);
    buf_add_str(&w->wants, buf_str(&entries));
    buf_fini(&entries);
    word(w, "k");
    word(w, "5-%u", is_back ? to : from);
    word(w, "5-%u", is_back ? from : to);
    word(w, "COUNT");
    word(w, "%u", most);
    run(w, is_back ? cmd_xrevrange : cmd_xrange);
}

/* ---- groups ---- */

static struct group *group_of(struct world *w)
{
    return &w->groups[w->step[3] % GROUPS];
}

static void make_group(struct world *w)
{
    struct group *g = group_of(w);

    if (!w->exists || g->exists)
        return;
    begin(w, "XGROUP");
    word(w, "CREATE");
    word(w, "k");
    word(w, "%d", w->step[3] % GROUPS);
    word(w, "0");
    want(w, "+OK\r\n");
    memset(g, 0, sizeof(*g));
    g->exists = true;
    run(w, cmd_xgroup_create);
}

static void end_group(struct world *w)
{
    struct group *g = group_of(w);

    if (!w->exists || w->step[1] % 4 != 0)
        return;
    begin(w, "XGROUP");
    word(w, "DESTROY");
    word(w, "k");
    word(w, "%d", w->step[3] % GROUPS);
    want(w, ":%d\r\n", g->exists);
    g->exists = false;
    run(w, cmd_xgroup_destroy);
}

static void read_new(struct world *w)
{
    struct group *g = group_of(w);
    uint8_t consumer = w->step[2] % CONSUMERS;
    uint32_t most = 1 + w->step[1] % 16, said = 0;
    struct buf entries = BUF_EMPTY;

    if (!g->exists)
        return;
    begin(w, "XREADGROUP");
    for (uint32_t i = g->next; i < w->count && said < most; i++) {
        if (!w->live[i])
            continue;
        g->next = i + 1;
        g->pending[i] = (struct pending){true, consumer, 1};
        said++;
        want_entry(w, i);
    }
    buf_add_str(&entries, buf_str(&w->wants));
    buf_clear(&w->wants);
    if (said > 0)
        want(w, "*1\r\n*2\r\n$1\r\nk\r\n*%u\r\n", said);
    else
        want(w, "*-1\r\n");
    buf_add_str(&w->wants, buf_str(&entries));
    buf_fini(&entries);
    word(w, "GROUP");
    word(w, "%d", w->step[3] % GROUPS);
    word(w, "c%d", consumer);
    word(w, "COUNT");
    word(w, "%u", most);
    word(w, "STREAMS");
    word(w, "k");
    word(w, ">");
    run(w, cmd_xreadgroup);
}

static void ack(struct world *w)
{
    struct group *g = group_of(w);
    uint32_t at = entry_of(w);
    bool waits = g->exists && at < w->count && g->pending[at].waits;

    begin(w, "XACK");
    word(w, "k");
    word(w, "%d", w->step[3] % GROUPS);
    word(w, "5-%u", at);
    want(w, ":%d\r\n", waits);
    if (waits)
        g->pending[at].waits = false;
    run(w, cmd_xack);
}

static void claim(struct world *w)
{
    struct group *g = group_of(w);
    uint32_t at = entry_of(w);
    uint8_t consumer = w->step[2] / 4 % CONSUMERS;
    bool is_forced = w->step[3] & 2;

    if (!g->exists)
        return;
    struct pending *p = at < w->count ? &g->pending[at] : NULL;
    bool is_there = p && w->live[at], is_given = is_there && (p->waits || is_forced);
    begin(w, "XCLAIM");
    word(w, "k");
    word(w, "%d", w->step[3] % GROUPS);
    word(w, "c%d", consumer);
    word(w, "0");
    word(w, "5-%u", at);
    if (is_forced)
        word(w, "FORCE");
    want(w, "*%d\r\n", is_given);
    if (is_given) {
        want_entry(w, at);
        *p = (struct pending){true, consumer, (p->waits ? p->deliveries : 1) + 1};
    } else if (p && !is_there) {
        p->waits = false;
    }
    run(w, cmd_xclaim);
}

static void list_pending(struct world *w)
{
    struct group *g = group_of(w);
    uint8_t consumer = w->step[2] % CONSUMERS;
    bool of_one = w->step[3] & 2;
    uint32_t said = 0;
    struct buf entries = BUF_EMPTY;

    if (!g->exists)
        return;
    begin(w, "XPENDING");
    for (uint32_t i = 0; i < w->count && said < 20; i++) {
        const struct pending *p = &g->pending[i];

        if (!p->waits || (of_one && p->consumer != consumer))
            continue;
        said++;
        want(w, "*4\r\n");
        want_id(w, i);
        want(w, "$2\r\nc%d\r\n:0\r\n:%u\r\n", p->consumer, p->deliveries);
    }
    buf_add_str(&entries, buf_str(&w->wants));
    buf_clear(&w->wants);
    want(w, "*%u\r\n", said);
    buf_add_str(&w->wants, buf_str(&entries));
    buf_fini(&entries);
    word(w, "k");
    word(w, "%d", w->step[3] % GROUPS);
    word(w, "-");
    word(w, "+");
    word(w, "20");
    if (of_one)
        word(w, "c%d", consumer);
    run(w, cmd_xpending);
}

static void end_consumer(struct world *w)
{
    struct group *g = group_of(w);
    uint8_t consumer = w->step[2] % CONSUMERS;
    uint32_t count = 0;

    if (!g->exists || w->step[1] % 4 != 0)
        return;
    for (uint32_t i = 0; i < w->count; i++)
        if (g->pending[i].waits && g->pending[i].consumer == consumer) {
            g->pending[i].waits = false;
            count++;
        }
    begin(w, "XGROUP");
    word(w, "DELCONSUMER");
    word(w, "k");
    word(w, "%d", w->step[3] % GROUPS);
    word(w, "c%d", consumer);
    want(w, ":%u\r\n", count);
    run(w, cmd_xgroup_delconsumer);
}

/* ---- the whole ---- */

static void dump(struct world *w, struct buf *payload)
{
    begin(w, "DUMP");
    word(w, "k");
    harness_run(&w->h, cmd_dump, w->argv, w->argc);
    struct str said = buf_str(&w->h.said), head = str_cut(&said, '\n');
    check(head.len > 2 && said.len > 2);
    buf_add(payload, said.ptr, said.len - 2);
}

static void restore(struct world *w, const char *key, struct str payload)
{
    begin(w, "RESTORE");
    word(w, "%s", key);
    word(w, "0");
    w->argv[w->argc++] = payload;
    word(w, "REPLACE");
    harness_run(&w->h, cmd_restore, w->argv, w->argc);
}

/* The stream as what comes back of its record. */
static void reload(struct world *w)
{
    struct buf payload = BUF_EMPTY;

    if (!w->exists)
        return;
    dump(w, &payload);
    restore(w, "k", buf_str(&payload));
    check(str_is(buf_str(&w->h.said), "+OK\r\n"));
    buf_fini(&payload);
}

/* Runs a command on the damaged key, whatever it says. */
static void hear(struct world *w, void (*proc)(struct cmd_call *c), const char *line)
{
    struct str rest = str_of(line);

    w->argc = 0;
    while (rest.len > 0)
        w->argv[w->argc++] = str_cut(&rest, ' ');
    harness_run(&w->h, proc, w->argv, w->argc);
}

/* Bytes of the record are changed; if it is taken all the same, it must be of use. */
static void damage(struct world *w)
{
    struct buf payload = BUF_EMPTY;

    if (!w->exists)
        return;
    dump(w, &payload);
    size_t at = ((size_t)w->step[1] * 256 + w->step[2]) % payload.len;
    payload.ptr[at] = (char)w->step[3];
    payload.ptr[(at * 7 + w->step[3]) % payload.len] ^= (char)w->step[1];
    restore(w, "d", buf_str(&payload));
    hear(w, cmd_xrange, "XRANGE d - +");
    hear(w, cmd_xrevrange, "XREVRANGE d + - COUNT 9");
    hear(w, cmd_xinfo_stream, "XINFO STREAM d FULL");
    hear(w, cmd_xinfo_groups, "XINFO GROUPS d");
    hear(w, cmd_xreadgroup, "XREADGROUP GROUP 0 c0 COUNT 5 STREAMS d >");
    hear(w, cmd_xautoclaim, "XAUTOCLAIM d 0 c1 0 - COUNT 20");
    hear(w, cmd_xadd, "XADD d * f v");
    hear(w, cmd_xtrim, "XTRIM d MAXLEN 3");
    hear(w, cmd_xdel, "XDEL d 5-1 5-2 5-3");
    hear(w, cmd_copy, "COPY d e REPLACE");
    buf_fini(&payload);
}

static void copy(struct world *w)
{
    if (!w->exists)
        return;
    begin(w, "COPY");
    word(w, "k");
    word(w, "l");
    word(w, "REPLACE");
    want(w, ":1\r\n");
    run(w, cmd_copy);
    begin(w, "RENAME");
    word(w, "l");
    word(w, "k");
    want(w, "+OK\r\n");
    run(w, cmd_rename);
}

static void len(struct world *w)
{
    begin(w, "XLEN");
    word(w, "k");
    want(w, ":%u\r\n", length(w));
    run(w, cmd_xlen);
}

static void (*const steps[])(struct world *w) = {
    add,   add,          add,          add,       add,      del,      trim,
    range, range,        make_group,   end_group, read_new, read_new, ack,
    claim, list_pending, end_consumer, reload,    damage,   copy,     len,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;

    if (size < 1)
        return 0;
    memset(&w, 0, sizeof(w));
    harness_begin(&w.h);
    w.h.ks.skips_checksums = true;
    w.h.settings.stream_node_bytes = data[0] & 1 ? 4096 : 200;
    w.h.settings.stream_node_entries = data[0] & 2 ? 100 : 1 + data[0] / 16;
    for (w.step = data + 1; w.step + 4 <= data + size; w.step += 4)
        steps[*w.step % (sizeof(steps) / sizeof(steps[0]))](&w);
    begin(&w, "DEL");
    word(&w, "k");
    harness_run(&w.h, cmd_del, w.argv, w.argc);
    buf_fini(&w.wants);
    harness_end(&w.h);
    return 0;
}
