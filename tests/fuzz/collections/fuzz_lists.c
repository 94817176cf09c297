/*
 * Random sequences of valid commands on lists against arrays. Each step of the input is four
 * bytes: what, which key, which text, and something more. The replies that the arrays foretell are
 * written down first, and must come byte for byte. Limits are small, so that forms change all the
 * time; DUMP and RESTORE carry lists through every form of record.
 */
#include "base/err.h"
#include "contract/command_procs.h"
#include "tests/fuzz/collections/model.h"
#include "tests/unit/cacheengine/types/types_harness.h"

#include <inttypes.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LISTS    4
#define LIST_MAX 3000

struct list {
    uint32_t count;
    uint8_t items[LIST_MAX]; /* numbers of texts of the universe */
};

struct world {
    struct harness h;
    struct model universe; /* its texts only */
    struct list lists[LISTS];
    const uint8_t *step; /* the four bytes of the present one */
    char digits[256];    /* arguments that are numbers */
    size_t digits_used;
    struct str argv[HARNESS_ARGS];
    uint32_t argc;
    struct buf want;
};

static const char *const names[LISTS] = {"a", "b", "c", "d"};

/* ---- asking ---- */

static void word(struct world *w, struct str s)
{
    check(w->argc < HARNESS_ARGS);
    w->argv[w->argc++] = s;
}

static void number(struct world *w, int64_t v)
{
    char *at = w->digits + w->digits_used;
    int len = snprintf(at, sizeof(w->digits) - w->digits_used, "%" PRId64, v);

    w->digits_used += (size_t)len;
    word(w, (struct str){at, (size_t)len});
}

static void begin(struct world *w, const char *name)
{
    w->argc = 0;
    w->digits_used = 0;
    buf_clear(&w->want);
    word(w, str_of(name));
}

static void run(struct world *w, void (*proc)(struct cmd_call *c))
{
    harness_run(&w->h, proc, w->argv, w->argc);
}

static void run_and_compare(struct world *w, void (*proc)(struct cmd_call *c))
{
    run(w, proc);
    if (!str_eq(buf_str(&w->h.said), buf_str(&w->want)))
        fprintf(stderr, "%s\nsaid %.300s\nwant %.300s\n", w->argv[0].ptr, buf_cstr(&w->h.said),
                buf_cstr(&w->want));
    check(str_eq(buf_str(&w->h.said), buf_str(&w->want)));
}

/* ---- what is foretold ---- */

static void want_int(struct world *w, int64_t v)
{
    buf_printf(&w->want, ":%" PRId64 "\r\n", v);
}

static void want_array(struct world *w, int64_t count)
{
    buf_printf(&w->want, "*%" PRId64 "\r\n", count);
}

static void want_text(struct world *w, uint8_t item)
{
    struct str text = w->universe.texts[item];

    buf_printf(&w->want, "$%zu\r\n", text.len);
    buf_add(&w->want, text.ptr, text.len);
    buf_puts(&w->want, "\r\n");
}

static void want_null(struct world *w)
{
    buf_puts(&w->want, "$-1\r\n");
}

/* ---- the arrays ---- */

static unsigned key_of(const struct world *w)
{
    return w->step[1] % LISTS;
}

static struct list *list_of(struct world *w)
{
    return &w->lists[key_of(w)];
}

/* Puts an item in front of that with the index. */
static void put(struct list *l, uint32_t index, uint8_t item)
{
    memmove(l->items + index + 1, l->items + index, l->count - index);
    l->items[index] = item;
    l->count++;
}

static void take(struct list *l, uint32_t index, uint32_t count)
{
    l->count -= count;
    memmove(l->items + index, l->items + index + count, l->count - index);
}

/* An index that is often in the list, counted from either end, and sometimes beyond. */
static int64_t index_of(const struct world *w, const struct list *l)
{
    int64_t at = (int64_t)w->step[2] * (w->step[3] % 16 + 1) % (l->count + 3);

    return w->step[3] & 16 ? -at - 1 : at;
}

