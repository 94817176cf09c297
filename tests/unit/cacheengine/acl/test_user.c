#include "acl_fixture.h"

Test(user, passwords_are_added_and_taken_away)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "on >one >two >one");
    cr_assert_eq(acl_find(&f.acl, STR("u"))->passwords.count, 2);
    cr_assert(acl_login(&f.acl, STR("u"), STR("one")));
    cr_assert(acl_login(&f.acl, STR("u"), STR("two")));
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("on")));
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("")));
    cr_assert_null(acl_login(&f.acl, STR("nobody"), STR("one")));
    acl_set(&f, "u", "<one");
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("one")));
    cr_assert_str_eq(acl_line(&f, "u", "<one"),
                     "Error in ACL SETUSER modifier '<one': The password you are trying to remove "
                     "from the user does not exist");
    acl_set(&f, "u", "nopass");
    cr_assert(acl_login(&f.acl, STR("u"), STR("anything")));
    acl_set(&f, "u", "resetpass");
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("anything")));
    acl_close(&f);
}

Test(user, hashes_are_as_good_as_the_passwords_they_are_made_of)
{
    static const char hash[] = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    struct acl_fixture f;
    char rule[80];

    acl_open(&f);
    snprintf(rule, sizeof(rule), "on #%s", hash);
    acl_set(&f, "u", rule);
    cr_assert(acl_login(&f.acl, STR("u"), STR("secret")));
    rule[3] = '!';
    acl_set(&f, "u", rule);
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("secret")));
    rule[4] = 'Z';
    cr_assert(strstr(acl_line(&f, "u", rule), "only lowercase hexadecimal characters"));
    acl_close(&f);
}

Test(user, who_is_off_cannot_log_in)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", ">one");
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("one")));
    acl_set(&f, "u", "on");
    cr_assert(acl_login(&f.acl, STR("u"), STR("one")));
    acl_close(&f);
}

Test(user, reset_leaves_what_a_new_user_has)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "on nopass skip-sanitize-payload ~a &b +get (+set ~c)");
    cr_assert_str_eq(acl_text(&f, "u"), "on nopass skip-sanitize-payload ~a resetchannels &b -@all "
                                        "+get (~c resetchannels -@all +set)");
    acl_set(&f, "u", "clearselectors");
    cr_assert_str_eq(acl_text(&f, "u"),
                     "on nopass skip-sanitize-payload ~a resetchannels &b -@all +get");
    acl_set(&f, "u", "reset");
    cr_assert_str_eq(acl_text(&f, "u"), "off sanitize-payload resetchannels -@all");
    f.acl.opens_channels = true;
    acl_set(&f, "u", "reset");
    cr_assert_str_eq(acl_text(&f, "u"), "off sanitize-payload &* -@all");
    acl_close(&f);
}

Test(user, a_selector_may_be_spread_over_words)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "(+get ~a* ) (+set) on");
    cr_assert_str_eq(acl_text(&f, "u"),
                     "on sanitize-payload resetchannels -@all (~a* resetchannels "
                     "-@all +get) (resetchannels -@all +set)");
    cr_assert(strstr(acl_line(&f, "u", "on ( +get"), "Unmatched parenthesis"));
    cr_assert(strstr(acl_line(&f, "u", "(+get nonsense)"), "Syntax error"));
    acl_close(&f);
}

Test(user, a_user_is_known_by_passwords_or_by_tokens)
{
    struct acl_fixture f;
    struct acl_credential p;

    acl_open(&f);
    p = acl_password_given(STR("p"));
    cr_assert_str_eq(acl_line(&f, "u", "on >p iam"), "");
    const struct acl_user *u = acl_find(&f.acl, STR("u"));
    cr_assert(u->is_iam);
    cr_assert_eq(u->passwords.count, 0);
    cr_assert_null(acl_login(&f.acl, STR("u"), STR("p")));
    cr_assert(acl_may_stay(u, &(struct acl_credential){.kind = ACL_LOGIN_TOKEN}));
    cr_assert_not(acl_may_stay(u, &p));
    cr_assert_str_eq(acl_line(&f, "u", ">p"), "");
    cr_assert_not(u->is_iam);
    cr_assert(acl_may_stay(u, &p));
    cr_assert_not(acl_may_stay(u, &(struct acl_credential){.kind = ACL_LOGIN_TOKEN}));
    cr_assert(acl_may_stay(u, &(struct acl_credential){.kind = ACL_LOGIN_CERTIFICATE}));
    cr_assert_str_eq(acl_line(&f, "u", "off"), "");
    cr_assert_not(acl_may_stay(u, &p));
    acl_close(&f);
}

Test(user, the_owners_own_are_marked_until_they_are_not)
{
    struct acl_fixture f;
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    acl_open(&f);
    cr_assert_str_eq(acl_line(&f, "u", "on nopass Owner"), "");
    const struct acl_user *u = acl_find(&f.acl, STR("u"));
    cr_assert(u->is_owners);
    cr_assert_str_eq(acl_line(&f, "u", "+psync"), "");
    cr_assert(u->is_owners);
    acl_describe(u, &line);
    cr_assert(strstr(buf_cstr(&line), "on nopass owner "));
    cr_assert_str_eq(acl_line(&f, "u", "noowner"), "");
    cr_assert_not(u->is_owners);
    cr_assert_str_eq(acl_line(&f, "u", "owner reset"), "");
    cr_assert_not(u->is_owners);
    acl_close(&f);
}
