/*
 * The databases and what they share: memory account, hash seed, clock, policy, background thread.
 * The one object of this layer; nothing in it is global.
 */
#ifndef LARDER_KEYSPACE_KEYSPACE_H
#define LARDER_KEYSPACE_KEYSPACE_H

#include "base/rng.h"
#include "cacheengine/keyspace/account.h"
#include "cacheengine/keyspace/blob.h"
#include "cacheengine/keyspace/effect.h"
#include "cacheengine/keyspace/entry.h"
#include "cacheengine/keyspace/hash.h"
#include "cacheengine/keyspace/heap.h"
#include "cacheengine/keyspace/index.h"
#include "cacheengine/keyspace/lazyfree.h"
#include "cacheengine/keyspace/settings.h"
#include "cacheengine/keyspace/slot.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct cmd_call;
struct keyspace;
struct record_reader;
struct record_writer;
struct value;
struct leftover;
struct db;
struct wait;

/* A key with its hash. Made once per command by call_key, or by keyspace_key. */
struct key {
    const char *ptr;
    uint64_t hash;
    uint32_t len;
};

/* Given an element of a collection: that of a list or set, field and value of a hash, member and
 * score (17 digits, as text) of a sorted set. The texts hold during the call. */
typedef void element_fn(void *ctx, struct str first, struct str second);

/* Who takes a value as commands: for each, how many words it has, these, and that they were all. */
struct teller {
    void *ctx;
    void (*begin)(void *ctx, uint32_t words);
    void (*word)(void *ctx, struct str word);
    void (*end)(void *ctx);
};

/* What a change of a value means to one who was told a part of it. */
enum change_meaning {
    CHANGE_IS_MET,     /* nothing more: it was told, or will be */
    CHANGE_GOES_ALONG, /* the change itself */
    CHANGE_IS_UNKNOWN, /* nobody knows: it is to be told from the begin */
};

/* What the keyspace must be able to do with a value that stands OUTSIDE an entry. Strings' blobs
 * are known here; each collection registers itself with keyspace_set_type. */
struct type_ops {
    const char *name; /* "list" */
    /* What OBJECT ENCODING says of a value of this type, in whatever form. */
    const char *(*encoding)(const struct db *db, const struct entry *e);
    /* Frees the object, its parts in the db's heap and all that it booked, which must be in
     * db->heap.account: a database that was cut loose is dropped by another thread. */
    void (*drop)(struct db *db, void *object);
    /* The same in parts of at most `budget` steps, each a few microseconds; true when all is freed.
     * NULL: drop is quick. */
    bool (*drop_some)(struct db *db, void *object, uint32_t budget);
    /* A deep copy for another key, maybe of another database. */
    void *(*copy)(struct db *from, struct db *to, const void *object);
    /* Makes an outside object of the PLAIN bytes of a packed value: a key became too long to have
     * them beside it. */
    void *(*unpack)(struct db *db, const char *bytes, size_t len);
    /* How much work a drop is (elements), so that big ones can be freed in slices or elsewhere. */
    size_t (*weight)(const void *object);
    /* Bytes that the object takes beside its entry (MEMORY USAGE). */
    size_t (*bytes)(const struct db *db, const void *object);
    /* Calls `visit` for all elements of a value of this type, in whatever form, in its order. NULL:
     * it has none that are of this simple kind. */
    void (*each)(struct db *db, const struct entry *e, element_fn *visit, void *ctx);
    /* The same for some elements, from a cursor on: 0 begins, and 0 is returned behind the last
     * ones. Of a list the cursor is the index of the next element. Of other types a pass meets
     * every element that was there from its beginning to its end, whatever comes and goes
     * meanwhile. NULL together with `each`. */
    uint64_t (*some)(struct db *db, const struct entry *e, uint64_t cursor, element_fn *visit,
                     void *ctx);
    /* The same for the element of this name, if it is there. NULL: elements have no names. */
    void (*one)(struct db *db, const struct entry *e, struct str name, element_fn *visit,
                void *ctx);
    /* When the first element ends that does so by itself; maybe too early, never too late.
     * NO_DEADLINE: none does. NULL together with the next two: those of this type never do. */
    int64_t (*next_end)(const void *object);
    /* When the element of this name ends, or NO_DEADLINE. */
    int64_t (*end_of)(struct db *db, const struct entry *e, struct str name);
    /* Removes elements that have ended, up to `budget`, and tells so; the key goes with the last
     * one. What next_end says now: NO_DEADLINE also when the key is gone. */
    int64_t (*expire_some)(struct db *db, struct key k, struct entry *e, uint32_t budget);
    /* For what is more than elements, instead of `some`: tells a part of a value of some dozens of
     * commands, for one who has no such key yet and is told (and does) nothing else with it but
     * what tell_change says. `place` is empty at the begin and is not looked into by others. True
     * behind the last part. Others may change the value between the parts. */
    bool (*tell_some)(const struct entry *e, struct buf *place, const struct teller *t);
    /* After a change of the value, which is as it is now (maybe changed once more already). */
    enum change_meaning (*tell_change)(const struct entry *e, const struct buf *place,
                                       const struct effect *change, const struct teller *t);
    /* False for a value that no commands make, but only damaged or forged files. */
    bool (*is_tellable)(const void *object);
    /* Writes a value of this type, in whatever form, as value_save does (value.h). */
    void (*save)(struct record_writer *w, struct db *db, const struct entry *e);
    /* Reads one, as value_load does; the type byte is one of this type's. */
    struct err (*load)(struct record_reader *r, unsigned record_type, struct db *db, struct key k,
                       struct value *out);
};

