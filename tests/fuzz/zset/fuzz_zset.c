/*
 * Random sequences of valid commands on sorted sets against sorted arrays. The first byte chooses
 * the limits of packed runs; then each step is six bytes: what, which keys, a member (two), and
 * two more. What is said must be, byte for byte, what the arrays would say.
 */
#include "base/err.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/rank.h"
#include "contract/command_procs.h"
#include "tests/fuzz/zset/zset_model.h"
#include "tests/unit/cacheengine/types/types_harness.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct harness h;
    struct zmodel model;
    const uint8_t *step;
    struct str argv[HARNESS_ARGS];
    uint32_t argc;
    char words[HARNESS_ARGS * 48]; /* numbers as arguments */
    size_t words_len;
    struct buf wants; /* what must be said */
};

static const char *const key_names[ZMODEL_KEYS] = {"a", "b", "c", "d"};

/* ---- saying ---- */

static void word(struct world *w, struct str s)
{
    check(w->argc < HARNESS_ARGS);
    w->argv[w->argc++] = s;
}

__attribute__((format(printf, 2, 3))) static void wordf(struct world *w, const char *fmt, ...)
{
    char *at = w->words + w->words_len;
    va_list ap;

    va_start(ap, fmt);
    int len = vsnprintf(at, sizeof(w->words) - w->words_len, fmt, ap);
    va_end(ap);
    w->words_len += (size_t)len + 1;
    word(w, (struct str){at, (size_t)len});
}

static void word_score(struct world *w, double v)
{
    char text[40];
    unsigned len = number_write_double(text, v);

    wordf(w, "%.*s", (int)len, text);
}

static void begin(struct world *w, const char *name)
{
    w->argc = 0;
    w->words_len = 0;
    buf_clear(&w->wants);
    wordf(w, "%s", name);
}

static void begin_key(struct world *w, const char *name)
{
    begin(w, name);
    wordf(w, "%s", key_names[w->step[1] % ZMODEL_KEYS]);
}

static void run(struct world *w, void (*proc)(struct cmd_call *c))
{
    harness_run(&w->h, proc, w->argv, w->argc);
}

/* ---- hearing ---- */

static void heard(struct world *w)
{
    check(str_eq(buf_str(&w->h.said), buf_str(&w->wants)));
}

static void want_number(struct world *w, int64_t v)
{
    buf_printf(&w->wants, ":%lld\r\n", (long long)v);
}

static void want_text(struct world *w, struct str s)
{
    buf_printf(&w->wants, "$%zu\r\n", s.len);
    buf_add(&w->wants, s.ptr, s.len);
    buf_printf(&w->wants, "\r\n");
}

static void want_score(struct world *w, double v)
{
    char text[40];
    unsigned len = number_write_double(text, v);

    want_text(w, (struct str){text, len});
}

static void want_items(struct world *w, const struct zmodel_set *s, uint32_t first, uint32_t count,
                       bool is_backward)
{
    buf_printf(&w->wants, "*%u\r\n", 2 * count);
    for (uint32_t i = 0; i < count; i++) {
        const struct zmodel_item *x = &s->items[is_backward ? first + count - 1 - i : first + i];

        want_text(w, w->model.texts[x->member]);
        want_score(w, x->score);
    }
}

/* ---- drawing ---- */

static struct zmodel_set *set_of(struct world *w)
{
    return &w->model.sets[w->step[1] % ZMODEL_KEYS];
}

static uint16_t member_of(const struct world *w, unsigned i)
{
    unsigned stride = 1 + w->step[4] % 7;

    return (uint16_t)((w->step[2] + (w->step[3] & 3U) * 256 + i * stride) % ZMODEL_MEMBERS);
}

static double score_of(uint8_t byte)
{
    if (byte == 255)
        return INFINITY;
    if (byte == 254)
        return -INFINITY;
    if (byte >= 240)
        return (byte - 247) * 1e18 + 0.5;
    return (byte - 100) / 4.0;
}

/* Ranks that may lie outside. */
static int64_t rank_word(struct world *w, uint8_t byte, uint32_t count)
{
    int64_t v = ((int64_t)byte - 128) * (count / 64 + 1) / 2;

    wordf(w, "%lld", (long long)v);
    return v;
}

/* ---- steps that change ---- */

