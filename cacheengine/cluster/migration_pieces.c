/*
 * The one idea: the target is a partial copy in which every element is either right or still to
 * come. An element that was there when the pass began is met by it; one that is named by a change
 * meanwhile is sent at once, as it is, and so is right from then on, whether the pass has met it,
 * will, or will not.
 *
 * Of a list the target has the first so many elements: what happens within them happens there too,
 * and what happens behind them is met later. So it is with the bytes of a string, of which nothing
 * is changed but that some are added: after any other change it is begun anew.
 */
#include "cacheengine/cluster/migration_pieces.h"

#include "base/command.h"
#include "cacheengine/cluster/migration_feed.h"
#include "cacheengine/keyspace/number.h"

#include <string.h>

#define WEIGHT_MIN     256 /* elements */
#define BYTES_MIN      65536
#define ELEMENTS_MAX   64 /* of a command */
#define COMMAND_BYTES  16384
#define STRING_MIN     (512 * 1024)
#define STRING_PART    65536
#define BEGINNINGS_MAX 8

/* How elements of a type are said. */
static const struct manner {
    const char *verb;
    uint32_t width;
    bool is_reversed; /* the second stands in front of the first: scores */
} manners[ENTRY_TYPES] = {
    [TYPE_LIST] = {"RPUSH", 1, false},
    [TYPE_SET] = {"SADD",  1, false},
    [TYPE_ZSET] = {"ZADD",  2, true },
    [TYPE_HASH] = {"HSET",  2, false},
};

/* ---- the queue ---- */

static struct str name_at(const struct migration *m, size_t at)
{
    uint32_t len;

    memcpy(&len, m->pieces.queue.ptr + at, sizeof(len));
    return (struct str){m->pieces.queue.ptr + at + sizeof(len), len};
}

static struct str first_name(const struct migration *m)
{
    return name_at(m, 0);
}

bool pieces_have(const struct migration *m, struct str name)
{
    for (size_t at = 0; at < m->pieces.queue.len;) {
        struct str other = name_at(m, at);

        if (str_eq(other, name))
            return true;
        at += sizeof(uint32_t) + other.len;
    }
    return false;
}

void pieces_add(struct migration *m, struct str name)
{
    uint32_t len = (uint32_t)name.len;

    if (pieces_have(m, name))
        return;
    buf_add(&m->pieces.queue, &len, sizeof(len));
    buf_add_str(&m->pieces.queue, name);
}

static void begin_anew(struct migration *m)
{
    m->pieces.has_begun = false;
    m->pieces.cursor = 0;
    buf_clear(&m->pieces.place);
    buf_clear(&m->pieces.words);
    m->pieces.elements = 0;
}

static void end_first(struct migration *m)
{
    buf_consume(&m->pieces.queue, sizeof(uint32_t) + first_name(m).len);
    begin_anew(m);
    m->pieces.beginnings = 0;
}

static bool is_under_way(const struct migration *m, struct str name)
{
    return m->pieces.has_begun && str_eq(first_name(m), name);
}

void pieces_changed(struct migration *m, struct str name)
{
    if (is_under_way(m, name))
        begin_anew(m);
}

void pieces_drop(struct migration *m)
{
    begin_anew(m);
    m->pieces.beginnings = 0;
    buf_fini(&m->pieces.queue);
    buf_fini(&m->pieces.words);
    buf_fini(&m->pieces.place);
}

/* ---- elements ---- */

static void end_command(struct migration *m)
{
    const struct manner *way = &manners[m->pieces.type];

    if (m->pieces.elements == 0)
        return;
    struct buf *to = migration_command_begin(m, 2 + m->pieces.elements * way->width);
    migration_put_word(to, str_of(way->verb));
    migration_put_word(to, first_name(m));
    buf_add_str(to, buf_str(&m->pieces.words));
    migration_command_end(m);
    buf_clear(&m->pieces.words);
    m->pieces.elements = 0;
}

/* When the element ends that was put last, if it does so by itself. */
static void put_element_end(struct migration *m, struct str name)
{
    struct db *db = &m->ks->dbs[0];
    const struct entry *e = db_peek(db, keyspace_key(m->ks, first_name(m)));
    char digits[NUMBER_I64_MAX];

    if (!e || db_next_end(db, e) == NO_DEADLINE)
        return;
    int64_t end_ms = m->ks->types[m->pieces.type]->end_of(db, e, name);
    if (end_ms == NO_DEADLINE)
        return;
    end_command(m);
    struct buf *to = migration_command_begin(m, 6);
    migration_put_word(to, STR("HPEXPIREAT"));
    migration_put_word(to, first_name(m));
    migration_put_word(to, (struct str){digits, number_write_i64(digits, end_ms)});
    migration_put_word(to, STR("FIELDS"));
    migration_put_word(to, STR("1"));
    migration_put_word(to, name);
    migration_command_end(m);
}

