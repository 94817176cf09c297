/*
 * Sends one request over and over on some keep-alive connections and measures what comes back.
 *
 *     httpload HOST PORT CONNECTIONS SECONDS FILE
 *
 * FILE holds a whole HTTP request, head and body. One request is under way per connection. Prints
 * one line of JSON: requests, failed (not 200), seconds, and latencies in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX     (1 << 22)
#define RESPONSE_MAX    (4 << 20)
#define CONNECTIONS_MAX 1024

struct connection {
    int fd;
    bool must_reopen; /* the server ends it with this answer */
    char *in;
    size_t len, want; /* want: bytes of the whole answer, 0 while the head is not complete */
    int64_t sent_ns;
};

struct load {
    struct connection connections[CONNECTIONS_MAX];
    char *request;
    size_t request_len;
    struct sockaddr_in address;
    int epoll_fd;
    uint32_t *samples_us;
    size_t requests, failed;
};

static void die(const char *what)
{
    fprintf(stderr, "httpload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_request(struct load *l, const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        die(path);
    l->request = malloc(1 << 20);
    l->request_len = fread(l->request, 1, 1 << 20, f);
    fclose(f);
}

static void open_connection(struct load *l, struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd, (struct sockaddr *)&l->address, sizeof(l->address)) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (!c->in)
        c->in = malloc(RESPONSE_MAX);
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll_ctl");
}

static void send_request(struct load *l, struct connection *c)
{
    c->len = c->want = 0;
    c->sent_ns = now_ns();
    if (c->must_reopen) {
        close(c->fd);
        open_connection(l, c);
        c->must_reopen = false;
    }
    if (send(c->fd, l->request, l->request_len, MSG_NOSIGNAL) != (ssize_t)l->request_len)
        die("send");
}

/* Finds the end of the head and the length behind it. */
static void read_head(struct connection *c)
{
    char *end = memmem(c->in, c->len, "\r\n\r\n", 4);

    if (!end)
        return;
    *end = '\0';
    char *length = strcasestr(c->in, "\r\nContent-Length:");
    c->must_reopen =
        strncmp(c->in, "HTTP/1.0", 8) == 0 || strcasestr(c->in, "\r\nConnection: close");
    *end = '\r';
    c->want = (size_t)(end - c->in) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
}

/* True when the whole answer is there. */
static bool receive(struct connection *c)
{
    ssize_t got = recv(c->fd, c->in + c->len, RESPONSE_MAX - 1 - c->len, 0);

    if (got == 0)
        errno = ECONNRESET;
    if (got <= 0 && (got == 0 || errno != EAGAIN))
        die("recv");
    c->len += got > 0 ? (size_t)got : 0;
    c->in[c->len] = '\0';
    if (c->want == 0)
        read_head(c);
    return c->want > 0 && c->len >= c->want;
}

static void count(struct load *l, struct connection *c)
{
    l->failed += strncmp(c->in, "HTTP/1.1 200", 12) != 0;
    if (l->requests < SAMPLES_MAX)
        l->samples_us[l->requests] = (uint32_t)((now_ns() - c->sent_ns) / 1000);
    l->requests++;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void report(struct load *l, double seconds)
{
    size_t n = l->requests < SAMPLES_MAX ? l->requests : SAMPLES_MAX;

    if (n == 0)
        die("no answer at all");
    qsort(l->samples_us, n, sizeof(*l->samples_us), ascending);
    printf(
        "{\"requests\": %zu, \"failed\": %zu, \"seconds\": %.3f, \"p50_us\": %u, \"p99_us\": %u, "
        "\"max_us\": %u}\n",
        l->requests, l->failed, seconds, l->samples_us[n / 2], l->samples_us[n * 99 / 100],
        l->samples_us[n - 1]);
}

int main(int argc, char **argv)
{
    static struct load l;
    struct epoll_event events[CONNECTIONS_MAX];

    if (argc != 6) {
        fprintf(stderr, "usage: httpload HOST PORT CONNECTIONS SECONDS FILE\n");
        return 2;
    }
    int count_wanted = (int)strtol(argv[3], NULL, 10);
    if (count_wanted < 1 || count_wanted > CONNECTIONS_MAX)
        return 2;
    read_request(&l, argv[5]);
    l.samples_us = malloc(SAMPLES_MAX * sizeof(*l.samples_us));
    l.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l.address = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)strtol(argv[2], NULL, 10))};
    inet_pton(AF_INET, argv[1], &l.address.sin_addr);
    for (int i = 0; i < count_wanted; i++)
        open_connection(&l, &l.connections[i]);

    int64_t begun = now_ns(), end = begun + (int64_t)(strtod(argv[4], NULL) * 1e9);
    for (int i = 0; i < count_wanted; i++)
        send_request(&l, &l.connections[i]);
    while (now_ns() < end || l.requests == 0) {
        int ready = epoll_wait(l.epoll_fd, events, CONNECTIONS_MAX, 100);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!receive(c))
                continue;
            count(&l, c);
            send_request(&l, c);
        }
    }
    report(&l, (double)(now_ns() - begun) / 1e9);
    return 0;
}
