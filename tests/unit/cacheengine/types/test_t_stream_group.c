#include "types_play.h"

#define E1   "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
#define E2   "*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n"
#define ID1  "$3\r\n1-1\r\n"
#define ID2  "$3\r\n2-1\r\n"
#define K    "*1\r\n*2\r\n$1\r\nk\r\n"
#define NONE "-NOGROUP No such key 'k' or consumer group 'h'"

Test(t_stream_group, a_group_shares_a_stream_among_its_consumers)
{
    static const struct play rows[] = {
        {"XGROUP CREATE k g 0",
         "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.\r\n"},
        {"XADD k 1-1 a 1",                           ID1                                                                                                                  },
        {"XADD k 2-1 a 2",                           ID2                                                                                                                  },
        {"XGROUP CREATE k g 0",                      "+OK\r\n"                                                                                                            },
        {"XGROUP CREATE k g 0",                      "-BUSYGROUP Consumer Group name already exists\r\n"                                                                  },
        {"XREADGROUP GROUP g x COUNT 1 STREAMS k >", K "*1\r\n" E1                                                                                                        },
        {"XREADGROUP GROUP g y COUNT 9 STREAMS k >", K "*1\r\n" E2                                                                                                        },
        {"XREADGROUP GROUP g y STREAMS k >",         "*-1\r\n"                                                                                                            },
        {"XREADGROUP GROUP g x STREAMS k 0",         K "*1\r\n" E1                                                                                                        },
        {"XREADGROUP GROUP g x STREAMS k 1-1",       K "*0\r\n"                                                                                                           },
        {"XREADGROUP GROUP h x STREAMS k >",         NONE " in XREADGROUP with GROUP option\r\n"                                                                          },
        {"XPENDING k g",
         "*4\r\n:2\r\n" ID1 ID2 "*2\r\n*2\r\n$1\r\nx\r\n$1\r\n1\r\n*2\r\n$1\r\ny\r\n$1\r\n1\r\n"                                                                          },
        {"XPENDING k g - + 9 x",                     "*1\r\n*4\r\n" ID1 "$1\r\nx\r\n:0\r\n:2\r\n"                                                                         },
        {"XPENDING k h",                             NONE "\r\n"                                                                                                          },
        {"XCLAIM k g y 0 1-1 JUSTID",                "*1\r\n" ID1                                                                                                         },
        {"XCLAIM k g x 1 1-1",                       "*0\r\n"                                                                                                             },
        {"XCLAIM k g x 0 1-1 9-9",                   "*1\r\n" E1                                                                                                          },
        {"XCLAIM k g x 0 1-1 NOSUCH",                "-ERR Unrecognized XCLAIM option 'NOSUCH'\r\n"                                                                       },
        {"XAUTOCLAIM k g y 0 0 COUNT 1",             "*3\r\n" ID2 "*1\r\n" E1 "*0\r\n"                                                                                    },
        {"XDEL k 1-1",                               ":1\r\n"                                                                                                             },
        {"XREADGROUP GROUP g y COUNT 1 STREAMS k 0", K "*1\r\n*2\r\n" ID1 "*-1\r\n"                                                                                       },
        {"XAUTOCLAIM k g x 0 0 JUSTID",              "*3\r\n$3\r\n0-0\r\n*1\r\n" ID2 "*1\r\n" ID1                                                                         },
        {"XACK k g 2-1 1-1",                         ":1\r\n"                                                                                                             },
        {"XACK k g 2-1",                             ":0\r\n"                                                                                                             },
        {"XPENDING k g",                             "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"                                                                                  },
        {"XREADGROUP GROUP g z NOACK STREAMS k >",   "*-1\r\n"                                                                                                            },
        {"XGROUP SETID k g 0",                       "+OK\r\n"                                                                                                            },
        {"XREADGROUP GROUP g z NOACK STREAMS k >",   K "*1\r\n" E2                                                                                                        },
        {"XPENDING k g - + 9",                       "*0\r\n"                                                                                                             },
        {"XGROUP CREATECONSUMER k g z",              ":0\r\n"                                                                                                             },
        {"XGROUP CREATECONSUMER k g w",              ":1\r\n"                                                                                                             },
        {"XGROUP DELCONSUMER k g w",                 ":0\r\n"                                                                                                             },
        {"XGROUP DESTROY k g",                       ":1\r\n"                                                                                                             },
        {"XGROUP DESTROY k g",                       ":0\r\n"                                                                                                             },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_stream_group, reading_alone_leaves_no_trace)
{
    static const struct play rows[] = {
        {"XADD k 1-1 a 1",                   ID1                                                                     },
        {"XREAD STREAMS k 0",                K "*1\r\n" E1                                                           },
        {"XREAD STREAMS k $",                "*-1\r\n"                                                               },
        {"XREAD STREAMS k +",                K "*1\r\n" E1                                                           },
        {"XREAD COUNT 1 STREAMS none k 0 0", K "*1\r\n" E1                                                           },
        {"XREAD STREAMS k",
         "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.\r\n"          },
        {"XREAD STREAMS k >",
         "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.\r\n"},
        {"XREAD GROUP g c STREAMS k 0",
         "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.\r\n"                      },
        {"XREAD BLOCK -1 STREAMS k 0",       "-ERR timeout is negative\r\n"                                          },
        {"XREADGROUP STREAMS k >",           "-ERR Missing GROUP option for XREADGROUP\r\n"                          },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    cr_expect_eq(h.dirty, 0);
    harness_end(&h);
}

Test(t_stream_group, a_stream_is_described)
{
    static const char line[] = "XINFO GROUPS k";
    struct harness h;

    harness_begin(&h);
    play_line(&h, "XADD k 1-1 a 1");
    play_line(&h, "XADD k 2-1 a 2");
    play_line(&h, "XGROUP CREATE k g 0");
    play_line(&h, "XREADGROUP GROUP g x COUNT 1 STREAMS k >");
    cr_expect_str_eq(
        play_line(&h, line),
        "*1\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:1\r\n"
        "$17\r\nlast-delivered-id\r\n" ID1 "$12\r\nentries-read\r\n:1\r\n$3\r\nlag\r\n:1\r\n");
    cr_expect_str_eq(
        play_line(&h, "XINFO CONSUMERS k g"),
        "*1\r\n*8\r\n$4\r\nname\r\n$1\r\nx\r\n$7\r\npending\r\n:1\r\n$4\r\nidle\r\n:0\r\n"
        "$8\r\ninactive\r\n:0\r\n");
    cr_expect_not_null(strstr(play_line(&h, "XINFO STREAM k FULL"), "$9\r\npel-count\r\n:1\r\n"));
    cr_expect_not_null(strstr(play_line(&h, "XINFO STREAM k"), "$11\r\nfirst-entry\r\n" E1));
    cr_expect_str_eq(play_line(&h, "XINFO STREAM none"), "-ERR no such key\r\n");
    harness_end(&h);
}

Test(t_stream_group, an_engine_says_of_a_consumer_what_xclaim_does_not)
{
    static const struct play rows[] = {
        {"LARDER.CONSUMER k g c 1 -1",                                                       "-NOGROUP No such key 'k' or consumer group 'g'\r\n"},
        {"XADD k 1-1 a 1",                                                                   ID1                                                 },
        {"LARDER.CONSUMER k g c 1 -1",                                                       "-NOGROUP No such key 'k' or consumer group 'g'\r\n"},
        {"XGROUP CREATE k g 0",                                                              "+OK\r\n"                                           },
        {"LARDER.CONSUMER k g c 1 x",                                                        "-ERR value is not an integer or out of range\r\n"  },
        {"LARDER.CONSUMER k g c 1 2 1-1 5",
         "-ERR wrong number of arguments for 'larder.consumer' command\r\n"                                                                      },
        {"LARDER.CONSUMER k g c 1 2 1-x 5 1",
         "-ERR Invalid stream ID specified as stream command argument\r\n"                                                                       },
        {"LARDER.CONSUMER k g c 1 2 1-1 5 -1",                                               "-ERR value is not an integer or out of range\r\n"  },
        {"XINFO CONSUMERS k g",                                                              "*0\r\n"                                            },
        {"LARDER.CONSUMER k g c 999000 -1",                                                  "+OK\r\n"                                           },
        {"XINFO CONSUMERS k g",
         "*1\r\n*8\r\n$4\r\nname\r\n$1\r\nc\r\n$7\r\npending\r\n:0\r\n$4\r\nidle\r\n:1000\r\n$8\r\ninactive\r\n:-1\r\n"                          },
        {"LARDER.CONSUMER k g c 999000 998000 1-1 997000 7 9-9 996000 18446744073709551615",
         "+OK\r\n"                                                                                                                               },
        {"LARDER.CONSUMER k g d 1 1 1-1 997000 8",                                           "+OK\r\n"                                           },
        {"XPENDING k g - + 9",
         "*2\r\n*4\r\n" ID1
         "$1\r\nd\r\n:3000\r\n:8\r\n*4\r\n$3\r\n9-9\r\n$1\r\nc\r\n:4000\r\n:-1\r\n"                                                              },
        {"SET s v",                                                                          "+OK\r\n"                                           },
        {"LARDER.CONSUMER s g c 1 1",
         "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"                                                                },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}
