#include "base/arena.h"
#include "controlplane/model/serverless.h"

#include <criterion/criterion.h>

#define GIB ((int64_t)1 << 30)

Test(serverless, what_stands_behind_has_a_name_that_nobody_can_ask_for)
{
    struct arena a = {0};

    cr_assert_str_eq(serverless_behind_name(&a, "one"), "serverless.one");
    arena_fini(&a);
}

Test(serverless, shards_do_the_work_that_is_to_be_there_at_least)
{
    cr_assert_eq(serverless_shards(&(struct serverless_limits){0}), 1);
    cr_assert_eq(serverless_shards(&(struct serverless_limits){.work_least = 100000}), 1);
    cr_assert_eq(serverless_shards(&(struct serverless_limits){.work_least = 100001}), 2);
    cr_assert_eq(serverless_shards(&(struct serverless_limits){.work_least = 15000000}), 90);
}

Test(serverless, limits_are_shared_by_shards)
{
    struct serverless_limits limits = {2, 10, 0, 5000};
    struct allotment a = serverless_allotment(&limits, 2);

    cr_assert_eq(a.least_bytes, GIB);
    cr_assert_eq(a.most_bytes, 5 * GIB);
    cr_assert_eq(a.work_most, 2500);
}

Test(serverless, without_limits_a_node_begins_small_and_may_grow_far)
{
    struct allotment a = serverless_allotment(&(struct serverless_limits){0}, 1);

    cr_assert_eq(a.least_bytes, GIB / 2);
    cr_assert_eq(a.most_bytes, 5000 * GIB);
    cr_assert_eq(a.work_most, 0);
}

Test(serverless, a_small_share_is_not_begun_with_more_than_it_may_be)
{
    struct serverless_limits limits = {.storage_most_gb = 1};
    struct allotment a = serverless_allotment(&limits, 4);

    cr_assert_eq(a.most_bytes, GIB / 4);
    cr_assert_eq(a.least_bytes, a.most_bytes);
}

Test(serverless, host_memory_and_room_for_data_are_each_others_inverse)
{
    for (int64_t data = GIB / 2; data < 10000 * GIB; data *= 2)
        cr_assert_eq(allotment_data_bytes(allotment_host_bytes(data)), data);
}

Test(serverless, room_doubles_when_half_is_used_and_halves_when_nearly_all_is_empty)
{
    struct allotment a = {GIB, 16 * GIB, 0};

    cr_assert_eq(allotment_room(&a, GIB, GIB / 2), GIB);
    cr_assert_eq(allotment_room(&a, GIB, GIB / 2 + 1), 2 * GIB);
    cr_assert_eq(allotment_room(&a, GIB, 5 * GIB), 16 * GIB);
    cr_assert_eq(allotment_room(&a, GIB, 50 * GIB), 16 * GIB, "not more than allowed");
    cr_assert_eq(allotment_room(&a, 8 * GIB, GIB), 8 * GIB);
    cr_assert_eq(allotment_room(&a, 8 * GIB, GIB - 1), 4 * GIB);
    cr_assert_eq(allotment_room(&a, 8 * GIB, 0), GIB, "not less than preallocated");
}

Test(serverless, other_limits_hold_whatever_is_used)
{
    struct allotment a = {2 * GIB, 3 * GIB, 0};

    cr_assert_eq(allotment_room(&a, GIB, 0), 2 * GIB);
    cr_assert_eq(allotment_room(&a, 0, GIB), 2 * GIB);
    cr_assert_eq(allotment_room(&a, 8 * GIB, 7 * GIB), 3 * GIB);
}

Test(serverless, a_node_has_the_room_that_it_needs_once_that_is_known_and_given)
{
    struct allotment a = {GIB, 16 * GIB, 0}, none = {0};
    int64_t host_bytes = allotment_host_bytes(GIB);

    cr_assert(allotment_is_met(&a, host_bytes, GIB / 2));
    cr_assert_not(allotment_is_met(&a, host_bytes, GIB / 2 + 1));
    cr_assert_not(allotment_is_met(&a, host_bytes, -1), "nobody knows yet");
    cr_assert(allotment_is_met(&a, allotment_host_bytes(16 * GIB), 50 * GIB));
    cr_assert(allotment_is_met(&none, host_bytes, -1));
}

Test(serverless, one_step_does_not_ask_for_the_other)
{
    struct allotment a = {1, 16 * GIB, 0};

    for (int64_t used = 1; used < 8 * GIB; used = used * 3 / 2 + 1)
        for (int64_t now = 1; now <= 16 * GIB; now *= 2) {
            int64_t room = allotment_room(&a, now, used);
            cr_assert_eq(allotment_room(&a, room, used), room);
        }
}

Test(serverless, more_shards_are_needed_for_limits_data_and_work)
{
    struct serverless_limits none = {0}, least = {.work_least = 250000};
    struct serverless_use idle = {0}, full = {.data_bytes = 30 * GIB, .most_data_bytes = 17 * GIB},
                          busy = {.work = 90000, .most_work = 90000},
                          hot = {.work = 95000, .most_work = 90000},
                          huge = {.data_bytes = 3000 * GIB, .most_data_bytes = 40 * GIB};

    cr_assert_eq(serverless_shards_needed(&none, &idle, 1), 1);
    cr_assert_eq(serverless_shards_needed(&least, &idle, 1), 3);
    cr_assert_eq(serverless_shards_needed(&none, &idle, 5), 5, "none is taken away");
    cr_assert_eq(serverless_shards_needed(&none, &full, 2), 4);
    cr_assert_eq(serverless_shards_needed(&none, &busy, 1), 2);
    cr_assert_eq(serverless_shards_needed(&none, &hot, 2), 2, "it is one key's");
    cr_assert_eq(serverless_shards_needed(&none, &huge, 80), 90, "there are no more");
}
