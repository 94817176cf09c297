/*
 * The memcached protocols over the engine's keyspace: what their parts share. The protocol itself
 * is `protocol_memcached` (protocol.h): text with its meta commands, and binary
 * (memcached_binary.h).
 *
 * An item is a string key. Flags and cas cost nothing until they are used: an item with neither is
 * stored as any string; with one of them, a few bytes stand in front of its value. The cas is given
 * out when somebody asks for it (`gets`) and every write takes it away again, so a `cas` with it
 * succeeds exactly as long as nobody has written since.
 */
#ifndef LARDER_PROTO_MEMCACHED_H
#define LARDER_PROTO_MEMCACHED_H

#include "base/buf.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/keyspace/call.h"
#include "cacheengine/keyspace/item.h"

#include <stdbool.h>
#include <stdint.h>

#define MC_KEY_MAX    ITEM_KEY_MAX
#define MC_ITEM_HEAD  56 /* what memcached 1.6 adds to each item when it compares sizes */
#define MC_CONFIGS    16 /* entries of the configuration family: ElastiCache's config_max */
#define MC_CONFIG_MAX 65536
#define MC_AT_ONCE    ((int64_t)0) /* the deadline of an item that is gone when it is stored */
#define MC_WHOLE_LINE UINT64_MAX   /* to skip: what is left of a line */

#define MC_BAD_FORMAT    "CLIENT_ERROR bad command line format"
#define MC_NO_NUMBER     "CLIENT_ERROR cannot increment or decrement non-numeric value"
#define MC_TOO_LARGE     "SERVER_ERROR object too large for cache"
#define MC_OUT_OF_MEMORY "SERVER_ERROR out of memory storing object"

/* Counted by "stats", forgotten by "stats reset". */
struct mc_counters {
    uint64_t cmd_get, cmd_set, cmd_flush, cmd_touch, cmd_meta;
    uint64_t get_hits, get_misses;
    uint64_t delete_hits, delete_misses;
    uint64_t incr_hits, incr_misses, decr_hits, decr_misses;
    uint64_t cas_hits, cas_misses, cas_badval;
    uint64_t touch_hits, touch_misses;
    uint64_t too_large, no_memory;
    uint64_t auth_cmds, auth_errors;
    uint64_t total_items;
};

/* One entry of `config set`. */
struct mc_config {
    char *name; /* owned; NULL = free */
    struct buf data;
    uint32_t flags;
};

/* What is tuned while it runs, and shown by "stats settings". */
struct mc_tuning {
    bool has_crawler;
    uint32_t crawl_sleep_us, crawl_most;
    uint32_t slab_automove;
    double slab_automove_ratio;
    uint32_t hot_percent, warm_percent;
    double hot_factor, warm_factor;
};

struct mc_prefixes;

/* What can be watched, and who does (memcached_watch.h). */
enum mc_watched { MC_FETCHERS = 1, MC_MUTATIONS = 2, MC_EVICTIONS = 4, MC_CONNEVENTS = 8 };

#define MC_WATCHERS 20

struct mc_watcher {
    struct client *client;
    unsigned kinds;
    uint64_t skipped; /* lines that it was not told, since the last that it was */
};

struct mc_watch {
    struct engine *engine;
    struct mc_watcher all[MC_WATCHERS];
    uint32_t count;
    unsigned kinds;         /* that anybody watches; 0 mostly */
    uint64_t last_id;       /* of an event */
    uint64_t sent, skipped; /* lines */
};

/* What the protocol keeps for the whole engine (engine->protocol_state). */
struct mc_state {
    struct mc_counters counters;
    struct engine_stats reset_stats; /* of the engine, as they were at "stats reset" */
    uint64_t reset_evicted;
    struct mc_config configs[MC_CONFIGS];
    uint64_t last_cas;
    uint32_t verbosity;
    struct mc_tuning tuning;
    struct mc_prefixes *prefixes; /* stats detail; NULL: nothing was counted yet */
    bool counts_prefixes;
    struct mc_watch watchers;
    struct write_watch watch; /* of the running command */
};

