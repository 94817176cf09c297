#include "cacheengine/types/stream.h"
#include "cacheengine/types/stream_group.h"
#include "types_harness.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define ENTRIES 1000

struct fixture {
    struct account account;
    struct settings settings;
    struct stream *s;
};

static struct stream_id name(uint64_t i)
{
    return (struct stream_id){1000 + i / 3, i % 3};
}

static void add(struct fixture *f, uint64_t i)
{
    char value[24];
    struct str words[] = {
        STR("field"),
        {value, (size_t)snprintf(value, sizeof(value), "%llu", (unsigned long long)i)},
        STR("other"),
        STR("some text")
    };

    /* Every tenth entry has a field less. */
    stream_add(&f->account, f->s, &f->settings, name(i), words, i % 10 == 9 ? 1 : 2);
}

static void open(struct fixture *f, uint64_t count)
{
    *f = (struct fixture){
        .settings = {.stream_node_bytes = 4096, .stream_node_entries = 100}
    };
    f->s = stream_new(&f->account);
    for (uint64_t i = 0; i < count; i++)
        add(f, i);
}

static void close(struct fixture *f)
{
    stream_free(&f->account, f->s);
    cr_expect_eq(f->account.used_bytes, 0);
}

static uint64_t read_count(const struct fixture *f, struct stream_id from, struct stream_id to,
                           bool is_back)
{
    struct stream_walk w = stream_walk_begin(f->s, from, to, is_back);
    struct stream_entry e;
    uint64_t count = 0;

    while (stream_next(&w, &e))
        count++;
    return count;
}

Test(stream, entries_are_read_in_both_directions)
{
    struct fixture f;

    open(&f, ENTRIES);
    cr_expect_eq(f.s->length, ENTRIES);
    cr_expect_eq(f.s->nodes.count, 10);
    cr_expect_eq(stream_bytes(f.s), f.account.used_bytes);
    for (int is_back = 0; is_back < 2; is_back++) {
        struct stream_walk w = stream_walk_begin(f.s, name(150), name(420), is_back);
        struct stream_entry e;
        uint64_t i = is_back ? 420 : 150;

        for (; stream_next(&w, &e); i = is_back ? i - 1 : i + 1) {
            struct packed_item field, value;

            cr_assert_eq(stream_id_order(e.id, name(i)), 0);
            cr_assert_eq(e.fields, i % 10 == 9 ? 1 : 2);
            stream_pair(&e, &field, &value);
            cr_assert_eq(field.len, 5);
            cr_assert_eq(value.number, (int64_t)i);
        }
        cr_expect_eq(i, is_back ? 149 : 421);
    }
    cr_expect_eq(read_count(&f, STREAM_ID_MIN, name(0), false), 1);
    cr_expect_eq(read_count(&f, STREAM_ID_MIN, STREAM_ID_MIN, true), 0);
    cr_expect_eq(read_count(&f, (struct stream_id){2000, 0}, STREAM_ID_MAX, true), 0);
    close(&f);
}

Test(stream, what_is_removed_is_not_read_and_nodes_go_with_their_last_entry)
{
    struct fixture f;

    open(&f, 300);
    cr_expect_not(stream_remove(&f.account, f.s, (struct stream_id){1, 1}));
    for (uint64_t i = 100; i < 200; i++)
        cr_assert(stream_remove(&f.account, f.s, name(i)));
    cr_expect_not(stream_remove(&f.account, f.s, name(150)));
    cr_expect_eq(f.s->nodes.count, 2);
    cr_expect_eq(read_count(&f, STREAM_ID_MIN, STREAM_ID_MAX, false), 200);
    cr_expect_eq(read_count(&f, name(50), name(250), true), 101);
    cr_expect_eq(stream_id_order(f.s->removed, name(199)), 0);
    cr_expect(stream_remove(&f.account, f.s, name(0)));
    cr_expect_eq(stream_id_order(f.s->first, name(1)), 0);
    cr_expect_eq(stream_id_order(stream_oldest(f.s), name(0)), 0);
    cr_expect_eq(stream_id_order(stream_newest(f.s), name(299)), 0);
    close(&f);
}

Test(stream, it_is_cut_roughly_or_exactly)
{
    static const struct {
        struct stream_trim trim;
        uint64_t gone;
    } rows[] = {
        {{.length = 250},                                                         50 },
        {{.length = 250, .is_rough = true},                                       0  },
        {{.length = 150, .is_rough = true},                                       100},
        {{.length = 0, .is_rough = true, .limit = 150},                           100},
        {{.length = 0, .is_rough = true, .limit = 50},                            0  },
        {{.length = 0},                                                           300},
        {{.by_name = true, .least = {1000 + 130 / 3, 130 % 3}},                   130},
        {{.by_name = true, .least = {1000 + 130 / 3, 130 % 3}, .is_rough = true}, 100},
        {{.by_name = true, .least = {1, 1}},                                      0  },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct fixture f;

        open(&f, 300);
        cr_expect_eq(stream_cut(&f.account, f.s, &rows[i].trim), rows[i].gone, "row %zu", i);
        cr_expect_eq(f.s->length, 300 - rows[i].gone);
        cr_expect_eq(read_count(&f, STREAM_ID_MIN, STREAM_ID_MAX, false), f.s->length);
        cr_expect_eq(stream_id_order(f.s->first, f.s->length ? name(rows[i].gone) : STREAM_ID_MIN),
                     0);
        close(&f);
    }
}

Test(stream, a_copy_has_all_of_it_and_memory_of_its_own)
{
    struct fixture f;
    bool is_new;

    open(&f, 250);
    struct stream_group *g =
        stream_group_add(&f.account, f.s, STR("group"), name(10), STREAM_UNKNOWN);
    struct stream_consumer *a = stream_consumer_add(&f.account, g, STR("a"), 7);
    stream_consumer_add(&f.account, g, STR("b"), 8)->active_ms = 9;
    stream_pending_give(&f.account, g, name(3), a, &is_new)->deliveries = 4;
    size_t before = f.account.used_bytes;
    struct stream *copy = stream_copy(&f.account, f.s);
    cr_expect_eq(stream_bytes(copy), f.account.used_bytes - before);
    stream_free(&f.account, f.s);
    f.s = copy;
    cr_expect_eq(read_count(&f, STREAM_ID_MIN, STREAM_ID_MAX, true), 250);
    g = stream_group_find(f.s, STR("group"));
    struct stream_pending *p = id_map_find(&g->pending, name(3));
    cr_expect_eq(p->deliveries, 4);
    cr_expect_eq(p->consumer, stream_consumer_find(g, STR("a")));
    cr_expect_eq(stream_consumer_find(g, STR("b"))->active_ms, 9);
    cr_expect_eq(p->consumer->pending.count, 1);
    close(&f);
}

Test(stream, it_is_freed_in_slices)
{
    struct fixture f;
    unsigned slices = 1;

    open(&f, ENTRIES);
    stream_group_add(&f.account, f.s, STR("group"), name(10), 0);
    cr_expect_eq(stream_weight(f.s), 11);
    while (!stream_free_some(&f.account, f.s, 3))
        slices++;
    cr_expect(slices >= 3 && slices <= 5);
    cr_expect_eq(f.account.used_bytes, 0);
}
