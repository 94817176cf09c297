/*
 * DEBUG: what suites and people look for who look into the engine. One row per subcommand; what
 * belongs to a part of the engine is served by that part.
 */
#include "base/arena.h"
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/digest.h"
#include "cacheengine/types/quicklist.h"
#include "cacheengine/types/t_zset.h"
#include "cacheengine/types/table.h"
#include "contract/command_procs.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* "0" is off, any other number on. */
static bool is_on(struct cmd_call *c, uint32_t arg)
{
    int64_t v;

    return number_parse_i64(c->argv[arg].ptr, c->argv[arg].len, &v) && v != 0;
}

/* The key in argument 2, expired or not; NULL after the error was sent. */
static struct entry *subject(struct cmd_call *c)
{
    bool shows = c->ks->shows_expired;

    c->ks->shows_expired = true;
    struct entry *e = db_peek(c->db, call_key(c, 2));
    c->ks->shows_expired = shows;
    if (!e)
        reply_no_key(c->reply);
    return e;
}

/* ---- the process ---- */

static void debug_sleep(struct cmd_call *c)
{
    double seconds;

    if (!number_parse_double(c->argv[2], &seconds) || !(seconds >= 0) || seconds > 1e6)
        seconds = 0;
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
    c->engine->is_clock_late = true;
    reply_ok(c->reply);
}

static void debug_free_scripts(struct cmd_call *c)
{
    scripting_of(c->engine)->allows_all = is_on(c, 2);
    reply_ok(c->reply);
}

static void debug_log(struct cmd_call *c)
{
    log_warn("DEBUG LOG", f_str("text", str_dup(c->scratch, c->argv[2])));
    reply_ok(c->reply);
}

static void debug_error(struct cmd_call *c)
{
    reply_errorf(c->reply, "%.*s", STR_ARG(c->argv[2]));
}

static void debug_set_active_expire(struct cmd_call *c)
{
    c->ks->is_expiry_paused = !is_on(c, 2);
    reply_ok(c->reply);
}

static void debug_pause_cron(struct cmd_call *c)
{
    c->engine->is_work_paused = is_on(c, 2);
    reply_ok(c->reply);
}

static void debug_skip_checksums(struct cmd_call *c)
{
    c->ks->skips_checksums = is_on(c, 2);
    reply_ok(c->reply);
}

/* Clients share one buffer for their replies, so there is none of their own that could shrink; the
 * words are checked and there is nothing to be done. */
static void debug_reply_buffer(struct cmd_call *c)
{
    int64_t ms;

    if (call_is(c, 2, "resizing") ||
        (call_is(c, 2, "peak-reset-time") &&
         (call_is(c, 3, "never") || call_is(c, 3, "reset") || call_int(c, 3, &ms)))) {
        reply_ok(c->reply);
    } else if (!call_is(c, 2, "peak-reset-time")) {
        reply_syntax_error(c->reply);
    }
}

/* ---- keys ---- */

struct counting_sink {
    struct sink sink;
    uint64_t bytes;
};

static struct err count_bytes(struct sink *s, const void *bytes, size_t len)
{
    (void)bytes;
    ((struct counting_sink *)s)->bytes += len;
    return OK;
}

/* Bytes of the record of a value, without its type. */
static uint64_t record_bytes(struct cmd_call *c, const struct entry *e)
{
    struct counting_sink to = {.sink.write = count_bytes};
    struct record_writer w;

    record_writer_init(&w, &to.sink);
    w.sums = false;
    w.compresses = c->ks->settings->compresses_dumps;
    bool is_saved = value_save(&w, c->db, e);
    err_ignore(record_flush(&w), "a sink that only counts does not fail");
    record_writer_fini(&w);
    return is_saved ? to.bytes - 1 : 0;
}

static void debug_object(struct cmd_call *c)
{
    const struct settings *s = c->ks->settings;
    const struct entry *e = subject(c);
    struct buf text = BUF_EMPTY;

    if (!e)
        return;
    const char *encoding = db_encoding(c->db, e);
    buf_printf(&text, "Value at:%p refcount:1 encoding:%s", (const void *)e, encoding);
    if (c->argc == 3 || !call_is(c, 3, "fast"))
        buf_printf(&text, " serializedlength:%llu", (unsigned long long)record_bytes(c, e));
    buf_printf(&text, " lru:%u lru_seconds_idle:%u lfu_freq:%u lfu_access_time_minutes:%u",
               entry_age(e), c->ks->counts_frequency ? 0 : db_idle_s(c->db, e),
               c->ks->counts_frequency ? db_frequency(c->db, e) : 0, entry_age(e) >> 8);
    if (entry_type(e) == TYPE_LIST && strcmp(encoding, "quicklist") == 0) {
        const struct quicklist *q = entry_outside(e);

        buf_printf(&text,
                   " ql_nodes:%u ql_avg_node:%.2f ql_listpack_max:%lld ql_compressed:%d "
                   "ql_uncompressed_size:%zu",
                   q->nodes, (double)q->count / q->nodes, (long long)s->list_packed_size,
                   s->list_compress_depth != 0, q->bytes + q->texts);
    }
    reply_status(c->reply, buf_cstr(&text));
    buf_fini(&text);
}

