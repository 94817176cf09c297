#include "cacheengine/dispatch/own_expiries.h"
#include "cacheengine/dispatch/replica.h"
#include "dispatch_test.h"

/* A writable replica without a primary. */
static void open_writable(struct resp_fixture *f)
{
    static struct replica anybody;
    static const char *const options[] = {"replica-read-only no", NULL};

    resp_open(f, options);
    f->engine.replica = &anybody;
    own_expiries_apply(&f->engine);
    f->engine.replica = NULL;
    f->engine.keyspace.hides_expired = true;
}

static uint64_t keys_there(const struct resp_fixture *f)
{
    return keyspace_count(&f->engine.keyspace);
}

Test(own_expiries, what_a_client_gave_an_end_goes_by_itself)
{
    struct resp_fixture f;

    open_writable(&f);
    resp_ask(&f, "SET a 1 PX 50");
    resp_ask(&f, "SET b 1");
    resp_ask(&f, "PEXPIRE b 60");
    resp_ask(&f, "SET c 1 PX 50");
    resp_ask(&f, "COPY c d");
    resp_ask(&f, "SET e 1 PX 60000");
    resp_ask(&f, "SET f 1 PX 50");
    resp_ask(&f, "PERSIST f");
    resp_ask(&f, "MULTI");
    resp_ask(&f, "RPUSH g 1");
    resp_ask(&f, "PEXPIRE g 40");
    resp_ask(&f, "EXEC");
    cr_assert_eq(own_expiries_count(&f.engine), 7);
    own_expiries_tick(&f.engine);
    cr_assert_eq(own_expiries_count(&f.engine), 6, "one has no end any more");
    cr_assert_eq(keys_there(&f), 7);
    resp_advance(&f, 100);
    cr_assert_eq(keys_there(&f), 7);
    for (int i = 0; i < 100; i++)
        own_expiries_tick(&f.engine);
    cr_assert_eq(own_expiries_count(&f.engine), 1);
    cr_assert_eq(keys_there(&f), 2);
    cr_assert(f.engine.keyspace.hides_expired);
    resp_close(&f);
}

Test(own_expiries, the_primarys_keys_wait_for_the_primary)
{
    struct resp_fixture f;
    struct resp_client primary;

    open_writable(&f);
    resp_client_open(&f, &primary, true);
    resp_ask(&f, "SET a 1 PX 50");
    own_expiries_forget(&f.engine);
    primary.client.is_importer = true; /* who is obeyed */
    f.engine.running = &primary.client;
    effect_tell(&f.engine.keyspace, 0, (const struct str[]){STR("SET"), STR("a"), STR("1")}, 3,
                EFFECT_FOR_ALL);
    f.engine.running = NULL;
    cr_assert_eq(own_expiries_count(&f.engine), 0);
    resp_client_close(&f, &primary);
    resp_close(&f);
}

Test(own_expiries, they_are_forgotten_with_the_data_and_with_the_role)
{
    struct resp_fixture f;

    open_writable(&f);
    resp_ask(&f, "SET a 1 PX 50");
    resp_ask(&f, "DEL a");
    cr_assert_eq(own_expiries_count(&f.engine), 1);
    own_expiries_forget(&f.engine);
    cr_assert_eq(own_expiries_count(&f.engine), 0);
    own_expiries_apply(&f.engine);
    cr_assert_null(f.engine.own_expiries, "it is a primary");
    resp_close(&f);
}
