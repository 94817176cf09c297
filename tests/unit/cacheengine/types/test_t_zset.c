#include "cacheengine/types/t_zset.h"
#include "types_play.h"

#define NIL      "$-1\r\n"
#define NO_ARRAY "*-1\r\n"
#define WRONG    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define SYNTAX   "-ERR syntax error\r\n"
#define NO_FLOAT "-ERR value is not a valid float\r\n"
#define A        "$1\r\na\r\n"
#define B        "$1\r\nb\r\n"
#define C        "$1\r\nc\r\n"
#define D        "$1\r\nd\r\n"

/* Every play is played twice: as packed runs, and as trees from the first member on. */
static void play(const struct play *rows, size_t count)
{
    for (int is_tree = 0; is_tree < 2; is_tree++) {
        struct harness h;

        harness_begin(&h);
        if (is_tree)
            h.settings.zset_packed_entries = 0;
        play_rows(&h, rows, count);
        harness_end(&h);
    }
}
#define PLAY(...)                                         \
    do {                                                  \
        static const struct play rows_[] = {__VA_ARGS__}; \
        play(rows_, countof(rows_));                      \
    } while (0)

Test(t_zset, members_are_added_moved_and_removed)
{
    PLAY({"ZADD z 1 a 2 b 3 c", ":3\r\n"}, {"ZADD z 5 a 2 b 4 d", ":1\r\n"},
         {"ZADD z CH 6 a 2 b 9 e", ":2\r\n"}, {"ZCARD z", ":5\r\n"}, {"ZCARD none", ":0\r\n"},
         {"ZSCORE z a", "$1\r\n6\r\n"}, {"ZSCORE z nosuch", NIL}, {"ZSCORE none a", NIL},
         {"ZMSCORE z a nosuch b", "*3\r\n$1\r\n6\r\n" NIL "$1\r\n2\r\n"},
         {"ZMSCORE none a b", "*2\r\n" NIL NIL}, {"ZREM z e nosuch a", ":2\r\n"},
         {"ZRANGE z 0 -1", "*3\r\n" B C D}, {"ZREM none a", ":0\r\n"}, {"ZREM z b c d", ":3\r\n"},
         {"EXISTS z", ":0\r\n"});
}

Test(t_zset, conditions_decide_what_is_added_and_what_is_changed)
{
    PLAY({"ZADD z XX 1 a", ":0\r\n"}, {"EXISTS z", ":0\r\n"}, {"ZADD z NX 1 a", ":1\r\n"},
         {"ZADD z NX CH 2 a", ":0\r\n"}, {"ZADD z XX CH 2 a 3 b", ":1\r\n"},
         {"ZADD z GT CH 1 a 7 b", ":1\r\n"}, {"ZADD z GT CH 3 a", ":1\r\n"},
         {"ZADD z LT CH 5 a 6 b", ":1\r\n"}, {"ZADD z LT XX CH 2 a 1 c", ":1\r\n"},
         {"ZRANGE z 0 -1 WITHSCORES", "*4\r\n" A "$1\r\n2\r\n" B "$1\r\n6\r\n"});
}

Test(t_zset, incr_answers_with_the_score_or_null)
{
    PLAY({"ZADD z INCR 1.5 a", "$3\r\n1.5\r\n"}, {"ZADD z INCR 2 a", "$3\r\n3.5\r\n"},
         {"ZADD z NX INCR 2 a", NIL}, {"ZADD z XX INCR 2 b", NIL}, {"ZADD none XX INCR 2 b", NIL},
         {"ZADD z GT INCR -2 a", NIL}, {"ZADD z LT INCR -2 a", "$3\r\n1.5\r\n"},
         {"ZADD z INCR 0 a", "$3\r\n1.5\r\n"}, {"ZINCRBY z -3 a", "$4\r\n-1.5\r\n"},
         {"ZINCRBY z 0.1 b", "$3\r\n0.1\r\n"}, {"ZINCRBY z NX b", SYNTAX});
}

Test(t_zset, scores_are_numbers_and_nothing_else)
{
    PLAY({"ZADD z x a", NO_FLOAT}, {"ZADD z nan a", NO_FLOAT}, {"ZADD z 1 a x b", NO_FLOAT},
         {"EXISTS z", ":0\r\n"}, {"ZADD z inf a -inf b", ":2\r\n"},
         {"ZINCRBY z -inf a", "-ERR resulting score is not a number (NaN)\r\n"},
         {"ZADD z INCR inf b", "-ERR resulting score is not a number (NaN)\r\n"},
         {"ZRANGE z 0 -1 WITHSCORES", "*4\r\n" B "$4\r\n-inf\r\n" A "$3\r\ninf\r\n"},
         {"ZADD z 1e17 c 0.1 d", ":2\r\n"}, {"ZSCORE z c", "$18\r\n100000000000000000\r\n"},
         {"ZADD z 123456789.123456789 c", ":0\r\n"},
         {"ZSCORE z c", "$21\r\n1.2345678912345679e+8\r\n"});
}

