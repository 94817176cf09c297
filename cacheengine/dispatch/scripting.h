/*
 * Scripts meet commands: what EVAL and FCALL share, and how a script's commands are run.
 *
 * A script runs to its end before anything else does. One that takes longer than
 * busy-reply-threshold lets the network go on meanwhile: others are told BUSY, until it ends by
 * itself or somebody ends it (SCRIPT KILL, FUNCTION KILL, SHUTDOWN NOSAVE). The owner's orders are
 * obeyed from the first millisecond on (amid.h).
 */
#ifndef LARDER_DISPATCH_SCRIPTING_H
#define LARDER_DISPATCH_SCRIPTING_H

#include "base/command.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/script/eval_cache.h"
#include "cacheengine/script/libraries.h"

struct scripting {
    struct engine *engine;
    struct script_host host;
    struct eval_cache *evals;    /* NULL until the first script */
    struct libraries *libraries; /* NULL until the first library */
    struct script_run *running;  /* NULL: none */
    bool allows_all; /* DEBUG SET-DISABLE-DENY-SCRIPTS 1: what scripts may not call otherwise */
};

/* A command that runs a script: EVAL, FCALL and their kin. */
static inline bool scripting_is_run(const struct command *cmd)
{
    return (cmd->flags & CMD_SKIP_MONITOR) && !(cmd->flags & CMD_ADMIN);
}

/* The engine's, made with the first need. */
struct scripting *scripting_of(struct engine *e);
void scripting_fini(struct engine *e);

/* The same, if there are any; NULL: there are none. */
struct eval_cache *scripting_evals(const struct engine *e);
struct libraries *scripting_libraries(const struct engine *e);

/* The run of a call with keys and arguments behind argv[2], their number. */
struct scripting_call {
    struct cmd_call *call;
    const char *name;
    uint32_t flags; /* enum script_flag */
    bool is_function;
    bool is_read_only; /* the command is one of those that only read */
    struct machine_words words;
    struct script_run run;
};

/* Sorts the words of the call. False after the error was sent; `bad_number` is the error where the
 * number is none, NULL: the usual one. */
bool scripting_words(struct cmd_call *c, const char *bad_number, struct machine_words *out);

/* Begins a run: false after the error was sent. scripting_end ends it. */
bool scripting_begin(struct scripting_call *sc);
void scripting_end(struct scripting_call *sc);

/* True for a call whose script or function says of itself that it does not write. */
bool scripting_only_reads(const struct cmd_call *c);

/* What the script or function of a call says of itself, enum script_flag; SCRIPT_PLAIN of one that
 * says nothing or is not known, and of other commands. */
uint32_t scripting_says(const struct cmd_call *c);

/* True while any script runs. */
bool scripting_runs(const struct engine *e);

/* True while a script runs that others must wait for. */
bool scripting_is_busy(const struct engine *e);

/* What others are told then. */
const char *scripting_busy_text(const struct engine *e);

/* SCRIPT KILL and FUNCTION KILL. */
void scripting_kill(struct cmd_call *c, bool is_function);

#endif
