/* One table from operations to words; what a node shows follows from its cluster and its own facts.
 */
#include "controlplane/model/status.h"

#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/settings.h"

/* What a cluster shows while, and after, its newest operation. */
static const struct {
    enum operation_kind kind;
    enum operation_state state;
    enum cluster_status status;
} rows[] = {
    {OPERATION_CREATE,   OPERATION_RUNNING, CLUSTER_CREATING     },
    {OPERATION_CREATE,   OPERATION_FAILED,  CLUSTER_CREATE_FAILED},
    {OPERATION_MODIFY,   OPERATION_RUNNING, CLUSTER_MODIFYING    },
    {OPERATION_REBOOT,   OPERATION_RUNNING, CLUSTER_REBOOTING    },
    {OPERATION_DELETE,   OPERATION_RUNNING, CLUSTER_DELETING     },
    {OPERATION_SNAPSHOT, OPERATION_RUNNING, CLUSTER_SNAPSHOTTING },
};

enum cluster_status cluster_status(const struct cluster *c, const struct operation *newest)
{
    if (!c->is_wanted)
        return CLUSTER_DELETING;
    if (newest && newest->kind == OPERATION_CREATE && newest->state == OPERATION_FAILED &&
        str_is(str_of(newest->data), OPERATION_RESTORES))
        return CLUSTER_RESTORE_FAILED;
    for (size_t i = 0; newest && i < countof(rows); i++)
        if (rows[i].kind == newest->kind && rows[i].state == newest->state)
            return rows[i].status;
    return CLUSTER_AVAILABLE;
}

/* What members show while their group changes; new ones are created meanwhile. */
enum cluster_status cluster_member_status(const struct cluster *c, const struct operation *newest,
                                          const struct replication_group *g,
                                          const struct group_operation *group_newest)
{
    enum cluster_status own = cluster_status(c, newest);
    enum group_status group = group_status(g, group_newest);
    bool is_new = group_newest && c->created_ms >= group_newest->created_ms;

    if (own == CLUSTER_DELETING || own == CLUSTER_REBOOTING || group == GROUP_STATUS_AVAILABLE)
        return own;
    if (group == GROUP_STATUS_CREATE_FAILED)
        return str_is(str_of(group_newest->data), OPERATION_RESTORES) ? CLUSTER_RESTORE_FAILED
                                                                      : CLUSTER_CREATE_FAILED;
    if (group == GROUP_STATUS_SNAPSHOTTING)
        return CLUSTER_SNAPSHOTTING;
    return is_new && group != GROUP_STATUS_DELETING ? CLUSTER_CREATING : CLUSTER_MODIFYING;
}

const char *cluster_status_word(enum cluster_status status)
{
    static const char *const words[] = {
        [CLUSTER_CREATING] = "creating",
        [CLUSTER_AVAILABLE] = "available",
        [CLUSTER_MODIFYING] = "modifying",
        [CLUSTER_REBOOTING] = "rebooting cluster nodes",
        [CLUSTER_DELETING] = "deleting",
        [CLUSTER_CREATE_FAILED] = "create-failed",
        [CLUSTER_RESTORE_FAILED] = "restore-failed",
        [CLUSTER_SNAPSHOTTING] = "snapshotting",
    };
    return words[status];
}

bool cluster_status_may_change(enum cluster_status status)
{
    return status == CLUSTER_AVAILABLE;
}

bool cluster_status_may_delete(enum cluster_status status)
{
    return status == CLUSTER_AVAILABLE || status == CLUSTER_CREATE_FAILED ||
           status == CLUSTER_RESTORE_FAILED;
}

bool cluster_status_has_endpoints(enum cluster_status status)
{
    return status != CLUSTER_CREATING && status != CLUSTER_CREATE_FAILED &&
           status != CLUSTER_RESTORE_FAILED;
}

/* True when the operation's list of node numbers ("0001,0003") holds this one. */
static bool operation_names(const struct operation *o, const char *number)
{
    struct str rest = str_of(o->data);

    while (rest.len > 0)
        if (str_is(str_cut(&rest, ','), number))
            return true;
    return false;
}

/* A node is new until it ran for the first time; after a crash it is not. */
static bool is_new(const struct node *n, const struct operation *newest)
{
    bool is_running = n->saw.has && n->saw.state == NODE_RUNNING;

    return !is_running && newest && n->created_ms >= newest->created_ms;
}

const char *node_status_word(const struct node *n, enum cluster_status status,
                             const struct operation *newest)
{
    if (!n->is_wanted || status == CLUSTER_DELETING)
        return "deleting";
    if (!cluster_status_has_endpoints(status))
        return "creating";
    if (status == CLUSTER_MODIFYING && is_new(n, newest))
        return "creating";
    if (status == CLUSTER_REBOOTING && newest && operation_names(newest, n->number))
        return "rebooting";
    return "available";
}

/* --- parameters --- */

const char *parameter_status_word(enum parameter_status status)
{
    static const char *const words[] = {
        [PARAMETERS_IN_SYNC] = "in-sync",
        [PARAMETERS_PENDING_REBOOT] = "pending-reboot",
        [PARAMETERS_APPLYING] = "applying",
    };
    return words[status];
}

/* An engine that was just started has what its goal said then; it tells so with its first report.
 */
enum parameter_status node_parameter_status(const struct cluster *c, const struct node *n)
{
    const struct cluster seen = cluster_of_node(c, n);
    struct settings_version applied;

    if (!n->saw.has || n->saw.state != NODE_RUNNING || *n->saw.applied_settings == '\0')
        return PARAMETERS_IN_SYNC;
    if (!settings_version_parse(n->saw.applied_settings, &applied) ||
        applied.parameters != parameters_number(&seen))
        return PARAMETERS_APPLYING;
    return n->saw.is_reboot_pending ? PARAMETERS_PENDING_REBOOT : PARAMETERS_IN_SYNC;
}

enum parameter_status cluster_parameter_status(const struct cluster *c,
                                               const struct node_list *nodes)
{
    enum parameter_status worst = PARAMETERS_IN_SYNC;

    for (size_t i = 0; i < nodes->count; i++) {
        enum parameter_status status = node_parameter_status(c, &nodes->items[i]);
        if (nodes->items[i].is_wanted && status > worst)
            worst = status;
    }
    return worst;
}

/* --- who may enter --- */

bool node_entry_is_settled(const struct cache_entry *e, const struct node *n)
{
    struct settings_version applied;

    if (!n->saw.has || n->saw.state != NODE_RUNNING || *n->saw.applied_settings == '\0')
        return true;
    return settings_version_parse(n->saw.applied_settings, &applied) &&
           applied.users >= e->revision;
}

const char *entry_token_word(const struct cache_entry *e, const struct node_list *nodes)
{
    for (size_t i = 0; i < nodes->count && e->has_token; i++)
        if (nodes->items[i].is_wanted && !node_entry_is_settled(e, &nodes->items[i]))
            return e->is_token_rotated ? "ROTATING" : "SETTING";
    return NULL;
}
