#include "types_play.h"

#define NIL   "$-1\r\n"
#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

static void play(const struct play *rows, size_t count)
{
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, count);
    harness_end(&h);
}
#define PLAY(...)                                         \
    do {                                                  \
        static const struct play rows_[] = {__VA_ARGS__}; \
        play(rows_, countof(rows_));                      \
    } while (0)

Test(t_hash, fields_are_set_read_and_removed)
{
    PLAY(
        {"HSET h a 1 b two", ":2\r\n"}, {"HSET h a 3 c x", ":1\r\n"}, {"HGET h a", "$1\r\n3\r\n"},
        {"HGET h none", NIL}, {"HGET none a", NIL}, {"HLEN h", ":3\r\n"}, {"HLEN none", ":0\r\n"},
        {"HGETALL h", "*6\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$3\r\ntwo\r\n$1\r\nc\r\n$1\r\nx\r\n"},
        {"HKEYS h", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"},
        {"HVALS h", "*3\r\n$1\r\n3\r\n$3\r\ntwo\r\n$1\r\nx\r\n"},
        {"HMGET h b nosuch a", "*3\r\n$3\r\ntwo\r\n" NIL "$1\r\n3\r\n"},
        {"HMGET none a b", "*2\r\n" NIL NIL}, {"HEXISTS h a", ":1\r\n"}, {"HEXISTS h z", ":0\r\n"},
        {"HEXISTS none z", ":0\r\n"}, {"HSTRLEN h b", ":3\r\n"}, {"HSTRLEN h a", ":1\r\n"},
        {"HSTRLEN h z", ":0\r\n"}, {"HDEL h a z", ":1\r\n"}, {"HDEL h b c", ":2\r\n"},
        {"EXISTS h", ":0\r\n"}, {"HDEL h a", ":0\r\n"}, {"HGETALL h", "*0\r\n"},
        {"HKEYS h", "*0\r\n"});
}

Test(t_hash, hmset_and_hsetnx_answer_in_their_own_way)
{
    PLAY({"HMSET h a 1 b 2", "+OK\r\n"}, {"HSETNX h a 5", ":0\r\n"}, {"HSETNX h c 5", ":1\r\n"},
         {"HSETNX other f v", ":1\r\n"}, {"HGET h a", "$1\r\n1\r\n"}, {"HGET h c", "$1\r\n5\r\n"},
         {"HGET other f", "$1\r\nv\r\n"});
}

Test(t_hash, wrong_calls_are_answered_as_everywhere)
{
    PLAY({"HSET h a", "-ERR wrong number of arguments for 'hset' command\r\n"},
         {"HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command\r\n"},
         {"HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command\r\n"},
         {"EXISTS h", ":0\r\n"}, {"SET s v", "+OK\r\n"}, {"HSET s a 1", WRONG}, {"HGET s a", WRONG},
         {"HMGET s a", WRONG}, {"HDEL s a", WRONG}, {"HLEN s", WRONG}, {"HGETALL s", WRONG},
         {"HINCRBY s a 1", WRONG}, {"HINCRBYFLOAT s a 1", WRONG}, {"HSETNX s a 1", WRONG},
         {"HEXISTS s a", WRONG}, {"HSTRLEN s a", WRONG}, {"HSCAN s 0", WRONG},
         {"HRANDFIELD s", WRONG}, {"HRANDFIELD s 2", WRONG});
}

Test(t_hash, numbers_are_counted_up_within_64_bits)
{
    PLAY({"HINCRBY h n 5", ":5\r\n"}, {"HINCRBY h n -7", ":-2\r\n"}, {"HGET h n", "$2\r\n-2\r\n"},
         {"HSET h m 9223372036854775807", ":1\r\n"},
         {"HINCRBY h m 1", "-ERR increment or decrement would overflow\r\n"},
         {"HSET h t text z 01", ":2\r\n"},
         {"HINCRBY h t 1", "-ERR hash value is not an integer\r\n"},
         {"HINCRBY h z 1", "-ERR hash value is not an integer\r\n"},
         {"HINCRBY h n x", "-ERR value is not an integer or out of range\r\n"},
         {"HINCRBY none n x", "-ERR value is not an integer or out of range\r\n"},
         {"EXISTS none", ":0\r\n"});
}

Test(t_hash, floats_are_counted_up_in_plain_notation)
{
    PLAY({"HINCRBYFLOAT h f 10.50", "$4\r\n10.5\r\n"}, {"HINCRBYFLOAT h f 0.1", "$4\r\n10.6\r\n"},
         {"HINCRBYFLOAT h f -5", "$3\r\n5.6\r\n"}, {"HINCRBYFLOAT h g 2.0e2", "$3\r\n200\r\n"},
         {"HINCRBY h g 1", ":201\r\n"},
         {"HINCRBYFLOAT h f x", "-ERR value is not a valid float\r\n"},
         {"HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity\r\n"}, {"HSET h t text", ":1\r\n"},
         {"HINCRBYFLOAT h t 1", "-ERR hash value is not a float\r\n"}, {"HSET h i inf", ":1\r\n"},
         {"HINCRBYFLOAT h i 1", "-ERR increment would produce NaN or Infinity\r\n"});
}

Test(t_hash, a_third_protocol_version_has_maps_and_pairs)
{
    struct harness h;
    static const struct play rows[] = {
        {"HSET h a 1",                ":1\r\n"                            },
        {"HGETALL h",                 "%1\r\n$1\r\na\r\n$1\r\n1\r\n"      },
        {"HGETALL none",              "%0\r\n"                            },
        {"HGET h z",                  "_\r\n"                             },
        {"HRANDFIELD h 5 WITHVALUES", "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"},
        {"HRANDFIELD none",           "_\r\n"                             },
        {"HRANDFIELD none 2",         "*0\r\n"                            },
    };

    harness_begin(&h);
    h.reply.resp = 3;
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_hash, encodings_change_at_the_limits)
{
    struct harness h;
    char line[300];
    char *word64 = play_word(64), *word65 = play_word(65);

    harness_begin(&h);
    for (int i = 0; i < 128; i++) {
        snprintf(line, sizeof(line), "HSET h f%d v", i);
        play_line(&h, line);
    }
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING h"), "$8\r\nlistpack\r\n");
    play_line(&h, "HSET h f0 w");
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING h"), "$8\r\nlistpack\r\n");
    play_line(&h, "HSET h f128 v");
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING h"), "$9\r\nhashtable\r\n");
    cr_expect_str_eq(play_line(&h, "HLEN h"), ":129\r\n");
    cr_expect_str_eq(play_line(&h, "HGET h f0"), "$1\r\nw\r\n");
    snprintf(line, sizeof(line), "HSET g f %s", word64);
    play_line(&h, line);
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING g"), "$8\r\nlistpack\r\n");
    snprintf(line, sizeof(line), "HSET g f %s", word65);
    play_line(&h, line);
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING g"), "$9\r\nhashtable\r\n");
    snprintf(line, sizeof(line), "HSET i %s 1", word65);
    play_line(&h, line);
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING i"), "$9\r\nhashtable\r\n");
    harness_end(&h);
    free(word64);
    free(word65);
}

/* 128 fields of 64 bytes with values of 64 are more than stands beside a key; the hash is a table
 * before it is said to be one. */
Test(t_hash, a_small_hash_too_big_for_its_entry_goes_on_as_a_table)
{
    struct harness h;
    char line[300];
    char *word = play_word(60);

    harness_begin(&h);
    for (int i = 0; i < 128; i++) {
        snprintf(line, sizeof(line), "HSET h %s%03d %s%03d", word, i, word, i);
        cr_assert_str_eq(play_line(&h, line), ":1\r\n");
    }
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING h"), "$8\r\nlistpack\r\n");
    for (int i = 0; i < 128; i++) {
        snprintf(line, sizeof(line), "HSTRLEN h %s%03d", word, i);
        cr_assert_str_eq(play_line(&h, line), ":63\r\n");
    }
    play_line(&h, "COPY h g");
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING g"), "$8\r\nlistpack\r\n");
    play_line(&h, "HSET h one more");
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING h"), "$9\r\nhashtable\r\n");
    harness_end(&h);
    free(word);
}

Test(t_hash, big_values_come_and_go)
{
    struct harness h;
    static const size_t lens[] = {10, 5000, 200000, 3, 1024, 1025, 20000};
    size_t before;

    harness_begin(&h);
    play_line(&h, "SET other key");
    before = h.ks.account.used_bytes;
    for (size_t i = 0; i < countof(lens); i++) {
        char *word = play_word(lens[i]);
        struct str set[] = {
            STR("HSET"), STR("h"), STR("f"), {word, lens[i]}
        };
        struct str get[] = {STR("HGET"), STR("h"), STR("f")};
        char head[32];

        play_run(&h, set, 4);
        play_run(&h, get, 3);
        int len = snprintf(head, sizeof(head), "$%zu\r\n", lens[i]);
        cr_assert_eq(h.said.len, (size_t)len + lens[i] + 2);
        cr_assert(memcmp(h.said.ptr, head, (size_t)len) == 0);
        cr_assert(memcmp(h.said.ptr + len, word, lens[i]) == 0);
        free(word);
    }
    play_line(&h, "DEL h");
    cr_expect_leq(h.ks.account.used_bytes, before + REPLY_SHARED_BYTES + 4096);
    harness_end(&h);
}

Test(t_hash, a_copy_is_its_own)
{
    struct harness h;
    char line[64];

    harness_begin(&h);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "HSET h f%d %d", i, i * i);
        play_line(&h, line);
    }
    cr_expect_str_eq(play_line(&h, "COPY h g"), ":1\r\n");
    play_line(&h, "HSET h f7 changed");
    play_line(&h, "HDEL h f8");
    cr_expect_str_eq(play_line(&h, "HGET g f7"), "$2\r\n49\r\n");
    cr_expect_str_eq(play_line(&h, "HGET g f8"), "$2\r\n64\r\n");
    cr_expect_str_eq(play_line(&h, "HLEN g"), ":1000\r\n");
    play_line(&h, "RENAME g r");
    play_line(&h, "DEL h");
    cr_expect_str_eq(play_line(&h, "HGET r f999"), "$6\r\n998001\r\n");
    harness_end(&h);
}

