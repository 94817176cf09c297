#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/item.h"
#include "persist_fixture.h"

#include <inttypes.h>

static void both_say(struct pair *p, const char *line)
{
    char *want = strdup(play_line(&p->a, line));

    cr_expect_str_eq(play_line(&p->b, line), want, "%s", line);
    free(want);
}

Test(snapshot, everything_comes_back_in_the_same_form)
{
    static const char *const keys[] = {"text", "number", "numbers", "words", "small",
                                       "few",  "many",   "large",   "ranks", "key:77"};
    struct pair p;
    char line[100];

    pair_begin(&p);
    pair_fill(&p);
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(p.loading.report.keys, db_count(p.a.db));
    cr_expect_eq(db_count(p.b.db), db_count(p.a.db));
    for (size_t i = 0; i < countof(keys); i++) {
        snprintf(line, sizeof(line), "OBJECT ENCODING %s", keys[i]);
        both_say(&p, line);
    }
    both_say(&p, "SCARD many");
    both_say(&p, "SISMEMBER many member:999");
    both_say(&p, "HGET large field:500");
    both_say(&p, "HGETALL small");
    both_say(&p, "ZRANGE ranks 0 -1 WITHSCORES");
    both_say(&p, "ZRANGE few 0 -1 WITHSCORES");
    pair_end(&p);
}

Test(snapshot, an_empty_keyspace_is_a_snapshot_too)
{
    struct pair p;

    pair_begin(&p);
    pair_save(&p);
    cr_expect_arr_eq(p.stream.bytes.ptr, "REDIS0011", 9);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(p.loading.report.keys, 0);
    cr_expect_eq(p.loading.report.version, 11);
    pair_end(&p);
}

Test(snapshot, databases_keep_their_numbers)
{
    struct pair p;

    pair_begin(&p);
    db_set_string(&p.a.ks.dbs[1], keyspace_key(&p.a.ks, STR("k")), STR("v"), NO_DEADLINE);
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(db_count(&p.b.ks.dbs[0]), 0);
    cr_expect_eq(db_count(&p.b.ks.dbs[1]), 1);
    pair_end(&p);
}

Test(snapshot, keys_keep_their_end_and_expired_ones_go_unless_a_primary_removes_them)
{
    struct pair p;
    struct key soon, late;

    pair_begin(&p);
    soon = keyspace_key(&p.a.ks, STR("soon"));
    late = keyspace_key(&p.a.ks, STR("late"));
    db_set_string(p.a.db, soon, STR("v"), p.a.ks.now_ms + 10);
    db_set_string(p.a.db, late, STR("v"), p.a.ks.now_ms + 10000);
    pair_save(&p);
    keyspace_set_now(&p.b.ks, p.a.ks.now_ms + 100);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(p.loading.report.expired, 1);
    cr_expect_eq(entry_deadline(db_find(p.b.db, late)), p.a.ks.now_ms + 10000);
    p.loading.drops_expired = false;
    keyspace_flush(&p.b.ks, -1, false);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(p.loading.report.keys, 2);
    pair_end(&p);
}

Test(snapshot, recency_and_frequency_are_kept_where_the_policy_counts_them)
{
    struct pair p;

    pair_begin(&p);
    p.a.settings.evict_policy = p.b.settings.evict_policy = EVICT_ALLKEYS_LRU;
    struct entry *e = db_set_string(p.a.db, keyspace_key(&p.a.ks, STR("k")), STR("v"), NO_DEADLINE);
    db_set_idle_s(p.a.db, e, 500);
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(db_idle_s(p.b.db, db_peek(p.b.db, keyspace_key(&p.b.ks, STR("k")))), 500);

    p.a.settings.evict_policy = p.b.settings.evict_policy = EVICT_VOLATILE_LFU;
    keyspace_apply_settings(&p.a.ks);
    keyspace_apply_settings(&p.b.ks);
    keyspace_flush(&p.b.ks, -1, false);
    db_set_frequency(p.a.db, e, 77);
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(db_frequency(p.b.db, db_peek(p.b.db, keyspace_key(&p.b.ks, STR("k")))), 77);
    pair_end(&p);
}

static void note_field(void *ctx, struct str name, struct str value)
{
    buf_printf(ctx, "%.*s=%.*s ", STR_ARG(name), STR_ARG(value));
}

Test(snapshot, fields_are_told_in_their_order)
{
    struct snapshot_field fields[] = {
        {"repl-id",     STR("abc")},
        {"repl-offset", STR("42") },
    };
    struct buf noted = BUF_EMPTY;
    struct pair p;

    pair_begin(&p);
    p.options.fields = fields;
    p.options.field_count = 2;
    p.loading.field = note_field;
    p.loading.ctx = &noted;
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect(str_starts(buf_str(&noted), "redis-ver=7.2.4 redis-bits=64 ctime=1000 used-mem="));
    cr_expect(str_ends(buf_str(&noted), " repl-id=abc repl-offset=42 "));
    buf_fini(&noted);
    pair_end(&p);
}

