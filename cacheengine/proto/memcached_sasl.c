/*
 * Logins: SASL PLAIN, and the text protocol's own way, against a file of users: one "user:password"
 * a line, and what follows a further colon is passed over, as in memcached's own password files.
 * The file is read whenever somebody logs in, so that a change of it holds at once; one that cannot
 * be read lets nobody in.
 */
#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/proto/memcached_binary.h"

#define USERS_MAX_BYTES ((size_t)1 << 20)

/* Takes as long whatever the bytes are. */
static bool is_same_secret(struct str a, struct str b)
{
    unsigned char x[DIGEST_SHA256_BYTES], y[DIGEST_SHA256_BYTES];
    unsigned differs = 0;

    digest_sha256(a.ptr, a.len, x);
    digest_sha256(b.ptr, b.len, y);
    for (size_t i = 0; i < sizeof(x); i++)
        differs |= x[i] ^ y[i];
    return differs == 0;
}

static bool is_listed(struct str users, struct str user, struct str password)
{
    bool is_right = false;

    while (users.len > 0) {
        struct str line = str_trim(str_cut(&users, '\n'));
        bool has_password = str_find(line, ':') < line.len;
        struct str name = str_cut(&line, ':');

        if (has_password && str_eq(name, user))
            is_right |= is_same_secret(str_cut(&line, ':'), password);
    }
    return is_right;
}

bool mc_user_is_right(const char *users_file, struct str user, struct str password)
{
    scoped(buf_fini) struct buf users = BUF_EMPTY;

    if (user.len == 0 || password.len == 0)
        return false;
    struct err e = fs_read_all(users_file, USERS_MAX_BYTES, &users);
    if (err_failed(e)) {
        log_warn("users of memcached not read", f_str("file", users_file), f_err(e));
        return false;
    }
    return is_listed(buf_str(&users), user, password);
}

bool mc_sasl_plain_is_right(const char *users_file, struct str message)
{
    struct str rest = message;
    struct str authority = str_cut(&rest, '\0'), user = str_cut(&rest, '\0');

    /* To act for somebody else is nothing that a user may. */
    if (authority.len > 0 && !str_eq(authority, user))
        return false;
    return mc_user_is_right(users_file, user, rest);
}

/* ---- the text protocol's way ---- */

static const char *log_in(struct cmd_call *c)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct str words[2] = {{0}}, rest;
    bool has_body = c->argc > 5;

    if (!has_body || !str_is(c->argv[0], "set"))
        return "CLIENT_ERROR unauthenticated";
    if (c->problem)
        return "CLIENT_ERROR bad command line termination";
    rest = c->argv[c->argc - 1];
    for (int i = 0; i < 2 && rest.len > 0;) {
        words[i] = str_cut(&rest, ' ');
        i += words[i].len > 0;
    }
    if (words[1].len == 0)
        return "CLIENT_ERROR bad authentication token format";
    bool is_right = mc_user_is_right(c->engine->settings.memcached_auth_file, words[0], words[1]);
    n->auth_cmds++;
    n->auth_errors += !is_right;
    mc_session(c)->is_authenticated = is_right;
    return is_right ? "STORED" : "CLIENT_ERROR authentication failure";
}

/* What came with the login in one read was parsed before that was looked at: it is parsed again. */
void mc_run_log_in(struct cmd_call *c)
{
    if (mc_session(c)->is_authenticated) {
        mc_session(c)->to_skip = 0;
        c->client->goes_on = true;
        return;
    }
    mc_begin(c);
    mc_line(c, log_in(c));
    mc_end(c);
}
