/* A real interface, in a network of the test's own. */
#include "agent/addresses/interface.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/net.h"
#include "base/proc.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 20

static struct arena arena;

static bool run(const char *command)
{
    return system(command) == 0;
}

/* An interface called cable, whose other end is plug. */
static void begin(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 ||
        !run("ip link add cable address 02:aa:bb:cc:dd:ee type veth peer name plug 2>/dev/null") ||
        !run("ip link set cable up && ip link set plug up"))
        cr_skip_test("this machine makes no networks for tests");
}

static void end(void)
{
    arena_fini(&arena);
}

TestSuite(interface, .init = begin, .fini = end);

static struct ip ip_of(const char *text)
{
    struct ip ip;

    cr_assert(ip_parse(str_of(text), &ip));
    return ip;
}

static bool is_there(struct interface *i, const char *text)
{
    const struct ip ip = ip_of(text);
    bool out = false;

    cr_assert_not(err_failed(i->has(i->context, &arena, &ip, &out)));
    return out;
}

static bool can_listen(const char *text)
{
    struct net_addr address;
    int fd;

    cr_assert(net_addr_parse_host(str_of(text), &address));
    if (err_failed(net_listen_tcp(&arena, &address, &fd)))
        return false;
    close(fd);
    return true;
}

Test(interface, addresses_come_and_go)
{
    static const char *const texts[] = {"10.9.8.7", "fd00:9::7"};
    struct interface i;

    cr_assert_not(err_failed(interface_open(&arena, "cable", INTERFACE_PREFIX, &i)));
    for (size_t at = 0; at < 2; at++) {
        const struct ip ip = ip_of(texts[at]);
        cr_expect_not(is_there(&i, texts[at]));
        for (int again = 0; again < 2; again++)
            cr_expect_not(err_failed(i.add(i.context, &arena, &ip, 5)));
        cr_expect(is_there(&i, texts[at]));
        cr_expect(can_listen(texts[at]), "it is no candidate that others are asked about");
        for (int again = 0; again < 2; again++)
            cr_expect_not(err_failed(i.remove(i.context, &arena, &ip)));
        cr_expect_not(is_there(&i, texts[at]));
    }
    interface_close(&i);
    interface_close(&i);
}

Test(interface, what_is_given_for_a_second_goes_by_itself)
{
    const struct ip ip = ip_of("10.9.8.7");
    struct interface i;

    cr_assert_not(err_failed(interface_open(&arena, "cable", INTERFACE_PREFIX, &i)));
    cr_expect_not(err_failed(i.add(i.context, &arena, &ip, 1)));
    for (int tries = 0; is_there(&i, "10.9.8.7") && tries < 100 * PATIENCE_S; tries++)
        usleep(10000);
    cr_expect_not(is_there(&i, "10.9.8.7"));
    interface_close(&i);
}

Test(interface, no_route_and_no_address_of_others_comes_or_goes_with_one)
{
    const struct ip one = ip_of("10.9.8.7"), other = ip_of("10.9.8.8");
    struct interface i;

    cr_assert_not(err_failed(interface_open(&arena, "cable", 24, &i)));
    cr_expect_not(err_failed(i.add(i.context, &arena, &one, 0)));
    cr_expect(run("test -z \"$(ip route show)\""));
    cr_expect_not(err_failed(i.add(i.context, &arena, &other, 0)));
    cr_expect(is_there(&i, "10.9.8.8"));
    interface_close(&i);
    cr_assert_not(err_failed(interface_open(&arena, "cable", INTERFACE_PREFIX, &i)));
    cr_expect(is_there(&i, "10.9.8.7"), "an end changes nothing");
    interface_close(&i);
}

static int hear(int type)
{
    const struct sockaddr_ll here = {.sll_family = AF_PACKET,
                                     .sll_protocol = htobe16((uint16_t)type),
                                     .sll_ifindex = (int)if_nametoindex("plug")};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, here.sll_protocol);

    cr_assert(fd >= 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&here, sizeof(here)), 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return fd;
}

