/* The list of kinds. */
#include "agent/tasks/kind.h"

const struct task_kind *const task_kinds[] = {
    &task_import_slots, &task_export_slots, &task_settle_slots,
    &task_ask_source,   &task_snapshot,     NULL,
};
