#include "controlplane/model/users.h"
#include "controlplane/ops/access.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/users.h"
#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(access_of_caches, .init = world_open, .fini = world_close, .timeout = 60);

#define ONE "token-number-one"
#define TWO "token-number-two"

/* Who could be attached: team (redis), vteam (valkey), iam (redis with a member that comes by IAM).
 */
static struct access_cache make(void)
{
    const char *members[] = {"default"}, *with_iam[] = {"default", "ida"};
    struct ec_authentication_mode mode = {"iam", {0}};
    struct ec_create_user_in ida = {.user_id = "ida",
                                    .user_name = "ida",
                                    .engine = "redis",
                                    .access_string = "on -@all",
                                    .authentication_mode = &mode};
    struct ec_create_user_out out;

    must(run_ec_create_user(&ida, &out));
    people_group("team", "redis", members, 1);
    people_group("other", "redis", members, 1);
    people_group("vteam", "valkey", NULL, 0);
    people_group("iam", "redis", with_iam, 2);
    fixture_begin(&world.f, STORE_WRITE);
    struct replication_group rg = fixture_group(&world.f, "rg");
    fixture_commit(&world.f);
    return (struct access_cache){.replication_group_id = rg.id,
                                 .engine = "redis",
                                 .engine_version = "7.1.0",
                                 .has_tls = true};
}

static struct err change(const struct access_cache *cache, const struct access_request *r,
                         bool *out_changed)
{
    struct call c = world_call();
    const char *pending;
    struct err e = access_change(&c, cache, r, &pending);

    *out_changed = !err_failed(e) && pending;

    if (err_failed(e))
        store_rollback(&world.f.tx);
    else
        fixture_commit(&world.f);
    return e;
}

static struct cache_access now(const struct access_cache *cache)
{
    struct cache_access x;

    fixture_begin(&world.f, STORE_READ);
    must(store_access_get(world.f.tx, cache->replication_group_id, 0, &x));
    return x;
}

