/* Blocking sockets with a bound on waiting. */
#include "client.h"

#include "base/net.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 10

void answer_fini(struct answer *a)
{
    buf_fini(&a->text);
}

int client_connect(const char *host, int port)
{
    struct net_addr address;
    struct timeval patience = {.tv_sec = PATIENCE_S};

    cr_assert(net_addr_parse_host(str_of(host), &address));
    net_addr_set_port(&address, port);
    int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address.storage, address.len), 0);
    return fd;
}

void client_send_bytes(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the other side has heard enough; what it says is read next */
        at += sent;
        len -= (size_t)sent;
    }
}

void client_send(int fd, const char *text)
{
    client_send_bytes(fd, text, strlen(text));
}

/* False at the end of the stream. */
static bool read_more(int fd, struct buf *to, size_t most)
{
    char *at = buf_reserve(to, most);
    ssize_t got = recv(fd, at, most, 0);

    if (got > 0)
        to->len += (size_t)got;
    return got > 0;
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");

    return at ? strtoul(at + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static struct answer read_one(int fd)
{
    struct answer a = {0};
    const char *end;

    while (!(end = strstr(buf_cstr(&a.text), "\r\n\r\n")))
        if (!read_more(fd, &a.text, 1)) /* no byte of the next answer */
            return a;
    a.head_len = (size_t)(end - a.text.ptr) + 4;
    a.status = (int)strtol(a.text.ptr + strlen("HTTP/1.1 "), NULL, 10);
    size_t whole = a.head_len + content_length(buf_cstr(&a.text));
    while (a.text.len < whole && read_more(fd, &a.text, whole - a.text.len))
        continue;
    buf_cstr(&a.text);
    return a;
}

struct answer client_read(int fd)
{
    struct answer a = read_one(fd);

    while (a.status == 100) {
        answer_fini(&a);
        a = read_one(fd);
    }
    return a;
}

bool client_is_closed(int fd)
{
    char scratch[4096];

    for (;;) {
        ssize_t got = recv(fd, scratch, sizeof(scratch), 0);
        if (got <= 0)
            return got == 0 || errno == ECONNRESET;
    }
}

const char *answer_body(struct answer *a)
{
    return buf_cstr(&a->text) + a->head_len;
}

bool answer_has(struct answer *a, const char *text)
{
    return strstr(buf_cstr(&a->text), text) != NULL;
}

struct answer client_ask(int port, const char *request)
{
    int fd = client_connect("127.0.0.1", port);

    client_send(fd, request);
    struct answer a = client_read(fd);
    close(fd);
    return a;
}
