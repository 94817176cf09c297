/*
 * A Lua machine: one interpreter with its sandbox, its memory and its limit.
 *
 * EVAL's scripts and the functions of libraries have one machine each, made with the first of them,
 * so that an engine that runs no scripts pays nothing.
 */
#ifndef LARDER_SCRIPT_MACHINE_H
#define LARDER_SCRIPT_MACHINE_H

#include "cacheengine/script/script.h"

struct library;
struct machine;

enum machine_kind { MACHINE_EVAL, MACHINE_FUNCTIONS };

/* Its memory is booked to `account`; beyond `limit_bytes` a script gets an error. NULL when not
 * even the sandbox fits. */
struct machine *machine_new(enum machine_kind kind, const struct script_host *host,
                            struct account *account, size_t limit_bytes);
void machine_free(struct machine *m);

/* Bytes that it has in use. */
size_t machine_bytes(const struct machine *m);

/* Compiles a text; *ref then names the function. NULL, or the compiler's words in `a`. */
const char *machine_compile(struct machine *m, struct arena *a, struct str text, int *ref);

/* Forgets a function. */
void machine_forget(struct machine *m, int ref);

/* The words that a run works with. */
struct machine_words {
    const struct str *keys, *args;
    uint32_t key_count, arg_count;
};

/* Runs a function and answers run->caller, be it with an error. */
void machine_run(struct machine *m, int ref, struct script_run *run, const struct machine_words *w);

/* Runs the text of a library, which registers its functions with `to` (libraries.h), for at most
 * `limit_ms`; 0: however long it takes. NULL, or what is wrong, in `a`. */
const char *machine_load_library(struct machine *m, struct arena *a, struct str text,
                                 struct library *to, int64_t limit_ms);

#endif
