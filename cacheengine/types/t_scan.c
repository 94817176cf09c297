/* Walking over keys: KEYS, SCAN, RANDOMKEY. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/call.h"
#include "cacheengine/keyspace/glob.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Which keys are wanted, and where they are said. */
struct walk {
    struct cmd_call *c;
    struct str pattern; /* ptr NULL: all */
    struct str type;    /* ptr NULL: all */
    size_t sent;
    int64_t met; /* keys seen, wanted or not */
    struct expired_key *expired;
};

/* A key that was met and whose time is over: it goes when the walk rests. */
struct expired_key {
    struct expired_key *next;
    struct str name;
};

static void note_expired(struct walk *w, struct str name)
{
    struct expired_key *x = arena_alloc(w->c->scratch, sizeof(*x));

    *x = (struct expired_key){
        w->expired, {arena_memdup(w->c->scratch, name.ptr, name.len), name.len}
    };
    w->expired = x;
}

static void drop_expired(struct walk *w)
{
    for (; w->expired; w->expired = w->expired->next)
        (void)db_find(w->c->db, keyspace_key(w->c->ks, w->expired->name));
}

static void visit(void *ctx, struct entry *e)
{
    struct walk *w = ctx;
    struct str key = entry_key(e);

    w->met++;
    if (keyspace_hides(w->c->ks, key))
        return;
    if (w->pattern.ptr && !glob_match(w->pattern, key))
        return;
    if (w->type.ptr && !str_is_nocase(w->type, db_type_name(w->c->db, e)))
        return;
    if (db_is_expired(w->c->db, e)) {
        note_expired(w, key);
        return;
    }
    reply_bulk_str(w->c->reply, key);
    w->sent++;
}

void cmd_keys(struct cmd_call *c)
{
    struct walk w = {.c = c, .pattern = c->argv[1]};
    struct reply_mark mark = reply_open(c->reply);
    uint64_t cursor = 0;

    if (str_is(w.pattern, "*"))
        w.pattern.ptr = NULL;
    do
        cursor = db_scan(c->db, cursor, visit, &w);
    while (cursor);
    reply_close(c->reply, mark, '*', w.sent);
}

static bool parse_cursor(struct cmd_call *c, uint64_t *out)
{
    struct str s = c->argv[1];
    char text[128];
    char *end;

    /* What strtoul takes: signs, leading zeros, and nothing at all. */
    if (s.len < sizeof(text) && (s.len == 0 || !isspace((unsigned char)s.ptr[0]))) {
        memcpy(text, s.ptr, s.len);
        text[s.len] = 0;
        errno = 0;
        *out = strtoull(text, &end, 10);
        if (*end == 0 && errno == 0)
            return true;
    }
    reply_error(c->reply, "ERR invalid cursor");
    return false;
}

/* False after the error was sent: only Valkey 8 minds. */
static bool type_is_known(struct cmd_call *c, struct str name)
{
    for (int i = 0; i < ENTRY_TYPES; i++)
        if (!settings_are_valkey_8(c->ks->settings) ||
            str_is_nocase(name, db_name_of_type(c->db, (enum entry_type)i)))
            return true;
    reply_errorf(c->reply, "ERR unknown type name '%.*s'", STR_ARG(name));
    return false;
}

static bool parse_options(struct cmd_call *c, struct walk *w, int64_t *count)
{
    for (uint32_t i = 2; i < c->argc; i += 2) {
        bool has_value = i + 1 < c->argc;

        if (call_is(c, i, "count") && has_value) {
            if (!call_int(c, i + 1, count))
                return false;
            if (*count >= 1)
                continue;
        } else if (call_is(c, i, "match") && has_value) {
            w->pattern = c->argv[i + 1];
            continue;
        } else if (call_is(c, i, "type") && has_value) {
            w->type = c->argv[i + 1];
            if (!type_is_known(c, w->type))
                return false;
            continue;
        }
        reply_syntax_error(c->reply);
        return false;
    }
    if (w->pattern.ptr && str_is(w->pattern, "*"))
        w->pattern.ptr = NULL;
    return true;
}

void cmd_scan(struct cmd_call *c)
{
    struct walk w = {.c = c};
    int64_t count = 10, places = 0;
    uint64_t cursor;
    char text[REPLY_MARK_BYTES];

    if (!parse_cursor(c, &cursor) || !parse_options(c, &w, &count))
        return;
    /* The cursor is said before the keys but known after them. */
    struct reply_mark head = reply_open(c->reply);
    struct reply_mark mark = reply_open(c->reply);
    do
        cursor = db_scan_all(c->db, cursor, visit, &w);
    while (cursor && w.met < count && ++places / 10 < count);
    drop_expired(&w);
    reply_close(c->reply, mark, '*', w.sent);
    int digits = snprintf(NULL, 0, "%llu", (unsigned long long)cursor);
    int len =
        snprintf(text, sizeof(text), "*2\r\n$%d\r\n%llu\r\n", digits, (unsigned long long)cursor);
    reply_close_raw(c->reply, head, text, (size_t)len);
}

void cmd_randomkey(struct cmd_call *c)
{
    const struct entry *e = db_random(c->db);

    /* Where nearly all keys are hidden, none is better than a search without end. */
    for (int tries = 0; e && keyspace_hides(c->ks, entry_key(e)); tries++)
        e = tries < 1000 ? db_random(c->db) : NULL;
    if (e)
        reply_bulk_str(c->reply, entry_key(e));
    else
        reply_null(c->reply);
}