Test(snapshot, a_reader_of_7_0_gets_no_set_as_listpack)
{
    struct pair p;

    pair_begin(&p);
    play_line(&p.a, "SADD words a b");
    pair_save(&p);
    cr_expect(memmem(p.stream.bytes.ptr, p.stream.bytes.len, "\x14\5words", 7));
    p.options.version = RECORD_VERSION_7_0;
    pair_save(&p);
    cr_expect(memmem(p.stream.bytes.ptr, p.stream.bytes.len, "\x02\5words", 7));
    cr_expect_arr_eq(p.stream.bytes.ptr, "REDIS0010", 9);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_str_eq(play_line(&p.b, "OBJECT ENCODING words"), "$8\r\nlistpack\r\n");
    pair_end(&p);
}

Test(snapshot, a_checksum_of_nothing_is_not_checked)
{
    struct pair p;

    pair_begin(&p);
    play_line(&p.a, "SET k v");
    p.options.sums = false;
    pair_save(&p);
    cr_expect_arr_eq(p.stream.bytes.ptr + p.stream.bytes.len - 8, "\0\0\0\0\0\0\0\0", 8);
    cr_expect_not(err_failed(pair_load(&p)));
    pair_end(&p);
}

/* Loads these bytes; the sentence of the failure, or NULL. */
static const char *failure_of(struct pair *p, struct str bytes)
{
    buf_clear(&p->stream.bytes);
    buf_add_str(&p->stream.bytes, bytes);
    keyspace_flush(&p->b.ks, -1, false);
    struct err e = pair_load(p);
    return err_failed(e) ? e.why : NULL;
}

Test(snapshot, what_is_none_or_too_new_is_refused_with_where_and_why)
{
    static const struct {
        struct str bytes;
        const char *why;
    } rows[] = {
        {STR(""),                              "this is no RDB file (at byte 0)"                             },
        {STR("REDIS"),                         "this is no RDB file (at byte 5)"                             },
        {STR("GARBAGE00"),                     "this is no RDB file (at byte 9)"                             },
        {STR("REDIS00x1"),                     "this is no RDB file (at byte 9)"                             },
        {STR("REDIS0000"),                     "this is no RDB file (at byte 9)"                             },
        {STR("REDIS0013"),                     "its version is newer than what this engine reads (at byte 9)"},
        {STR("VALKEY081"),                     "its version is newer than what this engine reads (at byte 9)"},
        {STR("REDIS0011"),                     "the data ends too early (at byte 9)"                         },
        {STR("REDIS0011\xfe\2"),               "it has more databases than this engine (at byte 11)"         },
        {STR("REDIS0011\xf6\1x"),
         "it holds a library of functions in a form that was given up again (at byte 10)"                    },
        {STR("REDIS0011\xf7"),
         "it holds data of a module, which this engine does not have (at byte 10)"                           },
        {STR("REDIS0011\0\1k\1"),              "the data ends too early (key 'k' of database 0, at byte 13)" },
        {STR("REDIS0011\7\1k\1"),
         "it is the value of a module, which this engine does not have (key 'k' of database 0, at byte 12)"  },
        {STR("REDIS0003\0\1k\1v\0\1k\1w\xff"),
         "the key comes twice (key 'k' of database 0, at byte 20)"                                           },
        {STR("REDIS0011\xff"
             "12345678"),
         "the checksum is wrong (CRC error) (at byte 18)"                                                    },
    };
    struct pair p;

    pair_begin(&p);
    for (size_t i = 0; i < countof(rows); i++) {
        const char *why = failure_of(&p, rows[i].bytes);

        cr_assert(why, "row %zu", i);
        cr_expect_str_eq(why, rows[i].why, "row %zu: %s", i, why);
    }
    pair_end(&p);
}

Test(snapshot, old_files_have_no_checksum_and_seconds)
{
    struct pair p;

    pair_begin(&p);
    cr_expect_null(failure_of(&p, STR("REDIS0002\xfe\0\xfd\xff\xff\xff\x7f\0\1k\1v\xff")));
    struct entry *e = db_peek(p.b.db, keyspace_key(&p.b.ks, STR("k")));
    cr_assert(e);
    cr_expect_eq(entry_deadline(e), (int64_t)INT32_MAX * 1000);
    pair_end(&p);
}