/* The range that two indexes mean, as LRANGE and LTRIM take it. */
static uint32_t range_of(const struct list *l, int64_t from, int64_t to, uint32_t *begins)
{
    from = from < 0 ? from + l->count : from;
    to = to < 0 ? to + l->count : to;
    from = from < 0 ? 0 : from;
    to = to >= l->count ? (int64_t)l->count - 1 : to;
    *begins = from > to ? 0 : (uint32_t)from;
    return from > to ? 0 : (uint32_t)(to - from + 1);
}

/* ---- the commands ---- */

/* The same text a few times over, or texts side by side in the universe. */
static uint8_t nth_text(const struct world *w, unsigned i)
{
    return (uint8_t)(w->step[2] + (w->step[3] & 64 ? i : 0));
}

static void do_push(struct world *w)
{
    struct list *l = list_of(w);
    bool is_left = w->step[3] & 128, must_exist = w->step[3] % 8 == 5;
    unsigned count = 1 + (w->step[3] & 32 ? w->step[2] % 60 : w->step[3] % 4);

    if (l->count + count > LIST_MAX)
        return;
    begin(w, must_exist ? is_left ? "LPUSHX" : "RPUSHX" : is_left ? "LPUSH" : "RPUSH");
    word(w, str_of(names[key_of(w)]));
    for (unsigned i = 0; i < count; i++) {
        word(w, w->universe.texts[nth_text(w, i)]);
        if (l->count > 0 || !must_exist || i > 0)
            put(l, is_left ? 0 : l->count, nth_text(w, i));
        if (must_exist && l->count == 0)
            count = 1;
    }
    want_int(w, l->count);
    run_and_compare(w, must_exist ? is_left ? cmd_lpushx : cmd_rpushx
                       : is_left  ? cmd_lpush
                                  : cmd_rpush);
}

static void do_pop(struct world *w)
{
    struct list *l = list_of(w);
    bool is_left = w->step[3] & 1, has_count = w->step[3] & 2;
    uint32_t count = has_count ? w->step[2] / 3 : 1, had = l->count;

    begin(w, is_left ? "LPOP" : "RPOP");
    word(w, str_of(names[key_of(w)]));
    if (has_count)
        number(w, count);
    count = count > l->count ? l->count : count;
    if (has_count && had > 0)
        want_array(w, count);
    else if (had == 0)
        buf_puts(&w->want, has_count ? "*-1\r\n" : "$-1\r\n");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = is_left ? 0 : l->count - 1;

        want_text(w, l->items[at]);
        take(l, at, 1);
    }
    run_and_compare(w, is_left ? cmd_lpop : cmd_rpop);
}

static void ask_range(struct world *w, unsigned key, int64_t from, int64_t to)
{
    const struct list *l = &w->lists[key];
    uint32_t first, count = range_of(l, from, to, &first);

    begin(w, "LRANGE");
    word(w, str_of(names[key]));
    number(w, from);
    number(w, to);
    want_array(w, count);
    for (uint32_t i = first; i < first + count; i++)
        want_text(w, l->items[i]);
    run_and_compare(w, cmd_lrange);
}

static void do_range(struct world *w)
{
    int64_t from = index_of(w, list_of(w));

    ask_range(w, key_of(w), from, w->step[3] & 32 ? from + w->step[3] % 32 : -1);
}

static void do_index(struct world *w)
{
    const struct list *l = list_of(w);
    int64_t index = index_of(w, l), at = index < 0 ? index + l->count : index;

    begin(w, "LINDEX");
    word(w, str_of(names[key_of(w)]));
    number(w, index);
    if (at < 0 || at >= l->count)
        want_null(w);
    else
        want_text(w, l->items[at]);
    run_and_compare(w, cmd_lindex);
}

static void do_set(struct world *w)
{
    struct list *l = list_of(w);
    int64_t index = index_of(w, l), at = index < 0 ? index + l->count : index;
    uint8_t item = (uint8_t)(w->step[2] ^ w->step[3]);

    begin(w, "LSET");
    word(w, str_of(names[key_of(w)]));
    number(w, index);
    word(w, w->universe.texts[item]);
    if (l->count == 0) {
        buf_puts(&w->want, "-ERR no such key\r\n");
    } else if (at < 0 || at >= l->count) {
        buf_puts(&w->want, "-ERR index out of range\r\n");
    } else {
        buf_puts(&w->want, "+OK\r\n");
        l->items[at] = item;
    }
    run_and_compare(w, cmd_lset);
}

