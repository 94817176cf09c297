/* What specgen makes of faults and of node states. */
#include "base/err.h"
#include "contract/faults.h"
#include "contract/node_states.h"

#include <criterion/criterion.h>

#include <string.h>

Test(faults, each_code_leads_to_its_own_row)
{
    for (int code = ERR_FAULT_BASE; code < ERR_FAULT_BASE + FAULT_COUNT; code++) {
        cr_assert_not_null(fault_find(code));
        cr_expect_eq(fault_find(code)->code, code);
    }
    cr_expect_null(fault_find(ERR_FAULT_BASE - 1));
    cr_expect_null(fault_find(ERR_FAULT_BASE + FAULT_COUNT));
    cr_expect_null(fault_find(ERR_OK));
}

Test(faults, the_model_s_surprises_are_kept)
{
    static const struct {
        int code;
        const char *wire;
        int status;
    } rows[] = {
        {FAULT_CACHE_CLUSTER_NOT_FOUND,             "CacheClusterNotFound",             404},
        {FAULT_CACHE_SUBNET_GROUP_NOT_FOUND,        "CacheSubnetGroupNotFoundFault",    400},
        {FAULT_RESERVED_CACHE_NODE_ALREADY_EXISTS,  "ReservedCacheNodeAlreadyExists",   404},
        {FAULT_INVALID_CREDENTIALS,                 "InvalidCredentialsException",      408},
        {FAULT_REPLICATION_GROUP_NOT_FOUND,         "ReplicationGroupNotFoundFault",    404},
        {FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY, "InsufficientCacheClusterCapacity", 400},
        {FAULT_INVALID_PARAMETER_VALUE,             "InvalidParameterValue",            400},
        {FAULT_MALFORMED_QUERY_STRING,              "MalformedQueryString",             404},
        {FAULT_SIGNATURE_DOES_NOT_MATCH,            "SignatureDoesNotMatch",            403},
        {FAULT_INTERNAL_FAILURE,                    "InternalFailure",                  500},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        const struct fault_desc *fault = fault_find(rows[i].code);
        cr_expect_str_eq(fault->wire, rows[i].wire);
        cr_expect_eq(fault->status, rows[i].status, "%s", fault->wire);
        cr_expect_eq(fault->is_receiver, fault->status >= 500);
    }
}

Test(node_states, names_and_states_are_each_others_inverse)
{
    enum node_state state = NODE_RUNNING;

    for (int i = 0; i < NODE_STATE_COUNT; i++) {
        cr_assert(node_state_parse(node_state_name((enum node_state)i), &state));
        cr_expect_eq((int)state, i);
    }
    state = NODE_RUNNING;
    cr_expect_not(node_state_parse("asleep", &state));
    cr_expect_not(node_state_parse(NULL, &state));
    cr_expect_eq(state, NODE_RUNNING);
}

Test(node_states, every_goal_is_reached_from_every_state)
{
    for (int goal = 0; goal < NODE_STATE_COUNT; goal++) {
        if (!node_state_is_goal((enum node_state)goal))
            continue;
        for (int from = 0; from < NODE_STATE_COUNT; from++) {
            enum node_state at = (enum node_state)from;
            for (int steps = 0; at != (enum node_state)goal && steps <= NODE_STATE_COUNT; steps++) {
                const struct node_edge *edge = node_edge_find(at, (enum node_state)goal);
                cr_assert_not_null(edge, "from %s to %s", node_state_name(at),
                                   node_state_name((enum node_state)goal));
                at = edge->next;
            }
            cr_expect_eq(at, (enum node_state)goal);
        }
    }
}

Test(node_states, each_step_has_its_name)
{
    cr_expect_str_eq(node_step_name(NODE_STEP_START), "start");
    cr_expect_str_eq(node_step_name(NODE_STEP_AWAIT_READY), "await_ready");
    cr_expect_null(node_edge_find(NODE_RUNNING, NODE_RUNNING));
    cr_expect_null(node_edge_find(NODE_RUNNING, NODE_STARTING), "starting is no goal");
}
