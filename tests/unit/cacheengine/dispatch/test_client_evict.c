#include "../proto/resp_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define KEPT_BYTES 1000

/* Queues `count` commands of some size: that is what a session without a network can hold. */
static void hold(struct resp_fixture *f, struct resp_client *c, int count)
{
    char line[KEPT_BYTES + 16];

    memset(line, 'x', sizeof(line));
    memcpy(line, "SET k ", 6);
    line[KEPT_BYTES] = 0;
    resp_ask_of(f, c, "MULTI");
    for (int i = 0; i < count; i++)
        cr_assert_str_eq(resp_ask_of(f, c, line), "+QUEUED\r\n");
}

Test(client_evict, the_biggest_go_first_and_no_more_than_must)
{
    static const char *const options[] = {"maxmemory-clients 400kb", NULL};
    static const int shares[] = {20, 300, 60, 140};
    struct resp_client clients[countof(shares)];
    struct resp_fixture f;

    resp_open(&f, options);
    for (size_t i = 0; i < countof(shares); i++) {
        resp_client_open(&f, &clients[i], false);
        hold(&f, &clients[i], shares[i]);
    }
    engine_evict_clients(&f.engine);
    for (size_t i = 0; i < countof(shares); i++)
        cr_assert_eq(clients[i].is_killed, i == 1);
    cr_assert_eq(f.engine.stats.evicted_clients, 1);
    for (size_t i = 0; i < countof(shares); i++)
        resp_client_close(&f, &clients[i]);
    cr_assert(f.engine.keyspace.account.client_bytes < 200000);
    resp_close(&f);
}

Test(client_evict, clients_that_must_stay_stay)
{
    static const char *const options[] = {"maxmemory 2mb", "maxmemory-clients 10%", NULL};
    struct resp_client big, small;
    struct resp_fixture f;

    resp_open(&f, options);
    resp_client_open(&f, &big, false);
    resp_client_open(&f, &small, false);
    cr_assert_str_eq(resp_ask_of(&f, &big, "CLIENT NO-EVICT ON"), "+OK\r\n");
    hold(&f, &big, 400);
    hold(&f, &small, 20);
    engine_evict_clients(&f.engine);
    cr_assert_eq(f.engine.stats.evicted_clients, 0);
    /* What others take counts all the same from then on. */
    hold(&f, &small, 250);
    engine_evict_clients(&f.engine);
    cr_assert_not(big.is_killed);
    cr_assert(small.is_killed);
    resp_client_close(&f, &big);
    resp_client_close(&f, &small);
    resp_close(&f);
}

Test(client_evict, without_a_limit_nobody_goes)
{
    struct resp_client big;
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_client_open(&f, &big, false);
    hold(&f, &big, 1000);
    engine_evict_clients(&f.engine);
    /* A share of a maxmemory that is not set is none. */
    f.engine.settings.client_memory = -1;
    engine_evict_clients(&f.engine);
    cr_assert_not(big.is_killed);
    resp_client_close(&f, &big);
    resp_close(&f);
}

Test(client_evict, subscriptions_count)
{
    static const char *const options[] = {"maxmemory-clients 200kb", NULL};
    static const char *const kinds[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};
    struct resp_fixture f;
    char line[64];

    resp_open(&f, options);
    for (size_t kind = 0; kind < countof(kinds); kind++) {
        struct resp_client c;

        resp_client_open(&f, &c, false);
        for (int i = 0; i < 4000 && !c.is_killed; i++) {
            snprintf(line, sizeof(line), "%s name-%d", kinds[kind], i);
            resp_ask_of(&f, &c, line);
            engine_evict_clients(&f.engine);
        }
        cr_assert(c.is_killed, "%s", kinds[kind]);
        resp_client_close(&f, &c);
    }
    cr_assert_eq(f.engine.stats.evicted_clients, countof(kinds));
    cr_assert(f.engine.keyspace.account.client_bytes < 100000);
    resp_close(&f);
}
