/* CreateUser and ModifyUser: what a user may do, and how it shows who it is. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/access_string.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/users.h"

#include <string.h>

/* --- authentication --- */

/* What a request says of it: the newer member AuthenticationMode, or the two older ones. */
struct proof {
    const struct ec_authentication_mode *mode;
    const struct ec_password_list_input *passwords;
    struct opt_bool no_password_required;
};

static struct err contradiction(struct call *c, const char *one, const char *other)
{
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION, "%s cannot be used together with %s.", one,
                 other);
}

static struct err read_mode(struct call *c, const struct proof *p, struct user *u)
{
    const struct ec_authentication_mode *mode = p->mode;

    if (p->passwords->count > 0)
        return contradiction(c, "Passwords", "AuthenticationMode");
    if (!member_has_text(mode->type))
        return fault(
            c, FAULT_INVALID_PARAMETER_VALUE,
            "The parameter AuthenticationMode.Type must be provided and must not be null.");
    bool is_open = strcmp(mode->type, "no-password-required") == 0;
    if (p->no_password_required.value && !is_open)
        return contradiction(c, "NoPasswordRequired",
                             arena_printf(c->arena, "the authentication type %s", mode->type));
    if (strcmp(mode->type, "password") == 0) {
        u->authentication = AUTHENTICATION_PASSWORD;
        return user_passwords_read(c->arena, mode->passwords.items, mode->passwords.count,
                                   &u->digests);
    }
    if (mode->passwords.count > 0)
        return contradiction(c, "Passwords",
                             arena_printf(c->arena, "the authentication type %s", mode->type));
    u->authentication = is_open ? AUTHENTICATION_NONE : AUTHENTICATION_IAM;
    u->digests = "";
    return OK;
}

static struct err read_members(struct call *c, const struct proof *p, struct user *u)
{
    if (p->no_password_required.value) {
        if (p->passwords->count > 0)
            return contradiction(c, "Passwords", "NoPasswordRequired");
        u->authentication = AUTHENTICATION_NONE;
        u->digests = "";
        return OK;
    }
    u->authentication = AUTHENTICATION_PASSWORD;
    return user_passwords_read(c->arena, p->passwords->items, p->passwords->count, &u->digests);
}

/* `u` keeps what it has where nothing is said and that is allowed. */
static struct err read_proof(struct call *c, const struct proof *p, bool may_keep, struct user *u)
{
    if (p->mode)
        return read_mode(c, p, u);
    if (may_keep && !p->passwords->has && !p->no_password_required.value)
        return OK;
    return read_members(c, p, u);
}

/* --- create --- */

static struct err check_new(struct call *c, const char *name)
{
    struct user taken;
    int64_t count = 0;

    struct err e = store_user_find(c->tx, c->caller->account, c->caller->region, name, &taken);
    if (!err_failed(e))
        return fault(c, FAULT_USER_ALREADY_EXISTS, "User %s already exists.", name);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(store_user_count(c->tx, c->caller->account, c->caller->region, &count));
    if (count >= quota(c, users_per_region))
        return fault(c, FAULT_USER_QUOTA_EXCEEDED, "There can be at most %d users in a region.",
                     quota(c, users_per_region));
    return OK;
}

static struct err user_from_wire(struct call *c, const struct ec_create_user_in *in,
                                 struct user *out)
{
    const struct proof proof = {in->authentication_mode, &in->passwords, in->no_password_required};
    struct user u = {
        .account = c->caller->account,
        .region = c->caller->region,
        .name = name_fold(c->arena, in->user_id),
        .login = in->user_name,
        .revision = 1, /* nobody knows it yet: it is in force as it is */
        .settled_revision = 1,
        .is_wanted = true,
        .created_ms = c->now_ms,
    };

    TRY(name_check(c->arena, "UserId", in->user_id, USER_ID_MAX));
    TRY(user_engine_read(c->arena, in->engine, &u.engine));
    TRY(access_string_read(c->arena, in->access_string, &u.access));
    TRY(read_proof(c, &proof, false, &u));
    TRY(user_check(c->arena, &u));
    *out = u;
    return OK;
}

struct err ec_create_user(struct call *c, const struct ec_create_user_in *in,
                          struct ec_create_user_out *out)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    struct ec_user answer;
    struct user user;

    TRY(user_from_wire(c, in, &user));
    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(tags_check_quota(NULL, 0, tags, in->tags.count));
    TRY(check_new(c, user.name));
    TRY(store_user_insert(c->tx, &user));
    TRY(tagging_put(c, arn_make(c->arena, user.region, user.account, "user", user.name), tags,
                    in->tags.count));
    TRY(users_tell(c, user.name, EVENT_USER_CREATED));
    TRY(users_to_wire(c, &user, 1, &answer));
    USER_ANSWER(out, answer);
    return OK;
}

/* --- modify --- */

static struct err change_access(struct call *c, const struct ec_modify_user_in *in, struct user *u)
{
    if (in->access_string && in->append_access_string)
        return contradiction(c, "AccessString", "AppendAccessString");
    if (in->access_string)
        return access_string_read(c->arena, in->access_string, &u->access);
    if (in->append_access_string)
        return access_string_read(
            c->arena, arena_printf(c->arena, "%s %s", u->access, in->append_access_string),
            &u->access);
    return OK;
}

static bool is_same(const struct user *a, const struct user *b)
{
    return strcmp(a->engine, b->engine) == 0 && strcmp(a->access, b->access) == 0 &&
           a->authentication == b->authentication && strcmp(a->digests, b->digests) == 0;
}

/* The user as it is to be. */
static struct err changed_user(struct call *c, const struct ec_modify_user_in *in, struct user *u)
{
    const struct proof proof = {in->authentication_mode, &in->passwords, in->no_password_required};

    if (u->id == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The user %s cannot be modified.", u->name);
    if (user_status(u) != ACCESS_ACTIVE)
        return fault(c, FAULT_INVALID_USER_STATE,
                     "User %s has status %s. Only active users can be modified.", u->name,
                     access_status_word(user_status(u)));
    if (member_has_text(in->engine))
        TRY(user_engine_read(c->arena, in->engine, &u->engine));
    TRY(change_access(c, in, u));
    TRY(read_proof(c, &proof, true, u));
    return user_check(c->arena, u);
}

struct err ec_modify_user(struct call *c, const struct ec_modify_user_in *in,
                          struct ec_modify_user_out *out)
{
    struct ec_user answer;
    struct user before, user;

    TRY(users_find(c, in->user_id, &user));
    before = user;
    TRY(changed_user(c, in, &user));
    if (!is_same(&before, &user)) {
        TRY(users_check_groups(c, &user));
        TRY(store_revision_next(c->tx, &user.revision));
        TRY(store_user_update(c->tx, &user));
        TRY(users_revise_groups(c, &user));
        TRY(users_tell(c, user.name, EVENT_USER_MODIFYING));
    }
    TRY(users_to_wire(c, &user, 1, &answer));
    USER_ANSWER(out, answer);
    return OK;
}
