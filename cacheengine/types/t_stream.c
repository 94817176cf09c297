/* Streams by themselves: adding, removing, reading ranges. Groups are in t_stream_group.c, reading
 * of what comes in t_stream_read.c. */
#include "cacheengine/types/t_stream.h"

#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "contract/command_procs.h"

/* ---- keys and names ---- */

struct stream *stream_read(struct cmd_call *c, uint32_t arg, bool *ok)
{
    const struct entry *e = call_read(c, call_key(c, arg), TYPE_STREAM, ok);

    return e ? stream_of(e) : NULL;
}

struct stream *stream_write(struct cmd_call *c, uint32_t arg, bool *ok)
{
    const struct entry *e = call_find(c, call_key(c, arg), TYPE_STREAM, ok);

    return e ? stream_of(e) : NULL;
}

struct stream *stream_make(struct cmd_call *c, uint32_t arg)
{
    db_open_heap(c->db);
    struct stream *s = stream_new(c->db->heap.account);
    db_set_outside(c->db, call_key(c, arg), TYPE_STREAM, s, NO_DEADLINE);
    return s;
}

static bool bad_id(struct cmd_call *c)
{
    reply_error(c->reply, "ERR Invalid stream ID specified as stream command argument");
    return false;
}

bool stream_call_id(struct cmd_call *c, uint32_t arg, struct stream_id *out)
{
    return stream_id_parse(c->argv[arg], STREAM_ID_EXACT, 0, out, NULL) || bad_id(c);
}

struct stream_id *stream_call_ids(struct cmd_call *c, uint32_t arg, uint32_t count)
{
    struct stream_id *ids = arena_array(c->scratch, count, sizeof(*ids));

    for (uint32_t i = 0; i < count; i++)
        if (!stream_call_id(c, arg + i, &ids[i]))
            return NULL;
    return ids;
}

/* One end of a range; *is_open says that it is left out itself. */
static bool parse_bound(struct cmd_call *c, uint32_t arg, uint64_t missing_seq,
                        struct stream_id *out, bool *is_open)
{
    struct str text = c->argv[arg];

    *is_open = text.len > 1 && text.ptr[0] == '(';
    if (*is_open)
        text = (struct str){text.ptr + 1, text.len - 1};
    return stream_id_parse(text, *is_open ? STREAM_ID_EXACT : STREAM_ID_BOUND, missing_seq, out,
                           NULL) ||
           bad_id(c);
}

bool stream_call_from(struct cmd_call *c, uint32_t arg, struct stream_id *out)
{
    bool is_open;

    if (!parse_bound(c, arg, 0, out, &is_open))
        return false;
    if (!is_open || stream_id_increase(out))
        return true;
    reply_error(c->reply, "ERR invalid start ID for the interval");
    return false;
}

static bool call_to(struct cmd_call *c, uint32_t arg, struct stream_id *out)
{
    bool is_open;

    if (!parse_bound(c, arg, UINT64_MAX, out, &is_open))
        return false;
    if (!is_open || stream_id_decrease(out))
        return true;
    reply_error(c->reply, "ERR invalid end ID for the interval");
    return false;
}

bool stream_call_range(struct cmd_call *c, uint32_t from_arg, uint32_t to_arg,
                       struct stream_id *from, struct stream_id *to)
{
    return stream_call_from(c, from_arg, from) && call_to(c, to_arg, to);
}

struct str stream_id_text(struct cmd_call *c, struct stream_id id)
{
    char *text = arena_alloc(c->scratch, STREAM_ID_TEXT_MAX);

    return (struct str){text, stream_id_write(text, id)};
}

/* ---- saying ---- */

void reply_stream_id(struct reply *r, struct stream_id id)
{
    char text[STREAM_ID_TEXT_MAX];

    reply_bulk(r, text, stream_id_write(text, id));
}

void reply_stream_entry(struct reply *r, struct stream_entry *e)
{
    struct packed_item field, value;

    reply_array(r, 2);
    reply_stream_id(r, e->id);
    reply_array(r, 2 * (size_t)e->fields);
    for (uint32_t i = 0; i < e->fields; i++) {
        stream_pair(e, &field, &value);
        packed_reply_item(r, &field);
        packed_reply_item(r, &value);
    }
}

uint64_t reply_stream_range(struct reply *r, const struct stream *s, struct stream_id from,
                            struct stream_id to, uint64_t count, bool is_back)
{
    struct stream_walk w = stream_walk_begin(s, from, to, is_back);
    struct reply_mark mark = reply_open(r);
    struct stream_entry e;
    uint64_t said = 0;

