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
/* The same once the successor has everything; where that takes too long nothing has happened. */
void groups_yield(struct group_view *g, struct shard *s, const struct view *to, struct decisions *d,
                  const char *why);
void groups_unfence(struct group_view *g, struct shard *s, struct decisions *d, const char *why);

/* The shard's primary stays, by a term that is higher than any that somebody knows. */
void groups_raise(struct group_view *g, struct shard *s, struct decisions *d, const char *why);

/* Has the primary of the shard follow somebody else outside of the group from now on, by the next
 * term; a source without a port: nobody. */
void groups_follow(struct group_view *g, struct shard *s, const struct shard_source *source,
                   struct decisions *d, const char *why);

/* What the member needs of a host; and its place on the one that was chosen. */
struct place_request member_request(struct arena *a, const struct view *m, const struct node *n);
void member_settle(struct view *m, struct node *n, const struct place_choice *choice,
                   int64_t memory_bytes, bool is_clustered, struct decisions *d, const char *why);

/* The highest term that the shard's goal, one of its engines or a voter knows. */
int64_t shard_highest_term(const struct group_view *g, const struct shard *s);

/* What voters were asked for, and that nobody was the primary, is settled. */
void shard_forget_loss(struct shard *s);

/* Whether the member could take the place of the shard's primary: a replica of it that has data, as
 * far as was seen; whether `m` is a better one than `best`, which may be NULL, where the zone and
 * the host of the present primary are best avoided. */
bool member_is_fit(const struct shard *s, const struct view *m);
bool member_is_better(const struct group_view *g, const struct view *m, const struct view *best,
                      const char *lost_zone);
bool member_is_up(const struct view *m);

/* Its process ended, and nobody asked for that. */
bool member_has_died(const struct view *m);

/* Makes the member the primary by the next term, for what it has now: should its engine end before
 * it hears of that, it is not to be one with nothing. Counted by restraint.c. */
void groups_promote_as_seen(struct group_view *g, struct shard *s, const struct view *chosen,
                            struct decisions *d, const char *why);

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
/* Writes the topology as it stands in the view, for topology.c. */
void decide_topology(struct decisions *d, const struct group_view *g);
void decide_moves_clear(struct decisions *d, struct group_view *g);
/* A member that stands alone from now on has what its group had: who may enter, where logs go. */
void decide_group_release(struct decisions *d, const struct group_view *g, const struct view *m);
void decide_group_remove(struct decisions *d, struct group_view *g);

#endif