/* What a connection remembers between requests (client->protocol_state); made with its first byte.
 */
struct mc_session {
    uint64_t to_skip;     /* bytes of a block that was refused; or MC_WHOLE_LINE */
    uint64_t dump_cursor; /* where a dump that is not at its end stands; 0: there is none */
    bool is_binary;
    bool is_watcher;  /* nothing of what it sends is looked at */
    bool is_at_fault; /* it is closed for what it sent */
    bool has_started_sasl;
    bool is_authenticated; /* by SASL, or by a set where the text protocol asks for it */
};

static inline struct mc_state *mc_state_of(const struct engine *e)
{
    return e->protocol_state;
}

static inline struct mc_state *mc_state(const struct cmd_call *c)
{
    return mc_state_of(c->engine);
}

/* True for clients of a serverless cache, which may do less than others. */
static inline bool mc_is_serverless(const struct engine *e, const struct client *c)
{
    return e->settings.is_serverless && !c->is_admin;
}

static inline struct mc_session *mc_session(const struct cmd_call *c)
{
    return c->client->protocol_state;
}

/* ---- words and numbers (memcached_text.c) ---- */

/* Cuts a line at its spaces into `out`, which has room for as many words as there can be. */
uint32_t mc_split(struct str line, struct str *out);

/* Numbers as memcached's strtol-based readers take them: leading blanks, a sign, and anything
 * behind a blank are accepted; the 32-bit forms keep the low bits of what fits in 64. */
bool mc_read_u64(struct str s, uint64_t *out);
bool mc_read_u32(struct str s, uint32_t *out);
bool mc_read_i32(struct str s, int32_t *out);

/* When an item with this exptime goes: a wall time, NO_DEADLINE or MC_AT_ONCE. */
int64_t mc_deadline(int64_t exptime, int64_t now_ms);

/* One line, with its CRLF. */
void mc_line(struct cmd_call *c, const char *text);

/* The same unless the request ends in "noreply"; `body` says whether the last argument is one. */
void mc_say(struct cmd_call *c, const char *text, bool has_body);
bool mc_is_silent(const struct cmd_call *c, bool has_body);

/* ---- items (memcached_item.c) ---- */

/* The item's cas; gives it one when it has none, which may move the entry: `it` is read anew. 0
 * where there are none. */
uint64_t mc_item_cas(struct cmd_call *c, struct key k, struct item *it);

/* Notes marks of it (enum item_mark), which may move the entry likewise. */
void mc_item_mark(struct cmd_call *c, struct key k, struct item *it, unsigned marks);

/* Marks it as stale, which gives it another cas. */
void mc_item_spoil(struct cmd_call *c, struct key k, struct item *it);

/* Sets its deadline; false when it is gone by that. */
bool mc_item_touch(struct cmd_call *c, struct key k, struct entry **e, int64_t deadline_ms);

/* Stores a value; one that is gone at once only removes what was there. The bytes may stand in the
 * database. */
void mc_item_put(struct cmd_call *c, struct key k, uint32_t flags, struct str value,
                 int64_t deadline_ms);

/* The same with the request's body, which is taken over without a copy where that is possible.
 * `cas` is noted with it when it is not 0. */
void mc_item_put_body(struct cmd_call *c, struct key k, const struct item *notes, uint32_t body_arg,
                      int64_t deadline_ms);

/* A cas that no item has; 0 where there are none. */
uint64_t mc_new_cas(struct cmd_call *c);

/* Puts bytes behind or in front of an item's value. Flags and deadline stay. */
void mc_item_append(struct cmd_call *c, struct key k, struct item *it, struct str more);
void mc_item_prepend(struct cmd_call *c, struct key k, struct item *it, struct str more);

/* What memcached 1.6 counts for an item, and true when an item of that size is allowed. */
size_t mc_item_size(size_t key_len, uint32_t flags, size_t value_len);
bool mc_item_fits(const struct engine *e, size_t key_len, uint32_t flags, size_t value_len);

