/* Which arguments of a command are keys, by its description. */
#ifndef LARDER_DISPATCH_KEYS_H
#define LARDER_DISPATCH_KEYS_H

#include "base/command.h"
#include "base/str.h"

struct arena;

/* The positions of all keys, in `a`, and how many there are. Positions beyond argc are left out. */
uint32_t *keys_find(struct arena *a, const struct command *cmd, const struct str *argv,
                    uint32_t argc, uint32_t *count);

#endif
