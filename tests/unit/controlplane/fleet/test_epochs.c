/* What a control plane does when a host says whom it obeys. */
#include "../store/fixture.h"
#include "contract/faults.h"
#include "controlplane/fleet/epochs.h"
#include "controlplane/fleet/hosts.h"
#include "controlplane/store/leader.h"

#include <criterion/criterion.h>

enum { OWN = 20, OTHER = 30, LONG_AGO = EPOCH_HEARD_MS, JUST_NOW = EPOCH_HEARD_MS - 1 };

static struct fixture f;
static struct presence_table present;
static struct store *store;

static struct store *lead(int64_t instance, int64_t over)
{
    const struct leader_claim claim = {
        .instance = instance, .over = over, .process = "", .has_lock = true};
    struct store *s;

    must(store_open_leading(&f.arena, f.path, &claim, &s));
    return s;
}

static void begin(void)
{
    fixture_open(&f);
    store = lead(OWN, 0);
    presence_init(&present);
    presence_enrol(&present, "h", "i", 0);
}

static void end(void)
{
    presence_fini(&present);
    store_close(store);
    fixture_close(&f);
}

TestSuite(epochs, .init = begin, .fini = end, .timeout = 30);

static int judge(int64_t epoch, int64_t leader, int64_t heard_ms)
{
    const struct epoch_word word = {"h", epoch, leader, heard_ms};

    return epochs_judge(store, &present, &f.arena, &word).code;
}

Test(epochs, who_obeys_nobody_or_one_of_before_is_heard)
{
    cr_assert_eq(judge(0, 0, 0), ERR_OK);
    cr_assert_eq(judge(1, OWN, 0), ERR_OK);
    cr_assert_eq(store_epoch(store), 1);
    store_close(store);
    store = lead(21, OWN);
    cr_assert_eq(judge(1, OWN, 0), ERR_OK, "it will obey the next one");
    cr_assert_eq(store_epoch(store), 2);
}

Test(epochs, one_of_the_past_is_outgrown)
{
    cr_assert_eq(judge(7, OTHER, LONG_AGO), ERR_OK);
    cr_assert_eq(store_epoch(store), 8);
    cr_assert_eq(judge(8, OTHER, LONG_AGO), ERR_OK, "of two with the same epoch, too");
    cr_assert_eq(store_epoch(store), 9);
}

Test(epochs, one_that_is_there_is_left_its_hosts)
{
    cr_assert_eq(judge(7, OTHER, JUST_NOW), FAULT_SERVICE_UNAVAILABLE);
    cr_assert_eq(judge(1, OTHER, JUST_NOW), FAULT_SERVICE_UNAVAILABLE, "the epoch is this one's");
    cr_assert_eq(store_epoch(store), 1);
    must(store_leader_check(store, &f.arena));
}

Test(epochs, who_loses_a_host_to_another_one_leads_no_longer_and_remembers_it)
{
    struct leader leader;

    cr_assert_eq(judge(1, OWN, 0), ERR_OK);
    cr_assert_eq(judge(7, OTHER, LONG_AGO), FAULT_SERVICE_UNAVAILABLE);
    cr_assert_eq(store_leader_check(store, &f.arena).code, ERR_UNAVAILABLE);
    must(leader_peek(&f.arena, f.path, &leader));
    cr_assert_eq(leader.deposed_by, 7);
}

Test(epochs, one_over_the_same_database_is_known_from_it)
{
    struct leader leader;

    cr_assert_eq(judge(1, OWN, 0), ERR_OK);
    struct store *next = lead(OTHER, OWN);
    cr_assert_eq(judge(2, OTHER, 0), ERR_UNAVAILABLE);
    must(leader_peek(&f.arena, f.path, &leader));
    cr_assert_eq(leader.deposed_by, 0, "the next one is not told that it is not to lead");
    store_close(next);
}

static bool shares(int64_t leader)
{
    const struct epoch_word word = {"h", 1, leader, 0};

    return epochs_share_numbers(store, &word);
}

Test(epochs, numbers_of_goals_are_those_of_the_database)
{
    cr_assert(shares(0), "it holds nothing, or says nothing of it");
    cr_assert(shares(OWN));
    cr_assert_not(shares(OTHER));
    store_close(store);
    store = lead(21, OWN);
    cr_assert(shares(OWN), "of the one before");
    cr_assert_not(shares(OTHER));
}
