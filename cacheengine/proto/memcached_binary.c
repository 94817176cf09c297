/*
 * The binary protocol of memcached: from bytes to calls. What a request of an opcode must look like
 * is one table; what does not is answered, and mostly ends the connection, as memcached does it.
 *
 * Who may do what is known when a call runs and not before: in the same read there may be a
 * client's password in front of it. So the check is in the one `run` of all calls.
 */
#include "cacheengine/proto/memcached_binary.h"

#define MECHANISM_MAX 32 /* bytes of a SASL mechanism's name */

#define NOTHING true
#define MORE    false
#define VALUE   (MCB_TAKES_VALUE | MCB_LIMITED)

static const struct mcb_command commands[] = {
    [0x00] = {mcb_get,             0,  false, MCB_KEY,     NOTHING, 0,                                   0         },
    [0x01] = {mcb_store,           8,  false, MCB_KEY,     MORE,    VALUE,                               MC_SET    },
    [0x02] = {mcb_store,           8,  false, MCB_KEY,     MORE,    VALUE,                               MC_ADD    },
    [0x03] = {mcb_store,           8,  false, MCB_KEY,     MORE,    VALUE,                               MC_REPLACE},
    [0x04] = {mcb_delete,          0,  false, MCB_KEY,     NOTHING, 0,                                   0         },
    [0x05] = {mcb_change,          20, false, MCB_KEY,     NOTHING, 0,                                   0         },
    [0x06] = {mcb_change,          20, false, MCB_KEY,     NOTHING, MCB_DOWN,                            0         },
    [0x07] = {mcb_quit,            0,  false, MCB_NO_KEY,  NOTHING, 0,                                   0         },
    [0x08] = {mcb_flush,           4,  true,  MCB_NO_KEY,  NOTHING, 0,                                   0         },
    [0x09] = {mcb_get,             0,  false, MCB_KEY,     NOTHING, MCB_QUIET,                           0         },
    [0x0a] = {mcb_noop,            0,  false, MCB_NO_KEY,  NOTHING, 0,                                   0         },
    [0x0b] = {mcb_version,         0,  false, MCB_NO_KEY,  NOTHING, MCB_UNCHECKED,                       0         },
    [0x0c] = {mcb_get,             0,  false, MCB_KEY,     NOTHING, MCB_KEYED,                           0         },
    [0x0d] = {mcb_get,             0,  false, MCB_KEY,     NOTHING, MCB_KEYED | MCB_QUIET,               0         },
    [0x0e] = {mcb_extend,          0,  false, MCB_KEY,     MORE,    VALUE,                               MC_APPEND },
    [0x0f] = {mcb_extend,          0,  false, MCB_KEY,     MORE,    VALUE,                               MC_PREPEND},
    [0x10] = {mcb_stats,           0,  false, MCB_ANY_KEY, MORE,    0,                                   0         },
    [0x11] = {mcb_store,           8,  false, MCB_KEY,     MORE,    VALUE | MCB_QUIET,                   MC_SET    },
    [0x12] = {mcb_store,           8,  false, MCB_KEY,     MORE,    VALUE | MCB_QUIET,                   MC_ADD    },
    [0x13] = {mcb_store,           8,  false, MCB_KEY,     MORE,    VALUE | MCB_QUIET,                   MC_REPLACE},
    [0x14] = {mcb_delete,          0,  false, MCB_KEY,     NOTHING, MCB_QUIET,                           0         },
    [0x15] = {mcb_change,          20, false, MCB_KEY,     NOTHING, MCB_QUIET,                           0         },
    [0x16] = {mcb_change,          20, false, MCB_KEY,     NOTHING, MCB_QUIET | MCB_DOWN,                0         },
    [0x17] = {mcb_quit,            0,  false, MCB_NO_KEY,  NOTHING, MCB_QUIET,                           0         },
    [0x18] = {mcb_flush,           4,  true,  MCB_NO_KEY,  NOTHING, MCB_QUIET,                           0         },
    [0x19] = {mcb_extend,          0,  false, MCB_KEY,     MORE,    VALUE | MCB_QUIET,                   MC_APPEND },
    [0x1a] = {mcb_extend,          0,  false, MCB_KEY,     MORE,    VALUE | MCB_QUIET,                   MC_PREPEND},
    [0x1c] = {mcb_get,             4,  false, MCB_KEY,     MORE,    MCB_TOUCHES | MCB_VALUELESS,         0         },
    [0x1d] = {mcb_get,             4,  false, MCB_KEY,     MORE,    MCB_TOUCHES,                         0         },
    [0x1e] = {mcb_get,             4,  false, MCB_KEY,     MORE,    MCB_TOUCHES | MCB_QUIET,             0         },
    [0x20] = {mcb_list_mechanisms, 0,  false, MCB_NO_KEY,  NOTHING, MCB_UNCHECKED,                       0         },
    [0x21] = {mcb_authenticate,    0,  false, MCB_KEY,     MORE,    MCB_UNCHECKED | MCB_TAKES_VALUE,     0         },
    [0x22] = {mcb_authenticate,    0,  false, MCB_KEY,     MORE,    MCB_UNCHECKED | MCB_TAKES_VALUE,     0         },
    [0x23] = {mcb_get,             4,  false, MCB_KEY,     MORE,    MCB_TOUCHES | MCB_KEYED,             0         },
    [0x24] = {mcb_get,             4,  false, MCB_KEY,     MORE,    MCB_TOUCHES | MCB_KEYED | MCB_QUIET, 0         },
    [0x60] = {mcb_config_get,      0,  false, MCB_KEY,     NOTHING, 0,                                   0         },
    [0x64] = {mcb_config_set,      8,  true,  MCB_KEY,     MORE,    MCB_TAKES_VALUE,                     0         },
    [0x66] = {mcb_config_delete,   0,  false, MCB_KEY,     NOTHING, 0,                                   0         },
};

