/* Random schedules against the rules of groups. LARDER_SCHEDULES=100000 plays so many of each kind;
 * the seed of one that breaks a rule is printed, and LARDER_SEED=n begins with it. */
#include "play.h"

#include <criterion/criterion.h>

#include <stdlib.h>

#define SCHEDULES 100
#define LEASED    40   /* with leases a schedule has ten times as many messages */
#define SEARCHED  6000 /* for a mistake that was made on purpose */

static int64_t from_environment(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

/* The seed of the first that breaks a rule; 0: none. */
static uint64_t play_all(const struct play_faults *faults, int64_t count, struct play *p)
{
    uint64_t first = (uint64_t)from_environment("LARDER_SEED", 1);
    unsigned switches = 0, failovers = 0, held = 0, losses = 0, sure = 0, declined = 0, lengths = 0;

    for (uint64_t seed = first; seed < first + (uint64_t)count; seed++) {
        play_schedule(p, seed, faults);
        switches += p->switches;
        failovers += p->failovers;
        held += p->held;
        losses += p->losses;
        sure += p->sure;
        declined += p->declined;
        lengths += p->lengths;
        play_close(p);
        if (p->broken)
            return seed;
    }
    cr_assert(!faults->switches || switches > 0);
    cr_assert(!faults->crashes || failovers > 0);
    cr_assert(!faults->loops || held > 0);
    cr_assert(!faults->syncs || sure > 0);
    cr_assert(!faults->lags || !faults->switches || declined > 0);
    cr_assert(!faults->lengths || lengths > 0);
    cr_assert(losses > 0 || !(faults->losses || faults->partitions || faults->pauses));
    return 0;
}

static void holds(struct play_faults faults)
{
    struct play *p = malloc(sizeof(*p));
    int64_t count = faults.leases ? LEASED : SCHEDULES;
    uint64_t seed = play_all(&faults, from_environment("LARDER_SCHEDULES", count), p);

    cr_assert_eq(seed, 0, "seed %llu, at %lld ms: %s", (unsigned long long)seed,
                 (long long)p->now_ms, p->broken);
    free(p);
}

static void is_found(struct play_faults faults)
{
    struct play *p = malloc(sizeof(*p));

    cr_assert_neq(play_all(&faults, SEARCHED, p), 0, "the mistake was not noticed");
    free(p);
}

TestSuite(play, .timeout = 3600);

Test(play, switchovers_lose_nothing)
{
    holds((struct play_faults){.switches = true});
}

Test(play, switchovers_lose_nothing_whatever_messages_do)
{
    holds((struct play_faults){.switches = true, .delays = true, .cuts = true, .restarts = true});
}

Test(play, switchovers_to_those_that_lag_use_no_term_and_lose_nothing)
{
    holds((struct play_faults){.switches = true, .lags = true});
}

Test(play, switchovers_to_those_that_lag_or_end_or_are_cut_off)
{
    holds((struct play_faults){.switches = true,
                               .lags = true,
                               .crashes = true,
                               .cuts = true,
                               .delays = true,
                               .restarts = true});
}

Test(play, switchovers_of_engines_that_know_not_how_to_yield_lose_nothing)
{
    holds((struct play_faults){
        .is_plain = true, .switches = true, .delays = true, .cuts = true, .restarts = true});
}

Test(play, one_that_stands_still_is_passed_over)
{
    holds((struct play_faults){.hangs = true, .crashes = true, .switches = true});
}

Test(play, one_that_stands_still_is_passed_over_whatever_messages_do)
{
    holds((struct play_faults){.hangs = true,
                               .crashes = true,
                               .switches = true,
                               .delays = true,
                               .cuts = true,
                               .restarts = true});
}

Test(play, crashes_have_one_successor)
{
    holds((struct play_faults){.crashes = true});
}

Test(play, all_at_once)
{
    holds((struct play_faults){
        .crashes = true, .cuts = true, .switches = true, .restarts = true, .delays = true});
}

Test(play, who_is_away_for_seconds_finds_everything_as_it_was)
{
    holds((struct play_faults){.restarts = true, .outages = true});
}

Test(play, a_primary_that_ends_meanwhile_stays_down_until_somebody_decides)
{
    holds((struct play_faults){.crashes = true, .restarts = true, .outages = true});
}

Test(play, a_switch_outlives_an_outage)
{
    holds((struct play_faults){
        .crashes = true, .switches = true, .delays = true, .restarts = true, .outages = true});
}

Test(play, hosts_that_are_cut_off_keep_their_roles)
{
    holds((struct play_faults){.cuts = true, .delays = true, .restarts = true});
}

Test(play, a_fault_that_follows_the_role_ends_three_members_at_most)
{
    holds((struct play_faults){.loops = true});
}

Test(play, a_fault_that_follows_the_role_among_others)
{
    holds((struct play_faults){.loops = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .delays = true});
}

Test(play, without_automatic_failover_the_primary_comes_back_with_its_data)
{
    holds((struct play_faults){.crashes = true, .keeps = true});
}

Test(play, without_automatic_failover_among_all_at_once)
{
    holds((struct play_faults){.crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .delays = true,
                               .keeps = true});
}

Test(play, what_was_acknowledged_in_sync_is_at_every_later_primary)
{
    holds((struct play_faults){.syncs = true, .crashes = true});
}

Test(play, in_sync_switchovers_lose_nothing)
{
    holds((struct play_faults){.syncs = true, .switches = true, .cuts = true, .delays = true});
}

Test(play, in_sync_whatever_happens)
{
    holds((struct play_faults){.syncs = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .delays = true,
                               .outages = true});
}

Test(play, in_sync_and_out_of_it_while_all_goes_wrong)
{
    holds((struct play_faults){.syncs = true,
                               .changes = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .delays = true});
}

/* With leases. */

Test(play, a_lost_host_has_one_successor)
{
    holds((struct play_faults){.leases = true, .losses = true});
}

Test(play, a_lost_host_of_two_has_one_successor)
{
    holds((struct play_faults){.leases = true, .is_pair = true, .losses = true});
}

Test(play, partitions_of_any_kind_leave_one_who_takes_writes)
{
    holds((struct play_faults){.leases = true, .partitions = true, .skews = true});
}

Test(play, who_is_cut_off_from_its_voters_alone_has_a_successor)
{
    holds((struct play_faults){.leases = true, .partitions = true, .is_seen = true, .skews = true});
}

Test(play, in_sync_who_is_cut_off_from_its_voters_alone_has_a_successor)
{
    holds((struct play_faults){
        .leases = true, .syncs = true, .partitions = true, .is_seen = true, .pauses = true});
}

Test(play, a_host_that_stood_still_takes_no_writes_by_what_it_was)
{
    holds((struct play_faults){.leases = true, .pauses = true, .skews = true});
}

Test(play, hosts_that_are_cut_off_from_the_control_plane_alone_keep_their_roles)
{
    holds((struct play_faults){.leases = true, .cuts = true, .restarts = true, .outages = true});
}

Test(play, switchovers_with_leases_to_those_that_lag)
{
    holds((struct play_faults){.leases = true, .switches = true, .lags = true});
}

Test(play, leases_of_changing_length_leave_one_who_takes_writes)
{
    holds((struct play_faults){.leases = true,
                               .lengths = true,
                               .partitions = true,
                               .losses = true,
                               .pauses = true,
                               .skews = true});
}

Test(play, leases_of_changing_length_of_two)
{
    holds((struct play_faults){.leases = true,
                               .is_pair = true,
                               .lengths = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .outages = true,
                               .delays = true,
                               .partitions = true,
                               .losses = true,
                               .skews = true});
}

Test(play, all_at_once_with_leases)
{
    holds((struct play_faults){.leases = true,
                               .lags = true,
                               .hangs = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .outages = true,
                               .delays = true,
                               .partitions = true,
                               .losses = true,
                               .pauses = true,
                               .skews = true});
}

Test(play, all_at_once_with_leases_of_two)
{
    holds((struct play_faults){.leases = true,
                               .is_pair = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .outages = true,
                               .delays = true,
                               .partitions = true,
                               .losses = true,
                               .pauses = true,
                               .skews = true});
}

Test(play, in_sync_lost_hosts_lose_nothing)
{
    holds((struct play_faults){.leases = true, .syncs = true, .losses = true});
}

Test(play, in_sync_partitions_and_pauses_lose_nothing)
{
    holds((struct play_faults){
        .leases = true, .syncs = true, .partitions = true, .pauses = true, .skews = true});
}

Test(play, in_sync_all_at_once_with_leases)
{
    holds((struct play_faults){.leases = true,
                               .syncs = true,
                               .changes = true,
                               .crashes = true,
                               .cuts = true,
                               .switches = true,
                               .restarts = true,
                               .outages = true,
                               .delays = true,
                               .partitions = true,
                               .losses = true,
                               .pauses = true,
                               .skews = true});
}

/* Mistakes on purpose. */

Test(play, old_orders_are_found)
{
    is_found((struct play_faults){.crashes = true,
                                  .switches = true,
                                  .delays = true,
                                  .cuts = true,
                                  .plant = PLANT_OLD_ORDERS});
}

Test(play, an_early_start_is_found)
{
    is_found((struct play_faults){.crashes = true, .plant = PLANT_EARLY_START});
}

Test(play, a_successor_that_does_not_wait_is_found)
{
    is_found((struct play_faults){.is_plain = true, .switches = true, .plant = PLANT_NO_WAIT});
}

Test(play, a_successor_that_is_not_level_is_found)
{
    is_found((struct play_faults){.switches = true, .lags = true, .plant = PLANT_UNEVEN});
}

Test(play, failovers_without_a_limit_are_found)
{
    is_found((struct play_faults){.loops = true, .plant = PLANT_FORGETFUL});
}

Test(play, silence_that_is_taken_for_an_end_is_found)
{
    is_found((struct play_faults){.cuts = true, .plant = PLANT_HASTY});
}

Test(play, a_voter_that_promises_too_early_is_found)
{
    is_found((struct play_faults){.leases = true, .partitions = true, .plant = PLANT_EAGER_VOTE});
}

Test(play, a_voter_that_forgets_is_found)
{
    is_found((struct play_faults){
        .leases = true, .partitions = true, .losses = true, .plant = PLANT_LOST_VOTE});
}

Test(play, a_voter_that_does_not_know_how_long_it_granted_is_found)
{
    is_found((struct play_faults){
        .leases = true, .lengths = true, .partitions = true, .losses = true, .plant = PLANT_SHORT});
}

Test(play, a_failover_without_promises_is_found)
{
    is_found((struct play_faults){.leases = true, .cuts = true, .plant = PLANT_NO_PROMISES});
}

Test(play, clocks_that_differ_by_too_much_are_found)
{
    is_found((struct play_faults){
        .leases = true, .partitions = true, .skews = true, .plant = PLANT_WILD_CLOCKS});
}

Test(play, a_promotion_before_enough_have_told_is_found)
{
    is_found((struct play_faults){.syncs = true, .crashes = true, .plant = PLANT_FEW});
}

Test(play, words_of_before_the_end_that_count_are_found)
{
    is_found((struct play_faults){
        .syncs = true, .crashes = true, .cuts = true, .delays = true, .plant = PLANT_NO_QUESTION});
}

Test(play, a_lost_primary_whose_successor_is_chosen_among_too_few_is_found)
{
    is_found((struct play_faults){
        .leases = true, .syncs = true, .partitions = true, .plant = PLANT_FEW});
}
