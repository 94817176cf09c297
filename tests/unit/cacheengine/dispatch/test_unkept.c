#include "cacheengine/dispatch/unkept.h"
#include "dispatch_test.h"

#define REFUSAL                                                                                   \
    "-ERR a memcached node has its data in memory alone: it has no replicas, no save points and " \
    "no append-only file\r\n"

Test(unkept, what_would_keep_or_follow_data_is_refused)
{
    static const char *const refused[] = {
        "BGREWRITEAOF", "REPLICAOF 127.0.0.1 1",
        "SLAVEOF a 1",  "SYNC",
        "PSYNC ? -1",   "LARDER.ROLE 1 replica 127.0.0.1 1",
    };
    struct resp_fixture f;
    struct resp_client owner;

    resp_open(&f, NULL);
    resp_client_open(&f, &owner, true);
    f.engine.settings.protocol = PROTOCOL_MEMCACHED;
    for (size_t i = 0; i < countof(refused); i++)
        cr_assert_str_eq(resp_ask_of(&f, &owner, refused[i]), REFUSAL, "%s", refused[i]);
    cr_assert_str_eq(resp_ask_of(&f, &owner, "REPLICAOF NO ONE"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &owner, "LARDER.ROLE 1 primary"), "+OK\r\n");
    shows(&f, "CONFIG SET appendonly yes", "a memcached node has its data in memory alone");
    shows(&f, "CONFIG SET save \"60 1\"", "a memcached node has its data in memory alone");
    says(&f, "CONFIG SET appendonly no save \"\"", "+OK\r\n");
    f.engine.settings.protocol = PROTOCOL_RESP;
    resp_client_close(&f, &owner);
    resp_close(&f);
}

Test(unkept, settings_are_judged_at_the_start)
{
    static const struct settings fine[] = {
        {.protocol = PROTOCOL_MEMCACHED, .replica_of = ""},
        { .protocol = PROTOCOL_RESP, .replica_of = "a 1",           .appends = true, .is_clustered = true},
    };
    static const struct settings bad[] = {
        {.protocol = PROTOCOL_MEMCACHED, .replica_of = "a 1"  },
        { .protocol = PROTOCOL_MEMCACHED,              .replica_of = "",       .appends = true},
        { .protocol = PROTOCOL_MEMCACHED,              .replica_of = "", .save_point_count = 1},
        { .protocol = PROTOCOL_MEMCACHED,              .replica_of = "",  .is_clustered = true},
    };

    for (size_t i = 0; i < countof(fine); i++)
        cr_assert_not(err_failed(unkept_check(&fine[i])));
    for (size_t i = 0; i < countof(bad); i++)
        cr_assert(err_is(unkept_check(&bad[i]), ERR_INVALID));
}
