#include "cacheengine/types/ahead.h"
#include "types_play.h"

#define BIG 200 /* members: more than a packed run takes */

static void begin(struct harness *h)
{
    char line[64];

    harness_begin(h);
    for (int i = 0; i < BIG; i++) {
        snprintf(line, sizeof(line), "HSET h field%d v", i);
        play_line(h, line);
        snprintf(line, sizeof(line), "SADD s member%d", i);
        play_line(h, line);
        snprintf(line, sizeof(line), "ZADD z %d member%d", i, i);
        play_line(h, line);
    }
    play_line(h, "HSET small a b");
    play_line(h, "SET text v");
}

/* For how many of `count` calls of this line members are asked for. */
static unsigned asked(struct harness *h, const char *line, uint32_t count)
{
    struct cmd_call calls[2 * TYPES_AHEAD_MAX];
    struct str argv[HARNESS_ARGS];
    uint32_t argc = play_words(line, argv);
    uint64_t hash = argc > 1 ? hash_bytes(&h->ks.seed, argv[1].ptr, argv[1].len) : 0;

    for (uint32_t i = 0; i < count; i++)
        calls[i] = (struct cmd_call){
            .cmd = command_find(argv[0].ptr, argv[0].len),
            .argv = argv,
            .argc = argc,
            .hashes = &hash,
            .key_first = 1,
            .key_step = 1,
            .key_count = argc > 1,
            .db = h->db,
            .ks = &h->ks,
        };
    return types_ask_ahead(calls, count);
}

Test(ahead, members_of_big_collections_are_asked_for)
{
    static const char *const lines[] = {
        "HGET h field1",   "HSET h field1 v field2 v", "HDEL h none",      "SADD s other",
        "SISMEMBER s 12",  "SMOVE s none member1",     "ZADD z 1 member1", "ZADD z NX GT 5 member7",
        "ZSCORE z member", "ZINCRBY z 2 member7",      "ZREM z member1",
    };
    struct harness h;

    begin(&h);
    for (size_t i = 0; i < countof(lines); i++)
        cr_expect_eq(asked(&h, lines[i], 1), 1, "%s", lines[i]);
    harness_end(&h);
}

Test(ahead, other_calls_are_left_alone)
{
    static const char *const lines[] = {
        "HGETALL h",  "SCARD s",  "GET text", "HGET small a", "HGET none a",    "HGET text a",
        "HGET s one", "SADD z a", "HGET",     "HGET h",       "NOSUCH h field", "PING",
    };
    /* Of the wrong type, yet big: what is asked for does no harm. */
    static const bool is_big[countof(lines)] = {[6] = true, [7] = true};
    struct harness h;

    begin(&h);
    for (size_t i = 0; i < countof(lines); i++)
        cr_expect_eq(asked(&h, lines[i], 1), is_big[i], "%s", lines[i]);
    harness_end(&h);
}

Test(ahead, very_many_calls_are_asked_for_in_part)
{
    struct harness h;

    begin(&h);
    cr_assert_eq(asked(&h, "HGET h field1", TYPES_AHEAD_MAX - 1), TYPES_AHEAD_MAX - 1);
    cr_assert_eq(asked(&h, "HGET h field1", TYPES_AHEAD_MAX + 5), TYPES_AHEAD_MAX);
    harness_end(&h);
}

Test(ahead, asking_is_no_access)
{
    struct harness h;

    begin(&h);
    struct key k = keyspace_key(&h.ks, STR("h"));
    uint32_t age = entry_age(db_peek(h.db, k));
    struct keyspace_stats before = h.ks.stats;
    keyspace_set_now(&h.ks, h.ks.now_ms + 90000);
    asked(&h, "HGET h field1", 3);
    asked(&h, "HGET none field1", 3);
    cr_expect_eq(entry_age(db_peek(h.db, k)), age);
    cr_expect_eq(h.ks.stats.hits, before.hits);
    cr_expect_eq(h.ks.stats.misses, before.misses);
    harness_end(&h);
}
