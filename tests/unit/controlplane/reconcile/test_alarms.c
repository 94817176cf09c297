#include "controlplane/reconcile/alarms.h"

#include <criterion/criterion.h>

static struct alarms all;

static void open_alarms(void)
{
    alarms_init(&all);
}

static void close_alarms(void)
{
    alarms_fini(&all);
}

TestSuite(alarms, .init = open_alarms, .fini = close_alarms);

static const struct subject group = {true, 7}, cluster = {false, 7}, other = {false, 8};

/* The number of the next that is due, with its sign for groups; 0 for none. */
static int64_t take(int64_t now_ms)
{
    struct subject s;

    if (!alarms_take(&all, now_ms, &s))
        return 0;
    return s.is_group ? -s.id : s.id;
}

Test(alarms, the_earliest_comes_first_and_none_before_its_time)
{
    alarms_set(&all, other, 300);
    alarms_set(&all, group, 100);
    alarms_set(&all, cluster, 200);
    cr_expect_eq(alarms_next_ms(&all), 100);
    cr_expect_eq(take(99), 0);
    cr_expect_eq(take(250), -7);
    cr_expect_eq(take(250), 7);
    cr_expect_eq(take(250), 0);
    cr_expect_eq(take(300), 8);
    cr_expect_eq(alarms_next_ms(&all), INT64_MAX);
}

Test(alarms, what_is_set_for_earlier_counts_and_rings_once)
{
    alarms_set(&all, group, 200);
    alarms_set(&all, group, 300);
    alarms_set(&all, group, 100);
    cr_expect_eq(take(100), -7);
    cr_expect_eq(take(1000), 0, "what was set before it is outrun");
    alarms_set(&all, group, 1100);
    cr_expect_eq(take(1100), -7);
}

Test(alarms, a_deadline_that_is_none_rings_never)
{
    alarms_set(&all, group, INT64_MAX);
    cr_expect_eq(all.count, 0);
}

Test(alarms, thousands_come_in_order)
{
    int64_t last = 0;
    size_t count = 0;

    for (int64_t i = 0; i < 5000; i++)
        alarms_set(&all, (struct subject){false, i + 1}, i * 7919 % 5003);
    while (alarms_next_ms(&all) != INT64_MAX) {
        cr_assert_leq(last, alarms_next_ms(&all));
        last = alarms_next_ms(&all);
        cr_assert_neq(take(last), 0);
        count++;
    }
    cr_expect_eq(count, 5000);
}
