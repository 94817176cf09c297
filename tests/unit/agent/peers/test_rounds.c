/* Rounds between hosts, without their threads: what is sent, answered and counted. */
#include "agent/peers/inside.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 10000

enum { HOSTS = 3 };

static struct arena arena;
static struct peers hosts[HOSTS];
static const char *const names[HOSTS] = {"a", "b", "c"};

static void begin(void)
{
    struct net_addr any;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &any));
    for (int i = 0; i < HOSTS; i++) {
        hosts[i] = (struct peers){
            .number = lease_voter_number(names[i]), .has_key = true, .voter = lease_voter_new()};
        lease_rounds_init(&hosts[i].rounds, (uint64_t)i);
        cr_assert_not(err_failed(net_bind_udp(&arena, &any, &hosts[i].socket_fd)));
        lease_voter_know(hosts[i].voter, 7, 1, LEASE_MS, 0);
    }
}

static void end(void)
{
    for (int i = 0; i < HOSTS; i++) {
        fd_close(&hosts[i].socket_fd);
        lease_voter_free(hosts[i].voter);
    }
    arena_fini(&arena);
}

TestSuite(rounds, .init = begin, .fini = end, .timeout = 60);

/* A lease of the first host, at all three. Nobody is told of it. */
static void hold(struct held *h, int64_t shard)
{
    uint64_t numbers[HOSTS];

    *h = (struct held){
        .lease = {.node = 11,
                  .shard = shard,
                  .term = 4,
                  .ms = LEASE_MS,
                  .voter_count = HOSTS,
                  .dir = "/nonexistent",
                  .socket = "s"},
        .fd = -1,
        .told_ms = INT64_MIN,
        .is_renewed = true,
        .next = hosts[0].held,
    };
    for (int i = 0; i < HOSTS; i++) {
        numbers[i] = hosts[i].number;
        h->voters[i] =
            (struct peers_voter){hosts[i].number, net_addr_of_socket(hosts[i].socket_fd)};
    }
    const struct lease_entry renewal = {.shard = shard, .term = 4, .holder = 11, .ms = LEASE_MS};
    lease_holder_init(&h->holder, &renewal, numbers, HOSTS);
    hosts[0].held = h;
}

/* True when a datagram waits there; it is given time to come where one is expected. */
static bool has_mail(const struct peers *p, int patience_ms)
{
    struct pollfd watched = {.fd = p->socket_fd, .events = POLLIN};
    return poll(&watched, 1, patience_ms) == 1;
}

static void receive(struct peers *p)
{
    cr_assert(has_mail(p, PATIENCE_MS));
    rounds_receive(p);
}

static int64_t now(void)
{
    return clock_boot_ms(&clock_system);
}

Test(rounds, a_lease_is_there_once_a_majority_granted_it)
{
    struct held h;
    int64_t sent_ms = now();

    hold(&h, 7);
    rounds_send(&hosts[0], sent_ms);
    cr_assert_eq(lease_holder_until_ms(&h.holder), INT64_MIN, "its own vote is one of three");
    cr_assert_not(rounds_look(&hosts[0], sent_ms));
    receive(&hosts[1]);
    receive(&hosts[0]);
    cr_assert_eq(lease_holder_until_ms(&h.holder), sent_ms + LEASE_MS);
    cr_assert(rounds_look(&hosts[0], sent_ms));
    cr_assert_not(rounds_look(&hosts[0], sent_ms), "that is known");
    cr_assert(rounds_look(&hosts[0], sent_ms + LEASE_MS), "it is over");
}

Test(rounds, who_votes_on_nothing_and_who_has_another_key_are_silent)
{
    struct held h;

    hold(&h, 7);
    lease_voter_forget(hosts[1].voter, 7);
    hosts[2].key[0] = 1;
    rounds_send(&hosts[0], now());
    receive(&hosts[1]);
    receive(&hosts[2]);
    cr_assert_not(has_mail(&hosts[0], 0));
}

Test(rounds, what_is_for_another_voter_is_not_answered)
{
    struct held h;

    hold(&h, 7);
    h.voters[1].address = net_addr_of_socket(hosts[2].socket_fd); /* it took the port over */
    rounds_send(&hosts[0], now());
    receive(&hosts[2]);
    receive(&hosts[0]);
    rounds_receive(&hosts[0]);
    cr_assert_eq(h.holder.until_ms[1], INT64_MIN);
    cr_assert_neq(h.holder.until_ms[2], INT64_MIN);
}

Test(rounds, renewals_for_one_voter_go_together)
{
    enum { LEASES = LEASE_ENTRIES_MAX + 3 };
    static struct held h[LEASES];
    unsigned char bytes[LEASE_DATAGRAM_MAX];
    struct lease_datagram d;
    size_t entries = 0;

    for (int i = 0; i < LEASES; i++)
        hold(&h[i], 100 + i);
    h[1].is_renewed = false;
    rounds_send(&hosts[0], now());
    for (int i = 0; i < 2; i++) {
        cr_assert(has_mail(&hosts[1], PATIENCE_MS));
        ssize_t got = recv(hosts[1].socket_fd, bytes, sizeof(bytes), 0);
        cr_assert(lease_wire_read(bytes, (size_t)got, hosts[1].key, &d));
        cr_assert(d.kind == LEASE_RENEW && d.voter == hosts[1].number);
        entries += d.count;
    }
    cr_assert_eq(entries, LEASES - 1);
    cr_assert_not(has_mail(&hosts[1], 0));
}