Test(snapshot, valkey_9_writes_its_own_name)
{
    struct pair p;

    pair_begin(&p);
    cr_expect_null(
        failure_of(&p, STR("VALKEY080\xfa\nvalkey-ver\5"
                           "9.0.0\xfe\0\xfb\1\0\xf4\1\2\3\0\1k\1v\xff\0\0\0\0\0\0\0\0")));
    cr_expect_eq(p.loading.report.keys, 1);
    cr_expect_eq(p.loading.report.version, RECORD_VERSION_9);
    pair_end(&p);
}

Test(snapshot, collections_without_elements_are_left_out)
{
    struct pair p;

    pair_begin(&p);
    cr_expect_null(failure_of(&p, STR("REDIS0003\2\1s\0\0\1k\1v\4\1h\0\xff")));
    cr_expect_eq(p.loading.report.keys, 1);
    cr_expect_eq(p.loading.report.empty, 2);
    pair_end(&p);
}

Test(snapshot, a_stream_cut_anywhere_is_refused_and_nothing_is_lost_track_of)
{
    struct pair p;

    pair_begin(&p);
    play_line(&p.a, "SET text hello");
    play_line(&p.a, "HSET small f v g 7");
    play_line(&p.a, "ZADD few 1 a 2.5 b");
    for (int i = 0; i < 200; i++) {
        char line[50];

        snprintf(line, sizeof(line), "SADD many member:%d", i);
        play_line(&p.a, line);
    }
    pair_save(&p);
    struct buf whole = p.stream.bytes;
    p.stream.bytes = BUF_EMPTY;
    cr_assert_null(failure_of(&p, buf_str(&whole)));
    keyspace_flush(&p.b.ks, -1, false);
    size_t before = keyspace_used_bytes(&p.b.ks);
    for (size_t cut = 0; cut < whole.len; cut++) {
        cr_assert(failure_of(&p, (struct str){whole.ptr, cut}), "cut at %zu", cut);
        keyspace_flush(&p.b.ks, -1, false);
        cr_assert_eq(keyspace_used_bytes(&p.b.ks), before, "cut at %zu", cut);
    }
    buf_fini(&whole);
    pair_end(&p);
}

Test(snapshot, a_changed_byte_is_found_by_the_checksum_at_the_latest)
{
    struct pair p;

    pair_begin(&p);
    play_line(&p.a, "SET text hello");
    play_line(&p.a, "SADD s a b c");
    pair_save(&p);
    struct buf whole = p.stream.bytes;
    p.stream.bytes = BUF_EMPTY;
    for (size_t at = 0; at < whole.len; at++) {
        whole.ptr[at] ^= 0x10;
        cr_expect(failure_of(&p, buf_str(&whole)), "byte %zu", at);
        whole.ptr[at] ^= 0x10;
    }
    buf_fini(&whole);
    pair_end(&p);
}

Test(snapshot, a_zipmap_with_values_beyond_the_limit_becomes_a_table)
{
    static const char bytes[] = "REDIS0003\xfe\0\x09\x04hash\x10\x02\x02"
                                "f1\x02\0v1\x02"
                                "f2\x02\0v2\xff\xff";

    for (int limit = 1; limit <= 2; limit++) {
        struct pair p;

        pair_begin(&p);
        p.b.settings.hash_packed_value = limit;
        buf_add(&p.stream.bytes, bytes, sizeof(bytes) - 1);
        cr_assert_not(err_failed(pair_load(&p)));
        const struct entry *e = db_peek(&p.b.ks.dbs[0], keyspace_key(&p.b.ks, STR("hash")));
        cr_assert_not_null(e);
        cr_assert_str_eq(db_encoding(&p.b.ks.dbs[0], e), limit == 1 ? "hashtable" : "listpack");
        pair_end(&p);
    }
}

/* ---- items of memcached ---- */

static void pair_begin_items(struct pair *p)
{
    pair_begin(p);
    p->a.settings.protocol = p->b.settings.protocol = PROTOCOL_MEMCACHED;
    p->a.settings.memcached_version = p->b.settings.memcached_version = "1.6.22";
}

static void put_item(struct pair *p, const char *key, uint32_t flags, struct str value)
{
    item_set(p->a.db, keyspace_key(&p->a.ks, str_of(key)), flags, value, NO_DEADLINE);
}

static struct item item_of(struct harness *h, const char *key)
{
    struct entry *e = db_find(h->db, keyspace_key(&h->ks, str_of(key)));
    struct item it;

    cr_assert_not_null(e, "%s", key);
    item_read(e, &it);
    return it;
}

