#include "types_play.h"

#define POSITIVE "-ERR value is out of range, must be positive\r\n"
#define SYNTAX   "-ERR syntax error\r\n"
#define A        "$1\r\na\r\n"
#define B        "$1\r\nb\r\n"
#define C        "$1\r\nc\r\n"

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

Test(t_zset_pop, members_leave_at_either_end)
{
    PLAY({"ZADD z 1 a 2 b 3 c", ":3\r\n"}, {"ZPOPMIN z", "*2\r\n" A "$1\r\n1\r\n"},
         {"ZPOPMAX z", "*2\r\n" C "$1\r\n3\r\n"}, {"ZPOPMIN z 0", "*0\r\n"},
         {"ZADD z 9 a", ":1\r\n"}, {"ZPOPMAX z 10", "*4\r\n" A "$1\r\n9\r\n" B "$1\r\n2\r\n"},
         {"EXISTS z", ":0\r\n"}, {"ZPOPMIN z", "*0\r\n"}, {"ZPOPMIN z 5", "*0\r\n"},
         {"ZPOPMIN z -1", POSITIVE}, {"ZPOPMIN z x", POSITIVE}, {"ZPOPMIN z 1 2", SYNTAX});
}

Test(t_zset_pop, the_first_key_with_members_gives)
{
    PLAY({"ZADD z 1 a 2 b 3 c", ":3\r\n"},
         {"ZMPOP 2 none z MIN", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n" A "$1\r\n1\r\n"},
         {"ZMPOP 1 z MAX COUNT 5",
          "*2\r\n$1\r\nz\r\n*2\r\n*2\r\n" C "$1\r\n3\r\n*2\r\n" B "$1\r\n2\r\n"},
         {"EXISTS z", ":0\r\n"}, {"ZMPOP 2 z none MIN", "*-1\r\n"},
         {"ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0\r\n"},
         {"ZMPOP x z MIN", "-ERR numkeys should be greater than 0\r\n"}, {"ZMPOP 2 z MIN", SYNTAX},
         {"ZMPOP 9223372036854775807 z MIN", SYNTAX}, {"ZMPOP 1 z MID", SYNTAX},
         {"ZMPOP 1 z MIN COUNT", SYNTAX}, {"ZMPOP 1 z MIN COUNT 1 COUNT 2", SYNTAX},
         {"ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0\r\n"});
}

Test(t_zset_pop, a_third_protocol_version_has_pairs_where_there_is_a_count)
{
    struct harness h;

    harness_begin(&h);
    h.reply.resp = 3;
    play_line(&h, "ZADD z 1 a 2 b 3 c");
    cr_expect_str_eq(play_line(&h, "ZPOPMIN z"), "*2\r\n" A ",1\r\n");
    cr_expect_str_eq(play_line(&h, "ZPOPMAX z 1"), "*1\r\n*2\r\n" C ",3\r\n");
    cr_expect_str_eq(play_line(&h, "ZMPOP 1 z MIN"), "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n" B ",2\r\n");
    cr_expect_str_eq(play_line(&h, "ZMPOP 1 z MIN"), "_\r\n");
    harness_end(&h);
}
