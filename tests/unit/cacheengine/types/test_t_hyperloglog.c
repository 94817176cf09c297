#include "types_play.h"

#define NOT_ONE "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"
#define WRONG   "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define DAMAGED "-INVALIDOBJ Corrupted HLL object detected\r\n"

static void begin(struct harness *h)
{
    harness_begin(h);
    h->settings.hll_sparse_bytes = 3000;
    h->settings.bulk_limit = 64 << 20;
}

/* Adds elements "e<first>" and so on. */
static void add(struct harness *h, const char *key, unsigned first, unsigned count)
{
    char line[64];

    for (unsigned i = first; i < first + count; i++) {
        snprintf(line, sizeof(line), "PFADD %s e%u", key, i);
        play_line(h, line);
    }
}

Test(t_hyperloglog, elements_are_added_counted_and_merged)
{
    static const struct play rows[] = {
        {"PFADD h a b c d e f g", ":1\r\n"                                                         },
        {"PFADD h a b c",         ":0\r\n"                                                         },
        {"PFCOUNT h",             ":7\r\n"                                                         },
        {"PFCOUNT h",             ":7\r\n"                                                         },
        {"PFCOUNT none",          ":0\r\n"                                                         },
        {"PFDEBUG DECODE h",      "$93\r\nZ:1646 v:1,1 Z:5645 v:1,1 Z:1085 v:2,1 z:57 v:1,1 Z:4274 "
                             "v:2,1 Z:2445 v:1,1 Z:622 v:1,1 Z:603\r\n"},
        {"PFADD g x y a",         ":1\r\n"                                                         },
        {"PFCOUNT h g none",      ":9\r\n"                                                         },
        {"PFMERGE d h g none",    "+OK\r\n"                                                        },
        {"PFCOUNT d",             ":9\r\n"                                                         },
        {"PFADD empty",           ":1\r\n"                                                         },
        {"PFADD empty",           ":0\r\n"                                                         },
        {"PFCOUNT empty",         ":0\r\n"                                                         },
        {"PFDEBUG ENCODING d",    "+sparse\r\n"                                                    },
        {"PFDEBUG TODENSE d",     ":1\r\n"                                                         },
        {"PFDEBUG TODENSE d",     ":0\r\n"                                                         },
        {"PFDEBUG ENCODING d",    "+dense\r\n"                                                     },
        {"PFDEBUG DECODE d",      "-ERR HLL encoding is not sparse\r\n"                            },
        {"PFCOUNT d",             ":9\r\n"                                                         },
        {"PFMERGE m d h",         "+OK\r\n"                                                        },
        {"PFDEBUG ENCODING m",    "+dense\r\n"                                                     },
        {"PFCOUNT m",             ":9\r\n"                                                         },
        {"PFDEBUG NONE d",        "-ERR Unknown PFDEBUG subcommand 'NONE'\r\n"                     },
        {"PFDEBUG NONE none",     "-ERR The specified key does not exist\r\n"                      },
    };
    struct harness h;

    begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_hyperloglog, other_strings_and_damaged_ones_are_refused)
{
    static const struct play rows[] = {
        {"SET s hello",              "+OK\r\n"      },
        {"PFADD s a",                NOT_ONE        },
        {"PFCOUNT s",                NOT_ONE        },
        {"SET n 12345678901234567",  "+OK\r\n"      },
        {"PFADD n a",                NOT_ONE        },
        {"RPUSH l x",                ":1\r\n"       },
        {"PFADD l a",                WRONG          },
        {"PFCOUNT none l",           WRONG          },
        {"PFMERGE d l",              WRONG          },
        {"PFMERGE l none",           WRONG          },
        {"PFADD h a b c",            ":1\r\n"       },
        {"BITFIELD h SET u8 #16 64", "*1\r\n:96\r\n"},
        {"PFCOUNT h",                DAMAGED        },
        {"PFCOUNT h none",           DAMAGED        },
        {"PFMERGE d h",              DAMAGED        },
        {"EXISTS d",                 ":0\r\n"       },
    };
    struct harness h;

    begin(&h);
    play_rows(&h, rows, countof(rows));
    harness_end(&h);
}

