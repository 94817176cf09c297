/* Work that an agent does once with a running node, as plain data. */
#ifndef LARDER_CONTROLPLANE_MODEL_TASK_H
#define LARDER_CONTROLPLANE_MODEL_TASK_H

#include <stdbool.h>
#include <stdint.h>

enum task_state { TASK_RUNNING, TASK_DONE, TASK_FAILED };

/* "running", "done" or "failed". */
const char *task_state_name(enum task_state state);
bool task_state_parse(const char *name, enum task_state *out);

struct node_task {
    int64_t id; /* never reused */
    int64_t node_id;
    const char *kind;   /* one that agents know */
    const char *detail; /* what the kind needs to know: NodeTask of api-spec/agent.json as JSON,
                           without its id and kind; "{}" for nothing */
    int64_t created_ms;
    /* As its agent last said. */
    enum task_state state;
    const char *why; /* it failed */
    int percent;     /* how much is done, as far as that is known */
};

#endif
