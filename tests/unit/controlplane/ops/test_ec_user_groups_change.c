#include "controlplane/model/quotas.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/users.h"
#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(user_groups_change, .init = world_open, .fini = world_close, .timeout = 60);

/* ann, bob and vik (of valkey), open without a password, and mine, another default user. */
static void make_people(void)
{
    struct ec_create_user_in open = {.user_id = "open",
                                     .user_name = "open",
                                     .engine = "redis",
                                     .access_string = "on -@all",
                                     .no_password_required = BOOL_OF(true)};
    struct ec_create_user_out out;

    people_user("ann", NULL, "redis");
    people_user("bob", NULL, "redis");
    people_user("mine", "default", "redis");
    people_user("vik", NULL, "valkey");
    must(run_ec_create_user(&open, &out));
}

Test(user_groups_change, members_must_suit_each_other)
{
    const struct {
        const char *engine;
        struct ec_user_id_list_input ids;
        int code;
        const char *why;
    } rows[] = {
        {"redis",                   STRINGS("default",                       "ann",                                                                       "bob"),                                                                                                                                                    ERR_OK, NULL},
        {"REDIS",                     STRINGS("Mine",                                                            "open"),                                                                                                                                 ERR_OK,                                                                                                                                                                                                                                                        NULL},
        {"valkey",                   STRINGS("vik",                                                      "ann"), ERR_OK,NULL},
        {"valkey",                   {0},ERR_OK,                                                                      NULL                                                                                                                                                                                                                                                                                                                                   },
        {"redis",
         {0},
         FAULT_DEFAULT_USER_REQUIRED,                                         "User group needs to contain a user with the user name default."},
        {"redis",                       STRINGS("ann"),                                        FAULT_DEFAULT_USER_REQUIRED,           NULL                                                                                                                                                                                                                                                                                                     },
        {"redis",STRINGS("default","mine"),                       FAULT_DUPLICATE_USER_NAME,NULL},
        {"redis",                    STRINGS("default",                                                                                           "vik"),                                                                                                                       FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                                                                                                                                                                                                                                                                                                                  NULL},
        {"valkey",                   STRINGS("open"),                      FAULT_INVALID_PARAMETER_COMBINATION, NULL},
        {"valkey",                         STRINGS("default"),                                                         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                   NULL                                                                                                                                                                                                   },
        {"redis",                         STRINGS("default",                                                         "nobody"),                                                                                          FAULT_USER_NOT_FOUND,                                                                                                                                                        "User nobody not found."},
        {"redis",                         STRINGS("default",                                                          "ann",                                                                                            "ANN"),FAULT_INVALID_PARAMETER_VALUE, NULL},
        {"memcached", STRINGS("default"),                                        FAULT_INVALID_PARAMETER_VALUE,                                                                                                             NULL                                                                     },
    };

    make_people();
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_create_user_group_in in = {
            .user_group_id = arena_printf(&world.f.arena, "G%zu", i),
            .engine = rows[i].engine,
            .user_ids = rows[i].ids,
        };
        struct ec_create_user_group_out out;

        expect(run_ec_create_user_group(&in, &out), rows[i].code, rows[i].why);
        if (rows[i].code)
            continue;
        cr_assert_str_eq(out.status, "creating");
        cr_assert_str_eq(out.user_group_id, arena_printf(&world.f.arena, "g%zu", i));
        cr_assert_eq(out.user_ids.count, rows[i].ids.count);
        cr_assert_null(out.pending_changes);
    }
}

