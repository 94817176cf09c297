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
    bool was_silent;
    return presence_hear(&table, host_id, incarnation, now_ms, &was_silent);
}

static size_t take_silent(int64_t now_ms, int64_t *out_next_ms)
{
    const char **ids;
    size_t count;
    int64_t next_ms;
    presence_take_silent(&table, &arena, now_ms, 50, &ids, &count,
                         out_next_ms ? out_next_ms : &next_ms);
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
    int64_t next_ms;
    bool was_silent;

    cr_assert_eq(take_silent(149, &next_ms), 0);
    cr_assert_eq(next_ms, 150);
    cr_assert_eq(take_silent(150, &next_ms), 1);
    cr_assert_eq(next_ms, INT64_MAX);
    cr_assert_eq(take_silent(999, NULL), 0);
    cr_assert_eq(presence_hear(&table, "h1", "first", 1000, &was_silent), PRESENCE_CURRENT);
    cr_assert(was_silent);
    cr_assert_eq(take_silent(1050, NULL), 1);
}

Test(presence, one_that_was_silent_before_is_welcomed_back_once)
{
    bool was_silent;

    presence_silence(&table, "h1");
    cr_assert_eq(take_silent(999, NULL), 0, "it is known");
    cr_assert_eq(presence_hear(&table, "h1", "first", 1000, &was_silent), PRESENCE_CURRENT);
    cr_assert(was_silent);
    cr_assert_eq(presence_hear(&table, "h1", "first", 1001, &was_silent), PRESENCE_CURRENT);
    cr_assert_not(was_silent);
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
