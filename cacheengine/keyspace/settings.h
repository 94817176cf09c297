/*
 * The engine's parameters as plain data: filled by the configuration (dispatch/config.def), read by
 * everybody below. Strings belong to the configuration.
 */
#ifndef LARDER_KEYSPACE_SETTINGS_H
#define LARDER_KEYSPACE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/* In the order in which error messages list them. */
enum evict_policy {
    EVICT_VOLATILE_LRU,
    EVICT_VOLATILE_LFU,
    EVICT_VOLATILE_RANDOM,
    EVICT_VOLATILE_TTL,
    EVICT_ALLKEYS_LRU,
    EVICT_ALLKEYS_LFU,
    EVICT_ALLKEYS_RANDOM,
    EVICT_NONE,
};

/* What clients of a cluster are told to connect to. */
enum endpoint_type { ENDPOINT_IP, ENDPOINT_HOSTNAME, ENDPOINT_UNKNOWN };

/* What clients may speak to a memcached; the first byte of a connection decides where both do. */
enum memcached_binding { MC_BINDING_AUTO, MC_BINDING_ASCII, MC_BINDING_BINARY };

enum protocol_kind { PROTOCOL_RESP, PROTOCOL_MEMCACHED };
enum oom_score_mode { OOM_SCORE_LEFT, OOM_SCORE_YES, OOM_SCORE_RELATIVE, OOM_SCORE_ABSOLUTE };

enum engine_brand { BRAND_REDIS, BRAND_VALKEY };

/* Who may change what can lead out of the engine's own folder. */
enum config_reach { REACH_NOBODY, REACH_EVERYBODY, REACH_LOCAL };

/* Which channels new users may use. */
enum acl_channels { ACL_CHANNELS_NONE, ACL_CHANNELS_ALL };

/* How a replica takes a snapshot in: by a file, or straight from its link. */
enum diskless_load {
    DISKLESS_LOAD_NEVER,
    DISKLESS_LOAD_WHEN_EMPTY,
    DISKLESS_LOAD_SWAP,  /* the old data is served until then */
    DISKLESS_LOAD_FLUSH, /* the old data goes first */
};

/* What the data port takes. */
enum tls_mode { TLS_OFF, TLS_PREFERRED, TLS_REQUIRED };

/* Whether clients must show a certificate. */
enum tls_clients { TLS_CLIENTS_NO, TLS_CLIENTS_YES, TLS_CLIENTS_OPTIONAL };

/* By what a client's certificate names its user. */
enum tls_user_field { TLS_USER_OFF, TLS_USER_CN };

/* Bounds of what may wait for a client to read; 0 = none. */
struct output_limit {
    int64_t hard_bytes;
    int64_t soft_bytes;
    int64_t soft_s;
};

enum output_class { OUTPUT_NORMAL, OUTPUT_REPLICA, OUTPUT_PUBSUB, OUTPUT_CLASSES };

/* A snapshot is due when so much has changed and the last one is older than that. */
struct save_point {
    int64_t seconds, changes;
};
#define SAVE_POINTS_MAX 16

struct settings {
    /* identity */
    int64_t brand;              /* enum engine_brand */
    const char *engine_version; /* the version that is shown */
    bool says_redis;            /* Valkey calls itself redis where clients look for that */
    int64_t protocol;           /* enum protocol_kind */
    bool is_restricted;         /* managed: ordinary sockets see the tenant's command table */
    bool is_serverless;         /* they see that of serverless caches, which has less */

    /* network */
    int64_t port;
    int64_t reader_port; /* whose clients read of replicas from the beginning; 0 = none */
    int64_t work_limit;  /* ECPUs per second; 0: none, but they are counted; -1: they are not */
    const char *bind;    /* addresses, separated by spaces; '-' in front: may fail */
    const char *unix_socket;
    int64_t unix_socket_mode;
    const char *admin_socket;
    int64_t backlog;
    int64_t max_clients;
    int64_t idle_timeout_s;
    int64_t keepalive_s;
    bool is_protected;
    const char *password; /* empty = none */
    const char *acl_file; /* empty = none */
    int64_t acl_log_length;
    int64_t acl_channels; /* enum acl_channels */
    int64_t first_resp;   /* version of RESP that connections begin with */
    int64_t query_buffer_limit;
    int64_t bulk_limit;
    struct output_limit output_limits[OUTPUT_CLASSES];

