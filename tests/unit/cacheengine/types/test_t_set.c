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

Test(t_set, members_are_added_found_and_removed)
{
    PLAY({"SADD s b a a", ":2\r\n"}, {"SADD s c b", ":1\r\n"}, {"SCARD s", ":3\r\n"},
         {"SISMEMBER s a", ":1\r\n"}, {"SISMEMBER s z", ":0\r\n"}, {"SISMEMBER none z", ":0\r\n"},
         {"SMISMEMBER s a z c", "*3\r\n:1\r\n:0\r\n:1\r\n"},
         {"SMISMEMBER none a b", "*2\r\n:0\r\n:0\r\n"},
         {"SMEMBERS s", "*3\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nc\r\n"}, {"SMEMBERS none", "*0\r\n"},
         {"SREM s a z", ":1\r\n"}, {"SREM s b c", ":2\r\n"}, {"EXISTS s", ":0\r\n"},
         {"SREM s a", ":0\r\n"}, {"SCARD s", ":0\r\n"});
}

Test(t_set, sets_of_numbers_are_in_order)
{
    PLAY({"SADD s 5 -3 100000 7", ":4\r\n"}, {"OBJECT ENCODING s", "$6\r\nintset\r\n"},
         {"SMEMBERS s", "*4\r\n$2\r\n-3\r\n$1\r\n5\r\n$1\r\n7\r\n$6\r\n100000\r\n"},
         {"SADD s 9223372036854775807 5", ":1\r\n"}, {"SISMEMBER s 100000", ":1\r\n"},
         {"SISMEMBER s 05", ":0\r\n"}, {"SISMEMBER s x", ":0\r\n"}, {"SREM s 5", ":1\r\n"},
         {"SMEMBERS s",
          "*4\r\n$2\r\n-3\r\n$1\r\n7\r\n$6\r\n100000\r\n$19\r\n9223372036854775807\r\n"},
         {"SADD s 05", ":1\r\n"}, {"OBJECT ENCODING s", "$8\r\nlistpack\r\n"},
         {"SISMEMBER s 7", ":1\r\n"}, {"SREM s 05", ":1\r\n"},
         {"OBJECT ENCODING s", "$8\r\nlistpack\r\n"}, {"SCARD s", ":4\r\n"});
}

Test(t_set, wrong_types_are_refused)
{
    PLAY({"SET k v", "+OK\r\n"}, {"SADD s a", ":1\r\n"}, {"SADD k a", WRONG}, {"SREM k a", WRONG},
         {"SISMEMBER k a", WRONG}, {"SMISMEMBER k a", WRONG}, {"SMEMBERS k", WRONG},
         {"SCARD k", WRONG}, {"SPOP k", WRONG}, {"SPOP k 1", WRONG}, {"SRANDMEMBER k", WRONG},
         {"SRANDMEMBER k 1", WRONG}, {"SMOVE k s a", WRONG}, {"SMOVE s k a", WRONG},
         {"SMOVE none k a", ":0\r\n"}, {"SINTER s k", WRONG}, {"SINTER none k", WRONG},
         {"SUNION s k", WRONG}, {"SDIFF s k", WRONG}, {"SINTERSTORE d s k", WRONG},
         {"SSCAN k 0", WRONG}, {"SMEMBERS s", "*1\r\n$1\r\na\r\n"});
}

static void expect_encoding(struct harness *h, const char *key, const char *want)
{
    char line[64], reply[64];

    snprintf(line, sizeof(line), "OBJECT ENCODING %s", key);
    snprintf(reply, sizeof(reply), "$%zu\r\n%s\r\n", strlen(want), want);
    cr_expect_str_eq(play_line(h, line), reply, "%s", want);
}

static void add_many(struct harness *h, const char *key, const char *prefix, int from, int to)
{
    char line[128];

    for (int i = from; i < to; i++) {
        snprintf(line, sizeof(line), "SADD %s %s%d", key, prefix, i);
        cr_assert_str_eq(play_line(h, line), ":1\r\n", "%s", line);
    }
}

Test(t_set, encodings_change_at_the_limits)
{
    struct harness h;
    char line[200];
    char *word64 = play_word(64), *word65 = play_word(65);

    harness_begin(&h);
    add_many(&h, "n", "", 0, 512);
    expect_encoding(&h, "n", "intset");
    add_many(&h, "n", "", 512, 513);
    expect_encoding(&h, "n", "hashtable");
    add_many(&h, "m", "m", 0, 128);
    expect_encoding(&h, "m", "listpack");
    add_many(&h, "m", "m", 128, 129);
    expect_encoding(&h, "m", "hashtable");
    add_many(&h, "x", "", 0, 127);
    add_many(&h, "x", "m", 0, 1);
    expect_encoding(&h, "x", "listpack");
    add_many(&h, "y", "", 0, 128);
    add_many(&h, "y", "m", 0, 1);
    expect_encoding(&h, "y", "hashtable");
    snprintf(line, sizeof(line), "SADD l %s", word64);
    play_line(&h, line);
    expect_encoding(&h, "l", "listpack");
    snprintf(line, sizeof(line), "SADD l %s", word65);
    play_line(&h, line);
    expect_encoding(&h, "l", "hashtable");
    cr_expect_str_eq(play_line(&h, "SCARD l"), ":2\r\n");
    harness_end(&h);
    free(word64);
    free(word65);
}

