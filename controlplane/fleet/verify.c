/* The node says which cache it is, the cache which users it has, the token the rest. */
#include "controlplane/fleet/verify.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "contract/agent.h"
#include "controlplane/model/iam_token.h"
#include "controlplane/store/access.h"
#include "controlplane/store/users.h"

#include <string.h>

/* A verdict holds no longer than this, so that what changed here is soon felt there. */
#define VERDICT_MAX_MS (60 * (int64_t)1000)

static struct err deny(const char *why)
{
    return err_make(ERR_INVALID, why);
}

/* The IAM user that clients call so, among those that the cache lets in. */
static struct err find_user(struct store_tx *tx, const struct node_entry *entry, const char *login,
                            struct user *out)
{
    struct member_list members;

    TRY(store_member_list(tx, &entry->user_group_id, 1, &members));
    for (size_t i = 0; i < members.count; i++) {
        const struct member *m = &members.items[i];
        if (m->removed_revision > 0 || strcmp(m->user.login, login) != 0 ||
            m->user.authentication != AUTHENTICATION_IAM)
            continue;
        *out = m->user;
        return OK;
    }
    return deny("the cache has no such IAM user");
}

static const char *secret_of(const struct iam_keys *keys, const char *access_key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->items[i].access_key, access_key) == 0)
            return keys->items[i].secret;
    return NULL;
}

static struct err check_signature(struct arena *a, const struct iam_keys *keys,
                                  const struct iam_token *t)
{
    const char *secret = secret_of(keys, t->access_key);

    if (!secret)
        return keys->trusts_unknown ? OK : deny("the token's access key is not known");
    return iam_token_is_signed(a, t, secret) ? OK : deny("the token's signature is not right");
}

/* ERR_INVALID: no, and why. */
static struct err judge(struct store_tx *tx, const struct iam_keys *keys,
                        const struct agent_verify_token_in *in, int64_t now_ms,
                        int64_t *out_left_ms)
{
    struct arena *a = store_arena(tx);
    struct iam_purpose purpose = {.now_ms = now_ms};
    struct node_entry entry;
    struct iam_token token;
    struct user user;

    struct err e = store_node_entry(tx, in->node_id.value, in->host_id, &entry);
    if (err_is(e, ERR_NOT_FOUND))
        return deny("the node is not of a cache with users");
    TRY(e);
    TRY(find_user(tx, &entry, in->user, &user));
    TRY(iam_token_parse(a, in->token, &token));
    purpose.cache = entry.cache;
    purpose.is_serverless = entry.is_serverless;
    purpose.region = entry.region;
    purpose.user = user.name;
    TRY(iam_token_check(a, &token, &purpose, out_left_ms));
    return check_signature(a, keys, &token);
}

struct err verify_token(struct store_tx *tx, const struct iam_keys *keys,
                        const struct agent_verify_token_in *in, int64_t now_ms,
                        struct agent_verify_token_out *out)
{
    int64_t left_ms = 0;
    struct err e = judge(tx, keys, in, now_ms, &left_ms);

    if (err_failed(e) && !err_is(e, ERR_INVALID))
        return e;
    out->is_allowed = BOOL_OF(!err_failed(e));
    out->holds_ms = INT_OF(left_ms < VERDICT_MAX_MS ? left_ms : VERDICT_MAX_MS);
    if (err_failed(e)) {
        out->holds_ms = INT_OF(0);
        out->why = arena_strdup(store_arena(tx), e.why);
        log_info("token refused", f_int("node", in->node_id.value), f_str("user", in->user),
                 f_str("why", e.why));
    }
    return OK;
}
