/*
 * Scripts: what a run of one is, and what it needs of those above.
 *
 * This layer has the Lua machines (machine.h), the scripts that EVAL knows (eval_cache.h) and the
 * libraries of functions (libraries.h). It knows no commands: a script's redis.call goes through
 * the host, which checks and runs it like a client's.
 */
#ifndef LARDER_SCRIPT_SCRIPT_H
#define LARDER_SCRIPT_SCRIPT_H

#include "cacheengine/keyspace/call.h"

/* What a script says of itself in its first line, or when it registers a function. */
enum script_flag {
    SCRIPT_NO_WRITES = 1 << 0,
    SCRIPT_ALLOW_OOM = 1 << 1,
    SCRIPT_ALLOW_STALE = 1 << 2,
    SCRIPT_NO_CLUSTER = 1 << 3,
    SCRIPT_ALLOW_CROSS_SLOT = 1 << 4,
    SCRIPT_PLAIN = 1 << 5, /* it says nothing: an old script, which is judged by what it does */
};

/* The names of the flags, by bit number; SCRIPT_PLAIN has none. */
#define SCRIPT_FLAG_NAMES 5
extern const char *const script_flag_names[SCRIPT_FLAG_NAMES];

/* Where what a script writes goes, as redis.set_repl has it. */
enum script_telling {
    SCRIPT_TELLS_NONE = 0,
    SCRIPT_TELLS_FILE = 1,
    SCRIPT_TELLS_REPLICAS = 2,
    SCRIPT_TELLS_ALL = 3,
};

/* One script that runs. Made by those above; plain data. */
struct script_run {
    struct cmd_call *caller; /* whose reply the result becomes */
    const char *name;        /* the fingerprint of its text, or the function's name */
    struct reply reply;      /* where its commands answer */
    uint32_t flags;          /* enum script_flag */
    enum script_telling telling;
    int slot;           /* that of the keys it touched; -1: none yet */
    int64_t began_ms;   /* on the clock of clock_boot_ms */
    bool is_asking;     /* ASKING stood in front of it */
    bool is_function;   /* of a library; else EVAL's */
    bool is_read_only;  /* may not write */
    bool allows_oom;    /* may write although memory is full */
    bool is_out_of_mem; /* memory was full when it began */
    bool has_written;
    bool is_busy;    /* it takes long: others are served meanwhile */
    bool is_killed;  /* somebody wants it to end */
    bool has_failed; /* it answered with an error that was counted with the command that gave it */
};

/* What machines ask of those above. */
struct script_host {
    void *ctx;
    /* Runs one command of a script. What it answers, also that it may not run, goes to run->reply.
     */
    void (*command)(void *ctx, struct script_run *run, struct str *argv, uint32_t argc);
    /* Whether the user may run that: 1, 0, or -1 for a command that is not known. */
    int (*permits)(void *ctx, struct script_run *run, struct str *argv, uint32_t argc);
    /* Called about every millisecond while a script runs: serves others if it takes long, and sets
     * run->is_killed when it is to end. */
    void (*tick)(void *ctx, struct script_run *run);
    /* A script's own words for the log; levels are those of Redis, 0 to 3. */
    void (*log)(void *ctx, int level, struct str text);
    const char *redis_version;  /* "7.2.4" */
    const char *valkey_version; /* NULL: it is no Valkey */
};

/* The part in front of a script's text: "#!lua name=mylib flags=no-writes,allow-oom". */
struct script_header {
    uint32_t flags;  /* SCRIPT_PLAIN alone: there is none */
    struct str name; /* of a library; ptr NULL: not given */
    size_t bytes;    /* of the line without its end: what is to be left out for Lua */
};

/* Reads the header of an EVAL script or of a library. NULL, or what is wrong with it, in `a` or a
 * literal. */
const char *script_header_read(struct arena *a, struct str text, struct script_header *out);
const char *library_header_read(struct arena *a, struct str text, struct script_header *out);

/* The flag of that name; 0: there is none. */
uint32_t script_flag_of(struct str name);

#endif