Test(interface, neighbours_hear_of_an_address_in_both_forms)
{
    const struct ip ip = ip_of("10.9.8.7");
    unsigned char got[128];
    struct interface i;

    cr_assert_not(err_failed(interface_open(&arena, "cable", INTERFACE_PREFIX, &i)));
    int fd = hear(ETHERTYPE_ARP);
    i.announce(i.context, &ip);
    for (int form = 1; form <= 2; form++) {
        cr_assert_eq(recv(fd, got, sizeof(got), 0), 42);
        cr_expect_arr_eq(got + 6, "\x02\xaa\xbb\xcc\xdd\xee", 6);
        cr_expect_eq(got[21], form);
        cr_expect_arr_eq(got + 28, "\x0a\x09\x08\x07", 4);
    }
    close(fd);
    interface_close(&i);
}

Test(interface, neighbours_hear_of_one_of_ipv6)
{
    const struct ip ip = ip_of("fd00:9::7");
    unsigned char got[256];
    struct interface i;

    cr_assert_not(err_failed(interface_open(&arena, "cable", INTERFACE_PREFIX, &i)));
    int fd = hear(ETHERTYPE_IPV6);
    i.announce(i.context, &ip);
    do /* the kernel speaks to routers, too */
        cr_assert_gt(recv(fd, got, sizeof(got), 0), 54);
    while (got[54] != 136);
    cr_expect_arr_eq(got + 62, "\xfd\x00\x00\x09", 4);
    cr_expect_eq(got[77], 7);
    cr_expect_arr_eq(got + 80, "\x02\xaa\xbb\xcc\xdd\xee", 6);
    close(fd);
    interface_close(&i);
}

Test(interface, one_that_is_not_there_or_that_nobody_comes_by_is_refused)
{
    struct interface i = {0};

    struct err e = interface_open(&arena, "wire", INTERFACE_PREFIX, &i);
    cr_expect_eq(e.code, ERR_NOT_FOUND);
    cr_expect_str_eq(e.why, "this host has no interface wire");
    cr_expect_eq(interface_open(&arena, "lo", INTERFACE_PREFIX, &i).code, ERR_INVALID);
    interface_close(&i);
}

Test(interface, without_rights_it_says_which_are_missing)
{
    struct interface i;

    cr_assert_eq(setresuid(65534, 65534, 65534), 0);
    struct err e = interface_open(&arena, "cable", INTERFACE_PREFIX, &i);
    cr_expect_eq(e.code, ERR_DENIED);
    cr_expect(strstr(e.why, "CAP_NET_ADMIN and CAP_NET_RAW") != NULL, "%s", e.why);
}

Test(interface, one_that_went_is_an_error_for_what_comes_and_none_for_what_goes)
{
    const struct ip ip = ip_of("10.9.8.7");
    struct interface i;

    cr_assert_not(err_failed(interface_open(&arena, "cable", INTERFACE_PREFIX, &i)));
    cr_assert(run("ip link del cable"));
    cr_expect_eq(i.add(i.context, &arena, &ip, 0).code, ERR_IO);
    cr_expect_not(err_failed(i.remove(i.context, &arena, &ip)));
    i.announce(i.context, &ip);
    interface_close(&i);
}

Test(interface_words, name_an_interface_and_the_length_of_a_network)
{
    static const struct {
        const char *words, *name;
        int prefix;
    } good[] = {
        {"eth0",    "eth0",  32},
        {"eth0/24", "eth0",  24},
        {"br0.7",   "br0.7", 32},
    };
    static const char *const bad[] = {
        "", "/24", "eth0/", "eth0/0", "eth0/33", "eth0/x", "a-name-that-is-too-long"};
    const char *name;
    int prefix;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect(interface_parse(&arena, good[i].words, &name, &prefix), "%s", good[i].words);
        cr_expect_str_eq(name, good[i].name);
        cr_expect_eq(prefix, good[i].prefix);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(interface_parse(&arena, bad[i], &name, &prefix), "%s", bad[i]);
    arena_fini(&arena);
}
