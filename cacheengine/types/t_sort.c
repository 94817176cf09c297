/*
 * SORT and SORT_RO. The one idea: the elements are gathered with what they are compared by, a range
 * of them in order is the result, and only then it is said or stored.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/slot.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/t_zset.h"
#include "contract/command_procs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* What is sorted and what it is sorted by. */
struct element {
    struct str text;
    struct str by;   /* ALPHA with BY; ptr is NULL where there is no such value */
    double score;    /* without ALPHA */
    uint64_t number; /* the order in which they came decides among equals */
};

struct sort {
    struct cmd_call *c;
    struct str by;         /* ptr NULL: by the elements themselves */
    uint32_t *patterns;    /* arguments that are patterns */
    uint32_t get_count;    /* 0: the elements are the result */
    uint32_t store;        /* argument that is a key; 0: the result is said */
    int64_t offset, limit; /* limit below 0: all */
    bool keeps_order;      /* BY a pattern without a star */
    bool is_desc, is_alpha;
    struct element *all;
    uint64_t count;
    uint64_t first, last; /* of the result: from first to before last */
    bool has_bad_score;
};

/* ---- arguments ---- */

static bool has_star(struct str pattern)
{
    return memchr(pattern.ptr, '*', pattern.len);
}

/* In a cluster any key might be meant, of other nodes too; with Valkey 8 a pattern will do whose
 * keys are all where the sorted key is. */
static bool slots_refuse(const struct sort *s, struct str pattern, bool is_by)
{
    struct str key = s->c->argv[1];
    bool is_valkey_8 = settings_are_valkey_8(s->c->ks->settings);

    if (!s->c->ks->has_slots || (is_valkey_8 && slot_of_pattern(pattern.ptr, pattern.len) ==
                                                    (int)slot_of_key(key.ptr, key.len)))
        return false;
    reply_errorf(s->c->reply, "ERR %s option of SORT denied in Cluster mode%s.",
                 is_by ? "BY" : "GET",
                 is_valkey_8 ? " when keys formed by the pattern may be in different slots" : "");
    return true;
}

/* BY or GET; false after the error was sent. */
static bool parse_pattern(struct sort *s, uint32_t arg, bool is_by)
{
    struct str pattern = s->c->argv[arg];
    bool needs_all = !is_by || has_star(pattern);

    if (needs_all && slots_refuse(s, pattern, is_by))
        return false;
    if (needs_all && !call_reads_all(s->c)) {
        reply_errorf(s->c->reply,
                     "ERR %s option of SORT denied due to insufficient ACL permissions.",
                     is_by ? "BY" : "GET");
        return false;
    }
    if (!is_by) {
        s->patterns[s->get_count++] = arg;
        return true;
    }
    s->by = pattern;
    s->keeps_order = s->keeps_order || !has_star(pattern);
    return true;
}

/* The option at an argument; how many arguments it takes, 0 after the error was sent. */
static uint32_t parse_option(struct sort *s, uint32_t arg, bool is_readonly)
{
    struct cmd_call *c = s->c;
    uint32_t behind = c->argc - arg - 1;

    if (call_is(c, arg, "asc") || call_is(c, arg, "desc")) {
        s->is_desc = call_is(c, arg, "desc");
        return 1;
    }
    if (call_is(c, arg, "alpha")) {
        s->is_alpha = true;
        return 1;
    }
    if (call_is(c, arg, "limit") && behind >= 2)
        return call_int(c, arg + 1, &s->offset) && call_int(c, arg + 2, &s->limit) ? 3 : 0;
    if (!is_readonly && call_is(c, arg, "store") && behind >= 1) {
        s->store = arg + 1;
        return 2;
    }
    if ((call_is(c, arg, "by") || call_is(c, arg, "get")) && behind >= 1)
        return parse_pattern(s, arg + 1, call_is(c, arg, "by")) ? 2 : 0;
    reply_syntax_error(c->reply);
    return 0;
}

static bool parse(struct sort *s, bool is_readonly)
{
    s->patterns = arena_array(s->c->scratch, s->c->argc, sizeof(*s->patterns));
    for (uint32_t arg = 2; arg < s->c->argc;) {
        uint32_t taken = parse_option(s, arg, is_readonly);

        if (taken == 0)
            return false;
        arg += taken;
    }
    return true;
}

/* ---- elements ---- */

/* The text of an item, kept while the command runs. */
static struct str kept_text(struct sort *s, const struct packed_item *item)
{
    struct packed_digits digits;
    struct str text = packed_text(item, &digits);

    return (struct str){arena_memdup(s->c->scratch, text.ptr, text.len), text.len};
}

