/*
 * Keys as commands. The one idea: a collection is told in commands of some dozens of elements, so
 * that no command becomes as long as the collection. What no commands say, which is little, is told
 * as RESTORE of what DUMP says.
 */
#include "cacheengine/dispatch/append_retell.h"

#include "base/buf.h"
#include "cacheengine/cluster/handover.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/effect.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/stream_group.h"

#include <unistd.h>

#define ELEMENTS_A_COMMAND 64
#define FLUSH_BYTES        65536
#define KEYS_A_WORD        256

struct retelling {
    struct keyspace *ks;
    struct sink *to;
    const struct snapshot_options *options;
    struct buf out;
    struct err failed;
    struct db *db;
    uint64_t keys;
    /* the collection that is being told */
    const char *verb;
    struct str key;
    struct buf words; /* of the command's elements, encoded */
    uint32_t elements, width;
    bool is_reversed; /* the second stands in front of the first: scores */
};

static void flush(struct retelling *r)
{
    if (r->out.len > 0 && !err_failed(r->failed))
        r->failed = r->to->write(r->to, r->out.ptr, r->out.len);
    buf_clear(&r->out);
}

static void put_word(struct buf *out, struct str word)
{
    buf_printf(out, "$%zu\r\n", word.len);
    buf_add_str(out, word);
    buf_puts(out, "\r\n");
}

static void put_head(struct retelling *r, uint32_t words, const char *verb)
{
    if (r->out.len >= FLUSH_BYTES)
        flush(r);
    buf_printf(&r->out, "*%u\r\n", words);
    put_word(&r->out, str_of(verb));
}

/* ---- collections ---- */

static void end_command(struct retelling *r)
{
    if (r->elements == 0)
        return;
    put_head(r, 2 + r->elements * r->width, r->verb);
    put_word(&r->out, r->key);
    buf_add_str(&r->out, buf_str(&r->words));
    buf_clear(&r->words);
    r->elements = 0;
}

static void put_element(void *ctx, struct str first, struct str second)
{
    struct retelling *r = ctx;

    put_word(&r->words, r->is_reversed ? second : first);
    if (r->width == 2)
        put_word(&r->words, r->is_reversed ? first : second);
    if (++r->elements == ELEMENTS_A_COMMAND)
        end_command(r);
}

/* When the elements end that do so by themselves. */
struct ends {
    struct retelling *r;
    const struct entry *e;
};

static void put_element_end(void *ctx, struct str first, struct str second)
{
    struct ends *x = ctx;
    struct retelling *r = x->r;
    int64_t end_ms = r->ks->types[entry_type(x->e)]->end_of(r->db, x->e, first);
    char digits[NUMBER_I64_MAX];

    (void)second;
    if (end_ms == NO_DEADLINE)
        return;
    put_head(r, 6, "HPEXPIREAT");
    put_word(&r->out, r->key);
    put_word(&r->out, (struct str){digits, number_write_i64(digits, end_ms)});
    put_word(&r->out, STR("FIELDS"));
    put_word(&r->out, STR("1"));
    put_word(&r->out, first);
}

static void put_element_ends(struct retelling *r, const struct entry *e)
{
    struct ends x = {r, e};

    r->ks->types[entry_type(e)]->each(r->db, e, put_element_end, &x);
}

static void put_collection(struct retelling *r, const struct entry *e)
{
    static const struct {
        const char *verb;
        uint32_t width;
        bool is_reversed;
    } ways[ENTRY_TYPES] = {
        [TYPE_LIST] = {"RPUSH", 1, false},
        [TYPE_SET] = {"SADD",  1, false},
        [TYPE_ZSET] = {"ZADD",  2, true },
        [TYPE_HASH] = {"HMSET", 2, false},
    };

    r->verb = ways[entry_type(e)].verb;
    r->width = ways[entry_type(e)].width;
    r->is_reversed = ways[entry_type(e)].is_reversed;
    r->ks->types[entry_type(e)]->each(r->db, e, put_element, r);
    end_command(r);
    if (db_next_end(r->db, e) != NO_DEADLINE)
        put_element_ends(r, e);
}

/* ---- what no commands say ---- */

struct dump {
    struct sink sink;
    struct buf bytes;
};

