/*
 * Who holds a lease: which voters granted the renewals that it sent, and until when a majority's
 * grants last. It counts from the sending of a renewal, the voters from its receipt, so that the
 * holder's end comes first, however long datagrams were under way. It has no clock: times are
 * milliseconds of a clock that neither jumps nor stops. Plain data, to be copied as one likes.
 */
#ifndef LARDER_LEASE_HOLDER_H
#define LARDER_LEASE_HOLDER_H

#include "lease/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEASE_VOTERS_MAX 15
#define LEASE_ROUNDS     512 /* that are remembered: at one each LEASE_RENEW_MS the longest lease */

/* The lease of one shard. */
struct lease_holder {
    struct lease_entry renewal; /* what is asked for at each voter */
    size_t voter_count;
    uint64_t voters[LEASE_VOTERS_MAX];
    int64_t until_ms[LEASE_VOTERS_MAX]; /* what each granted lasts, from sending; INT64_MIN: none */
    int64_t refused_term;               /* the highest by which it was refused; 0 for none */
};

/* Rounds of renewals, of all shards at once: what was sent together has one number. */
struct lease_rounds {
    uint64_t
        last; /* any number; another one at each start, so that answers of before count for none */
    int64_t sent_ms[LEASE_ROUNDS];
    uint64_t numbers[LEASE_ROUNDS]; /* of the rounds whose times these are */
};

/* Nothing is granted yet. More than LEASE_VOTERS_MAX voters are a mistake. */
void lease_holder_init(struct lease_holder *h, const struct lease_entry *renewal,
                       const uint64_t *voters, size_t voter_count);

/* What was granted to `before`, another lease of this shard, term and node, stays granted by those
 * who are voters of this one, too. */
void lease_holder_take_over(struct lease_holder *h, const struct lease_holder *before);

/* Takes in what a voter answered to what was sent then. True when the lease lasts longer by it.
 * Answers of who is no voter, or of another term, change nothing. */
bool lease_holder_take(struct lease_holder *h, uint64_t voter, int64_t sent_ms,
                       const struct lease_entry *answer);

/* Until when the lease lasts; INT64_MIN while no majority has granted it. */
int64_t lease_holder_until_ms(const struct lease_holder *h);

void lease_rounds_init(struct lease_rounds *r, uint64_t last);

/* Begins a round that is sent now, and returns its number. */
uint64_t lease_rounds_begin(struct lease_rounds *r, int64_t now_ms);

/* When the round of that number was sent; false for one that is not remembered. */
bool lease_rounds_sent(const struct lease_rounds *r, uint64_t number, int64_t *out_ms);

#endif