Test(t_zset, options_that_exclude_each_other_are_refused)
{
    PLAY({"ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible\r\n"},
         {"ZADD z GT LT 1 a",
          "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"},
         {"ZADD z NX GT 1 a",
          "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"},
         {"ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair\r\n"},
         {"ZADD z 1 a 2", SYNTAX}, {"ZADD z NX CH", SYNTAX});
}

Test(t_zset, a_key_of_another_type_is_refused_everywhere)
{
    static const char *const lines[] = {
        "ZADD s 1 a",
        "ZINCRBY s 1 a",
        "ZREM s a",
        "ZCARD s",
        "ZSCORE s a",
        "ZMSCORE s a",
        "ZRANK s a",
        "ZREVRANK s a",
        "ZRANGE s 0 1",
        "ZRANGESTORE d s 0 1",
        "ZCOUNT s 0 1",
        "ZLEXCOUNT s - +",
        "ZPOPMIN s",
        "ZPOPMAX s 2",
        "ZMPOP 1 s MIN",
        "ZRANDMEMBER s",
        "ZSCAN s 0",
        "ZUNION 1 s",
        "ZINTERSTORE d 1 s",
        "ZDIFF 1 s",
        "ZINTERCARD 1 s",
        "ZREMRANGEBYRANK s 0 1",
        "ZREMRANGEBYSCORE s 0 1",
        "ZREMRANGEBYLEX s - +",
    };
    struct harness h;

    harness_begin(&h);
    cr_assert_str_eq(play_line(&h, "SET s v"), "+OK\r\n");
    for (size_t i = 0; i < countof(lines); i++)
        cr_expect_str_eq(play_line(&h, lines[i]), WRONG, "%s", lines[i]);
    harness_end(&h);
}

Test(t_zset, ranks_count_from_either_end_and_come_with_the_score_if_wanted)
{
    PLAY({"ZADD z 1 a 2 b 2.5 c", ":3\r\n"}, {"ZRANK z a", ":0\r\n"}, {"ZRANK z c", ":2\r\n"},
         {"ZREVRANK z a", ":2\r\n"}, {"ZRANK z nosuch", NIL}, {"ZRANK none a", NIL},
         {"ZRANK z c WITHSCORE", "*2\r\n:2\r\n$3\r\n2.5\r\n"},
         {"ZREVRANK z c withscore", "*2\r\n:0\r\n$3\r\n2.5\r\n"},
         {"ZRANK z nosuch WITHSCORE", NO_ARRAY}, {"ZREVRANK none a WITHSCORE", NO_ARRAY},
         {"ZRANK z a WITHSCORES", SYNTAX},
         {"ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command\r\n"});
}

Test(t_zset, equal_scores_are_in_the_order_of_bytes_also_where_members_are_numbers)
{
    PLAY({"ZADD z 0 9 0 10 0 -1 0 b 0 B 0 01 0 1", ":7\r\n"},
         {"ZRANGE z 0 -1", "*7\r\n$2\r\n-1\r\n$2\r\n01\r\n$1\r\n1\r\n$2\r\n10\r\n$1\r\n9\r\n$1\r\n"
                           "B\r\n" B},
         {"ZRANK z 10", ":3\r\n"}, {"ZRANGEBYLEX z [1 (9", "*2\r\n$1\r\n1\r\n$2\r\n10\r\n"});
}

Test(t_zset, a_sorted_set_becomes_a_tree_at_the_limits_of_runs)
{
    struct harness h;
    char line[120];
    char *word = play_word(65);

    harness_begin(&h);
    for (int i = 0; i < 128; i++) {
        snprintf(line, sizeof(line), "ZADD z %d m%d", i, i);
        play_line(&h, line);
    }
    cr_expect_str_eq(play_line(&h, "OBJECT encoding z"), "$8\r\nlistpack\r\n");
    play_line(&h, "ZADD z 5 m7");
    cr_expect_str_eq(play_line(&h, "OBJECT encoding z"), "$8\r\nlistpack\r\n");
    play_line(&h, "ZADD z 128 m128");
    cr_expect_str_eq(play_line(&h, "OBJECT encoding z"), "$8\r\nskiplist\r\n");
    cr_expect_str_eq(play_line(&h, "ZCARD z"), ":129\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANK z m128"), ":128\r\n");
    snprintf(line, sizeof(line), "ZADD y 1 %s", word);
    play_line(&h, line);
    cr_expect_str_eq(play_line(&h, "OBJECT encoding y"), "$8\r\nskiplist\r\n");
    play_line(&h, "ZADD x 1 a");
    snprintf(line, sizeof(line), "ZADD x 1 %s", word + 1);
    play_line(&h, line);
    cr_expect_str_eq(play_line(&h, "OBJECT encoding x"), "$8\r\nlistpack\r\n");
    /* Results are packed again when they are small. */
    play_line(&h, "ZUNIONSTORE x 1 x");
    play_line(&h, "ZRANGESTORE w z 0 9");
    cr_expect_str_eq(play_line(&h, "OBJECT encoding w"), "$8\r\nlistpack\r\n");
    harness_end(&h);
    free(word);
}

