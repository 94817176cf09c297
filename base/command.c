/* Finding a command by its name in the tables that specgen wrote. */
#include "base/command.h"

/* `lower` is in lower case and ends with a NUL. */
static bool name_is(const char *lower, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if ((unsigned char)lower[i] != c || c == 0)
            return false;
    }
    return lower[len] == 0;
}

const struct command *command_find(const char *name, size_t len)
{
    if (len == 0)
        return NULL;
    for (uint32_t slot = command_hash(name, len); command_slots[slot];
         slot = (slot + 1) % COMMAND_SLOTS) {
        const struct command *cmd = &command_table[command_slots[slot] - 1];

        if (name_is(cmd->name, name, len))
            return cmd;
    }
    return NULL;
}

const struct command *command_find_sub(const struct command *parent, const char *name, size_t len)
{
    for (uint32_t i = 0; i < parent->sub_count; i++)
        if (name_is(parent->subs[i].shown, name, len))
            return &parent->subs[i];
    return NULL;
}
