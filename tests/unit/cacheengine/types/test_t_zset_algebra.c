#include "types_play.h"

#define WRONG  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define SYNTAX "-ERR syntax error\r\n"
#define A      "$1\r\na\r\n"
#define B      "$1\r\nb\r\n"
#define C      "$1\r\nc\r\n"
#define D      "$1\r\nd\r\n"
#define N(v)   "$1\r\n" #v "\r\n"

static void play(const struct play *rows, size_t count)
{
    for (int is_tree = 0; is_tree < 2; is_tree++) {
        struct harness h;

        harness_begin(&h);
        if (is_tree) {
            h.settings.zset_packed_entries = 0;
            h.settings.set_packed_entries = 0;
        }
        play_rows(&h, rows, count);
        harness_end(&h);
    }
}
/* clang-format off */
#define OPERANDS                                                          \
    {"ZADD x 1 a 2 b 3 c", ":3\r\n"}, {"ZADD y 5 b 1 c 7 d", ":3\r\n"},   \
    {"SADD s b d", ":2\r\n"}, {"SADD n 1 2", ":2\r\n"}, {"SET t v", "+OK\r\n"}
/* clang-format on */
#define PLAY(...)                                                   \
    do {                                                            \
        static const struct play rows_[] = {OPERANDS, __VA_ARGS__}; \
        play(rows_, countof(rows_));                                \
    } while (0)

Test(t_zset_algebra, unions_add_scores_or_choose_one)
{
    PLAY({"ZUNION 2 x y WITHSCORES", "*8\r\n" A N(1) C N(4) B N(7) D N(7)},
         {"ZUNION 2 x y AGGREGATE MIN WITHSCORES", "*8\r\n" A N(1) C N(1) B N(2) D N(7)},
         {"ZUNION 2 x y AGGREGATE max WITHSCORES", "*8\r\n" A N(1) C N(3) B N(5) D N(7)},
         {"ZUNION 2 x y WEIGHTS 2 -1 WITHSCORES",
          "*8\r\n" D "$2\r\n-7\r\n" B "$2\r\n-1\r\n" A N(2) C N(5)},
         {"ZUNION 2 x s WITHSCORES", "*8\r\n" A N(1) D N(1) B N(3) C N(3)},
         {"ZUNION 2 n none WITHSCORES", "*4\r\n" N(1) N(1) N(2) N(1)}, {"ZUNION 1 none", "*0\r\n"},
         {"ZUNIONSTORE d 2 x x", ":3\r\n"},
         {"ZRANGE d 0 -1 WITHSCORES", "*6\r\n" A N(2) B N(4) C N(6)},
         {"ZUNIONSTORE x 2 x n", ":5\r\n"}, {"ZCARD x", ":5\r\n"});
}

Test(t_zset_algebra, intersections_have_what_is_everywhere)
{
    PLAY({"ZINTER 2 x y WITHSCORES", "*4\r\n" C N(4) B N(7)},
         {"ZINTER 3 x y s WEIGHTS 1 1 10 WITHSCORES", "*2\r\n" B "$2\r\n17\r\n"},
         {"ZINTER 2 x none", "*0\r\n"}, {"ZINTER 2 s s WITHSCORES", "*4\r\n" B N(2) D N(2)},
         {"ZINTERCARD 2 x y", ":2\r\n"}, {"ZINTERCARD 2 x y LIMIT 1", ":1\r\n"},
         {"ZINTERCARD 2 x y LIMIT 0", ":2\r\n"}, {"ZINTERCARD 2 x none LIMIT 1", ":0\r\n"},
         {"ZINTERSTORE d 2 x y AGGREGATE MIN", ":2\r\n"},
         {"ZRANGE d 0 -1 WITHSCORES", "*4\r\n" C N(1) B N(2)}, {"ZINTERSTORE d 2 x none", ":0\r\n"},
         {"EXISTS d", ":0\r\n"});
}

Test(t_zset_algebra, differences_keep_the_scores_of_the_first)
{
    PLAY({"ZDIFF 2 x y WITHSCORES", "*2\r\n" A N(1)}, {"ZDIFF 2 x s", "*2\r\n" A C},
         {"ZDIFF 2 none x", "*0\r\n"}, {"ZDIFF 2 x x", "*0\r\n"}, {"ZDIFF 1 n", "*2\r\n" N(1) N(2)},
         {"ZDIFFSTORE d 2 y x", ":1\r\n"}, {"ZRANGE d 0 -1", "*1\r\n" D},
         {"ZDIFFSTORE d 2 x x", ":0\r\n"}, {"EXISTS d", ":0\r\n"});
}

Test(t_zset_algebra, infinities_never_make_a_score_that_is_no_number)
{
    PLAY({"ZADD p inf a", ":1\r\n"}, {"ZADD q -inf a", ":1\r\n"},
         {"ZUNION 2 p q WITHSCORES", "*2\r\n" A N(0)}, {"ZINTER 2 p q WITHSCORES", "*2\r\n" A N(0)},
         {"ZUNION 1 p WEIGHTS 0 WITHSCORES", "*2\r\n" A N(0)});
}

Test(t_zset_algebra, wrong_requests_are_refused)
{
    PLAY({"ZUNION 0 x", "-ERR at least 1 input key is needed for 'zunion' command\r\n"},
         {"ZINTERSTORE d 0 x", "-ERR at least 1 input key is needed for 'zinterstore' command\r\n"},
         {"ZUNION x x", "-ERR value is not an integer or out of range\r\n"},
         {"ZUNION 3 x y", SYNTAX}, {"ZUNION 1 t", WRONG}, {"ZDIFF 2 none t", WRONG},
         {"ZUNION 1 x WEIGHTS", SYNTAX},
         {"ZUNION 1 x WEIGHTS x", "-ERR weight value is not a float\r\n"},
         {"ZUNION 1 x AGGREGATE AVG", SYNTAX}, {"ZDIFF 1 x WEIGHTS 1", SYNTAX},
         {"ZUNIONSTORE d 1 x WITHSCORES", SYNTAX}, {"ZINTERCARD 1 x WITHSCORES", SYNTAX},
         {"ZINTERCARD 1 x LIMIT -1", "-ERR LIMIT can't be negative\r\n"},
         {"ZINTERCARD 1 x LIMIT x", "-ERR LIMIT can't be negative\r\n"});
}
