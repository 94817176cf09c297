#include "controlplane/ops/fitting.h"
#include "controlplane/store/points.h"
#include "numbers.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(fitting, .init = world_open, .fini = world_close, .timeout = 60);

#define MIB ((int64_t)1 << 20)

static struct ec_list_allowed_node_type_modifications_out list(void)
{
    struct ec_list_allowed_node_type_modifications_in in = {.replication_group_id = "rg"};
    struct ec_list_allowed_node_type_modifications_out out;

    must(run_ec_list_allowed_node_type_modifications(&in, &out));
    return out;
}

static bool may_become(const char *type)
{
    struct ec_list_allowed_node_type_modifications_out out = list();

    for (size_t i = 0; i < out.scale_down_modifications.count; i++)
        if (strcmp(out.scale_down_modifications.items[i], type) == 0)
            return true;
    return false;
}

static void create(void)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "rg",
                                                .replication_group_description = "d",
                                                .engine = "redis",
                                                .cache_node_type = "cache.t4g.small",
                                                .num_cache_clusters = INT_OF(2)};
    struct ec_create_replication_group_out out;

    must(run_ec_create_replication_group(&in, &out));
    world_settle();
}

static struct err shrink(struct ec_modify_replication_group_out *out)
{
    struct ec_modify_replication_group_in in = {.replication_group_id = "rg",
                                                .cache_node_type = "cache.t4g.micro",
                                                .apply_immediately = BOOL_OF(true)};
    return run_ec_modify_replication_group(&in, out);
}

Test(fitting, what_fits_may_go_into_less)
{
    struct ec_modify_replication_group_out out;

    create();
    put_use("rg-001", 100 * MIB);
    put_use("rg-002", 101 * MIB);
    cr_assert(may_become("cache.t4g.micro"));
    must(shrink(&out));
    cr_assert_str_eq(out.replication_group->cache_node_type, "cache.t4g.micro");
    cr_assert_str_eq(out.replication_group->status, "modifying");
}

Test(fitting, what_does_not_fit_stays)
{
    struct ec_modify_replication_group_out out;

    create();
    put_use("rg-001", 100 * MIB);
    put_use("rg-002", 600 * MIB);
    cr_assert_not(may_become("cache.t4g.micro"));
    expect(shrink(&out), FAULT_INVALID_PARAMETER_COMBINATION,
           "The data does not fit into the cache node type cache.t4g.micro: a node uses 629145600 "
           "bytes.");
}

Test(fitting, the_reserve_is_no_room)
{
    struct ec_modify_replication_group_out out;

    create();
    put_use("rg-001", 420 * MIB); /* of 512 MiB a quarter is reserved */
    expect(shrink(&out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(fitting, without_numbers_only_what_is_new_may)
{
    struct ec_modify_replication_group_out out;

    create();
    cr_assert(may_become("cache.t4g.micro"));
    clock_manual_advance(&world.clock, 11 * 60000);
    cr_assert_not(may_become("cache.t4g.micro"));
    expect(
        shrink(&out), FAULT_INVALID_PARAMETER_COMBINATION,
        "It is not known how much memory the data takes, and whether it would fit into the cache "
        "node type cache.t4g.micro.");
}