static void put_element(void *ctx, struct str first, struct str second)
{
    struct migration *m = ctx;
    const struct manner *way = &manners[m->pieces.type];

    migration_put_word(&m->pieces.words, way->is_reversed ? second : first);
    if (way->width == 2)
        migration_put_word(&m->pieces.words, way->is_reversed ? first : second);
    if (++m->pieces.elements == ELEMENTS_MAX || m->pieces.words.len >= COMMAND_BYTES)
        end_command(m);
    if (m->pieces.type == TYPE_HASH)
        put_element_end(m, first);
}

/* ---- values that say themselves ---- */

static void begin_words(void *ctx, uint32_t words)
{
    struct migration *m = ctx;

    (void)migration_command_begin(m, words);
}

static void put_word(void *ctx, struct str word)
{
    migration_put_word(outbox_text(&((struct migration *)ctx)->out), word);
}

static void end_words(void *ctx)
{
    struct migration *m = ctx;

    migration_command_end(m);
}

static struct teller teller_of(struct migration *m)
{
    return (struct teller){m, begin_words, put_word, end_words};
}

/* ---- the pass ---- */

static bool is_long(const struct entry *e)
{
    return entry_form(e) == FORM_OUTSIDE && blob_str(entry_outside(e)).len > STRING_MIN;
}

bool pieces_want(const struct migration *m, struct db *db, const struct entry *e)
{
    const struct type_ops *ops = m->ks->types[entry_type(e)];

    if (entry_type(e) == TYPE_STRING)
        return is_long(e);
    if (entry_form(e) != FORM_OUTSIDE || (!ops->some && !ops->tell_some))
        return false;
    void *object = entry_outside(e);
    if (ops->is_tellable && !ops->is_tellable(object))
        return false;
    return ops->weight(object) > WEIGHT_MIN || ops->bytes(db, object) > BYTES_MIN;
}

static void begin(struct migration *m, const struct entry *e)
{
    begin_anew(m);
    m->pieces.has_begun = true;
    m->pieces.type = entry_type(e);
    m->pieces.beginnings++;
    migration_put_removal(m, first_name(m));
}

static void put_deadline(struct migration *m, const struct entry *e)
{
    char digits[NUMBER_I64_MAX];

    if (!entry_has_deadline(e))
        return;
    struct buf *to = migration_command_begin(m, 3);
    migration_put_word(to, STR("PEXPIREAT"));
    migration_put_word(to, first_name(m));
    migration_put_word(to, (struct str){digits, number_write_i64(digits, entry_deadline(e))});
    migration_command_end(m);
}

/* The next bytes of a string; true when they were the last. */
static bool put_part(struct migration *m, const struct entry *e)
{
    struct number_text digits;
    struct str all = db_string(e, &digits);
    size_t at = (size_t)m->pieces.cursor < all.len ? (size_t)m->pieces.cursor : all.len;
    size_t len = all.len - at < STRING_PART ? all.len - at : STRING_PART;
    struct buf *to = migration_command_begin(m, 3);

    migration_put_word(to, STR("APPEND"));
    migration_put_word(to, first_name(m));
    migration_put_word(to, (struct str){all.ptr + at, len});
    migration_command_end(m);
    m->pieces.cursor = at + len;
    return at + len == all.len;
}

static void put_some(struct migration *m, struct db *db, const struct entry *e)
{
    const struct type_ops *ops = m->ks->types[m->pieces.type];
    struct teller teller = teller_of(m);

    if (m->pieces.type == TYPE_STRING) {
        if (!put_part(m, e))
            return;
    } else if (ops->tell_some) {
        if (!ops->tell_some(e, &m->pieces.place, &teller))
            return;
    } else {
        m->pieces.cursor = ops->some(db, e, m->pieces.cursor, put_element, m);
        if (m->pieces.cursor)
            return;
    }
    end_command(m);
    put_deadline(m, e);
    m->keys_sent++;
    end_first(m);
}

void pieces_step(struct migration *m)
{
    struct db *db = &m->ks->dbs[0];
    struct str name = first_name(m);
    const struct entry *e = db_peek(db, keyspace_key(m->ks, name));

    if (!e || db_is_expired(db, e)) {
        migration_put_removal(m, name);
        end_first(m);
    } else if (m->pieces.has_begun && entry_type(e) == m->pieces.type) {
        put_some(m, db, e);
    } else if (m->pieces.beginnings < BEGINNINGS_MAX && pieces_want(m, db, e)) {
        begin(m, e);
    } else {
        migration_put_whole(m, db, e);
        end_first(m);
    }
}

/* ---- effects ---- */

/* Changes by name: elements stand from `first` on, `step` words from each other. */
static const struct naming {
    const char *command;
    enum entry_type type;
    uint32_t first, step;
    bool is_removal;
} namings[] = {
    {"hset",         TYPE_HASH, 2, 2, false},
    {"hmset",        TYPE_HASH, 2, 2, false},
    {"hsetnx",       TYPE_HASH, 2, 2, false},
    {"hincrby",      TYPE_HASH, 2, 2, false},
    {"hincrbyfloat", TYPE_HASH, 2, 2, false},
    {"hdel",         TYPE_HASH, 2, 1, true },
    {"hsetex",       TYPE_HASH, 5, 2, false},
    {"hpexpireat",   TYPE_HASH, 5, 1, false},
    {"hpersist",     TYPE_HASH, 4, 1, false},
    {"sadd",         TYPE_SET,  2, 1, false},
    {"srem",         TYPE_SET,  2, 1, true },
    {"zadd",         TYPE_ZSET, 3, 2, false},
    {"zincrby",      TYPE_ZSET, 3, 2, false},
    {"zrem",         TYPE_ZSET, 2, 1, true },
};

