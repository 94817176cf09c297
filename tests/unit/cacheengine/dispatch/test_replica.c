/* The replica against a primary of the test's own. What real ones do is in tests/conformance. */
#include "cacheengine/dispatch/cmd_replica.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/replica_load.h"
#include "dispatch_test.h"
#include "replica_fixture.h"

#define ID    "0123456789abcdef0123456789abcdef01234567"
#define OTHER "ffffffffffffffffffffffffffffffffffffffff"
#define MARK  "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"

#define say(p, text) play_say((p), (text), sizeof(text) - 1)

static struct replica *replica_of(struct replica_play *p)
{
    return p->f.engine.replica;
}

/* Up to the answer to PSYNC. */
static void greet(struct replica_play *p)
{
    cr_assert(p->is_dialled);
    p->link.user->connected(&p->link);
    say(p, "+PONG\r\n+OK\r\n+OK\r\n+OK\r\n");
    cr_assert(strstr(buf_cstr(&p->out), "PSYNC"));
}

static void become_replica(struct replica_play *p)
{
    says(&p->f, "REPLICAOF 10.0.0.1 6379", "+OK\r\n");
    greet(p);
}

/* A snapshot with the key "k", sent in steps. */
static void sync_all(struct replica_play *p, size_t step)
{
    struct buf snapshot = BUF_EMPTY, text = BUF_EMPTY;

    says(&p->f, "SET k v", "+OK\r\n");
    play_snapshot(p, &snapshot);
    says(&p->f, "FLUSHALL", "+OK\r\n");
    says(&p->f, "SET own old", "+OK\r\n");
    become_replica(p);
    buf_printf(&text, "+FULLRESYNC " ID " 1000\r\n$EOF:" MARK "\r\n");
    buf_add(&text, snapshot.ptr, snapshot.len);
    buf_puts(&text, MARK);
    p->step = step;
    play_say(p, text.ptr, text.len);
    p->step = SIZE_MAX;
    buf_fini(&snapshot);
    buf_fini(&text);
}

Test(replica, a_snapshot_takes_the_place_of_what_was_there)
{
    static const char *const ways[] = {
        "repl-diskless-load disabled", "repl-diskless-load on-empty-db",
        "repl-diskless-load swapdb", "repl-diskless-load flush-before-load"};

    for (size_t i = 0; i < countof(ways); i++)
        for (size_t step = 1; step < 100; step += 33) {
            const char *const options[] = {ways[i], NULL};
            struct replica_play p;

            play_open(&p, options);
            sync_all(&p, step);
            cr_assert(replica_is_following(&p.f.engine), "%s", ways[i]);
            says(&p.f, "GET k", "$1\r\nv\r\n");
            says(&p.f, "GET own", "$-1\r\n");
            cr_assert_eq(p.f.engine.stream.offset, 1000);
            cr_assert_str_eq(p.f.engine.stream.id, ID);
            play_close(&p);
        }
}

Test(replica, the_stream_is_applied_and_counted)
{
    static const char set[] =
        "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    play_stream(&p, set);
    cr_assert_eq(p.f.engine.stream.offset, 1000 + (int64_t)sizeof(set) - 1);
    says(&p.f, "SELECT 1", "+OK\r\n");
    says(&p.f, "GET a", "$1\r\nb\r\n");
    says(&p.f, "SET a c", "-READONLY You can't write against a read only replica.\r\n");
    play_stream(&p, "\r\n\n");
    cr_assert_eq(p.f.engine.stream.offset, 1003 + (int64_t)sizeof(set) - 1);
    play_close(&p);
}

Test(replica, a_question_for_the_offset_is_answered_and_nothing_else)
{
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    (void)resp_send(&p.f, &p.primary, "", 0);
    struct str said = resp_send(&p.f, &p.primary, "PING\r\nSET a b\r\nGET a\r\n", 22);
    cr_assert_eq(said.len, 0);
    said = resp_send(&p.f, &p.primary, "REPLCONF GETACK *\r\n", 19);
    cr_assert(str_is(said, "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$4\r\n1022\r\n"), "%.*s",
              STR_ARG(said));
    play_close(&p);
}

