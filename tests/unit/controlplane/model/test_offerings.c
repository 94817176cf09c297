#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/offerings.h"

#include <criterion/criterion.h>

#include <string.h>

Test(offerings, each_is_there_once_and_costs_less_the_longer_and_earlier_it_is_paid)
{
    struct arena a = {0};
    size_t count;
    const struct offering *all = offerings_all(&a, &count);
    int64_t totals[6] = {0}; /* by duration, then type */
    size_t found = 0;

    cr_assert_gt(count, 100);
    for (size_t i = 0; i < count; i++) {
        const struct offering *o = &all[i];
        cr_assert_eq(strlen(o->id), 36);
        if (i > 0)
            cr_assert_lt(strcmp(all[i - 1].id, o->id), 0, "by id, each once");
        cr_assert(o->fixed_micros + o->recurring_micros > 0);
        if (strcmp(o->node_type, "cache.r7g.large") != 0 || strcmp(o->product, "redis") != 0)
            continue;
        size_t at = (o->duration_s > 31536000 ? 3 : 0) + (*o->type == 'N'   ? 0
                                                          : *o->type == 'P' ? 1
                                                                            : 2);
        totals[at] = (o->fixed_micros + o->recurring_micros * (o->duration_s / 3600)) /
                     (o->duration_s / 31536000);
        found++;
        cr_assert_eq(o->fixed_micros > 0, *o->type != 'N');
        cr_assert_eq(o->recurring_micros > 0, *o->type != 'A');
    }
    cr_assert_eq(found, 6);
    for (size_t i = 1; i < 6; i++)
        cr_assert_lt(totals[i], totals[i - 1], "%zu", i);
    arena_fini(&a);
}

Test(offerings, only_types_that_new_caches_may_have_are_offered)
{
    struct arena a = {0};
    size_t count;
    const struct offering *all = offerings_all(&a, &count);

    for (size_t i = 0; i < count; i++) {
        cr_assert_str_neq(all[i].node_type, "cache.m1.small");
        cr_assert(strcmp(all[i].node_type, "cache.m8g.large") != 0 ||
                      strcmp(all[i].product, "redis") != 0,
                  "that type never ran redis");
    }
    arena_fini(&a);
}

Test(offerings, durations_are_years_or_seconds)
{
    int64_t s = 0;

    cr_assert(offering_duration_parse("3", &s) && s == 94608000);
    cr_assert(offering_duration_parse("31536000", &s) && s == 31536000);
    cr_assert(offering_duration_parse("P3Y", &s) && s == 94608000);
    cr_assert_not(offering_duration_parse("2", &s));
    cr_assert_not(offering_duration_parse("", &s));
}

Test(offerings, a_reservation_is_paid_then_active_then_over)
{
    struct reservation r = {.offering = {.duration_s = 100}, .start_ms = 1000};

    cr_assert_str_eq(reservation_state_word(&r, 1000), "payment-pending");
    cr_assert_str_eq(reservation_state_word(&r, 6000), "active");
    cr_assert_str_eq(reservation_state_word(&r, 100999), "active");
    cr_assert_str_eq(reservation_state_word(&r, 101000), "retired");
}
