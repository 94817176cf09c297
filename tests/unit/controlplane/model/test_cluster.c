#include "base/err.h"
#include "controlplane/model/cluster.h"

#include <criterion/criterion.h>

#include <string.h>

Test(cluster, every_operation_kind_is_read_back_from_its_name)
{
    static const enum operation_kind kinds[] = {OPERATION_CREATE, OPERATION_DELETE,
                                                OPERATION_REBOOT, OPERATION_MODIFY};
    for (size_t i = 0; i < countof(kinds); i++) {
        enum operation_kind back;
        cr_assert(operation_kind_parse(operation_kind_name(kinds[i]), &back));
        cr_assert_eq(back, kinds[i]);
    }
}

Test(cluster, every_operation_state_is_read_back_from_its_name)
{
    static const enum operation_state states[] = {OPERATION_RUNNING, OPERATION_DONE,
                                                  OPERATION_FAILED};
    for (size_t i = 0; i < countof(states); i++) {
        enum operation_state back;
        cr_assert(operation_state_parse(operation_state_name(states[i]), &back));
        cr_assert_eq(back, states[i]);
    }
}

Test(cluster, unknown_words_are_neither_kinds_nor_states)
{
    enum operation_kind kind;
    enum operation_state state;

    cr_assert_not(operation_kind_parse("Create", &kind));
    cr_assert_not(operation_kind_parse("", &kind));
    cr_assert_not(operation_state_parse("create", &state));
}

Test(cluster, a_node_sees_the_type_that_it_still_has)
{
    const struct cluster c = {.name = "m1", .node_type = "cache.t4g.small"};
    const struct node rows[] = {
        {.node_type = NULL}, {.node_type = ""}, {.node_type = "cache.t4g.micro"}};

    cr_assert_str_eq(cluster_of_node(&c, &rows[0]).node_type, "cache.t4g.small");
    cr_assert_str_eq(cluster_of_node(&c, &rows[1]).node_type, "cache.t4g.small");
    cr_assert_str_eq(cluster_of_node(&c, &rows[2]).node_type, "cache.t4g.micro");
    cr_assert_str_eq(cluster_of_node(&c, &rows[2]).name, "m1");
}

Test(cluster, hosts_are_mostly_silent_when_more_than_half_of_them_are)
{
    struct host hosts[4] = {{.is_silent = true}, {.is_silent = true}, {0}, {0}};

    cr_assert_not(hosts_are_mostly_silent(&(struct host_list){NULL, 0}));
    cr_assert_not(hosts_are_mostly_silent(&(struct host_list){hosts, 4}));
    cr_assert(hosts_are_mostly_silent(&(struct host_list){hosts, 3}));
    cr_assert_not(hosts_are_mostly_silent(&(struct host_list){hosts + 2, 2}));
}
