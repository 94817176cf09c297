#include "dispatch_test.h"

Test(cmd_memory, a_key_says_what_it_takes)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k v");
    says(&f, "MEMORY USAGE k", ":16\r\n");
    says(&f, "MEMORY USAGE k SAMPLES 0", ":16\r\n");
    says(&f, "MEMORY USAGE none", "$-1\r\n");
    says(&f, "MEMORY USAGE k SAMPLES -1", "-ERR syntax error\r\n");
    says(&f, "MEMORY USAGE k SAMPLES", "-ERR syntax error\r\n");
    says(&f, "MEMORY USAGE k SAMPLES x", "-ERR value is not an integer or out of range\r\n");
    resp_close(&f);
}

Test(cmd_memory, where_memory_is_follows_what_is_there)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    hides(&f, "MEMORY STATS", "db.0");
    resp_ask(&f, "MSET a 1 b 2");
    shows(&f, "MEMORY STATS", "$4\r\ndb.0\r\n*4\r\n$23\r\noverhead.hashtable.main\r\n");
    shows(&f, "MEMORY STATS", "$10\r\nkeys.count\r\n:2\r\n");
    shows(&f, "MEMORY DOCTOR", "next to nothing");
    shows(&f, "MEMORY MALLOC-STATS", "db 0: ");
    says(&f, "MEMORY PURGE", "+OK\r\n");
    shows(&f, "MGET a b", "$1\r\n1\r\n$1\r\n2\r\n");
    resp_close(&f);
}

Test(cmd_memory, purging_gives_empty_slabs_back)
{
    struct resp_fixture f;
    struct heap *h;

    resp_open(&f, NULL);
    h = &f.engine.keyspace.dbs[0].heap;
    for (int i = 0; i < 5000; i++) {
        char line[64];

        snprintf(line, sizeof(line), "SET key:%d 0123456789012345678901234567890123456789", i);
        resp_ask(&f, line);
    }
    resp_ask(&f, "FLUSHALL SYNC");
    resp_ask(&f, "SET k v");
    resp_ask(&f, "MEMORY PURGE");
    cr_expect_eq(h->warm_count, 0);
    says(&f, "GET k", "$1\r\nv\r\n");
    resp_close(&f);
}
