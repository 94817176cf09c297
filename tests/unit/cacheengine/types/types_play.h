/* Commands as lines of text and what they must say, for the tests of types. */
#ifndef LARDER_TESTS_TYPES_PLAY_H
#define LARDER_TESTS_TYPES_PLAY_H

#include "contract/command_procs.h"
#include "types_harness.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

struct play {
    const char *line, *reply;
};

struct play_proc {
    const char *name;
    void (*run)(struct cmd_call *c);
};

static const struct play_proc play_procs[] = {
    {"hset",                 cmd_hset                },
    {"hmset",                cmd_hmset               },
    {"hsetnx",               cmd_hsetnx              },
    {"hget",                 cmd_hget                },
    {"hmget",                cmd_hmget               },
    {"hgetall",              cmd_hgetall             },
    {"hkeys",                cmd_hkeys               },
    {"hvals",                cmd_hvals               },
    {"hlen",                 cmd_hlen                },
    {"hexists",              cmd_hexists             },
    {"hdel",                 cmd_hdel                },
    {"hincrby",              cmd_hincrby             },
    {"hincrbyfloat",         cmd_hincrbyfloat        },
    {"hstrlen",              cmd_hstrlen             },
    {"hrandfield",           cmd_hrandfield          },
    {"hscan",                cmd_hscan               },
    {"hexpire",              cmd_hexpire             },
    {"hpexpireat",           cmd_hpexpireat          },
    {"hpexpiretime",         cmd_hpexpiretime        },
    {"hpersist",             cmd_hpersist            },
    {"hgetex",               cmd_hgetex              },
    {"hsetex",               cmd_hsetex              },
    {"hgetdel",              cmd_hgetdel             },
    {"sadd",                 cmd_sadd                },
    {"srem",                 cmd_srem                },
    {"sismember",            cmd_sismember           },
    {"smismember",           cmd_smismember          },
    {"smembers",             cmd_smembers            },
    {"scard",                cmd_scard               },
    {"spop",                 cmd_spop                },
    {"srandmember",          cmd_srandmember         },
    {"smove",                cmd_smove               },
    {"sinter",               cmd_sinter              },
    {"sinterstore",          cmd_sinterstore         },
    {"sintercard",           cmd_sintercard          },
    {"sunion",               cmd_sunion              },
    {"sunionstore",          cmd_sunionstore         },
    {"sdiff",                cmd_sdiff               },
    {"sdiffstore",           cmd_sdiffstore          },
    {"sscan",                cmd_sscan               },
    {"lpush",                cmd_lpush               },
    {"rpush",                cmd_rpush               },
    {"lpushx",               cmd_lpushx              },
    {"rpushx",               cmd_rpushx              },
    {"llen",                 cmd_llen                },
    {"lindex",               cmd_lindex              },
    {"lrange",               cmd_lrange              },
    {"ltrim",                cmd_ltrim               },
    {"lset",                 cmd_lset                },
    {"linsert",              cmd_linsert             },
    {"lrem",                 cmd_lrem                },
    {"lpos",                 cmd_lpos                },
    {"lpop",                 cmd_lpop                },
    {"rpop",                 cmd_rpop                },
    {"lmpop",                cmd_lmpop               },
    {"lmove",                cmd_lmove               },
    {"rpoplpush",            cmd_rpoplpush           },
    {"sort",                 cmd_sort                },
    {"sort_ro",              cmd_sort_ro             },
    {"zadd",                 cmd_zadd                },
    {"zincrby",              cmd_zincrby             },
    {"zrem",                 cmd_zrem                },
    {"zcard",                cmd_zcard               },
    {"zcount",               cmd_zcount              },
    {"zlexcount",            cmd_zlexcount           },
    {"zscore",               cmd_zscore              },
    {"zmscore",              cmd_zmscore             },
    {"zrank",                cmd_zrank               },
    {"zrevrank",             cmd_zrevrank            },
    {"zrange",               cmd_zrange              },
    {"zrangestore",          cmd_zrangestore         },
    {"zrangebyscore",        cmd_zrangebyscore       },
    {"zrevrangebyscore",     cmd_zrevrangebyscore    },
    {"zrangebylex",          cmd_zrangebylex         },
    {"zrevrangebylex",       cmd_zrevrangebylex      },
    {"zrevrange",            cmd_zrevrange           },
    {"zremrangebyrank",      cmd_zremrangebyrank     },
    {"zremrangebyscore",     cmd_zremrangebyscore    },
    {"zremrangebylex",       cmd_zremrangebylex      },
    {"zpopmin",              cmd_zpopmin             },
    {"zpopmax",              cmd_zpopmax             },
    {"zmpop",                cmd_zmpop               },
    {"zrandmember",          cmd_zrandmember         },
    {"zscan",                cmd_zscan               },
    {"zunion",               cmd_zunion              },
    {"zinter",               cmd_zinter              },
    {"zdiff",                cmd_zdiff               },
    {"zunionstore",          cmd_zunionstore         },
    {"zinterstore",          cmd_zinterstore         },
    {"zdiffstore",           cmd_zdiffstore          },
    {"zintercard",           cmd_zintercard          },
    {"geoadd",               cmd_geoadd              },
    {"geopos",               cmd_geopos              },
    {"geodist",              cmd_geodist             },
    {"geohash",              cmd_geohash             },
    {"geosearch",            cmd_geosearch           },
    {"geosearchstore",       cmd_geosearchstore      },
    {"georadius",            cmd_georadius           },
    {"georadius_ro",         cmd_georadius_ro        },
    {"georadiusbymember",    cmd_georadiusbymember   },
    {"georadiusbymember_ro", cmd_georadiusbymember_ro},
    {"pfadd",                cmd_pfadd               },
    {"pfcount",              cmd_pfcount             },
    {"pfmerge",              cmd_pfmerge             },
    {"pfdebug",              cmd_pfdebug             },
    {"pfselftest",           cmd_pfselftest          },
    {"xadd",                 cmd_xadd                },
    {"xlen",                 cmd_xlen                },
    {"xrange",               cmd_xrange              },
    {"xrevrange",            cmd_xrevrange           },
    {"xdel",                 cmd_xdel                },
    {"xtrim",                cmd_xtrim               },
    {"xsetid",               cmd_xsetid              },
    {"xread",                cmd_xread               },
    {"xreadgroup",           cmd_xreadgroup          },
    {"xack",                 cmd_xack                },
    {"xclaim",               cmd_xclaim              },
    {"xautoclaim",           cmd_xautoclaim          },
    {"xpending",             cmd_xpending            },
    {"larder.consumer",      cmd_larder_consumer     },
    {"setbit",               cmd_setbit              },
    {"getbit",               cmd_getbit              },
    {"bitcount",             cmd_bitcount            },
    {"bitpos",               cmd_bitpos              },
    {"bitop",                cmd_bitop               },
    {"bitfield",             cmd_bitfield            },
    {"bitfield_ro",          cmd_bitfield_ro         },
    {"set",                  cmd_set                 },
    {"get",                  cmd_get                 },
    {"strlen",               cmd_strlen              },
    {"del",                  cmd_del                 },
    {"unlink",               cmd_unlink              },
    {"copy",                 cmd_copy                },
    {"rename",               cmd_rename              },
    {"exists",               cmd_exists              },
    {"scan",                 cmd_scan                },
    {"object",               cmd_object_encoding     },
};

