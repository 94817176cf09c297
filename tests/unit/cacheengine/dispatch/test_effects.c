/* What commands tell others to do: one row per rule. */
#include "cacheengine/dispatch/engine.h"
#include "dispatch_test.h"

/* A sink that writes down what it is given: "0:SET a 1|MULTI|..." */
struct record {
    struct effect_sink sink;
    char text[8192];
};

static void record_take(struct effect_sink *s, const struct effect *e)
{
    struct record *r = container_of(s, struct record, sink);
    char *to = r->text + strlen(r->text), *end = r->text + sizeof(r->text);

    if (e->db > 0)
        to += snprintf(to, (size_t)(end - to), "%d:", e->db);
    for (uint32_t i = 0; i < e->argc && to < end; i++)
        to += snprintf(to, (size_t)(end - to), "%.*s%s", STR_ARG(e->argv[i]),
                       i + 1 < e->argc ? " " : "|");
}

struct effects_test {
    struct resp_fixture f;
    struct record r;
};

static void begin(struct effects_test *t, const char *const *options)
{
    resp_open(&t->f, options);
    t->r = (struct record){
        .sink = {record_take, EFFECT_FOR_COPIES, NULL}
    };
    effect_sink_add(&t->f.engine.keyspace, &t->r.sink);
}

static void end(struct effects_test *t)
{
    resp_close(&t->f);
}

/* Moments relative to now, for what a line says and for what is told: "@5000" is now and 5 s. */
static const char *with_moments(const struct effects_test *t, const char *text, char *out)
{
    char *to = out;

    for (const char *at = text; *at;) {
        if (*at != '@') {
            *to++ = *at++;
            continue;
        }
        char *rest;
        long long ms = strtoll(at + 1, &rest, 10);
        to += sprintf(to, "%lld", (long long)t->f.engine.keyspace.now_ms + ms);
        at = rest;
    }
    *to = 0;
    return out;
}

/* Runs lines (parted by ';'), of which the last one's effect is compared. */
static void expect_told(struct effects_test *t, const char *lines, const char *told)
{
    char line[1024], expected[1024];
    const char *at = lines, *next;

    resp_ask(&t->f, "FLUSHALL");
    do {
        next = strchr(at, ';');
        size_t len = next ? (size_t)(next - at) : strlen(at);
        char one[1024];

        memcpy(one, at, len);
        one[len] = 0;
        t->r.text[0] = 0;
        resp_ask(&t->f, with_moments(t, one, line));
        at = next + 1;
    } while (next);
    cr_expect_str_eq(t->r.text, with_moments(t, told, expected), "%s: %s", lines, t->r.text);
}

