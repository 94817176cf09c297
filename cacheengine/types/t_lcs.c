/*
 * LCS: the longest text that can be made of both strings by leaving bytes out.
 *
 * By the textbook's table: cell (i, j) has the length for the first i bytes of one and the first j
 * of the other. Its size is limited as a value's is. Where only the length is asked for, two rows
 * are kept.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/t_string.h"
#include "contract/command_procs.h"

#include <stdlib.h>

struct lcs {
    struct cmd_call *c;
    struct str a, b;
    bool wants_len, wants_places, wants_match_len;
    int64_t min_match;
    uint32_t *table; /* a.len + 1 rows of b.len + 1, or two rows */
};

static uint32_t *row_of(const struct lcs *l, uint64_t i)
{
    return l->table + (l->wants_len ? i % 2 : i) * (l->b.len + 1);
}

/* Fills the table; the length of the result. */
static uint32_t fill(struct lcs *l)
{
    memset(row_of(l, 0), 0, (l->b.len + 1) * sizeof(*l->table));
    for (uint64_t i = 1; i <= l->a.len; i++) {
        const uint32_t *above = row_of(l, i - 1);
        uint32_t *row = row_of(l, i);

        row[0] = 0;
        for (uint64_t j = 1; j <= l->b.len; j++) {
            uint32_t most = above[j] > row[j - 1] ? above[j] : row[j - 1];

            row[j] = l->a.ptr[i - 1] == l->b.ptr[j - 1] ? above[j - 1] + 1 : most;
        }
    }
    return row_of(l, l->a.len)[l->b.len];
}

/* The next run of equal bytes on the way from (i, j) back to the beginning: its bounds are [i, *i)
 * and [j, *j) after and before; false when there is none. */
static bool next_run(const struct lcs *l, uint64_t *i, uint64_t *j, uint64_t *len)
{
    for (*len = 0; *i > 0 && *j > 0; --*i, --*j, ++*len) {
        while (*i > 0 && *j > 0 && l->a.ptr[*i - 1] != l->b.ptr[*j - 1]) {
            if (*len > 0)
                return true;
            if (row_of(l, *i - 1)[*j] > row_of(l, *i)[*j - 1])
                --*i;
            else
                --*j;
        }
        if (*i == 0 || *j == 0)
            break;
    }
    return *len > 0;
}

static void say_text(const struct lcs *l, uint32_t len)
{
    char *text = arena_alloc(l->c->scratch, len), *end = text + len;
    uint64_t i = l->a.len, j = l->b.len, run;

    while (next_run(l, &i, &j, &run)) {
        end -= run;
        memcpy(end, l->a.ptr + i, run);
    }
    reply_bulk(l->c->reply, text, len);
}

static void say_range(struct reply *r, uint64_t first, uint64_t len)
{
    reply_array(r, 2);
    reply_int(r, (int64_t)first);
    reply_int(r, (int64_t)(first + len - 1));
}

static void say_places(const struct lcs *l, uint32_t len)
{
    struct reply *r = l->c->reply;
    uint64_t i = l->a.len, j = l->b.len, run, count = 0;

    reply_map(r, 2);
    reply_bulk_text(r, "matches");
    struct reply_mark mark = reply_open(r);
    while (next_run(l, &i, &j, &run)) {
        if ((int64_t)run < l->min_match)
            continue;
        reply_array(r, l->wants_match_len ? 3 : 2);
        say_range(r, i, run);
        say_range(r, j, run);
        if (l->wants_match_len)
            reply_int(r, (int64_t)run);
        count++;
    }
    reply_close(r, mark, '*', count);
    reply_bulk_text(r, "len");
    reply_int(r, len);
}

static bool parse(struct lcs *l)
{
    struct cmd_call *c = l->c;

    for (uint32_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "idx")) {
            l->wants_places = true;
        } else if (call_is(c, i, "len")) {
            l->wants_len = true;
        } else if (call_is(c, i, "withmatchlen")) {
            l->wants_match_len = true;
        } else if (call_is(c, i, "minmatchlen") && i + 1 < c->argc) {
            if (!call_int(c, ++i, &l->min_match))
                return false;
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    if (l->wants_len && l->wants_places)
        reply_error(c->reply, "ERR If you want both the length and indexes, please just use IDX.");
    return !l->wants_len || !l->wants_places;
}

/* Takes the table's memory; false after the error was sent. */
static bool make_table(struct lcs *l)
{
    uint64_t row, cells, bytes;

    if (l->a.len >= UINT32_MAX - 1 || l->b.len >= UINT32_MAX - 1) {
        reply_error(l->c->reply, "ERR String too long for LCS");
        return false;
    }
    row = l->b.len + 1;
    cells = (l->a.len + 1) * row;
    if (__builtin_mul_overflow(cells, sizeof(*l->table), &bytes) ||
        bytes > (uint64_t)l->c->ks->settings->bulk_limit) {
        reply_error(l->c->reply, "ERR Insufficient memory, transient memory for LCS exceeds "
                                 "proto-max-bulk-len");
        return false;
    }
    l->table = malloc(l->wants_len ? 2 * row * sizeof(*l->table) : bytes);
    if (!l->table)
        reply_error(l->c->reply,
                    "ERR Insufficient memory, failed allocating transient memory for LCS");
    return l->table;
}

void cmd_lcs(struct cmd_call *c)
{
    struct entry *a = db_read(c->db, call_key(c, 1)), *b = db_read(c->db, call_key(c, 2));
    struct number_text digits[2];
    struct lcs l = {.c = c};

    if ((a && entry_type(a) != TYPE_STRING) || (b && entry_type(b) != TYPE_STRING)) {
        reply_error(c->reply, "ERR The specified keys must contain string values");
        return;
    }
    if (a)
        l.a = db_string(a, &digits[0]);
    if (b)
        l.b = db_string(b, &digits[1]);
    if (!parse(&l) || !make_table(&l))
        return;
    uint32_t len = fill(&l);
    if (l.wants_places)
        say_places(&l, len);
    else if (l.wants_len)
        reply_int(c->reply, len);
    else
        say_text(&l, len);
    free(l.table);
}
