#include "controlplane/model/task.h"

#include <criterion/criterion.h>

Test(task, every_state_has_a_word_that_is_read_back)
{
    for (enum task_state state = TASK_RUNNING; state <= TASK_FAILED; state++) {
        enum task_state read = TASK_FAILED;
        cr_assert(task_state_parse(task_state_name(state), &read));
        cr_assert_eq(read, state);
    }
    cr_assert_not(task_state_parse("wanted", &(enum task_state){0}));
}
