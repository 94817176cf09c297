#include "base/arena.h"
#include "controlplane/model/access_rules.h"

#include <criterion/criterion.h>

#include <string.h>

static const char **lines_of(struct arena *a, const struct access_rules *r, size_t count)
{
    const char **lines;
    size_t found;

    access_rules_lines(a, r, &lines, &found);
    cr_assert_eq(found, count);
    return lines;
}

#define GET "on ~* -@all +get"

Test(access_rules, a_cache_without_group_and_token_lets_everybody_in)
{
    struct arena a = {0};
    struct access_rules r = {.token = {.digests = ""}, .is_bundled = true};
    const char **lines = lines_of(&a, &r, 1);

    cr_assert_eq(strncmp(lines[0], "default on ~* +@all &* -acl|deluser ", 36), 0, "%s", lines[0]);
    cr_assert(strstr(lines[0], " nopass"));
    arena_fini(&a);
}

Test(access_rules, a_token_is_the_default_users_password_and_may_be_optional)
{
    struct arena a = {0};
    struct access_rules r = {.token = {.digests = "aa,bb"}};
    const char *line = lines_of(&a, &r, 1)[0];

    cr_assert(strstr(line, " #aa #bb"));
    cr_assert_not(strstr(line, "nopass"));
    r.token.is_optional = true;
    line = lines_of(&a, &r, 1)[0];
    cr_assert(strstr(line, " nopass"));
    cr_assert_not(strstr(line, "#"));
    arena_fini(&a);
}

Test(access_rules, members_come_in_as_they_show_who_they_are)
{
    struct arena a = {0};
    const struct user users[] = {
        {.login = "default",
         .access = "off -@all",
         .authentication = AUTHENTICATION_NONE,
         .digests = ""                                                                         },
        {.login = "app",
         .access = GET,
         .authentication = AUTHENTICATION_PASSWORD,
         .digests = "aa,bb"                                                                    },
        {.login = "iam",     .access = GET, .authentication = AUTHENTICATION_IAM, .digests = ""},
    };
    const struct user *members[] = {&users[0], &users[1], &users[2]};
    struct access_rules r = {.has_group = true,
                             .members = members,
                             .member_count = 3,
                             .token = {.digests = "cc"},
                             .is_bundled = true};
    const char **lines = lines_of(&a, &r, 3);

    cr_assert_str_eq(lines[0], "default off -@all nopass");
    cr_assert_str_eq(lines[1], "app " GET " #aa #bb");
    cr_assert_str_eq(lines[2], "iam " GET " iam");
    r.is_bundled = false; /* tokens cannot be judged there: nobody comes in by one */
    cr_assert_str_eq(lines_of(&a, &r, 3)[2], "iam " GET);
    arena_fini(&a);
}

Test(access_rules, a_group_without_the_default_user_shuts_it_out)
{
    struct arena a = {0};
    struct access_rules r = {.has_group = true, .token = {.digests = ""}};

    cr_assert_str_eq(lines_of(&a, &r, 1)[0], "default off resetchannels -@all");
    arena_fini(&a);
}
