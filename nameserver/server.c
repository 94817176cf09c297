/*
 * One epoll loop. Each descriptor is a `source` with the function that serves it; TCP connections
 * are slots of a fixed array, so nothing that the loop points at is ever freed under it.
 */
#include "nameserver/server.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "nameserver/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PORT_TRIES     32
#define DATAGRAM_BATCH 64 /* answered in a row before the streams have their turn */
#define DATAGRAM_MAX   4096
#define STREAM_READ    4096
#define EVENT_BATCH    32
#define SWEEP_EVERY_MS 1000
#define PREFIX_BYTES   2
#define CONTROL_BYTES  128

struct source {
    int fd; /* -1: not in use */
    void (*serve)(struct server *s, struct source *source);
};

struct stream {
    struct source source;
    struct net_addr here;
    struct buf in, out;
    int64_t active_ms;
    bool waits_to_write;
};

struct server {
    struct zone *zone;
    const struct clock *clock;
    pthread_t thread;
    int port;
    int epoll_fd;
    int spare_fd; /* given up for a moment when the process has no descriptor left */
    struct source stop, datagrams, listener;
    bool must_stop, is_running;
    size_t open_streams;
    struct stream streams[SERVER_STREAMS_MAX];
    uint8_t reply[ANSWER_STREAM_MAX];
};

static void watch(struct server *s, struct source *source, int op, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    check(epoll_ctl(s->epoll_fd, op, source->fd, &event) == 0);
}

static void serve_stop(struct server *s, struct source *source)
{
    (void)source;
    s->must_stop = true;
}

/* The address that a datagram was sent to: with a wildcard socket the answer must come from there.
 */
static struct net_addr arrival_address(struct msghdr *message, int port)
{
    struct net_addr here = {0};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
            struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = info->ipi_addr};
            here = net_addr_of((struct sockaddr *)&v4);
            info->ipi_spec_dst = info->ipi_addr;
            info->ipi_ifindex = 0;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);
            struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = info->ipi6_addr};
            here = net_addr_of((struct sockaddr *)&v6);
        }
    }
    net_addr_set_port(&here, port);
    return here;
}

/* Answers one datagram; false when none is waiting. */
static bool serve_datagram(struct server *s, int fd)
{
    uint8_t query[DATAGRAM_MAX];
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    struct sockaddr_storage peer;
    struct iovec part = {.iov_base = query, .iov_len = sizeof(query)};
    struct msghdr message = {.msg_name = &peer,
                             .msg_namelen = sizeof(peer),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};

    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0)
        return errno == EINTR || errno == ECONNREFUSED;
    struct net_addr here = arrival_address(&message, s->port);
    struct answer_call call = {.query = query, .query_len = (size_t)got, .here = &here};
    part = (struct iovec){.iov_base = s->reply, .iov_len = dns_answer(s->zone, &call, s->reply)};
    if (part.iov_len > 0 && sendmsg(fd, &message, 0) < 0)
        log_debug("dns answer not sent", f_str("why", strerrorname_np(errno)));
    return true;
}

static void serve_datagrams(struct server *s, struct source *source)
{
    for (int i = 0; i < DATAGRAM_BATCH; i++)
        if (!serve_datagram(s, source->fd))
            return;
}

static void stream_close(struct server *s, struct stream *stream)
{
    close(stream->source.fd);
    buf_fini(&stream->in);
    buf_fini(&stream->out);
    stream->source.fd = -1;
    stream->waits_to_write = false;
    s->open_streams--;
}

/* Takes whole messages off `in` and puts their answers on `out`, one at a time, so that a client
 * that does not read holds back only itself. False when the stream is beyond repair. */
