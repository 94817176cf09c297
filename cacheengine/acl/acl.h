/*
 * Users and what they may do: the access control of Redis 7 with selectors
 * (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/).
 *
 * A user is known by its address for as long as it exists, so a connection may keep a pointer to
 * it. Changes are made to a copy, which takes the place of the user's content when all of its rules
 * were understood: nothing is ever half changed.
 */
#ifndef LARDER_ACL_ACL_H
#define LARDER_ACL_ACL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct command;

enum acl_access { ACL_READ = 1, ACL_WRITE = 2 };

/* Keys that match a glob pattern, and what may be done to them. */
struct acl_pattern {
    struct str text;
    uint32_t access; /* enum acl_access */
};

/* "+get", "-@admin": what was said of commands, in its order. */
struct acl_rule {
    bool allows;
    struct str text; /* without the sign, in lower case */
};

/* "+select|0": a command that is allowed with this first argument only. */
struct acl_first_arg {
    int command;
    struct str word;
};

/* One set of permissions; a command must be allowed by one selector as a whole. */
struct acl_selector {
    uint64_t *commands; /* bits by command id */
    vec_of(struct acl_rule) rules;
    vec_of(struct acl_first_arg) first_args;
    vec_of(struct acl_pattern) keys;
    vec_of(struct str) channels;
    bool is_from_all; /* the rules begin with +@all */
    bool all_commands, all_keys, all_channels;
};

struct acl_password {
    unsigned char sum[DIGEST_SHA256_BYTES];
};

struct acl_user {
    struct str name;
    struct arena arena; /* all that follows */
    vec_of(struct acl_password) passwords;
    vec_of(struct acl_selector) selectors; /* the first is the user's own, never missing */
    bool is_enabled;
    bool is_passless; /* any password will do */
    bool is_iam;      /* logs in by tokens, which others judge; it has no passwords */
    bool is_owners;   /* the owner's own: it sees what tenants do not, and they do not see it */
    bool skips_sanitizing; /* of what RESTORE is given */
    bool is_unrestricted;  /* every command on every key and channel: nothing is to be checked */
};

/* All users. */
struct acl {
    struct acl_user **users; /* by name */
    size_t count, capacity;
    struct acl_user *preset; /* "default"; always there */
    bool opens_channels;     /* acl-pubsub-default allchannels: what new users begin with */
};

void acl_init(struct acl *acl);
void acl_fini(struct acl *acl);

struct acl_user *acl_find(const struct acl *acl, struct str name);

/* True when a name (or a pattern) has neither white space nor NUL in it. */
bool acl_name_is_valid(struct str name);

/*
 * Creates or changes a user by rules as ACL SETUSER takes them; a selector in parentheses may be
 * spread over several. ERR_INVALID or ERR_NOT_FOUND (an unknown command or category) with the
 * sentence that ACL SETUSER answers, in `a`; then nothing has changed.
 */
must_use struct err acl_set_user(struct acl *acl, struct arena *a, struct str name,
                                 const struct str *rules, size_t count);

/* Makes `password` the only one of the default user; an empty one: none is asked for. This is
 * requirepass. */
void acl_set_preset_password(struct acl *acl, struct str password);

/* Takes a user out (not the default one); NULL when there is none. The caller lets go of it where
 * it is referred to and then frees it. */
struct acl_user *acl_remove(struct acl *acl, struct str name);
void acl_user_free(struct acl_user *u);

/* True when the user exists, is enabled and this is one of its passwords. Takes the same time
 * whichever password and byte differs. */
struct acl_user *acl_login(const struct acl *acl, struct str name, struct str password);

/* How a connection came to its user; see acl_may_stay. */
enum acl_login_kind {
    ACL_LOGIN_NONE, /* the default user needed no password */
    ACL_LOGIN_PASSWORD,
    ACL_LOGIN_TOKEN,
    ACL_LOGIN_CERTIFICATE,
};

struct acl_credential {
    enum acl_login_kind kind;
    uint64_t mark; /* of a password: the beginning of its sum */
};

/* What a connection that gave this password remembers of it. */
struct acl_credential acl_password_given(struct str password);

/* True when who came so would be let in again. */
bool acl_may_stay(const struct acl_user *u, const struct acl_credential *c);

/* ---- asking ---- */

/* Ordered: of several selectors' refusals the greatest is told. */
enum acl_verdict {
    ACL_ALLOWED,
    ACL_NO_COMMAND,
    ACL_NO_KEY,
    ACL_NO_CHANNEL,
    ACL_NO_LOGIN, /* of the log only: wrong name or password */
};

/* An argument that is a key or a channel, and what the command does to it. */
struct acl_subject {
    uint32_t arg;
    uint32_t access; /* enum acl_access; channels: unused */
    bool is_channel, is_pattern;
};

struct acl_request {
    const struct command *cmd;
    const struct str *argv;
    uint32_t argc;
    const struct acl_subject *subjects;
    uint32_t subject_count;
};

/* Whether a user may do this; *out_arg says which argument is to blame (0: the command). */
enum acl_verdict acl_check(const struct acl_user *u, const struct acl_request *r,
                           uint32_t *out_arg);

/* True when a selector allows the request and the given access to every key: SORT's BY and GET
 * reach keys that no argument names. */
bool acl_may_reach_all(const struct acl_user *u, const struct acl_request *r, uint32_t access);

/* True when a selector lets the user listen to a channel, or a pattern of channels. */
bool acl_may_listen(const struct acl_user *u, struct str channel, bool is_pattern);

/* ---- showing ---- */

/* The user's rules as one line, without its name: what ACL SETUSER would take. */
void acl_describe(const struct acl_user *u, struct buf *out);

/* A selector's parts as ACL GETUSER shows them. */
void acl_describe_commands(const struct acl_selector *s, struct buf *out);
void acl_describe_keys(const struct acl_selector *s, struct buf *out);
void acl_describe_channels(const struct acl_selector *s, struct buf *out);

/* ---- files ---- */

struct acl_gone {
    vec_of(struct acl_user *) users;
};

/*
 * Replaces all users by those of a text of lines "user NAME RULE ...". Users that stay keep their
 * address. Those that are gone are put into `gone` (in `a`), to be freed by the caller. ERR_INVALID
 * with everything that is wrong in one sentence that calls the text `origin`; then nothing changed.
 */
must_use struct err acl_load(struct acl *acl, struct arena *a, struct str text, const char *origin,
                             struct acl_gone *gone);

/* All users as such lines. */
void acl_save(const struct acl *acl, struct buf *out);

#endif