static void add(struct sort *s, struct str text)
{
    s->all[s->count] = (struct element){.text = text, .number = s->count};
    s->count++;
}

static void gather_list(struct sort *s, struct entry *e, struct key k)
{
    struct sequence list;
    struct sequence_walk walk;
    struct packed_item item;
    bool is_back = s->keeps_order && s->is_desc;

    sequence_open(&list, s->c->db, k, e);
    uint64_t count = sequence_count(&list);
    s->all = arena_array(s->c->scratch, count, sizeof(*s->all));
    sequence_walk_begin(&walk, &list, is_back ? count - 1 : 0, is_back, s->c->scratch);
    while (sequence_next(&walk, &item))
        add(s, kept_text(s, &item));
}

static void gather_set(struct sort *s, struct entry *e, struct key k)
{
    struct collection set;
    struct collection_walk walk = {0};
    struct packed_item item;

    collection_open(&set, s->c->db, k, e);
    s->all = arena_array(s->c->scratch, collection_count(&set), sizeof(*s->all));
    while (collection_next(&set, &walk, &item))
        add(s, kept_text(s, &item));
    /* A set has no order of its own; what is stored, or what a script goes on with, must not depend
     * on chance. */
    if (s->keeps_order && (s->store || s->c->is_inner)) {
        s->keeps_order = false;
        s->is_alpha = true;
        s->by.ptr = NULL;
    }
}

static void add_member(void *ctx, const struct zset_member *m)
{
    struct sort *s = ctx;

    add(s, (struct str){arena_memdup(s->c->scratch, m->text.ptr, m->text.len), m->text.len});
}

static void gather_zset(struct sort *s, struct entry *e, struct key k)
{
    struct zset z;

    zset_open(&z, s->c->db, k, e);
    s->all = arena_array(s->c->scratch, zset_count(&z), sizeof(*s->all));
    zset_each(&z, 0, zset_count(&z), s->keeps_order && s->is_desc, add_member, s);
}

/* Gathers what the key has; false after WRONGTYPE was sent. */
static bool gather(struct sort *s)
{
    struct key k = call_key(s->c, 1);
    struct entry *e = db_read(s->c->db, k);

    if (!e)
        return true;
    switch (entry_type(e)) {
    case TYPE_LIST: gather_list(s, e, k); return true;
    case TYPE_SET: gather_set(s, e, k); return true;
    case TYPE_ZSET: gather_zset(s, e, k); return true;
    default: reply_wrong_type(s->c->reply); return false;
    }
}

/* ---- patterns ---- */

/* Where the arrow of a pattern "key*->field" stands; 0: it has none. */
static size_t arrow_of(struct str pattern, size_t star)
{
    for (size_t i = star + 1; i + 2 < pattern.len; i++)
        if (pattern.ptr[i] == '-' && pattern.ptr[i + 1] == '>')
            return i;
    return 0;
}

static struct str field_of(struct sort *s, struct entry *e, struct key k, struct str field)
{
    struct packed_item name = packed_item_of(field), value;
    struct collection_place place;
    struct collection hash;

    if (entry_type(e) != TYPE_HASH)
        return (struct str){NULL, 0};
    collection_open(&hash, s->c->db, k, e);
    if (!s->c->ks->shows_expired)
        hash.hides_ms = s->c->ks->now_ms;
    if (!collection_find(&hash, &name, &place))
        return (struct str){NULL, 0};
    collection_value(&place, &value);
    return kept_text(s, &value);
}

/* What a pattern names for an element: the value of a key or of a hash's field; ptr is NULL where
 * there is none. It is kept while the command runs. */
static struct str look_up(struct sort *s, struct str pattern, struct str element)
{
    struct arena *a = s->c->scratch;
    const char *star = memchr(pattern.ptr, '*', pattern.len);
    struct number_text digits;

    if (str_is(pattern, "#"))
        return element;
    if (!star)
        return (struct str){NULL, 0};
    size_t before = (size_t)(star - pattern.ptr), arrow = arrow_of(pattern, before);
    size_t end = arrow ? arrow : pattern.len, len = end - 1 + element.len;
    char *name = arena_alloc(a, len + 1);
    memcpy(name, pattern.ptr, before);
    memcpy(name + before, element.ptr, element.len);
    memcpy(name + before + element.len, star + 1, end - before - 1);
    struct key k = keyspace_key(s->c->ks, (struct str){name, len});
    struct entry *e = db_read(s->c->db, k);
    if (!e)
        return (struct str){NULL, 0};
    if (arrow)
        return field_of(s, e, k, (struct str){pattern.ptr + arrow + 2, pattern.len - arrow - 2});
    if (entry_type(e) != TYPE_STRING)
        return (struct str){NULL, 0};
    struct str value = db_string(e, &digits);
    return (struct str){arena_memdup(a, value.ptr, value.len), value.len};
}

