/* Literal views of replication groups, like scene.h: no store. Three hosts in three zones. */
#ifndef LARDER_TESTS_UNIT_RECONCILE_GROUP_SCENE_H
#define LARDER_TESTS_UNIT_RECONCILE_GROUP_SCENE_H

#include "base/arena.h"
#include "controlplane/reconcile/groups.h"

#define GROUP_SCENE_MEMBERS 6
#define GROUP_SCENE_HOSTS   4

/* What is told of a shard that gets no other primary for now. */
#define HELD                                                                                      \
    "Automatic failover of node group 0001 is suspended: its primaries ended one after another. " \
    "It goes on after 10 minutes, or by TestFailover"

/* What is told of a switch whose successor was too slow. */
#define DECLINED "its successor did not come level in time"

struct group_scene {
    struct arena arena;
    struct host hosts[GROUP_SCENE_HOSTS];
    struct region_view region;
    struct shard shards[2];
    struct view members[GROUP_SCENE_MEMBERS];
    struct node nodes[GROUP_SCENE_MEMBERS];
    struct group_view view;
    struct decisions decisions;
};

/* So many shards with so many members each; nothing is placed. Cluster mode is on where there are
 * two shards. Ids of member clusters are 1, 2 ... */
void group_scene_open(struct group_scene *s, size_t shards, size_t members);
void group_scene_close(struct group_scene *s);

/* All run and do what they should by now, the first of each shard being its primary. */
void group_scene_run(struct group_scene *s);

/* A member took on what its goal says; a replica follows at this offset. */
void group_scene_obey(struct group_scene *s, size_t member, int64_t offset);

/* Its engine ended by itself. */
void group_scene_kill(struct group_scene *s, size_t member);

/* A replica noticed that its primary is gone, having come so far. */
void group_scene_cut(struct group_scene *s, size_t member, int64_t offset);

/* From now on hosts can vote, and so can the control plane; the shards' primaries have leases. */
void group_scene_lease(struct group_scene *s);

/* The member's host is not heard of: for a moment, or for longer. */
void group_scene_hush(struct group_scene *s, size_t member, bool is_silent);
void group_scene_hear(struct group_scene *s, size_t member);

/* A voter has promised that term of the first shard. */
void group_scene_promise(struct group_scene *s, const char *voter, int64_t term);

/* Starts an operation; its deadline is at 10,000 ms, now is 1,000 ms. */
void group_scene_operate(struct group_scene *s, enum group_operation_kind kind, const char *data);

/* Lets the rules decide, from an empty list of decisions. */
void group_scene_decide(struct group_scene *s);

size_t group_scene_count(const struct group_scene *s, enum decision_kind kind);
bool group_scene_told(const struct group_scene *s, const char *text);

#endif
