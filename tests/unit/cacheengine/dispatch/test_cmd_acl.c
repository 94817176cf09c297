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
