/* To whom a voter grants, and when it promises. */
#include "base/err.h"
#include "lease/voter.h"

#include <criterion/criterion.h>

enum { SHARD = 7, NODE = 11, OTHER = 12 };

static struct lease_voter *v;

/* It knows the shard for long, with term 4 on its disk. The time is 100,000. */
static void set_up(void)
{
    v = lease_voter_new();
    lease_voter_know(v, SHARD, 4, LEASE_MS, 0);
}

static void tear_down(void)
{
    lease_voter_free(v);
}

TestSuite(voter, .init = set_up, .fini = tear_down);

/* What it answers: the milliseconds, or minus the term by which it refuses. */
static int64_t renew(int64_t term, int64_t holder, int64_t now_ms)
{
    const struct lease_entry asked = {SHARD, term, holder, LEASE_MS};
    struct lease_entry said;

    cr_assert(lease_voter_renew(v, &asked, now_ms, &said));
    cr_expect(said.shard == SHARD && said.holder == holder);
    cr_expect(said.ms == 0 || said.term == term);
    return said.ms ? said.ms : -said.term;
}

Test(voter, counts_a_grant_longer_than_its_holder)
{
    cr_expect_eq(lease_grant_ms(1200), 1302);
    cr_expect_gt(lease_grant_ms(1), 1 + LEASE_MARGIN_MS);
}

Test(voter, grants_to_the_holder_of_the_highest_term)
{
    cr_expect_eq(renew(3, NODE, 100000), -4);
    cr_expect_eq(renew(4, NODE, 100000), LEASE_MS);
    cr_expect_eq(renew(4, NODE, 100200), LEASE_MS);
    cr_expect_eq(renew(4, OTHER, 100200), -4, "one primary a term");
    cr_expect_eq(renew(5, OTHER, 100300), LEASE_MS,
                 "a higher term was made sure of by who gave it");
    cr_expect_eq(renew(4, NODE, 100400), -5);
}

Test(voter, says_nothing_of_shards_on_which_it_does_not_vote)
{
    const struct lease_entry asked = {SHARD + 1, 4, NODE, LEASE_MS};
    struct lease_entry said;

    cr_expect_not(lease_voter_renew(v, &asked, 100000, &said));
    cr_expect_not(lease_voter_promise(v, SHARD + 1, 5, 100000));
    lease_voter_forget(v, SHARD);
    cr_expect_not(lease_voter_knows(v, SHARD));
    cr_expect_eq(lease_voter_term(v, SHARD), 0);
}

Test(voter, promises_when_its_grant_ran_out)
{
    renew(4, NODE, 100000);
    cr_expect_not(lease_voter_promise(v, SHARD, 5, 100000 + lease_grant_ms(LEASE_MS) - 1));
    cr_expect_eq(renew(4, NODE, 100000), LEASE_MS, "nothing came of it");
    cr_expect_eq(lease_voter_may_promise_ms(v, SHARD, 5), 100000 + lease_grant_ms(LEASE_MS));
    cr_expect(lease_voter_promise(v, SHARD, 5, 100000 + lease_grant_ms(LEASE_MS)));
    cr_expect_eq(renew(4, NODE, 200000), -5);
    cr_expect_eq(renew(5, OTHER, 200000), LEASE_MS);
}

Test(voter, promises_nothing_while_it_is_renewed)
{
    for (int64_t now_ms = 100000; now_ms < 110000; now_ms += LEASE_RENEW_MS) {
        renew(4, NODE, now_ms);
        cr_assert_not(lease_voter_promise(v, SHARD, 5, now_ms));
    }
}

Test(voter, a_promise_is_given_again_until_its_term_is_taken)
{
    cr_expect(lease_voter_promise(v, SHARD, 5, 100000));
    cr_expect(lease_voter_promise(v, SHARD, 5, 100000));
    cr_expect_not(lease_voter_promise(v, SHARD, 4, 100000), "a higher one is promised");
    renew(5, OTHER, 100100);
    cr_expect_not(lease_voter_promise(v, SHARD, 5, 100100), "it has its primary");
    cr_expect_eq(lease_voter_may_promise_ms(v, SHARD, 5), INT64_MAX);
}

