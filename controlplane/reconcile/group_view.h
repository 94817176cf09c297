/* What the rules of groups look at: one replication group with all members; private to reconcile/.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GROUP_VIEW_H
#define LARDER_CONTROLPLANE_RECONCILE_GROUP_VIEW_H

#include "controlplane/model/global.h"
#include "controlplane/model/group.h"
#include "controlplane/model/slot_moves.h"
#include "controlplane/model/task.h"
#include "controlplane/reconcile/view.h"

struct group_view {
    struct replication_group group;
    struct shard_list shards; /* goals are kept as decided, like those of nodes */
    struct view *members;     /* by name, the unwanted too */
    size_t member_count;
    struct view **members_by_id; /* NULL: a view that was not loaded, and is small */
    struct shard **shards_by_id;
    bool has_operation; /* one is running */
    struct group_operation operation;
    struct slot_move_list moves; /* of the running operation */
    struct node_task *tasks; /* for migrations: what the first primary's node is to ask sources */
    size_t task_count;
    bool is_global; /* it is a member of a global datastore */
    struct global_member self;
    struct global_member *peers; /* all members of that, it among them */
    size_t peer_count;
    struct group_view *upstream; /* the primary's group, for others than that; may be NULL */
    struct shard_list followers; /* of the primary's secondaries, all shards; with cluster mode */
    const char *reads; /* what nodes are to be told of shards that take slots; NULL: no news */
    struct topology topology;
    struct promise_list promises; /* of voters, for shards of the group */
    bool has_vote;                /* the control plane can be a voter */
    int64_t lease_calm_ms;        /* leases are made shorter when nothing was late for so long */
    int64_t replace_after_ms;     /* a member of a lost host is made anew elsewhere after so long */
    const char *promote_stale;    /* what the group's tag says; NULL: it has none */
    const struct region_view *region;
    struct endpoint_board *endpoints; /* NULL: names are told, or members' own addresses */
    int64_t now_ms;
    int64_t began_ms; /* when whoever looks began to, and to hear of hosts */
    bool is_removed;  /* it was decided that the group goes */
};

/* Reads the group; ERR_NOT_FOUND when it is gone. */
must_use struct err group_view_load(struct store_tx *tx, int64_t group_id, int64_t now_ms,
                                    struct regions *regions, struct group_view *out);

/* The member's node, or NULL when it has none (any more). */
struct node *member_node(const struct view *m);

/* The shard of a member; it has one. */
struct shard *member_shard(const struct group_view *g, const struct view *m);

/* The member that the shard's goal names as its primary, or NULL. */
struct view *shard_primary(const struct group_view *g, const struct shard *s);

/* Its host is not heard of: what was seen of it may be true no longer. */
bool member_is_unheard(const struct view *m);

/* For how long the shard does without a primary when no member is sure to have all; INT64_MAX: for
 * ever. */
int64_t group_patience_ms(const struct group_view *g, const struct shard *s);

/* Whether one that may lack something is taken at all: while members are not heard of that may have
 * more only when the group says for how long. */
bool group_takes_stale(const struct group_view *g, bool has_unheard);

/* A member by the id of its cluster, or NULL. */
struct view *group_member(const struct group_view *g, int64_t cluster_id);

#endif
