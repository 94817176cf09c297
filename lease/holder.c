/* The lease lasts as long as the grant of the voter that completes a majority of the longest ones.
 */
#include "lease/holder.h"

#include "base/err.h"

#include <string.h>

void lease_holder_init(struct lease_holder *h, const struct lease_entry *renewal,
                       const uint64_t *voters, size_t voter_count)
{
    check(voter_count >= 1 && voter_count <= LEASE_VOTERS_MAX);
    *h = (struct lease_holder){.renewal = *renewal, .voter_count = voter_count};
    memcpy(h->voters, voters, voter_count * sizeof(*voters));
    for (size_t i = 0; i < voter_count; i++)
        h->until_ms[i] = INT64_MIN;
}

/* How many voters granted something that lasts until then or longer. */
static size_t granted_until(const struct lease_holder *h, int64_t until_ms)
{
    size_t count = 0;

    for (size_t i = 0; i < h->voter_count; i++)
        count += h->until_ms[i] >= until_ms;
    return count;
}

int64_t lease_holder_until_ms(const struct lease_holder *h)
{
    int64_t latest_ms = INT64_MIN;

    for (size_t i = 0; i < h->voter_count; i++)
        if (h->until_ms[i] > latest_ms && granted_until(h, h->until_ms[i]) > h->voter_count / 2)
            latest_ms = h->until_ms[i];
    return latest_ms;
}

static void take_grant(struct lease_holder *h, uint64_t voter, int64_t until_ms)
{
    for (size_t i = 0; i < h->voter_count; i++)
        if (h->voters[i] == voter && until_ms > h->until_ms[i])
            h->until_ms[i] = until_ms;
}

void lease_holder_take_over(struct lease_holder *h, const struct lease_holder *before)
{
    if (before->renewal.shard != h->renewal.shard || before->renewal.term != h->renewal.term ||
        before->renewal.holder != h->renewal.holder)
        return;
    for (size_t i = 0; i < before->voter_count; i++)
        take_grant(h, before->voters[i], before->until_ms[i]);
}

static bool is_voter(const struct lease_holder *h, uint64_t voter)
{
    for (size_t i = 0; i < h->voter_count; i++)
        if (h->voters[i] == voter)
            return true;
    return false;
}

bool lease_holder_take(struct lease_holder *h, uint64_t voter, int64_t sent_ms,
                       const struct lease_entry *answer)
{
    int64_t before_ms = lease_holder_until_ms(h);

    if (answer->shard != h->renewal.shard || answer->holder != h->renewal.holder ||
        !is_voter(h, voter))
        return false;
    if (answer->ms == 0 && answer->term > h->refused_term)
        h->refused_term = answer->term;
    if (answer->term == h->renewal.term && answer->ms > 0)
        take_grant(h, voter, sent_ms + (answer->ms < h->renewal.ms ? answer->ms : h->renewal.ms));
    return lease_holder_until_ms(h) > before_ms;
}

void lease_rounds_init(struct lease_rounds *r, uint64_t last)
{
    *r = (struct lease_rounds){.last = last};
    for (size_t i = 0; i < LEASE_ROUNDS; i++)
        r->sent_ms[i] = INT64_MIN;
}

uint64_t lease_rounds_begin(struct lease_rounds *r, int64_t now_ms)
{
    uint64_t number = ++r->last;

    r->numbers[number % LEASE_ROUNDS] = number;
    r->sent_ms[number % LEASE_ROUNDS] = now_ms;
    return number;
}

bool lease_rounds_sent(const struct lease_rounds *r, uint64_t number, int64_t *out_ms)
{
    size_t at = number % LEASE_ROUNDS;

    if (r->numbers[at] != number || r->sent_ms[at] == INT64_MIN)
        return false;
    *out_ms = r->sent_ms[at];
    return true;
}