static void debug_listpack(struct cmd_call *c)
{
    const struct entry *e = subject(c);

    if (!e)
        return;
    if (strcmp(db_encoding(c->db, e), "listpack") != 0) {
        reply_error(c->reply, "ERR Not a listpack encoded object.");
        return;
    }
    log_info("a packed collection", f_int("bytes", (int64_t)db_entry_bytes(c->db, e)));
    reply_status(c->reply, "Listpack structure printed on stdout");
}

static void debug_list_alone(struct cmd_call *c)
{
    int64_t bytes;

    if (!number_parse_bytes(c->argv[2], &bytes) || bytes < 0 || bytes >= UINT32_MAX) {
        reply_error(c->reply,
                    "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
        return;
    }
    c->ks->list_alone_above = (uint32_t)bytes;
    reply_ok(c->reply);
}

static void populate_one(struct cmd_call *c, struct str name, struct str value)
{
    struct key k = keyspace_key(c->ks, name);

    if (db_find(c->db, k))
        return;
    db_set_string(c->db, k, value, NO_DEADLINE);
    call_changed(c, k, EVENT_STRING, "set");
    if (call_is_told(c))
        call_tell(c, STR("SET"), name, value);
}

/* POPULATE count [prefix] [size]: keys that are there already stay. */
static void debug_populate(struct cmd_call *c)
{
    struct str prefix = c->argc > 3 ? c->argv[3] : STR("key");
    int64_t count, size = 0;

    if (c->argc < 3 || c->argc > 5) {
        call_bad_arity(c);
        return;
    }
    if (!call_int_or(c, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &count) ||
        (c->argc == 5 && !call_int_or(c, 4, 0, c->ks->settings->bulk_limit,
                                      "ERR value is out of range, must be positive", &size)))
        return;
    size_t room = prefix.len + 32, value_room = (size_t)size > 32 ? (size_t)size : 32;
    char *name = arena_alloc(c->scratch, room), *value = arena_alloc(c->scratch, value_room);
    memset(value, 0, value_room);
    for (int64_t i = 0; i < count && heap_has_room(&c->db->heap); i++) {
        struct str key = {name,
                          (size_t)snprintf(name, room, "%.*s:%lld", STR_ARG(prefix), (long long)i)};
        struct str text = {value, (size_t)snprintf(value, 32, "value:%lld", (long long)i)};

        if (size > 0) {
            value[text.len] = 0;
            text.len = (size_t)size;
        }
        populate_one(c, key, text);
    }
    reply_ok(c->reply);
}

/* ---- fingerprints ---- */

static void reply_digest(struct cmd_call *c, const unsigned char *digest)
{
    char text[2 * DIGEST_SHA1_BYTES + 1];

    digest_hex(digest, DIGEST_SHA1_BYTES, text);
    reply_status(c->reply, text);
}

static void debug_digest(struct cmd_call *c)
{
    unsigned char digest[DIGEST_SHA1_BYTES];

    digest_all(c->ks, c->scratch, digest);
    reply_digest(c, digest);
}

static void debug_digest_value(struct cmd_call *c)
{
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct entry *e = db_peek(c->db, call_key(c, i));
        unsigned char digest[DIGEST_SHA1_BYTES] = {0};

        if (e)
            digest_value(c->db, e, c->scratch, digest);
        reply_digest(c, digest);
    }
}

/* ---- tables ---- */

static void put_table(struct buf *out, const char *title, uint64_t size, uint64_t count)
{
    if (title)
        buf_printf(out, "[%s]\n", title);
    if (count == 0)
        buf_puts(out, "No stats available for empty dictionaries\n");
    else
        buf_printf(out,
                   "Hash table 0 stats (main hash table):\n table size: %llu\n number of "
                   "elements: %llu\n",
                   (unsigned long long)size, (unsigned long long)count);
}

