#include "controlplane/model/quotas.h"
#include "controlplane/model/users.h"
#include "controlplane/store/users.h"
#include "people.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(users_change, .init = world_open, .fini = world_close, .timeout = 60);

#define PASSWORD "password-of-16-ch"
#define OTHER    "another-password-"
#define THIRD    "a third password!"

static struct ec_authentication_mode by_password = {"password", STRINGS(PASSWORD, OTHER)};
static struct ec_authentication_mode by_nothing = {"no-password-required", {0}};
static struct ec_authentication_mode by_iam = {"iam", {0}};

static const struct ec_create_user_in plain = {.user_id = "Ann",
                                               .user_name = "Anna",
                                               .engine = "REDIS",
                                               .access_string = "on ~app:* -@all +@read",
                                               .passwords = STRINGS(PASSWORD)};

static struct ec_create_user_out create(struct ec_create_user_in in)
{
    struct ec_create_user_out out;

    must(run_ec_create_user(&in, &out));
    return out;
}

Test(users_change, a_new_user_is_active_and_answers_as_it_was_asked_for)
{
    struct ec_tag tag = {"team", "blue"};
    struct ec_create_user_in in = plain;
    struct ec_list_tags_for_resource_in ask = {
        .resource_name = "arn:aws:elasticache:us-east-1:000000000000:user:ann"};
    struct ec_list_tags_for_resource_out listed;
    struct user stored;

    in.tags = (struct ec_tag_list){true, 1, &tag};
    struct ec_create_user_out out = create(in);
    cr_assert_str_eq(out.user_id, "ann");
    cr_assert_str_eq(out.user_name, "Anna");
    cr_assert_str_eq(out.status, "active");
    cr_assert_str_eq(out.engine, "redis");
    cr_assert_str_eq(out.access_string, "on ~app:* -@all +@read");
    cr_assert_str_eq(out.minimum_engine_version, "6.0");
    cr_assert_str_eq(out.authentication->type, "password");
    cr_assert_eq(out.authentication->password_count.value, 1);
    cr_assert_str_eq(out.arn, ask.resource_name);
    cr_assert(out.user_group_ids.has && out.user_group_ids.count == 0);
    must(run_ec_list_tags_for_resource(&ask, &listed));
    cr_assert_eq(listed.tag_list.count, 1);
    fixture_begin(&world.f, STORE_READ);
    must(store_user_find(world.f.tx, "000000000000", "us-east-1", "ann", &stored));
    cr_assert_str_eq(stored.digests, password_digest(&world.f.arena, PASSWORD));
}

