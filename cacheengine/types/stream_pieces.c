/*
 * The one idea: entries never come in front of others and groups stand by name, so a name says what
 * was told and what was not, and a change names what it is about.
 */
#include "cacheengine/types/stream_pieces.h"

#include "base/buf.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/stream_group.h"

#define ENTRIES_A_PART 64
#define PART_BYTES     16384
#define PENDING_A_PART 64

enum part { PART_ENTRIES, PART_GROUPS, PART_CONSUMERS };

/* How far the telling is; behind it in its buffer stand the two names. */
struct place {
    enum part part;
    struct stream_id from;            /* the next entry, or the next that waits for the consumer */
    uint32_t group_len, consumer_len; /* of CONSUMERS the present group; else, the next ones */
};

static struct place place_of(const struct buf *b)
{
    struct place p = {.part = PART_ENTRIES};

    if (b->len > 0)
        memcpy(&p, b->ptr, sizeof(p));
    return p;
}

static struct str group_name(const struct buf *b)
{
    return (struct str){b->ptr + sizeof(struct place), place_of(b).group_len};
}

static struct str consumer_name(const struct buf *b)
{
    struct place p = place_of(b);

    return (struct str){b->ptr + sizeof(p) + p.group_len, p.consumer_len};
}

/* Where to go on. Behind a name stands the same with a zero. */
static void go_to(struct buf *b, struct place p, struct str group, struct str consumer)
{
    struct buf next = BUF_EMPTY;

    p.group_len = (uint32_t)group.len;
    p.consumer_len = (uint32_t)consumer.len;
    buf_add(&next, &p, sizeof(p));
    buf_add_str(&next, group);
    buf_add_str(&next, consumer);
    buf_fini(b);
    *b = next;
}

static void go_behind_group(struct buf *b, struct str group)
{
    go_to(b, (struct place){.part = PART_GROUPS}, group, (struct str){NULL, 0});
    buf_putc(b, 0);
    ((struct place *)(void *)b->ptr)->group_len++;
}

static void go_behind_consumer(struct buf *b, struct str group, struct str consumer)
{
    go_to(b, (struct place){.part = PART_CONSUMERS}, group, consumer);
    buf_putc(b, 0);
    ((struct place *)(void *)b->ptr)->consumer_len++;
}

/* ---- words ---- */

static void say_words(const struct teller *t, const struct str *words, uint32_t count)
{
    t->begin(t->ctx, count);
    for (uint32_t i = 0; i < count; i++)
        t->word(t->ctx, words[i]);
    t->end(t->ctx);
}
#define say(t, ...)                                   \
    say_words((t), (const struct str[]){__VA_ARGS__}, \
              (uint32_t)(sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)))

struct id_text {
    char text[STREAM_ID_TEXT_MAX];
};

static struct str id_word(struct id_text *room, struct stream_id id)
{
    return (struct str){room->text, stream_id_write(room->text, id)};
}

/* ---- entries ---- */

/* Returns how many bytes its texts have. */
static size_t say_entry(const struct teller *t, struct str key, struct stream_entry *e)
{
    struct packed_item items[2];
    struct packed_digits digits;
    struct id_text id;
    size_t bytes = 0;

    t->begin(t->ctx, 3 + 2 * e->fields);
    t->word(t->ctx, STR("XADD"));
    t->word(t->ctx, key);
    t->word(t->ctx, id_word(&id, e->id));
    for (uint32_t i = 0; i < e->fields; i++) {
        stream_pair(e, &items[0], &items[1]);
        for (unsigned j = 0; j < 2; j++) {
            struct str text = packed_text(&items[j], &digits);

            t->word(t->ctx, text);
            bytes += text.len;
        }
    }
    t->end(t->ctx);
    return bytes;
}

/* What a stream knows of itself. One without entries is made by a group that goes again. */
static void say_head(const struct teller *t, struct str key, const struct stream *s)
{
    struct id_text last, removed;
    struct number_text added;

    if (s->length == 0) {
        say(t, STR("XGROUP"), STR("CREATE"), key, STR("x"), STR("0"), STR("MKSTREAM"));
        say(t, STR("XGROUP"), STR("DESTROY"), key, STR("x"));
    }
    say(t, STR("XSETID"), key, id_word(&last, s->last), STR("ENTRIESADDED"),
        number_digits(&added, (int64_t)s->added), STR("MAXDELETEDID"),
        id_word(&removed, s->removed));
}

