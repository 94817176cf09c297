/* What memcached's binary protocol has beside items: version, noop, quit, flush, stat, the
 * cluster's configuration, SASL. */
#include "cacheengine/proto/memcached_binary.h"

#define SASL_AUTH 0x21 /* the opcode; the other is step */

void mcb_version(struct cmd_call *c, const struct mcb_command *cmd)
{
    (void)cmd;
    mcb_text(c, MCB_OK, c->engine->settings.memcached_version);
}

void mcb_noop(struct cmd_call *c, const struct mcb_command *cmd)
{
    mcb_done(c, cmd, 0);
}

void mcb_quit(struct cmd_call *c, const struct mcb_command *cmd)
{
    mcb_done(c, cmd, 0);
    c->client->is_closing = true;
}

void mcb_flush(struct cmd_call *c, const struct mcb_command *cmd)
{
    uint32_t exptime = c->argv[0].len > MCB_HEAD ? mcb_u32(c->argv[0].ptr + MCB_HEAD) : 0;

    if (!mcb_may_write(c))
        return;
    if (!c->engine->settings.memcached_may_flush) {
        mcb_fail(c, MCB_AUTH_ERROR);
        return;
    }
    mc_state(c)->counters.cmd_flush++;
    mc_flush(c, exptime);
    mcb_done(c, cmd, 0);
}

/* False when it was an error. */
static bool stat_detail(struct cmd_call *c, struct str kind)
{
    scoped(buf_fini) struct buf dump = BUF_EMPTY;

    if (str_starts(kind, "detail dump")) {
        mc_prefixes_dump(mc_state(c)->prefixes, &dump);
        mcb_stat(c, "detailed", buf_cstr(&dump));
    } else if (str_starts(kind, "detail on")) {
        mc_state(c)->counts_prefixes = true;
    } else if (str_starts(kind, "detail off")) {
        mc_state(c)->counts_prefixes = false;
    } else {
        mcb_fail(c, MCB_NOT_FOUND);
        return false;
    }
    return true;
}

void mcb_stats(struct cmd_call *c, const struct mcb_command *cmd)
{
    struct str kind = c->argv[1];

    (void)cmd;
    if (str_starts(kind, "detail")) {
        if (!stat_detail(c, kind))
            return;
    } else if (str_starts(kind, "reset")) {
        mc_stats_reset(c);
    } else if (str_starts(kind, "settings")) {
        (void)mc_stats_show(c, STR("settings"));
    } else if (str_is(kind, "conns") || !mc_stats_show(c, kind)) {
        mcb_fail(c, MCB_NOT_FOUND);
        return;
    }
    mcb_stat(c, NULL, NULL);
}

/* ---- the cluster's configuration ---- */

void mcb_config_get(struct cmd_call *c, const struct mcb_command *cmd)
{
    struct str data;
    uint32_t flags;

    (void)cmd;
    if (!mc_config_read(c, c->argv[1], &data, &flags)) {
        mcb_fail(c, MCB_NOT_FOUND);
        return;
    }
    struct mcb_answer a = {.extras_len = sizeof(flags), .value_len = data.len};
    char *to = mcb_head(reply_room(c->reply, MCB_HEAD + sizeof(flags) + data.len), c, &a);
    flags = htobe32(flags);
    memcpy(to, &flags, sizeof(flags));
    memcpy(to + sizeof(flags), data.ptr, data.len);
    c->reply->next = to + sizeof(flags) + data.len;
}

/* The two that follow are no commands to who may not use them. */
void mcb_config_set(struct cmd_call *c, const struct mcb_command *cmd)
{
    uint32_t flags = c->argv[0].len > MCB_HEAD ? mcb_u32(c->argv[0].ptr + MCB_HEAD) : 0;

    if (!mc_config_may_change(c))
        mcb_fail(c, MCB_UNKNOWN);
    else if (mc_config_put(c, c->argv[1], flags, c->argv[2]))
        mcb_done(c, cmd, 0);
    else
        mcb_text(c, MCB_NO_MEMORY, "Too many configuration entries");
}

void mcb_config_delete(struct cmd_call *c, const struct mcb_command *cmd)
{
    if (!mc_config_may_change(c))
        mcb_fail(c, MCB_UNKNOWN);
    else if (mc_config_remove(c, c->argv[1]))
        mcb_done(c, cmd, 0);
    else
        mcb_fail(c, MCB_NOT_FOUND);
}

/* ---- SASL ---- */

static bool has_sasl(const struct cmd_call *c)
{
    return *c->engine->settings.memcached_sasl_users != '\0';
}

/* Whoever asks for the mechanisms begins anew, as with memcached. */
void mcb_list_mechanisms(struct cmd_call *c, const struct mcb_command *cmd)
{
    (void)cmd;
    if (!has_sasl(c)) {
        mcb_fail(c, MCB_UNKNOWN);
        return;
    }
    mc_session(c)->is_authenticated = false;
    mcb_text(c, MCB_OK, "PLAIN");
}

/* What the message says: OK, CONTINUE when it is still to come, or ERROR. */
static enum mcb_status verdict(struct cmd_call *c, struct str message)
{
    struct mc_session *s = mc_session(c);

    if (mcb_opcode(c) == SASL_AUTH) {
        s->has_started_sasl = str_is_nocase(c->argv[1], "PLAIN");
        if (s->has_started_sasl && message.len == 0)
            return MCB_AUTH_CONTINUE;
    }
    if (!s->has_started_sasl)
        return MCB_AUTH_ERROR;
    s->has_started_sasl = false;
    return mc_sasl_plain_is_right(c->engine->settings.memcached_sasl_users, message)
               ? MCB_OK
               : MCB_AUTH_ERROR;
}

void mcb_authenticate(struct cmd_call *c, const struct mcb_command *cmd)
{
    struct mc_counters *n = &mc_state(c)->counters;

    (void)cmd;
    if (!has_sasl(c)) {
        mcb_fail(c, MCB_UNKNOWN);
        return;
    }
    mc_session(c)->is_authenticated = false;
    enum mcb_status status = verdict(c, c->argv[2]);
    if (status == MCB_AUTH_CONTINUE) {
        mcb_text(c, status, "");
        return;
    }
    n->auth_cmds++;
    n->auth_errors += status != MCB_OK;
    mc_session(c)->is_authenticated = status == MCB_OK;
    if (status == MCB_OK)
        mcb_text(c, MCB_OK, "Authenticated");
    else
        mcb_fail(c, status);
}
