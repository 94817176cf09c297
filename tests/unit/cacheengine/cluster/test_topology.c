#include "cluster_fixture.h"

Test(topology, words_become_shards_and_nodes)
{
    scoped(arena_fini) struct arena a = {0};
    struct topology *t = NULL;
    struct slot_set slots;

    cr_assert_not(err_failed(parse_text(
        &a, "7 #1 " TWO_SHARDS " MIGRATION 5,7-9 #a #b READ 8191-8192 #b KEEP 3-4 KEEP 9", &t)));
    cr_assert(t->epoch == 7 && t->shard_count == 2 && t->node_count == 3);
    cr_assert_eq(t->assigned_count, SLOT_COUNT);
    cr_assert(t->owner[0] == 0 && t->owner[8191] == 0 && t->owner[8192] == 1);
    cr_assert_str_eq(topology_self(t)->hostname, "one.cache");
    cr_assert_eq(topology_own_shard(t), 0);
    cr_assert_str_eq(topology_primary(t, 1)->ip, "::1");
    cr_assert_eq(topology_primary(t, 1)->tls_port, 8003);
    cr_assert_not(t->nodes[1].is_primary);
    cr_assert(t->next_owner[5] == 1 && t->next_owner[6] == NO_SHARD && t->next_owner[9] == 1);
    cr_assert(t->reader[8190] == NO_SHARD && t->reader[8191] == 1 && t->reader[8192] == 1);
    cr_assert(slot_set_count(&t->kept) == 3 && slot_set_has(&t->kept, 9));
    topology_slots(t, 1, &slots);
    cr_assert_eq(slot_set_count(&slots), 8192);
    cr_assert(topology_is_up(t, true));
}

Test(topology, nonsense_is_refused_with_the_place_and_the_reason)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"",                                                                                          "the epoch"                    },
        {"1",                                                                                         "the epoch"                    },
        {"0 #1 " TWO_SHARDS,                                                                          "from 1 on"                    },
        {"-1 #1 " TWO_SHARDS,                                                                         "from 1 on"                    },
        {"99999999999999999999 #1 " TWO_SHARDS,                                                       "from 1 on"                    },
        {"1 xyz " TWO_SHARDS,                                                                         "digits"                       },
        {"1 #9 " TWO_SHARDS,                                                                          "is not there"                 },
        {"1 #1 nonsense",                                                                             "MIGRATION, READ or KEEP"      },
        {"1 #1 " TWO_SHARDS " READ 5",                                                                "slots to be read, and a shard"},
        {"1 #1 " TWO_SHARDS " READ 5 #c",                                                             "no such shard"                },
        {"1 #1 " TWO_SHARDS " KEEP",                                                                  "the slots to be kept"         },
        {"1 #1 " TWO_SHARDS " KEEP 9-7",                                                              "end before they begin"        },
        {"1 #1 SHARD",                                                                                "a shard's id"                 },
        {"1 #1 SHARD #a",                                                                             "a shard's id"                 },
        {"1 #1 SHARD #a 0-16384",                                                                     "slots are numbers"            },
        {"1 #1 SHARD #a 5-",                                                                          "slots are numbers"            },
        {"1 #1 SHARD #a ,",                                                                           "slots are numbers"            },
        {"1 #1 SHARD #a 1,",                                                                          "slots are numbers"            },
        {"1 #1 SHARD #a 9-7",                                                                         "end before they begin"        },
        {"1 #1 SHARD #a 1,1",                                                                         "is there twice"               },
        {"1 #1 SHARD #a 1 NODE",                                                                      "a node's id"                  },
        {"1 #1 NODE #1 primary 1.1.1.1 1 0 - online",                                                 "behind its shard"             },
        {"1 #1 SHARD #a - NODE #1 master 1.1.1.1 1 0 - online",                                       "'primary' or 'replica'"       },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1 1 0 - online",                                        "no address"                   },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1.1 65536 0 - online",                                  "0 to 65535"                   },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1.1 0 0 - online",                                      "no port"                      },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1.1 1 0 a/b online",                                    "hostname"                     },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1.1 1 0 - dead",                                        "'online', 'loading' or 'fail'"},
        {"1 #1 SHARD #a - NODE #1 replica 1.1.1.1 1 0 - online",                                      "has no primary"               },
        {"1 #1 SHARD #a -",                                                                           "has no primary"               },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1.1 1 0 - online NODE #2 primary 1.1.1.1 2 0 - online",
         "a primary already"                                                                                                         },
        {"1 #1 SHARD #a - NODE #1 primary 1.1.1.1 1 0 - online NODE #1 replica 1.1.1.1 2 0 - online",
         "node 1111111111111111111111111111111111111111 is there twice"                                                              },
        {"1 #1 " TWO_SHARDS " SHARD #a - NODE #4 primary 1.1.1.1 4 0 - online",                       "shard aaaa"                   },
        {"1 #1 " TWO_SHARDS " SHARD #c 5 NODE #4 primary 1.1.1.1 4 0 - online",
         "slot 5 has a shard already"                                                                                                },
        {"1 #1 " TWO_SHARDS " MIGRATION 5 #a",                                                        "a migration's slots"          },
        {"1 #1 " TWO_SHARDS " MIGRATION 5 #a #c",                                                     "no such shard"                },
        {"1 #1 " TWO_SHARDS " MIGRATION 5 #a #a",                                                     "another shard only"           },
        {"1 #1 " TWO_SHARDS " MIGRATION 9000 #a #b",                                                  "is not of that shard"         },
        {"1 #1 " TWO_SHARDS " MIGRATION 5 #a #b MIGRATION 5 #a #b",                                   "moves already"                },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct topology *t = NULL;
        struct err e = parse_text(&a, rows[i].text, &t);

        cr_assert(err_is(e, ERR_INVALID), "%s", rows[i].text);
        cr_assert(strstr(e.why, rows[i].part), "%s: %s", rows[i].text, e.why);
        cr_assert_null(t);
    }
}

Test(topology, a_cluster_serves_when_all_slots_are_or_when_that_is_not_asked_for)
{
    scoped(arena_fini) struct arena a = {0};
    struct topology *t;

    cr_assert_not(
        err_failed(parse_text(&a, "1 #1 SHARD #a 0-99 NODE #1 primary 1.1.1.1 1 0 - online", &t)));
    cr_assert_not(topology_is_up(t, true));
    cr_assert(topology_is_up(t, false));
    cr_assert_not(
        err_failed(parse_text(&a, "1 #1 SHARD #a 0-16383 NODE #1 primary 1.1.1.1 1 0 - fail", &t)));
    cr_assert_not(topology_is_up(t, true));
    t = topology_alone(&a, "1111111111111111111111111111111111111111",
                       "2222222222222222222222222222222222222222");
    cr_assert_not(topology_is_up(t, false));
    cr_assert(topology_node_find(t, STR("1111111111111111111111111111111111111111")));
    cr_assert_null(topology_node_find(t, STR("1")));
}
