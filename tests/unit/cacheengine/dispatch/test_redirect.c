#include "cacheengine/dispatch/redirect.h"
#include "dispatch_test.h"

#define ID(d)   d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d
#define SHARD_A "SHARD " ID("a") " 0-8191 NODE " ID("1") " primary 127.0.0.1 7001 0 - online "
#define REPLICA "NODE " ID("2") " replica 127.0.0.1 7002 0 - online "
#define SHARD_B "SHARD " ID("b") " 8192-16383 NODE " ID("3") " primary 127.0.0.1 7003 0 - online "

/* Slots: foo 12182, bar 5061, baz 4813. */

static struct resp_client agent;

static void begin(struct resp_fixture *f, const char *topology)
{
    static const char *const options[] = {"cluster-enabled yes", NULL};

    resp_open(f, options);
    resp_client_open(f, &agent, true);
    if (topology)
        cr_assert_str_eq(resp_ask_of(f, &agent, topology), "+OK\r\n");
}

static void end(struct resp_fixture *f)
{
    resp_client_close(f, &agent);
    resp_close(f);
}

Test(redirect, keys_of_others_are_sent_there)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    says(&f, "GET foo", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "SET bar 1", "+OK\r\n");
    says(&f, "MGET bar baz", "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    says(&f, "MSET {bar}1 x {bar}2 y", "+OK\r\n");
    says(&f, "SINTERCARD 2 foo bar", "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    says(&f, "SINTERCARD 2 foo {foo}", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "PING", "+PONG\r\n");
    end(&f);
}

Test(redirect, a_transaction_goes_where_its_keys_are)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET bar 1", "+QUEUED\r\n");
    says(&f, "SET baz 1", "+QUEUED\r\n");
    says(&f, "EXEC", "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET foo 1", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET bar 1", "+QUEUED\r\n");
    says(&f, "EXEC", "*1\r\n+OK\r\n");
    end(&f);
}

Test(redirect, slots_that_move_key_by_key_are_asked_for)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    says(&f, "SET bar 1", "+OK\r\n");
    resp_ask_of(&f, &agent,
                "LARDER.TOPOLOGY 2 " ID("1") " " SHARD_A SHARD_B
                                             "MIGRATION 5061 " ID("a") " " ID("b"));
    says(&f, "GET bar", "$1\r\n1\r\n");
    says(&f, "GET {bar}1", "-ASK 5061 127.0.0.1:7003\r\n");
    says(&f, "MGET bar {bar}1", "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
    end(&f);
}

Test(redirect, who_is_asking_is_served_once)
{
    struct resp_fixture f;

    begin(&f,
          "LARDER.TOPOLOGY 2 " ID("1") " " SHARD_A SHARD_B "MIGRATION 12182 " ID("b") " " ID("a"));
    says(&f, "SET foo 1", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "ASKING", "+OK\r\n");
    says(&f, "SET foo 1", "+OK\r\n");
    says(&f, "GET foo", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "ASKING", "+OK\r\n");
    says(&f, "MGET foo {foo}1", "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
    says(&f, "ASKING", "+OK\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "GET foo", "+QUEUED\r\n");
    says(&f, "EXEC", "*1\r\n$1\r\n1\r\n");
    says(&f, "GET foo", "-MOVED 12182 127.0.0.1:7003\r\n");
    end(&f);
}

Test(redirect, replicas_send_their_clients_to_the_primary_unless_they_only_read)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("2") " " SHARD_A REPLICA SHARD_B);
    says(&f, "GET bar", "-MOVED 5061 127.0.0.1:7001\r\n");
    says(&f, "READONLY", "+OK\r\n");
    says(&f, "GET bar", "$-1\r\n");
    says(&f, "SET bar 1", "-MOVED 5061 127.0.0.1:7001\r\n");
    says(&f, "GET foo", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "GET bar", "+QUEUED\r\n");
    says(&f, "EXEC", "*1\r\n$-1\r\n");
    says(&f, "READWRITE", "+OK\r\n");
    says(&f, "GET bar", "-MOVED 5061 127.0.0.1:7001\r\n");
    end(&f);
}

Test(redirect, waits_end_when_their_slot_goes)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    says(&f, "BLPOP bar 0", "");
    cr_assert_eq(f.engine.waiting_count, 1);
    resp_ask_of(
        &f, &agent,
        "LARDER.TOPOLOGY 2 " ID("1") " SHARD " ID("a") " - NODE " ID("1") " primary 127.0.0.1 7001 0 - online SHARD " ID(
            "b") " 0-16383 NODE " ID("3") " primary 127.0.0.1 7003 0 - online");
    cr_assert_eq(f.engine.waiting_count, 0);
    end(&f);
}

