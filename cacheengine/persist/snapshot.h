/*
 * Snapshots: all databases as one stream in the format of RDB files.
 *
 *     "REDIS" and 4 digits of version (Valkey 9: "VALKEY" and 3)
 *     fields about the server and the moment (AUX)
 *     per database: its number, how many keys it has and how many of them end; the keys, each with
 *         its end, recency or frequency, type, name and value
 *     an end mark and a checksum
 *
 * Of an engine that speaks memcached they are the same, with items as strings of database 0. Two
 * fields are of them alone:
 *
 *     memcached-ver     in the head: that it is such a snapshot. An engine loads those of its own
 *                       protocol and refuses the others
 *     memcached-flags   amid the keys: the flags of all items behind it, up to the next such field;
 *                       0 before the first one
 *
 * Whoever reads RDB files reads these too, without the flags, for unknown fields are passed over
 * wherever they stand. The cas of items is not written: it is given out anew by who loads them
 * (memcached.h).
 *
 * Both directions stream (record.h): a snapshot is written to any sink and read from any source,
 * and needs no room for more than a window and one value.
 */
#ifndef LARDER_PERSIST_SNAPSHOT_H
#define LARDER_PERSIST_SNAPSHOT_H

#include "base/vec.h"
#include "cacheengine/keyspace/keyspace.h"
#include "cacheengine/keyspace/record.h"

struct arena;
struct seal_key;
struct slot_set;
struct snapshot_loading;

/* ---- writing ---- */

/* A field beside the usual ones: a replication id, an offset. */
struct snapshot_field {
    const char *name;
    struct str value;
};

struct snapshot_options {
    int version;     /* RECORD_VERSION (RECORD_VERSION_9 is written where fields of hashes end), or
                      * RECORD_VERSION_7_0 for a reader of that age, who is not told of ends */
    bool compresses; /* long strings */
    const struct seal_key *seal; /* files are sealed under it (file.h); NULL: they are plain */
    bool wants_seal;             /* no file is written without one */
    bool sums;                   /* without, the checksum is 0, which readers do not check */
    bool leaves_out_keys;
    const struct snapshot_field *fields;
    size_t field_count;
    int64_t key_delay_us; /* see snapshot_rest */
    /* Writes what stands between the fields and the keys: libraries of functions, each with its
     * mark. NULL: there is nothing. */
    void (*put_libraries)(void *libraries, struct record_writer *w);
    void *libraries;
    /* Told now and then how many keys are written; false: give up. NULL: nobody wants to know. */
    bool (*told)(void *ctx, uint64_t keys);
    void *ctx;
};

/* Writes all keys, also those that have expired but are still there. The keyspace must not change
 * meanwhile: a command runs it, or a child process. The sink's error; ERR_UNAVAILABLE when `told`
 * gave up. */
must_use struct err snapshot_save(struct keyspace *ks, struct sink *to,
                                  const struct snapshot_options *o);

/* ---- reading ---- */

struct snapshot_report {
    uint64_t keys;    /* loaded */
    uint64_t expired; /* left out, for they had expired */
    uint64_t empty;   /* left out, for they had no elements */
    uint64_t foreign; /* left out, for they are of other slots */
    int version;
    uint64_t bytes;       /* of the snapshot: where it ends */
    uint64_t used_memory; /* of the engine that wrote it; 0: it does not tell */
};

/* What happens to the keys that are there. */
enum snapshot_meeting {
    SNAPSHOT_REPLACES, /* they go */
    SNAPSHOT_JOINS,    /* they stay; a key that both have is an error */
    SNAPSHOT_MERGES,   /* they stay, but for those that the file has too */
};

struct snapshot_loading {
    struct db *dbs;               /* as many as the keyspace has */
    bool drops_expired;           /* a replica keeps them: its primary removes them */
    bool sums;                    /* checks the checksum where there is one */
    const struct seal_key *seal;  /* of sealed files; NULL: there is none */
    bool wants_seal;              /* plain files are refused */
    const struct slot_set *slots; /* keys of others are left out; NULL: all are loaded */
    bool allows_twins;            /* a key may come twice, and the last one counts */
    /* Called with each field; NULL: nobody wants them. */
    void (*field)(void *ctx, struct str name, struct str value);
    /* Called with each key that has expired and is left out therefore, whatever drops_expired says.
     * NULL: nobody wants to know. */
    void (*expired)(void *ctx, int db, struct str name);
    void *ctx;
    /* For files: takes over the libraries below, before any key is; its failure is that of the
     * loading. NULL: nobody wants them. */
    struct err (*take_libraries)(void *taker, struct arena *a, const struct snapshot_loading *l,
                                 enum snapshot_meeting meeting);
    /* For files: see file_source; with `taker`, too. */
    struct err (*passed)(void *taker, size_t bytes);
    void *taker;
    const int64_t *key_delay_us;   /* see snapshot_rest; it may change meanwhile. NULL: none */
    vec_of(struct str) libraries;  /* texts of the libraries of functions, in the arena */
    struct snapshot_report report; /* filled in */
};

/*
 * Reads a snapshot into the databases. ERR_CORRUPT or ERR_UNSUPPORTED with where and why, in `a`,
 * or the source's error; keys that were read until then are there, so load into databases apart
 * (keyspace_dbs_new) where the old ones must survive that.
 */
must_use struct err snapshot_load(struct keyspace *ks, struct source *from,
                                  struct snapshot_loading *l, struct arena *a);

/* Rests as directives for tests say who want to see the work amid: so long behind each key; below
 * 0: 1 us after so many keys. */
void snapshot_rest(int64_t key_delay_us, uint64_t keys);

/* ---- the marks of the format ---- */

#define SNAPSHOT_ITEMS_FIELD "memcached-ver"
#define SNAPSHOT_FLAGS_FIELD "memcached-flags"

enum snapshot_mark {
    MARK_SLOT_IMPORT = 243, /* Valkey 9 */
    MARK_SLOT_INFO = 244,   /* Valkey 8.1 */
    MARK_FUNCTION = 245,
    MARK_FUNCTION_OLD = 246, /* release candidates of 7.0 */
    MARK_MODULE = 247,
    MARK_IDLE = 248,
    MARK_FREQUENCY = 249,
    MARK_FIELD = 250,
    MARK_SIZES = 251,
    MARK_END_MS = 252, /* of the next key */
    MARK_END_S = 253,
    MARK_DATABASE = 254,
    MARK_EOF = 255,
};

#endif
