#include "dispatch_test.h"

Test(cmd_client, names_are_kept_and_shown)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "CLIENT GETNAME", "$-1\r\n");
    says(&f, "CLIENT SETNAME one", "+OK\r\n");
    says(&f, "CLIENT GETNAME", "$3\r\none\r\n");
    says(&f, "CLIENT SETNAME \"\"", "+OK\r\n");
    says(&f, "CLIENT GETNAME", "$-1\r\n");
    says(&f, "CLIENT SETINFO LIB-NAME lib", "+OK\r\n");
    says(&f, "CLIENT SETINFO LIB-VER 1.2", "+OK\r\n");
    says(&f, "CLIENT SETINFO nosuch 1", "-ERR Unrecognized option 'nosuch'\r\n");
    shows(&f, "CLIENT INFO", "lib-name=lib lib-ver=1.2 ");
    shows(&f, "CLIENT LIST", "id=1 addr=127.0.0.1:1 laddr=127.0.0.1:2 fd=7 name= ");
    shows(&f, "CLIENT LIST", " flags=N db=0 ");
    says(&f, "CLIENT ID", ":1\r\n");
    resp_close(&f);
}

Test(cmd_client, lists_can_be_narrowed)
{
    struct resp_fixture f;
    struct resp_client other;

    resp_open(&f, NULL);
    resp_client_open(&f, &other, false);
    shows(&f, "CLIENT LIST", "id=2");
    hides(&f, "CLIENT LIST ID 1", "id=2");
    says(&f, "CLIENT LIST ID x", "-ERR Invalid client ID\r\n");
    says(&f, "CLIENT LIST TYPE pubsub", "$0\r\n\r\n");
    says(&f, "CLIENT LIST TYPE nosuch", "-ERR Unknown client type 'nosuch'\r\n");
    says(&f, "CLIENT LIST nosuch", "-ERR syntax error\r\n");
    resp_client_close(&f, &other);
    hides(&f, "CLIENT LIST", "id=2");
    resp_close(&f);
}

Test(cmd_client, kill_takes_those_that_are_meant)
{
    struct resp_fixture f;
    struct resp_client other;

    resp_open(&f, NULL);
    resp_client_open(&f, &other, false);
    says(&f, "CLIENT KILL ID 99", ":0\r\n");
    says(&f, "CLIENT KILL ID 0", "-ERR client-id should be greater than 0\r\n");
    says(&f, "CLIENT KILL nosuch:1", "-ERR No such client\r\n");
    says(&f, "CLIENT KILL ID 2 MAXAGE x", "-ERR maxage is not an integer or out of range\r\n");
    says(&f, "CLIENT KILL ID 2 MAXAGE 0", "-ERR maxage should be greater than 0\r\n");
    says(&f, "CLIENT KILL ID 2 MAXAGE 1", ":0\r\n");
    resp_advance(&f, 1000);
    cr_assert_not(other.is_killed);
    says(&f, "CLIENT KILL ID 2 MAXAGE 1", ":1\r\n");
    cr_assert(other.is_killed);
    says(&f, "CLIENT KILL TYPE normal SKIPME yes", ":1\r\n");
    cr_assert_not(f.main.client.is_closing);
    says(&f, "CLIENT KILL ID 1 SKIPME no", ":1\r\n");
    cr_assert(f.main.client.is_closing);
    resp_client_close(&f, &other);
    resp_close(&f);
}

Test(cmd_client, no_touch_leaves_keys_unused)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k v");
    says(&f, "CLIENT NO-TOUCH ON", "+OK\r\n");
    resp_advance(&f, 10000);
    resp_ask(&f, "GET k");
    says(&f, "OBJECT IDLETIME k", ":10\r\n");
    says(&f, "TOUCH k", ":1\r\n");
    says(&f, "OBJECT IDLETIME k", ":0\r\n");
    resp_advance(&f, 10000);
    says(&f, "CLIENT NO-TOUCH OFF", "+OK\r\n");
    resp_ask(&f, "GET k");
    says(&f, "OBJECT IDLETIME k", ":0\r\n");
    says(&f, "CLIENT NO-EVICT maybe", "-ERR syntax error\r\n");
    resp_close(&f);
}
