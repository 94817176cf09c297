/* Orders as lists of words, and their form on the wire. */
#include "agent/drivers/orders.h"

#include "base/arena.h"
#include "base/vec.h"

#include <stdarg.h>

void orders_add_words(struct arena *a, struct driver_orders *orders, const char *what,
                      const char *const *words, size_t count)
{
    struct str *copy = arena_array(a, count, sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = str_of(arena_strdup(a, words[i]));
    *vec_add(a, orders) = (struct driver_order){.what = what, .words = copy, .count = count};
}

void orders_add(struct arena *a, struct driver_orders *orders, const char *what, ...)
{
    vec_of(const char *) words = VEC_EMPTY;
    va_list ap;

    va_start(ap, what);
    for (const char *word; (word = va_arg(ap, const char *)) != NULL;)
        *vec_add(a, &words) = word;
    va_end(ap);
    orders_add_words(a, orders, what, words.items, words.count);
}

void orders_wait(struct driver_orders *orders, size_t from)
{
    if (from < orders->count)
        orders->items[from].waits = true;
}

void order_write(struct buf *out, const struct driver_order *order)
{
    buf_printf(out, "*%zu\r\n", order->count);
    for (size_t i = 0; i < order->count; i++) {
        buf_printf(out, "$%zu\r\n", order->words[i].len);
        buf_add_str(out, order->words[i]);
        buf_puts(out, "\r\n");
    }
}
