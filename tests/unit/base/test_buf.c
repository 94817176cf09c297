#include "base/buf.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>

Test(buf, an_empty_buffer_is_an_empty_text)
{
    struct buf b = BUF_EMPTY;

    cr_assert_eq(buf_str(&b).len, 0);
    cr_assert_not_null(buf_str(&b).ptr);
    cr_assert_str_eq(buf_cstr(&b), "");
    buf_fini(&b);
    buf_fini(&b);
    buf_fini(NULL);
}

Test(buf, pieces_are_joined_in_order)
{
    struct buf b = BUF_EMPTY;

    buf_puts(&b, "one");
    buf_putc(&b, ',');
    buf_add_str(&b, STR("two"));
    buf_printf(&b, ",%d", 3);
    buf_add(&b, NULL, 0);
    cr_assert_str_eq(buf_cstr(&b), "one,two,3");
    cr_assert_eq(b.len, 9);
    buf_fini(&b);
}

Test(buf, it_grows_and_keeps_what_is_in_it)
{
    struct buf b = BUF_EMPTY;

    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%04d", i);
    cr_assert_eq(b.len, 40000);
    cr_assert_eq(memcmp(b.ptr + 4 * 1234, "1234", 4), 0);
    buf_fini(&b);
}

Test(buf, the_front_can_be_dropped)
{
    struct buf b = BUF_EMPTY;

    buf_puts(&b, "abcdef");
    buf_consume(&b, 2);
    cr_assert_str_eq(buf_cstr(&b), "cdef");
    buf_consume(&b, 4);
    cr_assert_eq(b.len, 0);
    buf_fini(&b);
}

Test(buf, clearing_keeps_the_memory)
{
    struct buf b = BUF_EMPTY;

    buf_puts(&b, "abc");
    char *before = b.ptr;
    buf_clear(&b);
    buf_puts(&b, "xyz");
    cr_assert_eq(b.ptr, before);
    buf_fini(&b);
}

Test(buf, dropping_more_than_there_is_aborts, .signal = SIGABRT)
{
    struct buf b = BUF_EMPTY;

    buf_puts(&b, "a");
    buf_consume(&b, 2);
}