/* ---- storing and counting, whoever asks for it (memcached_store.c) ---- */

enum mc_mode { MC_SET, MC_ADD, MC_REPLACE, MC_APPEND, MC_PREPEND, MC_CAS };
enum mc_stored { MC_STORED, MC_NOT_STORED, MC_EXISTS, MC_NOT_FOUND, MC_NO_MEMORY };

struct mc_store {
    struct key key;
    uint32_t flags;
    uint32_t body_arg;
    struct str body;
    int64_t deadline_ms;
    uint64_t cas;      /* 0 = none */
    uint64_t *out_cas; /* that of the item as stored is wanted; NULL: it is not */
    bool may_be_stale; /* with an older cas it is stored all the same, as stale */
    bool is_meta;      /* without memory no old value is left, whatever the mode */
};

enum mc_stored mc_store(struct cmd_call *c, const struct mc_store *a, enum mc_mode mode);

enum mc_changed {
    MC_CHANGED,
    MC_CHANGE_NOT_FOUND, /* the caller counts it */
    MC_CHANGE_EXISTS,    /* with another cas */
    MC_CHANGE_NO_NUMBER,
    MC_CHANGE_NO_MEMORY,
};

struct mc_change {
    struct key key;
    bool is_incr;
    uint64_t delta;
    uint64_t cas;      /* 0 = whatever it is */
    uint64_t *out_cas; /* that of the changed item is wanted; NULL: it is not */
};

enum mc_changed mc_change(struct cmd_call *c, const struct mc_change *a, uint64_t *out);

/* ---- the cluster's configuration (memcached_config.c) ---- */

/* The stored entry of that name, or NULL. */
const struct mc_config *mc_config_find(const struct mc_state *s, struct str name);

/* What is told under that name: what was set, else what the owner has the engine say of its
 * cluster. False when there is neither. */
bool mc_config_read(const struct cmd_call *c, struct str name, struct str *out,
                    uint32_t *out_flags);
void mc_config_clear(struct mc_config *config);

/* True when this client may do the two that follow. */
bool mc_config_may_change(const struct cmd_call *c);

/* Each false when it cannot: there are too many, there is none of that name. */
bool mc_config_put(struct cmd_call *c, struct str name, uint32_t flags, struct str data);
bool mc_config_remove(struct cmd_call *c, struct str name);

/* ---- commands: each is the `run` of a call (protocol.h) ---- */

void mc_run_get(struct cmd_call *c);
void mc_run_gets(struct cmd_call *c);
void mc_run_gat(struct cmd_call *c);
void mc_run_gats(struct cmd_call *c);
void mc_run_touch(struct cmd_call *c);

void mc_run_set(struct cmd_call *c);
void mc_run_add(struct cmd_call *c);
void mc_run_replace(struct cmd_call *c);
void mc_run_append(struct cmd_call *c);
void mc_run_prepend(struct cmd_call *c);
void mc_run_cas(struct cmd_call *c);
void mc_run_too_large(struct cmd_call *c); /* a storage command whose body is skipped */
void mc_run_delete(struct cmd_call *c);
void mc_run_incr(struct cmd_call *c);
void mc_run_decr(struct cmd_call *c);

void mc_run_flush_all(struct cmd_call *c);
void mc_run_version(struct cmd_call *c);
void mc_run_verbosity(struct cmd_call *c);
void mc_run_quit(struct cmd_call *c);
void mc_run_shutdown(struct cmd_call *c);
void mc_run_memlimit(struct cmd_call *c);
void mc_run_slabs(struct cmd_call *c);
void mc_run_lru(struct cmd_call *c);
void mc_run_crawler(struct cmd_call *c);
void mc_run_refresh_certs(struct cmd_call *c);
void mc_run_debug_time(struct cmd_call *c);
void mc_run_log_in(struct cmd_call *c);     /* what comes of who has not logged in */
void mc_run_config(struct cmd_call *c);     /* get and delete */
void mc_run_config_set(struct cmd_call *c); /* the body is the last argument */
void mc_run_stats(struct cmd_call *c);

