#include "base/net.h"
#include "net_fixture.h"

#include <sys/stat.h>

static void finish(struct net_fixture *f)
{
    loop_close(&f->loop);
    engine_fini(&f->engine);
    arena_fini(&f->a);
    rmdir(f->dir);
}

/* A loopback address and a port that is taken on it. */
static int take_port(char port[8])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f4c0101)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(port, 8, "%d", ntohs(a.sin_port));
    return fd;
}

Test(listen, a_taken_port_is_said_with_its_address)
{
    struct net_fixture f;
    char port[8], line[64];
    int fd = take_port(port);

    snprintf(line, sizeof(line), "bind 127.76.1.1\nport %s\n", port);
    net_configure(&f, (const char *const[]){line, NULL});
    struct err e = loop_open(&f.loop, &f.engine, &f.a);
    cr_assert(err_failed(e));
    cr_assert(strstr(e.why, "127.76.1.1"));
    cr_assert(strstr(e.why, "Address already in use"));
    cr_assert(strstr(e.why, "(tcp), aborting."));
    finish(&f);
    close(fd);
}

Test(listen, an_address_that_may_fail_does_not_stop_the_others)
{
    struct net_fixture f;
    char port[8], line[64];
    int fd = take_port(port);

    snprintf(line, sizeof(line), "bind -127.76.1.1 127.76.1.2\nport %s\n", port);
    net_configure(&f, (const char *const[]){line, NULL});
    cr_assert_not(err_failed(loop_open(&f.loop, &f.engine, &f.a)));
    cr_assert_eq(f.loop.listener_count, 2);
    finish(&f);
    close(fd);
}

Test(listen, addresses_of_both_families_are_listened_on)
{
    struct net_fixture f;
    struct net_addr six;
    char port[8], line[64];

    cr_assert(net_addr_parse_host(STR("::1"), &six));
    if (!net_addr_is_here(&six))
        return; /* a machine without IPv6 */
    close(take_port(port));
    snprintf(line, sizeof(line), "bind 127.76.1.3 ::1\nport %s\n", port);
    net_configure(&f, (const char *const[]){line, NULL});
    cr_assert_not(err_failed(loop_open(&f.loop, &f.engine, &f.a)));
    cr_assert_eq(f.loop.listener_count, 3);
    finish(&f);
}

Test(listen, an_address_of_another_machine_is_none)
{
    struct net_fixture f;

    net_configure(&f, (const char *const[]){"bind 2001:db8::1\nport 22518\n", NULL});
    struct err e = loop_open(&f.loop, &f.engine, &f.a);
    cr_assert(err_failed(e));
    cr_assert(strstr(e.why, "2001:db8::1"));
    finish(&f);
}

Test(listen, the_admin_socket_is_the_owners_alone)
{
    struct net_fixture f;
    struct stat st;

    net_configure(&f, (const char *const[]){"unixsocketperm 666", NULL});
    cr_assert_not(err_failed(loop_open(&f.loop, &f.engine, &f.a)));
    cr_assert_neq(stat(f.admin, &st), 0);
    cr_assert_not(err_failed(listeners_open_admin(&f.loop, &f.a)));
    cr_assert(stat(f.admin, &st) == 0 && (st.st_mode & 0777) == 0600);
    cr_assert(stat(f.path, &st) == 0 && (st.st_mode & 0777) == 0666);
    finish(&f);
    cr_assert_neq(stat(f.path, &st), 0);
}

Test(listen, nowhere_is_an_error)
{
    struct net_fixture f;

    net_configure(&f, (const char *const[]){"unixsocket ''", "larder-admin-socket ''", NULL});
    struct err e = loop_open(&f.loop, &f.engine, &f.a);
    cr_assert(err_failed(e));
    cr_assert(strstr(e.why, "not listen anywhere"));
    finish(&f);
}
