#include "cacheengine/types/t_list.h"
#include "types_play.h"

#define SYNTAX   "-ERR syntax error\r\n"
#define INTEGER  "-ERR value is not an integer or out of range\r\n"
#define POSITIVE "-ERR value is out of range, must be positive\r\n"
#define WRONG    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define A        "$1\r\na\r\n"
#define B        "$1\r\nb\r\n"
#define C        "$1\r\nc\r\n"
#define D        "$1\r\nd\r\n"
#define X        "$1\r\nx\r\n"

/* Once beside the key, once outside. */
static void play(const struct play *rows, size_t count)
{
    for (int is_outside = 0; is_outside < 2; is_outside++) {
        struct harness h;

        harness_begin(&h);
        if (is_outside)
            h.settings.list_packed_size = 1;
        play_rows(&h, rows, count);
        harness_end(&h);
    }
}
#define PLAY(...)                                         \
    do {                                                  \
        static const struct play rows_[] = {__VA_ARGS__}; \
        play(rows_, countof(rows_));                      \
    } while (0)

Test(t_list, elements_are_put_at_either_end)
{
    PLAY({"RPUSH l b c", ":2\r\n"}, {"LPUSH l a x", ":4\r\n"}, {"LRANGE l 0 -1", "*4\r\n" X A B C},
         {"LPUSHX none a", ":0\r\n"}, {"RPUSHX none a", ":0\r\n"}, {"EXISTS none", ":0\r\n"},
         {"RPUSHX l d", ":5\r\n"}, {"LPUSHX l d d", ":7\r\n"}, {"LLEN l", ":7\r\n"},
         {"LLEN none", ":0\r\n"}, {"SET s v", "+OK\r\n"}, {"LPUSH s a", WRONG}, {"LLEN s", WRONG},
         {"RPUSHX s a", WRONG});
}

Test(t_list, ranges_may_be_counted_from_the_end)
{
    PLAY({"RPUSH l a b c d", ":4\r\n"}, {"LRANGE l 1 2", "*2\r\n" B C},
         {"LRANGE l -2 -1", "*2\r\n" C D}, {"LRANGE l -100 0", "*1\r\n" A},
         {"LRANGE l 3 100", "*1\r\n" D}, {"LRANGE l 4 5", "*0\r\n"}, {"LRANGE l 2 1", "*0\r\n"},
         {"LRANGE l -9223372036854775808 9223372036854775807", "*4\r\n" A B C D},
         {"LRANGE none 0 -1", "*0\r\n"}, {"LRANGE l x 1", INTEGER}, {"LRANGE l 0 1.5", INTEGER},
         {"LINDEX l 0", A}, {"LINDEX l -1", D}, {"LINDEX l -5", "$-1\r\n"},
         {"LINDEX l 4", "$-1\r\n"}, {"LINDEX none x", "$-1\r\n"}, {"LINDEX l x", INTEGER});
}

Test(t_list, trimming_keeps_a_range)
{
    PLAY({"RPUSH l a b c d", ":4\r\n"}, {"LTRIM l 1 -2", "+OK\r\n"},
         {"LRANGE l 0 -1", "*2\r\n" B C}, {"LTRIM l 0 100", "+OK\r\n"}, {"LLEN l", ":2\r\n"},
         {"LTRIM l 5 6", "+OK\r\n"}, {"EXISTS l", ":0\r\n"}, {"LTRIM none 0 1", "+OK\r\n"},
         {"LTRIM none x 1", INTEGER});
}

Test(t_list_edit, elements_are_replaced)
{
    PLAY({"RPUSH l a b c", ":3\r\n"}, {"LSET l 1 x", "+OK\r\n"}, {"LSET l -1 d", "+OK\r\n"},
         {"LRANGE l 0 -1", "*3\r\n" A X D}, {"LSET l 3 x", "-ERR index out of range\r\n"},
         {"LSET l -4 x", "-ERR index out of range\r\n"}, {"LSET none x y", "-ERR no such key\r\n"},
         {"LSET l x y", INTEGER});
}

