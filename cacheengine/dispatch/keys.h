/* Which arguments of a command are keys, by its description. */
#ifndef LARDER_DISPATCH_KEYS_H
#define LARDER_DISPATCH_KEYS_H

#include "base/command.h"
#include "base/str.h"

struct arena;

/* An argument that is a key, and what the command does to it. */
struct key_place {
    uint32_t arg;
    uint32_t flags; /* enum command_key_flag */
};

/* All keys, in `a`, and how many there are. Positions beyond argc are left out. Where the flags of
 * a specification depend on the arguments (SET with and without GET), they were looked at. */
struct key_place *keys_find(struct arena *a, const struct command *cmd, const struct str *argv,
                            uint32_t argc, uint32_t *count);

/* The same with the arguments that are no keys but lie in slots as keys do: shard channels. */
struct key_place *slots_find(struct arena *a, const struct command *cmd, const struct str *argv,
                             uint32_t argc, uint32_t *count);

#endif
