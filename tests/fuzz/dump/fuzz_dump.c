/*
 * RESTORE of anything, with the right version and checksum behind it. What is accepted is read and
 * written to by every command of its type, and what is dumped of it must be restored. An input that
 * begins with an odd byte is a payload as it stands; others are programs for build_value.
 */
#include "../../unit/cacheengine/types/types_harness.h"
#include "base/err.h"
#include "build.h"
#include "cacheengine/keyspace/crc64.h"
#include "contract/command_procs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(struct buf *payload)
{
    uint64_t sum;

    buf_add(payload, "\x0b\0", 2);
    sum = crc64(0, payload->ptr, payload->len);
    buf_add(payload, &sum, sizeof(sum));
}

static bool restore(struct harness *h, const char *key, struct str payload)
{
    struct str argv[5] = {STR("RESTORE"), str_of(key), STR("0"), payload, STR("REPLACE")};

    harness_run(h, cmd_restore, argv, 5);
    return h->said.ptr[0] == '+';
}

/* The payload of a key, in `out`. */
static void dump(struct harness *h, const char *key, struct buf *out)
{
    struct str argv[2] = {STR("DUMP"), str_of(key)};

    harness_run(h, cmd_dump, argv, 2);
    struct str said = buf_str(&h->said);
    check(said.ptr[0] == '$');
    str_cut(&said, '\n');
    buf_clear(out);
    buf_add(out, said.ptr, said.len - 2);
}

struct step {
    void (*run)(struct cmd_call *c);
    const char *line;
};

/* Those of other types say WRONGTYPE, which does no harm. */
static const struct step steps[] = {
    {cmd_get,              "GET k"                      },
    {cmd_strlen,           "STRLEN k"                   },
    {cmd_append,           "APPEND k more"              },
    {cmd_getrange,         "GETRANGE k 1 -2"            },
    {cmd_hgetall,          "HGETALL k"                  },
    {cmd_hlen,             "HLEN k"                     },
    {cmd_hrandfield,       "HRANDFIELD k -5 WITHVALUES" },
    {cmd_hset,             "HSET k 5 x new y l z"       },
    {cmd_hexpire,          "HEXPIRE k 1 FIELDS 2 5 a"   },
    {cmd_hpexpiretime,     "HPEXPIRETIME k FIELDS 2 5 a"},
    {cmd_hgetex,           "HGETEX k PERSIST FIELDS 1 a"},
    {cmd_hdel,             "HDEL k 5 0 1 new"           },
    {cmd_hscan,            "HSCAN k 0 COUNT 1000"       },
    {cmd_smembers,         "SMEMBERS k"                 },
    {cmd_srandmember,      "SRANDMEMBER k 5"            },
    {cmd_sadd,             "SADD k 5 new 70000 -1"      },
    {cmd_srem,             "SREM k 0 1 2 3 new"         },
    {cmd_spop,             "SPOP k"                     },
    {cmd_sscan,            "SSCAN k 0 COUNT 1000"       },
    {cmd_zrange,           "ZRANGE k 0 -1 WITHSCORES"   },
    {cmd_zrevrange,        "ZREVRANGE k 0 -1"           },
    {cmd_zrangebyscore,    "ZRANGEBYSCORE k -inf 5"     },
    {cmd_zrank,            "ZRANK k 5"                  },
    {cmd_zadd,             "ZADD k 1 5 2.5 new -inf l"  },
    {cmd_zrem,             "ZREM k 0 1 2 new"           },
    {cmd_zpopmin,          "ZPOPMIN k"                  },
    {cmd_zscan,            "ZSCAN k 0 COUNT 1000"       },
    {cmd_zremrangebyscore, "ZREMRANGEBYSCORE k 0 3"     },
    {cmd_object_encoding,  "OBJECT ENCODING k"          },
    {cmd_type,             "TYPE k"                     },
    {cmd_copy,             "COPY k other REPLACE"       },
    {cmd_rename,           "RENAME other k"             },
};

static void play(struct harness *h, const struct step *step)
{
    struct str argv[HARNESS_ARGS], rest = str_of(step->line);
    uint32_t argc = 0;

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    harness_run(h, step->run, argv, argc);
}

/* How many elements a key has: the answers of all who can say it, one behind the other. */
static void count(struct harness *h, const char *key, struct buf *out)
{
    static void (*const counts[])(struct cmd_call * c) = {cmd_strlen, cmd_hlen, cmd_scard,
                                                          cmd_zcard};

    buf_clear(out);
    for (size_t i = 0; i < countof(counts); i++) {
        struct str argv[2] = {STR("HLEN"), str_of(key)};

        harness_run(h, counts[i], argv, 2);
        buf_add_str(out, buf_str(&h->said));
    }
}

static void check_same_count(struct harness *h, const char *a, const char *b)
{
    struct buf one = BUF_EMPTY, two = BUF_EMPTY;

    count(h, a, &one);
    count(h, b, &two);
    check(str_eq(buf_str(&one), buf_str(&two)));
    buf_fini(&one);
    buf_fini(&two);
}

/* What is dumped can be restored with as many elements; what was restored once has its final form.
 */
static void goes_round(struct harness *h)
{
    struct buf one = BUF_EMPTY, two = BUF_EMPTY;

    /* Fields that have ended go when the hash is opened, and it with them. */
    count(h, "k", &one);
    if (!db_peek(h->db, keyspace_key(&h->ks, STR("k")))) {
        buf_fini(&one);
        return;
    }
    dump(h, "k", &one);
    check(restore(h, "again", buf_str(&one)));
    check_same_count(h, "k", "again");
    dump(h, "again", &one);
    check(restore(h, "final", buf_str(&one)));
    check_same_count(h, "k", "final");
    dump(h, "final", &two);
    check(one.ptr[0] == two.ptr[0]);
    buf_fini(&one);
    buf_fini(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf payload = BUF_EMPTY;
    struct harness h;

    if (size < 2 || size > 65536)
        return 0;
    harness_begin(&h);
    if (data[0] % 2)
        buf_add(&payload, data + 1, size - 1);
    else
        build_value(data + 1, size - 1, &payload);
    seal(&payload);
    if (restore(&h, "k", buf_str(&payload))) {
        goes_round(&h);
        for (size_t i = 0; i < countof(steps); i++)
            play(&h, &steps[i]);
        goes_round(&h);
    }
    buf_fini(&payload);
    harness_end(&h);
    return 0;
}
