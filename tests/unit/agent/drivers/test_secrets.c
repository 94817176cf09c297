#include "agent/drivers/driver.h"
#include "agent/drivers/secrets.h"
#include "base/arena.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;

Test(secrets, words_differ_by_host_node_and_use_and_are_the_same_tomorrow)
{
    const struct driver_host here = {.secret = "one"}, there = {.secret = "two"};
    const char *word = secret_word(&arena, &here, 1, "CONFIG");

    cr_assert_eq(strlen(word), 64);
    cr_assert_eq(strspn(word, "0123456789abcdef"), 64);
    cr_assert_str_eq(word, secret_word(&arena, &here, 1, "CONFIG"));
    cr_assert_str_neq(word, secret_word(&arena, &there, 1, "CONFIG"));
    cr_assert_str_neq(word, secret_word(&arena, &here, 2, "CONFIG"));
    cr_assert_str_neq(word, secret_word(&arena, &here, 1, "REPLICAOF"));
}

static const char *users_of(const struct agent_node_goal *goal)
{
    const char *const *lines;
    const char *all = "";
    size_t count;

    users_of_goal(&arena, goal, " -x", "+psync", &lines, &count);
    for (size_t i = 0; i < count; i++)
        all = arena_printf(&arena, "%s%s\n", all, lines[i]);
    return all;
}

Test(secrets, the_users_are_those_of_the_goal_and_the_one_by_which_replicas_come)
{
    const char *rules[] = {"default off", "ann on nopass +@all"};
    struct agent_node_users users = {
        .rules = {true, 2, rules}
    };
    struct agent_node_role role = {.user = "between", .password = "us"};
    struct agent_node_goal goal = {0};

    cr_assert_str_eq(users_of(&goal), "user default on nopass sanitize-payload ~* &* +@all -x\n");
    goal.users = &users;
    goal.role = &role;
    cr_assert_str_eq(users_of(&goal),
                     arena_printf(&arena,
                                  "user default off -x\nuser ann on nopass +@all -x\n"
                                  "user between on %s +psync\n",
                                  password_rule(&arena, "us")));
    cr_assert_null(strstr(users_of(&goal), " us"), "no password as it is");
}

Test(secrets, users_that_would_open_the_node_or_are_no_lines_are_refused)
{
    static struct {
        const char *rules[2];
        bool is_good;
    } rows[] = {
        {{"default off", "ann on"},            true },
        {{"bob on", "ann on"},                 false},
        {{"defaults off", "ann on"},           false},
        {{"default off", "ann on\nuser b on"}, false},
        {{"default off", ""},                  false},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct agent_node_users users = {
            .rules = {true, 2, rows[i].rules}
        };
        struct agent_node_goal goal = {.users = &users};
        cr_expect_eq(!err_failed(users_check(&arena, &goal)), rows[i].is_good, "row %zu", i);
    }
    cr_assert_not(err_failed(users_check(&arena, &(struct agent_node_goal){0})));
}
