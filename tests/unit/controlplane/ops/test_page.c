#include "contract/faults.h"
#include "controlplane/ops/page.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(page, .init = world_open, .fini = world_close, .timeout = 60);

Test(page, without_members_it_is_the_first_hundred)
{
    struct call c = world_call();
    struct page p;

    must(page_open(&c, (struct opt_int){0}, NULL, &p));
    cr_assert_eq(p.limit, 100);
    cr_assert_str_eq(p.after, "");
    must(page_open(&c, INT_OF(20), "", &p));
    cr_assert_eq(p.limit, 20);
}

Test(page, a_marker_is_the_base64_of_the_last_name)
{
    struct call c = world_call();
    struct page p;

    cr_assert_str_eq(page_marker(&c, "my-cluster"), "bXktY2x1c3Rlcg==");
    must(page_open(&c, (struct opt_int){0}, page_marker(&c, "my-cluster"), &p));
    cr_assert_str_eq(p.after, "my-cluster");
}

Test(page, what_was_never_a_marker_is_refused)
{
    static const char *const rows[] = {"x", "====", "a b", "YQBi" /* a, NUL, b */,
                                       "YQ=="
                                       "YQ=="};
    struct call c = world_call();
    struct page p;

    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_eq(page_open(&c, (struct opt_int){0}, rows[i], &p).code,
                     FAULT_INVALID_PARAMETER_VALUE, "%s", rows[i]);
}