    /* TLS */
    int64_t tls_mode; /* enum tls_mode, of `port` */
    int64_t tls_port; /* TLS alone; 0 = none */
    const char *tls_cert_file, *tls_key_file, *tls_key_pass;
    const char *tls_client_cert_file, *tls_client_key_file, *tls_client_key_pass;
    const char *tls_ca_file, *tls_ca_dir, *tls_dh_file;
    const char *tls_protocols, *tls_ciphers, *tls_cipher_suites; /* empty = as OpenSSL has them */
    bool tls_prefers_own_ciphers;
    int64_t tls_auth_clients; /* enum tls_clients */
    int64_t tls_user_field;   /* enum tls_user_field */
    bool tls_caches_sessions;
    int64_t tls_cache_size, tls_cache_timeout_s;
    int64_t tls_threads;               /* that shake hands */
    int64_t tls_handshake_timeout_s;   /* for a whole handshake, and for its first byte */
    bool tls_replication, tls_cluster; /* outgoing links use TLS */
    bool tls_checks_host;              /* of whom they connect to */

    /* tokens of IAM users */
    int64_t iam_timeout_ms; /* within which the owner is to judge one */
    int64_t iam_session_s;  /* after which a connection ends that was let in by one */

    /* sync durability */
    int64_t write_acks;            /* so many replicas confirm a write before its reply leaves */
    int64_t write_acks_timeout_ms; /* after which an error is said in its place */
    int64_t write_acks_memory;     /* what held replies may take, of all clients */

    /* memory */
    int64_t max_memory;     /* 0 = as much as there is */
    int64_t client_memory;  /* of all clients; 0 = no limit, below: percent of max_memory */
    int64_t oom_score;      /* enum oom_score_mode */
    const char *oom_scores; /* of a primary, a replica and a child */
    int64_t evict_policy;
    int64_t evict_samples;
    int64_t evict_tenacity;
    int64_t lfu_log_factor;
    int64_t lfu_decay_minutes;
    bool lazy_evict, lazy_expire, lazy_server_del, lazy_user_del, lazy_user_flush;
    int64_t expire_effort;

    /* types */
    int64_t hash_packed_entries, hash_packed_value;
    int64_t list_packed_size, list_compress_depth;
    int64_t set_int_entries, set_packed_entries, set_packed_value;
    int64_t zset_packed_entries, zset_packed_value;
    int64_t hll_sparse_bytes;
    int64_t stream_node_bytes, stream_node_entries;

    /* snapshots */
    const char *dump_file;  /* name of the file in `dir` */
    const char *seed_files; /* names of files there that are loaded at the start in its place */
    const char *seed_slots; /* of which keys of other slots are left out; "": none is */
    bool compresses_dumps;  /* DUMP too */
    bool sums_dumps;
    struct save_point save_points[SAVE_POINTS_MAX];
    int64_t save_point_count;
    bool stops_on_save_error;  /* writes are refused after a failed background save */
    bool drops_sync_files;     /* files of full syncs, where nothing is kept on purpose */
    int64_t save_key_delay_us; /* for tests: a rest after each key */
    int64_t load_key_delay_us; /* likewise */
    int64_t load_turn_bytes;   /* of a file that is loaded, between turns of the clients */

    bool is_sealed; /* files are written and read sealed, or not at all */

    /* the append-only file */
    bool appends;
    const char *append_name, *append_folder;
    int64_t append_sync;          /* enum append_sync */
    bool spares_disk_in_rewrites; /* no sync while a child writes */
    int64_t rewrite_percent;      /* of growth that asks for a rewrite; 0 = never */
    int64_t rewrite_min_bytes;
    bool loads_cut_append;     /* one that ends within a command, without that */
    bool rewrites_as_snapshot; /* the base is one, else commands */
    bool stamps_append;        /* says when, once a second */
    bool keeps_append_history; /* files of no more use are left there */

    int64_t ending_by_term, ending_by_int; /* enum ending, what signals do */

