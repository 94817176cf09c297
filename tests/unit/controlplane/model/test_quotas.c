#include "base/arena.h"
#include "controlplane/model/quotas.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena a;

static void close_arena(void)
{
    arena_fini(&a);
}

TestSuite(quotas, .fini = close_arena);

Test(quotas, are_the_hosted_services_where_nothing_is_said)
{
    struct quotas q;

    cr_assert_eq(quotas_read(&a, "", &q).code, ERR_OK);
    cr_assert_eq(q.nodes_per_group, 90);
    cr_assert_eq(q.nodes_per_region, 300);
    cr_assert_eq(quotas_read(&a, NULL, &q).code, ERR_OK);
    cr_assert_eq(memcmp(&q, &quotas_usual, sizeof(q)), 0);
}

Test(quotas, those_that_are_named_are_otherwise)
{
    struct quotas q;

    cr_assert_eq(quotas_read(&a, "nodes-per-group=500, shards-per-group=1", &q).code, ERR_OK);
    cr_assert_eq(q.nodes_per_group, 500);
    cr_assert_eq(q.shards_per_group, 1);
    cr_assert_eq(q.nodes_per_region, 300);
}

Test(quotas, what_is_none_is_refused_with_a_sentence)
{
    static const char *const wrong[] = {"nodes",
                                        "nodes-per-group",
                                        "nodes-per-group=",
                                        "nodes-per-group=0",
                                        "nodes-per-group=-1",
                                        "nodes-per-group=3001",
                                        "shards-per-group=501",
                                        "shards-per-group=5,,",
                                        "cats-per-group=5"};
    struct quotas q = {.nodes_per_group = 7};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct err e = quotas_read(&a, wrong[i], &q);
        cr_assert_eq(e.code, ERR_INVALID, "%s", wrong[i]);
        cr_assert_not_null(e.why);
    }
    cr_assert_eq(q.nodes_per_group, 7, "and changes nothing");
    cr_assert_not_null(strstr(quotas_read(&a, "cats=1", &q).why, "test-failovers-per-day"));
}
