/*
 * Effects: every change of the databases, as the command that makes the same change elsewhere.
 *
 * Who wants them (the replication stream, the append-only file, a migration of slots) adds a sink.
 * A command that changed something is told with its own words, or with those that it gave in their
 * place (call_tell); keys that expire or are evicted are told as DEL or UNLINK. Two or more effects
 * of one scope (a command, EXEC, a script) are told as one transaction, between MULTI and EXEC.
 *
 * While there is no sink, all of this costs one test.
 */
#ifndef LARDER_KEYSPACE_EFFECT_H
#define LARDER_KEYSPACE_EFFECT_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct key;
struct keyspace;

/*
 * Whom an effect concerns, and what a sink is. Who takes slots over is to have them exactly: it is
 * told what replicas and files do without, from when to when a consumer was seen, and no script
 * keeps anything from it.
 */
enum effect_audience {
    EFFECT_FOR_REPLICAS = 1,
    EFFECT_FOR_FILE = 2,
    EFFECT_FOR_SLOTS = 4,
    EFFECT_FOR_COPIES = EFFECT_FOR_REPLICAS | EFFECT_FOR_FILE,
    EFFECT_FOR_ALL = EFFECT_FOR_COPIES | EFFECT_FOR_SLOTS,
};

/* `db` of MULTI and EXEC: it does not matter, and nothing need be selected for them. */
#define EFFECT_ANY_DB (-1)

/* What a sink is given; it holds during the call. */
struct effect {
    int db;
    uint32_t argc;
    const struct str *argv;
    struct str bytes; /* all of it as a RESP array, made once for all sinks */
};

/* Somebody who is told of effects, in the order in which they happened. */
struct effect_sink {
    void (*take)(struct effect_sink *s, const struct effect *e);
    unsigned audience; /* effects for any of these are given to it */
    struct effect_sink *next;
};

/* The part of the keyspace that tells; opaque to all others. */
struct effects {
    struct effect_sink *sinks;
    uint32_t depth;    /* scopes that are open */
    bool stays_apart;  /* those of the present scope are no transaction */
    bool is_grouped;   /* MULTI was told: EXEC follows at the end of the scope */
    bool has_held;     /* the text is a scope's first effect, held until there is a second */
    unsigned wanted;   /* audiences of all sinks */
    unsigned withheld; /* from whom a script keeps what it does: redis.set_repl */
    unsigned audience; /* of the text */
    struct effect text;
    char *bytes;
    size_t room;
    struct str *argv;
    uint32_t argv_room;
    uint64_t count; /* told so far, MULTI and EXEC not counted */
};

/* Sinks come and go at any time. One that comes while a scope is open ends the scope's transaction
 * there, so that it gets a whole one of what follows. A sink must not tell anything itself. */
void effect_sink_add(struct keyspace *ks, struct effect_sink *s);
void effect_sink_remove(struct keyspace *ks, struct effect_sink *s);

/* Opens and closes a scope; they nest, and only the outermost counts. `stays_apart` for what
 * removes keys of any chance on its way (SCAN, RANDOMKEY): each effect stands for itself. */
void effects_begin(struct keyspace *ks, bool stays_apart);
void effects_end(struct keyspace *ks);

/* Tells one effect; outside of scopes at once. Nothing is kept of `argv`. */
void effect_tell(struct keyspace *ks, int db, const struct str *argv, uint32_t argc,
                 unsigned audience);

/* Tells that a key went by itself. */
void effect_tell_gone(struct db *db, struct key k, bool lazily);

void effects_fini(struct keyspace *ks);

/* SELECT as a RESP array, for sinks that keep account of the database; returns its length. */
#define EFFECT_SELECT_MAX 64
size_t effect_select(int db, char out[EFFECT_SELECT_MAX]);

#endif
