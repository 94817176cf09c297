/* Hosts with their threads: leases are won, kept, lost and promised. */
#include "agent/peers/peers.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 20000

enum { SHARD = 7, NODE = 11 };

static struct arena arena;
static char folders[2][64];
static struct peers *host, *other;
static const unsigned char key[LEASE_KEY_BYTES] = "0123456789abcdef0123456789abcde";

static struct peers *open_host(int i)
{
    struct net_addr any;
    struct peers *p;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &any));
    const struct peers_conf conf = {
        .host_id = i ? "b" : "a", .state_dir = folders[i], .bind = &any};
    cr_assert_not(err_failed(peers_open(&arena, &conf, &p)));
    return p;
}

static void begin(void)
{
    for (int i = 0; i < 2; i++) {
        strcpy(folders[i], "/tmp/larder-peers-XXXXXX");
        cr_assert_not_null(mkdtemp(folders[i]));
    }
    host = open_host(0);
    other = open_host(1);
}

static void end(void)
{
    peers_close(host);
    peers_close(other);
    peers_close(NULL);
    for (int i = 0; i < 2; i++)
        cr_assert_not(err_failed(fs_remove_tree(folders[i])));
    arena_fini(&arena);
}

TestSuite(peers, .init = begin, .fini = end, .timeout = 60);

static int64_t now(void)
{
    return clock_boot_ms(&clock_system);
}

static void set_keys(void)
{
    cr_assert_not(err_failed(peers_set_key(host, key)));
    cr_assert_not(err_failed(peers_set_key(other, key)));
}

/* The lease of the first host's node, at both hosts. */
static void hold(int64_t term)
{
    const struct peers_voter voters[] = {
        {lease_voter_number("a"), peers_address(host) },
        {lease_voter_number("b"), peers_address(other)}
    };
    const struct peers_lease lease = {.node = NODE,
                                      .shard = SHARD,
                                      .term = term,
                                      .ms = LEASE_MS,
                                      .voters = voters,
                                      .voter_count = countof(voters),
                                      .dir = "/nonexistent",
                                      .socket = "s"};

    peers_know(host, SHARD, 1, LEASE_MS);
    peers_know(other, SHARD, 1, LEASE_MS);
    peers_hold(host, &lease);
}

static void await_lease(int64_t term, bool is_wanted)
{
    for (int64_t end_ms = now() + PATIENCE_MS; peers_has_lease(host, NODE, term) != is_wanted;) {
        struct pollfd watched = {.fd = peers_news_fd(host), .events = POLLIN};
        poll(&watched, 1, 50);
        peers_news(host);
        cr_assert_lt(now(), end_ms, "the lease is %s", is_wanted ? "never won" : "never lost");
    }
}

Test(peers, a_lease_is_won_and_lost_with_its_voters)
{
    set_keys();
    hold(4);
    await_lease(4, true);
    cr_assert_not(peers_has_lease(host, NODE, 5));
    cr_assert_not(peers_has_lease(host, NODE + 1, 4));
    peers_forget(other, SHARD);
    await_lease(4, false);
    peers_know(other, SHARD, 1, LEASE_MS);
    await_lease(4, true);
    peers_release(host, NODE);
    cr_assert_not(peers_has_lease(host, NODE, 4));
    peers_drop(host, NODE);
    peers_drop(host, NODE);
}

Test(peers, without_a_key_nothing_is_asked_for)
{
    hold(4);
    cr_assert_not(peers_has_lease(host, NODE, 4));
    set_keys();
    await_lease(4, true);
}

Test(peers, a_promise_ends_a_lease_and_a_higher_term_has_the_next)
{
    int64_t began_ms = now();

    set_keys();
    hold(4);
    await_lease(4, true);
    bool is_later = peers_may_promise_ms(other, SHARD, 5) > now();
    cr_assert(is_later || now() - began_ms > LEASE_MS, "it is renewed");
    peers_ended(other, SHARD, 4);
    for (int64_t end_ms = now() + PATIENCE_MS; !peers_promise(other, SHARD, 5);) {
        peers_ended(other, SHARD, 4); /* a renewal may have come between */
        cr_assert_lt(now(), end_ms);
    }
    await_lease(4, false);
    hold(5);
    await_lease(5, true);
    hold(5);
    cr_assert(peers_has_lease(host, NODE, 5), "the same goes on");
}

Test(peers, port_and_key_are_those_of_before)
{
    struct net_addr before = peers_address(host);

    set_keys();
    peers_close(host);
    host = open_host(0);
    struct net_addr after = peers_address(host);
    cr_assert_eq(net_addr_port(&before), net_addr_port(&after));
    hold(4);
    await_lease(4, true);
}

Test(peers, a_port_that_is_taken_is_another_one)
{
    struct net_addr before = peers_address(host);
    int fd;

    peers_close(host);
    cr_assert_not(err_failed(net_bind_udp(&arena, &before, &fd)));
    host = open_host(0);
    struct net_addr after = peers_address(host);
    cr_assert_neq(net_addr_port(&before), net_addr_port(&after));
    fd_close(&fd);
}
