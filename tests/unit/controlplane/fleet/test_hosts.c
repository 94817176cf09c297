#include "base/arena.h"
#include "controlplane/fleet/hosts.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct presence_table table;
static struct arena arena;

static void open_table(void)
{
    presence_init(&table);
    presence_enrol(&table, "h1", "first", 100);
}

static void close_table(void)
{
    presence_fini(&table);
    arena_fini(&arena);
}

TestSuite(presence, .init = open_table, .fini = close_table);

static enum presence_answer hear(const char *host_id, const char *incarnation, int64_t now_ms)
{
    enum presence_level before;
    return presence_hear(&table, host_id, incarnation, now_ms, &before);
}

static const struct presence_limits limits = {.quiet_ms = 20, .silent_ms = 50};

/* How many are marked, and as what the last of them. */
static size_t take_unheard(int64_t now_ms, enum presence_level *out, int64_t *out_next_ms)
{
    struct presence_change *changes;
    size_t count;
    presence_take_unheard(&table, &arena, now_ms, &limits, &changes, &count, out_next_ms);
    if (count > 0)
        *out = changes[count - 1].level;
    return count;
}

Test(presence, the_latest_incarnation_is_the_host)
{
    cr_assert_eq(hear("h1", "first", 110), PRESENCE_CURRENT);
    cr_assert_eq(hear("h1", "second", 120), PRESENCE_NEW);
    presence_enrol(&table, "h1", "second", 120);
    cr_assert_eq(hear("h1", "second", 130), PRESENCE_CURRENT);
    cr_assert_eq(hear("h1", "first", 140), PRESENCE_SUPERSEDED);
    cr_assert_eq(hear("h2", "first", 140), PRESENCE_NEW);
}

Test(presence, a_message_that_was_overtaken_does_not_count)
{
    cr_assert(presence_take_message(&table, "h1", 2));
    cr_assert(presence_take_message(&table, "h1", 2), "said twice");
    cr_assert_not(presence_take_message(&table, "h1", 1));
    cr_assert(presence_take_message(&table, "h1", 0), "of an agent that does not number");
    presence_enrol(&table, "h1", "second", 120);
    cr_assert(presence_take_message(&table, "h1", 1), "of another life");
}

Test(presence, silence_is_found_once_and_ends_with_a_word)
{
    enum presence_level level;
    int64_t next_ms;

    cr_assert_eq(take_unheard(119, &level, &next_ms), 0);
    cr_assert_eq(next_ms, 120);
    cr_assert_eq(take_unheard(120, &level, &next_ms), 1);
    cr_assert_eq(level, PRESENCE_QUIET);
    cr_assert_eq(next_ms, 150);
    cr_assert_eq(take_unheard(150, &level, &next_ms), 1);
    cr_assert_eq(level, PRESENCE_SILENT);
    cr_assert_eq(next_ms, INT64_MAX);
    cr_assert_eq(take_unheard(999, &level, &next_ms), 0);
    cr_assert_eq(presence_hear(&table, "h1", "first", 1000, &level), PRESENCE_CURRENT);
    cr_assert_eq(level, PRESENCE_SILENT);
    cr_assert_eq(take_unheard(1050, &level, &next_ms), 1);
}

Test(presence, who_is_looked_at_again_is_not_heard_by_that)
{
    enum presence_level level;
    int64_t next_ms;

    cr_assert_eq(presence_of(&table, "h1", "first"), PRESENCE_CURRENT);
    cr_assert_eq(presence_of(&table, "h1", "second"), PRESENCE_NEW);
    cr_assert_eq(take_unheard(120, &level, &next_ms), 1);
    cr_assert_eq(presence_of(&table, "h1", "first"), PRESENCE_CURRENT);
    cr_assert_eq(take_unheard(121, &level, &next_ms), 0);
    cr_assert_eq(presence_hear(&table, "h1", "first", 122, &level), PRESENCE_CURRENT);
    cr_assert_eq(level, PRESENCE_QUIET);
}

Test(presence, one_that_was_silent_before_is_welcomed_back_once)
{
    enum presence_level level;
    int64_t next_ms;

    presence_mark(&table, "h1", PRESENCE_SILENT);
    cr_assert_eq(take_unheard(999, &level, &next_ms), 0, "it is known");
    cr_assert_eq(presence_hear(&table, "h1", "first", 1000, &level), PRESENCE_CURRENT);
    cr_assert_eq(level, PRESENCE_SILENT);
    cr_assert_eq(presence_hear(&table, "h1", "first", 1001, &level), PRESENCE_CURRENT);
    cr_assert_eq(level, PRESENCE_HEARD);
}

Test(presence, many_restarts_are_remembered_only_so_far)
{
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "i%d", i);
        presence_enrol(&table, "h1", name, 0);
    }
    cr_assert_eq(hear("h1", "i99", 0), PRESENCE_CURRENT);
    cr_assert_eq(hear("h1", "i98", 0), PRESENCE_SUPERSEDED);
    cr_assert_eq(hear("h1", "i1", 0), PRESENCE_NEW);
}

Test(presence, who_waits_for_the_store_is_not_silent)
{
    enum presence_level level;
    int64_t next_ms;

    presence_wait_begin(&table, "h1");
    presence_wait_begin(&table, "nobody");
    cr_assert_eq(take_unheard(1000, &level, &next_ms), 0);
    cr_assert_eq(next_ms, 1020, "it is looked after again");
    presence_wait_end(&table, "h1", 1010);
    presence_wait_end(&table, "nobody", 1010);
    cr_assert_eq(take_unheard(1029, &level, &next_ms), 0);
    cr_assert_eq(take_unheard(1030, &level, &next_ms), 1);
    cr_assert_eq(level, PRESENCE_QUIET);
}

Test(presence, how_late_a_host_is_is_news_until_it_is_kept)
{
    cr_assert(presence_late_is_news(&table, "h1", 0));
    presence_late_is_kept(&table, "h1", 0);
    cr_assert_not(presence_late_is_news(&table, "h1", 0));
    cr_assert(presence_late_is_news(&table, "h1", 100));
    presence_late_is_kept(&table, "nobody", 0);
    cr_assert(presence_late_is_news(&table, "nobody", 0));
}
