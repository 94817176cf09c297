/* The words for states of tasks, in the store and on the agents' wire alike. */
#include "controlplane/model/task.h"

#include "base/err.h"

#include <string.h>

static const char *const state_names[] = {
    [TASK_RUNNING] = "running",
    [TASK_DONE] = "done",
    [TASK_FAILED] = "failed",
};

const char *task_state_name(enum task_state state)
{
    return state_names[state];
}

bool task_state_parse(const char *name, enum task_state *out)
{
    for (size_t i = 0; i < countof(state_names); i++)
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum task_state)i;
            return true;
        }
    return false;
}
