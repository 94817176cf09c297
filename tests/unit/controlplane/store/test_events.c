#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(events);

static void add(const char *source, int64_t at_ms)
{
    struct event e = {.account = "0",
                      .region = "r",
                      .source_type = "cache-cluster",
                      .source = source,
                      .message = "m",
                      .at_ms = at_ms};
    must(store_event_add(f.tx, &e));
}

static size_t count_of(struct event_query q, int64_t *out_last_id)
{
    struct event *events;
    size_t count;

    q.account = q.account ? q.account : "0";
    q.region = "r";
    q.source = q.source ? q.source : "";
    q.source_type = q.source_type ? q.source_type : "";
    must(store_event_list(f.tx, &q, &events, &count));
    for (size_t i = 1; i < count; i++)
        cr_assert_lt(events[i].id, events[i - 1].id, "newest first");
    if (out_last_id)
        *out_last_id = count ? events[count - 1].id : 0;
    return count;
}

Test(events, filters_narrow_the_list)
{
    add("a", 100);
    add("b", 200);
    add("a", 300);
    cr_assert_eq(count_of((struct event_query){.to_ms = 1000, .limit = 10}, NULL), 3);
    cr_assert_eq(count_of((struct event_query){.source = "a", .to_ms = 1000, .limit = 10}, NULL),
                 2);
    cr_assert_eq(count_of((struct event_query){.from_ms = 200, .to_ms = 300, .limit = 10}, NULL),
                 1);
    cr_assert_eq(
        count_of((struct event_query){.source_type = "user", .to_ms = 1000, .limit = 10}, NULL), 0);
    cr_assert_eq(count_of((struct event_query){.account = "1", .to_ms = 1000, .limit = 10}, NULL),
                 0);
}

Test(events, pages_follow_each_other)
{
    int64_t last;

    for (int i = 0; i < 5; i++)
        add("a", 100);
    cr_assert_eq(count_of((struct event_query){.to_ms = 1000, .limit = 3}, &last), 3);
    cr_assert_eq(count_of((struct event_query){.to_ms = 1000, .limit = 3, .before_id = last}, NULL),
                 2);
}

Test(events, old_ones_are_pruned)
{
    add("a", 100);
    add("a", 200);
    must(store_event_prune(f.tx, 200));
    cr_assert_eq(count_of((struct event_query){.to_ms = 1000, .limit = 10}, NULL), 1);
}
