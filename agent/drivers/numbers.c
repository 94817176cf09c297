/* Two tables of fields, one for each protocol, and what has to be computed of several. */
#include "agent/drivers/numbers.h"

#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 32 /* of the text of one */

/* The heartbeat of a primary that has nothing to say: silence up to that is no lag. */
#define HEARTBEAT_S 10

/* Families of commands. */

enum family {
    READ = 1 << 0,
    WRITE = 1 << 1,
    STRING = 1 << 2,
    HASH = 1 << 3,
    LIST = 1 << 4,
    SET = 1 << 5,
    ZSET = 1 << 6,
    STREAM = 1 << 7,
    KEY = 1 << 8,
    NO_KEY = 1 << 9,
    GEO = 1 << 10,
    HYPERLOGLOG = 1 << 11,
    EVAL = 1 << 12,
    PUBSUB = 1 << 13,
    CLUSTER = 1 << 14,
};

/* In the order of the bits. */
static const struct {
    const char *calls, *latency;
} family_metrics[] = {
    {"GetTypeCmds",          "GetTypeCmdsLatency"         },
    {"SetTypeCmds",          "SetTypeCmdsLatency"         },
    {"StringBasedCmds",      "StringBasedCmdsLatency"     },
    {"HashBasedCmds",        "HashBasedCmdsLatency"       },
    {"ListBasedCmds",        "ListBasedCmdsLatency"       },
    {"SetBasedCmds",         "SetBasedCmdsLatency"        },
    {"SortedSetBasedCmds",   "SortedSetBasedCmdsLatency"  },
    {"StreamBasedCmds",      "StreamBasedCmdsLatency"     },
    {"KeyBasedCmds",         "KeyBasedCmdsLatency"        },
    {"NonKeyTypeCmds",       "NonKeyTypeCmdsLatency"      },
    {"GeoSpatialBasedCmds",  "GeoSpatialBasedCmdsLatency" },
    {"HyperLogLogBasedCmds", "HyperLogLogBasedCmdsLatency"},
    {"EvalBasedCmds",        "EvalBasedCmdsLatency"       },
    {"PubSubBasedCmds",      "PubSubBasedCmdsLatency"     },
    {"ClusterBasedCmds",     "ClusterBasedCmdsLatency"    },
};
_Static_assert(countof(family_metrics) == NUMBERS_FAMILIES, "one for each bit");

#define FAMILY_READ  0
#define FAMILY_WRITE 1

static const struct {
    const char *name;
    unsigned families;
} commands[] = {
#define COMMAND(name, families) {name, families},
#include "agent/drivers/families.def"
#undef COMMAND
};

static int by_name(const void *key, const void *row)
{
    const struct str *name = key;
    const char *other = *(const char *const *)row;
    size_t len = strlen(other);
    int order = memcmp(name->ptr, other, name->len < len ? name->len : len);

    return order ? order : (name->len > len) - (name->len < len);
}

/* Fields. */

enum how {
    HIDDEN, /* goes into others only */
    AS_IS,
    GROWTH, /* since the reading before */
};

struct field {
    const char *name, *metric;
    enum how how;
};

