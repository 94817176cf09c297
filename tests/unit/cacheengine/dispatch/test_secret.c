#include "base/command.h"
#include "cacheengine/dispatch/secret.h"
#include "cacheengine/keyspace/call.h"

#include <criterion/criterion.h>

/* Which arguments of the command are secret, as digits behind each other. */
static void expect(const char *command, const char *line, const char *secret)
{
    struct command cmd = {.name = command};
    struct cmd_call call = {.cmd = &cmd};
    struct str words[16], rest = str_of(line);
    char got[17] = {0};
    size_t count = 0;

    while (rest.len > 0)
        words[count++] = str_cut(&rest, ' ');
    call.argv = words;
    call.argc = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++)
        if (secret_is_argument(&call, i))
            got[strlen(got)] = (char)(i < 10 ? '0' + i : 'a' + i - 10);
    cr_assert_str_eq(got, secret, "%s: %s, not %s", line, got, secret);
}

Test(secret, passwords_are_known_where_they_stand)
{
    expect("auth", "AUTH p", "1");
    expect("auth", "AUTH u p", "12");
    expect("hello", "HELLO 3 AUTH u p SETNAME n", "34");
    expect("hello", "HELLO 3 SETNAME n", "");
    expect("acl|setuser", "ACL SETUSER u >p", "23");
    expect("config|set", "CONFIG SET requirepass p maxmemory 1 masterauth p", "37");
    expect("config|set", "CONFIG SET tls-key-file-pass p tls-cert-file f", "3");
    expect("migrate", "MIGRATE h 1 k 0 9 COPY AUTH p", "8");
    expect("migrate", "MIGRATE h 1 _ 0 9 AUTH2 u p KEYS auth x", "78");
    expect("get", "GET auth", "");
}

Test(secret, all_that_the_owner_says_is)
{
    struct command cmd = {.name = "larder.key", .is_internal = true};
    struct str words[] = {STR("LARDER.KEY"), STR("k")};
    struct cmd_call call = {.cmd = &cmd, .argv = words, .argc = 2};

    cr_assert_not(secret_is_argument(&call, 0));
    cr_assert(secret_is_argument(&call, 1));
}

Test(secret, directives_in_any_case)
{
    cr_assert(secret_is_directive(STR("RequirePass")));
    cr_assert_not(secret_is_directive(STR("tls-key-file")));
}
