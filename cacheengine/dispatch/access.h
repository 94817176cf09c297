/*
 * Permission: the users of acl/ meet the commands and connections of dispatch.
 */
#ifndef LARDER_DISPATCH_ACCESS_H
#define LARDER_DISPATCH_ACCESS_H

#include "cacheengine/acl/log.h"
#include "cacheengine/dispatch/engine.h"

/* True when the call's client may run it on its keys. False after NOPERM was sent and the refusal
 * logged. Call only for clients whose user is restricted; see access_is_free. */
bool access_allows(struct cmd_call *call);

/* The same for a command of a transaction that is being executed: rules may have changed. */
bool access_still_allows(struct cmd_call *call);

/* The same without a word to the client: ACL_ALLOWED, or what was refused and has been logged. */
enum acl_verdict access_judge(struct cmd_call *call, enum acl_context context);

/* The verdict alone, for any user: ACL DRYRUN. */
enum acl_verdict access_verdict(struct cmd_call *call, const struct acl_user *u,
                                const struct command *cmd, const struct str *argv, uint32_t argc,
                                uint32_t *out_arg);

/* True when nothing is to be checked for this client. */
static inline bool access_is_free(const struct client *c)
{
    return !c->user || c->user->is_unrestricted;
}

/* True when the client may read every key, whatever the arguments name. */
bool access_reads_all(const struct cmd_call *call);

enum login_result {
    LOGIN_DONE,
    LOGIN_REFUSED, /* the error was said, and the refusal logged */
    LOGIN_WAITS,   /* for a verdict on its token: the command runs again */
};

/* Tries to log a client in. */
enum login_result access_login(struct cmd_call *call, struct str user, struct str password);

/* Logs a client in without a password, as somebody who has been identified otherwise. False: there
 * is no such user, or it is off. */
bool access_adopt(const struct engine *e, struct client *c, struct str user);

/* True when the client may know of the user: those that are the owner's own are hidden from
 * tenants. */
bool access_shows_user(const struct engine *e, const struct client *c, const struct acl_user *u);

/* The user that a connection begins as, and whether that needs no password. */
void access_begin(const struct engine *e, struct client *c);

/* Ends the connections of a user that is no more, and frees it. */
void access_forget_user(struct engine *e, struct acl_user *u);

/* Replaces all users by those of lines "user NAME RULE ..."; nothing changes when any is wrong.
 * Ends the connections that would not be let in again as they came, and says how many. */
must_use struct err access_replace(struct engine *e, struct arena *a, struct str lines,
                                   uint64_t *closed);

/* Reads the users of the configuration: from the file that `aclfile` names, else from its own
 * lines. Errors say where. */
must_use struct err access_load(struct engine *e, struct arena *a);

#endif