static const struct field info_fields[] = {
    {"active_defrag_hits",             "ActiveDefragHits",                   GROWTH},
    {"acl_access_denied_auth",         "AuthenticationFailures",             GROWTH},
    {"acl_access_denied_cmd",          "CommandAuthorizationFailures",       GROWTH},
    {"acl_access_denied_key",          "KeyAuthorizationFailures",           GROWTH},
    {"acl_access_denied_channel",      "ChannelAuthorizationFailures",       GROWTH},
    {"used_memory",                    "BytesUsedForCache",                  AS_IS },
    {"keyspace_hits",                  "CacheHits",                          GROWTH},
    {"keyspace_misses",                "CacheMisses",                        GROWTH},
    {"connected_clients",              "CurrConnections",                    AS_IS },
    {"total_connections_received",     "NewConnections",                     GROWTH},
    {"blocked_clients",                "BlockedConnections",                 AS_IS },
    {"rejected_connections",           "RejectedConnections",                GROWTH},
    {"evicted_keys",                   "Evictions",                          GROWTH},
    {"expired_keys",                   "Reclaimed",                          GROWTH},
    {"tracking_total_keys",            "KeysTracked",                        AS_IS },
    {"mem_fragmentation_ratio",        "MemoryFragmentationRatio",           AS_IS },
    {"allocator_frag_bytes",           "AllocatorFragmentationBytes",        AS_IS },
    {"allocator_frag_ratio",           "AllocatorFragmentationRatio",        AS_IS },
    {"used_memory_dataset",            "UsedMemoryDataset",                  AS_IS },
    {"total_commands_processed",       "ProcessedCommands",                  GROWTH},
    {"pubsub_channels",                "PubSubChannels",                     AS_IS },
    {"pubsubshard_channels",           "PubSubShardChannels",                AS_IS },
    {"rdb_bgsave_in_progress",         "SaveInProgress",                     AS_IS },
    {"total_error_replies",            "ErrorCount",                         GROWTH},
    {"total_net_input_bytes",          "NetworkBytesIn",                     GROWTH},
    {"total_net_output_bytes",         "NetworkBytesOut",                    GROWTH},
    {"larder_ecpus",                   "ElastiCacheProcessingUnits",         GROWTH},
    {"larder_throttled_calls",         "ThrottledCmds",                      GROWTH},
    {"larder_durability_lag_ms",       "DurabilityLag",                      AS_IS },
    {"larder_durability_refused",      "DurabilityBufferExceededErrorCount", GROWTH},
    {"maxmemory",                      NULL,                                 HIDDEN},
    {"mem_not_counted_for_evict",      NULL,                                 HIDDEN},
    {"master_repl_offset",             NULL,                                 HIDDEN},
    {"master_link_up",                 NULL,                                 HIDDEN},
    {"master_last_io_seconds_ago",     NULL,                                 HIDDEN},
    {"master_link_down_since_seconds", NULL,                                 HIDDEN},
    {"slave_repl_offset",              NULL,                                 HIDDEN},
    {"slave_read_repl_offset",         NULL,                                 HIDDEN},
};

static const struct field stats_fields[] = {
    {"bytes_read",        "BytesReadIntoMemcached",       GROWTH},
    {"bytes_written",     "BytesWrittenOutFromMemcached", GROWTH},
    {"bytes",             "BytesUsedForCacheItems",       AS_IS },
    {"hash_bytes",        "BytesUsedForHash",             AS_IS },
    {"cas_badval",        "CasBadval",                    GROWTH},
    {"cas_hits",          "CasHits",                      GROWTH},
    {"cas_misses",        "CasMisses",                    GROWTH},
    {"cmd_flush",         "CmdFlush",                     GROWTH},
    {"cmd_get",           "CmdGet",                       GROWTH},
    {"cmd_set",           "CmdSet",                       GROWTH},
    {"cmd_touch",         "CmdTouch",                     GROWTH},
    {"cmd_config_get",    "CmdConfigGet",                 AS_IS },
    {"cmd_config_set",    "CmdConfigSet",                 AS_IS },
    {"curr_config",       "CurrConfig",                   AS_IS },
    {"curr_connections",  "CurrConnections",              AS_IS },
    {"curr_items",        "CurrItems",                    AS_IS },
    {"decr_hits",         "DecrHits",                     GROWTH},
    {"decr_misses",       "DecrMisses",                   GROWTH},
    {"incr_hits",         "IncrHits",                     GROWTH},
    {"incr_misses",       "IncrMisses",                   GROWTH},
    {"delete_hits",       "DeleteHits",                   GROWTH},
    {"delete_misses",     "DeleteMisses",                 GROWTH},
    {"get_hits",          "GetHits",                      GROWTH},
    {"get_misses",        "GetMisses",                    GROWTH},
    {"touch_hits",        "TouchHits",                    GROWTH},
    {"touch_misses",      "TouchMisses",                  GROWTH},
    {"evictions",         "Evictions",                    GROWTH},
    {"evicted_unfetched", "EvictedUnfetched",             GROWTH},
    {"expired_unfetched", "ExpiredUnfetched",             GROWTH},
    {"reclaimed",         "Reclaimed",                    GROWTH},
    {"slabs_moved",       "SlabsMoved",                   GROWTH},
    {"total_connections", "NewConnections",               GROWTH},
    {"total_items",       "NewItems",                     GROWTH},
    {"limit_maxbytes",    NULL,                           HIDDEN},
};

_Static_assert(countof(info_fields) <= NUMBERS_FIELDS_MAX, "must fit");
_Static_assert(countof(stats_fields) <= NUMBERS_FIELDS_MAX, "must fit");

struct fields {
    const struct field *items;
    size_t count;
};

