/*
 * AUTH tokens: the one password of a cache without user groups, kept as digests. Pure.
 * see: ElastiCache guide, "Authenticating with the AUTH command"
 */
#ifndef LARDER_CONTROLPLANE_MODEL_AUTH_TOKEN_H
#define LARDER_CONTROLPLANE_MODEL_AUTH_TOKEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

enum token_strategy { TOKEN_ROTATE, TOKEN_SET, TOKEN_DELETE };

/* "ROTATE", "SET", "DELETE". */
bool token_strategy_parse(const char *name, enum token_strategy *out);

struct auth_token {
    const char *digests; /* SHA-256, the older first, with a comma between; "" for none */
    bool is_optional;    /* one was set and rotated in: coming without it stays possible */
    int64_t modified_ms; /* 0: never */
};

/* What a token may be: `is_new` with the cache that it is for, else for one that is there.
 * FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err auth_token_check(struct arena *a, const char *token, bool is_new);

/*
 * Takes a checked token over. ROTATE lets the one before be used as well; SET leaves this one
 * alone, which must be known already where there is another; DELETE (of no token: "") takes all
 * away. FAULT_INVALID_PARAMETER_VALUE; `t` is untouched then.
 */
must_use struct err auth_token_apply(struct arena *a, struct auth_token *t,
                                     enum token_strategy strategy, const char *token,
                                     int64_t now_ms);

#endif
