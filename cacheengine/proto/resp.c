/*
 * RESP: arrays of bulk strings, and inline commands. The one idea: a request that is not complete
 * is remembered only as a place up to which everything is sound (`scanned`, `items`); when the rest
 * has come, it is read once more from the front, so nothing points into a buffer that moves.
 */
#include "base/command.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/proto/protocol.h"

#define LINE_MAX_BYTES 65536 /* of inline requests and of counts */
#define UNTRUSTED_ARGS 10    /* before AUTH */
#define UNTRUSTED_BULK 16384
#define ARGS_MAX       INT32_MAX
#define ARG_BYTES_MIN  6 /* "$0\r\n\r\n" */

static void run_problem(struct cmd_call *call)
{
    reply_errorf(call->reply, "ERR Protocol error: %s", call->problem);
    engine_count_error(call->engine, call->reply->error_code);
    call->client->is_closing = true;
}

/* Makes the call that says what is wrong and ends the connection; all that came is used up. */
static enum parse_result problem(struct str in, struct cmd_call *out, const char *text,
                                 size_t *used)
{
    out->run = run_problem;
    out->problem = text;
    *used = in.len;
    return PARSE_CALL;
}

enum scan_result { SCAN_DONE, SCAN_MORE, SCAN_BAD };

/* What one walk over a request works with. */
struct scan {
    struct client *client;
    struct engine *engine;
    struct arena *arena; /* of the batch */
    struct str in;
    size_t at;
    const char *bad; /* what is wrong, for SCAN_BAD */
    size_t want;
};

/* Says what a head that is not sound at once really is: not all there yet, or wrong. */
static enum scan_result judge_head(struct scan *s, char letter, const char *too_long,
                                   const char *wrong)
{
    const char *line = s->in.ptr + s->at, *end = s->in.ptr + s->in.len;
    const char *cr = memchr(line, '\r', (size_t)(end - line));

    /* A NUL hides what is behind it, as it always did. */
    if (cr && memchr(line, 0, (size_t)(cr - line)))
        cr = NULL;
    if (!cr && end - line > LINE_MAX_BYTES)
        s->bad = too_long;
    else if (!cr || cr + 1 >= end)
        return SCAN_MORE;
    else if (*line != letter)
        s->bad = arena_printf(s->arena, "expected '%c', got '%c'", letter, *line);
    else
        s->bad = wrong;
    return SCAN_BAD;
}

/* Reads "<letter><number>\r\n" at s->at and moves behind it. */
static enum scan_result scan_head(struct scan *s, char letter, int64_t *out, const char *too_long,
                                  const char *wrong)
{
    const char *p = s->in.ptr + s->at, *end = s->in.ptr + s->in.len;
    int64_t v = 0;
    int digits = 0;

    if (p < end && *p == letter)
        p++;
    else
        return judge_head(s, letter, too_long, wrong);
    bool is_negative = p < end && *p == '-';
    p += is_negative;
    bool has_zero = p < end && *p == '0';
    for (; p < end && *p >= '0' && *p <= '9' && digits < 18; p++, digits++)
        v = v * 10 + (*p - '0');
    if (end - p < 2 || digits == 0 || *p != '\r' || (has_zero && digits + is_negative > 1))
        return judge_head(s, letter, too_long, wrong);
    *out = is_negative ? -v : v;
    s->at = (size_t)(p + 2 - s->in.ptr);
    return SCAN_DONE;
}

/* Reads one "$<len>\r\n<bytes>\r\n" and moves behind it. */
static enum scan_result scan_bulk(struct scan *s, struct str *out)
{
    size_t start = s->at;
    int64_t len;

    enum scan_result r =
        scan_head(s, '$', &len, "too big bulk count string", "invalid bulk length");
    if (r != SCAN_DONE)
        return r;
    if (len < 0 || (len > s->engine->settings.bulk_limit && !s->client->is_primary)) {
        s->bad = "invalid bulk length";
        return SCAN_BAD;
    }
    if (len > UNTRUSTED_BULK && !s->client->is_authenticated) {
        s->bad = "unauthenticated bulk length";
        return SCAN_BAD;
    }
    if (s->in.len - s->at < (size_t)len + 2) {
        s->want = s->at + (size_t)len + 2;
        s->at = start;
        return SCAN_MORE;
    }
    *out = (struct str){s->in.ptr + s->at, (size_t)len};
    s->at += (size_t)len + 2;
    return SCAN_DONE;
}

/* Tells the keys of the plain range, so that they are asked for before the command runs. */
static void tell_keys(const struct engine *e, struct parse_room *room, struct cmd_call *call)
{
    const struct command *cmd = call->cmd;
    int64_t last = cmd->last_key < 0 ? (int64_t)call->argc + cmd->last_key : cmd->last_key;

    if (cmd->first_key == 0 || cmd->first_key >= (int64_t)call->argc || cmd->key_step < 1)
        return;
    if (last >= (int64_t)call->argc)
        last = (int64_t)call->argc - 1;
    if (last < cmd->first_key)
        return;
    uint32_t count = (uint32_t)(last - cmd->first_key) / (uint32_t)cmd->key_step + 1;
    parse_keys(e, room, call, (uint32_t)cmd->first_key, (uint32_t)cmd->key_step, count);
}

