#include "cacheengine/acl/log.h"

#include <criterion/criterion.h>

#include <stdio.h>

static void refuse(struct acl_log *log, const char *object, int64_t now_ms, size_t max)
{
    acl_log_add(log,
                &(struct acl_refusal){.verdict = ACL_NO_KEY,
                                      .object = str_of(object),
                                      .user = STR("u"),
                                      .client_info = STR("id=1"),
                                      .now_ms = now_ms},
                max);
}

Test(log, equal_refusals_within_a_minute_are_one_entry)
{
    struct acl_log log = {0};

    refuse(&log, "a", 1000, 10);
    refuse(&log, "b", 1500, 10);
    refuse(&log, "a", 2000, 10);
    cr_assert_eq(log.count, 2);
    cr_assert(str_is(log.newest->object, "a"));
    cr_assert_eq(log.newest->count, 2);
    cr_assert_eq(log.newest->id, 0);
    cr_assert_eq(log.newest->created_ms, 1000);
    cr_assert_eq(log.newest->updated_ms, 2000);
    refuse(&log, "a", 63000, 10);
    cr_assert_eq(log.count, 3);
    cr_assert_eq(log.newest->id, 2);
    cr_assert_eq(log.refused[ACL_NO_KEY], 4);
    acl_log_trim(&log, 0);
    cr_assert_null(log.newest);
}

Test(log, the_oldest_are_forgotten)
{
    struct acl_log log = {0};
    char name[16];

    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "k%d", i);
        refuse(&log, name, 0, 5);
    }
    cr_assert_eq(log.count, 5);
    cr_assert(str_is(log.newest->object, "k19"));
    acl_log_trim(&log, 1);
    cr_assert_eq(log.count, 1);
    refuse(&log, "x", 0, 0);
    cr_assert_eq(log.count, 0, "none is kept when none may be");
    cr_assert_eq(log.refused[ACL_NO_KEY], 21);
}