static void reply_text(struct cmd_call *c, struct buf *text)
{
    reply_verbatim(c->reply, buf_str(text), "txt");
    buf_fini(text);
}

static void debug_htstats(struct cmd_call *c)
{
    struct buf text = BUF_EMPTY;
    int64_t id;

    if (!call_int_within(c, 2, 0, c->ks->db_count - 1, "ERR Out of range database", &id))
        return;
    const struct db *db = &c->ks->dbs[id];
    put_table(&text, "Dictionary HT", index_room(&db->index), db_count(db));
    put_table(&text, "Expires HT", db->with_deadline, db->with_deadline);
    reply_text(c, &text);
}

static void debug_htstats_key(struct cmd_call *c)
{
    struct buf text = BUF_EMPTY;
    const struct entry *e = subject(c);

    if (!e)
        return;
    const char *encoding = db_encoding(c->db, e);
    bool is_table = strcmp(encoding, "hashtable") == 0 || strcmp(encoding, "skiplist") == 0;
    if (!is_table || entry_form(e) != FORM_OUTSIDE) {
        reply_error(c->reply, "ERR The value stored at the specified key is not represented using "
                              "an hash table");
        return;
    }
    if (entry_type(e) == TYPE_ZSET) {
        const struct zset_tree *t = entry_outside(e);

        put_table(&text, NULL, index_room(&t->index), t->index.count);
    } else {
        const struct table *t = entry_outside(e);

        put_table(&text, NULL, t->groups, t->count);
    }
    reply_text(c, &text);
}

/* ---- the protocol ---- */

static void say_bulk(struct reply *r)
{
    reply_bulk_text(r, "Hello World");
}

static void say_integer(struct reply *r)
{
    reply_int(r, 12345);
}

static void say_double(struct reply *r)
{
    reply_double(r, 3.141);
}

static void say_big_number(struct reply *r)
{
    reply_big_number(r, STR("1234567999999999999999999999999999999"));
}

static void say_three(struct reply *r)
{
    for (int i = 0; i < 3; i++)
        reply_int(r, i);
}

static void say_array(struct reply *r)
{
    reply_array(r, 3);
    say_three(r);
}

static void say_set(struct reply *r)
{
    reply_set(r, 3);
    say_three(r);
}

static void say_map(struct reply *r)
{
    reply_map(r, 3);
    for (int i = 0; i < 3; i++) {
        reply_int(r, i);
        reply_bool(r, i == 1);
    }
}

static void say_attribute(struct reply *r)
{
    if (r->resp >= 3) {
        reply_attribute(r, 1);
        reply_bulk_text(r, "key-popularity");
        reply_array(r, 2);
        reply_bulk_text(r, "key:123");
        reply_int(r, 90);
    }
    reply_bulk_text(r, "Some real reply following the attribute");
}