static void do_add(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    uint8_t flags = w->step[5];
    bool if_absent = flags & 1, if_present = (flags & 3) == 2;
    bool if_greater = !if_absent && (flags & 12) == 4, if_less = !if_absent && (flags & 12) == 8;
    bool counts_changes = flags & 16, is_increment = flags & 32;
    double score = score_of(w->step[4]);
    uint16_t member = member_of(w, 0);
    int at = zmodel_find(s, member);

    begin_key(w, "ZADD");
    if (if_absent)
        wordf(w, "NX");
    if (if_present)
        wordf(w, "XX");
    if (if_greater)
        wordf(w, "GT");
    if (if_less)
        wordf(w, "LT");
    if (counts_changes)
        wordf(w, "CH");
    if (is_increment)
        wordf(w, "INCR");
    word_score(w, score);
    word(w, w->model.texts[member]);
    run(w, cmd_zadd);
    double old = at >= 0 ? s->items[at].score : 0;
    bool is_done = at >= 0 ? !if_absent : !if_present;
    if (at >= 0 && is_increment)
        score += old;
    if (is_done && isnan(score)) {
        check(w->h.said.len > 0 && *buf_cstr(&w->h.said) == '-');
        return;
    }
    if (at >= 0 && ((if_less && score >= old) || (if_greater && score <= old)))
        is_done = false;
    bool is_changed = is_done && (at < 0 || score != old);
    if (is_changed)
        zmodel_put(&w->model, s, member, score);
    if (!is_increment)
        want_number(w, is_changed && (at < 0 || counts_changes));
    else if (is_done)
        want_score(w, score);
    else
        buf_printf(&w->wants, "$-1\r\n");
    heard(w);
}

static void do_add_many(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    unsigned count = 1 + w->step[5] % 30;
    int64_t added = 0;

    begin_key(w, "ZADD");
    for (unsigned i = 0; i < count; i++) {
        double score = w->step[5] & 128 ? i * 3 : score_of((uint8_t)(w->step[4] + i * 5) % 240);

        word_score(w, score);
        word(w, w->model.texts[member_of(w, i)]);
        added += zmodel_find(s, member_of(w, i)) < 0;
        zmodel_put(&w->model, s, member_of(w, i), score);
    }
    run(w, cmd_zadd);
    want_number(w, added);
    heard(w);
}

static void do_remove(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    unsigned count = 1 + w->step[5] % 30;
    int64_t removed = 0;

    begin_key(w, "ZREM");
    for (unsigned i = 0; i < count; i++) {
        int at = zmodel_find(s, member_of(w, i));

        word(w, w->model.texts[member_of(w, i)]);
        removed += at >= 0;
        if (at >= 0)
            zmodel_cut(s, (uint32_t)at, 1);
    }
    run(w, cmd_zrem);
    want_number(w, removed);
    heard(w);
}

/* The interval of ranks that two arguments mean; false when it is empty. */
static bool clip(int64_t start, int64_t stop, uint32_t count, uint32_t *first, uint32_t *n)
{
    start = start < 0 ? start + count : start;
    stop = stop < 0 ? stop + count : stop;
    start = start < 0 ? 0 : start;
    stop = stop >= count ? (int64_t)count - 1 : stop;
    *first = *n = 0;
    if (start > stop || start >= count)
        return false;
    *first = (uint32_t)start;
    *n = (uint32_t)(stop - start) + 1;
    return true;
}

/* The interval of scores between two, each left out or not. */
static void score_interval(struct world *w, const struct zmodel_set *s, bool is_turned,
                           uint32_t *first, uint32_t *n)
{
    double low = score_of(w->step[2]), high = score_of(w->step[4]);
    bool low_open = w->step[3] & 1, high_open = w->step[3] & 2;
    uint32_t from = 0, to = s->count;
    char text[2][48];

    while (from < s->count && (low_open ? s->items[from].score <= low : s->items[from].score < low))
        from++;
    while (to > 0 && (high_open ? s->items[to - 1].score >= high : s->items[to - 1].score > high))
        to--;
    *first = from;
    *n = to > from ? to - from : 0;
    for (int i = 0; i < 2; i++) {
        bool is_open = i ? high_open : low_open;

        text[i][0] = '(';
        text[i][number_write_double(text[i] + 1, i ? high : low) + 1] = 0;
        if (!is_open)
            memmove(text[i], text[i] + 1, strlen(text[i]));
    }
    wordf(w, "%s", text[is_turned]);
    wordf(w, "%s", text[!is_turned]);
}