/* Subcommands, by the words of both. */
static const struct play_sub {
    const char *name, *sub;
    void (*run)(struct cmd_call *c);
} play_subs[] = {
    {"xgroup", "create",         cmd_xgroup_create        },
    {"xgroup", "setid",          cmd_xgroup_setid         },
    {"xgroup", "destroy",        cmd_xgroup_destroy       },
    {"xgroup", "createconsumer", cmd_xgroup_createconsumer},
    {"xgroup", "delconsumer",    cmd_xgroup_delconsumer   },
    {"xinfo",  "stream",         cmd_xinfo_stream         },
    {"xinfo",  "groups",         cmd_xinfo_groups         },
    {"xinfo",  "consumers",      cmd_xinfo_consumers      },
};

static inline void play_run(struct harness *h, struct str *argv, uint32_t argc)
{
    for (size_t i = 0; i < countof(play_subs); i++)
        if (argc > 1 && str_is_nocase(argv[0], play_subs[i].name) &&
            str_is_nocase(argv[1], play_subs[i].sub)) {
            harness_run(h, play_subs[i].run, argv, argc);
            return;
        }
    for (size_t i = 0; i < countof(play_procs); i++)
        if (str_is_nocase(argv[0], play_procs[i].name)) {
            harness_run(h, play_procs[i].run, argv, argc);
            return;
        }
    cr_assert_fail("no command %.*s", STR_ARG(argv[0]));
}

/* Cuts a line into its words and says how many they are. */
static inline uint32_t play_words(const char *line, struct str argv[HARNESS_ARGS])
{
    struct str rest = str_of(line);
    uint32_t argc = 0;

    while (rest.len > 0) {
        cr_assert_lt(argc, HARNESS_ARGS);
        argv[argc++] = str_cut(&rest, ' ');
    }
    return argc;
}

/* Runs a line of words; what it said ends with a NUL. */
static inline const char *play_line(struct harness *h, const char *line)
{
    struct str argv[HARNESS_ARGS];

    play_run(h, argv, play_words(line, argv));
    return buf_cstr(&h->said);
}

static inline void play_rows(struct harness *h, const struct play *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(play_line(h, rows[i].line), rows[i].reply, "%s\n  said %s", rows[i].line,
                         buf_cstr(&h->said));
}

/* A word of `len` letters, freed by the caller. */
static inline char *play_word(size_t len)
{
    char *word = malloc(len + 1);

    memset(word, 'w', len);
    word[len] = 0;
    return word;
}

#endif