Test(redirect, keys_of_others_are_not_shown)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    says(&f, "SET bar 1", "+OK\r\n");
    resp_ask_of(&f, &agent, "SET foo 1");
    says(&f, "DBSIZE", ":1\r\n");
    says(&f, "KEYS *", "*1\r\n$3\r\nbar\r\n");
    says(&f, "CLUSTER COUNTKEYSINSLOT 12182", ":0\r\n");
    says(&f, "CLUSTER GETKEYSINSLOT 12182 10", "*0\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &agent, "CLUSTER COUNTKEYSINSLOT 12182"), ":1\r\n");
    end(&f);
}

Test(redirect, without_a_topology_no_slot_is_served)
{
    struct resp_fixture f;

    begin(&f, NULL);
    says(&f, "GET bar", "-CLUSTERDOWN Hash slot not served\r\n");
    says(&f, "SELECT 1", "-ERR SELECT is not allowed in cluster mode\r\n");
    end(&f);
}

Test(redirect, shard_channels_lie_where_their_slots_are)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    says(&f, "SPUBLISH foo x", "-MOVED 12182 127.0.0.1:7003\r\n");
    says(&f, "SSUBSCRIBE bar baz", "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    says(&f, "PUBLISH foo x", ":0\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SPUBLISH bar x", "+QUEUED\r\n");
    says(&f, "SPUBLISH baz x", "+QUEUED\r\n");
    says(&f, "EXEC", "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET {bar} 1", "+QUEUED\r\n");
    says(&f, "SPUBLISH bar x", "+QUEUED\r\n");
    says(&f, "EXEC", "*2\r\n+OK\r\n:0\r\n");
    end(&f);
}

Test(redirect, replicas_and_shards_that_give_keys_away_have_the_channels)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("2") " " SHARD_A REPLICA SHARD_B);
    says(&f, "SPUBLISH bar x", ":0\r\n");
    says(&f, "SPUBLISH foo x", "-MOVED 12182 127.0.0.1:7003\r\n");
    end(&f);
    begin(&f,
          "LARDER.TOPOLOGY 2 " ID("1") " " SHARD_A SHARD_B "MIGRATION 5061 " ID("a") " " ID("b"));
    says(&f, "GET bar", "-ASK 5061 127.0.0.1:7003\r\n");
    says(&f, "SPUBLISH bar x", ":0\r\n");
    end(&f);
}

Test(redirect, a_cluster_that_is_down_has_channels_or_not)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A);
    says(&f, "GET bar", "-CLUSTERDOWN The cluster is down\r\n");
    says(&f, "SPUBLISH bar x", ":0\r\n");
    says(&f, "SPUBLISH foo x", "-CLUSTERDOWN Hash slot not served\r\n");
    says(&f, "CONFIG SET cluster-allow-pubsubshard-when-down no", "+OK\r\n");
    says(&f, "SPUBLISH bar x", "-CLUSTERDOWN The cluster is down\r\n");
    end(&f);
}

Test(redirect, a_script_keeps_to_the_slot_of_the_keys_that_its_call_names)
{
    struct resp_fixture f;

    begin(&f, "LARDER.TOPOLOGY 1 " ID("1") " " SHARD_A SHARD_B);
    shows(&f, "EVAL \"#!lua\\nreturn redis.call('set', 'baz', '1')\" 1 bar",
          "-ERR Script attempted to access keys that do not hash to the same slot");
    says(&f, "EVAL \"#!lua\\nreturn redis.call('set', 'bar', '1')\" 1 bar", "+OK\r\n");
    says(&f, "EVAL \"#!lua\\nreturn redis.call('set', 'baz', '1')\" 0", "+OK\r\n");
    says(&f, "EVAL \"return redis.call('set', 'baz', '1')\" 1 bar", "+OK\r\n");
    end(&f);
}