static struct fields fields_of(bool is_memcached)
{
    return is_memcached ? (struct fields){stats_fields, countof(stats_fields)}
                        : (struct fields){info_fields, countof(info_fields)};
}

static double number_in(struct str text)
{
    char copy[NUMBER_BYTES];
    char *end;

    if (text.len == 0 || text.len >= sizeof(copy))
        return NAN;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    double number = strtod(copy, &end);
    return *end || !isfinite(number) ? NAN : number;
}

static double *field_of(struct reading *r, struct str name)
{
    struct fields all = fields_of(r->is_memcached);

    for (size_t i = 0; i < all.count; i++)
        if (str_is(name, all.items[i].name))
            return &r->fields[i];
    return NULL;
}

static double value_of(const struct reading *r, const char *name)
{
    struct fields all = fields_of(r->is_memcached);

    for (size_t i = 0; i < all.count; i++)
        if (strcmp(all.items[i].name, name) == 0)
            return r->fields[i];
    return NAN;
}

/* Reading. */

static double word_of(struct str text, const char *name)
{
    while (text.len > 0) {
        struct str value = str_cut(&text, ',');
        if (str_is(str_cut(&value, '='), name))
            return number_in(value);
    }
    return NAN;
}

static double or_zero(double number)
{
    return isnan(number) ? 0 : number;
}

/* "db0:keys=1,expires=1,avg_ttl=0" */
static void take_database(struct reading *r, struct str name, struct str text)
{
    r->keys += or_zero(word_of(text, "keys"));
    r->volatile_keys += or_zero(word_of(text, "expires"));
    if (str_is(name, "db0"))
        r->ttl_ms = or_zero(word_of(text, "avg_ttl"));
}

/* "cmdstat_config|get:calls=2,usec=2,...,failed_calls=0" */
static void take_command(struct reading *r, struct str name, struct str text)
{
    static const size_t prefix = sizeof("cmdstat_") - 1;
    struct str rest = {name.ptr + prefix, name.len - prefix};
    struct str command = str_cut(&rest, '|');

    const __typeof__(commands[0]) *row =
        bsearch(&command, commands, countof(commands), sizeof(commands[0]), by_name);
    for (size_t i = 0; row && i < NUMBERS_FAMILIES; i++)
        if (row->families & 1U << i) {
            r->families[i].calls += or_zero(word_of(text, "calls"));
            r->families[i].us += or_zero(word_of(text, "usec"));
            r->families[i].failed += or_zero(word_of(text, "failed_calls"));
        }
}

static bool is_database(struct str name)
{
    return name.len > 2 && str_starts(name, "db") && name.ptr[2] >= '0' && name.ptr[2] <= '9';
}

static void take_info(struct reading *r, struct str name, struct str value)
{
    double *field = field_of(r, name);

    if (field)
        *field = number_in(value);
    else if (str_starts(name, "cmdstat_"))
        take_command(r, name, value);
    else if (is_database(name))
        take_database(r, name, value);
    else if (str_is(name, "role"))
        r->is_primary = str_is(value, "master");
    else if (str_is(name, "master_link_status"))
        *field_of(r, STR("master_link_up")) = str_is(value, "up");
}

static void take_stat(struct reading *r, struct str name, struct str value)
{
    double *field = field_of(r, name);

    if (field)
        *field = number_in(value);
}

void reading_take(struct str answer, struct reading *out)
{
    *out = (struct reading){.is_memcached = str_starts(answer, "STAT ")};
    for (size_t i = 0; i < NUMBERS_FIELDS_MAX; i++)
        out->fields[i] = NAN;
    while (answer.len > 0) {
        struct str line = str_trim(str_cut(&answer, '\n'));
        if (out->is_memcached && !str_is(str_cut(&line, ' '), "STAT"))
            continue;
        struct str name = str_cut(&line, out->is_memcached ? ' ' : ':');
        if (out->is_memcached)
            take_stat(out, name, line);
        else
            take_info(out, name, line);
    }
}

void reading_begin(struct reading *out)
{
    *out = (struct reading){0};
}

/* Telling. */

void sample_add(struct sample *s, const char *name, double value)
{
    if (!isfinite(value) || s->count == NUMBERS_MAX)
        return;
    s->items[s->count].name = name;
    s->items[s->count++].value = value;
}

static double growth(double before, double now)
{
    return now >= before ? now - before : now;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : NAN;
}

