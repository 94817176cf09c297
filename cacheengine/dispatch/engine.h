/*
 * The engine: the one struct that main builds and everything hangs from. Protocols and commands of
 * the server family see it; commands on data see `struct cmd_call` only.
 */
#ifndef LARDER_DISPATCH_ENGINE_H
#define LARDER_DISPATCH_ENGINE_H

#include "base/arena.h"
#include "base/err.h"
#include "cacheengine/acl/log.h"
#include "cacheengine/dispatch/authority.h"
#include "cacheengine/dispatch/client.h"
#include "cacheengine/dispatch/config.h"
#include "cacheengine/dispatch/durability.h"
#include "cacheengine/dispatch/failover.h"
#include "cacheengine/dispatch/latency.h"
#include "cacheengine/dispatch/logs.h"
#include "cacheengine/dispatch/oom_score.h"
#include "cacheengine/dispatch/slowlog.h"
#include "cacheengine/dispatch/yield.h"
#include "cacheengine/keyspace/call.h"
#include "cacheengine/keyspace/link.h"
#include "cacheengine/repl/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct acks;
struct iam;
struct block_table;
struct append;
struct pubsub;
struct engine_host;
struct followers;
struct saving;
struct seal_key;
struct cluster;
struct moving;
struct own_expiries;
struct scripting;
struct command;
struct protocol;
struct pubsub_turn;
struct replica;
struct tracking;
struct watch_table;

/* Counters per command (and subcommand), by command id. */
struct command_stats {
    uint64_t calls, rejected, failed;
    uint64_t ticks;              /* of engine_ticks */
    struct histogram *histogram; /* of their durations; NULL: nothing was counted */
};

/* Error replies by code. */
struct error_stat {
    char code[24];
    uint64_t count;
};
#define ENGINE_ERROR_STATS   192 /* the last is for all further ones */
#define ENGINE_SCRIPT_ERRORS 128 /* with so many, all new ones of scripts are one */

/* Which users the owner gave last. */
struct users_epoch {
    int64_t epoch; /* 0: none */
    unsigned char sum[DIGEST_SHA256_BYTES];
};

struct engine_stats {
    uint64_t connections, rejected_connections;
    uint64_t commands;
    uint64_t bytes_in, bytes_out, reads, writes;
    uint64_t repl_bytes_in; /* of bytes_in, from the primary */
    uint64_t errors, unexpected_errors;
    uint64_t query_limit_kills, output_limit_kills, idle_kills;
    uint64_t tls_handshakes, tls_failures;
    uint64_t evicted_clients;
    uint64_t expire_capped, expire_ticks;
    uint64_t work, throttled; /* units that were done, and calls that had to wait; see throttle.h */
    uint64_t over_memory_ms;  /* in all, with more than maxmemory in use */
    uint64_t rounds, round_ticks; /* of the loop, between its waits */
    int64_t sampled_at_ms;        /* rates per second, sampled by engine_tick */
    uint64_t sampled_commands, sampled_in, sampled_out, sampled_rounds, sampled_ticks;
    uint64_t sampled_repl_in, sampled_repl_out;
    double commands_rate, in_rate, out_rate, rounds_rate, ticks_rate, repl_in_rate, repl_out_rate;
};

/* A file is being loaded (loading.h). */
struct engine_loading {
    bool is_on;
    const struct client *occupied; /* whose command loads; NULL: it is the start */
    struct loading_facts {
        int64_t began_s;
        uint64_t total_bytes, passed_bytes;
        uint64_t used_memory; /* of the engine that wrote the file; 0: it does not tell */
    } facts;
    const struct snapshot_report *report; /* what is known of a snapshot so far; NULL: it is none */
    uint64_t turn_at;                     /* passed_bytes when clients have their next turn */
    uint32_t guards;                      /* of clients: what is loaded has its own */
    struct engine_stats stats;            /* likewise */
};

