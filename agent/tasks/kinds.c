/* The list of kinds. */
#include "agent/tasks/kind.h"

const struct task_kind *const task_kinds[] = {
    NULL,
};