static void do_remove_ranks(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    uint32_t first, n;

    begin_key(w, "ZREMRANGEBYRANK");
    int64_t start = rank_word(w, w->step[2], s->count), stop = rank_word(w, w->step[4], s->count);
    run(w, cmd_zremrangebyrank);
    if (clip(start, stop, s->count, &first, &n))
        zmodel_cut(s, first, n);
    want_number(w, n);
    heard(w);
}

static void do_remove_scores(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    uint32_t first, n;

    begin_key(w, "ZREMRANGEBYSCORE");
    score_interval(w, s, false, &first, &n);
    run(w, cmd_zremrangebyscore);
    zmodel_cut(s, first, n);
    want_number(w, n);
    heard(w);
}

static void do_pop(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    bool is_max = w->step[2] & 1;
    uint32_t count = w->step[3] % 90, n = count < s->count ? count : s->count;

    begin_key(w, is_max ? "ZPOPMAX" : "ZPOPMIN");
    wordf(w, "%u", count);
    run(w, is_max ? cmd_zpopmax : cmd_zpopmin);
    want_items(w, s, is_max ? s->count - n : 0, n, is_max);
    zmodel_cut(s, is_max ? s->count - n : 0, n);
    heard(w);
}

static void do_combine(struct world *w)
{
    static const struct {
        const char *name;
        void (*proc)(struct cmd_call *c);
    } rows[] = {
        {"ZUNIONSTORE", cmd_zunionstore},
        {"ZINTERSTORE", cmd_zinterstore},
        {"ZDIFFSTORE",  cmd_zdiffstore }
    };
    enum zmodel_algebra how = (enum zmodel_algebra)(w->step[2] % 3);
    unsigned a = w->step[3] % ZMODEL_KEYS, b = w->step[4] % ZMODEL_KEYS;
    static struct zmodel_set out;

    begin_key(w, rows[how].name);
    wordf(w, "2");
    wordf(w, "%s", key_names[a]);
    wordf(w, "%s", key_names[b]);
    run(w, rows[how].proc);
    zmodel_combine(&w->model, how, &w->model.sets[a], &w->model.sets[b], &out);
    *set_of(w) = out;
    want_number(w, out.count);
    heard(w);
}

static void do_range_store(struct world *w)
{
    const struct zmodel_set *s = &w->model.sets[w->step[3] % ZMODEL_KEYS];
    static struct zmodel_set out;
    uint32_t first, n;

    begin_key(w, "ZRANGESTORE");
    wordf(w, "%s", key_names[w->step[3] % ZMODEL_KEYS]);
    int64_t start = rank_word(w, w->step[2], s->count), stop = rank_word(w, w->step[4], s->count);
    run(w, cmd_zrangestore);
    clip(start, stop, s->count, &first, &n);
    memcpy(out.items, &s->items[first], n * sizeof(out.items[0]));
    out.count = n;
    *set_of(w) = out;
    want_number(w, n);
    heard(w);
}

static void do_copy(struct world *w)
{
    unsigned to = w->step[2] % ZMODEL_KEYS;

    if (to == w->step[1] % ZMODEL_KEYS)
        return;
    begin_key(w, "COPY");
    wordf(w, "%s", key_names[to]);
    wordf(w, "REPLACE");
    run(w, cmd_copy);
    want_number(w, set_of(w)->count > 0);
    if (set_of(w)->count > 0)
        w->model.sets[to] = *set_of(w);
    heard(w);
}

static void do_limits(struct world *w)
{
    w->h.settings.zset_packed_entries = w->step[1] % 3 ? w->step[2] : 0;
    w->h.settings.zset_packed_value = w->step[3];
}

/* ---- steps that read ---- */

static void do_range(struct world *w)
{
    const struct zmodel_set *s = set_of(w);
    bool is_backward = w->step[3] & 1;
    uint32_t first, n;

    begin_key(w, is_backward ? "ZREVRANGE" : "ZRANGE");
    int64_t start = rank_word(w, w->step[2], s->count), stop = rank_word(w, w->step[4], s->count);
    wordf(w, "WITHSCORES");
    run(w, is_backward ? cmd_zrevrange : cmd_zrange);
    clip(start, stop, s->count, &first, &n);
    want_items(w, s, is_backward ? s->count - first - n : first, n, is_backward);
    heard(w);
}

