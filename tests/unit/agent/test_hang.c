#include "agent/hang.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hang h;

/* Looks so often, a beat apart, and gives the last verdict. */
static enum hang_verdict look(int times, char state, int64_t ticks, int64_t ticks_a_look)
{
    enum hang_verdict verdict = HANG_NOT;

    for (int i = 0; i < times; i++)
        verdict = hang_step(&h, &(struct hang_sight){state, ticks + i * ticks_a_look}, HANG_BEAT_MS,
                            h.looked_ms + HANG_BEAT_MS);
    return verdict;
}

static void begin(void)
{
    hang_reset(&h, 1000);
}

TestSuite(hang, .init = begin);

Test(hang, one_that_was_stopped_hangs)
{
    cr_assert_eq(look(3, 'T', 7, 0), HANG_NOT);
    cr_assert_eq(look(1, 'T', 7, 0), HANG_STILL);
}

Test(hang, one_that_sleeps_or_waits_for_a_disk_and_does_nothing_hangs)
{
    cr_assert_eq(look(4, 'D', 7, 0), HANG_NOT, "the first look only tells where it is");
    cr_assert_eq(look(1, 'S', 7, 0), HANG_STILL);
}

Test(hang, one_that_computes_or_waits_for_a_processor_is_given_longer)
{
    cr_assert_eq(look(24, 'R', 7, 0), HANG_NOT);
    cr_assert_eq(look(1, 'R', 7, 0), HANG_BUSY);
    begin();
    cr_assert_eq(look(24, 'S', 7, 1), HANG_NOT);
    cr_assert_eq(look(1, 'S', 31, 1), HANG_BUSY);
}

Test(hang, time_in_which_the_watcher_did_not_run_does_not_count)
{
    cr_assert_eq(hang_step(&h, &(struct hang_sight){'T', 7}, HANG_BEAT_MS, 61000), HANG_NOT);
    cr_assert_eq(h.silent_ms, 2 * HANG_BEAT_MS);
}

/* So often, at the pace of one that is to become a primary. */
static bool is_late_after(int times, char state, int64_t ticks_a_look, int64_t pause_ms)
{
    struct hang_sight sight = {state, 7};

    begin();
    for (int i = 0; i < times; i++) {
        sight.ticks += ticks_a_look;
        hang_step(&h, &sight, HANG_LATE_BEAT_MS, h.looked_ms + pause_ms);
    }
    return hang_is_late(&h, &sight);
}

Test(hang, one_that_is_to_become_a_primary_and_does_not_move_is_late)
{
    cr_assert_not(is_late_after(3, 'T', 0, HANG_LATE_BEAT_MS));
    cr_assert(is_late_after(4, 'T', 0, HANG_LATE_BEAT_MS));
    cr_assert(is_late_after(5, 'S', 0, HANG_LATE_BEAT_MS));
    cr_assert_not(is_late_after(20, 'S', 1, HANG_LATE_BEAT_MS), "it does something");
    cr_assert_not(is_late_after(20, 'R', 0, HANG_LATE_BEAT_MS), "it waits for a processor");
    cr_assert_not(is_late_after(10, 'D', 0, HANG_LATE_BEAT_MS), "it waits for a disk");
    cr_assert_not(is_late_after(1, 'T', 0, 5000), "the watcher stood still itself");
}

Test(hang, an_answer_begins_anew)
{
    look(3, 'T', 7, 0);
    hang_reset(&h, h.looked_ms);
    cr_assert_eq(look(3, 'T', 7, 0), HANG_NOT);
}

Test(hang, a_process_is_seen_as_it_is)
{
    struct hang_sight sight;
    int status;
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    cr_assert(hang_see("/proc", child, &sight));
    cr_assert_eq(sight.state, 'T');
    cr_assert_geq(sight.ticks, 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    cr_assert_not(hang_see("/proc", child, &sight));
}
