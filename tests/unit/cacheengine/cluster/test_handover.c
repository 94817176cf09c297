#include "cacheengine/cluster/handover.h"
#include "cluster_fixture.h"

#define S(d) d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d

static const char given[] = "given " S("7") " 5-7,9 " S("a") " " S("b") " " S("e") " ::1 7003 tls";
static const char taken[] = "taken " S("8") " 100 " S("b") " " S("a") " " S("e") " - 0 plain";

static void check_text(struct handovers *h, const char *text)
{
    scoped(arena_fini) struct arena a = {0};
    struct str back = handovers_text(h, &a);

    cr_assert(str_is(back, text), "%.*s", STR_ARG(back));
}

Test(handover, records_are_the_same_when_they_come_back)
{
    scoped(arena_fini) struct arena a = {0};
    char text[1024];
    struct handovers h = {0};

    snprintf(text, sizeof(text), "%s %s", given, taken);
    cr_assert_not(err_failed(handovers_parse(&h, &a, str_of(text))));
    cr_assert_eq(h.count, 2);
    const struct handover *one = handover_find(&h, STR(S("7")));
    cr_assert(one);
    cr_assert_eq(one->stage, HANDOVER_GIVEN);
    cr_assert_eq(slot_set_count(&one->slots), 4);
    cr_assert_str_eq(one->host, "::1");
    cr_assert_eq(one->port, 7003);
    cr_assert(one->is_secure);
    cr_assert_str_eq(handover_find(&h, STR(S("8")))->from, S("b"));
    check_text(&h, text);
    size_t count;
    const struct str *words = handovers_encode(&h, &a, &count);
    struct handovers again = {0};
    cr_assert_not(err_failed(handovers_decode(&again, &a, words, count)));
    check_text(&again, text);
    handovers_fini(&again);
    handovers_fini(&h);
    cr_assert_not(err_failed(handovers_parse(&h, &a, STR(""))));
    cr_assert_eq(h.count, 0);
}

Test(handover, what_makes_no_sense_is_refused_whole)
{
    static const char *const rows[] = {
        "given",
        "sold " S("7") " 5 " S("a") " " S("b") " " S("e") " h 1 plain",
        "given " S("g") " 5 " S("a") " " S("b") " " S("e") " h 1 plain",
        "given " S("7") " - " S("a") " " S("b") " " S("e") " h 1 plain",
        "given " S("7") " 16384 " S("a") " " S("b") " " S("e") " h 1 plain",
        "given " S("7") " 5 " S("a") "0 " S("b") " " S("e") " h 1 plain",
        "given " S("7") " 5 " S("a") " b " S("e") " h 1 plain",
        "given " S("7") " 5 " S("a") " " S("b") " e h 1 plain",
        "given " S("7") " 5 " S("a") " " S("b") " " S("e") "  1 plain",
        "given " S("7") " 5 " S("a") " " S("b") " " S("e") " h 65536 plain",
        "given " S("7") " 5 " S("a") " " S("b") " " S("e") " h 1 ssl",
        "given " S("7") " 5 " S("a") " " S("b") " " S("e") " - 0 plain",
        "taken " S("7") " 5 " S("a") " " S("b") " " S("e") " h 1 plain",
        "taken " S("8") " 5 " S("a") " " S("b") " " S("e") " - 0 plain",
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct handovers h = {0};
        char text[1024];

        snprintf(text, sizeof(text), "%s %s", taken, rows[i]);
        struct err e = handovers_parse(&h, &a, str_of(text));
        cr_assert(err_is(e, ERR_INVALID), "%s", rows[i]);
        cr_assert_eq(h.count, 0);
    }
}

Test(handover, there_is_an_end_to_them)
{
    struct handovers h = {0};
    char id[CLUSTER_ID_LEN + 1];

    for (unsigned i = 0; i <= HANDOVERS_MAX; i++) {
        struct handover one = handover_of(HANDOVER_TAKEN, '7', 'a', 'b', i);

        snprintf(id, sizeof(id), "%040x", i);
        memcpy(one.id, id, sizeof(id));
        cr_assert_eq(handover_put(&h, &one), i < HANDOVERS_MAX);
    }
    cr_assert_eq(h.count, HANDOVERS_MAX);
    struct handover again = h.items[3];
    again.stage = HANDOVER_EXPECTED;
    cr_assert(handover_put(&h, &again));
    cr_assert_eq(h.items[3].stage, HANDOVER_EXPECTED);
    handovers_fini(&h);
}

Test(handover, what_begins_to_count_counts_more_than_what_was_before)
{
    struct handovers h = {0};
    struct handover first = handover_of(HANDOVER_EXPECTED, '1', 'a', 'b', 5);
    struct handover second = handover_of(HANDOVER_GIVEN, '2', 'b', 'a', 5);

    cr_assert(handover_put(&h, &first));
    cr_assert(handover_put(&h, &second));
    first.stage = HANDOVER_TAKEN;
    cr_assert(handover_put(&h, &first));
    cr_assert_str_eq(h.items[1].id, first.id);
    second.stage = HANDOVER_HANDED;
    cr_assert(handover_put(&h, &second));
    cr_assert_str_eq(h.items[1].id, first.id);
    cr_assert(handover_remove(&h, str_of(first.id)));
    cr_assert_not(handover_remove(&h, str_of(first.id)));
    handovers_fini(&h);
}

#define NODES_A "NODE #1 primary 127.0.0.1 7001 0 - online"
#define NODES_B "NODE #3 primary 127.0.0.1 7003 0 - online"
#define NODES_C "NODE #5 primary 127.0.0.1 7005 0 - online"

/* What a topology leaves of slots 5 and 6 that went from a to b. */
Test(handover, topologies_that_know_of_it_end_it_slot_by_slot)
{
    static const struct {
        const char *topology;
        uint32_t left;
    } rows[] = {
        {"9 #1 SHARD #a 0-16383 " NODES_A " SHARD #b - " NODES_B,                            2},
        {"9 #1 SHARD #a 0-4,6-16383 " NODES_A " SHARD #b 5 " NODES_B,                        1},
        {"9 #1 SHARD #a 0-4,7-16383 " NODES_A " SHARD #b 5-6 " NODES_B,                      0},
        {"9 #1 SHARD #a 0-4,7-16383 " NODES_A " SHARD #b - " NODES_B,                        2},
        {"9 #1 SHARD #a 0-4,6-16383 " NODES_A " SHARD #b - " NODES_B " SHARD #c 5 " NODES_C, 1},
        {"9 #1 SHARD #a 0-16383 " NODES_A,                                                   0},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct handover one = handover_of(HANDOVER_HANDED, '7', 'a', 'b', 5);
        struct handovers h = {0};
        struct topology *t;

        slot_set_add(&one.slots, 6);
        cr_assert(handover_put(&h, &one));
        cr_assert_not(err_failed(parse_text(&a, rows[i].topology, &t)));
        uint64_t changes = h.changes;
        handovers_confirm(&h, t);
        cr_assert_eq(h.count ? slot_set_count(&h.items[0].slots) : 0, rows[i].left, "row %zu", i);
        cr_assert_eq(h.changes != changes, rows[i].left < 2);
        handovers_fini(&h);
    }
}
