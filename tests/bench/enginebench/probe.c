/*
 * Looks at how long a server lets one quiet client wait: sends the same command every so often, one
 * at a time, until its standard input ends, and prints microseconds: count p50 p99 p99.9 max.
 *
 *     probe PORT INTERVAL-US COMMAND...      (an inline command; any one-line or bulk reply)
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SAMPLES = 4 << 20, REPLY_BYTES = 65536 };

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int connect_to(const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    if (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
        perror("probe");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

/* One reply: a line, or for a bulk what its length says. */
static void read_reply(int fd)
{
    static char in[REPLY_BYTES];
    size_t have = 0, want = 0;

    for (;;) {
        ssize_t got = read(fd, in + have, sizeof(in) - have);
        if (got <= 0) {
            fprintf(stderr, "probe: the server closed the connection\n");
            exit(1);
        }
        have += (size_t)got;
        const char *eol = memchr(in, '\n', have);
        if (!eol)
            continue;
        want = (size_t)(eol - in) + 1;
        if (in[0] == '$' && in[1] != '-')
            want += strtoul(in + 1, NULL, 10) + 2;
        if (have >= want)
            return;
    }
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static float at_share(const float *sorted, size_t n, double share)
{
    return sorted[(size_t)((double)(n - 1) * share)];
}

int main(int argc, char **argv)
{
    char command[512] = "";
    size_t n = 0;

    if (argc < 4)
        return 2;
    for (int i = 3; i < argc; i++) {
        size_t len = strlen(command);
        snprintf(command + len, sizeof(command) - len, "%s%s", argv[i],
                 i + 1 < argc ? " " : "\r\n");
    }
    int fd = connect_to(argv[1]), interval_ms = (int)(strtoul(argv[2], NULL, 10) / 1000);
    float *samples = malloc(MAX_SAMPLES * sizeof(*samples));
    struct pollfd end = {.fd = 0, .events = POLLIN};
    while (samples && n < MAX_SAMPLES && poll(&end, 1, interval_ms) == 0) {
        double began = now_us();
        if (write(fd, command, strlen(command)) < 0)
            return 1;
        read_reply(fd);
        samples[n++] = (float)(now_us() - began);
    }
    if (n == 0)
        return 1;
    qsort(samples, n, sizeof(*samples), by_size);
    printf("%zu %.0f %.0f %.0f %.0f\n", n, at_share(samples, n, 0.5), at_share(samples, n, 0.99),
           at_share(samples, n, 0.999), samples[n - 1]);
}