Test(snapshot, items_come_back_with_their_flags_and_without_their_cas)
{
    static const char large[30000] = {[0 ... 29999] = 'x'};
    struct pair p;
    char key[32];

    pair_begin_items(&p);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put_item(&p, key, (uint32_t)i / 2 % 3 * 0x7fffffff, str_of(key));
    }
    put_item(&p, "large", UINT32_MAX, (struct str){large, sizeof(large)});
    put_item(&p, "number", 0, STR("-12"));
    item_set_edited(p.a.db, keyspace_key(&p.a.ks, STR("cas")), &(struct item){.cas = 77}, STR("v"),
                    NO_DEADLINE);
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect_eq(p.loading.report.keys, 303);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        cr_expect_eq(item_of(&p.b, key).flags, (uint32_t)i / 2 % 3 * 0x7fffffff, "%s", key);
        cr_expect(str_is(item_of(&p.b, key).value, key));
    }
    cr_expect_eq(item_of(&p.b, "large").value.len, sizeof(large));
    cr_expect_eq(item_of(&p.b, "large").flags, UINT32_MAX);
    cr_expect_eq(item_of(&p.b, "cas").cas, 0);
    cr_expect(str_is(item_of(&p.b, "cas").value, "v"));
    pair_end(&p);
}

Test(snapshot, flags_are_written_where_they_change)
{
    struct buf noted = BUF_EMPTY;
    struct pair p;

    pair_begin_items(&p);
    put_item(&p, "a", 5, STR("v"));
    put_item(&p, "b", 5, STR("v"));
    p.loading.field = note_field;
    p.loading.ctx = &noted;
    pair_save(&p);
    cr_assert_not(err_failed(pair_load(&p)));
    cr_expect(str_starts(buf_str(&noted), "memcached-ver=1.6.22 "));
    cr_expect(str_ends(buf_str(&noted), " memcached-flags=5 "));
    cr_expect_eq(item_of(&p.b, "a").flags, 5);
    cr_expect_eq(item_of(&p.b, "b").flags, 5);
    buf_fini(&noted);
    pair_end(&p);
}

Test(snapshot, those_of_the_other_protocol_are_refused)
{
    static const enum protocol_kind protocols[] = {PROTOCOL_RESP, PROTOCOL_MEMCACHED};
    struct pair p;

    for (size_t i = 0; i < countof(protocols); i++) {
        pair_begin_items(&p);
        p.a.settings.protocol = protocols[i];
        p.b.settings.protocol = protocols[1 - i];
        pair_save(&p);
        cr_expect(err_is(pair_load(&p), ERR_UNSUPPORTED), "even one that is empty");
        put_item(&p, "k", 0, STR("v"));
        pair_save(&p);
        cr_expect(err_is(pair_load(&p), ERR_UNSUPPORTED));
        cr_expect_eq(db_count(p.b.db), 0);
        pair_end(&p);
    }
}

/* A snapshot of memcached with these bytes in the place of its keys. */
static struct err load_items(struct pair *p, const char *bytes, size_t len)
{
    static const char head[] = "REDIS0011\xfa\x0dmemcached-ver\x03"
                               "1.6\xfe";

    buf_clear(&p->stream.bytes);
    buf_add(&p->stream.bytes, head, sizeof(head) - 1);
    buf_add(&p->stream.bytes, bytes, len);
    buf_add(&p->stream.bytes, "\xff\0\0\0\0\0\0\0\0", 9);
    return pair_load(p);
}

#define FLAGS "\xfa\x0fmemcached-flags"

Test(snapshot, what_no_item_can_be_is_refused)
{
    static const struct str bad[] = {
        STR("\x01\x00\x01"
            "k\x01v"), /* another database */
        STR("\x00\x01\x01"
            "k\x01\x01v"),                        /* a list */
        STR("\x00\x00\x00\x01v"),                 /* a key without a letter */
        STR("\x00" FLAGS "\x02-1\x00\x01k\x01v"), /* flags below 0 */
        STR("\x00" FLAGS "\x0a"
            "4294967296\x00\x01k\x01v"),         /* of 33 bits */
        STR("\x00" FLAGS "\x01x\x00\x01k\x01v"), /* no number */
        STR("\x00\xf5\x01x"),                    /* a library */
    };
    static const struct str good = STR("\x00" FLAGS "\x0a"
                                       "4294967295\x00\x01k\x01v\x00\x04"
                                       "a b\n\x01v");
    struct pair p;

    pair_begin_items(&p);
    for (size_t i = 0; i < countof(bad); i++)
        cr_expect(err_failed(load_items(&p, bad[i].ptr, bad[i].len)), "%zu", i);
    cr_expect_eq(db_count(p.b.db), 0);
    cr_expect_not(err_failed(load_items(&p, good.ptr, good.len)));
    cr_expect_eq(item_of(&p.b, "k").flags, UINT32_MAX);
    pair_end(&p);
}