Test(access_of_caches, requests_that_contradict_themselves_or_the_cache_are_refused)
{
    static const char *const team[] = {"Team"}, *const two[] = {"team", "other"};
    static const char *const nobody[] = {"nobody"}, *const vteam[] = {"vteam"};
    static const char *const iam[] = {"iam"};
    static const struct {
        const char *engine, *version;
        bool has_tls, is_new;
        struct access_request r;
        int code;
    } rows[] = {
        {"redis",  "7.1.0", true,  true,  {.token = ONE},                                                    ERR_OK                             },
        {"redis",  "5.0.6", true,  true,  {.token = ONE},                                                    ERR_OK                             },
        {"redis",  "5.0.5", true,  true,  {.token = ONE},                                                    FAULT_INVALID_PARAMETER_COMBINATION},
        {"redis",  "7.1.0", false, true,  {.token = ONE},                                                    FAULT_INVALID_PARAMETER_COMBINATION},
        {"redis",  "7.1.0", true,  true,  {.token = "short"},                                                FAULT_INVALID_PARAMETER_VALUE      },
        {"redis",  "7.1.0", true,  true,  {.token = ONE "*"},                                                FAULT_INVALID_PARAMETER_VALUE      },
        {"redis",  "7.1.0", true,  false, {.token = ONE "*"},                                                ERR_OK                             },
        {"redis",
         "7.1.0",           true,
         true,                            {.token = ONE, .add = team, .add_count = 1},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",  "7.1.0", true,  true,  {.add = team, .add_count = 1},                                     ERR_OK                             },
        {"valkey", "8.0.1", true,  true,  {.add = team, .add_count = 1},                                     ERR_OK                             },
        {"valkey", "8.0.1", true,  true,  {.add = vteam, .add_count = 1},                                    ERR_OK                             },
        {"redis",
         "7.1.0",           true,
         true,                            {.add = vteam, .add_count = 1},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",
         "5.0.6",           true,
         true,                            {.add = team, .add_count = 1},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",  "6.2.6", true,  true,  {.add = team, .add_count = 1},                                     ERR_OK                             },
        {"redis",
         "6.2.6",           true,
         true,                            {.add = iam, .add_count = 1},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",  "7.1.0", true,  true,  {.add = iam, .add_count = 1},                                      ERR_OK                             },
        {"redis",
         "7.1.0",           false,
         true,                            {.add = team, .add_count = 1},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",  "7.1.0", true,  true,  {.add = two, .add_count = 2},                                      FAULT_INVALID_PARAMETER_VALUE      },
        {"redis",  "7.1.0", true,  true,  {.add = nobody, .add_count = 1},                                   FAULT_USER_GROUP_NOT_FOUND         },
        {"redis",
         "7.1.0",           true,
         false,                           {.strategy = "ROTATE"},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",
         "7.1.0",           true,
         false,                           {.token = ONE, .strategy = "KEEP"},
         FAULT_INVALID_PARAMETER_VALUE                                                                                                          },
        {"redis",
         "7.1.0",           true,
         false,                           {.strategy = "DELETE"},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",
         "7.1.0",           true,
         false,                           {.token = ONE, .strategy = "DELETE", .add = team, .add_count = 1},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                                                    },
        {"redis",
         "7.1.0",           true,
         false,                           {.remove = team, .remove_count = 1},
         FAULT_INVALID_PARAMETER_VALUE                                                                                                          },
        {"redis",  "7.1.0", true,  false, {.removes_all = true},                                             ERR_OK                             },
        {"redis",  "7.1.0", true,  false, {0},                                                               ERR_OK                             },
    };

    make();
    for (size_t i = 0; i < countof(rows); i++) {
        struct access_cache cache = {.engine = rows[i].engine,
                                     .engine_version = rows[i].version,
                                     .has_tls = rows[i].has_tls,
                                     .is_new = rows[i].is_new};
        struct call c = world_call();
        struct err e = access_check(&c, &cache, &rows[i].r);
        cr_assert_eq(e.code, rows[i].code, "row %zu: %s", i, e.why);
    }
}

Test(access_of_caches, a_group_that_is_not_active_cannot_be_attached)
{
    static const char *const team[] = {"team"};
    struct access_cache cache = make();
    struct access_request r = {.add = team, .add_count = 1};
    struct ec_modify_user_group_in in = {.user_group_id = "team",
                                         .user_ids_to_add = STRINGS("ida")};
    struct ec_modify_user_group_out out;
    bool is_changed;

    must(run_ec_modify_user_group(&in, &out));
    expect(change(&cache, &r, &is_changed), FAULT_INVALID_USER_GROUP_STATE,
           "User group team has status modifying. Only active user groups can be associated.");
}

Test(access_of_caches, groups_come_and_go_with_a_higher_revision_each_time)
{
    static const char *const team[] = {"team"}, *const other[] = {"other"};
    struct access_cache cache = make();
    struct access_request attach = {.add = team, .add_count = 1};
    struct access_request swap = {.add = other, .add_count = 1, .remove = team, .remove_count = 1};
    struct access_request detach = {.removes_all = true};
    struct access_request second = {.add = other, .add_count = 1};
    bool is_changed;
    int64_t last = 0;

    must(change(&cache, &attach, &is_changed));
    cr_assert(is_changed);
    cr_assert_gt(now(&cache).revision, last);
    last = now(&cache).revision;
    must(change(&cache, &attach, &is_changed)); /* it is there already */
    cr_assert_not(is_changed);
    cr_assert_eq(now(&cache).revision, last);
    expect(change(&cache, &second, &is_changed), FAULT_INVALID_PARAMETER_VALUE,
           "At most one user group can be associated with a cache.");
    must(change(&cache, &swap, &is_changed));
    cr_assert_gt(now(&cache).revision, last);
    last = now(&cache).revision;
    must(change(&cache, &detach, &is_changed));
    cr_assert(is_changed);
    cr_assert_eq(now(&cache).user_group_id, 0);
    cr_assert_gt(now(&cache).revision, last);
}

Test(access_of_caches, tokens_give_way_to_groups_and_back)
{
    static const char *const team[] = {"team"};
    struct access_cache cache = make();
    struct access_request set = {.token = ONE, .strategy = "SET"};
    struct access_request rotate = {.token = TWO};
    struct access_request attach = {.add = team, .add_count = 1};
    struct access_request move = {.add = team, .add_count = 1, .strategy = "DELETE"};
    struct access_request back = {.removes_all = true, .token = TWO, .strategy = "SET"};
    bool is_changed;

    must(change(&cache, &set, &is_changed));
    cr_assert_eq(digests_count(now(&cache).token.digests), 1);
    cr_assert_eq(now(&cache).token.modified_ms, world.clock.now_wall_ms);
    clock_manual_advance(&world.clock, 1000);
    must(change(&cache, &set, &is_changed)); /* accepted again, and remembered when */
    cr_assert_not(is_changed);
    cr_assert_eq(now(&cache).token.modified_ms, world.clock.now_wall_ms);
    must(change(&cache, &rotate, &is_changed));
    cr_assert_eq(digests_count(now(&cache).token.digests), 2);
    expect(change(&cache, &attach, &is_changed), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    must(change(&cache, &move, &is_changed));
    cr_assert_str_eq(now(&cache).token.digests, "");
    expect(change(&cache, &rotate, &is_changed), FAULT_INVALID_PARAMETER_COMBINATION,
           "AuthToken and user groups cannot be used together.");
    must(change(&cache, &back, &is_changed));
    cr_assert_eq(now(&cache).user_group_id, 0);
    cr_assert_str_eq(now(&cache).token.digests, password_digest(&world.f.arena, TWO));
}

Test(access_of_caches, attached_caches_limit_what_a_group_can_become)
{
    struct user_group group;

    make();
    people_attach("old", "redis", "6.0.5", "team");
    struct call c = world_call();
    must(store_user_group_find(world.f.tx, "000000000000", "us-east-1", "team", &group));
    must(access_check_caches(&c, group.id, "redis", "6.0"));
    expect(access_check_caches(&c, group.id, "redis", "6.2"), FAULT_INVALID_PARAMETER_COMBINATION,
           NULL);
    expect(access_check_caches(&c, group.id, "valkey", "7.2"), FAULT_INVALID_PARAMETER_COMBINATION,
           NULL);
}

static const char *word_of(const struct ec_user_group_id_list *list)
{
    return list->count == 1 ? list->items[0] : "";
}

Test(access_of_caches, what_is_under_way_is_told_by_the_operation)
{
    static const char *const team[] = {"team"}, *const other[] = {"other"};
    struct access_cache cache = make();
    struct access_request attach = {.add = team, .add_count = 1};
    struct access_request swap = {.add = other, .add_count = 1, .remove = team, .remove_count = 1};
    struct access_request back = {.removes_all = true, .token = TWO, .strategy = "SET"};
    struct access_request rotate = {.token = ONE};
    const struct {
        const struct access_request *r;
        const char *to_add, *to_remove, *token;
    } rows[] = {
        {&attach, "team",  "",      NULL      },
        {&swap,   "other", "team",  NULL      },
        {&back,   "",      "other", "SETTING" },
        {&rotate, "",      "",      "ROTATING"},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_replication_group_pending_modified_values out = {0};
        struct call c = world_call();
        const char *pending;

        struct group_pending shown;

        must(access_change(&c, &cache, rows[i].r, &pending));
        group_pending_parse(c.arena, pending, &shown);
        access_pending_to_wire(&c, &shown, &out);
        if (*rows[i].to_add || *rows[i].to_remove) {
            cr_assert_str_eq(word_of(&out.user_groups->user_group_ids_to_add), rows[i].to_add);
            cr_assert_str_eq(word_of(&out.user_groups->user_group_ids_to_remove),
                             rows[i].to_remove);
        } else {
            cr_assert_null(out.user_groups);
        }
        cr_assert_eq(out.auth_token_status == NULL, rows[i].token == NULL);
        if (rows[i].token)
            cr_assert_str_eq(out.auth_token_status, rows[i].token);
        fixture_commit(&world.f);
    }
}

static const char *group_word(const char *name)
{
    struct ec_describe_replication_groups_in in = {.replication_group_id = name};
    struct ec_describe_replication_groups_out out;

    must(run_ec_describe_replication_groups(&in, &out));
    return out.replication_groups.items[0].status;
}

Test(access_of_caches, caches_of_a_changed_group_are_being_modified)
{
    struct ec_modify_user_in in = {.user_id = "ida", .access_string = "off -@all"};
    struct ec_modify_user_out out;
    struct ec_describe_replication_groups_in ask = {.replication_group_id = "used"};
    struct ec_describe_replication_groups_out told;

    make();
    people_attach("used", "redis", "7.1.0", "iam");
    people_attach("apart", "redis", "7.1.0", "team");
    must(run_ec_modify_user(&in, &out));
    cr_assert_str_eq(group_word("used"), "modifying");
    cr_assert_str_eq(group_word("apart"), "available");
    must(run_ec_describe_replication_groups(&ask, &told));
    cr_assert_eq(told.replication_groups.items[0].user_group_ids.count, 1);
    cr_assert_str_eq(told.replication_groups.items[0].user_group_ids.items[0], "iam");
}

Test(access_of_caches, a_new_group_is_checked_before_it_is_made)
{
    struct ec_create_replication_group_in in = {.replication_group_id = "new",
                                                .replication_group_description = "d",
                                                .cache_node_type = "cache.t4g.micro",
                                                .auth_token = ONE};
    struct ec_create_replication_group_out out;

    make();
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "AuthToken requires TransitEncryptionEnabled, and the TransitEncryptionMode required.");
    in.auth_token = NULL;
    in.user_group_ids = (struct ec_user_group_id_list_input)STRINGS("team");
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "User groups require TransitEncryptionEnabled, and the TransitEncryptionMode required.");
    in.user_group_ids = (struct ec_user_group_id_list_input){0};
    must(run_ec_create_replication_group(&in, &out));
    cr_assert(out.replication_group->user_group_ids.has);
    cr_assert_eq(out.replication_group->user_group_ids.count, 0);
}

Test(access_of_caches, a_group_lets_users_go_by_a_change_of_it)
{
    struct ec_modify_replication_group_in in = {.replication_group_id = "used"};
    struct ec_modify_replication_group_out out;

    make();
    people_attach("used", "redis", "7.1.0", "team");
    in.user_group_ids_to_remove = (struct ec_user_group_id_list)STRINGS("other");
    expect(run_ec_modify_replication_group(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           "User group other is not associated with the replication group.");
    in.user_group_ids_to_remove = (struct ec_user_group_id_list){0};
    in.auth_token = ONE;
    expect(run_ec_modify_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
    in.auth_token = NULL;
    in.user_group_ids_to_remove = (struct ec_user_group_id_list)STRINGS("Team");
    must(run_ec_modify_replication_group(&in, &out));
    cr_assert_str_eq(out.replication_group->status, "modifying");
    cr_assert_eq(out.replication_group->user_group_ids.count, 0);
    cr_assert_str_eq(out.replication_group->pending_modified_values->user_groups
                         ->user_group_ids_to_remove.items[0],
                     "team");
    cr_assert_eq(people_group_now("team")->replication_groups.count, 0);
}

/* --- clusters that have been members, or become such --- */

/* A cluster that stands alone and has the users of a group that it left. */
static void left_with(const char *name, const char *user_group)
{
    struct ec_create_cache_cluster_in in = {.cache_cluster_id = name,
                                            .engine = "redis",
                                            .cache_node_type = "cache.t4g.micro",
                                            .transit_encryption_enabled = BOOL_OF(true)};
    struct ec_create_cache_cluster_out out;
    struct cache_access x = {.token = {.digests = ""}};
    struct user_group group;
    struct cluster c;

    must(run_ec_create_cache_cluster(&in, &out));
    world_settle();
    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", name, &c));
    must(store_user_group_find(world.f.tx, "000000000000", "us-east-1", user_group, &group));
    x.cluster_id = c.id;
    x.user_group_id = group.id;
    must(store_revision_next(world.f.tx, &x.revision));
    must(store_access_put(world.f.tx, &x));
    fixture_commit(&world.f);
}

Test(access_of_caches, a_cluster_that_left_its_group_follows_the_users_that_it_has)
{
    struct ec_modify_user_in in = {.user_id = "ida", .access_string = "off -@all"};
    struct ec_modify_user_out out;
    struct ec_delete_user_group_in gone = {.user_group_id = "iam"};
    struct ec_delete_user_group_out gone_out;

    make();
    left_with("alone", "iam");
    cr_assert_eq(people_group_now("iam")->replication_groups.count, 0);
    expect(run_ec_delete_user_group(&gone, &gone_out), FAULT_INVALID_USER_GROUP_STATE,
           "User group iam is associated with cache cluster alone and cannot be deleted.");
    must(run_ec_modify_user(&in, &out));
    cr_assert_str_eq(world_describe("alone")->cache_cluster_status, "modifying");
}

Test(access_of_caches, a_token_that_is_set_takes_the_place_of_users_that_a_cluster_kept)
{
    struct ec_modify_cache_cluster_in in = {
        .cache_cluster_id = "alone", .auth_token = ONE, .auth_token_update_strategy = "ROTATE"};
    struct ec_modify_cache_cluster_out out;
    struct ec_delete_user_group_in gone = {.user_group_id = "team"};
    struct ec_delete_user_group_out gone_out;

    make();
    left_with("alone", "team");
    expect(run_ec_modify_cache_cluster(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "AuthToken and user groups cannot be used together.");
    in.auth_token_update_strategy = "SET";
    must(run_ec_modify_cache_cluster(&in, &out));
    cr_assert(out.cache_cluster->auth_token_enabled.value);
    must(run_ec_delete_user_group(&gone, &gone_out));
}

Test(access_of_caches, a_cluster_brings_its_token_into_the_group_that_it_becomes)
{
    struct ec_create_cache_cluster_in lone = {.cache_cluster_id = "lone",
                                              .engine = "redis",
                                              .cache_node_type = "cache.t4g.micro",
                                              .auth_token = ONE,
                                              .transit_encryption_enabled = BOOL_OF(true)};
    struct ec_create_cache_cluster_out lone_out;
    struct ec_create_replication_group_in in = {.replication_group_id = "new",
                                                .replication_group_description = "d",
                                                .primary_cluster_id = "lone",
                                                .auth_token = TWO};
    struct ec_create_replication_group_out out;

    must(run_ec_create_cache_cluster(&lone, &lone_out));
    world_settle();
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    in.auth_token = NULL;
    in.transit_encryption_enabled = BOOL_OF(false);
    expect(run_ec_create_replication_group(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION,
           "TransitEncryptionMode must be preferred before in-transit encryption can be disabled.");
    in.transit_encryption_enabled = (struct opt_bool){0};
    must(run_ec_create_replication_group(&in, &out));
    cr_assert(out.replication_group->auth_token_enabled.value);
    cr_assert(out.replication_group->transit_encryption_enabled.value);
    world_settle();
    cr_assert(world_describe("lone")->auth_token_enabled.value);
}
