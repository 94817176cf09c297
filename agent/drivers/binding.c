/*
 * A primary gets the address with its role, once it has it; whoever is to be none lets go first. So
 * at no moment an engine without the role is behind the address of the role.
 */
#include "agent/drivers/binding.h"

#include "agent/drivers/driver.h"
#include "agent/drivers/orders.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <string.h>

static bool has_endpoints(const struct agent_node_goal *goal)
{
    return goal->role && goal->role->endpoints.has;
}

static bool comes_with_role(const struct agent_node_role *role)
{
    return role->is_primary.value && !role->is_fenced.value && role->endpoints.count > 0;
}

/* As `bind` has them: the node's own first, from which it goes to others. */
static const char *addresses_of(struct arena *a, const struct agent_node_goal *goal,
                                const char *endpoints)
{
    const char *text = goal->address;

    if (goal->second_address)
        text = arena_printf(a, "%s %s", text, goal->second_address);
    return *endpoints ? arena_printf(a, "%s %s", text, endpoints) : text;
}

static const char *endpoints_of(struct arena *a, const struct agent_word_list *list)
{
    const char *text = list->count > 0 ? list->items[0] : "";

    for (size_t i = 1; i < list->count; i++)
        text = arena_printf(a, "%s %s", text, list->items[i]);
    return text;
}

static void bind_all(struct arena *a, struct driver_orders *orders, const char *config,
                     const struct agent_node_goal *goal, const struct driver_now *now)
{
    orders->endpoints = endpoints_of(a, &goal->role->endpoints);
    orders->bound = addresses_of(a, goal, orders->endpoints);
    if (now->bound && strcmp(now->bound, orders->bound) == 0)
        return;
    orders_add(a, orders, "addresses", config, "SET", "bind", orders->bound, NULL);
    orders->items[orders->count - 1].binds = true;
}

void binding_before_role(struct arena *a, struct driver_orders *orders, const char *config,
                         const struct agent_node_goal *goal, const struct driver_now *now)
{
    if (has_endpoints(goal) && !comes_with_role(goal->role))
        bind_all(a, orders, config, goal, now);
}

void binding_behind_role(struct arena *a, struct driver_orders *orders, const char *config,
                         const struct agent_node_goal *goal, const struct driver_now *now)
{
    size_t before = orders->count;

    if (!has_endpoints(goal) || !comes_with_role(goal->role))
        return;
    bind_all(a, orders, config, goal, now);
    orders_wait(orders, before);
}
