#include "cacheengine/dispatch/access.h"
#include "dispatch_test.h"

static void user(struct resp_fixture *f, struct resp_client *c, const char *rules)
{
    char line[256];

    snprintf(line, sizeof(line), "ACL SETUSER u reset on nopass %s", rules);
    says(f, line, "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(f, c, "AUTH u x"), "+OK\r\n");
}

Test(access, commands_keys_and_what_is_done_to_them)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
    user(&f, &c, "+@all -flushall ~k %R~r %W~w");
    cr_assert_str_eq(resp_ask_of(&f, &c, "SET k v"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "GET r"), "$-1\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "SET w v"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "GET w"), "-NOPERM No permissions to access a key\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "SET w v GET"),
                     "-NOPERM No permissions to access a key\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "FLUSHALL"),
                     "-NOPERM User u has no permissions to run the 'flushall' command\r\n");
    cr_assert_eq(f.engine.acl_log.count, 2);
    cr_assert_eq(f.engine.acl_log.refused[ACL_NO_KEY], 2);
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(access, a_refused_command_breaks_its_transaction)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
    user(&f, &c, "+@all -get ~*");
    cr_assert_str_eq(resp_ask_of(&f, &c, "MULTI"), "+OK\r\n");
    cr_assert(strstr(resp_ask_of(&f, &c, "GET a"), "-NOPERM"));
    cr_assert_eq(f.engine.acl_log.newest->context, ACL_IN_MULTI);
    cr_assert(strstr(resp_ask_of(&f, &c, "EXEC"), "-EXECABORT"));
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(access, the_owner_of_the_admin_socket_needs_no_permission)
{
    struct resp_fixture f;
    struct resp_client owner;

    resp_open(&f, NULL);
    resp_client_open(&f, &owner, true);
    says(&f, "ACL SETUSER default off resetpass -@all", "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &owner, "SET a 1"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &owner, "ACL WHOAMI"), "$-1\r\n");
    cr_assert(access_is_free(&owner.client));
    resp_client_close(&f, &owner);
    resp_close(&f);
}

Test(access, who_is_removed_is_closed_and_logged_out)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
    user(&f, &c, "+@all ~*");
    says(&f, "ACL DELUSER u", ":1\r\n");
    cr_assert(c.is_killed);
    cr_assert_eq(c.client.user, f.engine.acl.preset);
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(access, who_waited_is_refused_what_was_forbidden_meanwhile)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
    user(&f, &c, "+@all ~*");
    cr_assert_str_eq(resp_ask_of(&f, &c, "BLPOP l 0"), "");
    says(&f, "ACL SETUSER u resetkeys", "+OK\r\n");
    says(&f, "RPUSH l a", ":1\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "PING"),
                     "-NOPERM No permissions to access a key\r\n+PONG\r\n");
    says(&f, "LLEN l", ":1\r\n");
    cr_assert_eq(f.engine.acl_log.refused[ACL_NO_KEY], 1);
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(access, a_password_does_not_end_at_a_zero_byte)
{
    static const char set[] =
        "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$7\r\nabc\0def\r\n";
    static const char auth[] = "*2\r\n$4\r\nAUTH\r\n$7\r\nabc\0def\r\n";
    struct resp_fixture f;

    resp_open(&f, NULL);
    cr_assert(str_is(resp_send(&f, &f.main, set, sizeof(set) - 1), "+OK\r\n"));
    shows(&f, "AUTH abc", "-WRONGPASS");
    cr_assert(str_is(resp_send(&f, &f.main, auth, sizeof(auth) - 1), "+OK\r\n"));
    resp_close(&f);
}