struct engine {
    struct keyspace keyspace;
    struct settings settings;
    struct config config;
    struct arena scratch; /* of the running command */
    struct reply_pool replies;
    struct client *newest, *oldest;
    uint64_t client_count; /* ordinary ones */
    uint64_t admin_count;
    uint64_t next_client_id;
    size_t lasting_client_bytes; /* of clients that must not be closed, as of clients_seen_ms */
    int64_t clients_seen_ms;
    struct command_stats *by_command; /* command_id_count of them */
    struct error_stat error_stats[ENGINE_ERROR_STATS];
    uint32_t error_stat_count;
    struct engine_stats stats;
    struct acl acl;
    struct acl_log acl_log;
    struct slowlog slowlog;
    struct logs logs;
    struct {
        char id[REPL_ID_LEN + 1]; /* empty: the file did not tell */
        int64_t offset;
        int db;
        bool is_taken; /* the stream goes on from there */
    } restored;        /* what the snapshot that was loaded at the start is a state of */
    struct failover failover;
    struct yield yield;
    struct own_expiries *own_expiries; /* of a writable replica (own_expiries.h); else NULL */
    struct oom_score oom_score;
    struct replica *replica;   /* this node is one (replica.h); NULL: it is a primary */
    struct repl_stream stream; /* what replicas are told; its id is the node's replication id */
    struct followers *followers;
    struct latency latency;
    uint64_t slow_ticks;         /* commands that take as long are looked at: SLOWLOG, LATENCY */
    int64_t saved_s;             /* wall time of the last snapshot, or of the start */
    uint64_t saves;              /* snapshots since the start */
    struct saving *saving;       /* children that write (saving.h) */
    struct seal_key *seal;       /* the data key of files at rest (seal.h); NULL: none was given */
    struct append *append;       /* the append-only file (append.h) */
    struct scripting *scripting; /* scripts and functions (scripting.h); NULL: none were needed */
    const struct engine_host *host; /* the loop (host.h); NULL: there is none, as in tests */
    void *host_ctx;
    struct {
        uint64_t keys, expired;
    } loaded;                      /* of the last snapshot that was loaded */
    struct engine_loading loading; /* nothing makes room meanwhile */
    int64_t over_memory_since_ms;  /* on the clock of passed_ms; 0: memory is within maxmemory */
    struct cluster *cluster;       /* cluster mode; else NULL */
    struct moving *moving;         /* likewise: slots on their way */
    struct pubsub *pubsub;         /* NULL: nobody ever subscribed */
    struct tracking *tracking;     /* NULL: nobody tracks */
    uint64_t subscriber_count;     /* clients */
    uint64_t monitor_count;        /* clients that want to see all commands */
    uint32_t notify_classes;       /* of changes that are told (notify.h); 0: none */
    struct client *running;        /* whose command runs */
    bool has_own_pushes;           /* it is to hear something behind its reply */
    struct pubsub_turn *turn;      /* amid or behind whose command it runs (pubsub.h) */
    struct watch_table *watches;
    struct block_table *blocks;      /* who waits for keys */
    uint64_t waiting_count;          /* clients that wait */
    const struct protocol *protocol; /* what clients speak; opaque here */
    void *protocol_state;            /* the protocol's own, made and freed by its init and fini */
    /* The protocol is told of clients; NULL: it does not want to know. */
    void (*client_came)(struct engine *e, struct client *c);
    void (*client_gone)(struct engine *e, struct client *c);
    struct link_dialer dialer; /* for outgoing connections; dial is NULL without a network */
    int64_t started_boot_ms;
    uint64_t ticks_per_ms; /* of engine_ticks, calibrated while running */
    uint64_t ticks_at_start;
    char run_id[41];
    const char *executable, *config_file; /* for INFO; borrowed */
    int pid;
    struct throttle {
        int64_t purse;     /* thousandths of units that may be spent; below 0: overdrawn */
        int64_t filled_ms; /* on the clock of passed_ms */
        bool is_on;        /* somebody waits for it */
        int64_t lent;      /* units per second that replicas do, as they said at lent_ms */
        int64_t lent_ms;
    } throttle; /* see throttle.h */
    struct pause {
        bool is_on, only_writes;
        int64_t until_ms;
    } pauses[4];            /* by enum pause_owner, see pause.h */
    uint32_t guards;        /* which of enum guard may refuse commands now; 0 mostly */
    int64_t clock_ahead_ms; /* of the wall clock: tests of memcached set it */
    bool is_clock_held;     /* it stands, likewise */
    bool is_ending;         /* a clean end was asked for */
    bool is_clock_late;     /* a command stood still: the clock is behind */
    bool owner_waits;       /* calls of the owner are to run when the present one ends: amid.h */
    uint64_t looked_ticks;  /* when it was looked for him last */
    struct {
        bool is_on; /* it waits for replicas, see ending.h */
        unsigned how;
        int64_t until_ms; /* on the clock of passed_ms */
    } ending;
    int ending_signal;            /* that came while the regular work was paused; 0: none */
    bool is_work_paused;          /* DEBUG PAUSE-CRON 1: no regular work */
    struct authority authority;   /* by which term, and until when, this node may be written to */
    struct acks *acks;            /* replies that are held; NULL: none ever was */
    struct durability durability; /* what replicas are to have and do not yet */
    struct users_epoch users;     /* that the owner gave last */
    struct iam *iam;              /* tokens that are verified; NULL: none ever was */
    struct herald {
        struct client *listener; /* the owner's, which hears of role and link; NULL: none */
        enum herald_place { HERALD_PRIMARY, HERALD_LINK_UP, HERALD_LINK_DOWN } told;
    } herald;
    bool watches_writes; /* a lease, write acks or a durability: writes are looked at, see acks.h */
    bool has_unwritten;  /* told to the append-only file and not written: replies wait */
    bool has_client_output; /* somebody called client->host->wake */
};

