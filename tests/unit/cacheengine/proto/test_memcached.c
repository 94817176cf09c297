#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>

static struct mc_fixture f;

static void open_plain(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached, .init = open_plain, .fini = close_it);

Test(memcached, requests_are_answered_in_their_order)
{
    cr_assert_str_eq(
        mc_ask(&f, "set k 1 0 3\r\nabc\r\nget k none\r\nversion\r\nnosuch\r\ndelete k\r\n"),
        "STORED\r\nVALUE k 1 3\r\nabc\r\nEND\r\nVERSION 1.6.18\r\nERROR\r\nDELETED\r\n");
}

Test(memcached, a_request_may_be_cut_anywhere)
{
    static const char text[] = "set k 1 0 5\r\na\r\nbc\r\nget k\r\nincr k 1\r\n";
    struct buf got = BUF_EMPTY;

    for (size_t i = 0; i + 1 < sizeof(text); i++)
        buf_puts(&got, mc_ask_bytes(&f, text + i, 1));
    cr_assert_str_eq(buf_cstr(&got),
                     "STORED\r\nVALUE k 1 5\r\na\r\nbc\r\nEND\r\n"
                     "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    buf_fini(&got);
}

Test(memcached, a_block_of_the_wrong_length_is_no_value)
{
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 3\r\nabcde\r\nget k\r\n"),
                     "CLIENT_ERROR bad data chunk\r\nERROR\r\nEND\r\n");
}

Test(memcached, a_value_that_is_too_large_is_skipped_as_it_comes)
{
    char piece[10000];

    memset(piece, 'x', sizeof(piece));
    mc_ask(&f, "set k 0 0 1\r\na\r\n");
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 2000000\r\n"),
                     "SERVER_ERROR object too large for cache\r\n");
    for (int i = 0; i < 200; i++)
        cr_assert_str_eq(mc_ask_bytes(&f, piece, sizeof(piece)), "");
    cr_assert_eq(f.in.len, 0, "nothing of it is kept");
    cr_assert_str_eq(mc_ask(&f, "\r\nget k\r\n"), "END\r\n");
}

Test(memcached, a_line_without_end_closes_the_connection_but_a_long_get_does_not)
{
    char text[5000];

    memset(text, 'k', sizeof(text));
    memcpy(text, "get ", 4);
    cr_assert_str_eq(mc_ask_bytes(&f, text, sizeof(text)), "");
    cr_assert_not(f.client.is_closing);
    cr_assert_str_eq(mc_ask(&f, "\r\n"), "CLIENT_ERROR bad command line format\r\n");
    text[0] = 'G';
    cr_assert_str_eq(mc_ask_bytes(&f, text, sizeof(text)), "");
    cr_assert(f.client.is_closing);
}

Test(memcached, the_keys_of_a_request_are_hashed_by_the_parser)
{
    struct parse_room room = {.arena = &f.arena};
    struct cmd_call call = {.client = &f.client,
                            .engine = &f.engine,
                            .ks = &f.engine.keyspace,
                            .db = &f.engine.keyspace.dbs[0]};
    size_t used = 0;

    cr_assert_eq(protocol_memcached.parse(&f.client, &f.engine, &f.state, STR("gat 5 a bc\r\n"),
                                          &room, &call, &used),
                 PARSE_CALL);
    cr_assert_eq(used, strlen("gat 5 a bc\r\n"));
    cr_assert_eq(call.key_first, 2);
    cr_assert_eq(call.key_count, 2);
    cr_assert_eq(call.hashes[1], hash_bytes(&f.engine.keyspace.seed, "bc", 2));
}

Test(memcached, quit_closes_without_a_word)
{
    cr_assert_str_eq(mc_ask(&f, "quit\r\nversion\r\n"), "");
    cr_assert(f.client.is_closing);
}

Test(memcached, who_loads_something_counts_cas_numbers_from_the_present_moment_on)
{
    static const char *const seeded[] = {"larder-seed-files seed.rdb", NULL};

    mc_close(&f);
    mc_open(&f, seeded);
    mc_ask(&f, "set k 0 0 1\r\nv\r\n");
    const char *said = mc_ask(&f, "gets k\r\n");
    cr_assert_gt(strtoull(said + strlen("VALUE k 0 1 "), NULL, 10), 1700000000000000ULL);
}

Test(memcached, clients_of_a_serverless_cache_lack_what_sets_the_engine_or_shows_its_inside)
{
    static const char *const lines[] = {
        "me k\r\n",
        "watch\r\n",
        "slabs automove 1\r\n",
        "lru mode flat\r\n",
        "lru_crawler enable\r\n",
        "refresh_certs\r\n",
        "debugtime p\r\n",
        "verbosity 1\r\n",
        "verbosity 1 noreply\r\n",
        "cache_memlimit 64\r\n",
        "shutdown\r\n",
    };

    f.engine.settings.is_serverless = true;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        cr_assert_str_eq(mc_ask(&f, lines[i]), "ERROR\r\n", "%s", lines[i]);
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 1\r\nv\r\nmg k v\r\nversion\r\n"),
                     "STORED\r\nVA 1\r\nv\r\nVERSION 1.6.18\r\n");
    f.client.is_admin = true;
    cr_assert_str_eq(mc_ask(&f, "verbosity 1\r\n"), "OK\r\n", "the owner has all of it");
}

/* A get of `len` bytes with its end, whose last key is "k"; in pieces of `step`. */
static const char *ask_long(size_t len, size_t step)
{
    static char text[40000], said[4096];

    memset(text, 'x', len);
    memcpy(text, "get ", 4);
    for (size_t i = 100; i < len - 4; i += 100)
        text[i] = ' ';
    memcpy(text + len - 4, " k\r\n", 4);
    said[0] = '\0';
    for (size_t at = 0; at < len; at += step)
        strncat(said, mc_ask_bytes(&f, text + at, len - at < step ? len - at : step),
                sizeof(said) - strlen(said) - 1);
    return said;
}

Test(memcached, a_line_of_a_serverless_cache_has_16_kb_and_a_longer_one_is_passed_over)
{
    static const char found[] = "VALUE k 0 1\r\nv\r\nEND\r\n";
    static const char refused[] = "CLIENT_ERROR line of more than 16 KB\r\n";
    static const size_t steps[] = {40000, 16384, 16383, 1000};

    mc_ask(&f, "set k 0 0 1\r\nv\r\n");
    cr_assert_str_eq(ask_long(16385, 40000), found, "others may");
    f.engine.settings.is_serverless = true;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        cr_assert_str_eq(ask_long(16384, steps[i]), found, "%zu", steps[i]);
        cr_assert_str_eq(ask_long(16385, steps[i]), refused, "%zu", steps[i]);
        cr_assert_str_eq(ask_long(39000, steps[i]), refused, "%zu", steps[i]);
    }
    cr_assert_str_eq(mc_ask(&f, "get k\r\n"), found, "the connection is as it was");
}

Test(memcached, who_speaks_binary_to_a_serverless_cache_is_let_go)
{
    f.engine.settings.is_serverless = true;
    cr_assert_str_eq(mc_ask_bytes(&f, "\x80\x0a\0\0", 4), "");
    cr_assert(f.client.is_closing);
}
