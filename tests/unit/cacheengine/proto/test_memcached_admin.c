#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <sys/uio.h>

static struct mc_fixture f;

static void open_plain(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_admin, .init = open_plain, .fini = close_it);

Test(memcached_admin, a_delayed_flush_takes_what_stands_at_its_moment)
{
    mc_ask(&f, "set a 0 0 1\r\nx\r\nflush_all 10\r\nset b 0 0 1\r\ny\r\n");
    mc_advance(&f, 9999);
    cr_assert_str_eq(mc_ask(&f, "get a b\r\n"), "VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n");
    mc_advance(&f, 1);
    cr_assert_str_eq(mc_ask(&f, "get a b\r\nset c 0 0 1\r\nz\r\nget c\r\n"),
                     "END\r\nSTORED\r\nVALUE c 0 1\r\nz\r\nEND\r\n");
}

Test(memcached_admin, a_flush_now_takes_the_place_of_a_delayed_one)
{
    mc_ask(&f, "flush_all 10\r\nflush_all\r\nset a 0 0 1\r\nx\r\n");
    mc_advance(&f, 20000);
    cr_assert_str_eq(mc_ask(&f, "get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
}

Test(memcached_admin, the_memory_limit_can_be_moved_within_bounds)
{
    cr_assert_str_eq(mc_ask(&f, "cache_memlimit 64\r\n"), "OK\r\n");
    cr_assert_eq(f.engine.settings.max_memory, 64 << 20);
    cr_assert_str_eq(mc_ask(&f, "cache_memlimit 7\r\n"),
                     "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n");
    f.engine.settings.is_restricted = true;
    cr_assert_str_eq(mc_ask(&f, "cache_memlimit 128\r\n"), "ERROR\r\n");
    cr_assert_eq(f.engine.settings.max_memory, 64 << 20);
}

Test(memcached_admin, where_nothing_may_be_written_every_command_that_writes_says_why)
{
    static const char *const lines[] = {
        "set k 0 0 1\r\nb\r\n",
        "add n 0 0 1\r\nb\r\n",
        "replace k 0 0 1\r\nb\r\n",
        "append k 0 0 1\r\nb\r\n",
        "prepend k 0 0 1\r\nb\r\n",
        "incr k 1\r\n",
        "decr k 1\r\n",
        "delete k\r\n",
        "touch k 0\r\n",
        "gat 100 k\r\n",
        "gats 100 k\r\n",
        "flush_all\r\n",
    };

    mc_ask(&f, "set k 0 0 1\r\n5\r\n");
    authority_fence(&f.engine, 1);
    for (size_t i = 0; i < countof(lines); i++)
        cr_assert_str_eq(mc_ask(&f, lines[i]),
                         "SERVER_ERROR READONLY This node is fenced: it takes no writes until a "
                         "higher term makes it primary.\r\n",
                         "%s", lines[i]);
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 1 noreply\r\nb\r\n"), "");
    cr_assert_str_eq(mc_ask(&f, "get k\r\n"), "VALUE k 0 1\r\n5\r\nEND\r\n");
}

Test(memcached_admin, a_write_that_is_not_confirmed_says_so_in_a_line)
{
    struct iovec iov;

    f.engine.settings.protocol = PROTOCOL_MEMCACHED;
    f.engine.settings.write_acks = 1;
    acks_settle(&f.engine);
    mc_ask(&f, "touch none 0\r\n");
    cr_assert_eq(acks_held(&f.engine), 0);
    struct write_watch w = writes_begin(&f.engine, &f.client);
    f.engine.keyspace.dirty++;
    reply_literal(&f.client.reply, "STORED\r\n");
    writes_end(&f.engine, &f.client, &w);
    cr_assert_eq(acks_held(&f.engine), 1);
    f.engine.keyspace.passed_ms += 5000;
    acks_expire(&f.engine);
    cr_assert_eq(reply_gather(&f.client.reply, &iov, 1), 1);
    cr_assert(str_starts((struct str){iov.iov_base, iov.iov_len},
                         "SERVER_ERROR the write was made here, but "),
              "%.*s", (int)iov.iov_len, (char *)iov.iov_base);
}

Test(memcached_admin, a_serverless_cache_is_emptied_at_once_or_not_at_all)
{
    static const char refused[] = "CLIENT_ERROR a serverless cache has no delayed flush_all\r\n";

    f.engine.settings.is_serverless = true;
    mc_ask(&f, "set a 0 0 1\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "flush_all 10\r\n"), refused);
    cr_assert_str_eq(mc_ask(&f, "flush_all 10 noreply\r\n"), "");
    mc_advance(&f, 20000);
    cr_assert_str_eq(mc_ask(&f, "get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "flush_all 0\r\nget a\r\nflush_all\r\n"), "OK\r\nEND\r\nOK\r\n");
}