Test(t_hyperloglog, many_elements_make_a_dense_one_that_says_the_same)
{
    struct harness h;

    begin(&h);
    add(&h, "k", 1, 2000);
    cr_expect_str_eq(play_line(&h, "PFDEBUG ENCODING k"), "+dense\r\n");
    cr_expect_str_eq(play_line(&h, "PFCOUNT k"), ":2000\r\n");
    cr_expect_str_eq(play_line(&h, "STRLEN k"), ":12304\r\n");
    h.settings.hll_sparse_bytes = INT64_MAX;
    add(&h, "j", 1, 2000);
    cr_expect_str_eq(play_line(&h, "PFDEBUG ENCODING j"), "+sparse\r\n");
    cr_expect_str_eq(play_line(&h, "PFCOUNT j"), ":2000\r\n");
    cr_expect_str_eq(play_line(&h, "PFMERGE m j"), "+OK\r\n");
    cr_expect_str_eq(play_line(&h, "PFDEBUG ENCODING m"), "+sparse\r\n");
    cr_expect_str_eq(play_line(&h, "PFCOUNT m k j"), ":2000\r\n");
    h.settings.hll_sparse_bytes = 0;
    cr_expect_str_eq(play_line(&h, "PFMERGE n j"), "+OK\r\n");
    cr_expect_str_eq(play_line(&h, "PFDEBUG ENCODING n"), "+dense\r\n");
    cr_expect_str_eq(play_line(&h, "PFCOUNT n"), ":2000\r\n");
    harness_end(&h);
}

Test(t_hyperloglog, only_a_register_that_rises_is_a_change)
{
    struct harness h;

    begin(&h);
    play_line(&h, "PFADD k a b");
    cr_expect_eq(h.dirty, 3);
    play_line(&h, "PFADD k a b");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "PFCOUNT k");
    cr_expect_eq(h.dirty, 1);
    play_line(&h, "PFCOUNT k");
    cr_expect_eq(h.dirty, 0);
    play_line(&h, "PFMERGE k none");
    cr_expect_eq(h.dirty, 1);
    play_line(&h, "PFDEBUG TODENSE k");
    cr_expect_eq(h.dirty, 1);
    cr_expect_str_eq(buf_cstr(&h.events), "pfadd:k pfcount:k pfadd:k ");
    harness_end(&h);
}

static bool takes_none(const struct cmd_call *c)
{
    (void)c;
    return false;
}

Test(t_hyperloglog, a_node_that_takes_no_writes_tells_nobody_what_it_counted)
{
    struct harness h;

    begin(&h);
    play_line(&h, "PFADD k a b");
    h.ks.hooks.takes_writes = takes_none;
    cr_expect_str_eq(play_line(&h, "PFCOUNT k"), ":2\r\n");
    cr_expect_eq(h.dirty, 0);
    cr_expect_str_eq(play_line(&h, "BITFIELD_RO k GET u8 #15 GET u8 #8"), "*2\r\n:0\r\n:2\r\n");
    harness_end(&h);
}

Test(t_hyperloglog, an_output_queue_keeps_the_bytes_that_it_was_given)
{
    struct harness h;
    struct number_text digits;

    begin(&h);
    add(&h, "k", 1, 2000);
    struct key k = keyspace_key(&h.ks, STR("k"));
    struct blob *shown = blob_share(entry_outside(db_peek(h.db, k)));
    char before[12304];
    memcpy(before, blob_ptr(shown), sizeof(before));
    add(&h, "k", 3000, 2000);
    cr_expect_arr_eq(blob_ptr(shown), before, sizeof(before));
    cr_expect_neq(memcmp(db_string(db_peek(h.db, k), &digits).ptr, before, sizeof(before)), 0);
    blob_drop(&h.ks.account, shown);
    harness_end(&h);
}

Test(t_hyperloglog, the_engine_tests_itself)
{
    struct harness h;

    begin(&h);
    cr_expect_str_eq(play_line(&h, "PFSELFTEST"), "+OK\r\n");
    harness_end(&h);
}
