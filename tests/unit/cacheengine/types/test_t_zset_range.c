#include "types_play.h"

#define WRONG    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define SYNTAX   "-ERR syntax error\r\n"
#define NO_INT   "-ERR value is not an integer or out of range\r\n"
#define NO_FLOAT "-ERR min or max is not a float\r\n"
#define NO_TEXT  "-ERR min or max not valid string range item\r\n"
#define A        "$1\r\na\r\n"
#define B        "$1\r\nb\r\n"
#define C        "$1\r\nc\r\n"
#define D        "$1\r\nd\r\n"
#define E        "$1\r\ne\r\n"
#define NONE     "*0\r\n"

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
/* clang-format off */
#define FIVE {"ZADD z 1 a 2 b 3 c 4 d 5 e", ":5\r\n"}
/* clang-format on */
#define PLAY(...)                                               \
    do {                                                        \
        static const struct play rows_[] = {FIVE, __VA_ARGS__}; \
        play(rows_, countof(rows_));                            \
    } while (0)

Test(t_zset_range, ranks_are_cut_to_what_there_is)
{
    PLAY({"ZRANGE z 0 -1", "*5\r\n" A B C D E}, {"ZRANGE z 1 2", "*2\r\n" B C},
         {"ZRANGE z -2 -1", "*2\r\n" D E}, {"ZRANGE z -100 1", "*2\r\n" A B},
         {"ZRANGE z 3 100", "*2\r\n" D E}, {"ZRANGE z 3 1", NONE}, {"ZRANGE z 5 9", NONE},
         {"ZRANGE none 0 -1", NONE}, {"ZRANGE z x 1", NO_INT},
         {"ZRANGE z 0 9223372036854775807", "*5\r\n" A B C D E},
         {"ZRANGE z -9223372036854775808 0", "*1\r\n" A}, {"ZRANGE z 0 1 REV", "*2\r\n" E D},
         {"ZREVRANGE z 0 1", "*2\r\n" E D}, {"ZREVRANGE z -2 -1", "*2\r\n" B A},
         {"ZREVRANGE z 3 100 WITHSCORES", "*4\r\n" B "$1\r\n2\r\n" A "$1\r\n1\r\n"});
}

Test(t_zset_range, scores_have_open_and_closed_ends)
{
    PLAY({"ZRANGEBYSCORE z 2 4", "*3\r\n" B C D}, {"ZRANGEBYSCORE z (2 4", "*2\r\n" C D},
         {"ZRANGEBYSCORE z (2 (4", "*1\r\n" C}, {"ZRANGEBYSCORE z (2 (2", NONE},
         {"ZRANGEBYSCORE z 4 2", NONE}, {"ZRANGEBYSCORE z -inf +inf", "*5\r\n" A B C D E},
         {"ZRANGEBYSCORE z (-inf (+inf", "*5\r\n" A B C D E},
         {"ZREVRANGEBYSCORE z 4 2", "*3\r\n" D C B}, {"ZREVRANGEBYSCORE z 2 4", NONE},
         {"ZRANGE z (1 2.5 BYSCORE", "*1\r\n" B}, {"ZRANGE z 4 (2 BYSCORE REV", "*2\r\n" D C},
         {"ZCOUNT z 2 (5", ":3\r\n"}, {"ZCOUNT none 2 5", ":0\r\n"}, {"ZCOUNT z x 5", NO_FLOAT},
         {"ZCOUNT z 1 nan", NO_FLOAT}, {"ZRANGEBYSCORE z ((1 2", NO_FLOAT});
}

Test(t_zset_range, limit_skips_and_cuts)
{
    PLAY({"ZRANGEBYSCORE z 1 5 LIMIT 1 2", "*2\r\n" B C},
         {"ZRANGEBYSCORE z 1 5 LIMIT 3 -1", "*2\r\n" D E}, {"ZRANGEBYSCORE z 1 5 LIMIT 0 0", NONE},
         {"ZRANGEBYSCORE z 1 5 LIMIT -1 2", NONE},
         {"ZRANGEBYSCORE z 1 5 LIMIT 9223372036854775807 2", NONE},
         {"ZRANGEBYSCORE z 1 5 LIMIT 1 9223372036854775807", "*4\r\n" B C D E},
         {"ZREVRANGEBYSCORE z 5 1 LIMIT 1 2", "*2\r\n" D C},
         {"ZREVRANGEBYSCORE z 5 1 LIMIT 4 2 WITHSCORES", "*2\r\n" A "$1\r\n1\r\n"},
         {"ZRANGEBYSCORE z 1 5 LIMIT 1", SYNTAX}, {"ZRANGEBYSCORE z 1 5 LIMIT x 1", NO_INT},
         {"ZRANGE z 0 -1 LIMIT 0 1", "-ERR syntax error, LIMIT is only supported in combination "
                                     "with either BYSCORE or BYLEX\r\n"},
         {"ZRANGE z 0 0 LIMIT 5 -1", "*1\r\n" A});
}

