/*
 * Libraries of functions: FUNCTION LOAD, FCALL. A library is a text that registers functions when
 * it is run once; it stays until it is deleted, and is part of snapshots and of replication.
 */
#ifndef LARDER_SCRIPT_LIBRARIES_H
#define LARDER_SCRIPT_LIBRARIES_H

#include "cacheengine/script/machine.h"

struct libraries;

struct function {
    struct function *next; /* of its library */
    struct library *library;
    struct str name;        /* with a NUL behind it */
    struct str description; /* a description's ptr is NULL: there is none */
    uint32_t flags;         /* enum script_flag */
    int ref;
    char texts[];
};

struct library {
    struct function *functions; /* in the order in which they were registered */
    uint32_t function_count;
    struct str name, text;
    size_t bytes;         /* that it is booked with, its functions too */
    struct library *next; /* in a list of some */
    char texts[];
};

/* While a library loads: registers a function, of which `ref` is the one to be called. NULL, or
 * what is wrong. */
const char *library_add(struct library *l, struct str name, struct str description, uint32_t flags,
                        int ref);

/* NULL, or why that can be no name of a library or function. */
const char *library_name_check(struct str name);

/* `account` and the host must outlive it. */
struct libraries *libraries_new(const struct script_host *host, struct account *account,
                                size_t limit_bytes);
void libraries_free(struct libraries *all);

/* How a library comes among others. */
enum library_policy {
    LIBRARY_ADD,     /* its name must be new */
    LIBRARY_REPLACE, /* it takes the place of one of its name */
};

/* Loads a library. NULL and *out, or what is wrong, in `a`; then everything is as before.
 * `limit_ms` bounds how long its text may run; 0: nothing does. */
const char *libraries_load(struct libraries *all, struct arena *a, struct str text,
                           enum library_policy policy, int64_t limit_ms, struct library **out);

/* Loads several, all or none. With `flushes`, they take the place of all that there were. */
const char *libraries_load_all(struct libraries *all, struct arena *a, const struct str *texts,
                               size_t count, enum library_policy policy, bool flushes);

/* NULL: there is none of that name. */
struct library *libraries_find(const struct libraries *all, struct str name);
struct function *libraries_find_function(const struct libraries *all, struct str name);

void libraries_remove(struct libraries *all, struct library *l);
void libraries_flush(struct libraries *all);

/* All of them in `a`, sorted by name. */
struct library **libraries_list(const struct libraries *all, struct arena *a, size_t *count);

void libraries_run(struct libraries *all, const struct function *f, struct script_run *run,
                   const struct machine_words *w);

struct libraries_facts {
    uint64_t libraries, functions;
    size_t library_bytes, machine_bytes;
};
struct libraries_facts libraries_facts(const struct libraries *all);

#endif
