/* The lease lasts as long as the grant of the voter that completes a majority of the newest ones.
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
        h->granted_ms[i] = INT64_MIN;
}

/* How many voters granted something that was sent then or later. */
static size_t granted_since(const struct lease_holder *h, int64_t sent_ms)
{
    size_t count = 0;

    for (size_t i = 0; i < h->voter_count; i++)
        count += h->granted_ms[i] >= sent_ms;
    return count;
}

int64_t lease_holder_until_ms(const struct lease_holder *h)
{
    int64_t newest_ms = INT64_MIN;

    for (size_t i = 0; i < h->voter_count; i++)
        if (h->granted_ms[i] > newest_ms && granted_since(h, h->granted_ms[i]) > h->voter_count / 2)
            newest_ms = h->granted_ms[i];
    return newest_ms == INT64_MIN ? INT64_MIN : newest_ms + h->renewal.ms;
}

bool lease_holder_take(struct lease_holder *h, uint64_t voter, int64_t sent_ms,
                       const struct lease_entry *answer)
{
    int64_t before_ms = lease_holder_until_ms(h);

    if (answer->shard != h->renewal.shard || answer->holder != h->renewal.holder)
        return false;
    for (size_t i = 0; i < h->voter_count; i++) {
        if (h->voters[i] != voter)
            continue;
        if (answer->ms == 0 && answer->term > h->refused_term)
            h->refused_term = answer->term;
        if (answer->term == h->renewal.term && answer->ms >= h->renewal.ms &&
            sent_ms > h->granted_ms[i])
            h->granted_ms[i] = sent_ms;
    }
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
