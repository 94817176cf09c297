#include "base/err.h"
#include "controlplane/store/reservations.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(reservations);

Test(reservations, what_was_bought_is_kept)
{
    struct reservation r = {
        .account = "1",
        .region = "r",
        .name = "ri-b",
        .offering = {"id", "cache.t4g.micro", "redis", "All Upfront", 31536000, 5, 6},
        .count = 2,
        .start_ms = 7,
    };
    struct reservation back, *all;
    size_t count;

    must(store_reservation_insert(f.tx, &r));
    cr_assert(err_is(store_reservation_insert(f.tx, &r), ERR_EXISTS));
    r.name = "ri-a";
    must(store_reservation_insert(f.tx, &r));
    must(store_reservation_find(f.tx, "1", "r", "ri-b", &back));
    cr_assert_str_eq(back.offering.type, "All Upfront");
    cr_assert(back.offering.fixed_micros == 5 && back.offering.recurring_micros == 6);
    cr_assert(back.count == 2 && back.start_ms == 7);
    must(store_reservation_list(f.tx, "1", "r", &all, &count));
    cr_assert_eq(count, 2);
    cr_assert_str_eq(all[0].name, "ri-a");
    cr_assert(err_is(store_reservation_find(f.tx, "2", "r", "ri-b", &back), ERR_NOT_FOUND));
}
