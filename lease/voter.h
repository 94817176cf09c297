/*
 * A voter: to whom it has granted which lease, and which terms it has promised. It has no clock, no
 * disk and no lock: times are milliseconds of a clock that neither jumps nor stops, and who calls
 * keeps promises on a disk.
 *
 * The rules. A renewal is granted unless its term is below the highest one that the voter knows of
 * the shard, or another node has the same. A term is promised, once and for all, when what was
 * granted has run out, counted from the receipt of the renewal; or at once when the holder is known
 * to have ended. Who knows a shard only since a moment ago (it was started, or became a voter) may
 * have granted what it does not know of any more: it promises nothing until that would have run
 * out.
 *
 * When the voters of a shard change, a holder may count for a while in those of before. So who
 * commits a term needs promises of a majority of each set of voters that the holder may still count
 * in: those that it was given, until it has said that it goes by a later one, and lease_grant_ms
 * longer.
 */
#ifndef LARDER_LEASE_VOTER_H
#define LARDER_LEASE_VOTER_H

#include "lease/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct lease_voter;

struct lease_voter *lease_voter_new(void);
void lease_voter_free(struct lease_voter *v); /* accepts NULL */

/* How long a voter counts a grant of `ms`: longer by what clocks may differ in speed, and by the
 * margin. */
int64_t lease_grant_ms(int ms);

/*
 * It votes on the shard, and grants no more than `ms` at a time, whoever asks for more: so who was
 * started anew, and knows `ms` from its disk, knows how long what it granted before may last.
 * `term` is the highest that its disk has, 0 for none. Called again it takes on a higher term and
 * another `ms`, and forgets nothing: what was granted lasts as it was granted. A lower `ms` may
 * come to a voter's disk only when nothing that was asked for by a higher one can count any more.
 */
void lease_voter_know(struct lease_voter *v, int64_t shard, int64_t term, int ms, int64_t now_ms);

/* It votes on it no longer. */
void lease_voter_forget(struct lease_voter *v, int64_t shard);

bool lease_voter_knows(const struct lease_voter *v, int64_t shard);

/* Answers one renewal. False, and nothing is to be said, for a shard on which it does not vote. */
bool lease_voter_renew(struct lease_voter *v, const struct lease_entry *asked, int64_t now_ms,
                       struct lease_entry *out);

/* The same for all renewals of a datagram; false when there is nothing to be said. */
bool lease_voter_answer(struct lease_voter *v, const struct lease_datagram *asked, int64_t now_ms,
                        struct lease_datagram *out);

/* The process of the holder of that term has ended, for certain. */
void lease_voter_ended(struct lease_voter *v, int64_t shard, int64_t term);

/* When the term may be promised, at the earliest; INT64_MIN: at once, as when it was promised
 * before; INT64_MAX: never, for a higher one is known, it is held already, or the shard is not
 * known. */
int64_t lease_voter_may_promise_ms(const struct lease_voter *v, int64_t shard, int64_t term);

/* Promises it where it may be, and grants nothing below it from then on. It counts, and is to be
 * told, once it is on the disk. */
bool lease_voter_promise(struct lease_voter *v, int64_t shard, int64_t term, int64_t now_ms);

/* The highest term that it knows; 0 for none. */
int64_t lease_voter_term(const struct lease_voter *v, int64_t shard);

#endif
