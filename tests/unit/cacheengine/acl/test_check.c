#include "acl_fixture.h"
#include "base/command.h"

/* A command line whose key is argument 1, asked of the user "u". */
static enum acl_verdict asks(struct acl_fixture *f, const char *line, uint32_t access)
{
    struct str argv[16], rest = str_of(line);
    struct acl_subject key = {.arg = 1, .access = access};
    uint32_t argc = 0, arg;

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    struct acl_request r = {.cmd = command_find(argv[0].ptr, argv[0].len),
                            .argv = argv,
                            .argc = argc,
                            .subjects = &key,
                            .subject_count = access != 0};
    enum acl_verdict v = acl_check(acl_find(&f->acl, STR("u")), &r, &arg);
    cr_assert_eq(arg, v == ACL_NO_KEY ? 1 : 0);
    return v;
}

Test(check, commands_keys_and_both)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "+get +set %R~read:* ~all:*");
    cr_assert_eq(asks(&f, "get read:1", ACL_READ), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "set read:1 v", ACL_WRITE), ACL_NO_KEY);
    cr_assert_eq(asks(&f, "set all:1 v", ACL_WRITE), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "set all:1 v get", ACL_READ | ACL_WRITE), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "get other", ACL_READ), ACL_NO_KEY);
    cr_assert_eq(asks(&f, "del all:1", ACL_WRITE), ACL_NO_COMMAND);
    cr_assert_eq(asks(&f, "auth x", 0), ACL_ALLOWED, "logging in is always allowed");
    acl_close(&f);
}

Test(check, one_selector_must_allow_the_whole)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "+get ~a (+set ~b) (+del ~c)");
    cr_assert_eq(asks(&f, "get a", ACL_READ), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "set b v", ACL_WRITE), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "set a v", ACL_WRITE), ACL_NO_KEY);
    cr_assert_eq(asks(&f, "get b", ACL_READ), ACL_NO_KEY);
    cr_assert_eq(asks(&f, "incr a", ACL_WRITE), ACL_NO_COMMAND);
    acl_close(&f);
}

Test(check, categories_reach_subcommands)
{
    struct acl_fixture f;
    struct str argv[] = {STR("client"), STR("kill")};
    uint32_t arg;

    acl_open(&f);
    acl_set(&f, "u", "+@all -@dangerous");
    const struct command *client = command_find("client", 6);
    struct acl_request r = {.cmd = command_find_sub(client, "kill", 4), .argv = argv, .argc = 2};
    cr_assert_eq(acl_check(acl_find(&f.acl, STR("u")), &r, &arg), ACL_NO_COMMAND);
    r.cmd = command_find_sub(client, "id", 2);
    cr_assert_eq(acl_check(acl_find(&f.acl, STR("u")), &r, &arg), ACL_ALLOWED);
    acl_set(&f, "u", "+client|kill");
    r.cmd = command_find_sub(client, "kill", 4);
    cr_assert_eq(acl_check(acl_find(&f.acl, STR("u")), &r, &arg), ACL_ALLOWED);
    acl_set(&f, "u", "-client");
    cr_assert_eq(acl_check(acl_find(&f.acl, STR("u")), &r, &arg), ACL_NO_COMMAND);
    acl_close(&f);
}

Test(check, first_arguments)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "+select|0 +select|3");
    cr_assert_eq(asks(&f, "select 0", 0), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "select 3", 0), ACL_ALLOWED);
    cr_assert_eq(asks(&f, "select 1", 0), ACL_NO_COMMAND);
    acl_set(&f, "u", "-select");
    cr_assert_eq(asks(&f, "select 0", 0), ACL_NO_COMMAND);
    acl_close(&f);
}

Test(check, channels_are_matched_and_patterns_compared)
{
    struct acl_fixture f;
    struct str argv[] = {STR("x"), STR("news.sport"), STR("news.*"), STR("news.s*")};
    struct acl_subject s = {.arg = 1, .is_channel = true};
    struct acl_request r = {
        .cmd = command_find("get", 3), .argv = argv, .argc = 4, .subjects = &s, .subject_count = 1};
    uint32_t arg;

    acl_open(&f);
    acl_set(&f, "u", "+get &news.*");
    const struct acl_user *u = acl_find(&f.acl, STR("u"));
    cr_assert_eq(acl_check(u, &r, &arg), ACL_ALLOWED);
    s = (struct acl_subject){.arg = 2, .is_channel = true, .is_pattern = true};
    cr_assert_eq(acl_check(u, &r, &arg), ACL_ALLOWED);
    s.arg = 3;
    cr_assert_eq(acl_check(u, &r, &arg), ACL_NO_CHANNEL);
    cr_assert_eq(arg, 3);
    acl_close(&f);
}

Test(check, reaching_all_keys_takes_a_pattern_for_all)
{
    struct acl_fixture f;
    struct str argv[] = {STR("get"), STR("a")};
    struct acl_request r = {.cmd = command_find("get", 3), .argv = argv, .argc = 2};

    acl_open(&f);
    acl_set(&f, "u", "+get ~a %R~b");
    const struct acl_user *u = acl_find(&f.acl, STR("u"));
    cr_assert_not(acl_may_reach_all(u, &r, ACL_READ));
    acl_set(&f, "u", "%R~*");
    cr_assert(acl_may_reach_all(u, &r, ACL_READ));
    cr_assert_not(acl_may_reach_all(u, &r, ACL_WRITE));
    acl_set(&f, "u", "allkeys -get");
    cr_assert_not(acl_may_reach_all(u, &r, ACL_READ));
    acl_close(&f);
}