static const struct {
    const char *lines, *told;
} rules[] = {
  /* own words, as they came */
    {"set a 1",                                      "set a 1|"                         },
    {"SeT a 1 nX",                                   "SeT a 1 nX|"                      },
    {"SET a 1;SET a 2 NX",                           ""                                 },
    {"GET a",                                        ""                                 },
    {"SET a 1;DEL a b",                              "DEL a b|"                         },
    {"DEL a",                                        ""                                 },
    {"LPUSH l a b;LPOP l 5",                         "LPOP l 5|"                        },
    {"ZADD z 1 a;ZPOPMIN z",                         "ZPOPMIN z|"                       },
    {"RPUSH l 2 1;SORT l STORE to",                  "SORT l STORE to|"                 },
    {"SET a 1;COPY a b DB 3",                        "COPY a b DB 3|"                   },
    {"SET a 1;MOVE a 3",                             "MOVE a 3|"                        },
    {"SET a 1;SWAPDB 0 1",                           "SWAPDB 0 1|"                      },
    {"SET a 1;RENAME a b",                           "RENAME a b|"                      },
    {"FLUSHALL ASYNC",                               "FLUSHALL ASYNC|"                  },
    {"FLUSHDB",                                      "FLUSHDB|"                         },
    {"LPUSH l a",                                    "LPUSH l a|"                       },
    {"INCR a",                                       "INCR a|"                          },
    {"SADD s a;SINTERSTORE to s",                    "SINTERSTORE to s|"                },
    {"SINTERSTORE to s",                             ""                                 },

 /* ends as moments */
    {"SET a 1 EX 10",                                "SET a 1 PXAT @10000|"             },
    {"SET a 1 NX PX 10 GET",                         "SET a 1 PXAT @10|"                },
    {"SET a 1 EXAT 33177117420",                     "SET a 1 PXAT 33177117420000|"     },
    {"SET a 1 PXAT @5 GET",                          "SET a 1 PXAT @5 GET|"             },
    {"SET a 1 KEEPTTL",                              "SET a 1 KEEPTTL|"                 },
    {"SET a 1 GET",                                  "SET a 1|"                         },
    {"SET get get get GeT keepttl",                  "SET get get keepttl|"             },
    {"SETEX a 10 1",                                 "SET a 1 PXAT @10000|"             },
    {"PSETEX a 10 1",                                "SET a 1 PXAT @10|"                },
    {"SET a 1;EXPIRE a 10",                          "PEXPIREAT a @10000|"              },
    {"SET a 1;PEXPIRE a 10 NX",                      "PEXPIREAT a @10 NX|"              },
    {"SET a 1;EXPIREAT a 33177117420",               "PEXPIREAT a 33177117420000|"      },
    {"SET a 1;pexpireat a @10",                      "pexpireat a @10|"                 },
    {"SET a 1;EXPIRE a 0",                           "DEL a|"                           },
    {"SET a 1;PEXPIREAT a 1",                        "DEL a|"                           },
    {"SET a 1;EXPIRE a 1 XX",                        ""                                 },
    {"SET a 1;GETEX a EX 10",                        "PEXPIREAT a @10000|"              },
    {"SET a 1;GETEX a PXAT 1",                       "DEL a|"                           },
    {"SET a 1 EX 10;GETEX a PERSIST",                "PERSIST a|"                       },
    {"SET a 1;GETEX a PERSIST",                      ""                                 },
    {"SET a 1;GETEX a",                              ""                                 },

 /* what was found there, or computed */
    {"SET a 1;GETDEL a",                             "DEL a|"                           },
    {"SET a 1;GETSET a 2",                           "SET a 2|"                         },
    {"SET a 1;INCRBYFLOAT a 0.5",                    "SET a 1.5 KEEPTTL|"               },
    {"HINCRBYFLOAT h f 1.5",                         "HSET h f 1.5|"                    },
    {"SADD s 1;SPOP s",                              "SREM s 1|"                        },
    {"SADD s a b;SPOP s 2",                          "DEL s|"                           },
    {"SPOP s",                                       ""                                 },
    {"LPUSH l a b c;LMPOP 2 x l LEFT COUNT 9",       "LPOP l 3|"                        },
    {"LPUSH l a b c;LMPOP 2 x l RIGHT",              "RPOP l 1|"                        },
    {"LPUSH l a b c;BLMPOP 0 2 x l RIGHT COUNT 2",   "RPOP l 2|"                        },
    {"LPUSH l a;BLPOP x l 0",                        "LPOP l|"                          },
    {"LPUSH l a;BRPOP x l 0",                        "RPOP l|"                          },
    {"LPUSH l a;BLMOVE l to LEFT right 0",           "LMOVE l to LEFT right|"           },
    {"LPUSH l a;BRPOPLPUSH l to 0",                  "RPOPLPUSH l to|"                  },
    {"LPUSH l a;SET to 1;BRPOPLPUSH l to 0",         ""                                 },
    {"ZADD z 1 a 2 b;ZMPOP 2 x z MAX COUNT 9",       "ZPOPMAX z 2|"                     },
    {"ZADD z 1 a 2 b;BZMPOP 0 2 x z MIN",            "ZPOPMIN z 1|"                     },
    {"ZADD z 1 a;BZPOPMIN x z 0",                    "ZPOPMIN z|"                       },
    {"ZADD z 1 a;BZPOPMAX x z 0",                    "ZPOPMAX z|"                       },

 /* transactions */
    {"MULTI;SET a 1;EXEC",                           "SET a 1|"                         },
    {"MULTI;GET a;EXEC",                             ""                                 },
    {"MULTI;SET a 1 PX 5;GET a;GETDEL a;EXEC",       "MULTI|SET a 1 PXAT @5|DEL a|EXEC|"},
    {"MULTI;SET a 1;SELECT 2;SET b 1;SELECT 0;EXEC", "MULTI|SET a 1|2:SET b 1|EXEC|"    },
    {"SET a 1;WATCH a;SET a 2;MULTI;SET a 3;EXEC",   ""                                 },
};