Test(users_change, there_are_many_ways_to_say_who_one_is)
{
    const struct {
        const char *login, *engine;
        struct ec_password_list_input passwords;
        struct opt_bool no_password;
        struct ec_authentication_mode *mode;
        int code;
        const char *type; /* or the sentence */
        int count;
    } rows[] = {
        {"u",                                                                             "redis", STRINGS(PASSWORD, OTHER),                                                                                 {0},                          NULL,                                                                               ERR_OK,                                                                                                                                                                            "password",                                                                                                                                                                                                                                                                                                                                                                                                                                      2},
        {"u",                                                                               "redis",                                                                                    STRINGS(PASSWORD),               BOOL_OF(false), NULL, ERR_OK,                                                                               "password",                                                                                                                                                                                                                                                          1                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                },
        {"u",                                                                               "redis",                                                                                    {0},               BOOL_OF(true),               NULL,                ERR_OK,                                                                                "no-password",                                                                                                                                                                                                                                            0},
        {"u",                                                                               "redis",                                                                                    {0},               BOOL_OF(false),               &by_password,               ERR_OK,                                                                       "password",                                                                                                                                                                                                                                    2                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    },
        {"u",                                                                               "redis",                                                                                    {0},               BOOL_OF(false),               &by_nothing,               ERR_OK,                                                                        "no-password",                                                                                                                                                                                                                                     0},
        {"u",                                                                               "redis",                                                                                    {0},               BOOL_OF(true),               &by_nothing,                ERR_OK,                                                                         "no-password",                                                                                                                                                                                                                                     0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   },
        {"u",                                                                               "valkey",                                                                                    {0},              BOOL_OF(false),              &by_iam,               ERR_OK,                                                                             "iam",                                                                                                                                                                                                                                          0},
        {"u",
         "redis",                                                                                    {0},
         {0},
         NULL,                                                                                                                                                                                                                              FAULT_INVALID_PARAMETER_VALUE,
         "No password was provided. If you want to create/update the user without password, please "
         "use the NoPasswordRequired flag.",                                                                                                                                                                                                                                        0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      },
        {"u",                                                                               "redis",                                                                                    {0},               BOOL_OF(false),               NULL,               FAULT_INVALID_PARAMETER_VALUE,                                                                               NULL,                                                                                                                                                                                                                     0},
        {"u",
         "redis",                                                                                    STRINGS("short"),
         {0},
         NULL,                                                                                                                                                                                                                              FAULT_INVALID_PARAMETER_VALUE,
         "Passwords length must be between 16-128 characters.",                                                                                                                                                                                                                                        0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   },
        {"u",
         "redis",                                                                                    STRINGS(PASSWORD,                                                                                                    OTHER,                                                                                       THIRD),
         {0},
         NULL,                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     FAULT_INVALID_PARAMETER_VALUE,
         "A user can have at most 2 passwords.", 0},
        {"u",                                          "redis",                                                STRINGS(PASSWORD),                                                                BOOL_OF(true),                                                                                                                                                    NULL,                                                                                                                                FAULT_INVALID_PARAMETER_COMBINATION,
         "Passwords cannot be used together with NoPasswordRequired.",                                                                                                                                                                                                                                                       0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              },
        {"u",
         "redis",                          STRINGS(PASSWORD),
         {0},
         &by_password,
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                                                                                                                                                                                  "Passwords cannot be used together with AuthenticationMode.",
         0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            },
        {"u",
         "redis",                                                                                        {0},
         BOOL_OF(true),
         &by_iam,
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                                                                                                                                  "NoPasswordRequired cannot be used together with the authentication type iam.",
         0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 },
        {"u",
         "redis",                                                                                        {0},
         {0},
         &(struct ec_authentication_mode){"iam", STRINGS(PASSWORD)},
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                                                                                                                                  "Passwords cannot be used together with the authentication type iam.",
         0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              },
        {"u",
         "redis",                                                                                        {0},
         {0},
         &(struct ec_authentication_mode){"password", {0}},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                                                                                                                                                  NULL,
         0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       },
        {"u",
         "redis",                                                                                        {0},
         {0},
         &(struct ec_authentication_mode){NULL, STRINGS(PASSWORD)},
         FAULT_INVALID_PARAMETER_VALUE,                                                                                                                                                                                                                  NULL,
         0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               },
        {"other",
         "redis",                                                                                        {0},
         {0},
         &by_iam,
         FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                                                                                                                                  "User Id and User name must be same for authentication type: iam",
         0                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 },
        {"u",              "valkey",                                                                                        {0},                                                                                                        BOOL_OF(true),                                                                                                                                                                                            NULL,                                                                                                                                                                                                   FAULT_INVALID_PARAMETER_COMBINATION,                                                                                                                                                                                           NULL,                                                                                                                                                                                                                                                        0},
        {"u",                                                                           "memcached",                                                                                 STRINGS(PASSWORD),                                                                                                 {0},                                                                                                                                                                                     NULL,                                                                                                                            FAULT_INVALID_PARAMETER_VALUE,NULL,0                                                                                                                                                                                                                                                                                                                                                                                                                                          },
        {"a b",                                                                           "redis",                                                                                 STRINGS(PASSWORD),                                                                                                 {0},                                                                                                                                                                                   NULL,                                                                                                                              FAULT_INVALID_PARAMETER_VALUE,                                                                                                                                                                                             NULL,                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  0                                                                                                                                                                                                                                                                                                                                                },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_create_user_in in = {
            .user_id = rows[i].code ? "u" : arena_printf(&world.f.arena, "u%zu", i),
            .user_name = rows[i].code ? rows[i].login : arena_printf(&world.f.arena, "u%zu", i),
            .engine = rows[i].engine,
            .access_string = "on ~* +@all",
            .passwords = rows[i].passwords,
            .no_password_required = rows[i].no_password,
            .authentication_mode = rows[i].mode,
        };
        struct ec_create_user_out out;

        expect(run_ec_create_user(&in, &out), rows[i].code, rows[i].code ? rows[i].type : NULL);
        if (rows[i].code)
            continue;
        cr_assert_str_eq(out.authentication->type, rows[i].type);
        cr_assert_eq(out.authentication->password_count.has, rows[i].count > 0);
        cr_assert_eq(out.authentication->password_count.value, rows[i].count);
    }
}