Test(voter, what_its_disk_has_is_the_highest_term)
{
    lease_voter_know(v, SHARD, 6, LEASE_MS, 100000);
    cr_expect_eq(renew(5, NODE, 100000), -6);
    lease_voter_know(v, SHARD, 3, LEASE_MS, 100000);
    cr_expect_eq(lease_voter_term(v, SHARD), 6);
    cr_expect(lease_voter_promise(v, SHARD, 6, 100000), "promised before, and not taken");
}

Test(voter, who_was_just_started_grants_and_promises_nothing)
{
    lease_voter_free(v);
    v = lease_voter_new();
    lease_voter_know(v, SHARD, 4, LEASE_MS, 100000);
    cr_expect_eq(renew(3, NODE, 100001), -4);
    cr_expect_not(lease_voter_promise(v, SHARD, 5, 100000 + lease_grant_ms(LEASE_MS) - 1));
    cr_expect(lease_voter_promise(v, SHARD, 5, 100000 + lease_grant_ms(LEASE_MS)));
}

Test(voter, the_end_of_the_holder_lets_it_promise_at_once)
{
    renew(4, NODE, 100000);
    lease_voter_ended(v, SHARD, 3);
    cr_expect_not(lease_voter_promise(v, SHARD, 5, 100001), "the end of another one");
    lease_voter_ended(v, SHARD, 4);
    cr_expect(lease_voter_promise(v, SHARD, 5, 100001));
}

Test(voter, the_end_of_the_holder_counts_for_the_next_term_after_a_start_too)
{
    lease_voter_free(v);
    v = lease_voter_new();
    lease_voter_know(v, SHARD, 4, LEASE_MS, 100000);
    lease_voter_ended(v, SHARD, 4);
    cr_expect_not(lease_voter_promise(v, SHARD, 6, 100001), "who had term 5 is not known");
    cr_expect(lease_voter_promise(v, SHARD, 5, 100001));
}

Test(voter, answers_a_datagram_with_what_it_knows)
{
    struct lease_datagram said;
    struct lease_datagram asked = {
        .kind = LEASE_RENEW,
        .voter = 5,
        .sequence = 9,
        .count = 3,
        .entries = {{SHARD, 4, NODE, LEASE_MS},
                    {SHARD + 1, 4, NODE, LEASE_MS},
                    {SHARD, 3, NODE, LEASE_MS}}
    };

    cr_assert(lease_voter_answer(v, &asked, 100000, &said));
    cr_expect(said.kind == LEASE_ANSWER && said.voter == 5 && said.sequence == 9);
    cr_assert_eq(said.count, 2);
    cr_expect(said.entries[0].ms == LEASE_MS && said.entries[1].ms == 0);
    asked.entries[0].shard = asked.entries[2].shard = SHARD + 2;
    cr_expect_not(lease_voter_answer(v, &asked, 100000, &said));
}

Test(voter, grants_no_more_than_it_knows_of)
{
    const struct lease_entry asked = {SHARD, 4, NODE, 3 * LEASE_MS};
    struct lease_entry said;

    cr_assert(lease_voter_renew(v, &asked, 100000, &said));
    cr_expect_eq(said.ms, LEASE_MS);
    cr_expect_eq(lease_voter_may_promise_ms(v, SHARD, 5), 100000 + lease_grant_ms(LEASE_MS));
    lease_voter_know(v, SHARD, 4, 2 * LEASE_MS, 100000);
    cr_assert(lease_voter_renew(v, &asked, 100000, &said));
    cr_expect_eq(said.ms, 2 * LEASE_MS);
    lease_voter_know(v, SHARD, 4, LEASE_MS, 100100);
    cr_expect_eq(lease_voter_may_promise_ms(v, SHARD, 5), 100000 + lease_grant_ms(2 * LEASE_MS),
                 "what was granted lasts");
}

Test(voter, waits_for_the_longest_that_it_may_have_granted)
{
    struct lease_voter *anew = lease_voter_new();

    lease_voter_know(anew, SHARD, 4, LEASE_MS, 100000);
    lease_voter_know(anew, SHARD, 4, 3 * LEASE_MS, 100200);
    cr_expect_eq(lease_voter_may_promise_ms(anew, SHARD, 5), 100000 + lease_grant_ms(3 * LEASE_MS));
    lease_voter_know(anew, SHARD, 4, LEASE_MS, 100300);
    cr_expect_eq(lease_voter_may_promise_ms(anew, SHARD, 5), 100000 + lease_grant_ms(3 * LEASE_MS));
    lease_voter_free(anew);
}