Test(t_list_edit, elements_are_put_beside_others)
{
    PLAY({"RPUSH l a c a", ":3\r\n"}, {"LINSERT l before c b", ":4\r\n"},
         {"LINSERT l AFTER a x", ":5\r\n"}, {"LRANGE l 0 -1", "*5\r\n" A X B C A},
         {"LINSERT l AFTER none y", ":-1\r\n"}, {"LINSERT none AFTER a y", ":0\r\n"},
         {"LINSERT l BESIDE a y", SYNTAX});
}

Test(t_list_edit, elements_are_removed_from_either_end)
{
    PLAY({"RPUSH l a b a c a", ":5\r\n"}, {"LREM l 1 a", ":1\r\n"},
         {"LRANGE l 0 -1", "*4\r\n" B A C A}, {"LREM l -1 a", ":1\r\n"},
         {"LRANGE l 0 -1", "*3\r\n" B A C}, {"LREM l -5 a", ":1\r\n"}, {"LREM l 0 x", ":0\r\n"},
         {"LREM l 0 b", ":1\r\n"}, {"LREM l 0 c", ":1\r\n"}, {"EXISTS l", ":0\r\n"},
         {"LREM none 0 a", ":0\r\n"}, {"LREM none x a", INTEGER},
         {"LREM l -9223372036854775808 a",
          "-ERR value is out of range, value must between -9223372036854775807 and "
          "9223372036854775807\r\n"});
}

Test(t_list_edit, a_number_and_its_text_are_equal)
{
    PLAY({"RPUSH l 12 012 12", ":3\r\n"}, {"LPOS l 12 RANK 2", ":2\r\n"}, {"LREM l 0 12", ":2\r\n"},
         {"LINDEX l 0", "$3\r\n012\r\n"});
}

Test(t_list_edit, places_are_found)
{
    PLAY({"RPUSH l a b c a b a", ":6\r\n"}, {"LPOS l a", ":0\r\n"}, {"LPOS l a RANK 2", ":3\r\n"},
         {"LPOS l a RANK -1", ":5\r\n"}, {"LPOS l a RANK 4", "$-1\r\n"},
         {"LPOS l a COUNT 0", "*3\r\n:0\r\n:3\r\n:5\r\n"},
         {"LPOS l a COUNT 2 RANK -2", "*2\r\n:3\r\n:0\r\n"},
         {"LPOS l a MAXLEN 3 COUNT 0", "*1\r\n:0\r\n"}, {"LPOS l b RANK -1 MAXLEN 1", "$-1\r\n"},
         {"LPOS l x", "$-1\r\n"}, {"LPOS l x COUNT 1", "*0\r\n"}, {"LPOS none a", "$-1\r\n"},
         {"LPOS none a COUNT 1", "*0\r\n"},
         {"LPOS l a COUNT -1", "-ERR COUNT can't be negative\r\n"},
         {"LPOS l a COUNT x", "-ERR COUNT can't be negative\r\n"},
         {"LPOS l a MAXLEN -1", "-ERR MAXLEN can't be negative\r\n"}, {"LPOS l a RANK", SYNTAX},
         {"LPOS l a RANK x", INTEGER}, {"LPOS l a NEAR 1", SYNTAX});
}

Test(t_list_pop, elements_leave_at_either_end)
{
    PLAY({"RPUSH l a b c d", ":4\r\n"}, {"LPOP l", A}, {"RPOP l", D}, {"LPOP l 0", "*0\r\n"},
         {"RPOP l 5", "*2\r\n" C B}, {"EXISTS l", ":0\r\n"}, {"LPOP l", "$-1\r\n"},
         {"LPOP l 1", "*-1\r\n"}, {"LPOP l -1", POSITIVE}, {"LPOP l x", POSITIVE},
         {"LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command\r\n"});
}