const struct mcb_command *mcb_command_of(uint8_t opcode)
{
    return opcode < countof(commands) && commands[opcode].run ? &commands[opcode] : NULL;
}

/* ---- running ---- */

static bool is_let_in(struct cmd_call *c, bool is_unchecked)
{
    if (__builtin_expect(*c->engine->settings.memcached_sasl_users == '\0', 1))
        return true;
    if (is_unchecked || mc_session(c)->is_authenticated || c->client->is_admin)
        return true;
    mcb_fail(c, MCB_AUTH_ERROR);
    c->client->is_closing = true;
    return false;
}

static void run(struct cmd_call *c)
{
    const struct mcb_command *cmd = &commands[mcb_opcode(c)];

    mc_begin(c);
    if (is_let_in(c, cmd->traits & MCB_UNCHECKED))
        cmd->run(c, cmd);
    mc_end(c);
}

static bool is_unchecked(const struct cmd_call *c)
{
    const struct mcb_command *cmd = mcb_command_of(mcb_opcode(c));

    return cmd && cmd->traits & MCB_UNCHECKED;
}

static void refuse(struct cmd_call *c, enum mcb_status status, bool closes)
{
    mc_begin(c);
    if (is_let_in(c, is_unchecked(c))) {
        mcb_fail(c, status);
        c->client->is_closing |= closes;
        mc_session(c)->is_at_fault |= closes;
    }
    mc_end(c);
}

static void run_unknown(struct cmd_call *c)
{
    refuse(c, MCB_UNKNOWN, false);
}

static void run_invalid(struct cmd_call *c)
{
    refuse(c, MCB_INVALID, true);
}

/* A mechanism's name that is none. */
static void run_no_mechanism(struct cmd_call *c)
{
    refuse(c, *c->engine->settings.memcached_sasl_users ? MCB_INVALID : MCB_UNKNOWN, false);
}

static void run_no_room(struct cmd_call *c)
{
    refuse(c, *c->engine->settings.memcached_sasl_users ? MCB_NO_MEMORY : MCB_UNKNOWN, false);
}

/* Lengths that contradict one another are seen before anybody is asked who he is. */
static void run_malformed(struct cmd_call *c)
{
    mc_begin(c);
    mcb_fail(c, MCB_UNKNOWN);
    c->client->is_closing = true;
    mc_end(c);
}

static void run_too_large(struct cmd_call *c)
{
    const struct mcb_command *cmd = &commands[mcb_opcode(c)];

    mc_begin(c);
    if (is_let_in(c, false) && mcb_may_write(c)) {
        mc_state(c)->counters.too_large++;
        /* Whoever failed to overwrite a value must not be given the old one. */
        if (cmd->run == mcb_store && cmd->mode == MC_SET &&
            db_delete(c->db, call_key(c, 1), c->ks->settings->lazy_user_del))
            call_changed(c, call_key(c, 1), EVENT_GENERIC, "del");
        mcb_fail(c, MCB_TOO_LARGE);
    }
    mc_end(c);
}

/* ---- parsing ---- */

/* One request while it is parsed. */
struct request {
    struct cmd_call *call;
    struct mc_session *session;
    struct str in;
    size_t front; /* bytes of head, extras and key */
    uint8_t extras_len;
    uint16_t key_len;
    uint32_t value_len; /* what the lengths leave for it */
};