/* Who streams its changes to this engine is not answered like others. */
static void (*runner_of(const struct client *c))(struct cmd_call *call)
{
    if (__builtin_expect(!(c->is_primary | c->is_importer), 1))
        return engine_run;
    return c->is_primary ? replica_run : moving_run;
}

static enum parse_result finish(struct scan *s, struct parse_room *room, struct cmd_call *out,
                                size_t *used)
{
    out->run = runner_of(s->client);
    out->cmd = engine_command(s->engine, s->client, out->argv, out->argc);
    if (out->cmd)
        tell_keys(s->engine, room, out);
    *used = s->at;
    return PARSE_CALL;
}

/* Walks on where an earlier look has ended, without keeping anything. */
static enum scan_result scan_rest(struct scan *s, struct parse_state *state)
{
    struct str arg;

    s->at = state->scanned;
    while (state->items > 0) {
        enum scan_result r = scan_bulk(s, &arg);

        if (r != SCAN_DONE)
            return r;
        state->scanned = s->at;
        state->items--;
    }
    return SCAN_DONE;
}

static enum parse_result more(const struct scan *s, struct parse_state *state)
{
    state->want = s->want;
    return PARSE_MORE;
}

/* Reads the count behind '*'. */
static enum scan_result scan_count(struct scan *s, int64_t *argc)
{
    s->at = 0;
    enum scan_result r =
        scan_head(s, '*', argc, "too big mbulk count string", "invalid multibulk length");
    if (r != SCAN_DONE)
        return r;
    if (*argc > ARGS_MAX)
        s->bad = "invalid multibulk length";
    else if (*argc > UNTRUSTED_ARGS && !s->client->is_authenticated)
        s->bad = "unauthenticated multibulk length";
    return s->bad ? SCAN_BAD : SCAN_DONE;
}

static enum parse_result parse_array(struct scan *s, struct parse_state *state,
                                     struct parse_room *room, struct cmd_call *out, size_t *used)
{
    enum scan_result r = SCAN_DONE;
    int64_t argc;

    if (state->scanned) {
        r = scan_rest(s, state);
        if (r == SCAN_MORE)
            return more(s, state);
    }
    if (r == SCAN_DONE)
        r = scan_count(s, &argc);
    if (r == SCAN_DONE && argc <= 0) {
        *used = s->at;
        return PARSE_NONE;
    }
    /* So little cannot be all: do not make room for what may never come. */
    if (r == SCAN_DONE && (s->in.len - s->at) / ARG_BYTES_MIN < (size_t)argc) {
        state->scanned = s->at;
        state->items = argc;
        r = scan_rest(s, state);
        check(r != SCAN_DONE);
    } else if (r == SCAN_DONE) {
        out->argc = (uint32_t)argc;
        out->argv = parse_args(room, (size_t)argc);
        state->scanned = s->at;
        for (int64_t i = 0; i < argc && r == SCAN_DONE; i++) {
            state->items = argc - i;
            state->scanned = s->at;
            r = scan_bulk(s, &out->argv[i]);
        }
    }
    if (r == SCAN_MORE)
        return more(s, state);
    if (r == SCAN_BAD)
        return problem(s->in, out, s->bad, used);
    return finish(s, room, out, used);
}

/* ---- inline requests ---- */

static enum parse_result parse_inline(struct scan *s, struct parse_state *state,
                                      struct parse_room *room, struct cmd_call *out, size_t *used)
{
    const char *lf = memchr(s->in.ptr + state->scanned, '\n', s->in.len - state->scanned);
    struct str *words;
    size_t count;

    if (!lf || memchr(s->in.ptr, 0, (size_t)(lf - s->in.ptr))) {
        if (s->in.len > LINE_MAX_BYTES)
            return problem(s->in, out, "too big inline request", used);
        state->scanned = lf ? 0 : s->in.len;
        return PARSE_MORE;
    }
    struct str line = {s->in.ptr, (size_t)(lf - s->in.ptr)};
    s->at = line.len + 1;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    struct err e = config_split(room->arena, line, &words, &count);
    if (err_failed(e))
        return problem(s->in, out, "unbalanced quotes in request", used);
    if (count == 0) {
        *used = s->at;
        return PARSE_NONE;
    }
    out->argv = words;
    out->argc = (uint32_t)count;
    return finish(s, room, out, used);
}

static enum parse_result resp_parse(struct client *c, struct engine *e, struct parse_state *state,
                                    struct str in, struct parse_room *room, struct cmd_call *out,
                                    size_t *used)
{
    struct scan s = {.client = c, .engine = e, .arena = room->arena, .in = in};

    state->want = 0;
    if (in.ptr[0] == '*')
        return parse_array(&s, state, room, out, used);
    return parse_inline(&s, state, room, out, used);
}

static void resp_refuse(struct reply *r)
{
    reply_error(r, "ERR max number of clients reached");
}

static void resp_refuse_plain(struct reply *r)
{
    reply_error(r, "ERR this port takes TLS connections only");
}

const struct protocol protocol_resp = {
    .name = "resp",
    .parse = resp_parse,
    .refuse_client = resp_refuse,
    .refuse_plain = resp_refuse_plain,
};