Test(t_list_pop, the_first_key_with_elements_gives)
{
    PLAY({"RPUSH l a b c d", ":4\r\n"}, {"LMPOP 2 none l LEFT", "*2\r\n$1\r\nl\r\n*1\r\n" A},
         {"LMPOP 1 l right COUNT 2", "*2\r\n$1\r\nl\r\n*2\r\n" D C},
         {"LMPOP 1 l RIGHT COUNT 9", "*2\r\n$1\r\nl\r\n*1\r\n" B}, {"LMPOP 1 l LEFT", "*-1\r\n"},
         {"LMPOP 0 l LEFT", "-ERR numkeys should be greater than 0\r\n"},
         {"LMPOP x l LEFT", "-ERR numkeys should be greater than 0\r\n"},
         {"LMPOP 2 l LEFT", SYNTAX}, {"LMPOP 1 l UP", SYNTAX}, {"LMPOP 1 l LEFT COUNT", SYNTAX},
         {"LMPOP 1 l LEFT COUNT 1 COUNT 1", SYNTAX},
         {"LMPOP 1 l LEFT COUNT 0", "-ERR count should be greater than 0\r\n"});
}

Test(t_list_move, elements_go_from_list_to_list)
{
    PLAY({"RPUSH l a b c", ":3\r\n"}, {"LMOVE l m LEFT RIGHT", A}, {"LMOVE l m RIGHT LEFT", C},
         {"LRANGE m 0 -1", "*2\r\n" C A}, {"RPOPLPUSH l m", B}, {"EXISTS l", ":0\r\n"},
         {"LMOVE l m LEFT LEFT", "$-1\r\n"}, {"RPOPLPUSH l m", "$-1\r\n"},
         {"LMOVE m m LEFT RIGHT", B}, {"LRANGE m 0 -1", "*3\r\n" C A B}, {"RPUSH o d", ":1\r\n"},
         {"LMOVE o o LEFT LEFT", D}, {"LRANGE o 0 -1", "*1\r\n" D}, {"LMOVE l m UP LEFT", SYNTAX},
         {"SET s v", "+OK\r\n"}, {"LMOVE m s LEFT LEFT", WRONG}, {"LMOVE s m LEFT LEFT", WRONG},
         {"LLEN m", ":3\r\n"});
}

Test(t_list_move, both_keys_are_told_of)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "RPUSH l a");
    buf_clear(&h.events);
    play_line(&h, "LMOVE l m LEFT RIGHT");
    cr_expect_str_eq(buf_cstr(&h.events), "rpush:m lpop:l del:l ");
    cr_expect_eq(h.dirty, 1);
    harness_end(&h);
}

Test(t_list, changes_are_told)
{
    static const struct {
        const char *line, *events;
        uint64_t dirty;
    } rows[] = {
        {"RPUSH l a b c d e f",  "rpush:l ",      6},
        {"LPUSHX l a",           "lpush:l ",      1},
        {"LSET l 0 x",           "lset:l ",       1},
        {"LINSERT l AFTER x y",  "linsert:l ",    1},
        {"LINSERT l AFTER no y", "",              0},
        {"LREM l 0 y",           "lrem:l ",       1},
        {"LREM l 0 y",           "",              0},
        {"LTRIM l 0 -1",         "ltrim:l ",      0},
        {"LTRIM l 1 4",          "ltrim:l ",      3},
        {"LPOP l 2",             "lpop:l ",       2},
        {"RPOP l 2",             "rpop:l del:l ", 2},
    };
    struct harness h;

    harness_begin(&h);
    for (size_t i = 0; i < countof(rows); i++) {
        buf_clear(&h.events);
        play_line(&h, rows[i].line);
        cr_expect_str_eq(buf_cstr(&h.events), rows[i].events, "%s", rows[i].line);
        cr_expect_eq(h.dirty, rows[i].dirty, "%s", rows[i].line);
    }
    harness_end(&h);
}
