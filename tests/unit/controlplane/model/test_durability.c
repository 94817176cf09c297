#include "base/err.h"
#include "controlplane/model/durability.h"

#include <criterion/criterion.h>

Test(durability, words_are_read_as_they_are_written)
{
    static const char *const words[] = {"async", "bounded", "sync", "disabled"};
    enum durability d;

    for (size_t i = 0; i < countof(words); i++) {
        cr_assert(durability_parse(words[i], &d));
        cr_expect_str_eq(durability_name(d), words[i]);
    }
    cr_expect_not(durability_parse("", &d));
    cr_expect_not(durability_parse("SYNC", &d));
}

Test(durability, a_write_is_acknowledged_by_a_majority_and_any_majority_knows_it)
{
    for (size_t members = 2; members <= 6; members++) {
        size_t replicas = members - 1, acks = (size_t)durability_acks(DURABILITY_SYNC, members);
        size_t reports = replicas - acks + 1;

        cr_expect_geq(acks, 1u);
        cr_expect_gt(2 * (acks + 1), members, "with its primary a majority has it");
        cr_expect_leq(acks, replicas - (members > 2), "one may be away");
        cr_expect_leq(2 * reports, members + 1, "no more are asked for than a majority");
        cr_expect_gt(acks + reports, replicas, "one of those that tell has it");
    }
    cr_expect_eq(durability_acks(DURABILITY_SYNC, 1), 0);
}

Test(durability, only_sync_waits)
{
    cr_expect_eq(durability_acks(DURABILITY_ASYNC, 3), 0);
    cr_expect_eq(durability_acks(DURABILITY_BOUNDED, 3), 0);
    cr_expect_eq(durability_acks(DURABILITY_DISABLED, 3), 0);
    cr_expect(durability_needs_replicas(DURABILITY_SYNC));
    cr_expect(durability_needs_replicas(DURABILITY_BOUNDED));
    cr_expect_not(durability_needs_replicas(DURABILITY_ASYNC));
    cr_expect_not(durability_needs_replicas(DURABILITY_DISABLED));
}

Test(durability, the_tag_of_patience_is_never_or_a_number_of_seconds)
{
    static const char *const bad[] = {"", "soon", "-1", "86401", "1.5", "Never"};
    int64_t ms;

    cr_assert(promote_stale_parse("never", &ms) && ms == INT64_MAX);
    cr_assert(promote_stale_parse("0", &ms) && ms == 0);
    cr_assert(promote_stale_parse("86400", &ms) && ms == 86400000);
    for (size_t i = 0; i < countof(bad); i++)
        cr_expect_not(promote_stale_parse(bad[i], &ms), "%s", bad[i]);
    cr_expect_eq(promote_stale_ms(NULL, false), 10000);
    cr_expect_eq(promote_stale_ms(NULL, true), INT64_MAX);
    cr_expect_eq(promote_stale_ms("30", true), 30000);
    cr_expect_eq(promote_stale_ms("never", false), INT64_MAX);
}