Test(effects, every_rule_of_what_is_told)
{
    struct effects_test *t = calloc(1, sizeof(*t));

    begin(t, NULL);
    for (size_t i = 0; i < countof(rules); i++)
        expect_told(t, rules[i].lines, rules[i].told);
    end(t);
    free(t);
}

Test(effects, keys_that_go_lazily_are_unlinked)
{
    static const char *const options[] = {"lazyfree-lazy-expire yes",
                                          "lazyfree-lazy-server-del yes",
                                          "lazyfree-lazy-user-del yes", NULL};
    struct effects_test *t = calloc(1, sizeof(*t));

    begin(t, options);
    expect_told(t, "SET a 1;EXPIRE a 0", "UNLINK a|");
    expect_told(t, "SET a 1;GETEX a EXAT 1", "UNLINK a|");
    expect_told(t, "SADD s a b;SPOP s 2", "UNLINK s|");
    expect_told(t, "SET a 1;GETDEL a", "DEL a|");
    expect_told(t, "SET a 1;DEL a", "DEL a|");
    end(t);
    free(t);
}

Test(effects, a_key_that_has_expired_goes_before_what_comes_in_its_place)
{
    struct effects_test *t = calloc(1, sizeof(*t));

    begin(t, NULL);
    resp_ask(&t->f, "SET a 1 PX 5");
    resp_ask(&t->f, "SET b 1 PX 5");
    resp_advance(&t->f, 10);
    t->r.text[0] = 0;
    resp_ask(&t->f, "GET a");
    resp_ask(&t->f, "APPEND b x");
    cr_expect_str_eq(t->r.text, "DEL a|MULTI|DEL b|APPEND b x|EXEC|");
    end(t);
    free(t);
}

Test(effects, many_members_popped_are_told_in_batches_of_one_transaction)
{
    struct effects_test *t = calloc(1, sizeof(*t));
    char line[64];

    begin(t, NULL);
    for (int i = 0; i < 1100; i++) {
        snprintf(line, sizeof(line), "SADD s %d", i);
        t->r.text[0] = 0;
        resp_ask(&t->f, line);
    }
    t->r.text[0] = 0;
    resp_ask(&t->f, "SPOP s 1030");
    cr_expect_eq(strncmp(t->r.text, "MULTI|SREM s ", 13), 0);
    size_t words = 0;
    for (const char *at = t->r.text; *at; at++)
        words += *at == ' ' || *at == '|';
    /* MULTI, twice SREM and the key, the members, EXEC. */
    cr_expect_eq(words, 1 + 4 + 1030 + 1);
    cr_expect_str_eq(t->r.text + strlen(t->r.text) - 6, "|EXEC|");
    end(t);
    free(t);
}