/* Where parameters allow more than stands beside a key, the set is a table that is said to be what
 * it would be. */
Test(t_set, wide_limits_are_kept_beyond_the_entry)
{
    struct harness h;

    harness_begin(&h);
    h.settings.set_int_entries = 5000;
    h.settings.set_packed_entries = 3000;
    add_many(&h, "n", "10000000000", 0, 3000);
    expect_encoding(&h, "n", "intset");
    cr_expect_str_eq(play_line(&h, "SCARD n"), ":3000\r\n");
    add_many(&h, "n", "x", 0, 1);
    expect_encoding(&h, "n", "hashtable");
    add_many(&h, "m", "member:0000", 0, 3000);
    expect_encoding(&h, "m", "listpack");
    add_many(&h, "m", "x", 0, 1);
    expect_encoding(&h, "m", "hashtable");
    harness_end(&h);
}

Test(t_set, members_move)
{
    PLAY({"SADD a 1 2", ":2\r\n"}, {"SMOVE a b 1", ":1\r\n"}, {"SMOVE a b 7", ":0\r\n"},
         {"SMOVE a a 2", ":1\r\n"}, {"SMOVE a a 7", ":0\r\n"}, {"SMOVE none b 7", ":0\r\n"},
         {"SMOVE a b 2", ":1\r\n"}, {"EXISTS a", ":0\r\n"},
         {"SMEMBERS b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"}, {"SADD c 2", ":1\r\n"},
         {"SMOVE c b 2", ":1\r\n"}, {"SCARD b", ":2\r\n"}, {"EXISTS c", ":0\r\n"});
}

Test(t_set, small_sets_intersect_unite_and_differ)
{
    PLAY({"SADD a 1 2 3 x", ":4\r\n"}, {"SADD b 2 3 4", ":3\r\n"}, {"SADD c 3 x", ":2\r\n"},
         {"SINTER a b", "*2\r\n$1\r\n2\r\n$1\r\n3\r\n"}, {"SINTER a b c", "*1\r\n$1\r\n3\r\n"},
         {"SINTER a none", "*0\r\n"}, {"SINTER b b", "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"},
         {"SINTERCARD 2 a b", ":2\r\n"}, {"SINTERCARD 2 a b LIMIT 1", ":1\r\n"},
         {"SINTERCARD 2 a b LIMIT 0", ":2\r\n"}, {"SINTERCARD 2 a none", ":0\r\n"},
         {"SDIFF b a", "*1\r\n$1\r\n4\r\n"}, {"SDIFF b", "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"},
         {"SDIFF b b", "*0\r\n"}, {"SDIFF none a", "*0\r\n"},
         {"SDIFF b none c", "*2\r\n$1\r\n2\r\n$1\r\n4\r\n"},
         {"SUNION b none", "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"}, {"SUNION none", "*0\r\n"},
         {"SUNIONSTORE d a b c", ":5\r\n"}, {"SCARD d", ":5\r\n"}, {"SINTERSTORE d a b", ":2\r\n"},
         {"SMEMBERS d", "*2\r\n$1\r\n2\r\n$1\r\n3\r\n"}, {"OBJECT ENCODING d", "$6\r\nintset\r\n"},
         {"SDIFFSTORE d d b", ":0\r\n"}, {"EXISTS d", ":0\r\n"}, {"SINTERSTORE a none b", ":0\r\n"},
         {"EXISTS a", ":0\r\n"}, {"SUNIONSTORE b none", ":0\r\n"}, {"EXISTS b", ":0\r\n"});
}

Test(t_set, wrong_counts_of_keys_are_named)
{
    PLAY({"SINTERCARD 0 a", "-ERR numkeys should be greater than 0\r\n"},
         {"SINTERCARD x a", "-ERR numkeys should be greater than 0\r\n"},
         {"SINTERCARD 2 a", "-ERR Number of keys can't be greater than number of args\r\n"},
         {"SINTERCARD 1 a LIMIT", "-ERR syntax error\r\n"},
         {"SINTERCARD 1 a NONSENSE 1", "-ERR syntax error\r\n"},
         {"SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative\r\n"},
         {"SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative\r\n"});
}

