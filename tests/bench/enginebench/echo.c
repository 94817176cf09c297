/*
 * The floor of the engine bench: what sockets alone cost. Counts the RESP requests in what it reads
 * (by their '*', which the bench's data never holds) and answers each with the same bytes.
 *
 *     echo PORT REPLY-BYTES     a bulk of that many bytes; 0 = "+OK"
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 256, IN_BYTES = 65536, MAX_REPLY = 4096 };

static size_t make_reply(char *out, size_t size)
{
    if (size == 0)
        return (size_t)snprintf(out, MAX_REPLY, "+OK\r\n");
    size_t head = (size_t)snprintf(out, MAX_REPLY, "$%zu\r\n", size);
    memset(out + head, 'x', size);
    memcpy(out + head + size, "\r\n", 2);
    return head + size + 2;
}

static int listen_on(const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 511)) {
        perror("echo");
        exit(1);
    }
    return fd;
}

static void answer(int fd, const char *reply, size_t reply_len)
{
    static char in[IN_BYTES], out[IN_BYTES / 4 * 64];
    ssize_t got = read(fd, in, sizeof(in));
    size_t n = 0;

    if (got <= 0) {
        close(fd);
        return;
    }
    for (const char *p = in; (p = memchr(p, '*', (size_t)(in + got - p))); p++) {
        if ((n + 1) * reply_len <= sizeof(out))
            memcpy(out + n++ * reply_len, reply, reply_len);
    }
    if (write(fd, out, n * reply_len) < 0)
        close(fd);
}

int main(int argc, char **argv)
{
    static char reply[MAX_REPLY];
    size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    if (argc < 3 || size > MAX_REPLY - 32)
        return 2;
    size_t reply_len = make_reply(reply, size);
    int listener = listen_on(argv[1]), ep = epoll_create1(0), yes = 1;
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, ready[MAX_EVENTS];

    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(ep, ready, MAX_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd != listener) {
                answer(ready[i].data.fd, reply, reply_len);
                continue;
            }
            int fd = accept(listener, NULL, NULL);

            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
            ev = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
            epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
        }
    }
}