static struct err dump_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct dump, sink)->bytes, bytes, len);
    return OK;
}

/* The value as DUMP says it: record, version, checksum. */
static void put_restore(struct retelling *r, const struct entry *e)
{
    struct dump d = {{dump_write}, BUF_EMPTY};
    struct record_writer w;

    record_writer_init(&w, &d.sink);
    check(value_save(&w, r->db, e));
    err_ignore(record_flush(&w), "memory takes all");
    record_writer_fini(&w);
    buf_putc(&d.bytes, (char)RECORD_VERSION);
    buf_putc(&d.bytes, 0);
    uint64_t sum = crc64(0, d.bytes.ptr, d.bytes.len);
    for (unsigned i = 0; i < 8; i++)
        buf_putc(&d.bytes, (char)(sum >> (8 * i)));
    put_head(r, 4, "RESTORE");
    put_word(&r->out, r->key);
    put_word(&r->out, STR("0"));
    put_word(&r->out, buf_str(&d.bytes));
    buf_fini(&d.bytes);
}

/* ---- streams ---- */

/* A name or a number as a word; holds until the next of the same room. */
struct id_room {
    char text[STREAM_ID_TEXT_MAX];
};

static struct str id_word(struct id_room *room, struct stream_id id)
{
    return (struct str){room->text, stream_id_write(room->text, id)};
}

static struct str number_word(struct id_room *room, int64_t v)
{
    return (struct str){room->text, number_write_i64(room->text, v)};
}

#define put_words(r, ...)                               \
    put_command((r), (const struct str[]){__VA_ARGS__}, \
                sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
static void put_command(struct retelling *r, const struct str *words, size_t count)
{
    if (r->out.len >= FLUSH_BYTES)
        flush(r);
    buf_printf(&r->out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++)
        put_word(&r->out, words[i]);
}

static void put_entry(struct retelling *r, struct stream_entry *e)
{
    struct id_room id;

    put_head(r, 3 + 2 * e->fields, "XADD");
    put_word(&r->out, r->key);
    put_word(&r->out, id_word(&id, e->id));
    for (uint32_t i = 0, fields = e->fields; i < fields; i++) {
        struct packed_item field, value;
        struct packed_digits digits;

        stream_pair(e, &field, &value);
        put_word(&r->out, packed_text(&field, &digits));
        put_word(&r->out, packed_text(&value, &digits));
    }
}

/* An entry that is cut at once leaves a stream behind where there is none. */
static void put_entries(struct retelling *r, const struct stream *s)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    struct stream_id some = stream_id_is_zero(s->last) ? (struct stream_id){0, 1} : s->last;
    struct id_room last, added, removed;
    struct stream_entry e;

    while (stream_next(&w, &e))
        put_entry(r, &e);
    if (s->length == 0)
        put_words(r, STR("XADD"), r->key, STR("MAXLEN"), STR("0"), id_word(&last, some), STR("x"),
                  STR("y"));
    put_words(r, STR("XSETID"), r->key, id_word(&last, s->last), STR("ENTRIESADDED"),
              number_word(&added, (int64_t)s->added), STR("MAXDELETEDID"),
              id_word(&removed, s->removed));
}

static void put_pending(struct retelling *r, const struct stream_group *g,
                        const struct stream_pending *p)
{
    struct id_room id, when, times;

    put_words(r, STR("XCLAIM"), r->key, g->name, p->consumer->name, STR("0"), id_word(&id, p->id),
              STR("TIME"), number_word(&when, p->delivered_ms), STR("RETRYCOUNT"),
              number_word(&times, (int64_t)p->deliveries), STR("FORCE"), STR("JUSTID"));
}

static void put_group(struct retelling *r, const struct stream_group *g)
{
    struct id_place at = id_map_begin(&g->pending);
    struct id_room last, read;
    const struct stream_pending *p;

    put_words(r, STR("XGROUP"), STR("CREATE"), r->key, g->name, id_word(&last, g->last),
              STR("ENTRIESREAD"), number_word(&read, g->read));
    for (uint32_t i = 0; i < g->consumer_count; i++)
        put_words(r, STR("XGROUP"), STR("CREATECONSUMER"), r->key, g->name, g->consumers[i]->name);
    for (; (p = id_map_at(&g->pending, at)); id_map_next(&g->pending, &at))
        put_pending(r, g, p);
}

