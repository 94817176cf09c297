#include "cacheengine/dispatch/iam.h"
#include "cacheengine/keyspace/wait.h"
#include "dispatch_test.h"

static struct resp_fixture f;
static struct resp_client agent, c;

static void begin(void)
{
    static const char *const options[] = {"larder-iam-timeout 1000", "larder-iam-session 60", NULL};

    resp_open(&f, options);
    resp_client_open(&f, &agent, true);
    resp_client_open(&f, &c, false);
    says(&f, "ACL SETUSER bob on iam +@all ~*", "+OK\r\n");
}

static void end(void)
{
    resp_client_close(&f, &c);
    resp_client_close(&f, &agent);
    resp_close(&f);
}

TestSuite(iam, .init = begin, .fini = end);

#define DENIED "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

#define asks(who, line, answer) cr_assert_str_eq(resp_ask_of(&f, (who), (line)), (answer))

Test(iam, a_user_of_tokens_has_no_password)
{
    says(&f, "ACL SETUSER bob >pass", "+OK\r\n");
    asks(&c, "AUTH bob pass", "+OK\r\n");
    says(&f, "ACL SETUSER bob iam", "+OK\r\n");
    shows(&f, "ACL GETUSER bob", "$3\r\niam\r\n");
    shows(&f, "ACL LIST", "user bob on iam sanitize-payload");
    asks(&c, "AUTH bob pass", "-WRONGPASS there is nobody to verify tokens now\r\n");
    says(&f, "ACL SETUSER bob off", "+OK\r\n");
    asks(&c, "AUTH bob pass", DENIED);
}

Test(iam, the_client_waits_for_the_verdict_and_goes_on)
{
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "AUTH bob token", "");
    cr_assert(c.client.waiting);
    asks(&agent, "PING",
         "*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:1024\r\n$3\r\nbob\r\n$5\r\ntoken\r\n+PONG\r\n");
    says(&f, "PING", "+PONG\r\n");
    asks(&agent, "LARDER.IAM VERDICT 1024 allow", ":1\r\n");
    cr_assert_null(c.client.waiting);
    asks(&c, "ACL WHOAMI", "+OK\r\n$3\r\nbob\r\n");
    asks(&agent, "LARDER.IAM VERDICT 1024 allow", ":0\r\n");
}

Test(iam, a_denied_token_is_as_a_wrong_password)
{
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "HELLO 3 AUTH bob token SETNAME x", "");
    asks(&agent, "LARDER.IAM VERDICT 1024 deny",
         "*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:1024\r\n$3\r\n"
         "bob\r\n$5\r\ntoken\r\n:1\r\n");
    asks(&c, "PING", DENIED "+PONG\r\n");
    cr_assert_null(c.client.name);
    cr_assert_eq(f.engine.acl_log.newest->verdict, ACL_NO_LOGIN);
}

Test(iam, a_verdict_holds_as_long_as_it_said)
{
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "AUTH bob token", "");
    resp_ask_of(&f, &agent, "LARDER.IAM VERDICT 1024 allow 5000");
    asks(&c, "PING", "+OK\r\n+PONG\r\n");
    resp_advance(&f, 4999);
    asks(&c, "AUTH bob token", "+OK\r\n");
    asks(&c, "AUTH bob tokem", "");
    resp_ask_of(&f, &agent, "LARDER.IAM VERDICT 2048 deny");
    asks(&c, "PING", DENIED "+PONG\r\n");
    resp_advance(&f, 1);
    asks(&c, "AUTH bob token", "");
    resp_ask_of(&f, &agent, "LARDER.IAM VERDICT 3072 deny 900000");
    asks(&c, "AUTH bob token", DENIED DENIED);
    iam_forget_verdicts(&f.engine);
    asks(&c, "AUTH bob token", "");
}

Test(iam, whoever_gives_the_same_token_waits_for_one_answer)
{
    struct resp_client other, gone;

    resp_client_open(&f, &other, false);
    resp_client_open(&f, &gone, false);
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "AUTH bob token", "");
    asks(&gone, "AUTH bob token", "");
    asks(&other, "AUTH bob token", "");
    resp_client_close(&f, &gone);
    resp_ask_of(&f, &agent, "LARDER.IAM VERDICT 1024 allow");
    hides(&f, "PING", "verify");
    asks(&c, "PING", "+OK\r\n+PONG\r\n");
    asks(&other, "PING", "+OK\r\n+PONG\r\n");
    resp_client_close(&f, &other);
}

