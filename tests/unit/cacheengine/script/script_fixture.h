/* Scripts without an engine: a host whose only commands answer what they are given. */
#ifndef LARDER_TESTS_SCRIPT_FIXTURE_H
#define LARDER_TESTS_SCRIPT_FIXTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "cacheengine/script/eval_cache.h"
#include "cacheengine/script/libraries.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct script_fixture {
    struct account account;
    struct reply_pool replies;
    struct script_host host;
    struct eval_cache *evals;
    struct libraries *libraries;
    struct arena arena;
    struct reply reply;
    struct buf out;
    struct buf logged;
    int64_t ticks; /* how often a script was looked at */
    int64_t kill_at;
};

void script_open(struct script_fixture *f, size_t limit_bytes);
void script_close(struct script_fixture *f);

/* What a script answers, as RESP; it holds until the next call. Commands: RESP <bytes> answers with
 * those bytes, anything else with an error. */
const char *script_ask(struct script_fixture *f, const char *text);
const char *script_ask_with(struct script_fixture *f, const char *text, const char *key,
                            const char *arg);

/* The same of a function that is loaded. */
const char *script_call(struct script_fixture *f, const char *function, const char *key,
                        const char *arg);

#define answers(f, text, answer) cr_assert_str_eq(script_ask((f), (text)), (answer))
#define fails(f, text, part) \
    cr_assert(strstr(script_ask((f), (text)), (part)), "%s: %s", (text), buf_cstr(&(f)->out))

#endif
