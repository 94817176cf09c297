#include "base/arena.h"
#include "controlplane/model/leases.h"

#include <criterion/criterion.h>

static struct arena arena;

static void tear_down(void)
{
    arena_fini(&arena);
}

TestSuite(leases, .fini = tear_down);

Test(leases, voters_come_and_go)
{
    const char *voters = voters_with(&arena, NULL, "h1");

    voters = voters_with(&arena, voters_with(&arena, voters, "h11"), CONTROL_PLANE_VOTER);
    cr_assert_str_eq(voters, "h1 h11 control-plane");
    cr_assert_eq(voters_count(voters), 3);
    cr_assert(voters_have(voters, "h1") && voters_have(voters, "h11"));
    cr_assert_not(voters_have(voters, "h"));
    cr_assert_str_eq(voters_without(&arena, voters, "h1"), "h11 control-plane");
    cr_assert_str_eq(voters_without(&arena, "h1", "h1"), "");
    cr_assert_not(voters_have(NULL, "h1"));
    cr_assert_eq(voters_count(NULL), 0);
}

static bool suffice(const char *voters, struct promise_list promises)
{
    const struct shard_lease lease = {.voters = voters};
    return promises_suffice(&promises, &lease, 7, 5);
}

Test(leases, a_majority_of_the_voters_is_more_than_half)
{
    struct promise_list none = {0}, some = {0};

    promises_add(&arena, &some, "h2", 7, 5);
    promises_add(&arena, &some, CONTROL_PLANE_VOTER, 7, 5);
    cr_assert(suffice("h1 h2 control-plane", some));
    cr_assert_not(suffice("h1 h2 h3 control-plane", some), "half is none");
    cr_assert_not(suffice("h1 h2", some));
    cr_assert_not(suffice("", none));
}

Test(leases, promises_of_others_of_another_shard_and_of_other_terms_do_not_count)
{
    struct promise_list some = {0};

    promises_add(&arena, &some, "h1", 7, 5);
    promises_add(&arena, &some, "h2", 7, 4);
    promises_add(&arena, &some, "h2", 7, 6);
    promises_add(&arena, &some, "h3", 8, 5);
    promises_add(&arena, &some, "h4", 7, 5);
    cr_assert_not(suffice("h1 h2 h3", some));
}
