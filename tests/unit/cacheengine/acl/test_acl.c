#include "acl_fixture.h"

Test(acl, at_first_the_default_user_may_do_everything_without_a_password)
{
    struct acl_fixture f;

    acl_open(&f);
    cr_assert_eq(f.acl.count, 1);
    cr_assert_str_eq(acl_text(&f, "default"), "on nopass sanitize-payload ~* &* +@all");
    cr_assert(f.acl.preset->is_unrestricted);
    acl_close(&f);
}

Test(acl, users_are_kept_by_name_and_found)
{
    struct acl_fixture f;
    static const char *const names[] = {"zoe", "adam", "ada", "default2"};

    acl_open(&f);
    for (size_t i = 0; i < countof(names); i++)
        acl_set(&f, names[i], "on");
    cr_assert_eq(f.acl.count, 5);
    for (size_t i = 1; i < f.acl.count; i++)
        cr_assert_lt(strcmp(f.acl.users[i - 1]->name.ptr, f.acl.users[i]->name.ptr), 0);
    for (size_t i = 0; i < countof(names); i++)
        cr_assert_str_eq(acl_find(&f.acl, str_of(names[i]))->name.ptr, names[i]);
    cr_assert_null(acl_find(&f.acl, STR("ad")));
    struct acl_user *gone = acl_remove(&f.acl, STR("adam"));
    cr_assert_not_null(gone);
    acl_user_free(gone);
    cr_assert_null(acl_remove(&f.acl, STR("adam")));
    cr_assert_null(acl_remove(&f.acl, STR("default")), "it stays");
    acl_close(&f);
}

Test(acl, a_line_with_one_wrong_rule_changes_nothing_and_makes_no_user)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "on +get ~a");
    cr_assert_str_eq(acl_line(&f, "u", "off +set nonsense"),
                     "Error in ACL SETUSER modifier 'nonsense': Syntax error");
    cr_assert_str_eq(acl_text(&f, "u"), "on sanitize-payload ~a resetchannels -@all +get");
    cr_assert_str_eq(acl_line(&f, "v", "+nosuch"),
                     "Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in "
                     "ACL");
    cr_assert_null(acl_find(&f.acl, STR("v")));
    cr_assert_str_eq(acl_line(&f, "v", "on (+get ~a"),
                     "Unmatched parenthesis in acl selector starting at '(+get'.");
    acl_close(&f);
}

Test(acl, a_user_keeps_its_address_when_it_changes)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "on");
    const struct acl_user *u = acl_find(&f.acl, STR("u"));
    for (int i = 0; i < 1000; i++)
        acl_set(&f, "u", "reset on >secret ~some:pattern:* +@read");
    cr_assert_eq(acl_find(&f.acl, STR("u")), u);
    cr_assert_lt(u->arena.total_bytes, 8192, "what old rules took is given back");
    acl_close(&f);
}

Test(acl, the_password_of_the_configuration_is_the_only_one)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "default", ">other");
    acl_set_preset_password(&f.acl, STR("secret"));
    cr_assert_null(acl_login(&f.acl, STR("default"), STR("other")));
    cr_assert_eq(acl_login(&f.acl, STR("default"), STR("secret")), f.acl.preset);
    acl_set_preset_password(&f.acl, STR(""));
    cr_assert_eq(acl_login(&f.acl, STR("default"), STR("whatever")), f.acl.preset);
    acl_close(&f);
}

Test(acl, a_file_replaces_all_users_or_none)
{
    struct acl_fixture f;
    struct acl_gone gone = {.users = VEC_EMPTY};

    acl_open(&f);
    acl_set(&f, "stays", "on +get");
    acl_set(&f, "goes", "on");
    const struct acl_user *stays = acl_find(&f.acl, STR("stays"));
    struct err e = acl_load(&f.acl, &f.a,
                            STR("user a on nonsense +nosuch\nwho\n\nuser b on\nuser b on\n"
                                "user c (+get\n"),
                            "users.acl", &gone);
    cr_assert_str_eq(
        e.why, "users.acl:1: Syntax error. users.acl:1: Error in applying operation '+nosuch': "
               "Unknown command or category name in ACL. users.acl:2 should start with user "
               "keyword followed by the username. WARNING: Duplicate user 'b' found on line 5. "
               "users.acl:6: Unmatched parenthesis in selector definition.WARNING: ACL errors "
               "detected, no change to the previously active ACL rules was performed");
    cr_assert_eq(f.acl.count, 3);
    e = acl_load(&f.acl, &f.a, STR("user stays on +set\r\nuser new on (+get ~x*)\n"), "users.acl",
                 &gone);
    cr_assert_not(err_failed(e));
    cr_assert_eq(gone.users.count, 1);
    cr_assert(str_is(gone.users.items[0]->name, "goes"));
    acl_user_free(gone.users.items[0]);
    cr_assert_eq(acl_find(&f.acl, STR("stays")), stays);
    cr_assert_str_eq(acl_text(&f, "stays"), "on sanitize-payload resetchannels -@all +set");
    cr_assert_str_eq(acl_text(&f, "default"), "on nopass sanitize-payload ~* &* +@all");
    acl_close(&f);
}

Test(acl, what_is_saved_can_be_loaded)
{
    struct acl_fixture f;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    struct acl_gone gone = {.users = VEC_EMPTY};

    acl_open(&f);
    acl_set(&f, "a",
            "on >one #" /* of "" */
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 %R~x* %W~y "
            "~z &news +@all -@dangerous +config|get (+get ~q) (%RW~r -@all)");
    acl_set(&f, "b", "skip-sanitize-payload nopass +select|0 +SELECT|1 -ping");
    acl_save(&f.acl, &first);
    struct err e = acl_load(&f.acl, &f.a, buf_str(&first), "x", &gone);
    cr_assert_not(err_failed(e), "%s", e.why);
    acl_save(&f.acl, &second);
    cr_assert_str_eq(buf_cstr(&first), buf_cstr(&second));
    buf_fini(&first);
    buf_fini(&second);
    acl_close(&f);
}
