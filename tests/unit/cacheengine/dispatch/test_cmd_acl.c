#include "dispatch_test.h"

Test(cmd_acl, users_are_made_listed_and_removed)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "ACL SETUSER u on >p ~a +get", "+OK\r\n");
    says(&f, "ACL USERS", "*2\r\n$7\r\ndefault\r\n$1\r\nu\r\n");
    shows(
        &f, "ACL LIST",
        "user u on sanitize-payload #148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940 ~a resetchannels -@all +get");
    shows(&f, "ACL GETUSER u", "-@all +get");
    says(&f, "ACL GETUSER nobody", "$-1\r\n");
    says(&f, "ACL DELUSER u u", ":1\r\n");
    says(&f, "ACL DELUSER default", "-ERR The 'default' user cannot be removed\r\n");
    resp_close(&f);
}

Test(cmd_acl, passwords_are_made_up_in_the_length_that_is_asked_for)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "ACL GENPASS", "$64\r\n");
    shows(&f, "ACL GENPASS 5", "$2\r\n");
    shows(&f, "ACL GENPASS 4096", "$1024\r\n");
    shows(&f, "ACL GENPASS 4097", "-ERR ACL GENPASS argument must be");
    resp_close(&f);
}

Test(cmd_acl, categories_hold_their_commands)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "ACL CAT", "*21\r\n$8\r\nkeyspace\r\n");
    shows(&f, "ACL CAT hash", "$4\r\nhset\r\n");
    shows(&f, "ACL CAT DANGEROUS", "client|kill");
    says(&f, "ACL CAT nosuch", "-ERR Unknown category 'nosuch'\r\n");
    resp_close(&f);
}

Test(cmd_acl, the_owners_own_users_see_more_and_are_not_seen)
{
    static const char *const options[] = {"larder-restricted yes", NULL};
    struct resp_fixture f;
    struct resp_client owner, own;

    resp_open(&f, options);
    resp_client_open(&f, &owner, true);
    resp_client_open(&f, &own, false);
    cr_assert_str_eq(resp_ask_of(&f, &owner, "ACL SETUSER repl on >p +@all owner"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &own, "AUTH repl p"), "+OK\r\n");
    for (int i = 0; i < 2; i++) {
        struct resp_client *one = i ? &own : &owner;

        cr_assert(strstr(resp_ask_of(&f, one, "ACL USERS"), "repl"));
        cr_assert(strstr(resp_ask_of(&f, one, "ACL LIST"), "user repl on owner "));
        cr_assert(strstr(resp_ask_of(&f, one, "ACL GETUSER repl"), "$5\r\nowner\r\n"));
        cr_assert_str_eq(resp_ask_of(&f, one, "PSYNC ? x"),
                         "-ERR value is not an integer or out of range\r\n");
    }
    cr_assert(strstr(resp_ask_of(&f, &own, "LARDER.STATE"), "unknown command"));
    cr_assert_str_eq(resp_ask_of(&f, &own, "ACL SETUSER friend on nopass OWNER"),
                     "-ERR Error in ACL SETUSER modifier 'OWNER': Syntax error\r\n");
    says(&f, "ACL USERS", "*1\r\n$7\r\ndefault\r\n");
    hides(&f, "ACL LIST", "repl");
    says(&f, "ACL GETUSER repl", "$-1\r\n");
    says(&f, "ACL DRYRUN repl GET k", "-ERR User 'repl' not found\r\n");
    shows(&f, "PSYNC ? -1", "-ERR unknown command 'PSYNC'");
    /* What it may see ends with the mark. */
    cr_assert_str_eq(resp_ask_of(&f, &owner, "ACL SETUSER repl noowner"), "+OK\r\n");
    cr_assert(strstr(resp_ask_of(&f, &own, "PSYNC ? -1"), "unknown command"));
    shows(&f, "ACL USERS", "repl");
    resp_client_close(&f, &own);
    resp_client_close(&f, &owner);
    resp_close(&f);
}
