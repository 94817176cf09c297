/*
 * SASL PLAIN against a file of users: one "user:password" a line, and what follows a further colon
 * is passed over, as in memcached's own password files. The file is read whenever somebody logs in,
 * so that a change of it holds at once; one that cannot be read lets nobody in.
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

bool mc_sasl_plain_is_right(const char *users_file, struct str message)
{
    scoped(buf_fini) struct buf users = BUF_EMPTY;
    struct str rest = message;
    struct str authority = str_cut(&rest, '\0'), user = str_cut(&rest, '\0');

    /* To act for somebody else is nothing that a user may. */
    if (user.len == 0 || rest.len == 0 || (authority.len > 0 && !str_eq(authority, user)))
        return false;
    struct err e = fs_read_all(users_file, USERS_MAX_BYTES, &users);
    if (err_failed(e)) {
        log_warn("users of SASL not read", f_str("file", users_file), f_err(e));
        return false;
    }
    return is_listed(buf_str(&users), user, rest);
}