Test(replica, a_transaction_counts_when_it_is_whole)
{
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    play_stream(&p, "MULTI\r\nSET a 1\r\n");
    cr_assert_eq(p.f.engine.stream.offset, 1000);
    says(&p.f, "GET a", "$-1\r\n");
    play_stream(&p, "SET b 2\r\nEXEC\r\n");
    cr_assert_eq(p.f.engine.stream.offset, 1031);
    says(&p.f, "MGET a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    play_close(&p);
}

Test(replica, a_lost_link_is_dialled_again_and_goes_on_from_there)
{
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    play_stream(&p, "SELECT 3\r\nSET a 1\r\nMULTI\r\nSET b 1\r\n");
    play_lose(&p);
    cr_assert_eq(replica_of(&p)->state, REPLICA_WAITS);
    shows(&p.f, "INFO replication", "master_link_status:down");
    replica_tick(&p.f.engine);
    greet(&p);
    cr_assert(strstr(buf_cstr(&p.out), "$40\r\n" ID "\r\n$4\r\n1020\r\n"));
    say(&p, "+CONTINUE " OTHER "\r\nSET c 1\r\n");
    play_stream(&p, "");
    cr_assert_str_eq(p.f.engine.stream.id, OTHER);
    cr_assert_str_eq(p.f.engine.stream.former_id, ID);
    says(&p.f, "SELECT 3", "+OK\r\n");
    says(&p.f, "MGET a b c", "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n1\r\n");
    play_close(&p);
}

Test(replica, a_cut_snapshot_leaves_what_was_there)
{
    static const char *const options[] = {"repl-diskless-load swapdb", NULL};
    struct replica_play p;
    struct buf snapshot = BUF_EMPTY;

    play_open(&p, options);
    says(&p.f, "SET own old", "+OK\r\n");
    play_snapshot(&p, &snapshot);
    become_replica(&p);
    say(&p, "+FULLRESYNC " ID " 5\r\n$1000000\r\n");
    play_say(&p, snapshot.ptr, snapshot.len - 9);
    cr_assert(replica_is_loading(&p.f.engine, true));
    shows(&p.f, "INFO persistence", "async_loading:1");
    says(&p.f, "GET own", "$3\r\nold\r\n");
    p.is_ended = true;
    p.link.user->readable(&p.link);
    cr_assert_eq(replica_of(&p)->state, REPLICA_WAITS);
    says(&p.f, "GET own", "$3\r\nold\r\n");
    buf_fini(&snapshot);
    play_close(&p);
}

Test(replica, while_there_is_no_data_clients_are_told)
{
    static const char *const options[] = {"repl-diskless-load flush-before-load", NULL};
    struct replica_play p;

    play_open(&p, options);
    become_replica(&p);
    say(&p, "+FULLRESYNC " ID " 5\r\n$1000000\r\nREDIS0009");
    cr_assert(replica_is_loading(&p.f.engine, false));
    says(&p.f, "GET own", "-LOADING Redis is loading the dataset in memory\r\n");
    shows(&p.f, "INFO persistence", "\nloading:1");
    shows(&p.f, "INFO replication", "master_sync_total_bytes:1000000");
    cr_assert_eq(replica_load_facts(replica_of(&p)).total_bytes, 1000000);
    says(&p.f, "REPLICAOF NO ONE", "-LOADING Redis is loading the dataset in memory\r\n");
    repl_become_primary(&p.f.engine, 0);
    says(&p.f, "GET own", "$-1\r\n");
    play_close(&p);
}

Test(replica, without_its_primary_it_shows_what_it_has_or_not)
{
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    play_lose(&p);
    says(&p.f, "GET k", "$1\r\nv\r\n");
    says(&p.f, "CONFIG SET replica-serve-stale-data no", "+OK\r\n");
    says(&p.f, "GET k",
         "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n");
    play_close(&p);
}

Test(replica, a_promotion_keeps_data_and_history)
{
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    says(&p.f, "REPLICAOF NO ONE", "+OK\r\n");
    cr_assert_null(p.f.engine.replica);
    cr_assert(p.primary.is_killed);
    cr_assert_str_eq(p.f.engine.stream.former_id, ID);
    cr_assert_eq(p.f.engine.stream.former_end, 1001);
    cr_assert_str_neq(p.f.engine.stream.id, ID);
    says(&p.f, "SET k w", "+OK\r\n");
    says(&p.f, "CONFIG GET replicaof", "*2\r\n$9\r\nreplicaof\r\n$0\r\n\r\n");
    play_close(&p);
}

Test(replica, its_own_primary_is_not_changed_for_itself)
{
    struct replica_play p;

    play_open(&p, NULL);
    become_replica(&p);
    says(&p.f, "REPLICAOF 10.0.0.1 6379", "+OK Already connected to specified master\r\n");
    says(&p.f, "SLAVEOF 10.0.0.1 70000", "-ERR Invalid master port\r\n");
    cr_assert_eq(p.dials, 1);
    says(&p.f, "REPLICAOF 10.0.0.2 6379", "+OK\r\n");
    cr_assert_eq(p.dials, 2);
    says(&p.f, "CONFIG GET slaveof", "*2\r\n$7\r\nslaveof\r\n$13\r\n10.0.0.2 6379\r\n");
    play_close(&p);
}

Test(replica, a_command_that_cannot_be_followed_ends_the_history)
{
    struct replica_play p;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    play_stream(&p, "SHUTDOWN\r\nCONFIG SET maxmemory 1\r\nPUBLISH a b\r\n");
    cr_assert(replica_is_following(&p.f.engine));
    cr_assert_eq(p.f.engine.settings.max_memory, 0);
    play_stream(&p, "FROBNICATE k\r\n");
    cr_assert_eq(replica_of(&p)->state, REPLICA_WAITS);
    cr_assert_not(replica_of(&p)->has_history);
    play_lose(&p);
    play_close(&p);
}

Test(replica, it_tells_of_itself)
{
    struct replica_play p;
    struct buf out = BUF_EMPTY;

    play_open(&p, NULL);
    sync_all(&p, SIZE_MAX);
    replica_info(&p.f.engine, &out);
    cr_assert(strstr(buf_cstr(&out), "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n"
                                     "master_link_status:up\r\n"));
    cr_assert(strstr(buf_cstr(&out), "slave_repl_offset:1000\r\n"));
    buf_fini(&out);
    shows(&p.f, "CLIENT LIST", "flags=M");
    play_close(&p);
}

Test(replica, silence_is_not_borne_for_ever)
{
    static const char *const options[] = {"repl-timeout 5", NULL};
    struct replica_play p;

    play_open(&p, options);
    become_replica(&p);
    resp_advance(&p.f, 6000);
    replica_tick(&p.f.engine);
    cr_assert_eq(replica_of(&p)->state, REPLICA_WAITS);
    resp_advance(&p.f, 2000);
    replica_tick(&p.f.engine);
    cr_assert_eq(p.dials, 2);
    play_close(&p);
}
