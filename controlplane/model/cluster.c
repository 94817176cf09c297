/* The words by which operations are stored, and which address of a node is meant. */
#include "controlplane/model/cluster.h"

#include "base/err.h"

#include <string.h>

#define MEMORY_OF_NOTE ((int64_t)16 << 20) /* what is less than that comes and goes unseen */

static const char *const kind_names[] = {
    [OPERATION_CREATE] = "create", [OPERATION_DELETE] = "delete",     [OPERATION_REBOOT] = "reboot",
    [OPERATION_MODIFY] = "modify", [OPERATION_SNAPSHOT] = "snapshot",
};

static const char *const state_names[] = {
    [OPERATION_RUNNING] = "running",
    [OPERATION_DONE] = "done",
    [OPERATION_FAILED] = "failed",
};

/* The index of a name in a table, or `count`. */
static size_t name_index(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

const char *operation_kind_name(enum operation_kind kind)
{
    check((size_t)kind < countof(kind_names));
    return kind_names[kind];
}

bool operation_kind_parse(const char *name, enum operation_kind *out)
{
    size_t i = name_index(kind_names, countof(kind_names), name);

    if (i == countof(kind_names))
        return false;
    *out = (enum operation_kind)i;
    return true;
}

const char *operation_state_name(enum operation_state state)
{
    check((size_t)state < countof(state_names));
    return state_names[state];
}

bool operation_state_parse(const char *name, enum operation_state *out)
{
    size_t i = name_index(state_names, countof(state_names), name);

    if (i == countof(state_names))
        return false;
    *out = (enum operation_state)i;
    return true;
}

const char *goal_address(const struct node_goal *g, enum ip_family family)
{
    bool has_second = g->second_address && *g->second_address;

    return family == FAMILY_IPV6 && has_second ? g->second_address : g->address;
}

bool memory_is_about(int64_t was_bytes, int64_t now_bytes)
{
    int64_t more = was_bytes > now_bytes ? was_bytes : now_bytes;
    int64_t less = was_bytes > now_bytes ? now_bytes : was_bytes;

    if (less < 0)
        return more < 0;
    return more - less <= more / 8 || more < MEMORY_OF_NOTE;
}

bool hosts_are_mostly_silent(const struct host_list *l)
{
    size_t silent = 0;

    for (size_t i = 0; i < l->count; i++)
        silent += l->items[i].is_silent;
    return 2 * silent > l->count;
}

bool hosts_are_mostly_quiet(const struct host_list *l)
{
    size_t quiet = 0;

    for (size_t i = 0; i < l->count; i++)
        quiet += l->items[i].is_quiet || l->items[i].is_silent;
    return 2 * quiet > l->count;
}

struct cluster cluster_of_node(const struct cluster *c, const struct node *n)
{
    struct cluster seen = *c;

    if (n->node_type && *n->node_type)
        seen.node_type = n->node_type;
    return seen;
}