static void tell_entries(const struct teller *t, struct str key, const struct stream *s,
                         struct buf *b)
{
    struct place p = place_of(b);
    struct stream_walk w = stream_walk_begin(s, p.from, STREAM_ID_MAX, false);
    struct str none = {NULL, 0};
    struct stream_entry e;
    size_t bytes = 0;
    bool has_more = true;

    for (unsigned i = 0; has_more && i < ENTRIES_A_PART && bytes < PART_BYTES; i++) {
        has_more = stream_next(&w, &e);
        if (!has_more)
            break;
        p.from = e.id;
        has_more = stream_id_increase(&p.from);
        bytes += say_entry(t, key, &e);
    }
    if (!has_more) {
        say_head(t, key, s);
        p = (struct place){.part = PART_GROUPS};
    }
    go_to(b, p, none, none);
}

/* ---- groups ---- */

static void say_group(const struct teller *t, struct str key, const struct stream_group *g)
{
    struct number_text read;
    struct id_text last;

    say(t, STR("XGROUP"), STR("CREATE"), key, g->name, id_word(&last, g->last), STR("ENTRIESREAD"),
        number_digits(&read, g->read));
}

static void say_pending(const struct teller *t, const struct stream_pending *p)
{
    struct number_text delivered;
    struct id_text id;
    char times[NUMBER_I64_MAX];

    t->word(t->ctx, id_word(&id, p->id));
    t->word(t->ctx, number_digits(&delivered, p->delivered_ms));
    t->word(t->ctx, (struct str){times, number_write_u64(times, p->deliveries)});
}

/* How many of them are told at once, and where the rest begins; false: that is all. */
static bool measure(const struct stream_consumer *c, struct id_place place, uint32_t *count,
                    struct stream_id *rest)
{
    const struct stream_id *id;

    for (*count = 0; (id = id_map_at(&c->pending, place)) && *count < PENDING_A_PART; ++*count)
        id_map_next(&c->pending, &place);
    if (id)
        *rest = *id;
    return id != NULL;
}

/* A consumer, or what of it was not told yet. */
static void tell_consumer(const struct teller *t, struct str key, const struct stream_group *g,
                          const struct stream_consumer *c, struct buf *b)
{
    struct place p = place_of(b);
    struct stream_id from = str_eq(consumer_name(b), c->name) ? p.from : STREAM_ID_MIN;
    struct id_place place = id_map_seek(&c->pending, from);
    struct number_text seen, active;
    uint32_t count;
    bool has_more = measure(c, place, &count, &p.from);

    t->begin(t->ctx, 6 + 3 * count);
    t->word(t->ctx, STR("LARDER.CONSUMER"));
    t->word(t->ctx, key);
    t->word(t->ctx, g->name);
    t->word(t->ctx, c->name);
    t->word(t->ctx, number_digits(&seen, c->seen_ms));
    t->word(t->ctx, number_digits(&active, c->active_ms));
    for (; count > 0; count--, id_map_next(&c->pending, &place)) {
        const struct stream_id *id = id_map_at(&c->pending, place);

        say_pending(t, id_map_find(&g->pending, *id));
    }
    t->end(t->ctx);
    if (has_more)
        go_to(b, p, g->name, c->name);
    else
        go_behind_consumer(b, g->name, c->name);
}

/* The next group, or a consumer of the present one; false behind the last. */
static bool tell_groups(const struct teller *t, struct str key, const struct stream *s,
                        struct buf *b)
{
    struct str name = group_name(b);
    const struct stream_group *g = stream_group_from(s, name);

    if (place_of(b).part == PART_GROUPS) {
        if (!g)
            return false;
        say_group(t, key, g);
        go_to(b, (struct place){.part = PART_CONSUMERS}, g->name, (struct str){NULL, 0});
        return true;
    }
    bool is_there = g && str_eq(g->name, name);
    const struct stream_consumer *c = is_there ? stream_consumer_from(g, consumer_name(b)) : NULL;
    if (c)
        tell_consumer(t, key, g, c, b);
    else
        go_behind_group(b, name);
    return true;
}

