#include "types_play.h"

#define TYPE                                                                                     \
    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but " \
    "i64 is.\r\n"

Test(t_bitfield, numbers_are_set_read_and_added_to)
{
    static const struct play rows[] = {
        {"BITFIELD k SET i8 0 -100 SET i8 8 101 GET i8 0 GET u8 0",
         "*4\r\n:0\r\n:0\r\n:-100\r\n:156\r\n"                                                        },
        {"BITFIELD k INCRBY i8 #0 -29 INCRBY i8 #0 10",                      "*2\r\n:127\r\n:-119\r\n"},
        {"BITFIELD k OVERFLOW SAT INCRBY u8 8 1000 INCRBY u8 8 -1000",       "*2\r\n:255\r\n:0\r\n"   },
        {"BITFIELD k OVERFLOW FAIL INCRBY i8 0 -100 OVERFLOW WRAP GET i8 0",
         "*2\r\n$-1\r\n:-119\r\n"                                                                     },
        {"BITFIELD k SET u8 8 -1 OVERFLOW SAT SET u8 8 -1 GET u8 8",
         "*3\r\n:0\r\n:255\r\n:255\r\n"                                                               },
        {"BITFIELD k SET i64 1 -9223372036854775808 INCRBY i64 1 -1",
         "*2\r\n:1440588930805137408\r\n:9223372036854775807\r\n"                                     },
        {"BITFIELD_RO k GET u3 70 GET i64 100000",                           "*2\r\n:0\r\n:0\r\n"     },
        {"BITFIELD_RO none GET u63 5",                                       "*1\r\n:0\r\n"           },
        {"BITFIELD none",                                                    "*0\r\n"                 },
        {"EXISTS none",                                                      ":0\r\n"                 },
    };
    struct harness h;

    harness_begin(&h);
    h.settings.bulk_limit = 64 << 20;
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_bitfield, what_is_wrong_is_said_before_anything_is_done)
{
    static const struct play rows[] = {
        {"BITFIELD k SET u8 0 1 GET u64 0",        TYPE                                                   },
        {"BITFIELD k GET i65 0",                   TYPE                                                   },
        {"BITFIELD k GET u0 0",                    TYPE                                                   },
        {"BITFIELD k GET x8 0",                    TYPE                                                   },
        {"BITFIELD k GET u8 -1",                   "-ERR bit offset is not an integer or out of range\r\n"},
        {"BITFIELD k GET u8 #-1",                  "-ERR bit offset is not an integer or out of range\r\n"},
        {"BITFIELD k GET u8 #9223372036854775807",
         "-ERR bit offset is not an integer or out of range\r\n"                                          },
        {"BITFIELD k SET u8 0",                    "-ERR syntax error\r\n"                                },
        {"BITFIELD k SET u8 0 x",                  "-ERR value is not an integer or out of range\r\n"     },
        {"BITFIELD k OVERFLOW",                    "-ERR syntax error\r\n"                                },
        {"BITFIELD k OVERFLOW NEVER",              "-ERR Invalid OVERFLOW type specified\r\n"             },
        {"BITFIELD_RO k SET u8 0 1",               "-ERR BITFIELD_RO only supports the GET subcommand\r\n"},
        {"EXISTS k",                               ":0\r\n"                                               },
    };
    struct harness h;

    harness_begin(&h);
    h.settings.bulk_limit = 64 << 20;
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}