/* Builds everything below the network from settings that were loaded into e->config. */
void engine_init(struct engine *e);
void engine_fini(struct engine *e);

/* Sets the clock that commands see; called once a round. */
void engine_set_now(struct engine *e, int64_t now_ms, int64_t passed_ms);

/* The regular work, `hz` times a second: expiry, rates. Returns the milliseconds until it wants to
 * be called again at the latest. */
int engine_tick(struct engine *e);

/* Sessions come and go. */
void engine_client_add(struct engine *e, struct client *c, const struct client_host *host);
void engine_client_remove(struct engine *e, struct client *c);

/* Closes the biggest clients while all together take more than maxmemory-clients; once a round. */
void engine_evict_clients_slow(struct engine *e);

static inline void engine_evict_clients(struct engine *e)
{
    if (__builtin_expect(e->settings.client_memory != 0, 0))
        engine_evict_clients_slow(e);
}

/* Looks up a command for this client: NULL when it is unknown or kept from it. Containers resolve
 * to their subcommand when there is one of that name. */
const struct command *engine_command(const struct engine *e, const struct client *c,
                                     const struct str *argv, uint32_t argc);

/* The command of an id, subcommands too. */
const struct command *engine_command_by_id(size_t id);

/* True when the command takes so many words, its name among them. */
bool engine_arity_fits(const struct command *cmd, uint32_t argc);

/* True when the command may be seen by this client (NULL: by any). */
bool engine_shows(const struct engine *e, const struct client *c, const struct command *cmd);

/* Runs a command that was checked already: statistics, errors, nothing else. */
void engine_execute(struct cmd_call *call);

/* Runs one call: checks (existence, arity, authentication, memory, transaction) and executes. */
void engine_run(struct cmd_call *call);

/* The same for a call of the primary: nothing is checked. */
void engine_apply(struct cmd_call *call);

/* Says whether anybody is to be told of changed keys; call when that may have changed. */
void engine_observe(struct engine *e);

/* Ends waits whose time is up. Returns the milliseconds until the next one's is, INT_MAX for none.
 */
int engine_end_waits(struct engine *e);

/* Sets all counters back (CONFIG RESETSTAT). */
void engine_reset_stats(struct engine *e);

/* The part of it that protocols with commands of their own use: makes room for a write. False when
 * there is none; the protocol says so in its own words. */
bool engine_make_room(struct engine *e);

/* Counts an error reply by its code ("ERR", "WRONGTYPE"). */
void engine_count_error(struct engine *e, const char *code);

/* The same of an error that a script said: it may make up any code, and must not crowd out others.
 */
void engine_count_script_error(struct engine *e, const char *code);

/* A cheap, steady counter for measuring; engine_ticks_us turns a difference into microseconds. */
static inline uint64_t engine_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t v;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
    return v;
#else
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
#endif
}
uint64_t engine_ticks_us(const struct engine *e, uint64_t ticks);
uint64_t engine_ticks_ns(const struct engine *e, uint64_t ticks);

/* Takes over changed settings of what is measured. */
void engine_apply_timing(struct engine *e);

/* Takes over changed settings and results of what is written to disks: raises and lowers the guard
 * that forbids writes. */
void engine_apply_persistence(struct engine *e);

/* Notes a stall of this kind if it was long enough. */
void engine_note_stall(struct engine *e, enum latency_kind kind, uint64_t ticks);

#endif
