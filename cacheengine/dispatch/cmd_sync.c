/* What replicas say and ask for: REPLCONF, PSYNC, SYNC; and ROLE. */
#include "base/log.h"
#include "cacheengine/dispatch/cmd_replica.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/throttle.h"
#include "cacheengine/dispatch/unkept.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

#define ADDRESS_MAX 256

/* ---- REPLCONF ---- */

/* Takes one pair of words. False when nothing more is to be read and said: an error was sent, or
 * the words get no answer. */
typedef bool option_fn(struct cmd_call *c, struct follower *r, uint32_t arg);

static bool set_port(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    return call_int(c, arg, &r->port);
}

static bool set_address(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    if (c->argv[arg].len >= ADDRESS_MAX) {
        reply_errorf(c->reply,
                     "ERR REPLCONF ip-address provided by replica instance is too long: %zu bytes",
                     c->argv[arg].len);
        return false;
    }
    session_set_text(&r->address, c->argv[arg]);
    return true;
}

/* What we do not know of is no reason not to serve it. */
static bool add_capability(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    r->knows_eof |= call_is(c, arg, "eof");
    r->knows_psync2 |= call_is(c, arg, "psync2");
    return true;
}

/* "7.2.4" as 0x070204. */
static bool set_version(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    struct str rest = c->argv[arg];
    int64_t version = 0;

    for (int i = 0; i < 3; i++) {
        int64_t part;

        if (!str_to_i64(str_cut(&rest, '.'), &part) || part < 0 || part > 255) {
            reply_errorf(c->reply, "ERR Unrecognized version format: %.*s", STR_ARG(c->argv[arg]));
            return false;
        }
        version = version << 8 | part;
    }
    r->version = version;
    return true;
}

/* The number behind a word that stands behind the offset; `*out` stays when it is not there. False
 * when it is none. */
static bool read_beside(const struct cmd_call *c, uint32_t arg, const char *word, int64_t *out)
{
    for (uint32_t i = arg + 1; i + 1 < c->argc; i += 2)
        if (call_is(c, i, word))
            return number_parse_i64(c->argv[i + 1].ptr, c->argv[i + 1].len, out);
    return true;
}

/* Its progress; never answered, as it comes amid the stream. */
static bool acknowledge(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    int64_t offset, file_offset = -1, work = -1;

    if (!follower_is_attached(r) || !number_parse_i64(c->argv[arg].ptr, c->argv[arg].len, &offset))
        return false;
    if (!read_beside(c, arg, "fack", &file_offset) || !read_beside(c, arg, "larder-work", &work))
        return false;
    followers_acknowledge(c->engine, r, offset, file_offset);
    if (work >= 0)
        throttle_lend(c->engine, r, work);
    return false;
}

/* What a primary asks; it is answered on the primary's own connection alone. */
static bool ignore(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    (void)c, (void)r, (void)arg;
    return false;
}

static bool set_rdb_only(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    int64_t v;

    if (!call_int_within(c, arg, 0, 1, NULL, &v))
        return false;
    r->wants_only_keys = v == 1;
    return true;
}

static bool set_filter(struct cmd_call *c, struct follower *r, uint32_t arg)
{
    struct str *words;
    size_t count;

    if (err_failed(config_split(c->scratch, c->argv[arg], &words, &count))) {
        reply_error(c->reply, "ERR Missing rdb-filter-only values");
        return false;
    }
    r->wants = WANTS_NO_KEYS | WANTS_NO_FUNCTIONS;
    for (size_t i = 0; i < count; i++) {
        if (!str_is_nocase(words[i], "functions")) {
            reply_errorf(c->reply, "ERR Unsupported rdb-filter-only option: %.*s",
                         STR_ARG(words[i]));
            return false;
        }
        r->wants &= ~(unsigned)WANTS_NO_FUNCTIONS;
    }
    return true;
}

static const struct {
    const char *name;
    option_fn *run;
} options[] = {
    {"ack",             acknowledge   },
    {"listening-port",  set_port      },
    {"ip-address",      set_address   },
    {"capa",            add_capability},
    {"version",         set_version   },
    {"getack",          ignore        },
    {"rdb-only",        set_rdb_only  },
    {"rdb-filter-only", set_filter    },
};

