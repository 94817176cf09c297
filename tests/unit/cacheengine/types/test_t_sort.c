#include "types_play.h"

#define SYNTAX "-ERR syntax error\r\n"
#define ONE    "$1\r\n1\r\n"
#define TWO    "$1\r\n2\r\n"
#define TEN    "$2\r\n10\r\n"
#define A      "$1\r\na\r\n"
#define B      "$1\r\nb\r\n"
#define NONE   "$-1\r\n"

static bool reads_nothing(const struct cmd_call *c)
{
    (void)c;
    return false;
}

Test(t_sort, elements_come_in_order)
{
    static const struct play rows[] = {
        {"RPUSH l 10 2 1",             ":3\r\n"            },
        {"SORT l",                     "*3\r\n" ONE TWO TEN},
        {"SORT l DESC",                "*3\r\n" TEN TWO ONE},
        {"SORT l ALPHA",               "*3\r\n" ONE TEN TWO},
        {"SORT l DESC ASC LIMIT 1 1",  "*1\r\n" TWO        },
        {"SORT l LIMIT -5 2",          "*2\r\n" ONE TWO    },
        {"SORT l LIMIT 1 -1",          "*2\r\n" TWO TEN    },
        {"SORT l LIMIT 3 1",           "*0\r\n"            },
        {"SORT l LIMIT 1 0",           "*0\r\n"            },
        {"SORT l BY nosort",           "*3\r\n" TEN TWO ONE},
        {"SORT l BY nosort DESC",      "*3\r\n" ONE TWO TEN},
        {"SADD s 10 2 1",              ":3\r\n"            },
        {"SORT s",                     "*3\r\n" ONE TWO TEN},
        {"ZADD z 3 1 2 10 1 2",        ":3\r\n"            },
        {"SORT z",                     "*3\r\n" ONE TWO TEN},
        {"SORT z BY x",                "*3\r\n" TWO TEN ONE},
        {"SORT z BY x DESC LIMIT 0 1", "*1\r\n" ONE        },
        {"SORT none",                  "*0\r\n"            },
        {"SORT_RO l",                  "*3\r\n" ONE TWO TEN},
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_sort, other_keys_say_what_decides_and_what_is_said)
{
    static const struct play rows[] = {
        {"RPUSH l 1 2 10",                         ":3\r\n"                                                    },
        {"SET w_1 3",                              "+OK\r\n"                                                   },
        {"SET w_2 b",                              "+OK\r\n"                                                   },
        {"SORT l BY w_* ALPHA",                    "*3\r\n" TEN ONE TWO                                        },
        {"SORT l BY w_*",                          "-ERR One or more scores can't be converted into double\r\n"},
        {"SET w_2 2.5",                            "+OK\r\n"                                                   },
        {"SORT l BY w_* DESC",                     "*3\r\n" ONE TWO TEN                                        },
        {"SORT l GET # GET w_* LIMIT 0 2",         "*4\r\n" ONE "$1\r\n3\r\n" TWO "$3\r\n2.5\r\n"              },
        {"SORT l GET w_* LIMIT 2 1",               "*1\r\n" NONE                                               },
        {"SORT l GET w_1 LIMIT 0 1",               "*1\r\n" NONE                                               },
        {"HSET h_1 f a",                           ":1\r\n"                                                    },
        {"HSET h_2 f b",                           ":1\r\n"                                                    },
        {"SORT l BY h_*->f ALPHA DESC GET h_*->f", "*3\r\n" B A NONE                                           },
        {"SORT l GET h_*->none LIMIT 0 1",         "*1\r\n" NONE                                               },
        {"SORT l GET w_*->f LIMIT 0 1",            "*1\r\n" NONE                                               },
        {"SORT l GET h_* LIMIT 0 1",               "*1\r\n" NONE                                               },
        {"SET w_1-> x",                            "+OK\r\n"                                                   },
        {"SORT l GET w_*-> LIMIT 0 1",             "*1\r\n$1\r\nx\r\n"                                         },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_sort, a_result_is_stored_as_a_list)
{
    static const struct play rows[] = {
        {"RPUSH l 10 2 1",           ":3\r\n"                                                                },
        {"SORT l STORE d",           ":3\r\n"                                                                },
        {"LRANGE d 0 -1",            "*3\r\n" ONE TWO TEN                                                    },
        {"SORT l GET w_* STORE d",   ":3\r\n"                                                                },
        {"LRANGE d 0 -1",            "*3\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n"                                  },
        {"SORT l STORE l",           ":3\r\n"                                                                },
        {"LINDEX l 0",               ONE                                                                     },
        {"SADD s b a c",             ":3\r\n"                                                                },
        {"SORT s BY nosort STORE d", ":3\r\n"                                                                },
        {"LRANGE d 0 1",             "*2\r\n" A B                                                            },
        {"SORT none STORE d",        ":0\r\n"                                                                },
        {"EXISTS d",                 ":0\r\n"                                                                },
        {"SORT_RO l STORE d",        SYNTAX                                                                  },
        {"SORT l STORE",             SYNTAX                                                                  },
        {"SORT l LIMIT 1",           SYNTAX                                                                  },
        {"SORT l BY",                SYNTAX                                                                  },
        {"SORT l UP",                SYNTAX                                                                  },
        {"SORT l LIMIT x 1",         "-ERR value is not an integer or out of range\r\n"                      },
        {"SET v x",                  "+OK\r\n"                                                               },
        {"SORT v",                   "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    buf_clear(&h.events);
    play_line(&h, "SORT l STORE d");
    play_line(&h, "SORT none STORE d");
    cr_expect_str_eq(buf_cstr(&h.events), "sortstore:d del:d ");
    harness_end(&h);
}

Test(t_sort, a_long_result_becomes_a_quicklist)
{
    struct harness h;

    harness_begin(&h);
    h.settings.list_packed_size = 4;
    play_line(&h, "RPUSH l 5 4 3 2 1");
    play_line(&h, "SORT l STORE d");
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING d"), "$9\r\nquicklist\r\n");
    play_line(&h, "SORT l LIMIT 0 4 STORE d");
    cr_expect_str_eq(play_line(&h, "OBJECT ENCODING d"), "$8\r\nlistpack\r\n");
    harness_end(&h);
}

Test(t_sort, patterns_are_for_those_who_may_read_all)
{
    struct harness h;

    harness_begin(&h);
    h.ks.hooks.reads_all = reads_nothing;
    play_line(&h, "RPUSH l 2 1");
    cr_expect_str_eq(play_line(&h, "SORT l BY w_*"),
                     "-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n");
    cr_expect_str_eq(play_line(&h, "SORT l GET #"),
                     "-ERR GET option of SORT denied due to insufficient ACL permissions.\r\n");
    cr_expect_str_eq(play_line(&h, "SORT l BY nosort"), "*2\r\n" TWO ONE);
    harness_end(&h);
}