/* What happens to keys, told to those above: WATCH, notifications, propagation, tracking. */
enum key_event {
    EVENT_GENERIC = 'g',
    EVENT_STRING = '$',
    EVENT_LIST = 'l',
    EVENT_SET = 's',
    EVENT_HASH = 'h',
    EVENT_ZSET = 'z',
    EVENT_STREAM = 't',
    EVENT_EXPIRED = 'x',
    EVENT_EVICTED = 'e',
    EVENT_NEW = 'n',
    EVENT_MISS = 'm',
    EVENT_SILENT = 0, /* for those who watch the key alone: no notification */
};

struct keyspace_hooks {
    void *ctx;
    /* A key was changed, created or removed. `name` is the notification's name ("set", "expired").
     */
    void (*on_change)(void *ctx, struct db *db, struct key k, enum key_event kind,
                      const char *name);
    /* A command waits for keys (wait.h). NULL: none can. */
    void (*wait)(void *ctx, struct cmd_call *c, const struct wait *w);
    /* Whether the client may read every key. NULL: it may. */
    bool (*reads_all)(const struct cmd_call *c);
    /* Whether this node may change and tell what is not asked for by a write. NULL: it may. */
    bool (*takes_writes)(const struct cmd_call *c);
    /* A key is about to go for want of memory. NULL: nobody wants to see it. */
    void (*on_evict)(void *ctx, struct db *db, struct entry *e);
};

struct db {
    struct heap heap;
    struct index index;
    struct keyspace *ks;
    uint64_t with_deadline; /* keys that expire */
    uint64_t with_ends;     /* keys with elements that expire */
    uint64_t outside;       /* keys whose value stands outside */
    int id;
    uint32_t sweep_at;          /* where the expiry sweep stands */
    int64_t swept_ms;           /* wall time when it last came to the end */
    bool sweeps_all;            /* it looks at all that have a deadline, due or not */
    int64_t ttl_mean_ms;        /* a running mean, for INFO */
    struct leftover *leftovers; /* collections to be freed (leftover.h) */
    uint64_t leftover_count;
};

/* A pass of tidying over one database (tidy.c). */
struct tidying {
    bool is_running;
    int db;
    uint32_t place;       /* where in the index it stands */
    size_t wasted_before; /* when the pass began */
    int64_t rests_until_ms;
};

struct keyspace_stats {
    uint64_t hits, misses;
    uint64_t expired, evicted;
    uint64_t expired_elements; /* fields of hashes */
    uint64_t expired_stale_percent;
    uint64_t lazy_freed;
    uint64_t tidy_looked, tidy_moved; /* items */
};

struct keyspace {
    struct account account;
    struct hash_seed seed;
    struct settings *settings; /* borrowed */
    struct keyspace_hooks hooks;
    struct effects effects;
    const struct slot_set *hidden; /* slots whose keys nobody is shown; NULL mostly: borrowed */
    bool has_slots;        /* cluster mode: the slot of a key is part of its hash (slot.h) */
    bool is_observed;      /* somebody listens to hooks.on_change */
    bool tells_new;        /* keys that come are told too, as EVENT_NEW */
    bool hides_expired;    /* a replica: expired keys are not shown and not removed */
    bool stands_still;     /* nothing goes by itself: a pause (CLIENT PAUSE) */
    bool shows_expired;    /* the primary's own commands run: what it did not remove is there */
    bool spares_age;       /* the running command leaves recency alone: CLIENT NO-TOUCH */
    bool is_expiry_paused; /* DEBUG SET-ACTIVE-EXPIRE 0 */
    bool notes_reads;      /* of each entry is known whether it was ever read (db_was_read) */
    bool skips_checksums;  /* DEBUG SET-SKIP-CHECKSUM-VALIDATION 1: of DUMP payloads and files */
    uint32_t list_alone_above; /* DEBUG QUICKLIST-PACKED-THRESHOLD: longer elements of lists stand
                                * alone; 0 = as usual */
    int64_t now_ms;            /* wall time of the running command; set by the loop */
    int64_t passed_ms;         /* the same instant on a clock that is never set: for how long
                                * something lasts, and in which order it was */
    uint32_t age_now;          /* what a touched entry gets: seconds, 24 bits */
    uint32_t read_mark;        /* the bit of an age that says that it was read; 0 = none does */
    uint32_t minutes_now;      /* for LFU: minutes, 16 bits */
    bool counts_frequency;     /* an LFU policy is set */
    struct db *dbs;
    int db_count;
    struct type_ops const *types[ENTRY_TYPES];
    struct keyspace_stats stats;
    struct lazyfree lazyfree;
    struct rng rng;
    struct evict_pool *evict_pool; /* made with the first eviction */
    int64_t evict_late_ms;         /* the round in which eviction was last out of time */
    int expire_db;                 /* where the sweep goes on */
    struct tidying tidying;
    uint64_t dirty;          /* changes since the last save */
    int64_t flush_at_ms;     /* wall time at which all keys go; 0: none is set */
    uint64_t leftover_count; /* of all databases */
};

