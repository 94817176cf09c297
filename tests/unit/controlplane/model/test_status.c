#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/settings.h"
#include "controlplane/model/status.h"

#include <criterion/criterion.h>

Test(status, a_cluster_shows_what_its_newest_operation_does)
{
    static const struct {
        bool is_wanted, has_operation;
        enum operation_kind kind;
        enum operation_state state;
        const char *word;
    } rows[] = {
        {true,  true,  OPERATION_CREATE, OPERATION_RUNNING, "creating"               },
        {true,  true,  OPERATION_CREATE, OPERATION_DONE,    "available"              },
        {true,  true,  OPERATION_CREATE, OPERATION_FAILED,  "create-failed"          },
        {true,  true,  OPERATION_MODIFY, OPERATION_RUNNING, "modifying"              },
        {true,  true,  OPERATION_MODIFY, OPERATION_DONE,    "available"              },
        {true,  true,  OPERATION_MODIFY, OPERATION_FAILED,  "available"              },
        {true,  true,  OPERATION_REBOOT, OPERATION_RUNNING, "rebooting cluster nodes"},
        {true,  true,  OPERATION_REBOOT, OPERATION_DONE,    "available"              },
        {true,  true,  OPERATION_REBOOT, OPERATION_FAILED,  "available"              },
        {false, true,  OPERATION_DELETE, OPERATION_RUNNING, "deleting"               },
        {false, true,  OPERATION_DELETE, OPERATION_DONE,    "deleting"               },
        {false, true,  OPERATION_CREATE, OPERATION_RUNNING, "deleting"               },
        {true,  false, 0,                0,                 "available"              },
        {false, false, 0,                0,                 "deleting"               },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct cluster c = {.is_wanted = rows[i].is_wanted};
        struct operation o = {.kind = rows[i].kind, .state = rows[i].state, .data = ""};
        cr_assert_str_eq(cluster_status_word(cluster_status(&c, rows[i].has_operation ? &o : NULL)),
                         rows[i].word, "row %zu", i);
    }
}