static void say_push(struct reply *r)
{
    if (r->resp < 3) {
        reply_error(r, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(r, 2);
    reply_bulk_text(r, "server-cpu-usage");
    reply_int(r, 42);
    reply_bulk_text(r, "Some real reply following the push reply");
}

static void say_true(struct reply *r)
{
    reply_bool(r, true);
}

static void say_false(struct reply *r)
{
    reply_bool(r, false);
}

static void say_verbatim(struct reply *r)
{
    reply_verbatim(r, STR("This is a verbatim\nstring"), "txt");
}

static void debug_protocol(struct cmd_call *c)
{
    static const struct {
        const char *name;
        void (*say)(struct reply *r);
    } kinds[] = {
        {"string",   say_bulk      },
        {"integer",  say_integer   },
        {"double",   say_double    },
        {"bignum",   say_big_number},
        {"null",     reply_null    },
        {"array",    say_array     },
        {"set",      say_set       },
        {"map",      say_map       },
        {"attrib",   say_attribute },
        {"push",     say_push      },
        {"true",     say_true      },
        {"false",    say_false     },
        {"verbatim", say_verbatim  },
    };

    for (size_t i = 0; i < countof(kinds); i++)
        if (call_is(c, 2, kinds[i].name)) {
            kinds[i].say(c->reply);
            return;
        }
    reply_error(c->reply, "ERR Wrong protocol type name. Please use one of the following: "
                          "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|"
                          "true|false");
}

/* ---- the command ---- */

static void debug_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "DIGEST",
        "    Say a fingerprint of all keys, which is the same wherever the same keys are.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Say fingerprints of values.",
        "ERROR <string>",
        "    Answer with this error.",
        "HTSTATS <dbid>",
        "    Show how full the index of a database is.",
        "HTSTATS-KEY <key>",
        "    The same of a big hash, set or sorted set.",
        "LISTPACK <key>",
        "    Write to the log how big a packed collection is.",
        "AOF-FLUSH-SLEEP <microseconds>",
        "    Rest before each write to the append-only file.",
        "LOADAOF",
        "    Drop all keys and load them from the append-only file.",
        "LOG <message>",
        "    Write to the log.",
        "OBJECT <key> [FAST]",
        "    Show how a key is stored.",
        "PANIC",
        "    End as at a mistake of the engine's own: with a report in the log.",
        "PAUSE-CRON <0|1>",
        "    Stop or resume the regular work in the background.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Make keys, named <prefix>:<number>, where they are not there.",
        "PROTOCOL <type>",
        "    Answer with an example of this type.",
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "    Set from which length on elements of lists stand alone; 0: as usual.",
        "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
        "    Save all keys to the file and load them again: in place of those that are there, or",
        "    (NOFLUSH) beside them, where a key that both have is an error or (MERGE) replaced.",
        "REPLYBUFFER PEAK-RESET-TIME <ms|NEVER|RESET> | RESIZING <0|1>",
        "    Understood, and nothing: clients have no reply buffers of their own.",
        "SEGFAULT",
        "    End as at an access to memory that is not there: likewise.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Pause or resume the removal of expired keys in the background.",
        "SET-DISABLE-DENY-SCRIPTS <0|1>",
        "    Let scripts call what they may not otherwise, or not.",
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
        "    Take snapshots and payloads of RESTORE whatever their checksum is.",
        "SLEEP <seconds>",
        "    Stand still, with fractions if wanted.",
        NULL,
    };

    reply_help(c->reply, "DEBUG", lines);
}

/* ---- ends ---- */

static void debug_panic(struct cmd_call *c)
{
    check(!call_is(c, 1, "panic") && !call_is(c, 1, "assert"));
}

static void debug_segfault(struct cmd_call *c)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)c;
    check(page != MAP_FAILED);
    *(volatile char *)page = 'x';
}

void cmd_debug(struct cmd_call *c)
{
    static const struct {
        const char *name;
        uint32_t argc; /* 0: the subcommand looks itself */
        void (*run)(struct cmd_call *c);
        bool needs_data; /* not while it is loaded */
    } subs[] = {
        {"digest",                       2, debug_digest,            true },
        {"digest-value",                 0, debug_digest_value,      true },
        {"error",                        3, debug_error,             false},
        {"help",                         2, debug_help,              false},
        {"htstats",                      3, debug_htstats,           true },
        {"htstats",                      4, debug_htstats,           true },
        {"htstats-key",                  3, debug_htstats_key,       true },
        {"htstats-key",                  4, debug_htstats_key,       true },
        {"listpack",                     3, debug_listpack,          true },
        {"aof-flush-sleep",              3, debug_aof_flush_sleep,   false},
        {"loadaof",                      2, debug_loadaof,           true },
        {"log",                          3, debug_log,               false},
        {"object",                       3, debug_object,            true },
        {"object",                       4, debug_object,            true },
        {"assert",                       2, debug_panic,             false},
        {"panic",                        2, debug_panic,             false},
        {"segfault",                     2, debug_segfault,          false},
        {"pause-cron",                   3, debug_pause_cron,        false},
        {"populate",                     0, debug_populate,          true },
        {"protocol",                     3, debug_protocol,          false},
        {"quicklist-packed-threshold",   3, debug_list_alone,        false},
        {"reload",                       0, debug_reload,            true },
        {"replybuffer",                  4, debug_reply_buffer,      false},
        {"set-active-expire",            3, debug_set_active_expire, false},
        {"set-disable-deny-scripts",     3, debug_free_scripts,      false},
        {"set-skip-checksum-validation", 3, debug_skip_checksums,    false},
        {"sleep",                        3, debug_sleep,             false},
    };

    for (size_t i = 0; i < countof(subs); i++)
        if (call_is(c, 1, subs[i].name) && (!subs[i].argc || c->argc == subs[i].argc)) {
            if (subs[i].needs_data && c->engine->loading.is_on)
                reply_error(c->reply, loading_text(c->engine));
            else
                subs[i].run(c);
            return;
        }
    reply_errorf(c->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                 (int)(c->argv[1].len < 128 ? c->argv[1].len : 128), c->argv[1].ptr);
}