void keyspace_init(struct keyspace *ks, struct settings *settings, int db_count, int64_t now_ms);
void keyspace_fini(struct keyspace *ks);

/* Says what a type's outside objects can do; once per type, at start. */
void keyspace_set_type(struct keyspace *ks, enum entry_type type, const struct type_ops *ops);

/* Sets the time that commands see: deadlines are wall times. */
void keyspace_set_now(struct keyspace *ks, int64_t now_ms);

/* Sets the time by which recency is judged, and waits end. */
void keyspace_set_passed(struct keyspace *ks, int64_t passed_ms);

/* Takes over changed settings (policy). */
void keyspace_apply_settings(struct keyspace *ks);

/* From now on db_was_read knows. */
void keyspace_note_reads(struct keyspace *ks);

/* The hash of a key. */
static inline uint64_t keyspace_hash(const struct keyspace *ks, const char *key, size_t len)
{
    uint64_t hash = hash_bytes(&ks->seed, key, len);

    return __builtin_expect(ks->has_slots, 0) ? slot_mix(hash, slot_of_key(key, len)) : hash;
}

static inline struct key keyspace_key(const struct keyspace *ks, struct str name)
{
    return (struct key){name.ptr, keyspace_hash(ks, name.ptr, name.len), (uint32_t)name.len};
}

/* True when the key is of a slot that is not shown: of another shard, not removed or not taken over
 * yet. */
static inline bool keyspace_hides(const struct keyspace *ks, struct str key)
{
    return ks->hidden && slot_set_has(ks->hidden, slot_of_key(key.ptr, key.len));
}

/* Memory as maxmemory sees it. */
size_t keyspace_used_bytes(struct keyspace *ks);

/* All keys of all databases. */
uint64_t keyspace_count(const struct keyspace *ks);

/* Removes all keys of one database or of all (id -1). `in_background` detaches and frees elsewhere.
 * Returns how many keys there were. */
uint64_t keyspace_flush(struct keyspace *ks, int id, bool in_background);

/* Removes all keys, in the background, if flush_at_ms has come: before somebody looks at them all.
 */
void keyspace_flush_due(struct keyspace *ks);

/* Exchanges the content of two databases. */
void keyspace_swap(struct keyspace *ks, int a, int b);

/* Databases apart from those that commands see, as many and empty: for loading what may turn out to
 * be damaged. They are booked like the others. */
struct db *keyspace_dbs_new(struct keyspace *ks);

/* Exchanges the content of all databases with theirs. */
void keyspace_dbs_exchange(struct keyspace *ks, struct db *apart);

/* Frees them with all that is in them, or has that done in the background. Accepts NULL. */
void keyspace_dbs_free(struct keyspace *ks, struct db *apart);
void keyspace_dbs_free_aside(struct keyspace *ks, struct db *apart);

/* Removes keys that are due, for at most `budget_us`. True when nothing due is left. */
bool keyspace_expire_some(struct keyspace *ks, int64_t budget_us);

/* Moves keys together where much memory stands unused between them, for about `budget_us`. True
 * when there is nothing to be done at present. */
bool keyspace_tidy_some(struct keyspace *ks, int64_t budget_us);

/* Frees collections whose keys are gone, for about `budget_us`. True when none is left. */
bool keyspace_free_some(struct keyspace *ks, int64_t budget_us);

enum evict_result {
    EVICT_ENOUGH, /* there is room */
    EVICT_LATER,  /* the time was up; goes on with the next call */
    EVICT_FAILED, /* nothing may be evicted */
};

/* Makes room until maxmemory holds. Called before each command that may add data. */
enum evict_result keyspace_evict_slow(struct keyspace *ks);

static inline enum evict_result keyspace_make_room(struct keyspace *ks)
{
    if (!ks->settings->max_memory || ks->account.used_bytes <= (size_t)ks->settings->max_memory)
        return EVICT_ENOUGH;
    return keyspace_evict_slow(ks);
}

#endif
