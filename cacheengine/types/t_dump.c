/* DUMP and RESTORE: one value as the bytes that files and replication carry. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/call.h"
#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/value.h"
#include "contract/command_procs.h"

/* ---- DUMP ---- */

/* A sink that collects in a blob, so that a long payload is sent without a copy. */
struct payload {
    struct sink sink;
    struct account *account;
    struct blob *blob;
};

static struct err payload_write(struct sink *s, const void *bytes, size_t len)
{
    struct payload *p = container_of(s, struct payload, sink);
    size_t needs = p->blob->len + len;

    if (needs > p->blob->room)
        p->blob = blob_grow(p->account, p->blob, needs + needs / 2);
    memcpy(p->blob->bytes + p->blob->len, bytes, len);
    p->blob->len = needs;
    return OK;
}

void cmd_dump(struct cmd_call *c)
{
    struct entry *e = db_read(c->db, call_key(c, 1));
    struct record_writer w;

    if (!e) {
        reply_null(c->reply);
        return;
    }
    struct account *account = &c->ks->account;
    struct payload p = {{payload_write}, account, blob_new(account, 0, 256)};
    record_writer_init(&w, &p.sink);
    w.compresses = c->ks->settings->compresses_dumps;
    if (payload_save(&w, c->db, e)) {
        err_ignore(record_flush(&w), "memory does not fail");
        reply_bulk_blob(c->reply, p.blob);
    } else {
        reply_error(c->reply, "ERR this type cannot be dumped");
    }
    record_writer_fini(&w);
    blob_drop(account, p.blob);
}

/* ---- RESTORE ---- */

struct restore_options {
    bool replaces, is_absolute;
    int64_t idle_s;    /* -1: not told */
    int64_t frequency; /* -1: not told */
};

/* A number that follows an option. */
static bool option_number(struct cmd_call *c, uint32_t arg, int64_t max, const char *sentence,
                          int64_t *out)
{
    int64_t v;

    if (!call_int(c, arg, &v))
        return false;
    if (v < 0 || v > max) {
        reply_error(c->reply, sentence);
        return false;
    }
    *out = v;
    return true;
}

static bool parse_options(struct cmd_call *c, struct restore_options *o)
{
    *o = (struct restore_options){.idle_s = -1, .frequency = -1};
    for (uint32_t i = 4; i < c->argc; i++) {
        bool has_more = i + 1 < c->argc;

        if (call_is(c, i, "replace")) {
            o->replaces = true;
        } else if (call_is(c, i, "absttl")) {
            o->is_absolute = true;
        } else if (call_is(c, i, "idletime") && has_more && o->frequency < 0) {
            if (!option_number(c, ++i, INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0",
                               &o->idle_s))
                return false;
        } else if (call_is(c, i, "freq") && has_more && o->idle_s < 0) {
            if (!option_number(c, ++i, 255, "ERR Invalid FREQ value, must be >= 0 and <= 255",
                               &o->frequency))
                return false;
        } else {
            reply_syntax_error(c->reply);
            return false;
        }
    }
    return true;
}

/* True when version and checksum of a payload are right. */
static bool is_sealed(const struct keyspace *ks, struct str payload)
{
    struct record_reader r;
    uint8_t version[2];
    uint64_t sum;

    if (payload.len < PAYLOAD_FOOTER_BYTES)
        return false;
    size_t len = payload.len - PAYLOAD_FOOTER_BYTES;
    record_reader_memory(&r, (struct str){payload.ptr + len, PAYLOAD_FOOTER_BYTES});
    if (err_failed(record_get_bytes(&r, version, 2)) || err_failed(record_get_u64(&r, &sum)))
        return false;
    if (!record_version_is_known((unsigned)(version[0] | version[1] << 8)))
        return false;
    return ks->skips_checksums || crc64(0, payload.ptr, len + 2) == sum;
}

/* Reads the value of a payload; false after the error was sent. */
static bool load_payload(struct cmd_call *c, struct key k, struct value *out)
{
    struct str payload = c->argv[3];
    struct record_reader r;
    uint8_t type;

    if (!is_sealed(c->ks, payload)) {
        reply_error(c->reply, "ERR DUMP payload version or checksum are wrong");
        return false;
    }
    record_reader_memory(&r, (struct str){payload.ptr, payload.len - PAYLOAD_FOOTER_BYTES});
    r.version = (uint8_t)payload.ptr[payload.len - PAYLOAD_FOOTER_BYTES];
    struct err e = record_get_byte(&r, &type);
    if (!err_failed(e))
        e = value_load(&r, type, c->db, k, out);
    if (err_failed(e))
        reply_error(c->reply, "ERR Bad data format");
    return !err_failed(e);
}

/* The wall time at which the key ends; a time that cannot be told has passed. */
static int64_t end_of(const struct cmd_call *c, int64_t ttl, bool is_absolute)
{
    int64_t end_ms = ttl;

    if (ttl == 0)
        return NO_DEADLINE;
    if (!is_absolute && __builtin_add_overflow(ttl, c->ks->now_ms, &end_ms))
        return 0;
    return end_ms;
}

static void put_restored(struct cmd_call *c, struct key k, struct value *v, int64_t end_ms,
                         const struct restore_options *o)
{
    struct entry *e = value_put(c->db, k, v, end_ms);

    if (o->frequency >= 0)
        db_set_frequency(c->db, e, (uint8_t)o->frequency);
    if (o->idle_s >= 0)
        db_set_idle_s(c->db, e, (uint64_t)o->idle_s);
    call_changed(c, k, EVENT_GENERIC, "restore");
}

/* The end as a moment, for the words say it from now on. */
static void tell_with_end(struct cmd_call *c, int64_t end_ms)
{
    struct number_text digits;

    if (!call_is_told(c))
        return;
    struct str *argv = arena_array(c->scratch, c->argc + 1, sizeof(*argv));
    memcpy(argv, c->argv, c->argc * sizeof(*argv));
    argv[2] = number_digits(&digits, end_ms);
    argv[c->argc] = STR("ABSTTL");
    call_tell_words(c, argv, c->argc + 1);
}

void cmd_restore(struct cmd_call *c)
{
    struct restore_options o;
    struct key k = call_key(c, 1);
    struct value *v = arena_alloc(c->scratch, sizeof(*v));
    int64_t ttl;

    if (!parse_options(c, &o))
        return;
    if (!o.replaces && db_find(c->db, k)) {
        reply_error(c->reply, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!option_number(c, 2, INT64_MAX, "ERR Invalid TTL value, must be >= 0", &ttl))
        return;
    memset(v, 0, offsetof(struct value, bytes));
    bool is_loaded = load_payload(c, k, v);
    value_fini(v);
    if (!is_loaded)
        return;
    bool had_one = o.replaces && db_delete(c->db, k, c->ks->settings->lazy_server_del);
    int64_t end_ms = end_of(c, ttl, o.is_absolute);
    if (end_ms != NO_DEADLINE && end_ms <= c->ks->now_ms && !c->ks->hides_expired) {
        value_drop(c->db, v);
        if (had_one) {
            call_changed(c, k, EVENT_GENERIC, "del");
            call_tell_removed(c, c->argv[1], c->ks->settings->lazy_server_del);
        }
    } else {
        put_restored(c, k, v, end_ms, &o);
        if (end_ms != NO_DEADLINE && !o.is_absolute)
            tell_with_end(c, end_ms);
    }
    reply_ok(c->reply);
}

void cmd_restore_asking(struct cmd_call *c)
{
    cmd_restore(c);
}
