/* Numbers that engines give of themselves, and what grew between two answers. */
#include "agent/drivers/numbers.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INFO_HEAD "$9999\r\n# Server\r\nredis_version:7.2.4\r\n"

static double number(const struct sample *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return s->items[i].value;
    return NAN;
}

static void tell(const char *before, const char *now, struct sample *out)
{
    struct reading first, second;

    *out = (struct sample){0};
    reading_begin(&first);
    if (before)
        reading_take(str_of(before), &first);
    reading_take(str_of(now), &second);
    reading_tell(&first, &second, out);
}

Test(numbers, what_is_now_is_told_without_an_earlier_answer_and_what_grew_is_not)
{
    struct sample s = {0};
    struct reading now;

    reading_take(STR(INFO_HEAD "connected_clients:3\r\nkeyspace_hits:7\r\nkeyspace_misses:1\r\n"
                               "role:master\r\ndb0:keys=5,expires=2,avg_ttl=1500\r\n"
                               "db3:keys=1,expires=1,avg_ttl=9\r\n"),
                 &now);
    reading_tell(NULL, &now, &s);
    cr_assert_eq(number(&s, "CurrConnections"), 3);
    cr_assert_eq(number(&s, "CurrItems"), 6);
    cr_assert_eq(number(&s, "CurrVolatileItems"), 3);
    cr_assert_eq(number(&s, "DB0AverageTTL"), 1500);
    cr_assert_eq(number(&s, "IsMaster"), 1);
    cr_assert(isnan(number(&s, "CacheHits")));
    cr_assert(isnan(number(&s, "Evictions")), "what the engine does not say has no number");
}

Test(numbers, counters_are_told_as_what_they_grew_by)
{
    struct sample s;

    tell(INFO_HEAD
         "keyspace_hits:7\r\nkeyspace_misses:1\r\nrole:master\r\nmaster_repl_offset:10\r\n",
         INFO_HEAD
         "keyspace_hits:10\r\nkeyspace_misses:2\r\nrole:master\r\nmaster_repl_offset:70\r\n",
         &s);
    cr_assert_eq(number(&s, "CacheHits"), 3);
    cr_assert_eq(number(&s, "CacheMisses"), 1);
    cr_assert_float_eq(number(&s, "CacheHitRate"), 75, 1e-9);
    cr_assert_eq(number(&s, "ReplicationBytes"), 60);
}

Test(numbers, a_counter_that_was_set_back_counts_from_0)
{
    struct sample s;

    tell(INFO_HEAD "keyspace_hits:100\r\nkeyspace_misses:0\r\n",
         INFO_HEAD "keyspace_hits:4\r\nkeyspace_misses:0\r\n", &s);
    cr_assert_eq(number(&s, "CacheHits"), 4);
}

Test(numbers, a_new_process_counts_from_its_beginning)
{
    struct sample s;

    tell(NULL, INFO_HEAD "total_commands_processed:12\r\nrole:master\r\nmaster_repl_offset:500\r\n",
         &s);
    cr_assert_eq(number(&s, "ProcessedCommands"), 12);
    cr_assert(isnan(number(&s, "ReplicationBytes")), "an offset does not begin with its process");
}

Test(numbers, commands_count_in_their_families)
{
    struct sample s;

    tell(INFO_HEAD
         "cmdstat_get:calls=1,usec=1,usec_per_call=1.00,rejected_calls=0,failed_calls=0\r\n",
         INFO_HEAD
         "cmdstat_get:calls=3,usec=9,usec_per_call=3.00,rejected_calls=0,failed_calls=0\r\n"
         "cmdstat_hset:calls=2,usec=8,usec_per_call=4.00,rejected_calls=0,failed_calls=0\r\n"
         "cmdstat_config|get:calls=5,usec=5,usec_per_call=1.00\r\n"
         "cmdstat_nosuchcommand:calls=5,usec=5\r\n",
         &s);
    cr_assert_eq(number(&s, "GetTypeCmds"), 2);
    cr_assert_eq(number(&s, "StringBasedCmds"), 2);
    cr_assert_eq(number(&s, "StringBasedCmdsLatency"), 4);
    cr_assert_eq(number(&s, "SuccessfulReadRequestLatency"), 4);
    cr_assert_eq(number(&s, "SetTypeCmds"), 2);
    cr_assert_eq(number(&s, "HashBasedCmds"), 2);
    cr_assert_eq(number(&s, "SuccessfulWriteRequestLatency"), 4);
    cr_assert_eq(number(&s, "NonKeyTypeCmds"), 5);
    cr_assert_eq(number(&s, "ListBasedCmds"), 0);
    cr_assert(isnan(number(&s, "ListBasedCmdsLatency")), "of no calls there is no latency");
}