/* A key so long that a small hash cannot stand beside it. */
Test(t_hash, a_small_hash_moves_out_when_its_key_becomes_too_long)
{
    struct harness h;
    char *name = play_word(16000), *word = play_word(60);
    char line[300];

    harness_begin(&h);
    for (int i = 0; i < 20; i++) {
        snprintf(line, sizeof(line), "HSET h f%d %s", i, word);
        play_line(&h, line);
    }
    struct str rename[] = {
        STR("RENAME"), STR("h"), {name, 16000}
    };
    struct str encoding[] = {
        STR("OBJECT"), STR("ENCODING"), {name, 16000}
    };
    struct str get[] = {
        STR("HSTRLEN"), {name, 16000},
         STR("f19")
    };
    play_run(&h, rename, 3);
    play_run(&h, encoding, 3);
    cr_expect_str_eq(buf_cstr(&h.said), "$8\r\nlistpack\r\n");
    play_run(&h, get, 3);
    cr_expect_str_eq(buf_cstr(&h.said), ":60\r\n");
    harness_end(&h);
    free(name);
    free(word);
}

Test(t_hash, random_fields_are_as_many_and_as_different_as_was_asked)
{
    PLAY({"HSET h a 1", ":1\r\n"}, {"HRANDFIELD h", "$1\r\na\r\n"},
         {"HRANDFIELD h 3", "*1\r\n$1\r\na\r\n"},
         {"HRANDFIELD h -3", "*3\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"},
         {"HRANDFIELD h 3 WITHVALUES", "*2\r\n$1\r\na\r\n$1\r\n1\r\n"},
         {"HRANDFIELD h -2 WITHVALUES", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1\r\n"},
         {"HRANDFIELD h 0", "*0\r\n"}, {"HRANDFIELD none", NIL}, {"HRANDFIELD none 3", "*0\r\n"},
         {"HRANDFIELD h x", "-ERR value is not an integer or out of range\r\n"},
         {"HRANDFIELD h 1 WITHVALUE", "-ERR syntax error\r\n"},
         {"HRANDFIELD h 1 WITHVALUES x", "-ERR syntax error\r\n"},
         {"HRANDFIELD h -9223372036854775808",
          "-ERR value is out of range, value must between -9223372036854775807 and "
          "9223372036854775807\r\n"},
         {"HRANDFIELD h 9223372036854775807 WITHVALUES", "-ERR value is out of range\r\n"});
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

Test(t_hash, random_fields_of_a_big_hash_differ)
{
    struct harness h;
    char line[64], field[32];

    harness_begin(&h);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "HSET h field:%04d %d", i, i);
        play_line(&h, line);
    }
    static const char *const asks[] = {"HRANDFIELD h 100", "HRANDFIELD h 900"};
    for (size_t j = 0; j < countof(asks); j++) {
        size_t met = 0;
        const char *said = play_line(&h, asks[j]);

        for (int i = 0; i < 1000; i++) {
            snprintf(field, sizeof(field), "\nfield:%04d\r", i);
            size_t n = count_of(said, field);
            cr_assert_leq(n, 1, "%s %s", asks[j], field);
            met += n;
        }
        cr_expect_eq(met, j == 0 ? 100 : 900);
    }
    harness_end(&h);
}

