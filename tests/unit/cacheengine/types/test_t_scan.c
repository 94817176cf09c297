#include "types_play.h"

Test(t_scan, keys_that_have_expired_are_removed_where_they_are_met)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "SET a 1 PX 100");
    play_line(&h, "HSET h f v");
    db_set_deadline(h.db, keyspace_key(&h.ks, STR("h")),
                    db_peek(h.db, keyspace_key(&h.ks, STR("h"))), h.ks.now_ms + 100);
    play_line(&h, "SET k 1");
    keyspace_set_now(&h.ks, h.ks.now_ms + 1000);
    cr_expect_str_eq(play_line(&h, "SCAN 0 MATCH x*"), "*2\r\n$1\r\n0\r\n*0\r\n");
    cr_expect_eq(db_count(h.db), 3);
    cr_expect_str_eq(play_line(&h, "SCAN 0 TYPE string"), "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n");
    cr_expect_eq(db_count(h.db), 2);
    cr_expect_str_eq(play_line(&h, "SCAN 0"), "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n");
    cr_expect_eq(db_count(h.db), 1);
    harness_end(&h);
}

Test(t_scan, an_unknown_type_is_an_error_with_valkey_8_alone)
{
    struct harness h;

    harness_begin(&h);
    cr_expect_str_eq(play_line(&h, "SCAN 0 TYPE nosuch"), "*2\r\n$1\r\n0\r\n*0\r\n");
    h.settings.brand = BRAND_VALKEY;
    h.settings.engine_version = "8.0.1";
    cr_expect_str_eq(play_line(&h, "SCAN 0 TYPE nosuch"), "-ERR unknown type name 'nosuch'\r\n");
    cr_expect_str_eq(play_line(&h, "SCAN 0 TYPE zset"), "*2\r\n$1\r\n0\r\n*0\r\n");
    h.settings.engine_version = "7.2.4";
    cr_expect_str_eq(play_line(&h, "SCAN 0 TYPE nosuch"), "*2\r\n$1\r\n0\r\n*0\r\n");
    harness_end(&h);
}
