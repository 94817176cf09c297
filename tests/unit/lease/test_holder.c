/* Until when a majority's grants last. */
#include "base/err.h"
#include "lease/holder.h"
#include "lease/voter.h"

#include <criterion/criterion.h>

static const struct lease_entry renewal = {.shard = 7, .term = 4, .holder = 11, .ms = LEASE_MS};

static struct lease_holder holder_of(size_t voter_count)
{
    static const uint64_t voters[] = {101, 102, 103, 104, 105, 106, 107};
    struct lease_holder h;

    lease_holder_init(&h, &renewal, voters, voter_count);
    return h;
}

Test(holder, has_nothing_before_a_majority_granted_it)
{
    struct lease_holder h = holder_of(3);

    cr_expect_eq(lease_holder_until_ms(&h), INT64_MIN);
    cr_expect_not(lease_holder_take(&h, 101, 1000, &renewal));
    cr_expect_not(lease_holder_take(&h, 101, 1200, &renewal), "the same one twice is one");
    cr_expect_eq(lease_holder_until_ms(&h), INT64_MIN);
    cr_expect(lease_holder_take(&h, 103, 1000, &renewal));
    cr_expect_eq(lease_holder_until_ms(&h), 1000 + LEASE_MS);
}

Test(holder, lasts_as_long_as_the_grant_that_completes_a_majority)
{
    static const struct {
        size_t voters;
        int64_t sent_ms[7]; /* of the newest granted renewal of each; 0 for none */
        int64_t newest_ms;  /* that a majority granted; 0 for none */
    } rows[] = {
        {1, {1000},                                     1000},
        {2, {1000},                                     0   },
        {2, {1000, 1200},                               1000},
        {3, {1000, 1200, 1400},                         1200},
        {3, {0, 1200, 1400},                            1200},
        {4, {1000, 1200, 1400, 1600},                   1200},
        {5, {1600, 1000, 1200, 1400, 0},                1200},
        {5, {1600, 1000, 0, 0, 0},                      0   },
        {7, {1000, 1000, 1000, 1200, 1200, 1200, 1200}, 1200},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct lease_holder h = holder_of(rows[i].voters);
        for (size_t j = 0; j < rows[i].voters; j++)
            if (rows[i].sent_ms[j])
                lease_holder_take(&h, 101 + j, rows[i].sent_ms[j], &renewal);
        cr_expect_eq(lease_holder_until_ms(&h),
                     rows[i].newest_ms ? rows[i].newest_ms + LEASE_MS : INT64_MIN, "row %zu", i);
    }
}

Test(holder, older_answers_that_come_late_change_nothing)
{
    struct lease_holder h = holder_of(3);

    lease_holder_take(&h, 101, 1400, &renewal);
    lease_holder_take(&h, 102, 1400, &renewal);
    cr_expect_not(lease_holder_take(&h, 101, 1000, &renewal));
    cr_expect_eq(lease_holder_until_ms(&h), 1400 + LEASE_MS);
}

Test(holder, answers_of_others_and_of_other_terms_change_nothing)
{
    struct lease_entry other[] = {renewal, renewal, renewal, renewal};
    struct lease_holder h = holder_of(1);

    other[0].shard++;
    other[1].term++;
    other[2].holder++;
    other[3].ms = 0;
    cr_expect_not(lease_holder_take(&h, 102, 1000, &renewal));
    for (size_t i = 0; i < countof(other); i++)
        cr_expect_not(lease_holder_take(&h, 101, 1000, &other[i]), "row %zu", i);
    cr_expect_eq(lease_holder_until_ms(&h), INT64_MIN);
    cr_expect_eq(h.refused_term, renewal.term, "the last one was a refusal");
}

Test(holder, a_grant_of_less_or_more_counts_for_what_it_is)
{
    struct lease_entry less = renewal, more = renewal;
    struct lease_holder h = holder_of(1);

    less.ms = 500;
    more.ms = 5000;
    cr_expect(lease_holder_take(&h, 101, 1000, &less));
    cr_expect_eq(lease_holder_until_ms(&h), 1500);
    cr_expect(lease_holder_take(&h, 101, 1000, &more));
    cr_expect_eq(lease_holder_until_ms(&h), 1000 + LEASE_MS, "no more than it asked for");
    cr_expect_not(lease_holder_take(&h, 101, 1200, &less));
}

