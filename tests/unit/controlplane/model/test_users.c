#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/users.h"

#include <criterion/criterion.h>

#include <string.h>

static struct user user_of(const char *name, const char *login, const char *engine,
                           enum authentication authentication)
{
    return (struct user){.account = "000000000000",
                         .region = "us-east-1",
                         .name = name,
                         .login = login,
                         .engine = engine,
                         .access = "on ~* +@all",
                         .authentication = authentication,
                         .digests = "",
                         .is_wanted = true};
}

Test(users, authentication_has_the_words_of_answers)
{
    for (int i = AUTHENTICATION_PASSWORD; i <= AUTHENTICATION_IAM; i++) {
        enum authentication back;
        cr_assert(authentication_parse(authentication_name((enum authentication)i), &back));
        cr_assert_eq(back, (enum authentication)i);
    }
    cr_assert_not(authentication_parse("no-password-required", &(enum authentication){0}));
}

Test(users, status_follows_from_what_is_wanted_and_what_is_settled)
{
    static const struct {
        bool is_wanted;
        int64_t revision, settled;
        const char *user, *group;
    } rows[] = {
        {true,  5, 5, "active",    "active"   },
        {true,  5, 3, "modifying", "modifying"},
        {true,  5, 0, "modifying", "creating" },
        {false, 5, 5, "deleting",  "deleting" },
        {false, 6, 5, "deleting",  "deleting" },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct user u = {.is_wanted = rows[i].is_wanted,
                         .revision = rows[i].revision,
                         .settled_revision = rows[i].settled};
        struct user_group g = {.is_wanted = rows[i].is_wanted,
                               .revision = rows[i].revision,
                               .settled_revision = rows[i].settled};
        cr_assert_str_eq(access_status_word(user_status(&u)), rows[i].user);
        cr_assert_str_eq(access_status_word(user_group_status(&g)), rows[i].group);
    }
}

static char *repeat(struct arena *a, char c, size_t count)
{
    char *text = arena_zalloc(a, count + 1);

    memset(text, c, count);
    return text;
}

Test(users, passwords_are_checked_and_kept_as_digests)
{
    struct arena a = {0};
    const char *digests = NULL;
    const char *good[] = {"password-of-16-ch", repeat(&a, '~', 128)};
    const char *twice[] = {"password-of-16-ch", "password-of-16-ch"};
    const char *three[] = {good[0], good[1], "another-password-"};
    const struct {
        const char *password, *why;
    } bad[] = {
        {"",                                                     "Passwords length must be between 16-128 characters."},
        {repeat(&a,                                              'x',                                                   15), "Passwords length must be between 16-128 characters."},
        {repeat(&a, 'x',                                                      129), "Passwords length must be between 16-128 characters."},
        {"0123456789abcdef,",                                                   NULL                                              },
        {"0123456789abcdef\"",                                                      NULL                                                                                        },
        {"0123456789abcdef/",                                                      NULL                                         },
        {"0123456789abcdef@",                                                      NULL},
        {"0123456789abcdef\t",                                                      NULL                                               },
        {"0123456789abcdef\xc3\xa4",                                                      NULL                                                                                       },
    };

    struct err e = user_passwords_read(&a, good, 2, &digests);
    cr_assert_eq(e.code, ERR_OK);
    cr_assert_eq(strlen(digests), 129);
    cr_assert_eq(digests_count(digests), 2);
    cr_assert_eq(strncmp(digests, password_digest(&a, good[0]), 64), 0);
    cr_assert_null(strstr(digests, "password"));
    cr_assert_eq(user_passwords_read(&a, twice, 2, &digests).code, ERR_OK);
    cr_assert_eq(digests_count(digests), 1);
    cr_assert_eq(digests_count(""), 0);
    for (size_t i = 0; i < countof(bad); i++) {
        struct err refused = user_passwords_read(&a, &bad[i].password, 1, &digests);
        cr_assert_eq(refused.code, FAULT_INVALID_PARAMETER_VALUE, "row %zu", i);
        if (bad[i].why)
            cr_assert_str_eq(refused.why, bad[i].why);
    }
    cr_assert_eq(user_passwords_read(&a, three, 3, &digests).code, FAULT_INVALID_PARAMETER_VALUE);
    cr_assert(strstr(user_passwords_read(&a, NULL, 0, &digests).why, "No password was provided."));
    arena_fini(&a);
}