/* ---- order ---- */

/* A number as strtod reads it: spaces in front and nothing at all are allowed. */
static double score_of(struct sort *s, struct str text)
{
    char small[64], *copy = small, *end;

    if (text.len >= sizeof(small))
        copy = arena_alloc(s->c->scratch, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    errno = 0;
    double score = strtod(copy, &end);
    s->has_bad_score = s->has_bad_score || *end || errno == ERANGE || isnan(score);
    return score;
}

static void weigh(struct sort *s)
{
    for (uint64_t i = 0; i < s->count; i++) {
        struct element *e = &s->all[i];
        struct str by = s->by.ptr ? look_up(s, s->by, e->text) : e->text;

        if (s->is_alpha)
            e->by = by;
        else if (by.ptr)
            e->score = score_of(s, by);
    }
}

static int by_bytes(struct str a, struct str b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_order(const void *x, const void *y, void *ctx)
{
    const struct element *a = x, *b = y;
    const struct sort *s = ctx;
    int order;

    if (!s->is_alpha)
        order = a->score != b->score ? (a->score > b->score) - (a->score < b->score)
                                     : by_bytes(a->text, b->text);
    else if (!a->by.ptr || !b->by.ptr)
        order = (a->by.ptr != NULL) - (b->by.ptr != NULL);
    else
        order = by_bytes(a->by, b->by);
    if (order)
        return s->is_desc ? -order : order;
    return (a->number > b->number) - (a->number < b->number);
}

/* The part that LIMIT leaves. */
static void cut(struct sort *s)
{
    int64_t count = (int64_t)s->count;

    s->first = (uint64_t)(s->offset < 0 ? 0 : s->offset < count ? s->offset : count);
    s->last = s->count;
    if (s->limit >= 0 && s->limit < count - (int64_t)s->first)
        s->last = s->first + (uint64_t)s->limit;
}

/* ---- result ---- */

/* All texts of the result; ptr is NULL where a GET found nothing. */
static struct str *results_of(struct sort *s, uint64_t count)
{
    struct str *texts = arena_array(s->c->scratch, count, sizeof(*texts)), *to = texts;

    for (uint64_t i = s->first; i < s->last; i++) {
        if (s->get_count == 0)
            *to++ = s->all[i].text;
        for (uint32_t j = 0; j < s->get_count; j++)
            *to++ = look_up(s, s->c->argv[s->patterns[j]], s->all[i].text);
    }
    return texts;
}

static void say(struct cmd_call *c, const struct str *texts, uint64_t count)
{
    reply_array(c->reply, count);
    for (uint64_t i = 0; i < count; i++) {
        if (texts[i].ptr)
            reply_bulk_str(c->reply, texts[i]);
        else
            reply_null(c->reply);
    }
}

static void store(struct cmd_call *c, uint32_t arg, struct str *texts, uint64_t count)
{
    struct key k = call_key(c, arg);
    struct sequence list;
    bool had_one = db_delete(c->db, k, c->ks->settings->lazy_server_del);

    if (count > 0) {
        sequence_open(&list, c->db, k, NULL);
        sequence_push(&list, false, texts, (uint32_t)count);
        sequence_settle(&list);
        changed_by(c, k, EVENT_LIST, "sortstore", count);
    } else if (had_one) {
        call_changed(c, k, EVENT_GENERIC, "del");
    }
    reply_int(c->reply, (int64_t)count);
}

static void sort_command(struct cmd_call *c, bool is_readonly)
{
    struct sort s = {.c = c, .limit = -1};

    if (!parse(&s, is_readonly) || !gather(&s))
        return;
    if (!s.keeps_order && s.count > 0) {
        weigh(&s);
        qsort_r(s.all, s.count, sizeof(*s.all), by_order, &s);
    }
    cut(&s);
    if (s.has_bad_score) {
        reply_error(c->reply, "ERR One or more scores can't be converted into double");
        return;
    }
    uint64_t count = (s.last - s.first) * (s.get_count ? s.get_count : 1);
    struct str *texts = results_of(&s, count);
    if (s.store)
        store(c, s.store, texts, count);
    else
        say(c, texts, count);
}

void cmd_sort(struct cmd_call *c)
{
    sort_command(c, false);
}

void cmd_sort_ro(struct cmd_call *c)
{
    sort_command(c, true);
}
