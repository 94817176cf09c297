#include "agent/drivers/orders.h"
#include "base/arena.h"

#include <criterion/criterion.h>

static struct arena arena;

Test(orders, they_are_kept_in_order_and_written_as_the_protocol_has_them)
{
    struct driver_orders orders = {0};
    struct buf out = BUF_EMPTY;

    orders_add(&arena, &orders, "a parameter", "CONFIG", "SET", "notify-keyspace-events", "", NULL);
    size_t from = orders.count;
    orders_add(&arena, &orders, "role", "LARDER.ROLE", "7", "primary", NULL);
    orders_wait(&orders, from);
    orders_wait(&orders, orders.count); /* nobody is left to wait */
    cr_assert_eq(orders.count, 2);
    cr_assert(!orders.items[0].waits && orders.items[1].waits);
    cr_assert_str_eq(orders.items[1].what, "role");

    order_write(&out, &orders.items[0]);
    cr_assert_str_eq(buf_cstr(&out), "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n"
                                     "$22\r\nnotify-keyspace-events\r\n$0\r\n\r\n");
    buf_fini(&out);
}
