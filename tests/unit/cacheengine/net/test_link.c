#include "cacheengine/net/link.h"
#include "net_fixture.h"

#include <arpa/inet.h>
#include <limits.h>
#include <sys/epoll.h>

/* A loop that the test turns by hand, the other side, and what a link's user was told. */
struct play {
    struct net_fixture f;
    int listener, other;
    struct link *link;
    int connected, readable, failed, due;
    char why[128];
    char got[64];
    size_t got_len;
};

static void on_connected(struct link *l)
{
    ((struct play *)l->owner)->connected++;
}

static void on_failed(struct link *l, struct err why)
{
    struct play *p = l->owner;

    p->failed++;
    snprintf(p->why, sizeof(p->why), "%s", why.why);
    link_close(l);
    p->link = NULL;
}

static void on_readable(struct link *l)
{
    struct play *p = l->owner;
    size_t got;

    p->readable++;
    struct err e = link_read(l, p->got + p->got_len, sizeof(p->got) - p->got_len, &got);
    p->got_len += got;
    if (err_failed(e))
        on_failed(l, e);
}

static void on_due(struct link *l)
{
    ((struct play *)l->owner)->due++;
}

static const struct link_user user = {on_connected, on_readable, on_failed, on_due};

static void turn(struct play *p)
{
    struct epoll_event ev[8];
    int count = epoll_wait(p->f.loop.epoll_fd, ev, 8, 5);

    for (int i = 0; i < count; i++)
        if (*(enum watch_kind *)ev[i].data.ptr == WATCH_LINK)
            links_event(ev[i].data.ptr, ev[i].events);
    (void)links_due(&p->f.loop);
    links_free_closed(&p->f.loop);
}

#define turn_until(p, claim)                                      \
    do {                                                          \
        for (int turns_ = 0; turns_ < 2000 && !(claim); turns_++) \
            turn(p);                                              \
        cr_assert(claim);                                         \
    } while (0)

