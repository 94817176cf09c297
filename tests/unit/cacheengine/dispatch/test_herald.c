/* News of role and link, as the owner hears them. */
#include "cacheengine/dispatch/herald.h"
#include "dispatch_test.h"
#include "replica_fixture.h"

#define ID "0123456789abcdef0123456789abcdef01234567"

#define say(text) play_say(&p, (text), sizeof(text) - 1)

static struct replica_play p;
static struct resp_client owner;

static void begin(void)
{
    play_open(&p, NULL);
    resp_client_open(&p.f, &owner, true);
}

static void end(void)
{
    resp_client_close(&p.f, &owner);
    play_close(&p);
}

TestSuite(herald, .init = begin, .fini = end);

#define asks(line, answer) cr_assert_str_eq(resp_ask_of(&p.f, &owner, (line)), (answer))

#define NEWS(role, link, offset) "*4\r\n$4\r\nrole\r\n" role "\r\n" link "\r\n:" offset "\r\n"
#define REPLICA                  "$7\r\nreplica"
#define PRIMARY                  "$7\r\nprimary"
#define UP                       "$2\r\nup"
#define DOWN                     "$4\r\ndown"

/* An empty primary's snapshot, up to which 1000 bytes were said. */
static void follow(void)
{
    scoped(buf_fini) struct buf snapshot = BUF_EMPTY;

    play_snapshot(&p, &snapshot);
    p.link.user->connected(&p.link);
    say("+PONG\r\n+OK\r\n+OK\r\n+OK\r\n");
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    buf_printf(&text, "+FULLRESYNC " ID " 1000\r\n$%zu\r\n", snapshot.len);
    buf_add(&text, snapshot.ptr, snapshot.len);
    play_say(&p, text.ptr, text.len);
    cr_assert(replica_is_following(&p.f.engine));
}

Test(herald, each_change_is_told_once)
{
    asks("LARDER.LISTEN", "+OK\r\n");
    says(&p.f, "REPLICAOF 10.0.0.1 6379", "+OK\r\n");
    asks("PING", NEWS(REPLICA, DOWN, "0") "+PONG\r\n");
    says(&p.f, "REPLICAOF 10.0.0.2 6379", "+OK\r\n");
    asks("PING", "+PONG\r\n");
    follow();
    asks("PING", NEWS(REPLICA, UP, "1000") "+PONG\r\n");
    says(&p.f, "REPLICAOF NO ONE", "+OK\r\n");
    asks("PING", NEWS(PRIMARY, UP, "1000") "+PONG\r\n");
}

Test(herald, a_link_that_ends_is_told_with_all_that_came_over_it)
{
    says(&p.f, "REPLICAOF 10.0.0.1 6379", "+OK\r\n");
    follow();
    asks("LARDER.LISTEN", "+OK\r\n");
    play_stream(&p, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
    play_lose(&p);
    asks("PING", NEWS(REPLICA, DOWN, "1027") "+PONG\r\n");
    says(&p.f, "GET k", "$1\r\nv\r\n");
}

Test(herald, the_last_to_listen_hears_and_one_that_went_does_not)
{
    struct resp_client other;

    asks("LARDER.LISTEN", "+OK\r\n");
    resp_client_open(&p.f, &other, true);
    cr_assert_str_eq(resp_ask_of(&p.f, &other, "LARDER.LISTEN"), "+OK\r\n");
    says(&p.f, "REPLICAOF 10.0.0.1 6379", "+OK\r\n");
    asks("PING", "+PONG\r\n");
    cr_assert_str_eq(resp_ask_of(&p.f, &other, "PING"), NEWS(REPLICA, DOWN, "0") "+PONG\r\n");
    resp_client_close(&p.f, &other);
    says(&p.f, "REPLICAOF NO ONE", "+OK\r\n");
    asks("PING", "+PONG\r\n");
}

Test(herald, one_that_does_not_read_hears_no_more)
{
    asks("LARDER.LISTEN", "+OK\r\n");
    for (int i = 0; i < 1000; i++) {
        says(&p.f, "REPLICAOF 10.0.0.1 6379", "+OK\r\n");
        says(&p.f, "REPLICAOF NO ONE", "+OK\r\n");
    }
    cr_assert_lt(strlen(resp_ask_of(&p.f, &owner, "PING")), 70000);
}