void cmd_replconf(struct cmd_call *c)
{
    if (c->argc % 2 == 0) {
        reply_syntax_error(c->reply);
        return;
    }
    struct follower *r = followers_of(c->engine, c->client);
    for (uint32_t i = 1; i < c->argc; i += 2) {
        size_t o = 0;

        while (o < countof(options) && !call_is(c, i, options[o].name))
            o++;
        if (o == countof(options)) {
            reply_errorf(c->reply, "ERR Unrecognized REPLCONF option: %.*s", STR_ARG(c->argv[i]));
            return;
        }
        if (!options[o].run(c, r, i + 1))
            return;
    }
    reply_ok(c->reply);
}

/* ---- SYNC and PSYNC ---- */

/* Why this node gives neither snapshot nor stream now; NULL: it does. */
static const char *refusal(const struct cmd_call *c, const struct follower *r)
{
    if (c->engine->failover.state != FAILOVER_NONE)
        return "NOMASTERLINK Can't SYNC while failing over";
    if (c->engine->replica && !replica_is_following(c->engine))
        return "NOMASTERLINK Can't SYNC while not connected with my master";
    if (reply_pending(c->reply) > 0)
        return "ERR SYNC and PSYNC are invalid with pending output";
    if (r->wants && !r->knows_eof)
        return "ERR Filtered replica requires EOF capability";
    return NULL;
}

static bool may_sync(struct cmd_call *c, const struct follower *r)
{
    const char *text = refusal(c, r);

    if (text)
        reply_error(c->reply, text);
    else
        log_info("Replica asks for synchronization", f_int("id", (int64_t)c->client->id));
    return !text;
}

static void log_mismatch(const struct cmd_call *c, enum repl_continue why, int64_t next)
{
    static const char *const reasons[] = {
        [REPL_OTHER_ID] = "it has another history",
        [REPL_TOO_FAR] = "it went on with the former history for longer",
        [REPL_NOT_KEPT] = "what it lacks is not kept",
    };

    log_info("Partial resynchronization not accepted", f_int("id", (int64_t)c->client->id),
             f_str("why", reasons[why]), f_int("offset", next));
}

void cmd_sync(struct cmd_call *c)
{
    struct follower *r = followers_of(c->engine, c->client);

    if (!r->wants_only_keys && unkept_refuses(c))
        return;
    if (follower_is_attached(r) || !may_sync(c, r))
        return;
    r->is_old = true;
    followers_add(c->engine, r);
}

/* A primary may ask its replica to take its place (FAILOVER); false after the error. */
static bool takes_over(struct cmd_call *c)
{
    struct engine *e = c->engine;

    if (c->argc < 4 || !call_is(c, 3, "failover"))
        return true;
    if (!e->replica)
        reply_error(c->reply, "ERR PSYNC FAILOVER can't be sent to a master.");
    else if (!str_is_nocase(c->argv[1], e->stream.id))
        reply_error(c->reply, "ERR PSYNC FAILOVER replid must match my replid.");
    else
        repl_become_primary(e, 0);
    return !e->replica && reply_pending(c->reply) == 0;
}

void cmd_psync(struct cmd_call *c)
{
    struct engine *e = c->engine;
    struct follower *r = followers_of(e, c->client);
    int64_t next;

    if (unkept_refuses(c) || follower_is_attached(r) || !takes_over(c) || !may_sync(c, r) ||
        !call_int(c, 2, &next))
        return;
    enum repl_continue how = repl_stream_continues(&e->stream, c->argv[1], next);
    if (how == REPL_CONTINUES) {
        followers_continue(e, r, next);
        return;
    }
    /* "?" has nothing and asks for all. */
    if (c->argv[1].len == 0 || c->argv[1].ptr[0] != '?') {
        log_mismatch(c, how, next);
        e->followers->refused_partial_syncs++;
    }
    followers_add(e, r);
}

/* ---- ROLE ---- */

static void say_followers(struct cmd_call *c)
{
    struct reply_mark mark = reply_open(c->reply);
    size_t count = 0;

    for (const struct follower *r = c->engine->followers->first; r; r = r->next) {
        struct client_facts facts;

        if (r->state != FOLLOWER_ONLINE)
            continue;
        reply_array(c->reply, 3);
        reply_bulk_str(c->reply, follower_address(r, &facts));
        reply_bulk_int(c->reply, r->port);
        reply_bulk_int(c->reply, r->ack_offset);
        count++;
    }
    reply_close(c->reply, mark, '*', count);
}

void cmd_role(struct cmd_call *c)
{
    if (c->engine->replica) {
        replica_reply_role(c);
        return;
    }
    reply_array(c->reply, 3);
    reply_bulk_text(c->reply, "master");
    reply_int(c->reply, c->engine->stream.offset);
    say_followers(c);
}