Test(iam, who_gets_no_verdict_in_time_is_told)
{
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "AUTH bob token", "");
    resp_advance(&f, 1000);
    engine_end_waits(&f.engine);
    asks(&c, "PING", "-WRONGPASS the token could not be verified in time\r\n+PONG\r\n");
    cr_assert(strstr(resp_ask_of(&f, &agent, "LARDER.IAM VERDICT 1024 allow"), ":0\r\n"));
}

Test(iam, a_new_listener_is_told_what_is_open)
{
    struct resp_client next;

    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "AUTH bob token", "");
    resp_client_open(&f, &next, true);
    asks(&next, "LARDER.IAM LISTEN",
         "+OK\r\n*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:1024\r\n$3\r\nbob\r\n$5\r\ntoken\r\n");
    resp_ask_of(&f, &next, "LARDER.IAM VERDICT 1024 allow");
    asks(&c, "PING", "+OK\r\n+PONG\r\n");
    resp_client_close(&f, &next);
    cr_assert(strstr(resp_ask_of(&f, &c, "AUTH bob other"), "-WRONGPASS there is nobody"));
}

Test(iam, questions_have_a_bound)
{
    static struct resp_client many[IAM_QUESTIONS_MAX + 1];
    char line[64];

    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    for (size_t i = 0; i < countof(many); i++) {
        resp_client_open(&f, &many[i], false);
        snprintf(line, sizeof(line), "AUTH bob token%zu", i);
        asks(&many[i], line,
             i < IAM_QUESTIONS_MAX ? "" : "-WRONGPASS too many tokens are to be verified now\r\n");
    }
    for (size_t i = 0; i < countof(many); i++)
        resp_client_close(&f, &many[i]);
    asks(&c, "AUTH bob token", "");
}

Test(iam, in_a_transaction_nobody_waits)
{
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "MULTI", "+OK\r\n");
    asks(&c, "AUTH bob token", "+QUEUED\r\n");
    asks(&c, "EXEC", "*1\r\n-WRONGPASS tokens cannot be verified within a transaction\r\n");
}

Test(iam, a_token_opens_the_door_for_a_time)
{
    asks(&agent, "LARDER.IAM LISTEN", "+OK\r\n");
    asks(&c, "AUTH bob token", "");
    resp_ask_of(&f, &agent, "LARDER.IAM VERDICT 1024 allow 900000");
    cr_assert_eq(c.client.login_until_ms, f.engine.keyspace.passed_ms + 60000);
    resp_advance(&f, 1000);
    asks(&c, "AUTH bob token", "+OK\r\n+OK\r\n");
    cr_assert_eq(c.client.login_until_ms, f.engine.keyspace.passed_ms + 60000);
    asks(&c, "AUTH default x", "+OK\r\n");
    cr_assert_eq(c.client.login_until_ms, 0);
}

Test(iam, nonsense_is_refused)
{
    static const char *const lines[] = {"LARDER.IAM",
                                        "LARDER.IAM LISTEN 1",
                                        "LARDER.IAM VERDICT",
                                        "LARDER.IAM VERDICT 1",
                                        "LARDER.IAM VERDICT 1 maybe",
                                        "LARDER.IAM VERDICT x allow",
                                        "LARDER.IAM NOTHING",
                                        "LARDER.IAM VERDICT 1 allow -1",
                                        "LARDER.IAM VERDICT 1 allow 900001",
                                        "LARDER.IAM VERDICT 1 allow 1 1",
                                        "LARDER.IAM VERDICT 0 allow"};

    for (size_t i = 0; i < countof(lines); i++)
        cr_assert_eq(resp_ask_of(&f, &agent, lines[i])[0], '-', "%s", lines[i]);
    asks(&agent, "LARDER.IAM VERDICT 1024 allow", ":0\r\n");
    shows(&f, "LARDER.IAM LISTEN", "-ERR unknown command");
}