Test(effects, restored_values_end_at_a_moment)
{
    struct effects_test *t = calloc(1, sizeof(*t));
    /* The number 1, version 9. */
    static const char payload[] = "\"\\x00\\xc0\\x01\\t\\x00\\xf6\\x8a\\xb6z\\x85\\x87rM\"";
    char line[256];

    begin(t, NULL);
    snprintf(line, sizeof(line), "RESTORE a 5000 %s", payload);
    cr_assert_str_eq(resp_ask(&t->f, line), "+OK\r\n");
    char *ttl = strstr(t->r.text, "RESTORE a ");
    cr_assert(ttl);
    cr_expect_eq(strtoll(ttl + 10, NULL, 10), t->f.engine.keyspace.now_ms + 5000);
    t->r.text[0] = 0;
    snprintf(line, sizeof(line), "RESTORE a 1 %s ABSTTL REPLACE", payload);
    cr_assert_str_eq(resp_ask(&t->f, line), "+OK\r\n");
    cr_expect_str_eq(t->r.text, "DEL a|");
    end(t);
    free(t);
}

Test(effects, what_a_waiting_client_gets_is_told_as_taken_by_it)
{
    struct effects_test *t = calloc(1, sizeof(*t));
    struct resp_client waiter;

    begin(t, NULL);
    resp_client_open(&t->f, &waiter, false);
    resp_ask_of(&t->f, &waiter, "BLPOP l 0");
    cr_expect_str_eq(t->r.text, "");
    resp_ask(&t->f, "MULTI");
    resp_ask(&t->f, "RPUSH l a");
    resp_ask(&t->f, "RPUSH l b");
    resp_ask(&t->f, "EXEC");
    cr_expect_str_eq(t->r.text, "MULTI|RPUSH l a|RPUSH l b|EXEC|LPOP l|");
    resp_client_close(&t->f, &waiter);
    end(t);
    free(t);
}

Test(effects, scans_that_meet_expired_keys_tell_each_for_itself)
{
    struct effects_test *t = calloc(1, sizeof(*t));

    begin(t, NULL);
    resp_ask(&t->f, "SET a 1 PX 5");
    resp_ask(&t->f, "SET b 1 PX 5");
    resp_advance(&t->f, 10);
    t->r.text[0] = 0;
    says(&t->f, "RANDOMKEY", "$-1\r\n");
    cr_expect(!strcmp(t->r.text, "DEL a|DEL b|") || !strcmp(t->r.text, "DEL b|DEL a|"), "%s",
              t->r.text);
    end(t);
    free(t);
}

Test(effects, a_script_tells_what_it_did_as_one_transaction)
{
    struct effects_test t;

    begin(&t, NULL);
    resp_ask(&t.f, "EVAL \"redis.call('set', 'a', 1) return redis.call('incr', 'a')\" 0");
    cr_assert_str_eq(t.r.text, "MULTI|set a 1|incr a|EXEC|");
    t.r.text[0] = 0;
    resp_ask(&t.f, "EVAL \"redis.call('get', 'a') return redis.call('spop', 's')\" 0");
    cr_assert_str_eq(t.r.text, "");
    resp_ask(&t.f, "EVAL \"redis.call('select', 2) redis.call('set', 'b', 1)\" 0");
    cr_assert_str_eq(t.r.text, "2:set b 1|");
    t.r.text[0] = 0;
    resp_ask(&t.f, "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() end)\"");
    cr_assert(strncmp(t.r.text, "FUNCTION LOAD #!lua name=l", 26) == 0, "%s", t.r.text);
    end(&t);
}

Test(effects, a_script_may_keep_what_it_does_to_itself)
{
    struct effects_test t;

    begin(&t, NULL);
    resp_ask(&t.f, "EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set', 'a', 1) "
                   "redis.set_repl(redis.REPL_ALL) redis.call('set', 'b', 1)\" 0");
    cr_assert_str_eq(t.r.text, "set b 1|");
    t.r.text[0] = 0;
    resp_ask(&t.f, "SET c 1");
    cr_assert_str_eq(t.r.text, "SET c 1|");
    t.r.text[0] = 0;
    t.r.sink.audience = EFFECT_FOR_FILE;
    resp_ask(&t.f, "EVAL \"redis.set_repl(redis.REPL_REPLICA) redis.call('set', 'a', 1)\" 0");
    cr_assert_str_eq(t.r.text, "");
    resp_ask(&t.f, "EVAL \"redis.set_repl(redis.REPL_AOF) redis.call('set', 'a', 1)\" 0");
    cr_assert_str_eq(t.r.text, "set a 1|");
    end(&t);
}