static int listen_loopback(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(listen(fd, 4), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void play_dial(struct play *p, const char *host, int port, int64_t timeout_ms)
{
    struct link_target to = {.host = host, .port = port, .timeout_ms = timeout_ms};

    p->link = link_dial(&p->f.engine.dialer, &to, &user, p);
}

static void play_begin(struct play *p)
{
    *p = (struct play){.other = -1};
    net_configure(&p->f, NULL);
    cr_assert_not(err_failed(loop_open(&p->f.loop, &p->f.engine, &p->f.a)));
    cr_assert_not(err_failed(listeners_open_admin(&p->f.loop, &p->f.a)));
}

static void play_connect(struct play *p, const char *host)
{
    int port;

    play_begin(p);
    p->listener = listen_loopback(&port);
    play_dial(p, host, port, 5000);
    turn_until(p, p->connected == 1);
    p->other = accept(p->listener, NULL, NULL);
    close(p->listener);
}

static void play_end(struct play *p)
{
    if (p->other >= 0)
        close(p->other);
    loop_close(&p->f.loop);
    engine_fini(&p->f.engine);
    arena_fini(&p->f.a);
    rmdir(p->f.dir);
}

Test(link, bytes_go_both_ways)
{
    struct play p;
    char address[128];

    play_connect(&p, "127.0.0.1");
    link_write(p.link, "ping", 4);
    turn(&p);
    net_expect(p.other, "ping");
    net_send(p.other, "pong", 4);
    turn_until(&p, p.got_len == 4);
    cr_assert_arr_eq(p.got, "pong", 4);
    link_address(p.link, true, address);
    cr_assert_eq(strncmp(address, "127.0.0.1:", 10), 0);
    play_end(&p);
}

Test(link, a_name_is_resolved_aside)
{
    struct play p;

    play_connect(&p, "localhost");
    play_end(&p);
}

Test(link, what_the_other_side_does_not_take_is_sent_later)
{
    enum { SIZE = 8 << 20 };
    struct play p;
    char *bytes = malloc(SIZE), *got = malloc(SIZE);
    size_t len = 0;

    play_connect(&p, "127.0.0.1");
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    link_write(p.link, bytes, SIZE);
    cr_assert(link_pending(p.link) > 0);
    while (len < SIZE) {
        ssize_t part = recv(p.other, got + len, SIZE - len, MSG_DONTWAIT);

        if (part > 0)
            len += (size_t)part;
        else
            turn(&p);
    }
    cr_assert_eq(memcmp(bytes, got, SIZE), 0);
    cr_assert_eq(link_pending(p.link), 0);
    free(bytes);
    free(got);
    play_end(&p);
}

Test(link, who_does_not_listen_is_told_when_he_does)
{
    struct play p;

    play_connect(&p, "127.0.0.1");
    link_listen(p.link, false);
    net_send(p.other, "early", 5);
    for (int i = 0; i < 5; i++)
        turn(&p);
    cr_assert_eq(p.readable, 0);
    link_listen(p.link, true);
    turn_until(&p, p.got_len == 5);
    play_end(&p);
}

Test(link, a_refused_connection_is_told)
{
    struct play p;
    int port;

    play_begin(&p);
    p.listener = listen_loopback(&port);
    close(p.listener);
    play_dial(&p, "127.0.0.1", port, 5000);
    turn_until(&p, p.failed == 1);
    cr_assert_eq(p.connected, 0);
    play_end(&p);
}

Test(link, a_name_that_nobody_has_is_told)
{
    struct play p;

    play_begin(&p);
    /* A label has 63 bytes at most: nobody is asked about this one. */
    play_dial(&p, "x123456789x123456789x123456789x123456789x123456789x123456789x1234", 1, 60000);
    turn_until(&p, p.failed == 1);
    play_end(&p);
}

Test(link, who_does_not_answer_in_time_is_given_up)
{
    struct play p;

    play_begin(&p);
    /* A backlog that is full: the kernel answers no more. */
    int port, fd = listen_loopback(&port), waiting[16];
    cr_assert_eq(listen(fd, 0), 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    a.sin_port = htons((uint16_t)port);
    for (int i = 0; i < 16; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&a, sizeof(a));
    }
    play_dial(&p, "127.0.0.1", port, 50);
    turn_until(&p, p.failed == 1);
    cr_assert(strstr(p.why, "in time"));
    for (int i = 0; i < 16; i++)
        close(waiting[i]);
    close(fd);
    play_end(&p);
}

Test(link, the_end_of_the_other_side_is_read)
{
    struct play p;

    play_connect(&p, "127.0.0.1");
    net_send(p.other, "bye", 3);
    close(p.other);
    p.other = -1;
    turn_until(&p, p.failed == 1);
    cr_assert_eq(p.got_len, 3);
    play_end(&p);
}

Test(link, a_wake_comes_once)
{
    struct play p;

    play_connect(&p, "127.0.0.1");
    cr_assert_eq(links_due(&p.f.loop), INT_MAX);
    link_wake_in(p.link, 0);
    turn_until(&p, p.due == 1);
    link_wake_in(p.link, 10000);
    int wait_ms = links_due(&p.f.loop);
    cr_assert(wait_ms > 9000 && wait_ms <= 10000);
    link_wake_in(p.link, -1);
    cr_assert_eq(links_due(&p.f.loop), INT_MAX);
    cr_assert_eq(p.due, 1);
    play_end(&p);
}

Test(link, a_closed_link_is_told_nothing)
{
    struct play p;

    play_connect(&p, "127.0.0.1");
    net_send(p.other, "late", 4);
    link_wake_in(p.link, 0);
    link_close(p.link);
    for (int i = 0; i < 5; i++)
        turn(&p);
    cr_assert_eq(p.readable + p.due + p.failed, 0);
    play_end(&p);
}

Test(link, it_can_go_on_as_a_clients_connection)
{
    struct play p;

    play_connect(&p, "127.0.0.1");
    cr_assert(link_adopt(p.link, STR("PING\r\nPI")));
    cr_assert_eq(pthread_create(&p.f.thread, NULL, net_run, &p.f), 0);
    net_expect(p.other, "+PONG\r\n");
    net_ask(p.other, "NG", "+PONG\r\n");
    close(p.other);
    net_end(&p.f);
}
