/* Blocking sockets with a bound on waiting. */
#include "ask.h"

#include "base/net.h"

#include <criterion/criterion.h>

#include <unistd.h>

#define PATIENCE_S 5

int ask_connect(const char *host, int port, int type)
{
    struct net_addr address;
    struct timeval patience = {.tv_sec = PATIENCE_S};

    cr_assert(net_addr_parse_host(str_of(host), &address));
    net_addr_set_port(&address, port);
    int fd = socket(address.storage.ss_family, type | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address.storage, address.len), 0);
    return fd;
}

bool ask_udp(const char *host, int port, const char *name, int type, struct wire_reply *out)
{
    static struct wire query;
    uint8_t bytes[4096];
    int fd = ask_connect(host, port, SOCK_DGRAM);

    wire_query(&query, 0x4321, name, type);
    cr_assert_eq(send(fd, query.bytes, query.len, 0), (ssize_t)query.len);
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    close(fd);
    return got > 0 && wire_read(bytes, (size_t)got, out) && out->id == 0x4321;
}

void ask_stream_send(int fd, const struct wire *query)
{
    uint8_t prefix[2] = {(uint8_t)(query->len >> 8), (uint8_t)query->len};

    cr_assert_eq(send(fd, prefix, 2, MSG_NOSIGNAL), 2);
    cr_assert_eq(send(fd, query->bytes, query->len, MSG_NOSIGNAL), (ssize_t)query->len);
}

bool ask_stream_read(int fd, struct wire_reply *out)
{
    static uint8_t bytes[65535];

    if (recv(fd, bytes, 2, MSG_WAITALL) != 2)
        return false;
    ssize_t len = bytes[0] << 8 | bytes[1];
    return recv(fd, bytes, (size_t)len, MSG_WAITALL) == len && wire_read(bytes, (size_t)len, out);
}