/* Makes the sink one of who takes slots over. */
static void listen_for_slots(struct effects_test *t)
{
    effect_sink_remove(&t->f.engine.keyspace, &t->r.sink);
    t->r.sink.audience = EFFECT_FOR_SLOTS;
    effect_sink_add(&t->f.engine.keyspace, &t->r.sink);
    t->r.text[0] = 0;
}

Test(effects, who_takes_slots_over_is_told_what_scripts_keep_to_themselves)
{
    struct effects_test t;

    begin(&t, NULL);
    listen_for_slots(&t);
    resp_ask(&t.f, "EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set', 'a', 1)\" 0");
    cr_assert_str_eq(t.r.text, "set a 1|");
    end(&t);
}

Test(effects, who_takes_slots_over_is_told_of_consumers_as_they_are)
{
    struct effects_test t;

    begin(&t, NULL);
    resp_ask(&t.f, "XADD s 1-1 f v");
    resp_ask(&t.f, "XADD s 2-1 f v");
    resp_ask(&t.f, "XGROUP CREATE s g 0");
    listen_for_slots(&t);
    keyspace_set_now(&t.f.engine.keyspace, 5000);
    resp_ask(&t.f, "XREADGROUP GROUP g c COUNT 1 STREAMS s >");
    cr_expect_str_eq(t.r.text, "MULTI|LARDER.CONSUMER s g c 5000 -1|"
                               "LARDER.CONSUMER s g c 5000 5000 1-1 5000 1|"
                               "XGROUP SETID s g 1-1 ENTRIESREAD 1|EXEC|");
    t.r.text[0] = 0;
    keyspace_set_now(&t.f.engine.keyspace, 6000);
    resp_ask(&t.f, "XREADGROUP GROUP g c STREAMS s 0");
    cr_expect_str_eq(t.r.text, "MULTI|LARDER.CONSUMER s g c 6000 5000|"
                               "LARDER.CONSUMER s g c 6000 5000 1-1 6000 2|EXEC|");
    resp_ask(&t.f, "XDEL s 1-1");
    t.r.text[0] = 0;
    resp_ask(&t.f, "XAUTOCLAIM s g c 0 0");
    cr_expect_str_eq(t.r.text, "MULTI|LARDER.CONSUMER s g c 6000 5000|XACK s g 1-1|EXEC|");
    end(&t);
}

Test(effects, valkey_8_does_not_set_what_is_past)
{
    static const char *const options[] = {"larder-engine-name valkey",
                                          "larder-engine-version 8.0.1", "lazyfree-lazy-expire yes",
                                          NULL};
    struct effects_test t;

    begin(&t, options);
    expect_told(&t, "SET a 1;SET a 2 PXAT 1", "UNLINK a|");
    expect_told(&t, "SET a 1;SET a 2 EXAT 1 GET", "UNLINK a|");
    expect_told(&t, "SET a 2 PXAT 1", "");
    says(&t.f, "SET a 1", "+OK\r\n");
    says(&t.f, "SET a 2 NX PXAT 1", "$-1\r\n");
    says(&t.f, "SET a 2 EXAT 1 GET", "$1\r\n1\r\n");
    says(&t.f, "DEBUG OBJECT a", "-ERR no such key\r\n");
    says(&t.f, "CONFIG SET lazyfree-lazy-expire no", "+OK\r\n");
    expect_told(&t, "SET a 1;SET a 2 PXAT 1", "DEL a|");
    end(&t);
}

Test(effects, others_set_it_and_let_it_expire)
{
    struct effects_test t;

    begin(&t, NULL);
    expect_told(&t, "SET a 2 PXAT 1", "SET a 2 PXAT 1|");
    end(&t);
}
