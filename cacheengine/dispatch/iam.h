/*
 * Tokens of IAM users: AUTH's password of a user with the rule "iam" is a token that the engine
 * cannot judge. It asks the owner, who listens on a connection of the admin socket, and lets the
 * client wait meanwhile; nobody else does.
 *
 *     > LARDER.IAM LISTEN
 *     + OK
 *     < push: iam verify <id> <user> <token>
 *     > LARDER.IAM VERDICT <id> allow|deny [<ms>]
 *
 * A verdict that comes with a time holds so long for the same user and token: it is found by a
 * hash, the token itself is kept no longer than somebody waits. Clients that give the same token
 * wait for one answer.
 */
#ifndef LARDER_DISPATCH_IAM_H
#define LARDER_DISPATCH_IAM_H

#include "cacheengine/dispatch/engine.h"

#define IAM_TOKEN_MAX      8192
#define IAM_QUESTIONS_MAX  1024
#define IAM_VERDICT_MAX_MS 900000 /* a token of IAM is good for a quarter of an hour */

enum iam_answer {
    IAM_ALLOWED,
    IAM_DENIED,
    IAM_WAITS,       /* the client waits, and the command runs again */
    IAM_UNAVAILABLE, /* nobody is there to judge; *why says more */
};

/* Asks whether the token is this user's. Call from the command that was given it. */
enum iam_answer iam_ask(struct cmd_call *c, struct str user, struct str token, const char **why);

/* From now on this client is asked, first what is open. */
void iam_listen(struct engine *e, struct client *c);

/* Answers a question; the verdict is kept for ttl_ms. False when it is not open. */
bool iam_answer(struct engine *e, uint64_t id, bool is_allowed, int64_t ttl_ms);

/* A client waits no more; one that listens or waits goes. */
void iam_leave(struct engine *e, struct client *c);
void iam_forget(struct engine *e, struct client *c);

/* Forgets all verdicts. */
void iam_forget_verdicts(struct engine *e);

void iam_fini(struct engine *e);

#endif
