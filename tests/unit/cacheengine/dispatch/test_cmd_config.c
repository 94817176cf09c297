#include "dispatch_test.h"

Test(cmd_config, values_are_shown_by_pattern_and_by_the_name_that_was_asked)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CONFIG GET maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
    says(&f, "CONFIG GET MaxMemory", "*2\r\n$9\r\nMaxMemory\r\n$1\r\n0\r\n");
    says(&f, "CONFIG GET hash-max-ziplist-val*",
         "*2\r\n$22\r\nhash-max-ziplist-value\r\n$2\r\n64\r\n");
    says(&f, "CONFIG GET nosuch", "*0\r\n");
    shows(&f, "CONFIG GET *", "$4\r\nsave\r\n");
    resp_close(&f);
}

Test(cmd_config, a_set_is_done_as_a_whole_or_not_at_all)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CONFIG SET maxmemory 10mb maxmemory-policy allkeys-lfu", "+OK\r\n");
    shows(&f, "CONFIG GET maxmemory", "$8\r\n10485760\r\n");
    cr_assert(f.engine.keyspace.counts_frequency);
    says(&f, "CONFIG SET maxmemory 20mb hz none",
         "-ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed "
         "into an integer\r\n");
    shows(&f, "CONFIG GET maxmemory", "$8\r\n10485760\r\n");
    says(&f, "CONFIG SET nosuch 1",
         "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'\r\n");
    says(&f, "CONFIG SET databases 1",
         "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable "
         "config\r\n");
    says(&f, "CONFIG SET hz 10 hz 11",
         "-ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter\r\n");
    says(&f, "CONFIG SET maxmemory 1mb hz",
         "-ERR wrong number of arguments for 'config|set' command\r\n");
    resp_close(&f);
}

Test(cmd_config, a_smaller_maxmemory_evicts_at_once)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    for (int i = 0; i < 20000; i++) {
        char line[64];

        snprintf(line, sizeof(line), "SET key:%d some-value-of-a-length", i);
        resp_ask(&f, line);
    }
    says(&f,
         "CONFIG SET maxmemory-policy allkeys-random maxmemory-eviction-tenacity 100 maxmemory "
         "1mb",
         "+OK\r\n");
    cr_assert(keyspace_used_bytes(&f.engine.keyspace) <= 1 << 20);
    cr_assert(keyspace_count(&f.engine.keyspace) > 1000);
    resp_close(&f);
}

Test(cmd_config, directives_for_tests_are_found_by_their_whole_names_alone)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    hides(&f, "CONFIG GET *", "rdb-key-save-delay");
    shows(&f, "CONFIG GET rdb-key-save-delay", "rdb-key-save-delay");
    resp_close(&f);
}

Test(cmd_config, a_password_may_have_any_bytes)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CONFIG SET requirepass \"abc\\x00def\"", "+OK\r\n");
    shows(&f, "AUTH abc", "-WRONGPASS");
    shows(&f, "AUTH \"abc\\x00xyz\"", "-WRONGPASS");
    says(&f, "AUTH \"abc\\x00def\"", "+OK\r\n");
    resp_close(&f);
}

Test(cmd_config, valkey_may_call_itself_redis)
{
    static const char *const options[] = {"larder-engine-name valkey",
                                          "larder-engine-version 8.0.1", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    shows(&f, "HELLO", "$6\r\nvalkey\r\n");
    shows(&f, "HELLO", "$5\r\n8.0.1\r\n");
    shows(&f, "INFO server", "\nserver_mode:standalone");
    hides(&f, "INFO server", "\nredis_mode:");
    says(&f, "CONFIG SET extended-redis-compatibility yes", "+OK\r\n");
    shows(&f, "HELLO", "$5\r\nredis\r\n");
    shows(&f, "HELLO", "$5\r\n7.2.4\r\n");
    shows(&f, "INFO server", "\nredis_mode:standalone");
    hides(&f, "INFO server", "\nserver_mode:");
    resp_close(&f);
}

Test(cmd_config, a_shorter_acl_log_is_cut_when_the_next_entry_comes)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "AUTH nobody x");
    says(&f, "CONFIG SET acllog-max-len 0", "+OK\r\n");
    shows(&f, "ACL LOG", "$6\r\nnobody\r\n");
    resp_ask(&f, "AUTH somebody x");
    says(&f, "ACL LOG", "*0\r\n");
    resp_close(&f);
}

Test(cmd_config, a_lowered_maxmemory_evicts_nothing_amid_a_transaction)
{
    static const char *const options[] = {"maxmemory-policy allkeys-lru", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    for (int i = 0; i < 100; i++) {
        char line[64];

        snprintf(line, sizeof(line), "SET k%d v", i);
        says(&f, line, "+OK\r\n");
    }
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "CONFIG SET maxmemory 1", "+QUEUED\r\n");
    says(&f, "DBSIZE", "+QUEUED\r\n");
    says(&f, "EXEC", "*2\r\n+OK\r\n:100\r\n");
    says(&f, "DBSIZE", ":0\r\n");
    resp_close(&f);
}
