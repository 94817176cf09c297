/*
 * Tokens by which IAM users come in: a presigned request for the cache, in the place of a password.
 * Pure.
 * see: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
 * see: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
#ifndef LARDER_CONTROLPLANE_MODEL_IAM_TOKEN_H
#define LARDER_CONTROLPLANE_MODEL_IAM_TOKEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define IAM_TOKEN_LIFE_MS (900 * (int64_t)1000)

struct iam_parameter {
    const char *name, *value; /* decoded */
};

/* A token taken apart. */
struct iam_token {
    const char *host;
    const struct iam_parameter *parameters; /* by name, then value */
    size_t count;
    const char *access_key; /* of the credential */
};

/* Takes a token apart; ERR_INVALID with a sentence that does not hold any of it. */
must_use struct err iam_token_parse(struct arena *a, const char *text, struct iam_token *out);

/* What the token has to be for. */
struct iam_purpose {
    const char *cache; /* name of the replication group or serverless cache, in lower case */
    bool is_serverless;
    const char *user; /* in lower case */
    const char *region;
    int64_t now_ms;
};

/*
 * Checks everything but who signed: cache, user, scope, and that it holds now. `*out_left_ms` is
 * for how long it does. ERR_INVALID with a sentence.
 */
must_use struct err iam_token_check(struct arena *a, const struct iam_token *t,
                                    const struct iam_purpose *purpose, int64_t *out_left_ms);

/* True when the token was signed with the secret of its access key. Takes the same time whichever
 * digit differs. */
bool iam_token_is_signed(struct arena *a, const struct iam_token *t, const char *secret);

#endif
