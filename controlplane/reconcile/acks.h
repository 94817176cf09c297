/*
 * What an acknowledged write of a group outlives, as far as it is the control plane's matter:
 * private to reconcile/. model/durability.h says what is promised; engines hold their replies back
 * until so many replicas have a write; what is here keeps promotions from going back behind it.
 *
 *     another number is wanted -> it is ordered -> the primary has it in force, at an offset
 *         -> replicas are asked to come so far -> as many as it says have -> it counts
 *
 * While k counts, each acknowledged write is held by k replicas, and k - 1 members that tell
 * nothing are no reason to wait: one of the others has it. What counts is lowered before less is
 * ordered, and raised when more is known to be so.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_ACKS_H
#define LARDER_CONTROLPLANE_RECONCILE_ACKS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Orders what is wanted, and counts on no more than that from now on. To be called before anything
 * else looks at the shard. */
void acks_order(struct group_view *g, struct shard *s, struct decisions *d);

/* Takes the next step towards counting on what is ordered. */
void acks_raise(struct group_view *g, struct shard *s, struct decisions *d);

/* All shards count on what the group asks for. */
bool acks_is_settled(const struct group_view *g);

/* A member of the shard is no more. */
void acks_lose_member(struct group_view *g, struct shard *s, struct decisions *d);

/* Whether who follows `dead` must have every write that it acknowledged. */
bool acks_counts(const struct shard *s);

/* Has all members of the shard follow nobody and say how far they are, by a term above all that the
 * primary `dead` can have had: what they answer to it, they say after its end. One that is not dead
 * but was only named, or has begun anew, is asked as the others are. */
void acks_ask(struct group_view *g, struct shard *s, const struct view *dead, struct decisions *d);

/* False while one that may have been the primary since it was named has not said that it is none.
 */
bool acks_are_free(const struct shard *s, const struct view *dead, bool has_died);

/* Who is to follow `dead` (NULL: one that is no member any more) once they were asked; NULL: not
 * enough is known yet. `*out_is_sure` is false for one that may not have all, where nobody can come
 * who has more, or the group waits for that no longer. */
struct view *acks_choose(const struct group_view *g, const struct shard *s, const struct view *dead,
                         bool *out_is_sure);

/* Tells, a little later and once, that the shard has no primary because not enough is known. */
void acks_tell_waiting(struct group_view *g, struct shard *s, struct decisions *d);

#endif
