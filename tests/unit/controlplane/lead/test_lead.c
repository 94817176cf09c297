/* Two control planes on one folder, by a clock that stands until a test moves it. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "controlplane/lead/lead.h"
#include "controlplane/store/leader.h"
#include "controlplane/store/store.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;
static struct clock_manual manual;
static char dir[] = "/tmp/larder-lead-XXXXXX";

static void set_up(void)
{
    clock_manual_init(&manual, 1000, 1000);
    cr_assert_not_null(mkdtemp(dir));
}

static void tear_down(void)
{
    cr_assert_eq(fs_remove_tree(dir).code, ERR_OK);
    arena_fini(&arena);
}

TestSuite(lead, .init = set_up, .fini = tear_down, .timeout = 60);

static void must(struct err e)
{
    cr_assert_eq(e.code, ERR_OK, "%s", e.why ? e.why : "");
}

static const char *database(void)
{
    return fs_join(&arena, dir, "larder.db");
}

static struct lead *open_lead(bool stands_by, bool insists)
{
    const struct lead_conf conf = {.clock = &manual.clock,
                                   .state_dir = dir,
                                   .database = database(),
                                   .stands_by = stands_by,
                                   .insists = insists};
    struct lead *l;

    must(lead_open(&arena, &conf, &l));
    return l;
}

static bool look(struct lead *l, struct leader_claim *out)
{
    bool is_turn;

    manual.now_boot_ms += LEAD_LOOK_MS;
    must(lead_look(l, &arena, &is_turn, out));
    return is_turn;
}

static struct store *open_store(struct lead *l, const struct leader_claim *claim)
{
    struct store *s;

    must(store_open_leading(&arena, database(), claim, &s));
    lead_follow_store(l, s);
    return s;
}

/* Its turn must come at once. */
static struct store *lead_at_once(struct lead *l)
{
    struct leader_claim claim;

    cr_assert(look(l, &claim));
    cr_assert_not(lead_is_over_living(l));
    return open_store(l, &claim);
}

static void end(struct lead *l, struct store *s)
{
    lead_follow_store(l, NULL);
    store_close(s);
    lead_close(l);
}

Test(lead, a_folder_has_one_leader)
{
    struct lead *first = open_lead(false, false), *second = open_lead(false, false);
    struct store *s = lead_at_once(first);
    struct leader_claim claim;
    bool is_turn;

    cr_assert_eq(lead_look(second, &arena, &is_turn, &claim).code, ERR_CONFLICT);
    cr_assert_not(is_turn);
    lead_close(second);
    end(first, s);
}

Test(lead, who_stands_by_follows_at_once_when_the_leader_is_gone)
{
    struct lead *first = open_lead(false, false), *second = open_lead(true, false);
    struct store *s = lead_at_once(first);
    struct leader_claim claim;

    for (int i = 0; i < 3; i++)
        cr_assert_not(look(second, &claim));
    int64_t before = store_epoch(s);
    end(first, s);
    cr_assert(look(second, &claim));
    cr_assert(claim.has_lock);
    cr_assert(claim.is_checked);
    cr_assert_not(lead_is_over_living(second));
    s = open_store(second, &claim);
    cr_assert_eq(store_epoch(s), before + 1);
    end(second, s);
}

/* Takes the lock without being a leader of this program. */
static int hold_lock(void)
{
    int fd;

    must(fs_lock(fs_join(&arena, dir, "larderd.lock"), &fd));
    return fd;
}

static int look_count(struct lead *l, int most, struct leader_claim *out)
{
    for (int i = 1; i <= most; i++)
        if (look(l, out))
            return i;
    return 0;
}

Test(lead, who_stands_still_is_succeeded_after_two_seconds_though_it_has_the_lock)
{
    struct lead *first = open_lead(false, false), *second;
    struct store *s = lead_at_once(first);
    struct leader_claim claim;

    end(first, s);
    int fd = hold_lock();
    second = open_lead(true, false);
    int looks = look_count(second, 1000, &claim);
    cr_assert_geq(looks, LEAD_SILENT_MS / LEAD_LOOK_MS);
    cr_assert_leq(looks, LEAD_SILENT_MS / LEAD_LOOK_MS + 2);
    cr_assert_not(claim.has_lock);
    cr_assert(lead_is_over_living(second));
    s = open_store(second, &claim);
    end(second, s);
    close(fd);
}

Test(lead, time_in_which_nobody_looked_does_not_count)
{
    struct lead *second = open_lead(true, false);
    struct leader_claim claim;
    int fd = hold_lock();

    cr_assert_not(look(second, &claim));
    manual.now_boot_ms += 3600000;
    cr_assert_not(look(second, &claim));
    lead_close(second);
    close(fd);
}

Test(lead, who_leads_without_the_lock_is_not_taken_for_dead)
{
    struct lead *first = open_lead(false, false), *second, *third;
    struct store *s = lead_at_once(first);
    struct leader_claim claim;

    end(first, s);
    int fd = hold_lock();
    second = open_lead(true, false);
    cr_assert(look_count(second, 1000, &claim));
    s = open_store(second, &claim);
    lead_follow_store(second, NULL); /* so that it does not get the lock */
    third = open_lead(true, false);
    close(fd);
    cr_assert_not(look(third, &claim), "the lock is free, and another one leads");
    lead_follow_store(second, s);
    struct leader leader;
    do
        must(leader_peek(&arena, database(), &leader));
    while (!leader.has_lock);
    cr_assert_not(look(third, &claim));
    lead_close(third);
    end(second, s);
}

Test(lead, a_state_whose_hosts_obey_another_one_is_led_when_somebody_insists)
{
    struct lead *l = open_lead(false, false);
    struct store *s = lead_at_once(l);
    struct leader_claim claim;
    bool is_turn;

    store_leader_yield(s, &arena, 9);
    end(l, s);
    l = open_lead(false, false);
    struct err e = lead_look(l, &arena, &is_turn, &claim);
    cr_assert_eq(e.code, ERR_DENIED);
    cr_assert_not_null(strstr(e.why, "epoch 9"));
    lead_close(l);
    l = open_lead(false, true);
    s = lead_at_once(l);
    end(l, s);
}

Test(lead, who_stands_by_knows_where_the_leader_is)
{
    struct lead *first = open_lead(false, false), *second = open_lead(true, false);

    cr_assert_null(lead_leader_url(second, &arena));
    struct store *s = lead_at_once(first);
    cr_assert_null(lead_leader_url(second, &arena));
    lead_tell_url(first, "http://127.0.0.1:9379");
    cr_assert_str_eq(lead_leader_url(second, &arena), "http://127.0.0.1:9379");
    lead_close(second);
    end(first, s);
}

Test(lead, who_comes_second_waits_on)
{
    struct lead *l = open_lead(true, false);
    struct leader_claim claim;

    cr_assert(look(l, &claim));
    cr_assert(lead_lost_turn(l, &arena, err_make(ERR_CONFLICT, "another one has taken the lead")));
    cr_assert(look(l, &claim));
    cr_assert_not(lead_lost_turn(l, &arena, err_make(ERR_IO, "the disk is gone")));
    lead_close(l);
}