Test(numbers, memory_is_a_share_of_its_limit_and_of_none_nothing)
{
    struct sample s;

    tell(NULL, INFO_HEAD "used_memory:300\r\nmaxmemory:1000\r\nmem_not_counted_for_evict:100\r\n",
         &s);
    cr_assert_float_eq(number(&s, "DatabaseMemoryUsagePercentage"), 30, 1e-9);
    cr_assert_float_eq(number(&s, "DatabaseMemoryUsageCountedForEvictPercentage"), 20, 1e-9);
    tell(NULL, INFO_HEAD "used_memory:300\r\nmaxmemory:0\r\n", &s);
    cr_assert(isnan(number(&s, "DatabaseMemoryUsagePercentage")));
}

Test(numbers, a_replica_lags_when_its_primary_is_silent_or_its_data_is_behind)
{
    static const struct {
        const char *info;
        double lag_s;
    } rows[] = {
        {"master_link_status:up\r\nmaster_last_io_seconds_ago:4\r\nslave_repl_offset:9\r\n"
         "slave_read_repl_offset:9\r\n",          0 },
        {"master_link_status:up\r\nmaster_last_io_seconds_ago:4\r\nslave_repl_offset:5\r\n"
         "slave_read_repl_offset:9\r\n",          4 },
        {"master_link_status:up\r\nmaster_last_io_seconds_ago:33\r\nslave_repl_offset:9\r\n"
         "slave_read_repl_offset:9\r\n",          33},
        {"master_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n"
         "master_link_down_since_seconds:17\r\n", 17},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char info[512];
        struct sample s;
        snprintf(info, sizeof(info), INFO_HEAD "role:slave\r\n%s", rows[i].info);
        tell(NULL, info, &s);
        cr_assert_eq(number(&s, "ReplicationLag"), rows[i].lag_s, "row %zu", i);
        cr_assert_eq(number(&s, "IsMaster"), 0);
        cr_assert(isnan(number(&s, "DB0AverageTTL")));
    }
}

Test(numbers, memcached_tells_in_words_of_its_own)
{
    struct sample s;

    tell(
        NULL,
        "STAT get_hits 5\r\nSTAT bytes 100\r\nSTAT limit_maxbytes 1000\r\nSTAT bytes_read 40\r\nEND\r\n",
        &s);
    cr_assert_eq(number(&s, "GetHits"), 5);
    cr_assert_eq(number(&s, "BytesUsedForCacheItems"), 100);
    cr_assert_eq(number(&s, "UnusedMemory"), 900);
    cr_assert_eq(number(&s, "BytesReadIntoMemcached"), 40);
    cr_assert_eq(number(&s, "NetworkBytesIn"), 40);
    cr_assert(isnan(number(&s, "CurrItems")));
    cr_assert(isnan(number(&s, "IsMaster")));
}

Test(numbers, what_is_no_answer_gives_no_numbers)
{
    static const char *const wrong[] = {"",
                                        "\r\n",
                                        "keyspace_hits",
                                        "keyspace_hits:x\r\n",
                                        "cmdstat_:calls=1\r\n",
                                        "db0:keys=\r\n",
                                        "STAT \r\n"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct sample s;
        tell(NULL, wrong[i], &s);
        cr_assert(isnan(number(&s, "CacheHits")) || number(&s, "CacheHits") == 0);
    }
}

Test(numbers, work_of_nodes_without_servers_is_counted)
{
    struct sample s;

    tell(INFO_HEAD "larder_ecpus:100\r\nlarder_throttled_calls:7\r\n",
         INFO_HEAD "larder_ecpus:160\r\nlarder_throttled_calls:7\r\n", &s);
    cr_assert_eq(number(&s, "ElastiCacheProcessingUnits"), 60);
    cr_assert_eq(number(&s, "ThrottledCmds"), 0);
}

Test(numbers, what_durability_waits_for_is_told_where_there_is_one)
{
    struct sample s;

    tell(INFO_HEAD "larder_durability_lag_ms:900\r\nlarder_durability_refused:3\r\n",
         INFO_HEAD "larder_durability_lag_ms:1250\r\nlarder_durability_refused:8\r\n", &s);
    cr_assert_eq(number(&s, "DurabilityLag"), 1250);
    cr_assert_eq(number(&s, "DurabilityBufferExceededErrorCount"), 5);
    tell(INFO_HEAD, INFO_HEAD, &s);
    cr_assert(isnan(number(&s, "DurabilityLag")));
    cr_assert(isnan(number(&s, "DurabilityBufferExceededErrorCount")));
}
