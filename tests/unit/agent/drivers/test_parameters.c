/* Parameters of goals as text of a configuration, as orders, and as what a start decides. */
#include "agent/drivers/orders.h"
#include "agent/drivers/parameters.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;
static const struct parameter_taker bundled = {.is_bundled = true};
static const struct parameter_taker redis62 = {.version = 602}, redis70 = {.version = 700};

static struct agent_node_goal goal_of(struct agent_parameter *given, size_t count)
{
    return (struct agent_node_goal){
        .parameters = {true, count, given}
    };
}

#define GOAL(given) goal_of(given, countof(given))

static const char *conf_of(const struct agent_node_goal *goal, const struct parameter_taker *taker)
{
    struct buf conf = BUF_EMPTY;

    parameters_add_conf(&arena, &conf, goal, taker);
    const char *text = arena_strdup(&arena, buf_cstr(&conf));
    buf_fini(&conf);
    return text;
}

static const char *statics_of(const struct agent_node_goal *goal)
{
    struct buf text = BUF_EMPTY;

    parameters_add_statics(&arena, &text, goal, &bundled);
    const char *copy = arena_strdup(&arena, buf_cstr(&text));
    buf_fini(&text);
    return copy;
}

/* The value that is ordered for a directive; NULL when none is. */
static const char *ordered(const struct agent_node_goal *goal, const struct parameter_taker *taker,
                           const char *directive)
{
    struct driver_orders orders = {0};

    parameters_add_orders(&arena, &orders, "CONFIG", goal, taker);
    for (size_t i = 0; i < orders.count; i++) {
        cr_assert_eq(orders.items[i].count, 4);
        if (str_is(orders.items[i].words[2], directive))
            return str_dup(&arena, orders.items[i].words[3]);
    }
    return NULL;
}

Test(parameters, what_an_engine_does_not_know_is_left_out_and_what_it_calls_otherwise_is_renamed)
{
    struct agent_parameter goal_given[] = {
        {.name = "timeout",                 .value = "20" },
        {.name = "hash-max-ziplist-value",  .value = "32" },
        {.name = "reserved-memory-percent", .value = "25" },
        {.name = "latency-tracking",        .value = "no" },
        {.name = "activedefrag",            .value = "yes"},
        {.name = "maxmemory-samples",       .value = ""   },
    };
    struct agent_node_goal goal = GOAL(goal_given);

    cr_assert_str_eq(conf_of(&goal, &redis62),
                     "activedefrag yes\nhash-max-ziplist-value 32\ntimeout 20\n");
    cr_assert_str_eq(
        conf_of(&goal, &redis70),
        "activedefrag yes\nhash-max-listpack-value 32\nlatency-tracking no\ntimeout 20\n");
    cr_assert_str_eq(conf_of(&goal, &bundled),
                     "hash-max-listpack-value 32\nlatency-tracking no\ntimeout 20\n");
}

Test(parameters, an_unset_one_is_ordered_back_to_what_the_engine_does_by_itself)
{
    struct agent_parameter none_given[] = {
        {.name = "timeout", .value = ""},
    };
    struct agent_node_goal none = GOAL(none_given);
    struct agent_parameter some_given[] = {
        {.name = "timeout", .value = "9"},
    };
    struct agent_node_goal some = GOAL(some_given);

    cr_assert_str_eq(ordered(&some, &bundled, "timeout"), "9");
    cr_assert_str_eq(ordered(&none, &bundled, "timeout"), "0");
    cr_assert_str_eq(ordered(&none, &bundled, "notify-keyspace-events"), "");
    cr_assert_null(ordered(&none, &bundled, "activedefrag"));
    cr_assert_str_eq(ordered(&none, &redis70, "activedefrag"), "no");
}

Test(parameters, an_older_name_of_a_family_means_the_same_directive)
{
    struct agent_parameter goal_given[] = {
        {.name = "min-slaves-to-write", .value = "2"},
    };
    struct agent_node_goal goal = GOAL(goal_given);

    cr_assert_str_eq(ordered(&goal, &bundled, "min-replicas-to-write"), "2");
    goal.parameters.items[0] =
        (struct agent_parameter){.name = "close-on-slave-write", .value = "yes"};
    cr_assert_str_eq(ordered(&goal, &bundled, "close-on-replica-write"), "yes");
    cr_assert_null(ordered(&goal, &redis70, "close-on-replica-write"), "it does not know it");
    cr_assert_null(ordered(&goal, &redis62, "close-on-slave-write"), "under no name");
}

Test(parameters, a_static_one_is_for_the_start_alone)
{
    struct agent_parameter goal_given[] = {
        {.name = "maxclients", .value = "500", .is_static = {true, true}},
        {.name = "databases",  .value = "16",  .is_static = {true, true}},
    };
    struct agent_node_goal goal = GOAL(goal_given);

    cr_assert_null(ordered(&goal, &bundled, "maxclients"));
    cr_assert_null(ordered(&goal, &bundled, "databases"));
    cr_assert_str_eq(conf_of(&goal, &bundled), "databases 16\nmaxclients 500\n");
    cr_assert_str_eq(statics_of(&goal), "maxclients 500\n", "16 is what it does by itself");
    struct agent_parameter other_given[] = {
        {.name = "databases", .value = "3", .is_static = {true, true}},
    };
    struct agent_node_goal other = GOAL(other_given);
    cr_assert_str_eq(statics_of(&other), "databases 3\n");
}

Test(parameters, limits_of_output_buffers_are_put_together)
{
    struct agent_parameter goal_given[] = {
        {.name = "client-output-buffer-limit-pubsub-hard-limit",   .value = "100"      },
        {.name = "client-output-buffer-limit-pubsub-soft-seconds", .value = "5; port 1"},
        {.name = "client-output-buffer-limit-replica-soft-limit",  .value = "7"        },
    };
    struct agent_node_goal goal = GOAL(goal_given);

    cr_assert_str_eq(conf_of(&goal, &bundled),
                     "client-output-buffer-limit slave 268435456 7 60\n"
                     "client-output-buffer-limit pubsub 100 8388608 60\n");
    struct agent_parameter old_given[] = {
        {.name = "client-output-buffer-limit-slave-hard-limit", .value = "9"},
    };
    struct agent_node_goal old = GOAL(old_given);
    cr_assert_str_eq(conf_of(&old, &bundled), "client-output-buffer-limit slave 9 67108864 60\n");
}

Test(parameters, endpoints_have_names_where_TLS_and_all_nodes_do)
{
    const char *named[] = {"id",      "SHARD",   "s", "-", "NODE", "id",
                           "primary", "1.2.3.4", "1", "0", "a.b",  "online"};
    struct agent_node_topology topology = {
        .words = {true, countof(named), named}
    };
    struct agent_node_tls tls = {.mode = "required"};
    struct agent_parameter goal_given[] = {
        {.name = "cluster-preferred-endpoint-type", .value = "tls-dynamic"},
    };
    struct agent_node_goal goal = GOAL(goal_given);
    const char *directive = "cluster-preferred-endpoint-type";

    cr_assert_str_eq(ordered(&goal, &bundled, directive), "ip");
    goal.tls = &tls;
    cr_assert_str_eq(ordered(&goal, &bundled, directive), "ip");
    goal.topology = &topology;
    cr_assert_str_eq(ordered(&goal, &bundled, directive), "hostname");
    named[10] = "-";
    cr_assert_str_eq(ordered(&goal, &bundled, directive), "ip");
}
