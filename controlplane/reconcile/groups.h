/* Policy for replication groups: where members go, who is a primary, what nodes know of each other.
 * Pure; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GROUPS_H
#define LARDER_CONTROLPLANE_RECONCILE_GROUPS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/failpoint.h"
#include "controlplane/reconcile/group_view.h"

/* Runs the rules of nodes over all members, then those of the group, then its running operation. */
void groups_decide(struct group_view *g, struct decisions *d);

/* The names of all steps that groups have. */
void groups_name(struct arena *a, struct failpoint_names *out);

/* Whether a member does all that it should: it runs, has taken on role and topology as they are
 * now, and as a replica it follows its primary. */
bool member_is_ready(const struct group_view *g, const struct view *m);

/* Whether the shard's primary says that it is one, by the term of the goal; where it follows
 * somebody outside of the group, whether it does. */
bool primary_is_confirmed(const struct group_view *g, const struct shard *s);

/* Makes another member the primary by the next term. */
void groups_promote(struct group_view *g, struct shard *s, int64_t cluster_id, struct decisions *d,
                    const char *why);

/* Takes the right to write from the primary, as long as its engine lives; and gives it back by the
 * next term, if it is the same engine still. */
void groups_fence(struct group_view *g, struct shard *s, struct decisions *d, const char *why);
void groups_unfence(struct group_view *g, struct shard *s, struct decisions *d, const char *why);

/* Has the primary of the shard follow somebody else outside of the group from now on, by the next
 * term; a source without a port: nobody. */
void groups_follow(struct group_view *g, struct shard *s, const struct shard_source *source,
                   struct decisions *d, const char *why);

/* The highest term that the shard's goal or one of its engines knows. */
int64_t shard_highest_term(const struct group_view *g, const struct shard *s);

/* Whether a node runs where it should; the member has one. */
bool member_is_up(const struct node *n);

/* Whether the host of a member with a place is not heard of. */
bool member_is_unheard(const struct view *m);

/* The life of the member's engine that was seen last, for a goal that is meant for no other. */
int64_t member_life(const struct view *m);

/* Writes the shard's goal as it stands in the view. */
void decide_shard(struct decisions *d, const struct group_view *g, const struct shard *s,
                  const char *why);

/* An event of the group. */
void decide_group_event(struct decisions *d, const struct group_view *g, enum event_kind kind,
                        const char *first, const char *second);
void decide_group_operation(struct decisions *d, struct group_view *g);
/* DECISION_SHARD_WANT or DECISION_SHARD_REMOVE of a shard as it stands in the view. */
void decide_group_shard(struct decisions *d, const struct group_view *g, enum decision_kind kind,
                        const struct shard *s);
/* Writes the group as it stands in the view. */
void decide_group(struct decisions *d, const struct group_view *g);
/* Tells all nodes of the topology as it stands in the view. */
void decide_topology(struct decisions *d, const struct group_view *g);
void decide_moves_clear(struct decisions *d, struct group_view *g);
/* A member that stands alone from now on has what its group had: who may enter, where logs go. */
void decide_group_release(struct decisions *d, const struct group_view *g, const struct view *m);
void decide_group_remove(struct decisions *d, struct group_view *g);

#endif