static bool stream_answer(struct server *s, struct stream *stream)
{
    const uint8_t *at = (const uint8_t *)stream->in.ptr;

    if (stream->in.len < PREFIX_BYTES)
        return true;
    size_t len = (size_t)at[0] << 8 | at[1];
    if (stream->in.len < PREFIX_BYTES + len)
        return true;
    struct answer_call call = {
        .query = at + PREFIX_BYTES, .query_len = len, .is_stream = true, .here = &stream->here};
    size_t size = dns_answer(s->zone, &call, s->reply);
    if (size == 0)
        return false;
    buf_putc(&stream->out, (char)(size >> 8));
    buf_putc(&stream->out, (char)(size & 0xff));
    buf_add(&stream->out, s->reply, size);
    buf_consume(&stream->in, PREFIX_BYTES + len);
    return true;
}

/* False when the peer is gone. */
static bool stream_flush(struct stream *stream)
{
    while (stream->out.len > 0) {
        ssize_t sent = send(stream->source.fd, stream->out.ptr, stream->out.len, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        buf_consume(&stream->out, (size_t)sent);
    }
    return true;
}

/* Answers what is complete and sends it, until something is missing or the peer does not read. */
static bool stream_advance(struct server *s, struct stream *stream)
{
    size_t before;

    do {
        before = stream->in.len;
        if (!stream_answer(s, stream) || !stream_flush(stream))
            return false;
    } while (stream->in.len != before && stream->out.len == 0);
    return true;
}

/* False at the end of the stream. */
static bool stream_read(struct stream *stream)
{
    char *to = buf_reserve(&stream->in, STREAM_READ);
    ssize_t got = recv(stream->source.fd, to, STREAM_READ, 0);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    stream->in.len += (size_t)got;
    return got > 0;
}

static void serve_stream(struct server *s, struct source *source)
{
    struct stream *stream = container_of(source, struct stream, source);

    if (source->fd < 0)
        return;
    stream->active_ms = clock_boot_ms(s->clock);
    bool is_alive = stream->out.len > 0 ? stream_flush(stream) : stream_read(stream);
    if (!is_alive || !stream_advance(s, stream)) {
        stream_close(s, stream);
        return;
    }
    bool must_wait = stream->out.len > 0;
    if (must_wait != stream->waits_to_write)
        watch(s, source, EPOLL_CTL_MOD, must_wait ? EPOLLOUT : EPOLLIN);
    stream->waits_to_write = must_wait;
}

/* A free slot; when there is none, that of the connection which has been idle for longest. */
static struct stream *stream_slot(struct server *s)
{
    struct stream *idlest = &s->streams[0];

    for (size_t i = 0; i < SERVER_STREAMS_MAX; i++) {
        if (s->streams[i].source.fd < 0)
            return &s->streams[i];
        if (s->streams[i].active_ms < idlest->active_ms)
            idlest = &s->streams[i];
    }
    stream_close(s, idlest);
    return idlest;
}

/* Without a descriptor the connection would stay in the backlog and wake the loop for ever. */
static void turn_away(struct server *s, const struct source *listener)
{
    close(s->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void serve_listener(struct server *s, struct source *source)
{
    int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        turn_away(s, source);
    if (fd < 0)
        return;
    struct stream *stream = stream_slot(s);
    *stream = (struct stream){
        .source = {.fd = fd, .serve = serve_stream},
        .here = net_addr_of_socket(fd),
        .active_ms = clock_boot_ms(s->clock)
    };
    s->open_streams++;
    watch(s, &stream->source, EPOLL_CTL_ADD, EPOLLIN);
}

static void sweep(struct server *s)
{
    int64_t now = clock_boot_ms(s->clock);

    for (size_t i = 0; i < SERVER_STREAMS_MAX; i++)
        if (s->streams[i].source.fd >= 0 && now - s->streams[i].active_ms >= SERVER_IDLE_MS)
            stream_close(s, &s->streams[i]);
}

static void *server_loop(void *arg)
{
    struct server *s = arg;
    struct epoll_event events[EVENT_BATCH];

    while (!s->must_stop) {
        int timeout_ms = s->open_streams > 0 ? SWEEP_EVERY_MS : -1;
        int count = epoll_wait(s->epoll_fd, events, EVENT_BATCH, timeout_ms);
        for (int i = 0; i < count; i++) {
            struct source *source = events[i].data.ptr;
            source->serve(s, source);
        }
        if (s->open_streams > 0)
            sweep(s);
    }
    return NULL;
}

/* Both sockets on one port. With port 0 the system chooses for UDP, and TCP may find that port
 * taken: then another one is tried. */
static struct err bind_pair(struct arena *a, struct net_addr address, int *udp, int *tcp)
{
    bool may_choose = net_addr_port(&address) == 0;
    struct err e = OK;

    for (int i = 0; i < PORT_TRIES; i++) {
        TRY(net_bind_udp(a, &address, udp));
        struct net_addr bound = net_addr_of_socket(*udp);
        e = net_listen_tcp(a, &bound, tcp);
        if (!err_failed(e))
            return OK;
        close(*udp);
        if (!may_choose || !err_is(e, ERR_CONFLICT))
            return e;
    }
    return e;
}

static void ask_for_arrival_address(int fd, int family)
{
    int on = 1;

    if (family == AF_INET)
        check(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0);
    else
        check(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0);
}

static struct server *server_new(int udp, int tcp, struct zone *z, const struct clock *clock)
{
    struct server *s = calloc(1, sizeof(*s));

    check(s != NULL);
    s->zone = z;
    s->clock = clock;
    s->stop = (struct source){.fd = eventfd(0, EFD_CLOEXEC), .serve = serve_stop};
    s->datagrams = (struct source){.fd = udp, .serve = serve_datagrams};
    s->listener = (struct source){.fd = tcp, .serve = serve_listener};
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < SERVER_STREAMS_MAX; i++)
        s->streams[i].source.fd = -1;
    return s;
}

static void server_free(struct server *s)
{
    for (size_t i = 0; i < SERVER_STREAMS_MAX; i++)
        if (s->streams[i].source.fd >= 0)
            stream_close(s, &s->streams[i]);
    close(s->datagrams.fd);
    close(s->listener.fd);
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    if (s->stop.fd >= 0)
        close(s->stop.fd);
    if (s->epoll_fd >= 0)
        close(s->epoll_fd);
    free(s);
}

static struct err thread_start(struct server *s)
{
    int sys = pthread_create(&s->thread, NULL, server_loop, s);

    s->is_running = sys == 0;
    return sys == 0 ? OK : err_sys(sys, "cannot start the DNS server's thread");
}

struct err server_start(struct arena *a, const struct net_addr *address, struct zone *z,
                        const struct clock *clock, struct server **out)
{
    int udp = -1, tcp = -1;

    TRY(bind_pair(a, *address, &udp, &tcp));
    struct net_addr bound = net_addr_of_socket(udp);
    struct server *s = server_new(udp, tcp, z, clock);
    s->port = net_addr_port(&bound);
    if (s->stop.fd < 0 || s->epoll_fd < 0) {
        int sys = errno;
        server_free(s);
        return err_sys(sys, "cannot set up the DNS server's event loop");
    }
    ask_for_arrival_address(udp, address->storage.ss_family);
    watch(s, &s->stop, EPOLL_CTL_ADD, EPOLLIN);
    watch(s, &s->datagrams, EPOLL_CTL_ADD, EPOLLIN);
    watch(s, &s->listener, EPOLL_CTL_ADD, EPOLLIN);
    struct err e = thread_start(s);
    if (err_failed(e)) {
        server_free(s);
        return e;
    }
    *out = s;
    return OK;
}

static void thread_stop(struct server *s)
{
    eventfd_t count;

    if (!s->is_running)
        return;
    check(eventfd_write(s->stop.fd, 1) == 0);
    pthread_join(s->thread, NULL);
    check(eventfd_read(s->stop.fd, &count) == 0);
    s->must_stop = s->is_running = false;
}

struct err server_change_zone(struct server *s, struct zone *z)
{
    thread_stop(s);
    s->zone = z;
    return thread_start(s);
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    thread_stop(s);
    server_free(s);
}

int server_port(const struct server *s)
{
    return s->port;
}