Test(holder, what_was_granted_stays_so_when_the_length_changes)
{
    struct lease_entry longer = renewal, other = renewal;
    struct lease_holder before = holder_of(3), h;
    const uint64_t voters[] = {102, 103, 104};

    lease_holder_take(&before, 101, 1000, &renewal);
    lease_holder_take(&before, 102, 1000, &renewal);
    lease_holder_take(&before, 103, 900, &renewal);
    longer.ms = 5000;
    lease_holder_init(&h, &longer, voters, 3);
    lease_holder_take_over(&h, &before);
    cr_expect_eq(lease_holder_until_ms(&h), 900 + LEASE_MS, "of those who are voters still");
    other.term++;
    lease_holder_init(&h, &other, voters, 3);
    lease_holder_take_over(&h, &before);
    cr_expect_eq(lease_holder_until_ms(&h), INT64_MIN, "not of another term");
}

Test(holder, remembers_by_which_term_it_is_refused)
{
    struct lease_entry refusal = renewal;
    struct lease_holder h = holder_of(3);

    refusal.ms = 0;
    refusal.term = 6;
    cr_expect_not(lease_holder_take(&h, 101, 1000, &refusal));
    refusal.term = 5;
    cr_expect_not(lease_holder_take(&h, 102, 1000, &refusal));
    cr_expect_eq(h.refused_term, 6);
    cr_expect_eq(lease_holder_until_ms(&h), INT64_MIN);
}

Test(holder, rounds_are_remembered_by_their_numbers)
{
    static struct lease_rounds r;
    int64_t sent_ms = 0;

    lease_rounds_init(&r, UINT64_MAX); /* numbers may wrap */
    cr_expect_not(lease_rounds_sent(&r, 0, &sent_ms));
    uint64_t first = lease_rounds_begin(&r, 1000), second = lease_rounds_begin(&r, 1200);
    cr_expect(lease_rounds_sent(&r, first, &sent_ms) && sent_ms == 1000);
    cr_expect(lease_rounds_sent(&r, second, &sent_ms) && sent_ms == 1200);
    cr_expect_not(lease_rounds_sent(&r, second + 1, &sent_ms));
    cr_expect_not(lease_rounds_sent(&r, first + LEASE_ROUNDS, &sent_ms));
    for (int i = 0; i < LEASE_ROUNDS; i++)
        lease_rounds_begin(&r, 2000 + i);
    cr_expect_not(lease_rounds_sent(&r, first, &sent_ms), "too long ago");
}

/* Holders and voters together: whatever is lost or late, a lease has ended before a majority has
 * promised the next term. */
Test(holder, a_lease_ends_before_a_majority_promises_the_next_term)
{
    enum { VOTERS = 3, STEP_MS = 10 };
    uint64_t state = 12345;

    for (int schedule = 0; schedule < 200; schedule++) {
        struct lease_voter *voters[VOTERS];
        struct lease_holder h = holder_of(VOTERS);
        bool promised[VOTERS] = {false};
        int promises = 0;

        for (int i = 0; i < VOTERS; i++) {
            voters[i] = lease_voter_new();
            lease_voter_know(voters[i], renewal.shard, 4, LEASE_MS, -10000);
        }
        for (int64_t now_ms = 0; now_ms < 6000; now_ms += STEP_MS)
            for (int i = 0; i < VOTERS; i++) {
                struct lease_entry said;
                state = state * 6364136223846793005U + 1442695040888963407U;
                unsigned chance = (unsigned)(state >> 40) % 100;
                int64_t sent_ms = now_ms - chance; /* it was under way for so long */
                bool is_heard = chance < 30 && now_ms < 2000 && now_ms % LEASE_RENEW_MS == 0;
                if (is_heard && lease_voter_renew(voters[i], &renewal, now_ms, &said))
                    lease_holder_take(&h, 101 + i, sent_ms, &said);
                if (!promised[i] && lease_voter_promise(voters[i], renewal.shard, 5, now_ms)) {
                    promised[i] = true;
                    promises++;
                }
                cr_assert(promises * 2 < VOTERS || lease_holder_until_ms(&h) < now_ms,
                          "schedule %d, %lld ms", schedule, (long long)now_ms);
            }
        cr_assert_eq(promises, VOTERS);
        for (int i = 0; i < VOTERS; i++)
            lease_voter_free(voters[i]);
    }
}