Test(user_groups_change, names_are_taken_once_and_tags_are_kept)
{
    struct ec_tag tag = {"k", "v"};
    struct ec_create_user_group_in in = {
        .user_group_id = "team", .engine = "valkey", .tags = {true, 1, &tag}
    };
    struct ec_create_user_group_out out;
    struct ec_list_tags_for_resource_in ask = {
        .resource_name = "arn:aws:elasticache:us-east-1:000000000000:usergroup:team"};
    struct ec_list_tags_for_resource_out listed;

    must(run_ec_create_user_group(&in, &out));
    must(run_ec_list_tags_for_resource(&ask, &listed));
    cr_assert_eq(listed.tag_list.count, 1);
    in.user_group_id = "TEAM";
    expect(run_ec_create_user_group(&in, &out), FAULT_USER_GROUP_ALREADY_EXISTS,
           "User group team already exists.");
    in.user_group_id = "no--name";
    expect(run_ec_create_user_group(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}

Test(user_groups_change, a_region_has_room_for_so_many)
{
    struct ec_create_user_group_in in = {.user_group_id = "more", .engine = "valkey"};
    struct ec_create_user_group_out out;

    fixture_begin(&world.f, STORE_WRITE);
    for (int i = 0; i < quotas_usual.user_groups_per_region; i++) {
        struct user_group g = {.account = "000000000000",
                               .region = "us-east-1",
                               .name = arena_printf(&world.f.arena, "g%d", i),
                               .engine = "valkey",
                               .revision = 2,
                               .is_wanted = true};
        must(store_user_group_insert(world.f.tx, &g));
    }
    fixture_commit(&world.f);
    expect(run_ec_create_user_group(&in, &out), FAULT_USER_GROUP_QUOTA_EXCEEDED, NULL);
}

static struct err modify(struct ec_modify_user_group_in in, struct ec_modify_user_group_out *out)
{
    in.user_group_id = "Team";
    return run_ec_modify_user_group(&in, out);
}

static void make_team(void)
{
    const char *members[] = {"default", "ann"};

    make_people();
    people_group("team", "redis", members, 2);
}

Test(user_groups_change, who_comes_and_who_goes_is_pending_until_it_is_in_force)
{
    struct ec_modify_user_group_out out;

    make_team();
    must(modify((struct ec_modify_user_group_in){.user_ids_to_add = STRINGS("Bob", "mine"),
                                                 .user_ids_to_remove = STRINGS("default")},
                &out));
    cr_assert_str_eq(out.status, "modifying");
    cr_assert_eq(out.user_ids.count, 2);
    cr_assert_eq(out.pending_changes->user_ids_to_add.count, 2);
    cr_assert_str_eq(out.pending_changes->user_ids_to_add.items[0], "bob");
    cr_assert_str_eq(out.pending_changes->user_ids_to_add.items[1], "mine");
    cr_assert_eq(out.pending_changes->user_ids_to_remove.count, 1);
    cr_assert_str_eq(out.pending_changes->user_ids_to_remove.items[0], "default");
    expect(modify((struct ec_modify_user_group_in){.user_ids_to_add = STRINGS("open")}, &out),
           FAULT_INVALID_USER_GROUP_STATE,
           "User group team has status modifying. Only active user groups can be modified.");
    people_settle();
    struct ec_user_group *g = people_group_now("team");
    cr_assert_str_eq(g->status, "active");
    cr_assert_eq(g->user_ids.count, 3);
    cr_assert_str_eq(g->user_ids.items[2], "mine");
    cr_assert_null(g->pending_changes);
}

Test(user_groups_change, changes_that_make_no_sense_are_refused_and_change_nothing)
{
    const struct {
        struct ec_user_id_list_input add, remove;
        const char *engine;
        int code;
        const char *why;
    } rows[] = {
        {{0},
         {0},
         NULL,                                          FAULT_INVALID_PARAMETER_COMBINATION,
         "No modifications were requested: UserIdsToAdd or UserIdsToRemove must be given."                                },
        {STRINGS("ann"),
         {0},
         NULL,                                          FAULT_INVALID_PARAMETER_VALUE,
         "User ann is already a member of user group team."                                                               },
        {{0},
         STRINGS("bob"),
         NULL,                                          FAULT_INVALID_PARAMETER_VALUE,
         "User bob is not a member of user group team."                                                                   },
        {{0},
         STRINGS("ann",       "ann"),
         NULL,                                                                               FAULT_INVALID_PARAMETER_VALUE,
         "User ann is not a member of user group team."},
        {STRINGS("nobody"),              {0}, NULL,         FAULT_USER_NOT_FOUND,                                        "User nobody not found."                                        },
        {{0},              STRINGS("nobody"),               NULL,         FAULT_USER_NOT_FOUND,                          "User nobody not found."},
        {STRINGS("ANN"),              STRINGS("ann"),    NULL, FAULT_INVALID_PARAMETER_COMBINATION,                             NULL                                    },
        {{0},              STRINGS("default"),               NULL,        FAULT_DEFAULT_USER_REQUIRED,                         NULL},
        {STRINGS("mine"),              {0},   NULL,           FAULT_DUPLICATE_USER_NAME,                                        NULL                                                  },
        {STRINGS("vik"),              {0},    NULL,            FAULT_INVALID_PARAMETER_COMBINATION,                                        NULL},
        {{0},              {0},               "valkey",                       FAULT_INVALID_PARAMETER_COMBINATION,                                    NULL                                   },
        {{0},              {0},               "memcached",                       FAULT_INVALID_PARAMETER_VALUE,                                 NULL},
    };
    struct ec_modify_user_group_out out;

    make_team();
    for (size_t i = 0; i < countof(rows); i++) {
        expect(modify((struct ec_modify_user_group_in){.user_ids_to_add = rows[i].add,
                                                       .user_ids_to_remove = rows[i].remove,
                                                       .engine = rows[i].engine},
                      &out),
               rows[i].code, rows[i].why);
        struct ec_user_group *g = people_group_now("team");
        cr_assert_str_eq(g->status, "active");
        cr_assert_eq(g->user_ids.count, 2);
        cr_assert_null(g->pending_changes);
    }
}

Test(user_groups_change, a_group_may_become_one_of_valkey_where_its_members_can)
{
    struct ec_modify_user_group_out out;

    make_team();
    must(modify((struct ec_modify_user_group_in){.user_ids_to_remove = STRINGS("default"),
                                                 .engine = "Valkey"},
                &out));
    cr_assert_str_eq(out.engine, "valkey");
    people_settle();
    must(modify((struct ec_modify_user_group_in){.user_ids_to_add = STRINGS("vik")}, &out));
}

Test(user_groups_change, the_caches_must_be_able_to_take_it)
{
    struct ec_modify_user_group_out out;

    make_team();
    people_attach("old", "redis", "7.0.7", "team");
    expect(modify((struct ec_modify_user_group_in){.user_ids_to_remove = STRINGS("default"),
                                                   .engine = "valkey"},
                  &out),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "The change needs engine valkey 7.2 or later, but the user group is associated with "
           "replication group old of redis 7.0.7.");
}

Test(user_groups_change, a_changed_user_is_checked_in_all_its_groups)
{
    struct user u;

    make_team();
    struct call c = world_call();
    must(users_find(&c, "ann", &u));
    must(users_check_groups(&c, &u));
    u.engine = "valkey";
    expect(users_check_groups(&c, &u), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}