static void do_range_scores(struct world *w)
{
    const struct zmodel_set *s = set_of(w);
    bool is_backward = w->step[3] & 4;
    uint32_t first, n, offset = w->step[5] % 16, limit = w->step[5] / 16;

    begin_key(w, is_backward ? "ZREVRANGEBYSCORE" : "ZRANGEBYSCORE");
    score_interval(w, s, is_backward, &first, &n);
    wordf(w, "WITHSCORES");
    wordf(w, "LIMIT");
    wordf(w, "%u", offset);
    wordf(w, "%d", limit == 15 ? -1 : (int)limit);
    run(w, is_backward ? cmd_zrevrangebyscore : cmd_zrangebyscore);
    uint32_t rest = n > offset ? n - offset : 0;
    uint32_t said = limit == 15 || rest < limit ? rest : limit;
    want_items(w, s, is_backward ? first + n - (said ? offset : 0) - said : first + offset, said,
               is_backward);
    heard(w);
    begin_key(w, "ZCOUNT");
    score_interval(w, s, false, &first, &n);
    run(w, cmd_zcount);
    want_number(w, n);
    heard(w);
}

/* How many texts stand before one, or up to it. Texts are in order only if all scores are equal. */
static void do_count_texts(struct world *w)
{
    struct zmodel_set *s = set_of(w);
    struct str low = w->model.texts[member_of(w, 0)], high = w->model.texts[member_of(w, 7)];
    char bounds[2][100];
    int64_t n = 0;

    for (uint32_t i = 0; i < s->count; i++)
        if (s->items[i].score != s->items[0].score)
            return;
    for (uint32_t i = 0; i < s->count; i++) {
        struct str text = w->model.texts[s->items[i].member];

        n += rank_compare(text, low) >= 0 && rank_compare(text, high) < 0;
    }
    begin_key(w, "ZLEXCOUNT");
    bounds[0][0] = '[';
    bounds[1][0] = '(';
    memcpy(bounds[0] + 1, low.ptr, low.len);
    memcpy(bounds[1] + 1, high.ptr, high.len);
    word(w, (struct str){bounds[0], low.len + 1});
    word(w, (struct str){bounds[1], high.len + 1});
    run(w, cmd_zlexcount);
    want_number(w, n);
    heard(w);
}

static void do_rank(struct world *w)
{
    const struct zmodel_set *s = set_of(w);
    bool is_reverse = w->step[4] & 1;
    int at = zmodel_find(s, member_of(w, 0));

    begin_key(w, is_reverse ? "ZREVRANK" : "ZRANK");
    word(w, w->model.texts[member_of(w, 0)]);
    wordf(w, "WITHSCORE");
    run(w, is_reverse ? cmd_zrevrank : cmd_zrank);
    if (at < 0) {
        buf_printf(&w->wants, "*-1\r\n");
    } else {
        buf_printf(&w->wants, "*2\r\n");
        want_number(w, is_reverse ? (int64_t)s->count - 1 - at : at);
        want_score(w, s->items[at].score);
    }
    heard(w);
}

static void check_all(struct world *w)
{
    static const uint8_t keys[][2] = {
        {0, 0},
        {0, 1},
        {0, 2},
        {0, 3}
    };

    for (unsigned i = 0; i < ZMODEL_KEYS; i++) {
        w->step = keys[i];
        begin_key(w, "ZRANGE");
        wordf(w, "0");
        wordf(w, "-1");
        wordf(w, "WITHSCORES");
        run(w, cmd_zrange);
        want_items(w, set_of(w), 0, set_of(w)->count, false);
        heard(w);
        begin_key(w, "ZCARD");
        run(w, cmd_zcard);
        want_number(w, set_of(w)->count);
        heard(w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const steps[])(struct world * w) = {
        do_add,     do_add_many,     do_add_many,      do_add_many,
        do_remove,  do_remove_ranks, do_remove_scores, do_pop,
        do_combine, do_range_store,  do_copy,          do_limits,
        do_range,   do_range_scores, do_count_texts,   do_rank,
    };
    static struct world w;

    if (size == 0)
        return 0;
    harness_begin(&w.h);
    w.h.settings.zset_packed_entries = *data % 3 ? *data : 0;
    zmodel_begin(&w.model);
    for (size_t at = 1; at + 6 <= size && at < 6 * 400; at += 6) {
        w.step = data + at;
        steps[w.step[0] % countof(steps)](&w);
        buf_clear(&w.h.events);
    }
    check_all(&w);
    buf_fini(&w.wants);
    harness_end(&w.h);
    return 0;
}
