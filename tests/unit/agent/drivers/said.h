/* Orders of drivers as text, for tests to compare. */
#ifndef LARDER_TESTS_UNIT_DRIVERS_SAID_H
#define LARDER_TESTS_UNIT_DRIVERS_SAID_H

#include "agent/drivers/driver.h"

/* Its words with spaces between; in `a`. */
const char *order_text(struct arena *a, const struct driver_order *order);

/* The last `count` orders, one a line, "! " in front of those that wait; in `a`. */
const char *orders_last(struct arena *a, const struct driver_orders *orders, size_t count);

#endif
