/*
 * The memcached protocol, and its text form with the meta commands: from bytes to calls. What is
 * binary is parsed in memcached_binary.c. One request of text is a line
 * and, for storage commands, a block of data behind it; both are taken whole. Which command takes
 * how many words, where its keys stand and whether a block follows is one table.
 */
#include "cacheengine/proto/memcached.h"

#include "base/clock.h"
#include "cacheengine/proto/memcached_binary.h"
#include "cacheengine/proto/memcached_meta.h"
#include "cacheengine/proto/memcached_watch.h"
#include "cacheengine/proto/protocol.h"

#include <stdlib.h>

#define LINE_MAX_BYTES 2048 /* a longer line can only be a get of many keys */
#define ANY_NUMBER     UINT32_MAX

/* Of clients of a serverless cache, with its end. */
#define SERVERLESS_LINE_MAX_BYTES 16384

#define NODE_ONLY  true
#define EVERYWHERE false

enum body { NO_BODY, ITEM_BODY, CONFIG_BODY, META, META_BODY };

struct mc_command {
    const char *name;
    uint32_t min_words, max_words; /* the name included */
    uint32_t key_at;               /* the word that is the (first) key; 0 = none */
    bool has_many_keys;
    enum body body;
    void (*run)(struct cmd_call *c);
    bool is_node_only; /* serverless caches have it not: it sets the engine, or shows its inside */
};

static const struct mc_command commands[] = {
    {"get",            2, ANY_NUMBER, 1, true,  NO_BODY,     mc_run_get,           EVERYWHERE},
    {"set",            5, 6,          1, false, ITEM_BODY,   mc_run_set,           EVERYWHERE},
    {"gets",           2, ANY_NUMBER, 1, true,  NO_BODY,     mc_run_gets,          EVERYWHERE},
    {"add",            5, 6,          1, false, ITEM_BODY,   mc_run_add,           EVERYWHERE},
    {"replace",        5, 6,          1, false, ITEM_BODY,   mc_run_replace,       EVERYWHERE},
    {"append",         5, 6,          1, false, ITEM_BODY,   mc_run_append,        EVERYWHERE},
    {"prepend",        5, 6,          1, false, ITEM_BODY,   mc_run_prepend,       EVERYWHERE},
    {"cas",            6, 7,          1, false, ITEM_BODY,   mc_run_cas,           EVERYWHERE},
    {"incr",           3, 4,          1, false, NO_BODY,     mc_run_incr,          EVERYWHERE},
    {"decr",           3, 4,          1, false, NO_BODY,     mc_run_decr,          EVERYWHERE},
    {"delete",         2, 4,          1, false, NO_BODY,     mc_run_delete,        EVERYWHERE},
    {"touch",          3, 4,          1, false, NO_BODY,     mc_run_touch,         EVERYWHERE},
    {"gat",            2, ANY_NUMBER, 2, true,  NO_BODY,     mc_run_gat,           EVERYWHERE},
    {"gats",           2, ANY_NUMBER, 2, true,  NO_BODY,     mc_run_gats,          EVERYWHERE},
    {"bget",           2, ANY_NUMBER, 1, true,  NO_BODY,     mc_run_get,           EVERYWHERE},
    {"mg",             2, ANY_NUMBER, 1, false, META,        mc_run_mg,            EVERYWHERE},
    {"ms",             2, ANY_NUMBER, 1, false, META_BODY,   mc_run_ms,            EVERYWHERE},
    {"md",             2, ANY_NUMBER, 1, false, META,        mc_run_md,            EVERYWHERE},
    {"ma",             2, ANY_NUMBER, 1, false, META,        mc_run_ma,            EVERYWHERE},
    {"mn",             1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_mn,            EVERYWHERE},
    {"me",             1, ANY_NUMBER, 1, false, META,        mc_run_me,            NODE_ONLY },
    {"watch",          1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_watch,         NODE_ONLY },
    {"slabs",          2, ANY_NUMBER, 0, false, NO_BODY,     mc_run_slabs,         NODE_ONLY },
    {"lru",            3, ANY_NUMBER, 0, false, NO_BODY,     mc_run_lru,           NODE_ONLY },
    {"lru_crawler",    2, ANY_NUMBER, 0, false, NO_BODY,     mc_run_crawler,       NODE_ONLY },
    {"refresh_certs",  1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_refresh_certs, NODE_ONLY },
    {"debugtime",      2, ANY_NUMBER, 0, false, NO_BODY,     mc_run_debug_time,    NODE_ONLY },
    {"stats",          1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_stats,         EVERYWHERE},
    {"version",        1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_version,       EVERYWHERE},
    {"config",         3, 6,          0, false, CONFIG_BODY, mc_run_config,        EVERYWHERE},
    {"flush_all",      1, 3,          0, false, NO_BODY,     mc_run_flush_all,     EVERYWHERE},
    {"verbosity",      2, 3,          0, false, NO_BODY,     mc_run_verbosity,     NODE_ONLY },
    {"cache_memlimit", 2, 3,          0, false, NO_BODY,     mc_run_memlimit,      NODE_ONLY },
    {"shutdown",       1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_shutdown,      NODE_ONLY },
    {"quit",           1, ANY_NUMBER, 0, false, NO_BODY,     mc_run_quit,          EVERYWHERE},
};

