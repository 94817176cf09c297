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

TestSuite(memcached_meta_store, .init = open_plain, .fini = close_it);

Test(memcached_meta_store, modes_are_the_commands_of_old)
{
    cr_assert_str_eq(
        mc_ask(&f, "ms k 1 MR\r\na\r\nms k 1 MA\r\na\r\nms k 1 ME\r\na\r\nms k 1 ME\r\nb\r\n"),
        "NS\r\nNS\r\nHD\r\nNS\r\n");
    cr_assert_str_eq(mc_ask(&f, "ms k 1 MA\r\nb\r\nms k 1 MP\r\nc\r\nmg k v\r\n"),
                     "HD\r\nHD\r\nVA 3\r\ncab\r\n");
    cr_assert_str_eq(mc_ask(&f, "ms k 1 Mx\r\na\r\n"),
                     "CLIENT_ERROR invalid mode for ms M token\r\n");
}

Test(memcached_meta_store, a_cas_guards_every_mode)
{
    cr_assert_str_eq(mc_ask(&f, "ms k 1 c\r\na\r\nms k 1 C1 c\r\nb\r\nms k 1 C1 c k\r\nc\r\n"),
                     "HD c1\r\nHD c2\r\nEX c0 kk\r\n");
    cr_assert_str_eq(
        mc_ask(&f,
               "ms k 1 C1 MA\r\nc\r\nms k 1 C2 MA\r\nc\r\nms n 1 C2\r\nc\r\nms k 1 C0\r\nd\r\n"),
        "EX\r\nHD\r\nNF\r\nEX\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg k v c\r\nmd k C2\r\nma k C2\r\nmd k C3\r\n"),
                     "VA 2 c3\r\nbc\r\nEX\r\nEX\r\nHD\r\n");
}

Test(memcached_meta_store, what_comes_late_is_kept_as_stale)
{
    mc_ask(&f, "ms k 1 c T100\r\na\r\nmd k I\r\nmg k\r\n");
    cr_assert_str_eq(mc_ask(&f, "ms k 1 C1 T500\r\nb\r\nms k 1 C1 I T500\r\nb\r\nmg k v t\r\n"),
                     "EX\r\nHD\r\nVA 1 t100 Z X\r\nb\r\n");
    cr_assert_str_eq(mc_ask(&f, "ms k 1 C99 I\r\nc\r\n"), "EX\r\n", "one from the future is none");
}

Test(memcached_meta_store, quiet_requests_tell_the_unexpected_alone)
{
    cr_assert_str_eq(
        mc_ask(
            &f,
            "ms k 1 q\r\n1\r\nma k q\r\nmd k q\r\nmd k q\r\nma k q\r\nms k 1 MR q\r\nx\r\nmn\r\n"),
        "NF\r\nNF\r\nNS\r\nMN\r\n");
}

Test(memcached_meta_store, a_wrong_flag_takes_the_block_with_it)
{
    cr_assert_str_eq(
        mc_ask(
            &f,
            "ms k 7 z\r\nmg oops\r\nms k 7 Oxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nmg oops\r\nmn\r\n"),
        "CLIENT_ERROR invalid flag\r\nCLIENT_ERROR opaque token too long\r\nMN\r\n");
}

Test(memcached_meta_store, keys_in_base64_are_the_same_keys)
{
    cr_assert_str_eq(mc_ask(&f, "ms Zm9v 1 b k\r\nx\r\nget foo\r\nmg foo k\r\n"),
                     "HD kZm9v b\r\nVALUE foo 0 1\r\nx\r\nEND\r\nHD kZm9v b\r\n");
    cr_assert_str_eq(mc_ask(&f, "md Zm9v b k Ox\r\nmd Zm9v b k\r\n"),
                     "HD kZm9v b Ox\r\nNF kZm9v b\r\n");
    cr_assert_str_eq(mc_ask(&f, "ms YSBi 1 b\r\nx\r\nms YSBi 1 b MA\r\ny\r\nmg YSBi b k v\r\n"),
                     "HD\r\nHD\r\nVA 2 kYSBi b\r\nxy\r\n");
}

/* The line in front of a big block is written over when the block becomes the value. */
Test(memcached_meta_store, words_outlive_a_block_that_is_taken_over)
{
    struct buf request = BUF_EMPTY;

    buf_puts(&request, "ms key 50000 k Oword c\r\n");
    for (int i = 0; i < 50000; i++)
        buf_putc(&request, 'x');
    buf_puts(&request, "\r\n");
    cr_assert_str_eq(mc_ask_bytes(&f, request.ptr, request.len), "HD kkey Oword c1\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg key s\r\n"), "HD s50000\r\n");
    buf_fini(&request);
}

Test(memcached_meta_store, arithmetic_counts_and_begins)
{
    cr_assert_str_eq(
        mc_ask(&f, "ma n\r\nma n N60 J10 v t\r\nma n v t\r\nma n D5 v\r\nma n MD D100 v\r\n"),
        "NF\r\nVA 2 t60\r\n10\r\nVA 2 t60\r\n11\r\nVA 2\r\n16\r\nVA 1\r\n0\r\n");
    cr_assert_str_eq(
        mc_ask(&f, "ma n T100 D123456 v\r\nmg n t\r\nma n M*\r\nms n 1\r\nx\r\nma n\r\n"),
        "VA 6\r\n123456\r\nHD t100\r\nCLIENT_ERROR invalid mode for ma M token\r\nHD\r\n"
        "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
}

Test(memcached_meta_store, too_large_leaves_no_old_value)
{
    struct buf request = BUF_EMPTY;

    mc_ask(&f, "ms k 1\r\nx\r\n");
    buf_puts(&request, "ms k 1048576 MA q\r\n");
    for (int i = 0; i < 1048576; i++)
        buf_putc(&request, 'x');
    buf_puts(&request, "\r\nmg k\r\n");
    cr_assert_str_eq(mc_ask_bytes(&f, request.ptr, request.len),
                     "SERVER_ERROR object too large for cache\r\nEN\r\n");
    buf_fini(&request);
}
