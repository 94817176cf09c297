/* Addresses as text and listening sockets. */
#include "base/arena.h"
#include "base/fs.h"
#include "base/net.h"

#include <criterion/criterion.h>

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Test(net, reads_ipv4_and_ipv6_literals_and_writes_them_back)
{
    static const char *const texts[] = {"127.0.0.1:9379", "0.0.0.0:0", "[::1]:65535",
                                        "[2001:db8::7]:80"};
    struct arena a = {0};

    for (size_t i = 0; i < countof(texts); i++) {
        struct net_addr address;
        cr_assert(net_addr_parse(str_of(texts[i]), &address), "%s", texts[i]);
        cr_expect_str_eq(net_addr_text(&a, &address), texts[i]);
    }
    arena_fini(&a);
}

Test(net, refuses_what_is_not_a_literal_with_a_port)
{
    static const char *const texts[] = {"",
                                        ":",
                                        ":80",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:65536",
                                        "localhost:80",
                                        "[::1]",
                                        "::1:80",
                                        "[::1]:-1",
                                        "[]:80",
                                        "127.0.0.1:8x",
                                        "[127.0.0.1]:80",
                                        "1.2.3:80",
                                        "1.2.3.4.5:1",
                                        "[fe80::1%lo]:80",
                                        "127.0.0.1 :80"};

    for (size_t i = 0; i < countof(texts); i++) {
        struct net_addr address;
        cr_expect_not(net_addr_parse(str_of(texts[i]), &address), "%s", texts[i]);
    }
}

Test(net, reads_hosts_without_a_port)
{
    struct arena a = {0};
    struct net_addr address;

    cr_assert(net_addr_parse_host(STR("::1"), &address));
    cr_expect_str_eq(net_addr_host_text(&a, &address), "::1");
    cr_assert(net_addr_parse_host(STR("10.1.2.3"), &address));
    cr_expect_str_eq(net_addr_host_text(&a, &address), "10.1.2.3");
    cr_expect_eq(net_addr_port(&address), 0);
    cr_expect_not(net_addr_parse_host(STR("10.1.2.3\0"), &address));
    arena_fini(&a);
}

Test(net, knows_loopback_and_wildcard)
{
    static const struct {
        const char *text;
        bool is_loopback, is_wildcard;
    } rows[] = {
        {"127.0.0.1:1",          true,  false},
        {"127.77.3.4:1",         true,  false},
        {"128.0.0.1:1",          false, false},
        {"0.0.0.0:1",            false, true },
        {"[::]:1",               false, true },
        {"[::1]:1",              true,  false},
        {"[::2]:1",              false, false},
        {"[::ffff:127.0.0.9]:1", true,  false},
        {"[::ffff:10.0.0.9]:1",  false, false},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct net_addr address;
        cr_assert(net_addr_parse(str_of(rows[i].text), &address));
        cr_expect_eq(net_addr_is_loopback(&address), rows[i].is_loopback, "%s", rows[i].text);
        cr_expect_eq(net_addr_is_wildcard(&address), rows[i].is_wildcard, "%s", rows[i].text);
    }
}

Test(net, a_listening_socket_has_a_port_and_a_second_one_is_told_that_it_is_taken)
{
    struct arena a = {0};
    struct net_addr address;
    int first = -1, second = -1;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_eq(net_listen_tcp(&a, &address, &first).code, ERR_OK);
    address = net_addr_of_socket(first);
    cr_assert_gt(net_addr_port(&address), 0);
    struct err e = net_listen_tcp(&a, &address, &second);
    cr_expect_eq(e.code, ERR_CONFLICT);
    cr_expect_eq(e.sys, 0, "the sentence says it all");
    cr_expect(str_ends(str_of(e.why), "is taken by another program"));
    cr_expect_eq(second, -1);
    close(first);
    arena_fini(&a);
}

Test(net, a_second_udp_socket_on_the_port_is_refused)
{
    struct arena a = {0};
    struct net_addr address;
    int first = -1, second = -1;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_eq(net_bind_udp(&a, &address, &first).code, ERR_OK);
    address = net_addr_of_socket(first);
    cr_expect_eq(net_bind_udp(&a, &address, &second).code, ERR_CONFLICT);
    close(first);
    arena_fini(&a);
}

Test(net, an_address_of_another_machine_is_refused_in_words)
{
    struct arena a = {0};
    struct net_addr address;
    int fd = -1;

    cr_assert(net_addr_parse(STR("192.0.2.1:0"), &address));
    struct err e = net_listen_tcp(&a, &address, &fd);
    cr_expect_eq(e.code, ERR_UNAVAILABLE);
    cr_expect(str_starts(str_of(e.why), "this machine does not have the address of 192.0.2.1:"));
    arena_fini(&a);
}

Test(net, the_machine_knows_its_own_addresses)
{
    static const struct {
        const char *text;
        bool is_here;
    } rows[] = {
        {"127.0.0.1",   true },
        {"127.77.3.4",  true },
        {"192.0.2.1",   false},
        {"2001:db8::1", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net_addr address;
        cr_assert(net_addr_parse_host(str_of(rows[i].text), &address));
        cr_expect_eq(net_addr_is_here(&address), rows[i].is_here, "%s", rows[i].text);
    }
}

Test(net, a_unix_socket_is_found_in_a_folder_with_a_long_path)
{
    struct arena arena = {0};
    char folder[] = "/tmp/larder-net-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
    char here[PATH_MAX];

    cr_assert_not_null(mkdtemp(folder));
    const char *deep = arena_printf(&arena, "%s/%0150d", folder, 0);
    cr_assert_eq(mkdir(deep, 0700), 0);
    cr_assert_lt(net_connect_unix_in(deep, "sock"), 0, "nobody listens yet");

    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_not_null(getcwd(here, sizeof(here)));
    cr_assert_eq(chdir(deep), 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(chdir(here), 0);
    cr_assert_eq(listen(listener, 1), 0);
    int fd = net_connect_unix_in(deep, "sock");
    cr_assert_geq(fd, 0);
    cr_assert_lt(net_connect_unix_in("/nonexistent", "sock"), 0);
    close(fd);
    close(listener);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}
