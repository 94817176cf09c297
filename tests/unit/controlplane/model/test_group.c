#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/group.h"

#include <criterion/criterion.h>

#include <string.h>

Test(group, words_are_read_as_they_are_written)
{
    for (int i = CLUSTER_MODE_DISABLED; i <= CLUSTER_MODE_ENABLED; i++) {
        enum cluster_mode mode;
        cr_assert(cluster_mode_parse(cluster_mode_name((enum cluster_mode)i), &mode));
        cr_assert_eq((int)mode, i);
    }
    for (int i = GROUP_CREATE; i <= GROUP_MODE; i++) {
        enum group_operation_kind kind;
        cr_assert(group_operation_kind_parse(
            group_operation_kind_name((enum group_operation_kind)i), &kind));
        cr_assert_eq((int)kind, i);
    }
    enum cluster_mode mode;
    enum group_operation_kind kind;
    cr_assert_not(cluster_mode_parse("on", &mode));
    cr_assert_not(group_operation_kind_parse("", &kind));
}

Test(group, status_follows_from_the_newest_operation)
{
    static const struct {
        bool is_wanted;
        enum group_operation_kind kind;
        enum operation_state state;
        const char *word;
    } rows[] = {
        {true,  GROUP_CREATE,   OPERATION_RUNNING, "creating"     },
        {true,  GROUP_CREATE,   OPERATION_DONE,    "available"    },
        {true,  GROUP_CREATE,   OPERATION_FAILED,  "create-failed"},
        {true,  GROUP_REPLICAS, OPERATION_RUNNING, "modifying"    },
        {true,  GROUP_REPLICAS, OPERATION_FAILED,  "available"    },
        {true,  GROUP_MODIFY,   OPERATION_RUNNING, "modifying"    },
        {true,  GROUP_SWITCH,   OPERATION_RUNNING, "modifying"    },
        {false, GROUP_DELETE,   OPERATION_RUNNING, "deleting"     },
        {false, GROUP_CREATE,   OPERATION_FAILED,  "deleting"     },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct replication_group g = {.is_wanted = rows[i].is_wanted};
        struct group_operation o = {.kind = rows[i].kind, .state = rows[i].state};
        cr_expect_str_eq(group_status_word(group_status(&g, &o)), rows[i].word, "row %zu", i);
    }
    struct replication_group g = {.is_wanted = true};
    cr_assert_eq(group_status(&g, NULL), GROUP_STATUS_AVAILABLE);
}

Test(group, what_is_allowed_when)
{
    cr_assert(group_status_may_change(GROUP_STATUS_AVAILABLE));
    cr_assert_not(group_status_may_change(GROUP_STATUS_MODIFYING));
    cr_assert_not(group_status_may_change(GROUP_STATUS_CREATE_FAILED));
    cr_assert(group_status_may_delete(GROUP_STATUS_CREATE_FAILED));
    cr_assert_not(group_status_may_delete(GROUP_STATUS_CREATING));
    cr_assert_not(group_status_has_endpoints(GROUP_STATUS_CREATING));
    cr_assert(group_status_has_endpoints(GROUP_STATUS_MODIFYING));
}

Test(group, a_change_of_mode_names_its_aim_and_what_there_was)
{
    scoped(arena_fini) struct arena a = {0};
    enum cluster_mode aim;
    const char *parameter_group;

    cr_assert(
        cluster_mode_change_parse(&a, "0 0 0 compatible default.redis7", &aim, &parameter_group));
    cr_assert_eq(aim, CLUSTER_MODE_COMPATIBLE);
    cr_assert_str_eq(parameter_group, "default.redis7");
    cr_assert(cluster_mode_change_parse(&a, "7 1 2 enabled own", &aim, &parameter_group));
    cr_assert_eq(aim, CLUSTER_MODE_ENABLED);
    cr_assert_not(cluster_mode_change_parse(&a, "7 1 2", &aim, &parameter_group));
}

Test(group, secrets_are_forty_digits_and_never_the_same)
{
    scoped(arena_fini) struct arena a = {0};
    const char *one = group_secret_new(&a), *other = group_secret_new(&a);

    cr_assert_eq(strlen(one), 40);
    cr_assert_eq(strspn(one, "0123456789abcdef"), 40);
    cr_assert_str_neq(one, other);
}

Test(group, what_is_on_its_way_is_read_word_by_word)
{
    struct arena a = {0};
    struct group_pending p;

    group_pending_parse(&a, "", &p);
    cr_assert_str_eq(p.to_add, "");
    cr_assert_str_eq(p.token, "");
    cr_assert_not(p.changes_tls);
    group_pending_parse(
        &a, group_pending_text(&a, "+team -other ", NULL, TLS_REQUIRED, TLS_REQUIRED), &p);
    cr_assert_str_eq(p.to_add, "team");
    cr_assert_str_eq(p.to_remove, "other");
    cr_assert_str_eq(p.primary, "");
    cr_assert_not(p.changes_tls);
    group_pending_parse(&a, group_pending_text(&a, "ROTATING", "rg-002", TLS_OFF, TLS_PREFERRED),
                        &p);
    cr_assert_str_eq(p.token, "ROTATING");
    cr_assert_str_eq(p.primary, "rg-002");
    cr_assert(p.changes_tls);
    cr_assert_eq(p.tls_before, TLS_OFF);
    group_pending_parse(&a, "tls=often nonsense + primary=", &p);
    cr_assert_not(p.changes_tls);
    cr_assert_str_eq(p.to_add, "");
    cr_assert_str_eq(p.primary, "");
    arena_fini(&a);
}