    while ((count == 0 || said < count) && stream_next(&w, &e)) {
        reply_stream_entry(r, &e);
        said++;
    }
    reply_close(r, mark, '*', said);
    return said;
}

bool reply_stream_one(struct reply *r, const struct stream *s, struct stream_id id)
{
    struct stream_walk w = stream_walk_begin(s, id, id, false);
    struct stream_entry e;

    if (!stream_next(&w, &e))
        return false;
    reply_stream_entry(r, &e);
    return true;
}

/* ---- options of XADD and XTRIM ---- */

struct add_options {
    struct stream_trim trim;
    uint32_t trim_arg; /* its argument; 0: nothing is trimmed */
    uint32_t id_arg;   /* XADD: the name; argc when there is none */
    struct stream_id id;
    bool has_id;       /* it is said, all or but the number */
    bool is_generated; /* the number is to be found */
    bool must_exist;
    bool has_limit;
};

/* MAXLEN or MINID at argument *arg, which is moved to the last that belongs to it. */
static bool parse_trim(struct cmd_call *c, uint32_t *arg, struct add_options *o)
{
    bool by_name = call_is(c, *arg, "minid");
    bool is_long = c->argc - *arg > 2;
    int64_t length = 0;

    if (o->trim_arg) {
        reply_error(c->reply, "ERR syntax error, MAXLEN and MINID options at the same time are not "
                              "compatible");
        return false;
    }
    bool is_rough = is_long && str_is(c->argv[*arg + 1], "~");
    *arg += 1 + (is_rough || (is_long && str_is(c->argv[*arg + 1], "=")));
    o->trim.by_name = by_name;
    o->trim.is_rough = is_rough;
    o->trim_arg = *arg;
    if (by_name)
        return stream_call_id(c, *arg, &o->trim.least);
    if (!call_int(c, *arg, &length))
        return false;
    if (length < 0) {
        reply_error(c->reply, "ERR The MAXLEN argument must be >= 0.");
        return false;
    }
    o->trim.length = (uint64_t)length;
    return true;
}

static bool parse_limit(struct cmd_call *c, uint32_t arg, struct add_options *o)
{
    int64_t limit;

    if (!call_int(c, arg, &limit))
        return false;
    if (limit < 0) {
        reply_error(c->reply, "ERR The LIMIT argument must be >= 0.");
        return false;
    }
    o->trim.limit = (uint64_t)limit;
    o->has_limit = true;
    return true;
}

/* Without LIMIT a rough trim does no more than this at once. */
static uint64_t usual_limit(const struct settings *s)
{
    if (s->stream_node_entries <= 0 || s->stream_node_entries > 10000)
        return s->stream_node_entries <= 0 ? 10000 : 1000000;
    return 100 * (uint64_t)s->stream_node_entries;
}

static bool options_fit(struct cmd_call *c, struct add_options *o, bool is_add)
{
    const char *wrong = NULL;

    if (o->trim.limit && !o->trim_arg)
        wrong = "LIMIT cannot be used without specifying a trimming strategy";
    else if (!is_add && !o->trim_arg)
        wrong = "XTRIM must be called with a trimming strategy";
    else if (o->has_limit && !o->trim.is_rough)
        wrong = "LIMIT cannot be used without the special ~ option";
    if (wrong) {
        reply_errorf(c->reply, "ERR syntax error, %s", wrong);
        return false;
    }
    if (!o->has_limit)
        o->trim.limit = o->trim.is_rough ? usual_limit(c->ks->settings) : 0;
    return true;
}

/* The name that XADD is told at an argument. */
static bool parse_new_id(struct cmd_call *c, uint32_t arg, struct add_options *o)
{
    o->id_arg = arg;
    if (str_is(c->argv[arg], "*"))
        return true;
    o->has_id = true;
    return stream_id_parse(c->argv[arg], STREAM_ID_GENERATED, 0, &o->id, &o->is_generated) ||
           bad_id(c);
}

static bool options_parse(struct cmd_call *c, bool is_add, struct add_options *o)
{
    *o = (struct add_options){.id_arg = c->argc};
    for (uint32_t i = 2; i < c->argc && o->id_arg == c->argc; i++) {
        bool has_more = i + 1 < c->argc, ok;

        if (is_add && str_is(c->argv[i], "*")) {
            ok = parse_new_id(c, i, o);
        } else if (has_more && (call_is(c, i, "maxlen") || call_is(c, i, "minid"))) {
            ok = parse_trim(c, &i, o);
        } else if (has_more && call_is(c, i, "limit")) {
            ok = parse_limit(c, ++i, o);
        } else if (is_add && call_is(c, i, "nomkstream")) {
            ok = o->must_exist = true;
        } else if (is_add) {
            ok = parse_new_id(c, i, o);
        } else {
            reply_syntax_error(c->reply);
            ok = false;
        }
        if (!ok)
            return false;
    }
    return options_fit(c, o, is_add);
}