Test(users, the_digest_is_the_one_that_engines_compare)
{
    struct arena a = {0};

    cr_assert_str_eq(password_digest(&a, "abc"),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    arena_fini(&a);
}

Test(users, one_user_is_as_its_engine_allows)
{
    static const struct {
        const char *name, *login, *engine;
        enum authentication authentication;
        int code;
    } rows[] = {
        {"u", "Some.User_1",    "redis",  AUTHENTICATION_PASSWORD, ERR_OK                             },
        {"u", "default",        "redis",  AUTHENTICATION_NONE,     ERR_OK                             },
        {"u", "u",              "redis",  AUTHENTICATION_IAM,      ERR_OK                             },
        {"u", "U",              "valkey", AUTHENTICATION_IAM,      ERR_OK                             },
        {"u", "v",              "redis",  AUTHENTICATION_IAM,      FAULT_INVALID_PARAMETER_COMBINATION},
        {"u", "u",              "valkey", AUTHENTICATION_NONE,     FAULT_INVALID_PARAMETER_COMBINATION},
        {"u", "larder-replica", "redis",  AUTHENTICATION_PASSWORD, FAULT_INVALID_PARAMETER_VALUE      },
        {"u", "a b",            "redis",  AUTHENTICATION_PASSWORD, FAULT_INVALID_PARAMETER_VALUE      },
        {"u", "a\nb",           "redis",  AUTHENTICATION_PASSWORD, FAULT_INVALID_PARAMETER_VALUE      },
        {"u", "",               "redis",  AUTHENTICATION_PASSWORD, FAULT_INVALID_PARAMETER_VALUE      },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct user u =
            user_of(rows[i].name, rows[i].login, rows[i].engine, rows[i].authentication);
        cr_assert_eq(user_check(&a, &u).code, rows[i].code, "row %zu", i);
    }
    struct user other = user_of("u", "v", "redis", AUTHENTICATION_IAM);
    cr_assert_str_eq(user_check(&a, &other).why,
                     "User Id and User name must be same for authentication type: iam");
    arena_fini(&a);
}

Test(users, engines_are_read_in_any_case)
{
    struct arena a = {0};
    const char *engine;

    cr_assert_eq(user_engine_read(&a, "REDIS", &engine).code, ERR_OK);
    cr_assert_str_eq(engine, "redis");
    cr_assert_eq(user_engine_read(&a, "Valkey", &engine).code, ERR_OK);
    cr_assert_str_eq(engine, "valkey");
    cr_assert_eq(user_engine_read(&a, "memcached", &engine).code, FAULT_INVALID_PARAMETER_VALUE);
    cr_assert_eq(user_engine_read(&a, "", &engine).code, FAULT_INVALID_PARAMETER_VALUE);
    arena_fini(&a);
}

Test(users, groups_are_as_their_engine_allows)
{
    const struct user preset = user_of("default", "default", "redis", AUTHENTICATION_NONE);
    const struct user other = user_of("mine", "default", "redis", AUTHENTICATION_PASSWORD);
    const struct user app = user_of("app", "app", "redis", AUTHENTICATION_PASSWORD);
    const struct user open = user_of("open", "open", "redis", AUTHENTICATION_NONE);
    const struct user iam = user_of("iam", "iam", "redis", AUTHENTICATION_IAM);
    const struct user vk = user_of("vk", "vk", "valkey", AUTHENTICATION_PASSWORD);
    const struct {
        const char *engine;
        const struct user *users[3];
        int code;
    } rows[] = {
        {"redis",  {&preset},             ERR_OK                             },
        {"redis",  {&other, &app, &open}, ERR_OK                             },
        {"redis",  {&app},                FAULT_DEFAULT_USER_REQUIRED        },
        {"redis",  {0},                   FAULT_DEFAULT_USER_REQUIRED        },
        {"redis",  {&preset, &other},     FAULT_DUPLICATE_USER_NAME          },
        {"redis",  {&preset, &vk},        FAULT_INVALID_PARAMETER_COMBINATION},
        {"valkey", {0},                   ERR_OK                             },
        {"valkey", {&vk, &app, &iam},     ERR_OK                             },
        {"valkey", {&vk, &open},          FAULT_INVALID_PARAMETER_COMBINATION},
        {"valkey", {&preset},             FAULT_INVALID_PARAMETER_COMBINATION},
        {"valkey", {&vk, &vk},            FAULT_DUPLICATE_USER_NAME          },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        size_t count = 0;
        while (count < 3 && rows[i].users[count])
            count++;
        cr_assert_eq(user_group_check(&a, rows[i].engine, rows[i].users, count).code, rows[i].code,
                     "row %zu", i);
    }
    const struct user *none[] = {&app};
    cr_assert_str_eq(user_group_check(&a, "redis", none, 1).why,
                     "User group needs to contain a user with the user name default.");
    arena_fini(&a);
}

Test(users, a_group_has_room_for_a_hundred)
{
    struct arena a = {0};
    struct user users[QUOTA_USERS_PER_GROUP + 1];
    const struct user *list[QUOTA_USERS_PER_GROUP + 1];

    for (int i = 0; i <= QUOTA_USERS_PER_GROUP; i++) {
        const char *name = arena_printf(&a, "u%d", i);
        users[i] = user_of(name, name, "valkey", AUTHENTICATION_PASSWORD);
        list[i] = &users[i];
    }
    cr_assert_eq(user_group_check(&a, "valkey", list, QUOTA_USERS_PER_GROUP).code, ERR_OK);
    cr_assert_eq(user_group_check(&a, "valkey", list, QUOTA_USERS_PER_GROUP + 1).code,
                 FAULT_INVALID_PARAMETER_VALUE);
    arena_fini(&a);
}

Test(users, the_least_version_knows_everything_that_is_used)
{
    struct user plain = user_of("a", "a", "redis", AUTHENTICATION_PASSWORD);
    struct user iam = user_of("b", "b", "redis", AUTHENTICATION_IAM);
    struct user vk = user_of("c", "c", "valkey", AUTHENTICATION_PASSWORD);
    struct user channels = plain;
    const struct user *all[] = {&plain, &channels, &iam};

    channels.access = "on ~* &news +@all";
    cr_assert_str_eq(user_minimum_version(&plain), "6.0");
    cr_assert_str_eq(user_minimum_version(&channels), "6.2");
    cr_assert_str_eq(user_minimum_version(&iam), "7.0");
    cr_assert_str_eq(user_minimum_version(&vk), "7.2");
    cr_assert_str_eq(user_group_minimum_version("redis", all, 1), "6.0");
    cr_assert_str_eq(user_group_minimum_version("redis", all, 2), "6.2");
    cr_assert_str_eq(user_group_minimum_version("redis", all, 3), "7.0");
    cr_assert_str_eq(user_group_minimum_version("valkey", all, 3), "7.2");
    cr_assert_str_eq(user_group_minimum_version("redis", NULL, 0), "6.0");
}
