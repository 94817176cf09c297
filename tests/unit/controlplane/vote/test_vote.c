/* Renewals by real datagrams; the clock stands until a test moves it. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/net.h"
#include "base/str.h"
#include "controlplane/vote/vote.h"
#include "lease/voter.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHARD = 7, NODE = 11, PATIENCE_MS = 20000 };

static struct arena arena;
static struct clock_manual manual;
static struct vote *vote;
static struct vote_conf conf;
static struct net_addr place;
static int fd;

static void set_up(void)
{
    struct net_addr any;

    clock_manual_init(&manual, 1000, 1000);
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &any));
    conf = (struct vote_conf){.clock = &manual.clock, .listen = &any, .name = "control-plane"};
    conf.key[0] = 1;
    cr_assert_not(err_failed(vote_start(&arena, &conf, &vote)));
    place = any;
    net_addr_set_port(&place, vote_port(vote));
    cr_assert_not(err_failed(net_bind_udp(&arena, &any, &fd)));
}

static void tear_down(void)
{
    vote_stop(vote);
    close(fd);
    arena_fini(&arena);
}

TestSuite(vote, .init = set_up, .fini = tear_down, .timeout = 60);

static void send_renewal(const char *voter, const unsigned char *key, int64_t shard, int64_t term,
                         uint64_t sequence)
{
    struct lease_datagram d = {
        .kind = LEASE_RENEW, .voter = lease_voter_number(voter), .sequence = sequence, .count = 1};
    unsigned char bytes[LEASE_DATAGRAM_MAX];
    d.entries[0] = (struct lease_entry){shard, term, NODE, LEASE_MS};
    size_t len = lease_wire_write(&d, key, bytes);

    cr_assert_eq(sendto(fd, bytes, len, 0, (struct sockaddr *)&place.storage, place.len),
                 (ssize_t)len);
}

/* The next answer; it must come. */
static struct lease_datagram answer(void)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    unsigned char bytes[LEASE_DATAGRAM_MAX];
    struct lease_datagram d;

    cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "no answer came");
    ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
    cr_assert(len > 0 && lease_wire_read(bytes, (size_t)len, conf.key, &d));
    return d;
}

/* The milliseconds that are granted; 0 for a refusal. */
static int renew(int64_t term)
{
    static uint64_t sequence;

    send_renewal("control-plane", conf.key, SHARD, term, ++sequence);
    struct lease_datagram d = answer();
    cr_assert_eq(d.kind, LEASE_ANSWER);
    cr_assert_eq(d.sequence, sequence);
    return d.entries[0].ms;
}

Test(vote, renewals_are_granted_until_another_term_is_promised)
{
    int64_t wait_ms;

    vote_know(vote, SHARD, 4, LEASE_MS);
    cr_assert_eq(renew(3), 0, "the store knows a higher term");
    clock_manual_advance(&manual, 5000);
    cr_assert_eq(renew(4), LEASE_MS);
    cr_assert_not(vote_promise(vote, SHARD, 5, &wait_ms));
    cr_assert_eq(wait_ms, lease_grant_ms(LEASE_MS));
    clock_manual_advance(&manual, wait_ms);
    cr_assert(vote_promise(vote, SHARD, 5, &wait_ms));
    cr_assert_eq(renew(4), 0);
    cr_assert(vote_promise(vote, SHARD, 5, &wait_ms), "asked again it says the same");
    cr_assert_eq(renew(6), LEASE_MS);
    cr_assert_not(vote_promise(vote, SHARD, 5, &wait_ms));
    cr_assert_eq(wait_ms, INT64_MAX, "a higher one is granted");
}

Test(vote, one_that_was_just_started_promises_nothing_at_first)
{
    int64_t wait_ms;

    vote_know(vote, SHARD, 4, LEASE_MS);
    cr_assert_not(vote_promise(vote, SHARD, 5, &wait_ms));
    cr_assert_eq(wait_ms, lease_grant_ms(LEASE_MS));
    clock_manual_advance(&manual, wait_ms);
    cr_assert(vote_promise(vote, SHARD, 5, &wait_ms));
}

/* The one of the fixture ends; another one begins in its place. */
static void begin_anew(int trust_ms, int other_ms)
{
    vote_stop(vote);
    conf.trust_ms = trust_ms;
    conf.other_ms = other_ms;
    conf.listen = &place;
    cr_assert_not(err_failed(vote_start(&arena, &conf, &vote)));
}

Test(vote, one_whose_place_may_be_taken_says_nothing_until_it_is_confirmed)
{
    begin_anew(1000, 0);
    vote_know(vote, SHARD, 4, LEASE_MS);
    clock_manual_advance(&manual, 1000);
    cr_assert_eq(renew(4), LEASE_MS, "its start was not long ago");
    clock_manual_advance(&manual, 1);
    send_renewal("control-plane", conf.key, SHARD, 4, 900);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&ready, 1, 50), 0);
    vote_confirm(vote, manual.now_boot_ms);
    cr_assert_eq(renew(4), LEASE_MS);
}

Test(vote, one_that_takes_a_place_waits_for_what_the_other_one_may_grant)
{
    int64_t wait_ms;

    begin_anew(0, 5000);
    vote_know(vote, SHARD, 4, LEASE_MS);
    cr_assert_not(vote_promise(vote, SHARD, 5, &wait_ms));
    cr_assert_eq(wait_ms, 5000);
    clock_manual_advance(&manual, 4999);
    cr_assert_not(vote_promise(vote, SHARD, 5, &wait_ms));
    clock_manual_advance(&manual, 1);
    cr_assert(vote_promise(vote, SHARD, 5, &wait_ms));
}

Test(vote, what_is_not_for_it_has_no_answer)
{
    const unsigned char other[LEASE_KEY_BYTES] = {2};
    int64_t wait_ms;

    vote_know(vote, SHARD, 4, LEASE_MS);
    send_renewal("control-plane", other, SHARD, 4, 100);
    send_renewal("another", conf.key, SHARD, 4, 101);
    send_renewal("control-plane", conf.key, SHARD + 1, 4, 102);
    cr_assert_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&place.storage, place.len), 1);
    cr_assert_eq(renew(4), LEASE_MS, "the first answer is to this one");
    vote_forget(vote, SHARD);
    cr_assert_not(vote_promise(vote, SHARD, 5, &wait_ms));
    cr_assert_eq(wait_ms, INT64_MAX);
}