Test(t_hash, scans_take_their_options_as_everywhere)
{
    PLAY({"HSCAN none 0", "*2\r\n$1\r\n0\r\n*0\r\n"}, {"HSCAN none x", "-ERR invalid cursor\r\n"},
         {"HSCAN none 0 NONSENSE", "*2\r\n$1\r\n0\r\n*0\r\n"}, {"HSET h a 1 b 2", ":2\r\n"},
         {"HSCAN h 0", "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"},
         {"HSCAN h 0 MATCH b*", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n"},
         {"HSCAN h 0 NOVALUES", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
         {"HSCAN h 0 NOSCORES", "-ERR NOSCORES option can only be used in ZSCAN\r\n"},
         {"HSCAN h 0 COUNT 0", "-ERR syntax error\r\n"},
         {"HSCAN h 0 COUNT x", "-ERR value is not an integer or out of range\r\n"},
         {"HSCAN h 0 MATCH", "-ERR syntax error\r\n"},
         {"HSCAN h 0 TYPE x", "-ERR syntax error\r\n"}, {"HSCAN h -", "-ERR invalid cursor\r\n"},
         {"HSCAN h 1x", "-ERR invalid cursor\r\n"});
}

Test(t_hash, a_scan_in_steps_meets_every_field)
{
    struct harness h;
    char line[64];
    unsigned seen[1000] = {0};
    char cursor[32] = "0";

    harness_begin(&h);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "HSET h field:%04d v", i);
        play_line(&h, line);
    }
    do {
        snprintf(line, sizeof(line), "HSCAN h %s COUNT 20", cursor);
        const char *said = play_line(&h, line);
        const char *end = strstr(said + 8, "\r\n");
        const char *begin = strchr(said + 4, '\n') + 1;
        snprintf(cursor, sizeof(cursor), "%.*s", (int)(strchr(begin, '\r') - begin), begin);
        for (const char *at = end; (at = strstr(at, "field:")); at++)
            seen[strtol(at + 6, NULL, 10)]++;
    } while (strcmp(cursor, "0") != 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(seen[i], 1, "%d", i);
    harness_end(&h);
}

Test(t_hash, changes_are_told_and_counted)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "HSET h a 1 b 2");
    cr_expect_eq(h.dirty, 2);
    play_line(&h, "HINCRBY h a 1");
    cr_expect_eq(h.dirty, 1);
    play_line(&h, "HINCRBYFLOAT h a 1");
    play_line(&h, "HDEL h z");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "HSETNX h a 5");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "HDEL h a b");
    cr_expect_eq(h.dirty, 2);
    cr_expect_str_eq(buf_cstr(&h.events), "hset:h hincrby:h hincrbyfloat:h hdel:h del:h ");
    harness_end(&h);
}
