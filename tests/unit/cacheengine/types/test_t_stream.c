#include "types_play.h"

#define SMALLER \
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"
#define E1     "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
#define E2     "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n"
#define E3     "*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n"
#define SYNTAX "-ERR syntax error\r\n"

Test(t_stream, entries_are_added_read_and_removed)
{
    static const struct play rows[] = {
        {"XADD k 1-1 a 1",                                     "$3\r\n1-1\r\n"                                                         },
        {"XADD k 1-1 a 1",                                     SMALLER                                                                 },
        {"XADD k 0-0 a 1",                                     "-ERR The ID specified in XADD must be greater than 0-0\r\n"            },
        {"XADD k 2-* b 2",                                     "$3\r\n2-0\r\n"                                                         },
        {"XADD k 2-* a 3",                                     "$3\r\n2-1\r\n"                                                         },
        {"XADD none NOMKSTREAM 1-1 a 1",                       "$-1\r\n"                                                               },
        {"XADD k 3-0 a",                                       "-ERR wrong number of arguments for 'xadd' command\r\n"                 },
        {"XLEN k",                                             ":3\r\n"                                                                },
        {"XRANGE k - +",                                       "*3\r\n" E1 E2 E3                                                       },
        {"XREVRANGE k + - COUNT 2",                            "*2\r\n" E3 E2                                                          },
        {"XRANGE k (1-1 2",                                    "*2\r\n" E2 E3                                                          },
        {"XRANGE k 2 2-0",                                     "*1\r\n" E2                                                             },
        {"XRANGE k - + COUNT 0",                               "*-1\r\n"                                                               },
        {"XRANGE none - +",                                    "*0\r\n"                                                                },
        {"XRANGE k - + LIMIT 1",                               SYNTAX                                                                  },
        {"XDEL k 2-0 9-9",                                     ":1\r\n"                                                                },
        {"XRANGE k - +",                                       "*2\r\n" E1 E3                                                          },
        {"XTRIM k MAXLEN 1",                                   ":1\r\n"                                                                },
        {"XRANGE k - +",                                       "*1\r\n" E3                                                             },
        {"XTRIM k MINID 3",                                    ":1\r\n"                                                                },
        {"XLEN k",                                             ":0\r\n"                                                                },
        {"EXISTS k",                                           ":1\r\n"                                                                },
        {"OBJECT ENCODING k",                                  "$6\r\nstream\r\n"                                                      },
        {"XADD k 2-* a 4",                                     "$3\r\n2-2\r\n"                                                         },
        {"XSETID k 2-1",
         "-ERR The ID specified in XSETID is smaller than the target stream top item\r\n"                                              },
        {"XSETID k 18446744073709551615-18446744073709551615", "+OK\r\n"                                                               },
        {"XADD k * a 4",
         "-ERR The stream has exhausted the last possible ID, unable to add more items\r\n"                                            },
        {"XTRIM k",                                            "-ERR syntax error, XTRIM must be called with a trimming strategy\r\n"  },
        {"XTRIM k MAXLEN 5 LIMIT 3",
         "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n"                                                    },
        {"XTRIM k MAXLEN -5",                                  "-ERR The MAXLEN argument must be >= 0.\r\n"                            },
        {"SET v x",                                            "+OK\r\n"                                                               },
        {"XLEN v",                                             "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_stream, changes_are_told)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "XADD k 1-1 a 1");
    play_line(&h, "XADD k MAXLEN 1 2-1 a 1");
    play_line(&h, "XDEL k 2-1");
    cr_expect_eq(h.dirty, 1);
    play_line(&h, "XDEL k 2-1");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "XSETID k 5-5");
    play_line(&h, "XGROUP CREATE k g $");
    play_line(&h, "XREADGROUP GROUP g c STREAMS k >");
    play_line(&h, "XGROUP DELCONSUMER k g c");
    play_line(&h, "XGROUP DESTROY k g");
    cr_expect_str_eq(buf_cstr(&h.events),
                     "xadd:k xadd:k xtrim:k xdel:k xsetid:k xgroup-create:k "
                     "xgroup-createconsumer:k xgroup-delconsumer:k xgroup-destroy:k ");
    harness_end(&h);
}

Test(t_stream, what_a_name_is_follows_from_the_clock)
{
    struct harness h;

    harness_begin(&h);
    cr_expect_str_eq(play_line(&h, "XADD k * a 1"), "$9\r\n1000000-0\r\n");
    cr_expect_str_eq(play_line(&h, "XADD k * a 1"), "$9\r\n1000000-1\r\n");
    keyspace_set_now(&h.ks, 900000);
    cr_expect_str_eq(play_line(&h, "XADD k * a 1"), "$9\r\n1000000-2\r\n");
    keyspace_set_now(&h.ks, 1000001);
    cr_expect_str_eq(play_line(&h, "XADD k * a 1"), "$9\r\n1000001-0\r\n");
    harness_end(&h);
}
