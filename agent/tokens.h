/*
 * Tokens of IAM users, which engines cannot judge themselves: what an engine asks over its control
 * connection is asked of the control plane, and the verdict is brought back. A question that nobody
 * answers is the engine's to give up.
 */
#ifndef LARDER_AGENT_TOKENS_H
#define LARDER_AGENT_TOKENS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_host;
struct arena;
struct driver_host;
struct loop;
struct node;
struct tokens;

/* All borrowed for the life of the part. */
struct tokens_conf {
    struct loop *loop;
    const struct driver_host *programs;
    const struct agent_host *host; /* who asks */
    const char *const *url; /* of the control plane at the moment, without a slash at its end */
    const char *token;      /* NULL for none */
};

/* ERR_IO when the system has no descriptors left. */
must_use struct err tokens_open(const struct tokens_conf *conf, struct tokens **out);

/* All nodes have been let go of by tokens_look or tokens_forget. Accepts NULL. */
void tokens_close(struct tokens *all);

/* To be called when a node changed: begins or ends listening to its engine. */
void tokens_look(struct tokens *all, struct node *n);

/* Ends listening; what its engine has asked is not answered any more. */
void tokens_forget(struct node *n);

/* An engine's question: reads what LARDER.IAM LISTEN brings, into `a`. False for anything else. */
struct tokens_question {
    int64_t id;
    const char *user, *token;
};
bool tokens_read_question(struct arena *a, struct str message, struct tokens_question *out);

#endif