static void put_as_is(struct migration *m, const struct effect *e)
{
    outbox_add(&m->out, e->bytes);
}

static bool is_zadd_option(struct str word)
{
    static const char *const options[] = {"nx", "xx", "gt", "lt", "ch", "incr"};

    for (size_t i = 0; i < countof(options); i++)
        if (str_is_nocase(word, options[i]))
            return true;
    return false;
}

static void put_named(struct migration *m, const struct entry *entry, const struct effect *e,
                      const struct naming *n)
{
    struct db *db = &m->ks->dbs[0];
    uint32_t at = n->first;

    while (m->pieces.type == TYPE_ZSET && at > 2 && at - 1 < e->argc &&
           is_zadd_option(e->argv[at - 1]))
        at++;
    if (str_is_nocase(e->argv[0], "hsetex") && str_is_nocase(e->argv[2], "pxat"))
        at++;
    /* What is not there is told of, or was: another effect has removed it since. */
    for (; at < e->argc; at += n->step)
        m->ks->types[m->pieces.type]->one(db, entry, e->argv[at], put_element, m);
    end_command(m);
}

static bool take_naming(struct migration *m, const struct entry *entry, const struct effect *e)
{
    for (size_t i = 0; i < countof(namings); i++) {
        const struct naming *n = &namings[i];

        if (n->type != m->pieces.type || !str_is_nocase(e->argv[0], n->command))
            continue;
        /* Elements of the pass that wait for their command were there before this. */
        end_command(m);
        if (n->is_removal)
            put_as_is(m, e);
        else
            put_named(m, entry, e, n);
        return true;
    }
    return false;
}

static void note_there(void *ctx, struct str first, struct str second)
{
    (void)first;
    (void)second;
    *(bool *)ctx = true;
}

/* True when a list goes on behind what was sent of it. */
static bool has_rest(struct migration *m, const struct entry *entry)
{
    bool is_there = false;

    m->ks->types[TYPE_LIST]->some(&m->ks->dbs[0], entry, m->pieces.cursor, note_there, &is_there);
    return is_there;
}

/* How many a pop takes. */
static uint64_t popped(const struct effect *e)
{
    uint64_t count = 1;

    return e->argc > 2 && !str_to_u64(e->argv[2], &count) ? UINT64_MAX : count;
}

static bool take_list(struct migration *m, const struct entry *entry, const struct effect *e)
{
    struct str name = e->argv[0];
    uint64_t sent = m->pieces.cursor;

    end_command(m);
    if (str_is_nocase(name, "rpush") || str_is_nocase(name, "rpushx"))
        return true;
    if (str_is_nocase(name, "lpush") || str_is_nocase(name, "lpushx")) {
        put_as_is(m, e);
        m->pieces.cursor += e->argc - 2;
        return true;
    }
    if (str_is_nocase(name, "lpop") && popped(e) <= sent) {
        put_as_is(m, e);
        m->pieces.cursor -= popped(e);
        return true;
    }
    /* Within a transaction others may have come behind it since. */
    return str_is_nocase(name, "rpop") && !m->is_grouped && has_rest(m, entry);
}

/* A value that says itself knows what a change is to what it said. */
static bool take_change(struct migration *m, const struct entry *entry, const struct effect *e)
{
    struct teller teller = teller_of(m);
    enum change_meaning what =
        m->ks->types[m->pieces.type]->tell_change(entry, &m->pieces.place, e, &teller);

    if (what == CHANGE_GOES_ALONG)
        put_as_is(m, e);
    return what != CHANGE_IS_UNKNOWN;
}

bool pieces_take_effect(struct migration *m, const struct command *cmd, const struct effect *e)
{
    struct db *db = &m->ks->dbs[0];
    uint32_t arg = cmd->first_key > 0 ? (uint32_t)cmd->first_key : 0;

    if (!m->pieces.has_begun || arg == 0 || arg >= e->argc || !is_under_way(m, e->argv[arg]))
        return false;
    const struct entry *entry = db_peek(db, keyspace_key(m->ks, e->argv[arg]));
    if (!entry || entry_type(entry) != m->pieces.type)
        return false;
    /* The deadline goes last. */
    if (str_is_nocase(e->argv[0], "pexpireat") || str_is_nocase(e->argv[0], "persist"))
        return true;
    if (m->pieces.type == TYPE_STRING)
        return str_is_nocase(e->argv[0], "append");
    if (m->pieces.type == TYPE_STREAM)
        return take_change(m, entry, e);
    return m->pieces.type == TYPE_LIST ? take_list(m, entry, e) : take_naming(m, entry, e);
}
