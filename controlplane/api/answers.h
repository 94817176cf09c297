/*
 * Answers kept in memory for as long as nothing changed: who asks the same again is given the same
 * bytes. All that are kept belong to one revision, so that they go together with it.
 */
#ifndef LARDER_CONTROLPLANE_API_ANSWERS_H
#define LARDER_CONTROLPLANE_API_ANSWERS_H

#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct answers;

/* Constant, and there for as long as somebody holds it. */
struct answer {
    atomic_int holders;
    const char *content_type, *smithy_protocol; /* literals, as in struct api_response */
    size_t id_at; /* where the id of the request stands in the body; ANSWER_WITHOUT_ID */
    struct str body;
};

#define ANSWER_WITHOUT_ID SIZE_MAX

/* Keeps about `max_bytes` at most. Never fails. */
struct answers *answers_new(size_t max_bytes);
void answers_free(struct answers *all);

/* The answer that was kept under `key` at this very revision, for the caller to let go of; NULL
 * when there is none. Safe to call from several threads. */
struct answer *answers_find(struct answers *all, struct str key, uint64_t revision);

/* Keeps an answer that was made from what was read since the revision was `revision`; nothing
 * happens when a newer one came up meanwhile. `like` is copied. Safe to call from several threads.
 */
void answers_keep(struct answers *all, struct str key, uint64_t revision,
                  const struct answer *like);

/* Accepts NULL. */
void answer_let_go(struct answer *answer);

#endif