Test(status, changes_need_an_available_cluster_and_failed_ones_can_be_deleted)
{
    static const struct {
        enum cluster_status status;
        bool may_change, may_delete, has_endpoints;
    } rows[] = {
        {CLUSTER_CREATING,      false, false, false},
        {CLUSTER_AVAILABLE,     true,  true,  true },
        {CLUSTER_MODIFYING,     false, false, true },
        {CLUSTER_REBOOTING,     false, false, true },
        {CLUSTER_DELETING,      false, false, true },
        {CLUSTER_CREATE_FAILED, false, true,  false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        cr_assert_eq(cluster_status_may_change(rows[i].status), rows[i].may_change);
        cr_assert_eq(cluster_status_may_delete(rows[i].status), rows[i].may_delete);
        cr_assert_eq(cluster_status_has_endpoints(rows[i].status), rows[i].has_endpoints);
    }
}

Test(status, a_node_shows_its_own_part_of_what_happens_to_its_cluster)
{
    static const struct {
        enum cluster_status status;
        const char *number, *data;
        bool is_wanted, is_running;
        int64_t created_ms; /* the operation began at 100 */
        const char *word;
    } rows[] = {
        {CLUSTER_CREATING,      "0001", "",          true,  true,  100, "creating" },
        {CLUSTER_CREATE_FAILED, "0001", "",          true,  false, 100, "creating" },
        {CLUSTER_AVAILABLE,     "0001", "",          true,  true,  50,  "available"},
        {CLUSTER_AVAILABLE,     "0001", "",          true,  false, 50,  "available"},
        {CLUSTER_MODIFYING,     "0001", "1",         true,  true,  50,  "available"},
        {CLUSTER_MODIFYING,     "0002", "1",         true,  false, 100, "creating" },
        {CLUSTER_MODIFYING,     "0002", "1",         true,  true,  100, "available"},
        {CLUSTER_MODIFYING,     "0002", "2",         false, true,  50,  "deleting" },
        {CLUSTER_REBOOTING,     "0001", "0001,0003", true,  true,  50,  "rebooting"},
        {CLUSTER_REBOOTING,     "0003", "0001,0003", true,  false, 50,  "rebooting"},
        {CLUSTER_REBOOTING,     "0002", "0001,0003", true,  true,  50,  "available"},
        {CLUSTER_DELETING,      "0001", "",          true,  true,  50,  "deleting" },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct operation o = {.created_ms = 100, .data = rows[i].data};
        struct node n = {
            .number = rows[i].number,
            .is_wanted = rows[i].is_wanted,
            .created_ms = rows[i].created_ms,
            .saw = {.has = true, .state = rows[i].is_running ? NODE_RUNNING : NODE_STARTING},
        };
        cr_assert_str_eq(node_status_word(&n, rows[i].status, &o), rows[i].word, "row %zu", i);
    }
}

Test(status, nodes_are_in_sync_once_they_say_so)
{
    struct arena a = {0};
    struct cluster c = {.engine_version = "7.1.0",
                        .node_type = "cache.t4g.micro",
                        .parameter_group = "mine",
                        .parameter_revision = 3};
    struct settings_version now = {.parameters = parameters_number(&c), .users = 9, .term = 2};
    struct settings_version old = {.parameters = 1};
    const char *of_now = settings_version_text(&a, &now), *of_old = settings_version_text(&a, &old);
    const struct {
        enum node_state state;
        const char *applied;
        bool is_reboot_pending;
        const char *word;
    } rows[] = {
        {NODE_RUNNING,  of_now,  false, "in-sync"       },
        {NODE_RUNNING,  of_now,  true,  "pending-reboot"},
        {NODE_RUNNING,  of_old,  false, "applying"      },
        {NODE_RUNNING,  of_old,  true,  "applying"      },
        {NODE_RUNNING,  "other", false, "applying"      },
        {NODE_RUNNING,  "",      false, "in-sync"       }, /* just started */
        {NODE_STARTING, of_old,  true,  "in-sync"       },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct node n = {
            .is_wanted = true,
            .saw = {.has = true,
                    .state = rows[i].state,
                    .applied_settings = rows[i].applied,
                    .is_reboot_pending = rows[i].is_reboot_pending}
        };
        cr_assert_str_eq(parameter_status_word(node_parameter_status(&c, &n)), rows[i].word,
                         "row %zu", i);
    }
    arena_fini(&a);
}

Test(status, a_cluster_lacks_what_one_of_its_nodes_lacks)
{
    struct cluster c = {.engine_version = "", .node_type = "", .parameter_group = ""};
    struct node nodes[2] = {
        {.is_wanted = true,  .saw = {.has = true, .state = NODE_RUNNING, .applied_settings = ""}},
        {.is_wanted = false,
         .saw = {.has = true, .state = NODE_RUNNING, .applied_settings = "other"}               },
    };
    struct node_list list = {nodes, 2};

    cr_assert_eq(cluster_parameter_status(&c, &list), PARAMETERS_IN_SYNC);
    nodes[1].is_wanted = true;
    cr_assert_eq(cluster_parameter_status(&c, &list), PARAMETERS_APPLYING);
}

Test(status, a_token_is_under_way_until_every_node_has_it)
{
    static const struct {
        struct cache_entry entry;
        enum node_state state;
        const char *applied, *word;
    } rows[] = {
        {{.has_token = true, .revision = 5},                           NODE_RUNNING,  "p0.u4.r0.t0", "SETTING"},
        {{.has_token = true, .revision = 5, .is_token_rotated = true},
         NODE_RUNNING,                                                                "p0.u4.r0.t0",
         "ROTATING"                                                                                           },
        {{.has_token = true, .revision = 5},                           NODE_RUNNING,  "other",       "SETTING"},
        {{.has_token = true, .revision = 5},                           NODE_RUNNING,  "p0.u5.r0.t0", NULL     },
        {{.has_token = true, .revision = 5},                           NODE_RUNNING,  "",            NULL     },
        {{.has_token = true, .revision = 5},                           NODE_STARTING, "p0.u4.r0.t0", NULL     },
        {{.revision = 5},                                              NODE_RUNNING,  "p0.u4.r0.t0", NULL     },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct node nodes[2] = {
            {.is_wanted = true,
             .saw = {.has = true, .state = NODE_RUNNING, .applied_settings = "p0.u9.r0.t0"}   },
            {.is_wanted = true,
             .saw = {.has = true, .state = rows[i].state, .applied_settings = rows[i].applied}},
        };
        struct node_list list = {nodes, 2};
        const char *word = entry_token_word(&rows[i].entry, &list);

        cr_assert_eq(word == NULL, rows[i].word == NULL, "row %zu", i);
        if (word)
            cr_assert_str_eq(word, rows[i].word, "row %zu", i);
    }
}
