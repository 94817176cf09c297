/* Lists: looking for elements and changing what is inside. */
#include "base/command.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_list.h"
#include "contract/command_procs.h"

void cmd_lset(struct cmd_call *c)
{
    struct str text = c->argv[3];
    struct sequence s;
    int64_t index;
    bool ok;

    if (!list_find(c, 1, &s, &ok)) {
        if (ok)
            reply_no_key(c->reply);
        return;
    }
    if (!call_int(c, 2, &index))
        return;
    sequence_grows(&s, text.len, 1);
    index = list_index(sequence_count(&s), index);
    if (index < 0 || (uint64_t)index >= sequence_count(&s)) {
        reply_error(c->reply, "ERR index out of range");
        return;
    }
    sequence_replace(&s, (uint64_t)index, text);
    sequence_shrank(&s);
    reply_ok(c->reply);
    call_changed(c, s.k, EVENT_LIST, "lset");
}

/* The index of the first element that is equal to a text; false when there is none. */
static bool find_first(const struct sequence *s, struct str text, uint64_t *index)
{
    struct packed_item wanted = packed_item_of(text), item;
    struct sequence_walk w;

    sequence_walk_begin(&w, s, 0, false, NULL);
    for (*index = 0; sequence_next(&w, &item); ++*index)
        if (packed_item_eq(&item, &wanted))
            return true;
    return false;
}

void cmd_linsert(struct cmd_call *c)
{
    bool is_after = call_is(c, 2, "after"), ok;
    struct sequence s;
    uint64_t index;

    if (!is_after && !call_is(c, 2, "before")) {
        reply_syntax_error(c->reply);
        return;
    }
    if (!list_find(c, 1, &s, &ok)) {
        if (ok)
            reply_int(c->reply, 0);
        return;
    }
    sequence_grows(&s, c->argv[4].len, 1);
    if (!find_first(&s, c->argv[3], &index)) {
        reply_int(c->reply, -1);
        return;
    }
    sequence_insert(&s, index + is_after, c->argv[4]);
    reply_int(c->reply, (int64_t)sequence_count(&s));
    call_changed(c, s.k, EVENT_LIST, "linsert");
}

/* How many elements are equal to an item. */
static uint64_t count_equal(const struct sequence *s, const struct packed_item *wanted)
{
    struct sequence_walk w;
    struct packed_item item;
    uint64_t count = 0;

    sequence_walk_begin(&w, s, 0, false, NULL);
    while (sequence_next(&w, &item))
        count += packed_item_eq(&item, wanted);
    return count;
}

/* LREM: the last ones are those behind the first of all that are equal. */
void cmd_lrem(struct cmd_call *c)
{
    struct quicklist_sieve sieve = {.item = packed_item_of(c->argv[3]), .most = UINT64_MAX};
    struct sequence s;
    uint64_t had, removed;
    int64_t count;
    bool ok;

    if (!call_int_within(c, 2, -INT64_MAX, INT64_MAX, NULL, &count))
        return;
    if (!list_find(c, 1, &s, &ok)) {
        if (ok)
            reply_int(c->reply, 0);
        return;
    }
    if (count != 0)
        sieve.most = (uint64_t)(count < 0 ? -count : count);
    if (count < 0) {
        uint64_t equal = count_equal(&s, &sieve.item);

        sieve.skip = equal > sieve.most ? equal - sieve.most : 0;
    }
    had = sequence_count(&s);
    sequence_sift(&s, &sieve);
    removed = had - sequence_count(&s);
    if (removed > 0)
        list_shrank(c, &s, "lrem", removed);
    reply_int(c->reply, (int64_t)removed);
}

/* ---- LPOS ---- */

struct search {
    struct packed_item wanted;
    int64_t rank;    /* the first match that counts; negative: from the end */
    int64_t count;   /* matches wanted, 0 = all; -1: not told, one is wanted and said alone */
    int64_t max_len; /* elements looked at; 0 = all */
};

static bool search_parse(struct cmd_call *c, struct search *f)
{
    *f = (struct search){packed_item_of(c->argv[2]), 1, -1, 0};
    for (uint32_t i = 3; i < c->argc; i += 2) {
        bool ok = i + 1 < c->argc;

        if (ok && call_is(c, i, "rank")) {
            ok = call_int_within(c, i + 1, -INT64_MAX, INT64_MAX, NULL, &f->rank);
            if (ok && f->rank == 0) {
                reply_error(c->reply, "ERR RANK can't be zero: use 1 to start from the first "
                                      "match, 2 from the second ... or use negative to start "
                                      "from the end of the list");
                return false;
            }
        } else if (ok && call_is(c, i, "count")) {
            ok = call_int_or(c, i + 1, 0, INT64_MAX, "ERR COUNT can't be negative", &f->count);
        } else if (ok && call_is(c, i, "maxlen")) {
            ok = call_int_or(c, i + 1, 0, INT64_MAX, "ERR MAXLEN can't be negative", &f->max_len);
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
        if (!ok)
            return false;
    }
    return true;
}

/* Says the places of the matches, at most `most`; how many were said. */
static uint64_t search_run(struct cmd_call *c, const struct search *f, const struct sequence *s,
                           uint64_t most)
{
    uint64_t count = sequence_count(s), said = 0, at = 0;
    uint64_t skip = (uint64_t)(f->rank < 0 ? -f->rank : f->rank) - 1;
    uint64_t looks = f->max_len ? (uint64_t)f->max_len : UINT64_MAX;
    bool is_back = f->rank < 0;
    struct sequence_walk w;
    struct packed_item item;

    sequence_walk_begin(&w, s, is_back ? count - 1 : 0, is_back, c->scratch);
    for (; said < most && at < looks && sequence_next(&w, &item); at++) {
        if (!packed_item_eq(&item, &f->wanted) || (skip > 0 && skip--))
            continue;
        reply_int(c->reply, (int64_t)(is_back ? count - at - 1 : at));
        said++;
    }
    return said;
}

void cmd_lpos(struct cmd_call *c)
{
    struct sequence s;
    struct search f;
    bool ok;

    if (!search_parse(c, &f))
        return;
    bool is_there = list_read(c, 1, &s, &ok);
    if (!ok)
        return;
    if (f.count < 0) {
        if (!is_there || search_run(c, &f, &s, 1) == 0)
            reply_null(c->reply);
        return;
    }
    if (!is_there) {
        reply_array(c->reply, 0);
        return;
    }
    struct reply_mark mark = reply_open(c->reply);
    uint64_t said = search_run(c, &f, &s, f.count ? (uint64_t)f.count : UINT64_MAX);
    reply_close(c->reply, mark, '*', said);
}
