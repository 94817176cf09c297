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

enum protocol_kind { PROTOCOL_RESP, PROTOCOL_MEMCACHED };
enum engine_brand { BRAND_REDIS, BRAND_VALKEY };

/* Who may change what can lead out of the engine's own folder. */
enum config_reach { REACH_NOBODY, REACH_EVERYBODY, REACH_LOCAL };

/* Which channels new users may use. */
enum acl_channels { ACL_CHANNELS_NONE, ACL_CHANNELS_ALL };

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
    int64_t protocol;           /* enum protocol_kind */
    bool is_restricted;         /* managed: ordinary sockets see the tenant's command table */

    /* network */
    int64_t port;
    const char *bind; /* addresses, separated by spaces; '-' in front: may fail */
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

    /* memory */
    int64_t max_memory;    /* 0 = as much as there is */
    int64_t client_memory; /* of all clients; 0 = no limit, below: percent of max_memory */
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
    const char *dump_file; /* name of the file in `dir` */
    bool compresses_dumps; /* DUMP too */
    bool sums_dumps;
    struct save_point save_points[SAVE_POINTS_MAX];
    int64_t save_point_count;
    bool stops_on_save_error;  /* writes are refused after a failed background save */
    bool drops_sync_files;     /* files of full syncs, where nothing is kept on purpose */
    int64_t save_key_delay_us; /* for tests: a rest after each key */
    int64_t ending_by_term, ending_by_int; /* enum ending, what signals do */

    /* cluster */
    bool is_clustered;
    bool wants_full_coverage; /* all slots must be served, or none is */
    bool allows_reads_when_down;
    int64_t endpoint_type;                         /* enum endpoint_type */
    const char *announced_ip, *announced_hostname; /* of this node; empty: as the topology has it */
    int64_t announced_port, announced_tls_port;    /* likewise; 0 */

    /* memcached protocol */
    int64_t memcached_item_max; /* bytes */

    /* process */
    int64_t databases;
    int64_t hz;
    const char *dir;
    const char *log_file;
    int64_t log_level; /* as in config.def: debug, verbose, notice, warning */
    const char *pid_file;
    int64_t slowlog_slower_us;
    int64_t slowlog_length;
    int64_t latency_threshold_ms; /* stalls as long are noted; 0 = none */
    bool tracks_latency;          /* the duration of every call is counted */
    const char *latency_percents; /* what INFO shows of it */
    const char *notify_events;
    int64_t protected_configs; /* whom CONFIG SET lets change where files are: enum config_reach */
};

#endif