static void tell_hits(const struct reading *before, const struct reading *now, struct sample *out)
{
    double hits = growth(value_of(before, "keyspace_hits"), value_of(now, "keyspace_hits"));
    double misses = growth(value_of(before, "keyspace_misses"), value_of(now, "keyspace_misses"));

    sample_add(out, "CacheHitRate", hits + misses > 0 ? percent(hits, hits + misses) : 0);
}

static void tell_families(const struct reading *before, const struct reading *now,
                          struct sample *out)
{
    for (size_t i = 0; i < NUMBERS_FAMILIES; i++) {
        double calls = growth(before->families[i].calls, now->families[i].calls);
        double us = growth(before->families[i].us, now->families[i].us);

        sample_add(out, family_metrics[i].calls, calls);
        if (calls <= 0)
            continue;
        sample_add(out, family_metrics[i].latency, us / calls);
        /* Failed calls are few and quick: what is told is the mean of all. */
        if (i == FAMILY_READ)
            sample_add(out, "SuccessfulReadRequestLatency", us / calls);
        if (i == FAMILY_WRITE)
            sample_add(out, "SuccessfulWriteRequestLatency", us / calls);
    }
}

static void tell_memory(const struct reading *now, struct sample *out)
{
    double used = value_of(now, "used_memory"), max = value_of(now, "maxmemory");
    double uncounted = or_zero(value_of(now, "mem_not_counted_for_evict"));
    double all = percent(used, max), counted = percent(used - uncounted, max);

    sample_add(out, "DatabaseMemoryUsagePercentage", all);
    sample_add(out, "DatabaseMemoryUsageCountedForEvictPercentage", counted);
    sample_add(out, "DatabaseCapacityUsagePercentage", all);
    sample_add(out, "DatabaseCapacityUsageCountedForEvictPercentage", counted);
}

/* How old the data of a replica is. */
static double lag_s(const struct reading *now)
{
    double silent_s = value_of(now, "master_last_io_seconds_ago");
    double applied = value_of(now, "slave_repl_offset");
    double read = value_of(now, "slave_read_repl_offset");

    if (value_of(now, "master_link_up") == 0)
        return value_of(now, "master_link_down_since_seconds");
    bool is_behind = read > applied || silent_s > HEARTBEAT_S;
    return is_behind ? silent_s : 0;
}

static void tell_replication(const struct reading *before, const struct reading *now,
                             struct sample *out)
{
    sample_add(out, "IsMaster", now->is_primary);
    if (!now->is_primary) {
        sample_add(out, "ReplicationLag", lag_s(now));
        return;
    }
    sample_add(out, "DB0AverageTTL", now->ttl_ms);
    if (before && before->is_primary)
        sample_add(
            out, "ReplicationBytes",
            growth(value_of(before, "master_repl_offset"), value_of(now, "master_repl_offset")));
}

static void tell_info(const struct reading *before, const struct reading *now, struct sample *out)
{
    sample_add(out, "CurrItems", now->keys);
    sample_add(out, "CurrVolatileItems", now->volatile_keys);
    tell_memory(now, out);
    tell_replication(before, now, out);
    if (!before)
        return;
    tell_hits(before, now, out);
    tell_families(before, now, out);
}

static void tell_stats(const struct reading *before, const struct reading *now, struct sample *out)
{
    sample_add(out, "UnusedMemory", value_of(now, "limit_maxbytes") - value_of(now, "bytes"));
    if (!before)
        return;
    sample_add(out, "NetworkBytesIn",
               growth(value_of(before, "bytes_read"), value_of(now, "bytes_read")));
    sample_add(out, "NetworkBytesOut",
               growth(value_of(before, "bytes_written"), value_of(now, "bytes_written")));
}

void reading_tell(const struct reading *before, const struct reading *now, struct sample *out)
{
    struct fields all = fields_of(now->is_memcached);
    struct reading begun;

    if (before && before->is_memcached != now->is_memcached) {
        reading_begin(&begun); /* it says nothing of its kind, and all of it is 0 */
        begun.is_memcached = now->is_memcached;
        begun.is_primary = now->is_primary;
        before = &begun;
    }
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i].how == AS_IS)
            sample_add(out, all.items[i].metric, now->fields[i]);
        else if (all.items[i].how == GROWTH && before)
            sample_add(out, all.items[i].metric, growth(before->fields[i], now->fields[i]));
    }
    if (now->is_memcached)
        tell_stats(before, now, out);
    else
        tell_info(before, now, out);
}
