#include "agent/tasks/kind.h"

#include <criterion/criterion.h>

#include <string.h>

Test(kinds, each_has_a_name_of_its_own_and_both_functions)
{
    for (const struct task_kind *const *k = task_kinds; *k; k++) {
        cr_assert((*k)->name && (*k)->begin && (*k)->drop);
        for (const struct task_kind *const *other = task_kinds; other != k; other++)
            cr_assert_str_neq((*k)->name, (*other)->name);
    }
}
