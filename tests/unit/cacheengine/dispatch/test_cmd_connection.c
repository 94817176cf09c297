#include "dispatch_test.h"

Test(cmd_connection, ping_and_echo)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "PING", "+PONG\r\n");
    says(&f, "PING hello", "$5\r\nhello\r\n");
    says(&f, "PING a b", "-ERR wrong number of arguments for 'ping' command\r\n");
    says(&f, "ECHO \"\"", "$0\r\n\r\n");
    resp_close(&f);
}

Test(cmd_connection, databases_are_apart)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "SET k zero", "+OK\r\n");
    says(&f, "SELECT 1", "+OK\r\n");
    says(&f, "GET k", "$-1\r\n");
    says(&f, "SELECT 16", "-ERR DB index is out of range\r\n");
    says(&f, "SELECT -1", "-ERR DB index is out of range\r\n");
    says(&f, "SELECT x", "-ERR value is not an integer or out of range\r\n");
    says(&f, "SELECT 0", "+OK\r\n");
    says(&f, "GET k", "$4\r\nzero\r\n");
    resp_close(&f);
}

Test(cmd_connection, hello_changes_the_version_and_says_who_is_there)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    cr_assert_eq(strncmp(resp_ask(&f, "HELLO"), "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n", 28), 0);
    cr_assert_eq(strncmp(resp_ask(&f, "HELLO 3 SETNAME me"), "%7\r\n", 4), 0);
    says(&f, "GET none", "_\r\n");
    says(&f, "CLIENT GETNAME", "$2\r\nme\r\n");
    says(&f, "HELLO 4", "-NOPROTO unsupported protocol version\r\n");
    says(&f, "HELLO x", "-ERR Protocol version is not an integer or out of range\r\n");
    says(&f, "HELLO 2 nosuch", "-ERR Syntax error in HELLO option 'nosuch'\r\n");
    says(&f, "HELLO 2 SETNAME \"a b\"",
         "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    says(&f, "GET none", "_\r\n");
    resp_ask(&f, "HELLO 2");
    says(&f, "GET none", "$-1\r\n");
    resp_close(&f);
}

Test(cmd_connection, hello_logs_in)
{
    static const char *const options[] = {"requirepass secret", "larder-engine-name valkey",
                                          "larder-engine-version 8.0.1", NULL};
    struct resp_fixture f;

    resp_open(&f, options);
    shows(&f, "HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated");
    shows(&f, "HELLO 3 AUTH default wrong", "-WRONGPASS");
    shows(&f, "HELLO 3 AUTH default secret",
          "$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n8.0.1\r\n");
    resp_close(&f);
}

Test(cmd_connection, quit_answers_and_ends)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_send(&f, &f.main, "QUIT\r\nPING\r\n", 12);
    cr_assert_str_eq(buf_cstr(&f.out), "+OK\r\n");
    cr_assert(f.main.client.is_closing);
    resp_close(&f);
}
