#include "dispatch_test.h"

Test(engine, sessions_come_and_go_without_a_trace)
{
    struct resp_fixture f;
    struct resp_client others[5];

    resp_open(&f, NULL);
    resp_ask(&f, "PING");
    size_t before = f.engine.keyspace.account.used_bytes;
    for (int i = 0; i < 5; i++)
        resp_client_open(&f, &others[i], i == 2);
    cr_assert_eq(f.engine.client_count, 5);
    cr_assert_eq(f.engine.admin_count, 1);
    resp_ask_of(&f, &others[3], "CLIENT SETNAME x");
    for (int i = 4; i >= 0; i--)
        resp_client_close(&f, &others[(i * 2) % 5]);
    cr_assert_eq(f.engine.client_count, 1);
    cr_assert_eq(f.engine.newest, &f.main.client);
    cr_assert_eq(f.engine.oldest, &f.main.client);
    cr_assert_eq(f.engine.keyspace.account.used_bytes, before);
    resp_close(&f);
}

Test(engine, the_regular_work_removes_what_has_expired)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k v PX 100");
    resp_advance(&f, 1000);
    cr_assert_eq(engine_tick(&f.engine), 100);
    cr_assert_eq(keyspace_count(&f.engine.keyspace), 0);
    resp_close(&f);
}

Test(engine, errors_are_counted_by_code_up_to_a_limit)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    for (int i = 0; i < 1000; i++) {
        char code[16];

        snprintf(code, sizeof(code), "CODE%d", i % 500);
        engine_count_error(&f.engine, code);
    }
    cr_assert_eq(f.engine.error_stat_count, ENGINE_ERROR_STATS);
    cr_assert_eq(f.engine.error_stats[3].count, 2);
    cr_assert_eq(f.engine.stats.errors, 1000);
    resp_close(&f);
}

Test(engine, ids_are_never_used_twice)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, NULL);
    for (uint64_t id = 2; id < 5; id++) {
        resp_client_open(&f, &c, false);
        cr_assert_eq(c.client.id, id);
        resp_client_close(&f, &c);
    }
    resp_close(&f);
}

Test(engine, how_long_keys_are_idle_does_not_depend_on_what_the_clock_is_set_to)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    struct keyspace *ks = &f.engine.keyspace;
    says(&f, "SET k v", "+OK\r\n");
    engine_set_now(&f.engine, ks->now_ms - 86400000, ks->passed_ms + 7000);
    says(&f, "OBJECT IDLETIME k", ":7\r\n");
    resp_close(&f);
}
