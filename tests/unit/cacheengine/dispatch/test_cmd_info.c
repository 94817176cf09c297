#include "dispatch_test.h"

Test(cmd_info, sections_come_when_they_are_asked_for)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "INFO", "# Server\r\n");
    hides(&f, "INFO", "# Commandstats");
    shows(&f, "INFO all", "# Commandstats\r\n");
    hides(&f, "INFO memory", "# Server");
    shows(&f, "INFO memory keyspace", "# Keyspace\r\n");
    says(&f, "INFO nosuch", "$0\r\n\r\n");
    resp_close(&f);
}

Test(cmd_info, the_shown_engine_is_the_one_that_was_configured)
{
    static const char *const options[] = {"larder-engine-name valkey",
                                          "larder-engine-version 8.0.1", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    shows(&f, "INFO server", "redis_version:7.2.4\r\n");
    shows(&f, "INFO server", "server_name:valkey\r\n");
    shows(&f, "INFO server", "valkey_version:8.0.1\r\n");
    resp_close(&f);
}

Test(cmd_info, keys_hits_and_memory_are_counted)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "MSET a 1 b 2");
    resp_ask(&f, "EXPIRE a 100");
    resp_ask(&f, "MGET a b c");
    shows(&f, "INFO keyspace", "db0:keys=2,expires=1,");
    shows(&f, "INFO stats", "keyspace_hits:2\r\n");
    shows(&f, "INFO stats", "keyspace_misses:1\r\n");
    shows(&f, "INFO memory", "maxmemory_policy:noeviction\r\n");
    resp_close(&f);
}