void mc_run_mg(struct cmd_call *c);
void mc_run_mn(struct cmd_call *c);
void mc_run_me(struct cmd_call *c);
void mc_run_ms(struct cmd_call *c);
void mc_run_ms_too_large(struct cmd_call *c);
void mc_run_md(struct cmd_call *c);
void mc_run_ma(struct cmd_call *c);
void mc_run_meta_problem(
    struct cmd_call *c); /* says c->problem, whatever the request's last word */

/* Says "ERROR"; says c->problem; closes without a word. */
void mc_run_error(struct cmd_call *c);
void mc_run_problem(struct cmd_call *c);
void mc_run_problem_body(struct cmd_call *c); /* the last argument is a body */
void mc_run_close(struct cmd_call *c);

void mc_run_cachedump(struct cmd_call *c); /* a kind of stats */

/* Whether a file of "user:password" lines has them (memcached_sasl.c). */
bool mc_user_is_right(const char *users_file, struct str user, struct str password);

/* A key as memcached shows it in lines for people: escaped as in a URI, at `to`, which has room for
 * three times its bytes. Returns the end. */
char *mc_escape_key(char *to, struct str key);

/* What every `run` begins and ends with: the database, a due flush, counting. */
void mc_begin(struct cmd_call *c);
void mc_end(struct cmd_call *c);

/* True when the node's state lets the client write, or read; else it was told why not. */
bool mc_may_write(struct cmd_call *c, bool has_body);
bool mc_may_read(struct cmd_call *c);
bool mc_may_meta(struct cmd_call *c, bool writes); /* the same where no word can silence it */

/* What refuses a write, or a read, for now; NULL: nothing does. */
const char *mc_write_refusal(const struct cmd_call *c);
const char *mc_read_refusal(const struct cmd_call *c);

/* Empties the cache after so many seconds, or at a wall time; at once for 0 and what has passed. */
void mc_flush(struct cmd_call *c, int64_t exptime);

/* ---- statistics (memcached_stats.c) ---- */

/* Says those of that kind ("" for the general ones), one by one and not the end of them. False when
 * there is no such kind. */
bool mc_stats_show(struct cmd_call *c, struct str kind);
void mc_stats_reset(struct cmd_call *c);

/* One of them, in the client's protocol. */
void mc_stat(struct cmd_call *c, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mc_stat_number(struct cmd_call *c, const char *name, uint64_t v);
uint64_t mc_evicted(const struct cmd_call *c); /* since "stats reset" */

/* Kinds (memcached_stats_kinds.c). */
void mc_stats_settings(struct cmd_call *c);
void mc_stats_items(struct cmd_call *c);
void mc_stats_slabs(struct cmd_call *c);
void mc_stats_sizes(struct cmd_call *c);
void mc_stats_sizes_enable(struct cmd_call *c);
void mc_stats_conns(struct cmd_call *c);

/* ---- counters by the prefix of keys (memcached_prefix.c) ---- */

enum mc_deed { MC_DEED_GET, MC_DEED_HIT, MC_DEED_SET, MC_DEED_DELETE };

void mc_prefix_count_slow(struct cmd_call *c, struct str key, enum mc_deed deed);
static inline void mc_prefix_count(struct cmd_call *c, struct str key, enum mc_deed deed)
{
    if (__builtin_expect(mc_state(c)->counts_prefixes, 0))
        mc_prefix_count_slow(c, key, deed);
}

/* "stats detail on|off|dump"; the lines of a dump go to `out`. */
void mc_prefixes_dump(const struct mc_prefixes *p, struct buf *out);
void mc_prefixes_free(struct mc_prefixes *p); /* accepts NULL */
void mc_run_stats_detail(struct cmd_call *c);

#endif