bool stream_tell_some(const struct entry *e, struct buf *place, const struct teller *t)
{
    const struct stream *s = entry_outside(e);

    if (place_of(place).part != PART_ENTRIES)
        return !tell_groups(t, entry_key(e), s, place);
    tell_entries(t, entry_key(e), s, place);
    return false;
}

bool stream_is_tellable(const void *object)
{
    const struct stream *s = object;

    return stream_id_order(s->removed, s->last) <= 0 &&
           (s->length == 0 || !stream_id_is_zero(s->first));
}

/* ---- changes ---- */

/* Lets go of what went at the begin, by now. */
static enum change_meaning follow_trim(const struct entry *e, const struct place *p,
                                       const struct effect *change, const struct teller *t)
{
    const struct stream *s = entry_outside(e);
    struct str key = entry_key(e);
    struct id_text first;

    (void)change;
    if (p->part != PART_ENTRIES)
        return CHANGE_GOES_ALONG;
    if (s->length > 0)
        say(t, STR("XTRIM"), key, STR("MINID"), STR("="), id_word(&first, s->first));
    else
        say(t, STR("XTRIM"), key, STR("MAXLEN"), STR("="), STR("0"));
    return CHANGE_IS_MET;
}

static enum change_meaning follow_add(const struct entry *e, const struct place *p,
                                      const struct effect *change, const struct teller *t)
{
    struct str option = change->argc > 2 ? change->argv[2] : (struct str){NULL, 0};
    bool trims = str_is_nocase(option, "maxlen") || str_is_nocase(option, "minid") ||
                 str_is_nocase(option, "nomkstream") || str_is_nocase(option, "limit");

    if (p->part != PART_ENTRIES)
        return CHANGE_GOES_ALONG;
    return trims ? follow_trim(e, p, change, t) : CHANGE_IS_MET;
}

static enum change_meaning follow_removal(const struct entry *e, const struct place *p,
                                          const struct effect *change, const struct teller *t)
{
    (void)e;
    (void)p;
    (void)change;
    (void)t;
    return CHANGE_GOES_ALONG;
}

/* Where the last name becomes less than what was told, entries may come among those. */
static enum change_meaning follow_setid(const struct entry *e, const struct place *p,
                                        const struct effect *change, const struct teller *t)
{
    struct stream_id id;

    (void)e;
    (void)t;
    if (p->part != PART_ENTRIES)
        return CHANGE_GOES_ALONG;
    if (change->argc < 3 || !stream_id_parse(change->argv[2], STREAM_ID_EXACT, 0, &id, NULL))
        return CHANGE_IS_UNKNOWN;
    bool is_less = stream_id_order(id, p->from) < 0;
    return is_less && stream_id_increase(&id) && stream_id_order(id, p->from) < 0
               ? CHANGE_IS_UNKNOWN
               : CHANGE_IS_MET;
}

/* What changes groups, and where it names the group. */
static const struct {
    const char *command;
    uint32_t group;
} of_groups[] = {
    {"xgroup",          3},
    {"xack",            2},
    {"xclaim",          2},
    {"larder.consumer", 2},
};

static const struct {
    const char *command;
    enum change_meaning (*follow)(const struct entry *e, const struct place *p,
                                  const struct effect *change, const struct teller *t);
} of_entries[] = {
    {"xadd",   follow_add    },
    {"xtrim",  follow_trim   },
    {"xdel",   follow_removal},
    {"xsetid", follow_setid  },
};

static bool is_told(const struct buf *b, struct str group)
{
    struct place p = place_of(b);

    if (p.part == PART_ENTRIES)
        return false;
    int order = stream_name_order(group, group_name(b));
    return order < 0 || (order == 0 && p.part == PART_CONSUMERS);
}

enum change_meaning stream_tell_change(const struct entry *e, const struct buf *place,
                                       const struct effect *change, const struct teller *t)
{
    struct place p = place_of(place);
    struct str name = change->argv[0];

    for (size_t i = 0; i < countof(of_entries); i++)
        if (str_is_nocase(name, of_entries[i].command))
            return of_entries[i].follow(e, &p, change, t);
    for (size_t i = 0; i < countof(of_groups); i++)
        if (str_is_nocase(name, of_groups[i].command) && change->argc > of_groups[i].group)
            return is_told(place, change->argv[of_groups[i].group]) ? CHANGE_GOES_ALONG
                                                                    : CHANGE_IS_MET;
    return CHANGE_IS_UNKNOWN;
}
