#include "types_play.h"

#define SICILY "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"
#define SYNTAX "-ERR syntax error\r\n"
#define WRONG  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

Test(t_geo, places_are_added_and_read)
{
    static const struct play rows[] = {
        {SICILY,                                       ":2\r\n"                                              },
        {SICILY,                                       ":0\r\n"                                              },
        {"GEOADD s CH XX 13.5 38.2 Palermo 1 2 none",  ":1\r\n"                                              },
        {"GEOADD s NX CH 13.361389 38.115556 Palermo", ":0\r\n"                                              },
        {"GEOADD s 13.361389 38.115556 Palermo",       ":0\r\n"                                              },
        {"ZSCORE s Palermo",                           "$16\r\n3479099956230698\r\n"                         },
        {"GEODIST s Palermo Catania",                  "$11\r\n166274.1516\r\n"                              },
        {"GEODIST s Palermo Catania KM",               "$8\r\n166.2742\r\n"                                  },
        {"GEODIST s Palermo Palermo",                  "$6\r\n0.0000\r\n"                                    },
        {"GEODIST s Palermo none",                     "$-1\r\n"                                             },
        {"GEODIST none a b",                           "$-1\r\n"                                             },
        {"GEODIST s Palermo Catania ly",
         "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n"                                      },
        {"GEODIST s a b m x",                          SYNTAX                                                },
        {"GEOHASH s Palermo none Catania",             "*3\r\n$11\r\nsqc8b49rny0\r\n$-1\r\n"
                                           "$11\r\nsqdtr74hyu0\r\n"},
        {"GEOPOS s Palermo none",                      "*2\r\n*2\r\n$20\r\n13.36138933897018433\r\n"
                                  "$20\r\n38.11555639549629859\r\n*-1\r\n"  },
        {"GEOPOS none a",                              "*1\r\n*-1\r\n"                                       },
        {"GEOHASH none",                               "*0\r\n"                                              },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    cr_expect_str_eq(buf_cstr(&h.events), "zadd:s zadd:s zadd:s ");
    harness_end(&h);
}

Test(t_geo, what_is_no_place_is_refused)
{
    static const struct play rows[] = {
        {"GEOADD k 181 0 a",     "-ERR invalid longitude,latitude pair 181.000000,0.000000\r\n"},
        {"GEOADD k 0 86 a",      "-ERR invalid longitude,latitude pair 0.000000,86.000000\r\n" },
        {"GEOADD k 0 x a",       "-ERR value is not a valid float\r\n"                         },
        {"GEOADD k 1 1 a 0 x a", "-ERR value is not a valid float\r\n"                         },
        {"GEOADD k NX XX 0 0 a", SYNTAX                                                        },
        {"GEOADD k 0 0 a 1",     SYNTAX                                                        },
        {"GEOADD k CH CH CH",    SYNTAX                                                        },
        {"GEOADD k GT 0 0 a",    SYNTAX                                                        },
        {"EXISTS k",             ":0\r\n"                                                      },
        {"SET t x",              "+OK\r\n"                                                     },
        {"GEOADD t 0 0 a",       WRONG                                                         },
        {"GEOPOS t a",           WRONG                                                         },
        {"GEOHASH t a",          WRONG                                                         },
        {"GEODIST t a b",        WRONG                                                         },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_geo, in_version_3_degrees_are_numbers)
{
    struct harness h;

    harness_begin(&h);
    h.reply.resp = 3;
    play_line(&h, "GEOADD k 0 0 a");
    cr_expect_str_eq(play_line(&h, "GEOPOS k a"),
                     "*1\r\n*2\r\n,0.00000268220901489\r\n,0.00000126736058093\r\n");
    cr_expect_str_eq(play_line(&h, "GEODIST k a a"), "$6\r\n0.0000\r\n");
    harness_end(&h);
}
