#include "cacheengine/dispatch/guard.h"
#include "dispatch_test.h"

static struct resp_fixture f;
static struct resp_client owner;

static void begin(void)
{
    resp_open(&f, NULL);
    resp_client_open(&f, &owner, true);
}

static void end(void)
{
    resp_client_close(&f, &owner);
    resp_close(&f);
}

#define ordered(line, answer) cr_assert_str_eq(resp_ask_of(&f, &owner, (line)), (answer))

Test(cmd_authority, orders_are_unknown_to_everybody_but_the_owner, .init = begin, .fini = end)
{
    shows(&f, "LARDER.FENCE 1", "-ERR unknown command 'LARDER.FENCE'");
    shows(&f, "COMMAND INFO larder.fence", "*1\r\n$-1");
    ordered("LARDER.FENCE 1", "+OK\r\n");
}

Test(cmd_authority, an_older_term_is_refused_by_every_order, .init = begin, .fini = end)
{
    static const char *const lines[] = {"LARDER.ROLE 4 primary", "LARDER.LEASE 4 1000",
                                        "LARDER.LEASE 4 none", "LARDER.FENCE 4",
                                        "LARDER.ROLE 4 replica 127.0.0.1 6379"};

    ordered("LARDER.ROLE 5 primary", "+OK\r\n");
    for (size_t i = 0; i < countof(lines); i++)
        ordered(lines[i], "-STALETERM the order is of term 4, and this node has seen term 5\r\n");
    ordered("LARDER.ROLE 5 primary", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
}

Test(cmd_authority, nonsense_changes_nothing, .init = begin, .fini = end)
{
    static const char *const lines[] = {
        "LARDER.ROLE 0 primary",
        "LARDER.ROLE -1 primary",
        "LARDER.ROLE x primary",
        "LARDER.ROLE 9223372036854775808 primary",
        "LARDER.ROLE 9 master",
        "LARDER.ROLE 9 primary LEASE",
        "LARDER.ROLE 9 primary LEASED 1000",
        "LARDER.ROLE 9 primary LEASE -1",
        "LARDER.ROLE 9 primary LEASE 1000 AT",
        "LARDER.ROLE 9 primary LEASE 1000 AT 0",
        "LARDER.ROLE 9 primary LEASE 1000 IN 5",
        "LARDER.ROLE 9 primary HOST 1000",
        "LARDER.ROLE 9 replica",
        "LARDER.ROLE 9 replica host",
        "LARDER.ROLE 9 replica host 0",
        "LARDER.ROLE 9 replica host 65536",
        "LARDER.ROLE 9 replica host 1 2",
        "LARDER.LEASE 9 3600001",
        "LARDER.LEASE 9 1.5",
        "LARDER.LEASE 9 1000 AT x",
        "LARDER.LEASE 9 none AT 5",
        "LARDER.LEASE 9",
        "LARDER.FENCE",
        "LARDER.FENCE 9 9",
    };

    for (size_t i = 0; i < countof(lines); i++) {
        cr_assert_eq(resp_ask_of(&f, &owner, lines[i])[0], '-', "%s", lines[i]);
        cr_assert_eq(f.engine.authority.term, 0, "%s", lines[i]);
    }
    cr_assert_eq(f.engine.guards, 0);
}

Test(cmd_authority, a_role_comes_with_its_lease, .init = begin, .fini = end)
{
    ordered("LARDER.ROLE 3 primary LEASE 500", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
    resp_advance(&f, 500);
    shows(&f, "SET k v", "-READONLY The lease");
    ordered("LARDER.LEASE 3 500", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
    ordered("LARDER.LEASE 3 0", "+OK\r\n");
    shows(&f, "SET k v", "-READONLY The lease");
    ordered("LARDER.LEASE 3 none", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
}

Test(cmd_authority, a_fence_closes_all_clients_once, .init = begin, .fini = end)
{
    struct resp_client later;

    ordered("LARDER.FENCE 2", "+OK\r\n");
    cr_assert(f.main.is_killed);
    resp_client_open(&f, &later, false);
    ordered("LARDER.FENCE 2", "+OK\r\n");
    cr_assert_not(later.is_killed);
    cr_assert_not(owner.is_killed);
    cr_assert(strstr(resp_ask_of(&f, &later, "SET k v"), "-READONLY This node is fenced"));
    resp_client_close(&f, &later);
}

Test(cmd_authority, the_owner_may_write_whatever_the_guards_say, .init = begin, .fini = end)
{
    ordered("LARDER.FENCE 2", "+OK\r\n");
    guard_set(&f.engine, GUARD_REPLICA, true);
    ordered("SET k v", "+OK\r\n");
}

static bool takes_writes(void)
{
    return strstr(resp_ask_of(&f, &owner, "LARDER.STATE"), "writes\r\n$5\r\ntaken\r\n") != NULL;
}

Test(cmd_authority, a_lease_may_come_before_the_role, .init = begin, .fini = end)
{
    ordered("LARDER.ROLE 1 replica 127.0.0.1 6379", "+OK\r\n");
    ordered("LARDER.LEASE 2 1000", "+OK\r\n");
    ordered("LARDER.ROLE 2 primary LEASED", "+OK\r\n");
    cr_assert(takes_writes());
    ordered("LARDER.ROLE 2 primary LEASED", "+OK\r\n");
    cr_assert(takes_writes(), "given again it changes nothing");
    ordered("LARDER.ROLE 3 primary LEASED", "+OK\r\n");
    cr_assert_not(takes_writes(), "a lease is of its term");
}

Test(cmd_authority, one_that_needs_a_lease_takes_nothing_before_it, .init = begin, .fini = end)
{
    ordered("LARDER.ROLE 3 primary LEASED", "+OK\r\n");
    shows(&f, "SET k v", "-READONLY The lease");
    ordered("LARDER.LEASE 3 500", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
    ordered("LARDER.LEASE 3 none", "+OK\r\n");
    ordered("LARDER.ROLE 3 primary LEASED", "+OK\r\n");
    shows(&f, "SET k v", "-READONLY The lease");
}

Test(cmd_authority, roles_are_taken_at_once, .init = begin, .fini = end)
{
    ordered("LARDER.ROLE 2 replica 127.0.0.1 6379", "+OK\r\n");
    cr_assert(strstr(resp_ask_of(&f, &owner, "LARDER.STATE"), "replica"));
    ordered("LARDER.ROLE 2 primary", "-STALETERM the node is a replica by term 2 already\r\n");
    ordered("LARDER.ROLE 3 primary", "+OK\r\n");
    cr_assert_null(f.engine.replica);
}

Test(cmd_authority, the_state_is_one_map, .init = begin, .fini = end)
{
    ordered("LARDER.ROLE 3 primary LEASE 500", "+OK\r\n");
    const char *state = resp_ask_of(&f, &owner, "LARDER.STATE");
    cr_assert(strstr(state, "$4\r\nterm\r\n:3\r\n"), "%s", state);
    cr_assert(strstr(state, "$4\r\nrole\r\n$7\r\nprimary\r\n"), "%s", state);
    cr_assert(strstr(state, "$13\r\nlease-left-ms\r\n:500\r\n"), "%s", state);
    cr_assert(strstr(state, "$6\r\nwrites\r\n$5\r\ntaken\r\n"), "%s", state);
}
