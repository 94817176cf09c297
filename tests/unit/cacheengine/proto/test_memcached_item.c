#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>
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

TestSuite(memcached_item, .init = open_plain, .fini = close_it);

static enum entry_form form_of(const char *key)
{
    struct entry *e = mc_entry(&f, key);

    cr_assert_not_null(e);
    return entry_form(e);
}

Test(memcached_item, an_item_without_flags_is_a_plain_string)
{
    mc_ask(&f, "set k 0 0 3\r\nabc\r\nset n 0 0 3\r\n123\r\n");
    cr_assert_eq(form_of("k"), FORM_PLAIN);
    cr_assert_eq(entry_value_len(mc_entry(&f, "k")), 3);
    cr_assert_eq(form_of("n"), FORM_NUMBER);
}

Test(memcached_item, flags_and_cas_cost_a_few_bytes_when_they_are_used)
{
    mc_ask(&f, "set k 7 0 3\r\nabc\r\n");
    cr_assert_eq(form_of("k"), FORM_EDITED);
    cr_assert_eq(entry_value_len(mc_entry(&f, "k")), 1 + 4 + 3);
    mc_ask(&f, "gets k\r\n");
    cr_assert_eq(entry_value_len(mc_entry(&f, "k")), 1 + 4 + 8 + 3);
    mc_ask(&f, "set k 0 0 3\r\nabc\r\n");
    cr_assert_eq(form_of("k"), FORM_PLAIN);
}

Test(memcached_item, a_cas_given_out_survives_reads_and_a_new_deadline)
{
    mc_ask(&f, "set k 0 0 3\r\nabc\r\n");
    cr_assert_str_eq(mc_ask(&f, "gets k\r\n"), "VALUE k 0 3 1\r\nabc\r\nEND\r\n");
    mc_ask(&f, "touch k 100\r\nget k\r\n");
    cr_assert_str_eq(mc_ask(&f, "gets k\r\n"), "VALUE k 0 3 1\r\nabc\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "cas k 0 0 1 1\r\nx\r\n"), "STORED\r\n");
    cr_assert_str_eq(mc_ask(&f, "cas k 0 0 1 1\r\ny\r\n"), "EXISTS\r\n");
}

/* Every change must take the cas away, whatever form the item has. */
Test(memcached_item, every_write_ends_the_cas_in_every_form)
{
    static const char *const changes[] = {"append k 0 0 1\r\nz\r\n", "prepend k 0 0 1\r\nz\r\n",
                                          "set k 1 0 1\r\nz\r\n", "replace k 0 0 1\r\nz\r\n"};
    static const int sizes[] = {3, 300, 12280, 20000};

    for (size_t i = 0; i < countof(changes); i++) {
        for (size_t j = 0; j < countof(sizes); j++) {
            char text[32];
            struct buf request = BUF_EMPTY;
            unsigned long cas;

            buf_printf(&request, "set k %zu 0 %d\r\n", j % 2, sizes[j]);
            for (int n = 0; n < sizes[j]; n++)
                buf_putc(&request, 'v');
            buf_puts(&request, "\r\n");
            mc_ask_bytes(&f, request.ptr, request.len);
            buf_fini(&request);
            const char *head = mc_ask(&f, "gets k\r\n");
            cas = strtoul(strrchr(strndupa(head, strcspn(head, "\r")), ' '), NULL, 10);
            mc_ask(&f, changes[i]);
            snprintf(text, sizeof(text), "cas k 0 0 1 %lu\r\nx\r\n", cas);
            cr_expect_str_eq(mc_ask(&f, text), "EXISTS\r\n", "%s at %d", changes[i], sizes[j]);
        }
    }
}

Test(memcached_item, values_grow_from_one_form_into_the_next)
{
    size_t len = 1;

    mc_ask(&f, "set k 9 0 1\r\nx\r\n");
    for (int i = 0; i < 400; i++) {
        struct buf request = BUF_EMPTY;

        buf_printf(&request, "%s k 0 0 %d\r\n", i % 2 ? "append" : "prepend", 100);
        for (int n = 0; n < 100; n++)
            buf_putc(&request, 'y');
        buf_puts(&request, "\r\n");
        cr_assert_str_eq(mc_ask_bytes(&f, request.ptr, request.len), "STORED\r\n");
        buf_fini(&request);
        len += 100;
        char head[64];
        snprintf(head, sizeof(head), "VALUE k 9 %zu\r\n", len);
        const char *got = mc_ask(&f, "get k\r\n");
        cr_assert_eq(strncmp(got, head, strlen(head)), 0, "at %zu: %.40s", len, got);
        cr_assert_eq(strlen(got), strlen(head) + len + strlen("\r\nEND\r\n"));
    }
}

Test(memcached_item, memory_returns_to_where_it_was)
{
    mc_ask(&f, "set k 0 0 1\r\nx\r\ndelete k\r\n");
    size_t before = f.engine.keyspace.account.used_bytes;

    for (int size = 1; size < 40000; size = size * 3 + 1) {
        struct buf request = BUF_EMPTY;

        buf_printf(&request, "set k 5 0 %d\r\n", size);
        for (int n = 0; n < size; n++)
            buf_putc(&request, 'v');
        buf_puts(
            &request,
            "\r\ngets k\r\nappend k 0 0 2\r\nab\r\ngets k\r\nprepend k 0 0 1\r\nc\r\ndelete k\r\n");
        mc_ask_bytes(&f, request.ptr, request.len);
        buf_fini(&request);
    }
    cr_assert_eq(f.engine.keyspace.account.used_bytes, before);
}