Test(t_zset_range, texts_have_ends_of_their_own)
{
    PLAY({"ZADD l 0 a 0 b 0 c 0 d 0 e", ":5\r\n"}, {"ZRANGEBYLEX l - +", "*5\r\n" A B C D E},
         {"ZRANGEBYLEX l [b (d", "*2\r\n" B C}, {"ZRANGEBYLEX l (b [d", "*2\r\n" C D},
         {"ZRANGEBYLEX l + -", NONE}, {"ZRANGEBYLEX l + +", NONE},
         {"ZRANGEBYLEX l [c [c", "*1\r\n" C}, {"ZRANGEBYLEX l (c (c", NONE},
         {"ZREVRANGEBYLEX l + (c", "*2\r\n" E D}, {"ZRANGE l [aa [cc BYLEX LIMIT 1 1", "*1\r\n" C},
         {"ZRANGE l + - BYLEX REV LIMIT 1 2", "*2\r\n" D C}, {"ZLEXCOUNT l (a +", ":4\r\n"},
         {"ZLEXCOUNT none - +", ":0\r\n"}, {"ZRANGEBYLEX l [ +", "*5\r\n" A B C D E},
         {"ZRANGEBYLEX l a +", NO_TEXT}, {"ZRANGEBYLEX l -x +", NO_TEXT},
         {"ZLEXCOUNT l - x", NO_TEXT},
         {"ZRANGE l - + BYLEX WITHSCORES", "-ERR syntax error, WITHSCORES not supported in "
                                           "combination with BYLEX\r\n"});
}

Test(t_zset_range, options_are_said_once)
{
    PLAY({"ZRANGE z 0 1 REV REV", SYNTAX}, {"ZRANGE z 0 1 BYSCORE BYLEX", SYNTAX},
         {"ZREVRANGE z 0 1 REV", SYNTAX}, {"ZRANGEBYSCORE z 0 1 BYSCORE", SYNTAX},
         {"ZRANGESTORE d z 0 1 WITHSCORES", SYNTAX},
         {"ZRANGE z 0 0 WITHSCORES WITHSCORES", "*2\r\n" A "$1\r\n1\r\n"});
}

Test(t_zset_range, a_range_is_kept_under_another_key_or_its_own)
{
    PLAY({"ZRANGESTORE d z 1 2", ":2\r\n"},
         {"ZRANGE d 0 -1 WITHSCORES", "*4\r\n" B "$1\r\n2\r\n" C "$1\r\n3\r\n"},
         {"ZRANGESTORE d z (1 +inf BYSCORE LIMIT 1 2", ":2\r\n"}, {"ZRANGE d 0 -1", "*2\r\n" C D},
         {"ZRANGESTORE d z +inf -inf BYSCORE REV LIMIT 0 2", ":2\r\n"},
         {"ZRANGE d 0 -1", "*2\r\n" D E}, {"ZRANGESTORE z z 0 1", ":2\r\n"},
         {"ZRANGE z 0 -1", "*2\r\n" A B}, {"ZRANGESTORE d none 0 -1", ":0\r\n"},
         {"EXISTS d", ":0\r\n"}, {"SET d v", "+OK\r\n"}, {"ZRANGESTORE d z 5 9", ":0\r\n"},
         {"EXISTS d", ":0\r\n"});
}

Test(t_zset_range, ranges_are_removed)
{
    PLAY({"ZREMRANGEBYRANK z 1 2", ":2\r\n"}, {"ZRANGE z 0 -1", "*3\r\n" A D E},
         {"ZREMRANGEBYSCORE z (1 4", ":1\r\n"}, {"ZRANGE z 0 -1", "*2\r\n" A E},
         {"ZREMRANGEBYLEX z [e [e", ":1\r\n"}, {"ZREMRANGEBYRANK z 5 9", ":0\r\n"},
         {"ZREMRANGEBYSCORE z -inf +inf", ":1\r\n"}, {"EXISTS z", ":0\r\n"},
         {"ZREMRANGEBYLEX none - +", ":0\r\n"}, {"ZREMRANGEBYSCORE none x 1", NO_FLOAT},
         {"ZREMRANGEBYRANK none x 1", NO_INT});
}

Test(t_zset_range, long_ranges_are_read_and_removed_in_big_trees)
{
    struct harness h;
    char line[80];

    harness_begin(&h);
    for (int i = 0; i < 5000; i++) {
        snprintf(line, sizeof(line), "ZADD z %d m%04d", i * 7919 % 5003, i);
        play_line(&h, line);
    }
    cr_expect_str_eq(play_line(&h, "ZCOUNT z 1000 (2000"), ":999\r\n");
    cr_expect_str_eq(play_line(&h, "ZREMRANGEBYSCORE z 1000 (2000"), ":999\r\n");
    cr_expect_str_eq(play_line(&h, "ZCOUNT z 1000 (2000"), ":0\r\n");
    cr_expect_str_eq(play_line(&h, "ZREMRANGEBYRANK z 10 -11"), ":3981\r\n");
    cr_expect_str_eq(play_line(&h, "ZCARD z"), ":20\r\n");
    cr_expect_str_eq(play_line(&h, "ZCOUNT z -inf 500"), ":10\r\n");
    harness_end(&h);
}

Test(t_zset_range, a_third_protocol_version_has_pairs)
{
    struct harness h;

    harness_begin(&h);
    h.reply.resp = 3;
    play_line(&h, "ZADD z 1.5 a 2 b");
    cr_expect_str_eq(play_line(&h, "ZRANGE z 0 -1"), "*2\r\n" A B);
    cr_expect_str_eq(play_line(&h, "ZRANGE z 0 -1 WITHSCORES"),
                     "*2\r\n*2\r\n" A ",1.5\r\n*2\r\n" B ",2\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANGEBYSCORE z 2 9 WITHSCORES"), "*1\r\n*2\r\n" B ",2\r\n");
    harness_end(&h);
}