static enum parse_result finish(struct request *q, size_t end, void (*runs)(struct cmd_call *c),
                                size_t *used)
{
    q->call->run = runs;
    *used = end;
    return PARSE_CALL;
}

/* Refuses what has a value: that is skipped as it comes. */
static enum parse_result skip_value(struct request *q, void (*runs)(struct cmd_call *c),
                                    size_t *used)
{
    q->session->to_skip = q->value_len;
    return finish(q, q->front, runs, used);
}

static bool fits_shape(const struct request *q, const struct mcb_command *cmd)
{
    if (q->extras_len != cmd->extras && !(cmd->may_lack_extras && q->extras_len == 0))
        return false;
    if (cmd->key != MCB_ANY_KEY && (q->key_len > 0) != (cmd->key == MCB_KEY))
        return false;
    return !cmd->is_exact || q->value_len == 0;
}

/* What is too large for what it is for; NULL: it is not. */
static void (*too_large_for(const struct request *q, const struct mcb_command *cmd,
                            const struct engine *e))(struct cmd_call *c)
{
    uint32_t flags = cmd->run == mcb_store ? mcb_u32(q->in.ptr + MCB_HEAD) : 0;

    if (cmd->traits & MCB_LIMITED)
        return mc_item_fits(e, q->key_len, flags, q->value_len) ? NULL : run_too_large;
    if (cmd->run == mcb_config_set)
        return q->value_len <= MC_CONFIG_MAX ? NULL : run_too_large;
    if (q->key_len > MECHANISM_MAX)
        return run_no_mechanism;
    return q->value_len <= MCB_SASL_MAX ? NULL : run_no_room;
}

static enum parse_result take_value(struct request *q, const struct mcb_command *cmd,
                                    const struct engine *e, struct parse_state *state, size_t *used)
{
    size_t end = q->front + q->value_len;
    void (*too_large)(struct cmd_call * c) = too_large_for(q, cmd, e);

    if (too_large)
        return skip_value(q, too_large, used);
    if (q->in.len < end) {
        state->want = end;
        return PARSE_MORE;
    }
    q->call->argv[q->call->argc++] = (struct str){q->in.ptr + q->front, q->value_len};
    return finish(q, end, run, used);
}

static enum parse_result parse_command(struct request *q, struct engine *e,
                                       struct parse_state *state, struct parse_room *room,
                                       size_t *used)
{
    const struct mcb_command *cmd = mcb_command_of((uint8_t)q->in.ptr[1]);

    if (q->key_len > MC_KEY_MAX)
        return finish(q, q->front, run_invalid, used);
    if (!cmd)
        return skip_value(q, run_unknown, used);
    if (!fits_shape(q, cmd))
        return finish(q, q->front, run_invalid, used);
    if (cmd->key == MCB_KEY)
        parse_keys(e, room, q->call, 1, 1, 1);
    if (cmd->traits & MCB_TAKES_VALUE)
        return take_value(q, cmd, e, state, used);
    return finish(q, q->front, run, used);
}

enum parse_result mcb_parse(struct client *c, struct engine *e, struct parse_state *state,
                            struct str in, struct parse_room *room, struct cmd_call *out,
                            size_t *used)
{
    struct request q = {.call = out, .session = c->protocol_state, .in = in};
    uint32_t body_len;

    if ((uint8_t)in.ptr[0] != MCB_REQUEST)
        return finish(&q, in.len, mc_run_close, used);
    if (in.len < MCB_HEAD || in.len < state->want)
        return PARSE_MORE;
    q.extras_len = (uint8_t)in.ptr[4];
    q.key_len = (uint16_t)((uint8_t)in.ptr[2] << 8 | (uint8_t)in.ptr[3]);
    body_len = mcb_u32(in.ptr + 8);
    q.front = (size_t)MCB_HEAD + q.extras_len + q.key_len;
    if (in.len < q.front)
        return PARSE_MORE;
    out->argv = parse_args(room, 3);
    out->argv[0] = (struct str){in.ptr, MCB_HEAD + (size_t)q.extras_len};
    out->argv[1] = (struct str){in.ptr + MCB_HEAD + q.extras_len, q.key_len};
    out->argc = 2;
    if ((uint32_t)q.extras_len + q.key_len > body_len)
        return finish(&q, q.front, run_malformed, used);
    q.value_len = body_len - q.extras_len - q.key_len;
    return parse_command(&q, e, state, room, used);
}
