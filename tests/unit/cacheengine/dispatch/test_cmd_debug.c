#include "dispatch_test.h"

Test(cmd_debug, debug_helps_tests)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "DEBUG SLEEP 0", "+OK\r\n");
    says(&f, "DEBUG LOG hello", "+OK\r\n");
    says(&f, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK\r\n");
    cr_assert(f.engine.keyspace.is_expiry_paused);
    says(&f, "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "+OK\r\n");
    cr_assert(f.engine.keyspace.skips_checksums);
    says(&f, "DEBUG QUICKLIST-PACKED-THRESHOLD 1b", "+OK\r\n");
    cr_assert_eq(f.engine.keyspace.list_alone_above, 1);
    shows(&f, "DEBUG QUICKLIST-PACKED-THRESHOLD 4gb", "-ERR argument must be a memory value");
    says(&f, "DEBUG REPLYBUFFER RESIZING 0", "+OK\r\n");
    says(&f, "DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER", "+OK\r\n");
    says(&f, "DEBUG REPLYBUFFER PEAK-RESET-TIME x",
         "-ERR value is not an integer or out of range\r\n");
    says(&f, "DEBUG REPLYBUFFER NOSUCH 0", "-ERR syntax error\r\n");
    says(&f, "DEBUG ERROR \"MINE it is\"", "-MINE it is\r\n");
    shows(&f, "DEBUG nosuch", "-ERR unknown subcommand or wrong number of arguments");
    resp_close(&f);
}

Test(cmd_debug, keys_are_shown_as_they_are_stored)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k abc");
    shows(&f, "DEBUG OBJECT k", " encoding:embstr serializedlength:4 ");
    hides(&f, "DEBUG OBJECT k FAST", "serializedlength");
    says(&f, "DEBUG OBJECT none", "-ERR no such key\r\n");
    resp_ask(&f, "CONFIG SET list-max-listpack-size 2 list-compress-depth 1");
    resp_ask(&f, "RPUSH l a b c d e");
    shows(&f, "DEBUG OBJECT l", " ql_nodes:1 ql_avg_node:5.00 ql_listpack_max:2 ql_compressed:1 ");
    resp_ask(&f, "SADD s a b");
    says(&f, "DEBUG LISTPACK s", "+Listpack structure printed on stdout\r\n");
    says(&f, "DEBUG LISTPACK k", "-ERR Not a listpack encoded object.\r\n");
    shows(&f, "DEBUG HTSTATS-KEY s", "-ERR The value stored at the specified key is not");
    resp_ask(&f, "CONFIG SET set-max-listpack-entries 0");
    resp_ask(&f, "SADD t a b");
    shows(&f, "DEBUG HTSTATS-KEY t", "number of elements: 2\n");
    shows(&f, "DEBUG HTSTATS 0", "number of elements: 4\n");
    shows(&f, "DEBUG HTSTATS 1", "No stats available for empty dictionaries");
    says(&f, "DEBUG HTSTATS 16", "-ERR Out of range database\r\n");
    resp_close(&f);
}

Test(cmd_debug, keys_are_made_where_there_are_none)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET key:1 mine");
    says(&f, "DEBUG POPULATE 3", "+OK\r\n");
    says(&f, "DEBUG POPULATE 10 big 7", "+OK\r\n");
    says(&f, "DEBUG POPULATE 1 long 12", "+OK\r\n");
    says(&f, "DBSIZE", ":14\r\n");
    says(&f, "MGET key:0 key:1 key:2 big:9",
         "*4\r\n$7\r\nvalue:0\r\n$4\r\nmine\r\n$7\r\nvalue:2\r\n$7\r\nvalue:9\r\n");
    says(&f, "STRLEN long:0", ":12\r\n");
    shows(&f, "DEBUG POPULATE -1", "-ERR value is out of range, must be positive");
    resp_close(&f);
}

Test(cmd_debug, the_regular_work_pauses)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "PSETEX k 1 v");
    says(&f, "DEBUG PAUSE-CRON 1", "+OK\r\n");
    engine_set_now(&f.engine, f.engine.keyspace.now_ms + 60000,
                   f.engine.keyspace.passed_ms + 60000);
    engine_tick(&f.engine);
    says(&f, "DBSIZE", ":1\r\n");
    f.engine.keyspace.hides_expired = true;
    says(&f, "EXISTS k", ":0\r\n");
    shows(&f, "DEBUG OBJECT k", "+Value at:");
    f.engine.keyspace.hides_expired = false;
    says(&f, "DEBUG PAUSE-CRON 0", "+OK\r\n");
    engine_tick(&f.engine);
    says(&f, "DBSIZE", ":0\r\n");
    resp_close(&f);
}
