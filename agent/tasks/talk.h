/*
 * A conversation with a node's engine over a control connection of its own: what is said is sent in
 * order, and each reply is handed on whole. For what govern.c must not wait for.
 */
#ifndef LARDER_AGENT_TASKS_TALK_H
#define LARDER_AGENT_TASKS_TALK_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct driver_host;
struct loop;
struct node;
struct talk;

struct talk_conf {
    struct loop *loop; /* borrowed, as is what follows */
    const struct driver_host *host;
    struct node *node; /* it has a process and a goal */
    /* One whole reply of RESP, alive until this returns. The first that fails the greeting breaks
     * the talk instead. */
    void (*on_reply)(void *context, struct str reply);
    /* The connection is no more, or was never made; nothing comes after this. `why` is a sentence,
     * alive until this returns. */
    void (*on_broken)(void *context, const char *why);
    void *context;
};

/* Never calls from here: what goes wrong is told from the loop. */
struct talk *talk_open(const struct talk_conf *conf);

/* Says a command of the words that follow, NULL behind the last; sent as soon as it can be. */
void talk_say(struct talk *t, ...) __attribute__((sentinel));
void talk_say_words(struct talk *t, const char *const *words, size_t count);

/* Ends it without a call, also from within one of its own. Accepts NULL. */
void talk_close(struct talk *t);

/* Whether a reply is an error, and its text without the mark. */
bool talk_is_error(struct str reply);
const char *talk_error_text(struct arena *a, struct str reply);

#endif