static void do_insert(struct world *w)
{
    struct list *l = list_of(w);
    uint8_t pivot = w->step[2], item = w->step[3];
    bool is_behind = w->step[3] & 1;
    const uint8_t *at = memchr(l->items, pivot, l->count);

    if (l->count + 1 > LIST_MAX)
        return;
    begin(w, "LINSERT");
    word(w, str_of(names[key_of(w)]));
    word(w, is_behind ? STR("AFTER") : STR("BEFORE"));
    word(w, w->universe.texts[pivot]);
    word(w, w->universe.texts[item]);
    if (l->count > 0 && at)
        put(l, (uint32_t)(at - l->items) + is_behind, item);
    want_int(w, l->count == 0 ? 0 : at ? (int64_t)l->count : -1);
    run_and_compare(w, cmd_linsert);
}

static void do_rem(struct world *w)
{
    struct list *l = list_of(w);
    int64_t count = (int64_t)(w->step[3] % 9) - 4, most = count ? llabs(count) : LIST_MAX;
    int64_t removed = 0;

    for (uint32_t i = 0; i < l->count && removed < most;) {
        uint32_t at = count < 0 ? l->count - 1 - i : i;

        if (l->items[at] == w->step[2]) {
            take(l, at, 1);
            removed++;
        } else {
            i++;
        }
    }
    begin(w, "LREM");
    word(w, str_of(names[key_of(w)]));
    number(w, count);
    word(w, w->universe.texts[w->step[2]]);
    want_int(w, removed);
    run_and_compare(w, cmd_lrem);
}

static void do_trim(struct world *w)
{
    struct list *l = list_of(w);
    int64_t from = index_of(w, l), to = w->step[3] & 32 ? -1 - w->step[2] % 8 : from + w->step[2];
    uint32_t first, count = range_of(l, from, to, &first);

    /* Mostly little is cut off, or lists would never be long. */
    if (w->step[3] & 192)
        from = w->step[2] % 4, to = -1 - w->step[3] % 4, count = range_of(l, from, to, &first);
    begin(w, "LTRIM");
    word(w, str_of(names[key_of(w)]));
    number(w, from);
    number(w, to);
    take(l, first + count, l->count - first - count);
    take(l, 0, first);
    buf_puts(&w->want, "+OK\r\n");
    run_and_compare(w, cmd_ltrim);
}

static void do_pos(struct world *w)
{
    const struct list *l = list_of(w);
    int64_t rank = w->step[3] % 8 - 4, most = w->step[3] / 8 % 4, looks = w->step[3] & 64 ? 20 : 0;
    uint32_t places[LIST_MAX], found = 0;
    int64_t skip = llabs(rank) - 1;

    rank = rank ? rank : 1;
    skip = skip < 0 ? 0 : skip;
    for (uint32_t i = 0; i < l->count && (!looks || i < looks) && (!most || found < most); i++) {
        uint32_t at = rank < 0 ? l->count - 1 - i : i;

        if (l->items[at] == w->step[2] && skip-- <= 0)
            places[found++] = at;
    }
    begin(w, "LPOS");
    word(w, str_of(names[key_of(w)]));
    word(w, w->universe.texts[w->step[2]]);
    word(w, STR("RANK"));
    number(w, rank);
    word(w, STR("COUNT"));
    number(w, most);
    word(w, STR("MAXLEN"));
    number(w, looks);
    want_array(w, found);
    for (uint32_t i = 0; i < found; i++)
        want_int(w, places[i]);
    run_and_compare(w, cmd_lpos);
}

