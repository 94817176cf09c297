/*
 * Who led before, as a process of this machine. A number alone would not do: it is used again. So a
 * process is named by its number, the time at which it was started, and the boot and the space of
 * numbers that this is of.
 */
#ifndef LARDER_CONTROLPLANE_LEAD_PREDECESSOR_H
#define LARDER_CONTROLPLANE_LEAD_PREDECESSOR_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct arena;

/* The name of a process; ERR_NOT_FOUND when there is none of that number. In `a`. */
must_use struct err predecessor_name(struct arena *a, pid_t pid, const char **out);

/* Whether the process of that name has ended, for certain: it was of this boot and this space of
 * numbers. */
bool predecessor_is_gone(struct arena *a, const char *name);

/* Ends the process of that name, at once (SIGKILL). ERR_NOT_FOUND when it is gone or cannot be told
 * from others from here (another machine, another space of numbers), ERR_DENIED. */
must_use struct err predecessor_end(struct arena *a, const char *name);

#endif