/* ---- adding and trimming ---- */

/* The command with what was left open in its words: how much is left after a rough trim, and the
 * name that was found. */
static void tell_exact(struct cmd_call *c, const struct stream *s, const struct add_options *o,
                       const struct stream_id *id)
{
    if (!call_is_told(c) || (!o->trim.is_rough && !(id && (!o->has_id || o->is_generated))))
        return;
    struct str *argv = arena_array(c->scratch, c->argc, sizeof(*argv));
    memcpy(argv, c->argv, c->argc * sizeof(*argv));
    if (o->trim_arg && o->trim.is_rough) {
        struct number_text *digits = arena_alloc(c->scratch, sizeof(*digits));

        argv[o->trim_arg - 1] = STR("=");
        argv[o->trim_arg] = o->trim.by_name ? stream_id_text(c, stream_oldest(s))
                                            : number_digits(digits, (int64_t)s->length);
    }
    uint32_t argc = c->argc;
    if (id)
        argv[o->id_arg] = stream_id_text(c, *id);
    if (o->has_limit) {
        /* An exact trim has no limit. */
        uint32_t at = 2;

        while (!str_is_nocase(argv[at], "limit"))
            at++;
        memmove(argv + at, argv + at + 2, (argc - at - 2) * sizeof(*argv));
        argc -= 2;
    }
    call_tell_words(c, argv, argc);
}

/* The name of a new entry; false after the error was sent. */
static bool new_id(struct cmd_call *c, const struct stream *s, const struct add_options *o,
                   struct stream_id *out)
{
    struct stream_id last = s ? s->last : STREAM_ID_MIN, id = o->id;
    bool ok = true;

    if (!o->has_id) {
        id = (struct stream_id){(uint64_t)c->ks->now_ms, 0};
        if (id.ms <= last.ms) {
            id = last;
            ok = stream_id_increase(&id);
        }
    } else if (o->is_generated && id.ms == last.ms) {
        ok = last.seq < UINT64_MAX;
        id.seq = last.seq + 1;
    }
    if (ok && stream_id_order(id, last) > 0) {
        *out = id;
        return true;
    }
    reply_error(c->reply, "ERR The ID specified in XADD is equal or smaller than the target stream "
                          "top item");
    return false;
}

static bool add_is_allowed(struct cmd_call *c, const struct stream *s, uint32_t first)
{
    size_t bytes = 0;

    if (s && stream_id_order(s->last, STREAM_ID_MAX) == 0) {
        reply_error(c->reply, "ERR The stream has exhausted the last possible ID, unable to add "
                              "more items");
        return false;
    }
    for (uint32_t i = first; i < c->argc; i++)
        bytes += c->argv[i].len;
    if (bytes <= STREAM_ENTRY_MAX)
        return true;
    reply_error(c->reply, "ERR Elements are too large to be stored");
    return false;
}

