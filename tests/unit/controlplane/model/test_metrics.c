#include "controlplane/model/metrics.h"

#include <criterion/criterion.h>

Test(metrics, numbers_and_names_are_given_once_and_numbers_fit)
{
    for (size_t i = 0; i < metric_count; i++) {
        cr_assert(metrics[i].number >= 1 && metrics[i].number <= METRIC_MAX);
        cr_assert_eq(metric_find(str_of(metrics[i].name)), &metrics[i], "%s", metrics[i].name);
        cr_assert_eq(metric_of(metrics[i].number), &metrics[i], "%s", metrics[i].name);
    }
}

Test(metrics, what_is_not_there_is_not_found)
{
    cr_assert_null(metric_find(STR("cpuutilization")));
    cr_assert_null(metric_of(0));
    cr_assert_null(metric_of(METRIC_MAX));
}

Test(metrics, units_and_exactness_are_those_of_the_catalogue)
{
    const struct metric *m = metric_find(STR("EngineCPUUtilization"));
    cr_assert_str_eq(m->unit, "Percent");
    cr_assert_eq(m->scale, 10000);
}
