#include "cacheengine/types/stream_group.h"

#include <criterion/criterion.h>

static struct stream_id name(uint64_t i)
{
    return (struct stream_id){i, 0};
}

static void add(struct account *a, struct stream *s, uint64_t i)
{
    static const struct str words[] = {
        {"f", 1},
        {"v", 1}
    };
    struct settings settings = {.stream_node_bytes = 4096, .stream_node_entries = 100};

    stream_add(a, s, &settings, name(i), words, 1);
}

Test(stream_group, groups_and_consumers_stand_in_the_order_of_their_names)
{
    struct account a = {0};
    struct stream *s = stream_new(&a);
    static const char *const names[] = {"b", "", "ab", "a", "c"};

    for (size_t i = 0; i < countof(names); i++)
        stream_group_add(&a, s, str_of(names[i]), STREAM_ID_MIN, 0);
    cr_expect_eq(s->group_count, 5);
    cr_expect(str_is(s->groups[0]->name, ""));
    cr_expect(str_is(s->groups[1]->name, "a"));
    cr_expect(str_is(s->groups[2]->name, "ab"));
    cr_expect(str_is(s->groups[4]->name, "c"));
    stream_group_remove(&a, s, stream_group_find(s, STR("ab")));
    cr_expect_null(stream_group_find(s, STR("ab")));
    cr_expect_not_null(stream_group_find(s, STR("b")));
    stream_free(&a, s);
    cr_expect_eq(a.used_bytes, 0);
}

Test(stream_group, an_entry_waits_for_one_consumer_at_a_time)
{
    struct account a = {0};
    struct stream *s = stream_new(&a);
    struct stream_group *g = stream_group_add(&a, s, STR("g"), STREAM_ID_MIN, 0);
    struct stream_consumer *x = stream_consumer_add(&a, g, STR("x"), 0);
    struct stream_consumer *y = stream_consumer_add(&a, g, STR("y"), 0);
    bool is_new;

    for (uint64_t i = 1; i <= 200; i++)
        stream_pending_give(&a, g, name(i), x, &is_new);
    for (uint64_t i = 1; i <= 200; i += 2) {
        stream_pending_give(&a, g, name(i), y, &is_new);
        cr_assert_not(is_new);
    }
    cr_expect_eq(x->pending.count, 100);
    cr_expect_eq(y->pending.count, 100);
    cr_expect(stream_pending_end(&a, g, name(2)));
    cr_expect_not(stream_pending_end(&a, g, name(2)));
    cr_expect_eq(x->pending.count, 99);
    stream_consumer_remove(&a, g, y);
    cr_expect_eq(g->pending.count, 99);
    cr_expect_null(id_map_find(&g->pending, name(1)));
    stream_free(&a, s);
    cr_expect_eq(a.used_bytes, 0);
}

Test(stream_group, the_lag_is_said_where_it_can_be_known)
{
    struct account a = {0};
    struct stream *s = stream_new(&a);
    struct stream_group *g = stream_group_add(&a, s, STR("g"), STREAM_ID_MIN, STREAM_UNKNOWN);

    cr_expect_eq(stream_group_lag(s, g), 0);
    for (uint64_t i = 1; i <= 5; i++)
        add(&a, s, i);
    cr_expect_eq(stream_group_lag(s, g), 5);
    g->last = name(1);
    cr_expect_eq(stream_group_lag(s, g), 4);
    g->last = name(5);
    cr_expect_eq(stream_group_lag(s, g), 0);
    /* Somewhere in the middle: only who counted knows. */
    g->last = name(3);
    cr_expect_eq(stream_group_lag(s, g), STREAM_LAG_UNKNOWN);
    g->read = 3;
    cr_expect_eq(stream_group_lag(s, g), 2);
    g->read = 6;
    cr_expect_eq(stream_group_lag(s, g), -1, "who said that it had read more than there was");
    g->read = 3;
    cr_expect(stream_remove(&a, s, name(4)));
    cr_expect(stream_has_gaps(s, name(3)));
    cr_expect_not(stream_has_gaps(s, name(5)));
    cr_expect_eq(stream_group_lag(s, g), STREAM_LAG_UNKNOWN);
    cr_expect_eq(stream_position(s, name(5)), 5);
    cr_expect_eq(stream_position(s, name(6)), STREAM_UNKNOWN);
    stream_free(&a, s);
}