/* One request while it is parsed. */
struct request {
    struct client *client;
    const struct engine *engine;
    struct parse_state *state;
    struct str in;
    struct cmd_call *call;
    size_t used; /* bytes taken so far: the line */
};

static enum parse_result finish(struct request *q, void (*run)(struct cmd_call *c))
{
    q->call->run = run;
    q->call->input_end = q->used;
    return PARSE_CALL;
}

static enum parse_result fail(struct request *q, const char *problem)
{
    q->call->problem = problem;
    return finish(q, mc_run_problem);
}

/* What is no request at all is answered even to who wants no replies. */
static enum parse_result fail_request(struct request *q)
{
    return finish(q, mc_run_error);
}

/* ---- lines ---- */

static const struct mc_command *command_of(struct str name)
{
    for (size_t i = 0; i < countof(commands); i++)
        if (commands[i].name[0] == name.ptr[0] && str_is(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static size_t spaces_in(struct str line)
{
    size_t n = 0;

    for (size_t i = 0; i < line.len; i++)
        n += line.ptr[i] == ' ';
    return n;
}

/* A get of many keys may be as long as it likes; nothing else may. */
static bool may_grow(struct str in)
{
    size_t lead = 0;

    while (lead < in.len && in.ptr[lead] == ' ')
        lead++;
    in = (struct str){in.ptr + lead, in.len - lead};
    return lead <= 100 && (str_starts(in, "get ") || str_starts(in, "gets "));
}

/* Takes the line off the front, without its end; false when it has not arrived. */
static bool take_line(struct request *q, struct str *line)
{
    size_t from = q->state->scanned < q->in.len ? q->state->scanned : 0;
    const char *eol = memchr(q->in.ptr + from, '\n', q->in.len - from);

    if (!eol) {
        q->state->scanned = q->in.len;
        return false;
    }
    *line = (struct str){q->in.ptr, (size_t)(eol - q->in.ptr)};
    q->used = line->len + 1;
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    /* Words end at a NUL, as they do for memcached. */
    size_t nul = str_find(*line, '\0');
    if (nul < line->len)
        line->len = nul;
    return true;
}

/* ---- keys ---- */

static void hash_keys(struct request *q, const struct mc_command *cmd, struct parse_room *room)
{
    struct cmd_call *call = q->call;
    uint32_t count = cmd->has_many_keys ? call->argc - cmd->key_at : 1;

    parse_keys(q->engine, room, call, cmd->key_at, 1, count);
}

/* ---- blocks of data ---- */

/* Refuses a block: its bytes are skipped as they come. */
static enum parse_result skip_block(struct request *q, uint64_t bytes,
                                    void (*run)(struct cmd_call *c))
{
    struct mc_session *s = q->client->protocol_state;

    s->to_skip = bytes;
    return finish(q, run);
}

/* Takes the block that follows the line as the last argument; `run_bad` says what is wrong with it.
 */
static enum parse_result take_block(struct request *q, size_t len, void (*run)(struct cmd_call *c),
                                    void (*run_bad)(struct cmd_call *c))
{
    size_t end = q->used + len + 2;
    const char *block = q->in.ptr + q->used;

    if (q->in.len < end) {
        q->state->want = end;
        return PARSE_MORE;
    }
    q->call->argv[q->call->argc++] = (struct str){block, len};
    q->used = end;
    if (block[len] == '\r' && block[len + 1] == '\n')
        return finish(q, run);
    q->call->problem = "CLIENT_ERROR bad data chunk";
    return finish(q, run_bad);
}

static enum parse_result parse_item(struct request *q, const struct mc_command *cmd)
{
    const struct str *argv = q->call->argv;
    uint32_t flags;
    int32_t exptime, len;
    uint64_t cas;

    if (argv[1].len > MC_KEY_MAX || !mc_read_u32(argv[2], &flags) ||
        !mc_read_i32(argv[3], &exptime) || !mc_read_i32(argv[4], &len) || len < 0 ||
        len > INT32_MAX - 2)
        return fail(q, MC_BAD_FORMAT);
    if (cmd->run == mc_run_cas && !mc_read_u64(argv[5], &cas))
        return fail(q, MC_BAD_FORMAT);
    if (!mc_item_fits(q->engine, argv[1].len, flags, (size_t)len))
        return skip_block(q, (uint64_t)len + 2, mc_run_too_large);
    return take_block(q, (size_t)len, cmd->run, mc_run_problem_body);
}

/* "config get NAME", "config set NAME FLAGS BYTES", "config delete NAME". */
static enum parse_result parse_config(struct request *q)
{
    const struct str *argv = q->call->argv;
    uint32_t flags;
    int32_t len;

    if (!str_is(argv[1], "set"))
        return q->call->argc <= 4 ? finish(q, mc_run_config) : fail_request(q);
    if (q->call->argc < 5)
        return fail_request(q);
    if (argv[2].len > MC_KEY_MAX || !mc_read_u32(argv[3], &flags) || !mc_read_i32(argv[4], &len) ||
        len < 0)
        return fail(q, MC_BAD_FORMAT);
    if (len > MC_CONFIG_MAX) {
        q->call->problem = "SERVER_ERROR object too large for cache";
        return skip_block(q, (uint64_t)len + 2, mc_run_problem);
    }
    return take_block(q, (size_t)len, mc_run_config_set, mc_run_problem_body);
}

/* ---- meta commands ---- */

static enum parse_result fail_meta(struct request *q, const char *problem)
{
    q->call->problem = problem;
    return finish(q, mc_run_meta_problem);
}

/* "ms KEY LENGTH FLAGS...": what is wrong in front of the flags is no block's beginning. */
static enum parse_result parse_meta_item(struct request *q)
{
    const struct str *argv = q->call->argv;
    struct mc_meta meta;
    enum mc_mode mode;
    int32_t len;

    if (argv[1].len > MC_KEY_MAX || q->call->argc == 2)
        return fail_meta(q, MC_BAD_FORMAT);
    if (q->call->argc > MC_META_WORDS)
        return fail_meta(q, "CLIENT_ERROR options flags too long");
    if (!mc_read_i32(argv[2], &len) || len < 0 || len > INT32_MAX - 2)
        return fail_meta(q, MC_BAD_FORMAT);
    q->call->problem = mc_meta_read_store(q->call, q->call->argc, &meta, &mode);
    if (q->call->problem)
        return skip_block(q, (uint64_t)len + 2, mc_run_meta_problem);
    if (!mc_item_fits(q->engine, argv[1].len, meta.flags, (size_t)len))
        return skip_block(q, (uint64_t)len + 2, mc_run_ms_too_large);
    return take_block(q, (size_t)len, mc_run_ms, mc_run_meta_problem);
}

/* ---- who has not logged in ---- */

/* A set of whatever key, whose block is "user password"; nothing else is looked at. */
static enum parse_result parse_login(struct request *q)
{
    const struct str *argv = q->call->argv;
    uint32_t len;

    if (q->call->argc < 5 || !str_is(argv[0], "set") || !mc_read_u32(argv[4], &len))
        return finish(q, mc_run_log_in);
    if (len > LINE_MAX_BYTES)
        return skip_block(q, (uint64_t)len + 2, mc_run_log_in);
    q->call->problem = NULL;
    return take_block(q, len, mc_run_log_in, mc_run_log_in);
}

static bool must_log_in(const struct request *q)
{
    const struct mc_session *s = q->client->protocol_state;

    return *q->engine->settings.memcached_auth_file && !s->is_authenticated && !q->client->is_admin;
}

/* ---- requests ---- */

/* What a browser says to whom it takes for a web server: such a client is not answered. */
static bool is_web(const struct cmd_call *call)
{
    return call->argc > 1 && str_starts(call->argv[call->argc - 1], "HTTP/");
}

static enum parse_result parse_words(struct request *q, struct parse_room *room)
{
    struct cmd_call *call = q->call;
    const struct mc_command *cmd;

    if (__builtin_expect(must_log_in(q), 0))
        return parse_login(q);
    if (call->argc == 0 || call->argv[0].len < 2)
        return fail_request(q);
    cmd = command_of(call->argv[0]);
    if (!cmd && is_web(call))
        return finish(q, mc_run_close);
    if (!cmd || call->argc < cmd->min_words || call->argc > cmd->max_words)
        return fail_request(q);
    if (cmd->is_node_only && mc_is_serverless(q->engine, q->client))
        return fail_request(q);
    if (cmd->body >= META)
        mc_meta_decode_key(call, room->arena);
    if (cmd->key_at && call->argc > cmd->key_at)
        hash_keys(q, cmd, room);
    if (cmd->body == ITEM_BODY)
        return parse_item(q, cmd);
    if (cmd->body == CONFIG_BODY)
        return parse_config(q);
    if (cmd->body == META_BODY)
        return parse_meta_item(q);
    return finish(q, cmd->run);
}

/* Skips what is left of a refused line, up to its end. */
static enum parse_result skip_line(struct mc_session *s, struct str in, size_t *used)
{
    const char *eol = memchr(in.ptr, '\n', in.len);

    *used = eol ? (size_t)(eol - in.ptr) + 1 : in.len;
    s->to_skip = eol ? 0 : MC_WHOLE_LINE;
    return PARSE_NONE;
}

/* Skips what is left of a refused block, or line. */
static enum parse_result skip(struct mc_session *s, struct str in, size_t *used)
{
    if (s->to_skip == MC_WHOLE_LINE)
        return skip_line(s, in, used);
    *used = in.len < s->to_skip ? in.len : (size_t)s->to_skip;
    s->to_skip -= *used;
    return PARSE_NONE;
}

/* Refuses a line of which so many bytes are there; the connection goes on behind its end. */
static enum parse_result refuse_line(struct request *q, size_t bytes, bool is_whole)
{
    struct mc_session *s = q->client->protocol_state;

    q->used = bytes;
    s->to_skip = is_whole ? 0 : MC_WHOLE_LINE;
    return fail_meta(q, "CLIENT_ERROR line of more than 16 KB");
}

static enum parse_result parse_line(struct request *q, struct parse_room *room)
{
    struct str line = {0};

    if (!take_line(q, &line)) {
        if (q->in.len >= SERVERLESS_LINE_MAX_BYTES && may_grow(q->in) &&
            mc_is_serverless(q->engine, q->client))
            return refuse_line(q, q->in.len, false);
        if (q->in.len <= LINE_MAX_BYTES || may_grow(q->in))
            return PARSE_MORE;
        q->used = q->in.len;
        return finish(q, mc_run_close);
    }
    if (q->used > SERVERLESS_LINE_MAX_BYTES && mc_is_serverless(q->engine, q->client))
        return refuse_line(q, q->used, true);
    /* One more word than the line can have, for a block behind it. */
    q->call->argv = parse_args(room, spaces_in(line) + 2);
    q->call->argc = mc_split(line, q->call->argv);
    return parse_words(q, room);
}

/* The first byte of a connection says which protocol it speaks, where both are. */
static struct mc_session *session_begin(struct client *c, const struct engine *e, char first)
{
    struct mc_session *s = calloc(1, sizeof(*s));

    check(s);
    s->is_binary = (uint8_t)first == MCB_REQUEST;
    if (mc_is_serverless(e, c))
        s->is_binary = false;
    else if (!c->is_admin && *e->settings.memcached_sasl_users)
        s->is_binary = true;
    else if (!c->is_admin && e->settings.memcached_binding != MC_BINDING_AUTO)
        s->is_binary = e->settings.memcached_binding == MC_BINDING_BINARY;
    c->protocol_state = s;
    return s;
}

static enum parse_result memcached_parse(struct client *c, struct engine *e,
                                         struct parse_state *state, struct str in,
                                         struct parse_room *room, struct cmd_call *out,
                                         size_t *used)
{
    struct mc_session *s = c->protocol_state;
    struct request q = {.client = c, .engine = e, .state = state, .in = in, .call = out};

    if (in.len == 0)
        return PARSE_MORE;
    if (__builtin_expect(!s, 0)) {
        s = session_begin(c, e, in.ptr[0]);
        /* A client of the binary protocol would wait for ever: it sends no end of a line. */
        if ((uint8_t)in.ptr[0] == MCB_REQUEST && mc_is_serverless(e, c)) {
            q.used = *used = in.len;
            return finish(&q, mc_run_close);
        }
    }
    if (__builtin_expect(s->is_watcher, 0)) {
        *used = in.len;
        return PARSE_NONE;
    }
    if (__builtin_expect(s->to_skip != 0, 0))
        return skip(s, in, used);
    if (s->is_binary)
        return mcb_parse(c, e, state, in, room, out, used);
    if (in.len < state->want)
        return PARSE_MORE;
    enum parse_result result = parse_line(&q, room);
    if (result == PARSE_CALL)
        *used = q.used;
    return result;
}

/* ---- the protocol ---- */

static void memcached_refuse(struct reply *r)
{
    reply_literal(r, "ERROR Too many open connections\r\n");
}

static void memcached_refuse_plain(struct reply *r)
{
    reply_literal(r, "SERVER_ERROR this port takes TLS connections only\r\n");
}

/*
 * What loads a snapshot counts cas numbers from the present microsecond on. Others that were given
 * out of the same items, before the snapshot or since, are smaller: nobody gets that far who counts
 * one at a time. So none of them fits what was loaded.
 */
static uint64_t first_cas(const struct engine *e)
{
    return *e->settings.seed_files ? (uint64_t)clock_wall_ms(&clock_system) * 1000 : 0;
}

/* As memcached begins. */
static const struct mc_tuning tuning_at_start = {
    .crawl_sleep_us = 100,
    .slab_automove_ratio = 0.8,
    .hot_percent = 20,
    .warm_percent = 40,
    .hot_factor = 0.2,
    .warm_factor = 2,
};

static void memcached_init(struct engine *e)
{
    struct mc_state *s = calloc(1, sizeof(*s));

    check(s);
    s->last_cas = first_cas(e);
    s->verbosity = (uint32_t)e->settings.memcached_verbosity;
    s->counts_prefixes = e->settings.memcached_counts_prefixes;
    s->tuning = tuning_at_start;
    s->tuning.has_crawler = e->settings.memcached_has_crawler;
    e->protocol_state = s;
    mc_watch_init(e);
    keyspace_note_reads(&e->keyspace);
}

static void memcached_fini(struct engine *e)
{
    struct mc_state *s = e->protocol_state;

    for (size_t i = 0; s && i < MC_CONFIGS; i++)
        mc_config_clear(&s->configs[i]);
    if (s)
        mc_prefixes_free(s->prefixes);
    free(s);
    e->client_came = e->client_gone = NULL;
    e->protocol_state = NULL;
}

const struct protocol protocol_memcached = {
    .name = "memcached",
    .parse = memcached_parse,
    .refuse_client = memcached_refuse,
    .refuse_plain = memcached_refuse_plain,
    .init = memcached_init,
    .fini = memcached_fini,
};
