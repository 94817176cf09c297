#include "stub_service.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t body_length(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");

    return line ? strtoul(line + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static void read_request(int fd, char *out)
{
    size_t len = 0;

    while (len < STUB_REQUEST_BYTES - 1) {
        out[len] = '\0';
        const char *end = strstr(out, "\r\n\r\n");
        if (end && len >= (size_t)(end + 4 - out) + body_length(out))
            return;
        ssize_t got = read(fd, out + len, STUB_REQUEST_BYTES - 1 - len);
        if (got <= 0)
            return;
        len += (size_t)got;
    }
}

static void answer(const struct stub *s, int fd, size_t index)
{
    const struct stub_answer *a =
        &s->answers[index < s->answer_count ? index : s->answer_count - 1];

    dprintf(fd,
            "HTTP/1.1 %d Status\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
            "Connection: close\r\n\r\n%s",
            a->status, strlen(a->body), a->body);
}

static void *serve(void *context)
{
    struct stub *s = context;

    for (;;) {
        int fd = accept(s->listen_fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        const size_t index = s->request_count;
        char *place = s->requests[index < STUB_REQUESTS_MAX ? index : STUB_REQUESTS_MAX - 1];
        read_request(fd, place);
        s->request_count++;
        answer(s, fd, index);
        close(fd);
    }
}

struct stub *stub_start(const struct stub_answer *answers, size_t count)
{
    struct stub *s = calloc(1, sizeof(*s));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    s->answers = answers;
    s->answer_count = count;
    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(s->listen_fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(s->listen_fd, 16), 0);
    cr_assert_eq(getsockname(s->listen_fd, (struct sockaddr *)&address, &len), 0);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    cr_assert_eq(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

void stub_stop(struct stub *s)
{
    shutdown(s->listen_fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listen_fd);
    free(s);
}
