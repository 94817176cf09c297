#include "../store/fixture.h"
#include "controlplane/reconcile/regions.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(regions);

static struct regions regions;

static const struct region_view *view(void)
{
    const struct region_view *v;

    regions_begin(&regions);
    must(regions_view(&regions, f.tx, "us-east-1", &v));
    return v;
}

Test(regions, hosts_are_found_by_their_id)
{
    struct host b = fixture_host(&f, "b", "us-east-1a", "127.77.0.0/24", 1000);
    struct host a = fixture_host(&f, "a", "us-east-1b", "127.77.1.0/24", 1000);

    regions_init(&regions, f.store, 0);
    const struct region_view *v = view();
    cr_expect_str_eq(region_host(v, a.id)->zone, "us-east-1b");
    cr_expect_str_eq(region_host(v, b.id)->zone, "us-east-1a");
    cr_expect_null(region_host(v, "nobody"));
    regions_fini(&regions);
}

Test(regions, what_was_read_is_kept_until_a_host_has_changed)
{
    struct host h = fixture_host(&f, "a", "us-east-1a", "127.77.0.0/24", 1000);

    fixture_commit(&f);
    regions_init(&regions, f.store, 0);
    fixture_begin(&f, STORE_WRITE);
    const struct region_view *first = view();
    const struct host *kept = region_host(first, h.id);
    fixture_commit(&f);

    fixture_begin(&f, STORE_WRITE);
    cr_expect_eq(region_host(view(), h.id), kept);
    must(store_host_silence(f.tx, h.id, true, 1000));
    fixture_commit(&f);

    fixture_begin(&f, STORE_WRITE);
    cr_expect(region_host(view(), h.id)->is_silent);
    regions_fini(&regions);
}

Test(regions, a_board_is_of_one_transaction)
{
    fixture_host(&f, "a", "us-east-1a", "127.77.0.0/24", 1000);
    regions_init(&regions, f.store, 0);
    cr_expect_null(view()->board);
    must(regions_need_board(&regions, f.tx, "us-east-1"));
    const struct region_view *v;
    must(regions_view(&regions, f.tx, "us-east-1", &v));
    cr_expect_not_null(v->board);
    cr_expect_null(view()->board, "the next one begins");
    regions_fini(&regions);
}