Test(users_change, names_are_taken_once_and_follow_the_rule)
{
    static const struct {
        const char *id;
        int code;
        const char *why;
    } rows[] = {
        {"ANN",                                       FAULT_USER_ALREADY_EXISTS,     "User ann already exists."    },
        {"default",                                   FAULT_USER_ALREADY_EXISTS,     "User default already exists."},
        {"1ann",                                      FAULT_INVALID_PARAMETER_VALUE, NULL                          },
        {"ann-",                                      FAULT_INVALID_PARAMETER_VALUE, NULL                          },
        {"ann_a",                                     FAULT_INVALID_PARAMETER_VALUE, NULL                          },
        {"a2345678901234567890123456789012345678901", FAULT_INVALID_PARAMETER_VALUE, NULL                          },
    };

    create(plain);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_create_user_in in = plain;
        struct ec_create_user_out out;
        in.user_id = rows[i].id;
        expect(run_ec_create_user(&in, &out), rows[i].code, rows[i].why);
    }
}

Test(users_change, access_strings_and_tags_are_checked)
{
    struct ec_tag reserved = {"aws:x", ""};
    struct ec_create_user_in in = plain;
    struct ec_create_user_out out;

    in.access_string = "on ~* +config";
    expect(run_ec_create_user(&in, &out), FAULT_INVALID_PARAMETER_VALUE,
           "Invalid rule +config in the access string: the command is restricted.");
    in = plain;
    in.tags = (struct ec_tag_list){true, 1, &reserved};
    expect(run_ec_create_user(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
    in = plain;
    in.access_string = "~objects:*";
    must(run_ec_create_user(&in, &out));
    cr_assert_str_eq(out.access_string, "off ~objects:* -@all");
}

Test(users_change, a_region_has_room_for_so_many)
{
    struct ec_create_user_out out;
    struct user u = {.account = "000000000000",
                     .region = "us-east-1",
                     .login = "x",
                     .engine = "redis",
                     .access = "on -@all",
                     .digests = "",
                     .revision = 1,
                     .settled_revision = 1,
                     .is_wanted = true};

    fixture_begin(&world.f, STORE_WRITE);
    for (int i = 0; i < quotas_usual.users_per_region; i++) {
        u.name = arena_printf(&world.f.arena, "u%d", i);
        must(store_user_insert(world.f.tx, &u));
    }
    fixture_commit(&world.f);
    expect(run_ec_create_user(&plain, &out), FAULT_USER_QUOTA_EXCEEDED, NULL);
}

/* --- modify --- */

static struct err modify(struct ec_modify_user_in in, struct ec_modify_user_out *out)
{
    in.user_id = "ann";
    return run_ec_modify_user(&in, out);
}

Test(users_change, a_changed_user_is_modifying_until_that_is_in_force)
{
    const char *members[] = {"default", "ann"};
    struct ec_modify_user_out out;

    create(plain);
    people_group("team", "redis", members, 2);
    must(modify((struct ec_modify_user_in){.access_string = "off -@all"}, &out));
    cr_assert_str_eq(out.status, "modifying");
    cr_assert_str_eq(out.access_string, "off -@all");
    cr_assert_eq(out.user_group_ids.count, 1);
    cr_assert_str_eq(people_group_now("team")->status, "modifying");
    expect(modify((struct ec_modify_user_in){.access_string = "on -@all"}, &out),
           FAULT_INVALID_USER_STATE,
           "User ann has status modifying. Only active users can be modified.");
    people_settle();
    cr_assert_str_eq(people_user_now("ann")->status, "active");
    cr_assert_str_eq(people_group_now("team")->status, "active");
}

Test(users_change, what_changes_nothing_puts_nobody_to_work)
{
    const char *members[] = {"default", "ann"};
    struct ec_modify_user_out out;

    create(plain);
    people_group("team", "redis", members, 2);
    must(modify((struct ec_modify_user_in){.access_string = "on ~app:* -@all +@read",
                                           .passwords = STRINGS(PASSWORD),
                                           .no_password_required = BOOL_OF(false),
                                           .engine = "Redis"},
                &out));
    cr_assert_str_eq(out.status, "active");
    must(modify((struct ec_modify_user_in){0}, &out));
    cr_assert_str_eq(out.status, "active");
    cr_assert_str_eq(people_group_now("team")->status, "active");
}

Test(users_change, an_access_string_is_replaced_or_grows)
{
    struct ec_modify_user_out out;

    create(plain);
    must(modify((struct ec_modify_user_in){.append_access_string = "+set ~b"}, &out));
    cr_assert_str_eq(out.access_string, "on ~app:* -@all +@read +set ~b");
    people_settle();
    must(modify((struct ec_modify_user_in){.append_access_string = "off"}, &out));
    cr_assert_str_eq(out.access_string, "off ~app:* -@all +@read +set ~b");
    people_settle();
    expect(modify((struct ec_modify_user_in){.append_access_string = "nopass"}, &out),
           FAULT_INVALID_PARAMETER_VALUE, NULL);
    expect(modify((struct ec_modify_user_in){.append_access_string = "on", .access_string = "on"},
                  &out),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "AccessString cannot be used together with AppendAccessString.");
}

Test(users_change, passwords_are_exchanged_and_types_changed)
{
    struct ec_create_user_in in = plain;
    struct ec_modify_user_out out;
    struct user stored;

    in.user_name = "ann";
    create(in);
    must(modify((struct ec_modify_user_in){.passwords = STRINGS(OTHER, THIRD)}, &out));
    cr_assert_eq(out.authentication->password_count.value, 2);
    people_settle();
    must(modify((struct ec_modify_user_in){.no_password_required = BOOL_OF(true)}, &out));
    cr_assert_str_eq(out.authentication->type, "no-password");
    people_settle();
    must(modify((struct ec_modify_user_in){.authentication_mode = &by_iam}, &out));
    cr_assert_str_eq(out.authentication->type, "iam");
    cr_assert_str_eq(out.minimum_engine_version, "7.0");
    people_settle();
    must(modify((struct ec_modify_user_in){.authentication_mode = &by_password}, &out));
    cr_assert_str_eq(out.authentication->type, "password");
    fixture_begin(&world.f, STORE_READ);
    must(store_user_find(world.f.tx, "000000000000", "us-east-1", "ann", &stored));
    cr_assert_eq(digests_count(stored.digests), 2);
    cr_assert_null(strstr(stored.digests, password_digest(&world.f.arena, THIRD)));
}

Test(users_change, a_change_must_suit_the_groups_and_their_caches)
{
    const char *members[] = {"default", "ann"}, *valkeys[] = {"ann"};
    struct ec_create_user_in in = plain;
    struct ec_modify_user_out out;

    in.user_name = "ann";
    create(in);
    people_group("team", "redis", members, 2);
    people_group("vteam", "valkey", valkeys, 1);
    expect(modify((struct ec_modify_user_in){.engine = "valkey"}, &out),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "User ann is of engine valkey and cannot be in a user group of engine redis.");
    expect(modify((struct ec_modify_user_in){.no_password_required = BOOL_OF(true)}, &out),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "User ann needs no password and cannot be in a user group of engine valkey.");
    people_attach("old", "redis", "6.2.6", "team");
    expect(modify((struct ec_modify_user_in){.authentication_mode = &by_iam}, &out),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "The change needs engine redis 7.0 or later, but the user group is associated with "
           "replication group old of redis 6.2.6.");
    must(modify((struct ec_modify_user_in){.append_access_string = "&news"}, &out));
}

Test(users_change, a_user_of_engine_redis_may_become_one_of_valkey)
{
    struct ec_modify_user_out out;

    create(plain);
    must(modify((struct ec_modify_user_in){.engine = "VALKEY"}, &out));
    cr_assert_str_eq(out.engine, "valkey");
    cr_assert_str_eq(out.minimum_engine_version, "7.2");
}
