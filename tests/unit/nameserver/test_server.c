/* The server's sockets; what it says is tested in test_answer.c. */
#include "ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/net.h"
#include "nameserver/server.h"
#include "nameserver/zone.h"

#include <criterion/criterion.h>

#include <stdatomic.h>
#include <unistd.h>

static struct arena arena;
static struct zone *zone;
static struct server *server;
static int port;
static struct wire query;
static struct wire_reply reply;

static void start(const char *listen, const struct clock *clock)
{
    struct net_addr address, one;

    zone = zone_new("cache.test", 1);
    cr_assert(net_addr_parse_host(STR("127.1.0.1"), &one));
    cr_assert_eq(zone_upsert(zone, "one.cache.test", &one, 1, 5).code, ERR_OK);
    cr_assert(net_addr_parse(str_of(listen), &address));
    struct err e = server_start(&arena, &address, zone, clock, &server);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    port = server_port(server);
}

static void stop(void)
{
    server_stop(server);
    zone_free(zone);
    arena_fini(&arena);
}

Test(server, answers_datagrams)
{
    start("127.0.0.1:0", &clock_system);
    cr_assert(ask_udp("127.0.0.1", port, "one.cache.test", TYPE_A, &reply));
    cr_expect_str_eq(reply.records[0].data, "127.1.0.1");
    stop();
}

Test(server, answers_on_ipv6)
{
    start("[::1]:0", &clock_system);
    cr_assert(ask_udp("::1", port, "ns.cache.test", TYPE_AAAA, &reply));
    cr_expect_str_eq(reply.records[0].data, "::1");
    stop();
}

Test(server, a_wildcard_socket_answers_from_the_address_that_was_asked)
{
    start("0.0.0.0:0", &clock_system);
    cr_assert(ask_udp("127.9.8.7", port, "ns.cache.test", TYPE_A, &reply));
    cr_expect_str_eq(reply.records[0].data, "127.9.8.7");
    stop();
}

Test(server, answers_many_queries_on_one_stream_also_when_sent_in_one_go_or_byte_by_byte)
{
    start("127.0.0.1:0", &clock_system);
    int fd = ask_connect("127.0.0.1", port, SOCK_STREAM);
    for (int i = 0; i < 50; i++) {
        wire_query(&query, i, "one.cache.test", TYPE_A);
        ask_stream_send(fd, &query);
    }
    for (int i = 0; i < 50; i++) {
        cr_assert(ask_stream_read(fd, &reply));
        cr_expect_eq(reply.id, i);
        cr_expect_eq(reply.answers, 1);
    }
    uint8_t prefix[] = {0, (uint8_t)query.len};
    for (size_t i = 0; i < 2 + query.len; i++)
        cr_assert_eq(send(fd, i < 2 ? prefix + i : query.bytes + i - 2, 1, MSG_NOSIGNAL), 1);
    cr_assert(ask_stream_read(fd, &reply));
    close(fd);
    stop();
}

Test(server, rubbish_ends_its_own_stream_and_nothing_else)
{
    static const char rubbish[] = "\0\x05hello and more";

    start("127.0.0.1:0", &clock_system);
    int bad = ask_connect("127.0.0.1", port, SOCK_STREAM);
    int good = ask_connect("127.0.0.1", port, SOCK_STREAM);
    cr_assert_eq(send(bad, rubbish, sizeof(rubbish), MSG_NOSIGNAL), (ssize_t)sizeof(rubbish));
    cr_expect_not(ask_stream_read(bad, &reply));
    int udp = ask_connect("127.0.0.1", port, SOCK_DGRAM);
    cr_assert_eq(send(udp, rubbish, sizeof(rubbish), 0), (ssize_t)sizeof(rubbish));
    wire_query(&query, 1, "one.cache.test", TYPE_A);
    ask_stream_send(good, &query);
    cr_expect(ask_stream_read(good, &reply));
    cr_expect(ask_udp("127.0.0.1", port, "one.cache.test", TYPE_A, &reply));
    close(udp);
    close(bad);
    close(good);
    stop();
}

Test(server, with_too_many_streams_the_idlest_makes_room)
{
    int fds[SERVER_STREAMS_MAX + 20];

    start("127.0.0.1:0", &clock_system);
    wire_query(&query, 1, "one.cache.test", TYPE_A);
    for (size_t i = 0; i < countof(fds); i++) {
        fds[i] = ask_connect("127.0.0.1", port, SOCK_STREAM);
        ask_stream_send(fds[i], &query);
        cr_assert(ask_stream_read(fds[i], &reply), "stream %zu", i);
    }
    cr_expect(ask_udp("127.0.0.1", port, "one.cache.test", TYPE_A, &reply));
    for (size_t i = 0; i < countof(fds); i++)
        close(fds[i]);
    stop();
}

/* A clock whose time the server's thread may read while the test moves it. */
struct shared_clock {
    struct clock clock;
    atomic_llong now_ms;
};

static int64_t shared_ms(const struct clock *c)
{
    return atomic_load(&((const struct shared_clock *)c)->now_ms);
}

Test(server, a_silent_stream_is_closed)
{
    static struct shared_clock shared = {
        .clock = {shared_ms, shared_ms}
    };

    start("127.0.0.1:0", &shared.clock);
    int fd = ask_connect("127.0.0.1", port, SOCK_STREAM);
    wire_query(&query, 1, "one.cache.test", TYPE_A);
    ask_stream_send(fd, &query);
    cr_assert(ask_stream_read(fd, &reply));
    atomic_store(&shared.now_ms, SERVER_IDLE_MS);
    cr_expect_not(ask_stream_read(fd, &reply), "the server closed it");
    close(fd);
    stop();
}

Test(server, a_taken_port_is_told_in_words)
{
    struct net_addr address;
    struct server *second = NULL;

    start("127.0.0.1:0", &clock_system);
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    net_addr_set_port(&address, port);
    struct err e = server_start(&arena, &address, zone, &clock_system, &second);
    cr_expect_eq(e.code, ERR_CONFLICT);
    cr_expect_null(second);
    stop();
}

Test(server, answers_from_another_zone_over_the_connections_that_there_are)
{
    struct net_addr two;
    struct zone *other = zone_new("other.test", 7);

    start("127.0.0.1:0", &clock_system);
    int fd = ask_connect("127.0.0.1", port, SOCK_STREAM);
    wire_query(&query, 1, "one.cache.test", TYPE_A);
    ask_stream_send(fd, &query);
    cr_assert(ask_stream_read(fd, &reply));
    cr_expect_eq(reply.answers, 1);
    cr_assert(net_addr_parse_host(STR("127.2.0.1"), &two));
    cr_assert_eq(zone_upsert(other, "two.other.test", &two, 1, 5).code, ERR_OK);
    cr_assert_eq(server_change_zone(server, other).code, ERR_OK);
    cr_assert(ask_udp("127.0.0.1", port, "two.other.test", TYPE_A, &reply));
    cr_expect_str_eq(reply.records[0].data, "127.2.0.1");
    ask_stream_send(fd, &query);
    cr_assert(ask_stream_read(fd, &reply));
    cr_expect_eq(reply.answers, 0, "the zone before is not known any more");
    close(fd);
    stop();
    zone_free(other);
}