void cmd_xadd(struct cmd_call *c)
{
    struct add_options o;
    struct stream_id id;
    bool ok;

    if (!options_parse(c, true, &o))
        return;
    uint32_t first = o.id_arg + 1;
    if (c->argc < first + 2 || (c->argc - first) % 2 != 0) {
        call_bad_arity(c);
        return;
    }
    if (o.has_id && !o.is_generated && stream_id_is_zero(o.id)) {
        reply_error(c->reply, "ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    struct stream *s = stream_write(c, 1, &ok);
    if (!ok)
        return;
    if (!s && o.must_exist) {
        reply_null(c->reply);
        return;
    }
    if (!add_is_allowed(c, s, first) || !new_id(c, s, &o, &id))
        return;
    if (!s)
        s = stream_make(c, 1);
    stream_add(c->db->heap.account, s, c->ks->settings, id, c->argv + first, (c->argc - first) / 2);
    reply_stream_id(c->reply, id);
    call_changed(c, call_key(c, 1), EVENT_STREAM, "xadd");
    if (o.trim_arg && stream_cut(c->db->heap.account, s, &o.trim))
        changed_by(c, call_key(c, 1), EVENT_STREAM, "xtrim", 0);
    tell_exact(c, s, &o, &id);
}

void cmd_xtrim(struct cmd_call *c)
{
    struct add_options o;
    bool ok;

    if (!options_parse(c, false, &o))
        return;
    struct stream *s = stream_write(c, 1, &ok);
    if (!ok)
        return;
    uint64_t count = s ? stream_cut(c->db->heap.account, s, &o.trim) : 0;
    if (count > 0) {
        changed_by(c, call_key(c, 1), EVENT_STREAM, "xtrim", count);
        tell_exact(c, s, &o, NULL);
    }
    reply_int(c->reply, (int64_t)count);
}

void cmd_xdel(struct cmd_call *c)
{
    uint64_t count = 0;
    bool ok;
    struct stream *s = stream_write(c, 1, &ok);

    if (!s) {
        if (ok)
            reply_int(c->reply, 0);
        return;
    }
    const struct stream_id *ids = stream_call_ids(c, 2, c->argc - 2);
    if (!ids)
        return;
    for (uint32_t i = 0; i < c->argc - 2; i++)
        count += stream_remove(c->db->heap.account, s, ids[i]);
    if (count > 0)
        changed_by(c, call_key(c, 1), EVENT_STREAM, "xdel", count);
    reply_int(c->reply, (int64_t)count);
}

/* ---- XSETID ---- */

struct setid_options {
    struct stream_id id, removed;
    int64_t added; /* -1: not said */
};

static bool setid_parse(struct cmd_call *c, struct setid_options *o)
{
    *o = (struct setid_options){.added = -1};
    if (!stream_call_id(c, 2, &o->id))
        return false;
    for (uint32_t i = 3; i < c->argc; i += 2) {
        const char *wrong = NULL;

        if (call_is(c, i, "entriesadded") && i + 1 < c->argc) {
            if (!call_int(c, i + 1, &o->added))
                return false;
            if (o->added < 0)
                wrong = "ERR entries_added must be positive";
        } else if (call_is(c, i, "maxdeletedid") && i + 1 < c->argc) {
            if (!stream_call_id(c, i + 1, &o->removed))
                return false;
            if (stream_id_order(o->id, o->removed) < 0)
                wrong = "ERR The ID specified in XSETID is smaller than the provided "
                        "max_deleted_entry_id";
        } else {
            wrong = "ERR syntax error";
        }
        if (wrong) {
            reply_error(c->reply, wrong);
            return false;
        }
    }
    return true;
}

static const char *setid_wrong(const struct stream *s, const struct setid_options *o)
{
    if (stream_id_order(o->id, s->removed) < 0)
        return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    if (s->length == 0)
        return NULL;
    if (stream_id_order(o->id, stream_newest(s)) < 0)
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    if (o->added != -1 && s->length > (uint64_t)o->added)
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    return NULL;
}

void cmd_xsetid(struct cmd_call *c)
{
    struct setid_options o;
    bool ok;

    if (!setid_parse(c, &o))
        return;
    struct stream *s = stream_write(c, 1, &ok);
    if (!s) {
        if (ok)
            reply_no_key(c->reply);
        return;
    }
    const char *wrong = setid_wrong(s, &o);
    if (wrong) {
        reply_error(c->reply, wrong);
        return;
    }
    s->last = o.id;
    if (o.added != -1)
        s->added = (uint64_t)o.added;
    if (!stream_id_is_zero(o.removed))
        s->removed = o.removed;
    call_changed(c, call_key(c, 1), EVENT_STREAM, "xsetid");
    reply_ok(c->reply);
}

/* ---- reading ---- */

void cmd_xlen(struct cmd_call *c)
{
    bool ok;
    const struct stream *s = stream_read(c, 1, &ok);

    if (ok)
        reply_int(c->reply, s ? (int64_t)s->length : 0);
}

/* COUNT; *count is 0 for all. */
static bool parse_count(struct cmd_call *c, int64_t *count)
{
    *count = -1;
    for (uint32_t i = 4; i < c->argc; i += 2) {
        if (!call_is(c, i, "count") || i + 1 == c->argc) {
            reply_syntax_error(c->reply);
            return false;
        }
        if (!call_int(c, i + 1, count))
            return false;
        if (*count < 0)
            *count = 0;
    }
    return true;
}

static void range(struct cmd_call *c, bool is_back)
{
    struct stream_id from, to;
    int64_t count;
    bool ok;

    if (!stream_call_range(c, is_back ? 3 : 2, is_back ? 2 : 3, &from, &to) ||
        !parse_count(c, &count))
        return;
    const struct stream *s = stream_read(c, 1, &ok);
    if (!ok)
        return;
    if (!s)
        reply_array(c->reply, 0);
    else if (count == 0)
        reply_null_array(c->reply);
    else
        reply_stream_range(c->reply, s, from, to, count < 0 ? 0 : (uint64_t)count, is_back);
}

void cmd_xrange(struct cmd_call *c)
{
    range(c, false);
}

void cmd_xrevrange(struct cmd_call *c)
{
    range(c, true);
}