static void do_move(struct world *w)
{
    unsigned to = w->step[2] % LISTS;
    struct list *l = list_of(w), *target = &w->lists[to];
    bool from_left = w->step[3] & 1, to_left = w->step[3] & 2;

    if (target->count + 1 > LIST_MAX)
        return;
    begin(w, "LMOVE");
    word(w, str_of(names[key_of(w)]));
    word(w, str_of(names[to]));
    word(w, from_left ? STR("LEFT") : STR("RIGHT"));
    word(w, to_left ? STR("LEFT") : STR("RIGHT"));
    if (l->count == 0) {
        want_null(w);
    } else {
        uint32_t at = from_left ? 0 : l->count - 1;
        uint8_t item = l->items[at];

        want_text(w, item);
        take(l, at, 1);
        put(target, to_left ? 0 : target->count, item);
    }
    run_and_compare(w, cmd_lmove);
}

static void do_key(struct world *w)
{
    unsigned to = w->step[2] % LISTS, kind = w->step[3] % 4;
    struct list *l = list_of(w), *target = &w->lists[to];

    if (kind == 0) {
        begin(w, "DEL");
        word(w, str_of(names[key_of(w)]));
        want_int(w, l->count > 0);
        l->count = 0;
        run_and_compare(w, cmd_del);
    } else if (l->count > 0 && l != target) {
        begin(w, kind == 1 ? "RENAME" : "COPY");
        word(w, str_of(names[key_of(w)]));
        word(w, str_of(names[to]));
        if (kind != 1)
            word(w, STR("REPLACE"));
        buf_puts(&w->want, kind == 1 ? "+OK\r\n" : ":1\r\n");
        *target = *l;
        if (kind == 1)
            l->count = 0;
        run_and_compare(w, kind == 1 ? cmd_rename : cmd_copy);
    }
}

/* Through a record and back, under limits that may be others by then. */
static void do_carry(struct world *w)
{
    scoped(buf_fini) struct buf payload = BUF_EMPTY;

    begin(w, "DUMP");
    word(w, str_of(names[key_of(w)]));
    run(w, cmd_dump);
    if (list_of(w)->count == 0)
        return;
    struct str said = buf_str(&w->h.said), head = str_cut(&said, '\n');
    check(head.len > 1 && head.ptr[0] == '$' && said.len > 2);
    buf_add(&payload, said.ptr, said.len - 2);
    if (w->step[2] & 1)
        w->h.settings.list_packed_size = w->step[2] % 32 - 5;
    begin(w, "RESTORE");
    word(w, str_of(names[key_of(w)]));
    number(w, 0);
    word(w, buf_str(&payload));
    word(w, STR("REPLACE"));
    buf_puts(&w->want, "+OK\r\n");
    run_and_compare(w, cmd_restore);
}

static void do_limits(struct world *w)
{
    w->h.settings.list_packed_size = w->step[1] & 1 ? -1 - w->step[2] % 5 : w->step[2] % 64;
}

static void (*const steps[])(struct world *w) = {
    do_push, do_push,   do_push, do_push, do_pop,  do_range, do_index, do_set,    do_set,
    do_rem,  do_insert, do_trim, do_pos,  do_move, do_key,   do_carry, do_limits,
};

/* All is as the arrays have it, and everything is given back. */
static void end(struct world *w, size_t before)
{
    for (unsigned i = 0; i < LISTS; i++) {
        begin(w, "LLEN");
        word(w, str_of(names[i]));
        want_int(w, w->lists[i].count);
        run_and_compare(w, cmd_llen);
        ask_range(w, i, 0, -1);
        begin(w, "DEL");
        word(w, str_of(names[i]));
        want_int(w, w->lists[i].count > 0);
        run_and_compare(w, cmd_del);
        w->lists[i].count = 0;
    }
    reply_drop(&w->h.reply);
    check(db_count(w->h.db) == 0);
    check(w->h.ks.account.used_bytes == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w; /* made once: opening a heap takes longer than most inputs */

    if (!w.universe.bytes) {
        harness_begin(&w.h);
        model_init(&w.universe);
    }
    buf_clear(&w.h.events);
    w.h.settings.list_packed_size = -2;
    /* The reply's shared buffer is taken with the first command. */
    begin(&w, "DEL");
    word(&w, str_of(names[0]));
    run(&w, cmd_del);
    size_t before = w.h.ks.account.used_bytes;
    for (; size >= 4; data += 4, size -= 4) {
        w.step = data;
        steps[data[0] % countof(steps)](&w);
    }
    end(&w, before);
    return 0;
}
