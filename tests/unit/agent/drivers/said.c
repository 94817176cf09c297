#include "said.h"

#include "base/arena.h"

const char *order_text(struct arena *a, const struct driver_order *order)
{
    const char *text = "";

    for (size_t i = 0; i < order->count; i++)
        text = arena_printf(a, "%s%s%.*s", text, i > 0 ? " " : "", STR_ARG(order->words[i]));
    return text;
}

const char *orders_last(struct arena *a, const struct driver_orders *orders, size_t count)
{
    const char *text = "";

    for (size_t i = orders->count - count; i < orders->count; i++)
        text = arena_printf(a, "%s%s%s\n", text, orders->items[i].waits ? "! " : "",
                            order_text(a, &orders->items[i]));
    return text;
}