/* XCLAIM lets go of what waits for a consumer and is not in the stream any more: no commands say
 * that. */
static bool is_sayable(const struct stream *s)
{
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct id_map *all = &s->groups[i]->pending;
        struct id_place at = id_map_begin(all);
        const struct stream_pending *p;

        for (; (p = id_map_at(all, at)); id_map_next(all, &at))
            if (!stream_has(s, p->id))
                return false;
    }
    return true;
}

static void put_stream(struct retelling *r, const struct entry *e)
{
    const struct stream *s = entry_outside(e);

    if (!is_sayable(s)) {
        put_restore(r, e);
        return;
    }
    put_entries(r, s);
    for (uint32_t i = 0; i < s->group_count; i++)
        put_group(r, s->groups[i]);
}

/* ---- keys ---- */

static void put_string(struct retelling *r, const struct entry *e)
{
    struct number_text digits;

    put_head(r, 3, "SET");
    put_word(&r->out, r->key);
    put_word(&r->out, db_string(e, &digits));
}

static void put_end(struct retelling *r, const struct entry *e)
{
    char digits[NUMBER_I64_MAX];

    if (!entry_has_deadline(e))
        return;
    put_head(r, 3, "PEXPIREAT");
    put_word(&r->out, r->key);
    put_word(&r->out, (struct str){digits, number_write_i64(digits, entry_deadline(e))});
}

static void put_key(void *ctx, uint32_t ref)
{
    struct retelling *r = ctx;
    const struct entry *e = heap_at(&r->db->heap, ref);
    const struct snapshot_options *o = r->options;

    if (err_failed(r->failed))
        return;
    r->key = entry_key(e);
    if (entry_type(e) == TYPE_STRING)
        put_string(r, e);
    else if (entry_type(e) != TYPE_STREAM)
        put_collection(r, e);
    else
        put_stream(r, e);
    put_end(r, e);
    r->keys++;
    if (o->key_delay_us > 0)
        usleep((useconds_t)o->key_delay_us);
    if (o->told && (r->keys % KEYS_A_WORD == 0 || o->key_delay_us) && !o->told(o->ctx, r->keys))
        r->failed = err_make(ERR_UNAVAILABLE, "it was given up");
}

static void put_libraries(struct retelling *r)
{
    const struct engine *e = r->options->libraries;
    const struct libraries *all = e ? scripting_libraries(e) : NULL;
    scoped(arena_fini) struct arena a = {0};
    size_t count = 0;
    struct library **libraries = all ? libraries_list(all, &a, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        put_head(r, 3, "FUNCTION");
        put_word(&r->out, STR("LOAD"));
        put_word(&r->out, libraries[i]->text);
    }
}

/* What stands in a snapshot's head, and is to be known by who has the commands alone. */
static void put_handovers(struct retelling *r)
{
    for (size_t i = 0; i < r->options->field_count; i++) {
        struct str rest = r->options->fields[i].value, words = rest;
        uint32_t count = 1;

        if (strcmp(r->options->fields[i].name, HANDOVER_FIELD) != 0)
            continue;
        for (; words.len > 0; count++)
            (void)str_cut(&words, ' ');
        put_head(r, count, HANDOVER_COMMAND);
        while (rest.len > 0)
            put_word(&r->out, str_cut(&rest, ' '));
    }
}

struct err append_retell(struct keyspace *ks, struct sink *to, const struct snapshot_options *o)
{
    struct retelling r = {.ks = ks, .to = to, .options = o};
    char select[EFFECT_SELECT_MAX];

    put_libraries(&r);
    put_handovers(&r);
    if (ks->settings->stamps_append)
        buf_printf(&r.out, "#TS:%lld\r\n", (long long)ks->now_ms / 1000);
    for (int i = 0; i < ks->db_count; i++) {
        r.db = &ks->dbs[i];
        if (db_count(r.db) == 0)
            continue;
        buf_add(&r.out, select, effect_select(i, select));
        index_each(&r.db->index, put_key, &r);
    }
    flush(&r);
    buf_fini(&r.out);
    buf_fini(&r.words);
    return r.failed;
}
