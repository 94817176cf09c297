#include "cacheengine/dispatch/guard.h"
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

TestSuite(memcached_get, .init = open_plain, .fini = close_it);

Test(memcached_get, one_long_key_spoils_the_request)
{
    struct buf request = BUF_EMPTY;

    mc_ask(&f, "set a 0 0 1\r\nx\r\n");
    buf_puts(&request, "get a ");
    for (int i = 0; i < 251; i++)
        buf_putc(&request, 'k');
    buf_puts(&request, " a\r\n");
    cr_assert_str_eq(mc_ask_bytes(&f, request.ptr, request.len),
                     "CLIENT_ERROR bad command line format\r\n");
    buf_fini(&request);
}

Test(memcached_get, an_item_goes_when_its_time_has_come)
{
    mc_ask(&f, "set a 0 1 1\r\nx\r\nset b 3 100 1\r\ny\r\n");
    cr_assert_str_eq(mc_ask(&f, "get a b\r\n"), "VALUE a 0 1\r\nx\r\nVALUE b 3 1\r\ny\r\nEND\r\n");
    mc_advance(&f, 1000);
    cr_assert_str_eq(mc_ask(&f, "get a b\r\n"), "VALUE b 3 1\r\ny\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "gat 500 b\r\n"), "VALUE b 3 1\r\ny\r\nEND\r\n");
    mc_advance(&f, 499999);
    cr_assert_str_eq(mc_ask(&f, "get b\r\n"), "VALUE b 3 1\r\ny\r\nEND\r\n");
    mc_advance(&f, 1);
    cr_assert_str_eq(mc_ask(&f, "get b\r\n"), "END\r\n");
}

Test(memcached_get, gat_with_a_past_time_shows_the_item_once_more)
{
    mc_ask(&f, "set a 0 0 1\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "gat -1 a a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "touch a 0\r\n"), "NOT_FOUND\r\n");
}

Test(memcached_get, a_big_value_is_sent_whole)
{
    struct buf request = BUF_EMPTY;

    buf_puts(&request, "set k 7 0 100000\r\n");
    for (int i = 0; i < 100000; i++)
        buf_putc(&request, (char)('a' + i % 26));
    buf_puts(&request, "\r\n");
    cr_assert_str_eq(mc_ask_bytes(&f, request.ptr, request.len), "STORED\r\n");
    const char *got = mc_ask(&f, "get k\r\n");
    cr_assert_eq(strncmp(got, "VALUE k 7 100000\r\n", 18), 0);
    cr_assert_eq(memcmp(got + 18, request.ptr + 18, 100002), 0);
    cr_assert_str_eq(got + 18 + 100002, "END\r\n");
    buf_fini(&request);
}

Test(memcached_get, what_is_still_to_be_loaded_is_not_said_to_be_missing)
{
    f.engine.guards = GUARD_KEYLESS;
    cr_assert_str_eq(mc_ask(&f, "get k\r\n"),
                     "SERVER_ERROR LOADING the data key is not there yet\r\n");
    f.engine.guards = GUARD_LOADING;
    cr_assert_str_eq(mc_ask(&f, "gets a b\r\ngat 0 k\r\n"),
                     "SERVER_ERROR LOADING the data is being loaded\r\n"
                     "SERVER_ERROR LOADING the data is being loaded\r\n");
    f.engine.guards = GUARD_FENCE;
    cr_assert_str_eq(mc_ask(&f, "get k\r\n"), "END\r\n", "reads go on");
    f.engine.guards = 0;
}