/* Sets of every form against each other, by counting. */
Test(t_set, big_sets_intersect_unite_and_differ)
{
    struct harness h;

    harness_begin(&h);
    add_many(&h, "big", "", 0, 2000);
    add_many(&h, "big", "m", 0, 2000);
    add_many(&h, "numbers", "", 1900, 2100);
    add_many(&h, "packed", "m", 1990, 2010);
    add_many(&h, "other", "m", 1000, 3000);
    static const struct play rows[] = {
        {"SINTERCARD 2 big numbers",               ":100\r\n"           },
        {"SINTERCARD 2 big packed",                ":10\r\n"            },
        {"SINTERCARD 2 big other",                 ":1000\r\n"          },
        {"SINTERCARD 2 other numbers",             ":0\r\n"             },
        {"SINTERSTORE d big other",                ":1000\r\n"          },
        {"OBJECT ENCODING d",                      "$9\r\nhashtable\r\n"},
        {"SINTERSTORE d big numbers",              ":100\r\n"           },
        {"OBJECT ENCODING d",                      "$6\r\nintset\r\n"   },
        {"SINTERSTORE d big packed",               ":10\r\n"            },
        {"OBJECT ENCODING d",                      "$8\r\nlistpack\r\n" },
        {"SUNIONSTORE d big other numbers packed", ":5100\r\n"          },
        {"SDIFFSTORE e d big",                     ":1100\r\n"          },
        {"SDIFFSTORE e d big other",               ":100\r\n"           },
        {"OBJECT ENCODING e",                      "$6\r\nintset\r\n"   },
        {"SDIFFSTORE e d d",                       ":0\r\n"             },
        {"SUNIONSTORE d d d",                      ":5100\r\n"          },
    };
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_set, popped_members_are_gone)
{
    struct harness h;
    char line[64];

    harness_begin(&h);
    add_many(&h, "s", "m", 0, 1000);
    add_many(&h, "n", "", 0, 100);
    for (int left = 1000; left > 0; left -= 100) {
        play_line(&h, "SPOP s 100");
        snprintf(line, sizeof(line), ":%d\r\n", left - 100);
        cr_assert_str_eq(play_line(&h, "SCARD s"), line);
    }
    cr_expect_str_eq(play_line(&h, "EXISTS s"), ":0\r\n");
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(play_line(&h, "SPOP n")[0], '$');
        snprintf(line, sizeof(line), ":%d\r\n", 99 - i);
        cr_assert_str_eq(play_line(&h, "SCARD n"), line);
    }
    cr_expect_str_eq(play_line(&h, "EXISTS n"), ":0\r\n");
    harness_end(&h);
}

Test(t_set, random_commands_answer_at_their_edges)
{
    PLAY({"SADD s a", ":1\r\n"}, {"SRANDMEMBER s", "$1\r\na\r\n"},
         {"SRANDMEMBER s 2", "*1\r\n$1\r\na\r\n"},
         {"SRANDMEMBER s -2", "*2\r\n$1\r\na\r\n$1\r\na\r\n"}, {"SRANDMEMBER s 0", "*0\r\n"},
         {"SRANDMEMBER none", NIL}, {"SRANDMEMBER none 2", "*0\r\n"},
         {"SRANDMEMBER s x", "-ERR value is not an integer or out of range\r\n"},
         {"SRANDMEMBER s 1 2", "-ERR syntax error\r\n"},
         {"SRANDMEMBER s -9223372036854775808",
          "-ERR value is out of range, value must between -9223372036854775807 and "
          "9223372036854775807\r\n"},
         {"SPOP s 0", "*0\r\n"}, {"SPOP s -1", "-ERR value is out of range, must be positive\r\n"},
         {"SPOP s x", "-ERR value is out of range, must be positive\r\n"},
         {"SPOP s 1 2", "-ERR syntax error\r\n"}, {"SPOP none", NIL}, {"SPOP none 3", "*0\r\n"},
         {"SPOP s", "$1\r\na\r\n"}, {"EXISTS s", ":0\r\n"});
}

/* Chi-square with 127 degrees of freedom: mean 127, deviation 16. */
Test(t_set, random_members_are_drawn_evenly_in_every_form)
{
    static const char *const prefixes[] = {"", "m"};
    struct harness h;

    harness_begin(&h);
    for (size_t form = 0; form < countof(prefixes); form++) {
        uint32_t drawn[128] = {0};
        double chi = 0;

        play_line(&h, "DEL s");
        add_many(&h, "s", prefixes[form], 0, 128);
        for (int i = 0; i < 128 * 200; i++) {
            const char *said = strchr(play_line(&h, "SRANDMEMBER s"), '\n') + 1;
            drawn[strtol(said + (form == 1), NULL, 10)]++;
        }
        for (int i = 0; i < 128; i++)
            chi += (drawn[i] - 200.0) * (drawn[i] - 200.0) / 200.0;
        cr_expect_lt(chi, 127 + 5 * 16, "%s", prefixes[form]);
    }
    harness_end(&h);
}

