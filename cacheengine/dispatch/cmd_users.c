/* LARDER.USERS, LARDER.IAM: who may log in, and whose tokens are good, by the owner's word. */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/iam.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

/* The users as one text, a line each. A set without the default user would open the node to
 * everybody. */
static bool lines_of(struct cmd_call *c, struct buf *out)
{
    bool has_default = false;

    for (uint32_t i = 2; i < c->argc; i++) {
        struct str line = c->argv[i];

        if (memchr(line.ptr, '\n', line.len) || memchr(line.ptr, '\r', line.len)) {
            reply_errorf(c->reply, "ERR user %u: a user is one line", i - 1);
            return false;
        }
        buf_add_str(out, line);
        buf_putc(out, '\n');
        str_cut(&line, ' ');
        has_default |= str_is(str_cut(&line, ' '), "default");
    }
    if (!has_default)
        reply_error(c->reply, "ERR the users lack the default user");
    return has_default;
}

/* True when users of this epoch are to be taken over; false after the answer. */
static bool is_news(struct cmd_call *c, int64_t epoch, const unsigned char *sum)
{
    const struct users_epoch *u = &c->engine->users;

    if (epoch > u->epoch)
        return true;
    if (epoch < u->epoch)
        reply_errorf(
            c->reply,
            "STALEEPOCH the users are of epoch %lld, and this node has those of epoch %lld",
            (long long)epoch, (long long)u->epoch);
    else if (memcmp(u->sum, sum, sizeof(u->sum)) != 0)
        reply_errorf(c->reply, "STALEEPOCH this node has other users of epoch %lld",
                     (long long)epoch);
    else
        reply_int(c->reply, 0);
    return false;
}

void cmd_larder_users(struct cmd_call *c)
{
    struct engine *e = c->engine;
    scoped(buf_fini) struct buf lines = BUF_EMPTY;
    struct users_epoch next = {0};
    uint64_t closed;

    if (!call_int_or(c, 1, 1, INT64_MAX, "ERR the epoch must be a number above 0", &next.epoch) ||
        !lines_of(c, &lines))
        return;
    digest_sha256(lines.ptr, lines.len, next.sum);
    if (!is_news(c, next.epoch, next.sum))
        return;
    struct err failed = access_replace(e, c->scratch, buf_str(&lines), &closed);
    if (err_failed(failed)) {
        reply_errorf(c->reply, "ERR %s", failed.why);
        return;
    }
    e->users = next;
    iam_forget_verdicts(e);
    log_info("users replaced", f_int("epoch", next.epoch), f_int("users", (int64_t)e->acl.count),
             f_int("closed", (int64_t)closed));
    reply_int(c->reply, (int64_t)closed);
}

/* ---- tokens ---- */

void cmd_larder_iam_listen(struct cmd_call *c)
{
    reply_ok(c->reply);
    iam_listen(c->engine, c->client);
}

void cmd_larder_iam_verdict(struct cmd_call *c)
{
    bool is_allowed = call_is(c, 3, "allow");
    int64_t id, ttl_ms = 0;

    if (c->argc > 5 || (!is_allowed && !call_is(c, 3, "deny"))) {
        reply_syntax_error(c->reply);
        return;
    }
    if (!call_int_or(c, 2, 1, INT64_MAX, "ERR the id must be a number above 0", &id))
        return;
    if (c->argc == 5 && !call_int_or(c, 4, 0, IAM_VERDICT_MAX_MS,
                                     "ERR a verdict holds for 0 to 900000 milliseconds", &ttl_ms))
        return;
    reply_int(c->reply, iam_answer(c->engine, (uint64_t)id, is_allowed, ttl_ms));
}
