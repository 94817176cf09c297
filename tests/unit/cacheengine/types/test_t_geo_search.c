#include "types_play.h"

#define SICILY \
    "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.583 37.316 Agrigento"
#define SYNTAX "-ERR syntax error\r\n"
#define WRONG  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

Test(t_geo_search, circles_and_boxes_are_searched)
{
    static const struct play rows[] = {
        {SICILY,                                                                         ":3\r\n"                                        },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 100 km",                                 "*1\r\n$7\r\nCatania\r\n"                       },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 100 km ASC WITHDIST WITHHASH WITHCOORD",
         "*1\r\n*4\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n:3479447370796909\r\n"
         "*2\r\n$20\r\n15.08726745843887329\r\n$20\r\n37.50266842333162032\r\n"                                                          },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC",
         "*3\r\n$7\r\nCatania\r\n$9\r\nAgrigento\r\n$7\r\nPalermo\r\n"                                                                   },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 2",
         "*2\r\n$7\r\nPalermo\r\n$9\r\nAgrigento\r\n"                                                                                    },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1",                         "*1\r\n$7\r\nCatania\r\n"                       },
        {"GEOSEARCH s FROMMEMBER Palermo BYBOX 1 1 m",                                   "*1\r\n$7\r\nPalermo\r\n"                       },
        {"GEOSEARCH s BYBOX 400 400 km FROMLONLAT 15 37 ASC COUNT 3 WITHDIST",
         "*3\r\n*2\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n*2\r\n$9\r\nAgrigento\r\n$8\r\n130.4323\r\n"
         "*2\r\n$7\r\nPalermo\r\n$8\r\n190.4424\r\n"                                                                                     },
        {"GEOSEARCH none FROMMEMBER x BYRADIUS 1 m",                                     "*0\r\n"                                        },
        {"GEORADIUS s 15 37 100 km",                                                     "*1\r\n$7\r\nCatania\r\n"                       },
        {"GEORADIUS_RO s 15 37 100 km WITHDIST",                                         "*1\r\n*2\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n"},
        {"GEORADIUSBYMEMBER s Palermo 1 m",                                              "*1\r\n$7\r\nPalermo\r\n"                       },
        {"GEORADIUSBYMEMBER_RO s Palermo 1 m",                                           "*1\r\n$7\r\nPalermo\r\n"                       },
        {"GEORADIUSBYMEMBER none x nonsense m",                                          "*0\r\n"                                        },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    cr_expect_eq(h.dirty, 0);
    harness_end(&h);
}

Test(t_geo_search, what_is_found_is_kept)
{
    static const struct play rows[] = {
        {SICILY,                                                           ":3\r\n"                                    },
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km COUNT 2",    ":2\r\n"                                    },
        {"ZRANGE d 0 -1",                                                  "*2\r\n$9\r\nAgrigento\r\n$7\r\nCatania\r\n"},
        {"ZSCORE d Catania",                                               "$16\r\n3479447370796909\r\n"               },
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST", ":3\r\n"                                    },
        {"ZCOUNT d 56.44 56.45",                                           ":1\r\n"                                    },
        {"GEORADIUS s 15 37 100 km STOREDIST e",                           ":1\r\n"                                    },
        {"GEORADIUSBYMEMBER s Palermo 1 km STORE s",                       ":1\r\n"                                    },
        {"ZRANGE s 0 -1",                                                  "*1\r\n$7\r\nPalermo\r\n"                   },
        {"GEORADIUS s 100 60 1 km STORE e",                                ":0\r\n"                                    },
        {"EXISTS e",                                                       ":0\r\n"                                    },
        {"GEOSEARCHSTORE d none FROMMEMBER x BYRADIUS 1 m",                ":0\r\n"                                    },
        {"EXISTS d",                                                       ":0\r\n"                                    },
        {"GEOSEARCHSTORE d none FROMMEMBER x BYRADIUS 1 m",                ":0\r\n"                                    },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    cr_expect_str_eq(buf_cstr(&h.events),
                     "zadd:s geosearchstore:d geosearchstore:d georadiusstore:e georadiusstore:s "
                     "del:e del:d ");
    harness_end(&h);
}

Test(t_geo_search, what_does_not_fit_together_is_refused)
{
    static const struct play rows[] = {
        {SICILY,                                                          ":3\r\n"                            },
        {"GEOSEARCH s FROMLONLAT 15 37 ASC",
         "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH\r\n"                          },
        {"GEOSEARCH s BYRADIUS 1 km",
         "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH\r\n"                    },
        {"GEOSEARCH s FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 1 km", SYNTAX                              },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km BYBOX 1 1 km",       SYNTAX                              },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km ANY",
         "-ERR the ANY argument requires COUNT argument\r\n"                                                  },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT 0",            "-ERR COUNT must be > 0\r\n"        },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STORE d",            SYNTAX                              },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STOREDIST",          SYNTAX                              },
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS -1 km",                   "-ERR radius cannot be negative\r\n"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS x km",                    "-ERR need numeric radius\r\n"      },
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 -1 km",
         "-ERR height or width cannot be negative\r\n"                                                        },
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX x 1 km",                     "-ERR need numeric width\r\n"       },
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 x km",                     "-ERR need numeric height\r\n"      },
        {"GEOSEARCH s FROMMEMBER none BYRADIUS 1 km",
         "-ERR could not decode requested zset member\r\n"                                                    },
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 km WITHDIST",
         "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options\r\n"            },
        {"GEORADIUS s 15 37 1 km WITHHASH STORE d",
         "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD "
         "options\r\n"                                                                                        },
        {"GEORADIUS_RO s 15 37 1 km STORE d",                             SYNTAX                              },
        {"SET t x",                                                       "+OK\r\n"                           },
        {"GEORADIUS t x y z",                                             WRONG                               },
        {"GEOSEARCHSTORE d t FROMLONLAT 15 37 BYRADIUS 1 km",             WRONG                               },
    };
    struct harness h;

    harness_begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_geo_search, any_members_do_where_order_does_not_matter)
{
    struct harness h;
    char line[64];

    harness_begin(&h);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "GEOADD k %f %f m%d", 10 + i / 1e5, 20 + i % 7 / 1e5, i);
        play_line(&h, line);
    }
    cr_expect(str_starts(str_of(play_line(&h, "GEOSEARCH k FROMLONLAT 10 20 BYRADIUS 500 km COUNT "
                                              "70 ANY")),
                         "*70\r\n"));
    cr_expect(str_starts(str_of(play_line(&h, "GEOSEARCH k FROMLONLAT 10 20 BYRADIUS 500 km ASC")),
                         "*1000\r\n$2\r\nm0\r\n"));
    harness_end(&h);
}