Test(t_set, a_third_protocol_version_has_sets)
{
    struct harness h;
    static const struct play rows[] = {
        {"SADD s 1",        ":1\r\n"           },
        {"SMEMBERS s",      "~1\r\n$1\r\n1\r\n"},
        {"SMEMBERS none",   "~0\r\n"           },
        {"SINTER s s",      "~1\r\n$1\r\n1\r\n"},
        {"SUNION s none",   "~1\r\n$1\r\n1\r\n"},
        {"SDIFF s none",    "~1\r\n$1\r\n1\r\n"},
        {"SRANDMEMBER s 1", "*1\r\n$1\r\n1\r\n"},
        {"SPOP s 1",        "~1\r\n$1\r\n1\r\n"},
        {"SPOP s 1",        "~0\r\n"           },
        {"SPOP s",          "_\r\n"            },
    };

    harness_begin(&h);
    h.reply.resp = 3;
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_set, scans_take_their_options_as_everywhere)
{
    PLAY({"SSCAN none 0 NONSENSE", "*2\r\n$1\r\n0\r\n*0\r\n"}, {"SADD s b a", ":2\r\n"},
         {"SADD n 1 2", ":2\r\n"}, {"SSCAN s 0", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\na\r\n"},
         {"SSCAN n 0 MATCH 2", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\n2\r\n"},
         {"SSCAN s 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN\r\n"},
         {"SSCAN s 0 COUNT 0", "-ERR syntax error\r\n"}, {"SSCAN s x", "-ERR invalid cursor\r\n"});
}

Test(t_set, long_members_are_kept_apart_from_each_other)
{
    struct harness h;
    char *word = play_word(5000);

    harness_begin(&h);
    for (int round = 0; round < 2; round++)
        for (size_t len = 1000; len < 5000; len += 100) {
            struct str add[] = {
                STR("SADD"), STR("s"), {word, len}
            };
            play_run(&h, add, 3);
            cr_assert_str_eq(buf_cstr(&h.said), round == 0 ? ":1\r\n" : ":0\r\n");
        }
    cr_expect_str_eq(play_line(&h, "SUNIONSTORE d s s"), ":40\r\n");
    play_line(&h, "DEL s");
    struct str has[] = {
        STR("SISMEMBER"), STR("d"), {word, 4900}
    };
    play_run(&h, has, 3);
    cr_expect_str_eq(buf_cstr(&h.said), ":1\r\n");
    struct str move[] = {
        STR("SMOVE"), STR("d"), STR("e"), {word, 4900}
    };
    play_run(&h, move, 4);
    cr_expect_str_eq(play_line(&h, "SCARD d"), ":39\r\n");
    cr_expect_str_eq(play_line(&h, "SCARD e"), ":1\r\n");
    harness_end(&h);
    free(word);
}

Test(t_set, changes_are_told_and_counted)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "SADD s a b c");
    cr_expect_eq(h.dirty, 3);
    play_line(&h, "SADD s a");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "SMOVE s t a");
    play_line(&h, "SPOP t");
    cr_expect_eq(h.dirty, 1);
    play_line(&h, "SREM s b");
    play_line(&h, "SUNIONSTORE u s");
    play_line(&h, "SINTERSTORE u none");
    play_line(&h, "SPOP s 5");
    cr_expect_eq(h.dirty, 1);
    cr_expect_str_eq(buf_cstr(&h.events),
                     "sadd:s srem:s sadd:t spop:t del:t srem:s sunionstore:u del:u spop:s del:s ");
    harness_end(&h);
}

/* A client that asks for more than may wait for it is closed; until then memory has its bound. */
Test(t_set, endless_draws_end_at_the_output_limit)
{
    struct harness h;

    harness_begin(&h);
    h.settings.output_limits[OUTPUT_NORMAL].hard_bytes = 1 << 20;
    play_line(&h, "SADD s member");
    play_line(&h, "SRANDMEMBER s -9223372036854775807");
    cr_expect_gt(h.said.len, 1 << 20);
    cr_expect_lt(h.said.len, 2 << 20);
    play_line(&h, "HSET h field value");
    play_line(&h, "HRANDFIELD h -4611686018427387903 WITHVALUES");
    cr_expect_gt(h.said.len, 1 << 20);
    cr_expect_lt(h.said.len, 2 << 20);
    harness_end(&h);
}
