#include "cacheengine/proto/memcached_meta.h"
#include "memcached_fixture.h"

#include <criterion/criterion.h>

static struct mc_fixture f;

static void open_plain(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_meta, .init = open_plain, .fini = close_it);

static struct cmd_call call_of(struct str *argv, const char *line)
{
    struct cmd_call c = {.argv = argv, .ks = &f.engine.keyspace};

    c.argc = mc_split(str_of(line), argv);
    return c;
}

static const char *problem(const char *line)
{
    struct str argv[32];
    struct cmd_call c = call_of(argv, line);
    struct mc_meta m;

    return mc_meta_read(&c, 2, c.argc, &m);
}

static struct str decoded(struct arena *a, const char *line)
{
    struct str argv[32];
    struct cmd_call c = call_of(argv, line);

    mc_meta_decode_key(&c, a);
    return c.argv[1];
}

Test(memcached_meta, flags_are_read_with_their_values)
{
    struct str argv[32];
    struct cmd_call c = call_of(argv, "mg k q b v l u N30 T60 R10 C7 I MA F9 D5 J6");
    int64_t now_ms = f.engine.keyspace.now_ms;
    struct mc_meta m;

    cr_assert_null(mc_meta_read(&c, 2, c.argc, &m));
    cr_assert(m.is_quiet && m.has_encoded_key && m.wants_value && m.wants_last_use);
    cr_assert(m.leaves_age && m.vivifies && m.has_ttl && m.has_cas && m.spoils);
    cr_assert_eq(m.vivify_ms, now_ms + 30000);
    cr_assert_eq(m.deadline_ms, now_ms + 60000);
    cr_assert_eq(m.recache_ms, now_ms + 10000);
    cr_assert_eq(m.cas, 7);
    cr_assert_eq(m.mode, 'A');
    cr_assert_eq(m.flags, 9);
    cr_assert_eq(m.delta, 5);
    cr_assert_eq(m.initial, 6);
}

Test(memcached_meta, without_flags_nothing_is_asked_for)
{
    struct str argv[4];
    struct cmd_call c = call_of(argv, "ma k");
    struct mc_meta m;

    cr_assert_null(mc_meta_read(&c, 2, c.argc, &m));
    cr_assert_eq(m.delta, 1);
    cr_assert_eq(m.deadline_ms, NO_DEADLINE);
    cr_assert_eq(m.recache_ms, NO_DEADLINE);
    cr_assert_not(m.has_ttl || m.has_cas || m.vivifies);
}

Test(memcached_meta, unknown_and_double_flags_end_the_reading_and_of_wrong_values_the_last_is_told)
{
    cr_assert_str_eq(problem("mg k z"), "CLIENT_ERROR invalid flag");
    cr_assert_str_eq(problem("mg k v v"), "CLIENT_ERROR duplicate flag");
    cr_assert_str_eq(problem("mg k \xff"), "CLIENT_ERROR duplicate flag");
    cr_assert_str_eq(problem("mg k Tx z"), "CLIENT_ERROR invalid flag");
    cr_assert_str_eq(problem("mg k Tx"), "CLIENT_ERROR bad token in command line format");
    cr_assert_str_eq(problem("mg k Tx M"), "CLIENT_ERROR incorrect length for M token");
    cr_assert_str_eq(problem("mg k M Fx"), "CLIENT_ERROR incorrect length for M token");
    cr_assert_str_eq(problem("mg k Fx"), MC_BAD_FORMAT);
    cr_assert_str_eq(problem("mg k Jx"), "CLIENT_ERROR invalid numeric initial value");
    cr_assert_str_eq(problem("mg k Dx"), "CLIENT_ERROR invalid numeric delta value");
}

Test(memcached_meta, keys_in_base64_become_their_bytes)
{
    cr_assert(str_is(decoded(&f.arena, "mg Zm9v b"), "foo"));
    cr_assert(str_is(decoded(&f.arena, "mg Zm8= k b"), "fo"));
    cr_assert(str_is(decoded(&f.arena, "mg Zg== bx"), "f"));
    cr_assert(str_is(decoded(&f.arena, "mg Z-m9v b"), "foo"), "other bytes are passed over");
    cr_assert(str_is(decoded(&f.arena, "mg Zg==Zm9v b"), "f"), "it ends with the padding");
    cr_assert(str_is(decoded(&f.arena, "mg Zm9v k"), "Zm9v"));
    cr_assert(str_is(decoded(&f.arena, "me Zm9v b"), "foo"));
    cr_assert(str_is(decoded(&f.arena, "me Zm9v k b"), "Zm9v"), "me takes one flag");
    cr_assert_eq(decoded(&f.arena, "mg abc b").len, 0);
    cr_assert_eq(decoded(&f.arena, "mg a=== b").len, 0);
    cr_assert_eq(decoded(&f.arena, "mg ---- b").len, 0);
}

Test(memcached_meta, a_key_that_no_line_can_hold_is_shown_in_base64)
{
    char text[MC_META_LINE];

    *mc_meta_key(text, STR("foo"), false) = '\0';
    cr_assert_str_eq(text, " kfoo");
    *mc_meta_key(text, STR("foo"), true) = '\0';
    cr_assert_str_eq(text, " kZm9v b");
    *mc_meta_key(text, STR("a b"), false) = '\0';
    cr_assert_str_eq(text, " kYSBi b");
}

Test(memcached_meta, begun_seconds_count_whole)
{
    char text[32];

    cr_assert_eq(mc_seconds_left(10001, 9001), 1);
    cr_assert_eq(mc_seconds_left(10001, 9000), 2);
    cr_assert_eq(mc_seconds_left(10001, 10001), 0);
    cr_assert_eq(mc_seconds_left(MC_AT_ONCE, 10001), 0);
    *mc_meta_ttl(text, NO_DEADLINE, 5) = '\0';
    cr_assert_str_eq(text, " t-1");
}

Test(memcached_meta, errors_are_told_whatever_the_last_word)
{
    cr_assert_str_eq(mc_ask(&f, "ms k 3 noreply\r\nabc\r\nmn\r\n"),
                     "CLIENT_ERROR invalid flag\r\nMN\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k noreply\r\n"), "CLIENT_ERROR invalid flag\r\n");
    cr_assert_str_eq(mc_ask(&f, "ms k 1 q\r\nxx\r\n"), "CLIENT_ERROR bad data chunk\r\n"
                                                       "ERROR\r\n");
}
