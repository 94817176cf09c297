#include "controlplane/store/notices.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(notices);

static void add(const char *topic, const char *notice, const char *source, int64_t at_ms)
{
    struct event e = {.account = "0",
                      .region = "r",
                      .source_type = "cache-cluster",
                      .source = source,
                      .message = "m",
                      .topic = topic,
                      .notice = notice,
                      .at_ms = at_ms};
    must(store_event_add(f.tx, &e));
}

static size_t due(int64_t now_ms, struct notice **out, int64_t *out_next_ms)
{
    size_t count;

    must(store_notice_due(f.tx, now_ms, 10, out, &count, out_next_ms));
    return count;
}

Test(notices, an_event_leaves_one_only_with_a_topic_and_something_to_tell)
{
    struct notice *n;
    int64_t next;

    add("", "ElastiCache:X", "c", 100);
    add(NULL, "ElastiCache:X", "c", 100);
    add("t", NULL, "c", 100);
    cr_assert_eq(due(INT64_MAX, &n, &next), 0);
    cr_assert_eq(next, INT64_MAX);
    add("t", "ElastiCache:X", "a\"b", 100);
    cr_assert_eq(due(99, &n, &next), 0);
    cr_assert_eq(next, 100);
    cr_assert_eq(due(100, &n, &next), 1);
    cr_assert_str_eq(n[0].topic, "t");
    cr_assert_str_eq(n[0].message, "{\"ElastiCache:X\":\"a\\\"b\"}");
    cr_assert_eq(n[0].at_ms, 100);
    cr_assert_eq(n[0].attempts, 0);
}

Test(notices, a_uuid_is_the_same_at_every_look)
{
    struct notice *first, *again;
    int64_t next;

    add("t", "ElastiCache:X", "c", 100);
    add("u", "ElastiCache:X", "c", 100);
    cr_assert_eq(due(100, &first, &next), 2);
    cr_assert_eq(due(100, &again, &next), 2);
    cr_assert_eq(strlen(first[0].uuid), 36);
    cr_assert_eq(first[0].uuid[14], '4');
    cr_assert_str_eq(first[0].uuid, again[0].uuid);
    cr_assert_str_neq(first[0].uuid, first[1].uuid);
}

Test(notices, a_topic_hears_in_order_and_waits_for_its_head_alone)
{
    struct notice *n;
    int64_t next;

    add("t", "ElastiCache:X", "first", 100);
    add("t", "ElastiCache:X", "second", 101);
    add("u", "ElastiCache:X", "other", 102);
    cr_assert_eq(due(200, &n, &next), 2);
    int64_t head = n[0].id, other = n[1].id;
    must(store_notice_delay(f.tx, head, 500));
    cr_assert_eq(due(200, &n, &next), 1, "the second waits behind the first");
    cr_assert_eq(n[0].id, other);
    must(store_notice_remove(f.tx, other));
    cr_assert_eq(due(200, &n, &next), 0);
    cr_assert_eq(next, 500);
    cr_assert_eq(due(500, &n, &next), 1);
    cr_assert_eq(n[0].attempts, 1);
    must(store_notice_remove(f.tx, head));
    cr_assert_eq(due(500, &n, &next), 1);
    cr_assert_not_null(strstr(n[0].message, "second"));
}
