#include "cacheengine/keyspace/lazyfree.h"

#include <criterion/criterion.h>

static uint64_t add_one(void *object)
{
    *(int *)object += 1;
    return 10;
}

Test(lazyfree, jobs_run_and_what_they_free_leaves_the_account)
{
    struct account account = {.used_bytes = 10000};
    struct lazyfree lf;
    int sum = 0;

    lazyfree_init(&lf);
    for (int i = 0; i < 500; i++)
        lazyfree_hand(&lf, add_one, &sum, 2);
    lazyfree_fini(&lf);
    cr_assert_eq(sum, 500);
    cr_assert_eq(lf.pending, 0);
    cr_assert_eq(lf.freed, 1000);
    lazyfree_settle(&lf, &account);
    cr_assert_eq(account.used_bytes, 5000);
    lazyfree_settle(&lf, &account);
    cr_assert_eq(account.used_bytes, 5000);
}

Test(lazyfree, one_that_never_had_a_job_ends_quietly)
{
    struct lazyfree lf;

    lazyfree_init(&lf);
    lazyfree_fini(&lf);
}