    /* replication, as a replica */
    const char *replica_of; /* "host port", or empty: a primary */
    const char *primary_user, *primary_password;
    bool replica_serves_stale; /* while its primary is out of reach */
    bool replica_is_read_only;
    bool closes_on_replica_write; /* who writes to a read-only replica loses the connection */
    int64_t replica_priority;     /* for who chooses the next primary */
    const char *replica_announce_ip;
    int64_t replica_announce_port;
    bool replica_is_announced;
    bool replica_ignores_memory; /* what its primary keeps, it keeps */
    bool replica_lazy_flush;     /* a snapshot is loaded while the old data is being freed */
    int64_t diskless_load;       /* enum diskless_load */

    /* replication, as a primary */
    int64_t repl_backlog_bytes, repl_backlog_ttl_s; /* a ttl of 0: it stays */
    int64_t repl_timeout_s, repl_ping_s;
    int64_t ending_timeout_s; /* for replicas; 0: the end does not wait for them */
    bool syncs_diskless;
    int64_t sync_delay_s;      /* a snapshot waits so long for more replicas to come */
    int64_t sync_max_replicas; /* or until there are so many; 0: all of that time */
    bool repl_gathers_packets; /* replicas' connections do without TCP_NODELAY */
    int64_t min_replicas, min_replicas_lag_s;

    /* cluster */
    bool is_clustered;
    bool wants_full_coverage; /* all slots must be served, or none is */
    bool allows_reads_when_down;
    bool opens_replicas;            /* of a cluster, to who reads without having said READONLY */
    bool allows_channels_when_down; /* of shards */
    int64_t endpoint_type;          /* enum endpoint_type */
    const char *announced_ip, *announced_hostname; /* of this node; empty: as the topology has it */
    int64_t announced_port, announced_tls_port;    /* likewise; 0 */

    /* memcached protocol */
    const char *memcached_cluster; /* what clients are told of the nodes: see memcached_config.c */
    const char *memcached_version; /* the version that is shown there */
    int64_t memcached_item_max;    /* bytes */
    int64_t memcached_binding;     /* enum memcached_binding */
    bool memcached_has_cas;
    bool memcached_may_flush; /* flush_all is there */
    bool memcached_may_watch, memcached_may_dump, memcached_may_shut_down;
    bool memcached_sets_clock;        /* debugtime is there */
    bool memcached_counts_prefixes;   /* from the start: stats detail */
    const char *memcached_sasl_users; /* a file; empty: no SASL. See memcached_sasl.c */
    const char *memcached_auth_file;  /* the same for the text protocol; empty: none */
    const char *memcached_delimiter;  /* ends a key's prefix */
    int64_t memcached_verbosity;
    int64_t memcached_watcher_buffer; /* bytes; with the next, what may wait for one */
    int64_t memcached_worker_buffer;  /* bytes */
    bool memcached_has_crawler;

    /* process */
    int64_t databases;
    int64_t hz;
    const char *dir;
    const char *log_file;
    int64_t log_format, slowlog_format; /* 0 = text, 1 = JSON lines */
    const char *slowlog_file;           /* empty = none */
    const char *log_cluster, *log_node; /* who this is, in lines of logs */
    int64_t log_level;                  /* as in config.def: debug, verbose, notice, warning */
    const char *pid_file;
    int64_t slowlog_slower_us;
    int64_t slowlog_length;
    int64_t latency_threshold_ms; /* stalls as long are noted; 0 = none */
    int64_t tracked_keys_max;     /* of CLIENT TRACKING; 0 = any number */
    bool tracks_latency;          /* the duration of every call is counted */
    const char *latency_percents; /* what INFO shows of it */
    const char *notify_events;
    int64_t busy_reply_ms; /* a script that takes as long lets others be told BUSY; 0: none does */
    int64_t script_memory; /* bytes of each Lua machine: EVAL's, and that of functions */
    int64_t protected_configs; /* whom CONFIG SET lets change where files are: enum config_reach */
};

/* The version of Redis that Valkey is compatible with, and tells who asks for one. */
#define VALKEY_AS_REDIS "7.2.4"

/* In few things Valkey 8 is stricter than what came before it. */
static inline bool settings_are_valkey_8(const struct settings *s)
{
    return s->brand == BRAND_VALKEY && s->engine_version && s->engine_version[0] != '7';
}

#endif
