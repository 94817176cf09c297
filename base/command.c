/* Finding a command by its name in the tables that specgen wrote. */
#include "base/command.h"

const char *const command_flag_names[COMMAND_FLAGS] = {
    "write",         "readonly",          "denyoom",          "module",   "admin",
    "pubsub",        "noscript",          "blocking",         "loading",  "stale",
    "skip_monitor",  "skip_slowlog",      "asking",           "fast",     "no_auth",
    "may_replicate", "no_mandatory_keys", "no_async_loading", "no_multi", "allow_busy",
    "movablekeys",
};

const char *const command_category_names[COMMAND_CATEGORIES] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
};

const char *const command_key_flag_names[COMMAND_KEY_FLAGS] = {
    "RO",     "RW",     "OW",      "RM",         "access",         "update",
    "insert", "delete", "not_key", "incomplete", "variable_flags",
};

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
