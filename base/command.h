/*
 * How an engine command looks at run time: constant tables that specgen writes from
 * api-spec/engine. Dispatch, arity, COMMAND, ACL categories, key positions, propagation and
 * notification are loops over these tables. The functions behind the commands are listed apart
 * (contract/command_procs.h), so that the description stands below everything that serves it.
 */
#ifndef LARDER_BASE_COMMAND_H
#define LARDER_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bit numbers follow the rows of command_flag_names. */
enum command_flag {
    CMD_WRITE = 1 << 0,
    CMD_READONLY = 1 << 1,
    CMD_DENYOOM = 1 << 2,
    CMD_MODULE = 1 << 3,
    CMD_ADMIN = 1 << 4,
    CMD_PUBSUB = 1 << 5,
    CMD_NOSCRIPT = 1 << 6,
    CMD_BLOCKING = 1 << 7,
    CMD_LOADING = 1 << 8,
    CMD_STALE = 1 << 9,
    CMD_SKIP_MONITOR = 1 << 10,
    CMD_SKIP_SLOWLOG = 1 << 11,
    CMD_ASKING = 1 << 12,
    CMD_FAST = 1 << 13,
    CMD_NO_AUTH = 1 << 14,
    CMD_MAY_REPLICATE = 1 << 15,
    CMD_NO_MANDATORY_KEYS = 1 << 16,
    CMD_NO_ASYNC_LOADING = 1 << 17,
    CMD_NO_MULTI = 1 << 18,
    CMD_ALLOW_BUSY = 1 << 19,
    CMD_MOVABLEKEYS = 1 << 20,
};
#define COMMAND_FLAGS 21

/* The names that COMMAND INFO shows, by bit number. */
extern const char *const command_flag_names[COMMAND_FLAGS];

/* ACL categories, by bit number: "keyspace", "read", ... */
#define COMMAND_CATEGORIES 21
extern const char *const command_category_names[COMMAND_CATEGORIES];

/* What is done to the keys of one specification; names in command_key_flag_names. */
enum command_key_flag {
    KEY_RO = 1 << 0,
    KEY_RW = 1 << 1,
    KEY_OW = 1 << 2,
    KEY_RM = 1 << 3,
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,
    KEY_INCOMPLETE = 1 << 9,
    KEY_VARIABLE_FLAGS = 1 << 10,
};
#define COMMAND_KEY_FLAGS 11
extern const char *const command_key_flag_names[COMMAND_KEY_FLAGS];

/* Where keys stand: from `begin` (an argument, or behind a keyword searched from `from` on), as a
 * range (to `last` relative to begin, negative from the end; every `step`th; `limit` parts it), or
 * as many as an argument says. Unknown ones follow from the command's own syntax. */
struct command_keys {
    uint32_t flags;
    bool is_unknown;
    const char *keyword; /* NULL: begin is an index */
    int begin, from;
    bool is_counted; /* by the argument at begin + count_at; the first key at begin + first */
    int last, step, limit;
    int count_at, first;
    const char *notes;
};

/* One change of a command's behaviour, for COMMAND DOCS. */
struct command_history {
    const char *since, *text;
};

struct command {
    const char *name;  /* lower case; of a subcommand with its parent's: "client|setname" */
    const char *shown; /* its own word: "setname" */
    const char *summary;
    const char *since;
    const char *group;
    const char *complexity;
    const char *const *tips;               /* ended by NULL */
    const struct command_history *history; /* ended by a NULL since */
    const struct command_keys *keys;
    const struct command *subs; /* subcommands, or NULL */
    const struct command *parent;
    uint32_t key_specs, sub_count;
    uint32_t flags;
    uint32_t categories;
    int32_t arity;                         /* negative: at least; the name counts */
    int16_t first_key, last_key, key_step; /* the plain range; 0 = no keys there */
    int16_t member; /* the argument that names a member of the first key; negative: from the end */
    int16_t id;     /* its row among all, subcommands too: index of stats and procs */
    bool is_restricted; /* not for tenants of a managed node */
    bool is_internal;   /* for the admin socket alone, whatever the node is */
    bool is_node_only;  /* not for tenants of a serverless cache */
    bool is_deprecated;
};

/* All top-level commands, sorted by name; and the table that command_find searches. */
extern const struct command command_table[];
extern const size_t command_count;    /* top level */
extern const size_t command_id_count; /* subcommands too */
extern const uint16_t command_slots[];
#define COMMAND_SLOTS 1024

/* The hash of a name in any case, the same at build and at run time. */
static inline uint32_t command_hash(const char *name, size_t len)
{
    uint64_t head = 0;

    memcpy(&head, name, len < 8 ? len : 8);
    head |= 0x2020202020202020ULL;
    head ^= (uint64_t)((unsigned char)name[len - 1] | 0x20) << 40;
    return (uint32_t)((head * 0x9E3779B97F4A7C15ULL + len * 0xD6E8FEB86659FD93ULL) >> 40) %
           COMMAND_SLOTS;
}

/* The command of that name in any case, or NULL; the subcommand likewise. */
const struct command *command_find(const char *name, size_t len);
const struct command *command_find_sub(const struct command *parent, const char *name, size_t len);

#endif
