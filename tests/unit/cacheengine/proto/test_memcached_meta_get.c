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

TestSuite(memcached_meta_get, .init = open_plain, .fini = close_it);

Test(memcached_meta_get, what_was_asked_for_is_returned_in_its_order)
{
    mc_ask(&f, "set k 5 100 3\r\nabc\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k\r\n"), "HD\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k t Ox k s f v c\r\n"), "VA 3 t100 Ox kk s3 f5 c1\r\nabc\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg n k Ox v\r\nmg n q\r\nmn\r\n"), "EN kn Ox\r\nMN\r\n");
}

Test(memcached_meta_get, flags_take_effect_in_their_order)
{
    mc_ask(&f, "set k 0 100 1\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k t T50\r\nmg k T30 t\r\nmg k T-1 v\r\nmg k\r\n"),
                     "HD t100\r\nHD t30\r\nVA 1\r\nx\r\nEN\r\n");
}

Test(memcached_meta_get, one_client_alone_is_told_to_make_a_missing_item)
{
    cr_assert_str_eq(mc_ask(&f, "mg k N30 t v\r\nmg k N30 t v\r\n"), "VA 0 t30 W\r\n\r\n"
                                                                     "VA 0 t30 Z\r\n\r\n");
    mc_ask(&f, "ms k 1 T100\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k N30 t v\r\n"), "VA 1 t100\r\nx\r\n");
}

Test(memcached_meta_get, one_client_alone_is_told_that_an_item_ends_soon)
{
    mc_ask(&f, "set k 0 100 1\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k R100\r\n"), "HD\r\n");
    mc_advance(&f, 1000);
    cr_assert_str_eq(mc_ask(&f, "mg k R100\r\nmg k R100\r\n"), "HD W\r\nHD Z\r\n");
}

Test(memcached_meta_get, a_stale_item_is_given_with_its_mark_until_it_is_written)
{
    mc_ask(&f, "set k 7 0 1\r\nx\r\nmd k I T30\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k t v f\r\nmg k v f\r\nget k\r\n"),
                     "VA 1 t30 f7 X W\r\nx\r\n"
                     "VA 1 f7 Z X\r\nx\r\n"
                     "VALUE k 7 1\r\nx\r\nEND\r\n");
    mc_ask(&f, "set k 0 0 1\r\ny\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k v\r\n"), "VA 1\r\ny\r\n");
}

Test(memcached_meta_get, hits_and_the_last_use_are_told_as_they_were_before)
{
    mc_ask(&f, "set k 0 0 1\r\nx\r\n");
    mc_advance(&f, 5000);
    cr_assert_str_eq(mc_ask(&f, "mg k u h l\r\nmg k h l\r\nmg k h l\r\n"),
                     "HD h0 l5\r\nHD h0 l5\r\nHD h1 l0\r\n");
    mc_advance(&f, 3000);
    mc_ask(&f, "set k 0 0 1\r\ny\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k h l\r\n"), "HD h0 l0\r\n", "it is another item");
    mc_ask(&f,
           "set g 0 0 1\r\nx\r\nget g\r\nset t 0 0 1\r\nx\r\ntouch t 5\r\nset n 0 0 2\r\n10\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg g h\r\nmg t h\r\nincr n 1\r\nmg n h\r\nincr n 1\r\nmg n h\r\n"),
                     "HD h1\r\nHD h1\r\n11\r\nHD h0\r\n12\r\nHD h1\r\n");
}

Test(memcached_meta_get, me_shows_an_item)
{
    mc_ask(&f, "set k 5 100 3\r\nabc\r\n");
    mc_advance(&f, 2000);
    cr_assert_str_eq(mc_ask(&f, "me k\r\n"), "ME k exp=-98 la=2 cas=1 fetch=no cls=1 size=67\r\n");
    cr_assert_str_eq(mc_ask(&f, "me n\r\nme\r\nme no b\r\n"),
                     "EN\r\nCLIENT_ERROR bad command line format\r\n"
                     "CLIENT_ERROR bad command line format\r\n");
}

Test(memcached_meta_get, a_big_value_is_sent_whole)
{
    struct buf request = BUF_EMPTY;

    buf_puts(&request, "ms k 100000 F7\r\n");
    size_t from = request.len;
    for (int i = 0; i < 100000; i++)
        buf_putc(&request, (char)('a' + i % 26));
    buf_puts(&request, "\r\n");
    cr_assert_str_eq(mc_ask_bytes(&f, request.ptr, request.len), "HD\r\n");
    const char *got = mc_ask(&f, "mg k f v\r\n");
    cr_assert_eq(strncmp(got, "VA 100000 f7\r\n", 14), 0);
    cr_assert_eq(memcmp(got + 14, request.ptr + from, 100002), 0);
    cr_assert_eq(strlen(got), 14 + 100002);
    buf_fini(&request);
}

Test(memcached_meta_get, what_writes_is_refused_where_writes_are)
{
    mc_ask(&f, "set k 0 0 1\r\nx\r\n");
    f.engine.guards = GUARD_FENCE;
    cr_assert_str_eq(mc_ask(&f, "mg k v\r\n"), "VA 1\r\nx\r\n");
    cr_assert_eq(strncmp(mc_ask(&f, "mg k T5 q\r\n"), "SERVER_ERROR ", 13), 0);
    cr_assert_eq(strncmp(mc_ask(&f, "mg n N5\r\n"), "SERVER_ERROR ", 13), 0);
    cr_assert_eq(strncmp(mc_ask(&f, "ms k 1 q\r\ny\r\n"), "SERVER_ERROR ", 13), 0);
    cr_assert_eq(strncmp(mc_ask(&f, "md k q\r\n"), "SERVER_ERROR ", 13), 0);
    cr_assert_eq(strncmp(mc_ask(&f, "ma k q\r\n"), "SERVER_ERROR ", 13), 0);
    f.engine.guards = GUARD_LOADING;
    cr_assert_str_eq(mc_ask(&f, "mg k q\r\n"), "SERVER_ERROR LOADING the data is being loaded\r\n");
    f.engine.guards = 0;
    cr_assert_str_eq(mc_ask(&f, "mg k v t\r\n"), "VA 1 t-1\r\nx\r\n");
}
