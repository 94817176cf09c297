#include "agent/drivers/binding.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "contract/agent.h"
#include "said.h"

#include <criterion/criterion.h>

static struct arena arena;
static const char *endpoints[2] = {"127.0.9.1", "127.0.9.2"};
static struct agent_node_role role;
static struct agent_node_goal goal;
static struct driver_now now;

static void begin(void)
{
    role = (struct agent_node_role){
        .is_primary = BOOL_OF(true), .endpoints = {.has = true, .items = endpoints, .count = 1}
    };
    goal = (struct agent_node_goal){.address = "127.0.1.1", .role = &role};
    now = (struct driver_now){0};
}

TestSuite(binding, .init = begin);

static struct driver_orders orders_around_a_role(void)
{
    struct driver_orders orders = {0};

    binding_before_role(&arena, &orders, "CONFIG", &goal, &now);
    orders_add(&arena, &orders, "role", "ROLE", NULL);
    binding_behind_role(&arena, &orders, "CONFIG", &goal, &now);
    return orders;
}

Test(binding, a_primary_gets_the_address_once_it_has_its_role)
{
    struct driver_orders orders = orders_around_a_role();

    cr_assert_str_eq(orders_last(&arena, &orders, 2),
                     "ROLE\n! CONFIG SET bind 127.0.1.1 127.0.9.1\n");
    cr_assert(orders.items[1].binds);
    cr_assert_str_eq(orders.endpoints, "127.0.9.1");
}

Test(binding, who_is_fenced_or_follows_lets_go_first)
{
    role.endpoints.count = 0;
    role.is_fenced = BOOL_OF(true);
    struct driver_orders orders = orders_around_a_role();
    cr_assert_str_eq(orders_last(&arena, &orders, 2), "CONFIG SET bind 127.0.1.1\nROLE\n");
    role.is_fenced = role.is_primary = BOOL_OF(false);
    role.endpoints.count = 1;
    goal.second_address = "fd00::1";
    orders = orders_around_a_role();
    cr_assert_str_eq(orders_last(&arena, &orders, 2),
                     "CONFIG SET bind 127.0.1.1 fd00::1 127.0.9.1\nROLE\n");
}

/* Some engines would open all of it anew. */
Test(binding, what_is_as_it_was_is_not_ordered)
{
    role.endpoints.count = 2;
    now.bound = "127.0.1.1 127.0.9.1 127.0.9.2";
    struct driver_orders orders = orders_around_a_role();
    cr_assert_eq(orders.count, 1);
    cr_assert_str_eq(orders.bound, now.bound);
    role.endpoints.has = false;
    role.endpoints.count = 0;
    orders = orders_around_a_role();
    cr_assert_eq(orders.count, 1, "of a shard that has no such addresses");
    cr_assert_null(orders.bound);
}