Test(t_zset, what_does_not_fit_beside_its_key_is_a_tree_that_is_said_to_be_packed)
{
    struct harness h;
    char line[120];

    harness_begin(&h);
    h.settings.zset_packed_entries = 2000;
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof(line), "ZADD z %d.5 member%d", i, i);
        play_line(&h, line);
    }
    cr_expect_str_eq(play_line(&h, "OBJECT encoding z"), "$8\r\nlistpack\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANK z member1999"), ":1999\r\n");
    play_line(&h, "ZRANGESTORE y z 0 -1");
    cr_expect_str_eq(play_line(&h, "OBJECT encoding y"), "$8\r\nlistpack\r\n");
    play_line(&h, "ZADD z 1 one");
    cr_expect_str_eq(play_line(&h, "OBJECT encoding z"), "$8\r\nskiplist\r\n");
    harness_end(&h);
}

Test(t_zset, copies_and_renamed_ones_stand_alone)
{
    PLAY({"ZADD z 1 a 2 b", ":2\r\n"}, {"COPY z y", ":1\r\n"}, {"ZADD y 0 b", ":0\r\n"},
         {"ZRANGE z 0 -1", "*2\r\n" A B}, {"ZRANGE y 0 -1", "*2\r\n" B A}, {"DEL z", ":1\r\n"},
         {"RENAME y x", "+OK\r\n"}, {"ZRANGE x 0 -1", "*2\r\n" B A}, {"ZRANK x a", ":1\r\n"});
}

Test(t_zset, a_packed_one_under_a_key_that_leaves_no_room_becomes_a_tree)
{
    struct harness h;
    char *key = play_word(16000), *line = malloc(16100);

    harness_begin(&h);
    for (int i = 0; i < 100; i++) {
        snprintf(line, 16100, "ZADD z %d.25 member%d", i, i);
        play_line(&h, line);
    }
    snprintf(line, 16100, "RENAME z %s", key);
    cr_expect_str_eq(play_line(&h, line), "+OK\r\n");
    snprintf(line, 16100, "ZRANK %s member99", key);
    cr_expect_str_eq(play_line(&h, line), ":99\r\n");
    snprintf(line, 16100, "OBJECT encoding %s", key);
    cr_expect_str_eq(play_line(&h, line), "$8\r\nlistpack\r\n");
    harness_end(&h);
    free(key);
    free(line);
}

Test(t_zset, changes_are_told_once_and_counted_each)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "ZADD z 1 a 2 b 3 c");
    cr_expect_eq(h.dirty, 3);
    play_line(&h, "ZADD z 1 a");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "ZINCRBY z 1 a");
    play_line(&h, "ZPOPMIN z");
    play_line(&h, "ZREMRANGEBYRANK z 0 0");
    play_line(&h, "ZREM z c b");
    cr_expect_str_eq(buf_cstr(&h.events),
                     "zadd:z zincr:z zpopmin:z zremrangebyrank:z zrem:z del:z ");
    harness_end(&h);
}

Test(t_zset, a_tree_gives_everything_back)
{
    struct harness h;
    char line[120];

    harness_begin(&h);
    play_line(&h, "SET s v");
    size_t before = h.ks.account.used_bytes;
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "ZADD z %d member:%d", i * 7919 % 3001, i);
        play_line(&h, line);
    }
    struct entry *e = db_peek(h.db, keyspace_key(&h.ks, STR("z")));
    size_t held = h.ks.account.used_bytes - before;
    size_t said = db_entry_bytes(h.db, e);
    cr_expect(said <= held && said + 1024 > held, "said %zu of %zu", said, held);
    play_line(&h, "DEL z");
    cr_expect_leq(h.ks.account.used_bytes, before + 512);
    harness_end(&h);
}

Test(t_zset, a_big_one_that_is_unlinked_is_freed_in_slices)
{
    struct harness h;
    char line[120];
    int slices = 1;

    harness_begin(&h);
    play_line(&h, "SET s v");
    size_t before = h.ks.account.used_bytes;
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "ZADD z %d member:%d", i * 7919 % 20001, i);
        play_line(&h, line);
    }
    size_t full = h.ks.account.used_bytes;
    cr_expect_str_eq(play_line(&h, "UNLINK z"), ":1\r\n");
    cr_expect_str_eq(play_line(&h, "EXISTS z"), ":0\r\n");
    cr_expect_gt(h.ks.account.used_bytes, full - 4096);
    play_line(&h, "ZADD z 1 a");
    while (!keyspace_free_some(&h.ks, 0))
        slices++;
    cr_expect_gt(slices, 10);
    cr_expect_leq(h.ks.account.used_bytes, before + 1024);
    cr_expect_str_eq(play_line(&h, "ZCARD z"), ":1\r\n");
    harness_end(&h);
}
