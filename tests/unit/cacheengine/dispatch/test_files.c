/* The limit of open files. Each test is a process of its own: its limits are nobody else's. */
#include "cacheengine/dispatch/files.h"

#include <criterion/criterion.h>

#include <sys/resource.h>

static void limit_to(rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {soft, hard};

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int64_t soft_limit(void)
{
    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return (int64_t)limit.rlim_cur;
}

Test(files, a_limit_that_is_enough_is_left_alone)
{
    limit_to(300, 400);
    cr_expect_eq(files_for_clients(268), 268);
    cr_expect_eq(soft_limit(), 300);
}

Test(files, the_limit_is_raised_to_what_the_clients_and_the_rest_need)
{
    limit_to(100, 400);
    cr_expect_eq(files_for_clients(200), 200);
    cr_expect_eq(soft_limit(), 200 + FILES_RESERVED);
}

Test(files, what_the_system_does_not_grant_is_no_clients)
{
    limit_to(100, 400);
    /* More than any system's fs.nr_open: not even the privileged get it. */
    cr_expect_eq(files_for_clients(INT64_C(1) << 40), 400 - FILES_RESERVED);
    cr_expect_eq(soft_limit(), 400, "what can be had is taken");
}

Test(files, too_low_a_limit_leaves_nobody)
{
    limit_to(20, 20);
    cr_expect_lt(files_for_clients(INT64_C(1) << 40), 1);
}
