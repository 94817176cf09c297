#include "types_play.h"

#define NOT_BIT    "-ERR bit is not an integer or out of range\r\n"
#define NOT_OFFSET "-ERR bit offset is not an integer or out of range\r\n"
#define SYNTAX     "-ERR syntax error\r\n"

Test(t_bitmap, bits_are_set_counted_and_found)
{
    static const struct play rows[] = {
        {"SETBIT k 7 1",               ":0\r\n"                                   },
        {"SETBIT k 7 1",               ":1\r\n"                                   },
        {"GETBIT k 7",                 ":1\r\n"                                   },
        {"GETBIT k 100",               ":0\r\n"                                   },
        {"GETBIT none 0",              ":0\r\n"                                   },
        {"SETBIT k 0 2",               NOT_BIT                                    },
        {"SETBIT k -1 1",              NOT_OFFSET                                 },
        {"SETBIT k #1 1",              NOT_OFFSET                                 },
        {"SETBIT k 536870912 1",       NOT_OFFSET                                 },
        {"SETBIT k 23 1",              ":0\r\n"                                   },
        {"STRLEN k",                   ":3\r\n"                                   },
        {"BITCOUNT k",                 ":2\r\n"                                   },
        {"BITCOUNT k 1",               ":1\r\n"                                   },
        {"BITCOUNT k 0 0",             ":1\r\n"                                   },
        {"BITCOUNT k 7 22 BIT",        ":1\r\n"                                   },
        {"BITCOUNT k -1 -2",           ":0\r\n"                                   },
        {"BITCOUNT k 0 0 BITS",        SYNTAX                                     },
        {"BITPOS k 1",                 ":7\r\n"                                   },
        {"BITPOS k 1 8 -1 BIT",        ":23\r\n"                                  },
        {"BITPOS k 0",                 ":0\r\n"                                   },
        {"BITPOS k 2",                 "-ERR The bit argument must be 1 or 0.\r\n"},
        {"SET full 7",                 "+OK\r\n"                                  },
        {"BITFIELD full SET u8 0 255", "*1\r\n:55\r\n"                            },
        {"BITPOS full 0",              ":8\r\n"                                   },
        {"BITPOS full 0 0 -1",         ":-1\r\n"                                  },
        {"BITPOS none 0",              ":0\r\n"                                   },
        {"BITPOS none 1",              ":-1\r\n"                                  },
    };
    struct harness h;

    harness_begin(&h);
    h.settings.bulk_limit = 64 << 20;
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_bitmap, only_a_change_is_told)
{
    struct harness h;

    harness_begin(&h);
    h.settings.bulk_limit = 64 << 20;
    play_line(&h, "SETBIT k 1 0");
    play_line(&h, "SETBIT k 1 0");
    play_line(&h, "BITFIELD k SET u1 1 0");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "BITFIELD k SET u8 8 1 INCRBY u8 8 1");
    cr_expect_eq(h.dirty, 2);
    play_line(&h, "BITOP AND d k none");
    play_line(&h, "BITOP AND d none none");
    cr_expect_str_eq(buf_cstr(&h.events), "setbit:k setbit:k set:d del:d ");
    harness_end(&h);
}

Test(t_bitmap, strings_are_combined)
{
    static const struct play rows[] = {
        {"SET a abc",          "+OK\r\n"                                                    },
        {"SET b 12345",        "+OK\r\n"                                                    },
        {"BITOP XOR d a b",    ":5\r\n"                                                     },
        {"GET d",              "$5\r\nPPP45\r\n"                                            },
        {"BITOP OR d a none",  ":3\r\n"                                                     },
        {"GET d",              "$3\r\nabc\r\n"                                              },
        {"BITOP AND a a b",    ":5\r\n"                                                     },
        {"BITCOUNT a",         ":7\r\n"                                                     },
        {"BITOP NOT d b none", "-ERR BITOP NOT must be called with a single source key.\r\n"},
        {"BITOP NOT d b",      ":5\r\n"                                                     },
        {"BITOP NOT d d",      ":5\r\n"                                                     },
        {"GET d",              "$5\r\n12345\r\n"                                            },
        {"OBJECT ENCODING d",  "$3\r\nraw\r\n"                                              },
        {"BITOP NAND d b",     SYNTAX                                                       },
        {"RPUSH l x",          ":1\r\n"                                                     },
        {"BITOP OR d a l",
         "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"           },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}
