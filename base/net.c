/* Thin over inet_pton and the socket calls; its worth is in the sentences of its errors. */
#include "base/net.h"

#include "base/arena.h"
#include "base/fs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG    512
#define ANSWER_TIMEOUT_MS 1000 /* of this machine itself */

static const struct sockaddr_in *as_v4(const struct net_addr *address)
{
    return (const struct sockaddr_in *)&address->storage;
}

static const struct sockaddr_in6 *as_v6(const struct net_addr *address)
{
    return (const struct sockaddr_in6 *)&address->storage;
}

static bool parse_v4(const char *text, struct net_addr *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &v4.sin_addr) != 1)
        return false;
    *out = (struct net_addr){.len = sizeof(v4)};
    memcpy(&out->storage, &v4, sizeof(v4));
    return true;
}

static bool parse_v6(const char *text, struct net_addr *out)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
        return false;
    *out = (struct net_addr){.len = sizeof(v6)};
    memcpy(&out->storage, &v6, sizeof(v6));
    return true;
}

bool net_addr_parse_host(struct str text, struct net_addr *out)
{
    char copy[INET6_ADDRSTRLEN];
    bool has_brackets = text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';

    if (has_brackets)
        text = (struct str){text.ptr + 1, text.len - 2};
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return (!has_brackets && parse_v4(copy, out)) || parse_v6(copy, out);
}

bool net_addr_parse(struct str text, struct net_addr *out)
{
    struct net_addr address;
    uint64_t port;
    size_t colon = text.len;

    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2 || !str_to_u64((struct str){text.ptr + colon, text.len - colon}, &port) ||
        port > UINT16_MAX)
        return false;
    struct str host = {text.ptr, colon - 1};
    bool has_brackets = host.ptr[0] == '[';
    if (!has_brackets && str_find(host, ':') != SIZE_MAX)
        return false;
    if (!net_addr_parse_host(host, &address))
        return false;
    net_addr_set_port(&address, (int)port);
    *out = address;
    return true;
}

struct net_addr net_addr_of(const struct sockaddr *address)
{
    struct net_addr result = {0};

    if (address && address->sa_family == AF_INET)
        result.len = sizeof(struct sockaddr_in);
    if (address && address->sa_family == AF_INET6)
        result.len = sizeof(struct sockaddr_in6);
    if (result.len)
        memcpy(&result.storage, address, result.len);
    return result;
}

struct net_addr net_addr_of_socket(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0)
        return (struct net_addr){0};
    return net_addr_of((const struct sockaddr *)&storage);
}

int net_addr_port(const struct net_addr *address)
{
    if (address->storage.ss_family == AF_INET)
        return ntohs(as_v4(address)->sin_port);
    if (address->storage.ss_family == AF_INET6)
        return ntohs(as_v6(address)->sin6_port);
    return 0;
}

void net_addr_set_port(struct net_addr *address, int port)
{
    if (address->storage.ss_family == AF_INET)
        ((struct sockaddr_in *)&address->storage)->sin_port = htons((uint16_t)port);
    if (address->storage.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = htons((uint16_t)port);
}

bool net_addr_is_loopback(const struct net_addr *address)
{
    if (address->storage.ss_family == AF_INET)
        return ntohl(as_v4(address)->sin_addr.s_addr) >> 24 == 127;
    if (address->storage.ss_family != AF_INET6)
        return false;
    const struct in6_addr *v6 = &as_v6(address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

bool net_addr_is_wildcard(const struct net_addr *address)
{
    if (address->storage.ss_family == AF_INET)
        return as_v4(address)->sin_addr.s_addr == htonl(INADDR_ANY);
    return address->storage.ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&as_v6(address)->sin6_addr);
}

char *net_addr_host_text(struct arena *a, const struct net_addr *address)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (address->storage.ss_family == AF_INET)
        inet_ntop(AF_INET, &as_v4(address)->sin_addr, text, sizeof(text));
    if (address->storage.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &as_v6(address)->sin6_addr, text, sizeof(text));
    return arena_strdup(a, text);
}

char *net_addr_text(struct arena *a, const struct net_addr *address)
{
    const char *host = net_addr_host_text(a, address);

    if (address->storage.ss_family == AF_INET6)
        return arena_printf(a, "[%s]:%d", host, net_addr_port(address));
    return arena_printf(a, "%s:%d", host, net_addr_port(address));
}

/* Says in words what a failed bind or listen means for the person who chose the address; where the
 * words say it all, errno is left out. */
static struct err bind_error(struct arena *a, const struct net_addr *address, int sys)
{
    const char *text = net_addr_text(a, address);

    switch (sys) {
    case EADDRINUSE: return err_format(a, ERR_CONFLICT, "%s is taken by another program", text);
    case EADDRNOTAVAIL:
        return err_format(a, ERR_UNAVAILABLE, "this machine does not have the address of %s", text);
    case EACCES: return err_format(a, ERR_DENIED, "listening on %s needs more privileges", text);
    default: {
        struct err e = err_format(a, ERR_IO, "cannot listen on %s", text);
        e.sys = sys;
        return e;
    }
    }
}

static struct err bind_socket(struct arena *a, const struct net_addr *address, int type,
                              int *out_fd)
{
    int fd = socket(address->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(errno, "cannot make a socket");

    /* TCP only: there it skips the wait after a restart; with UDP it would let two servers share.
     */
    int on = 1;
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address->storage, address->len) != 0 ||
        (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) != 0)) {
        struct err e = bind_error(a, address, errno);
        close(fd);
        return e;
    }
    *out_fd = fd;
    return OK;
}

struct err net_listen_tcp(struct arena *a, const struct net_addr *address, int *out_fd)
{
    return bind_socket(a, address, SOCK_STREAM, out_fd);
}

struct err net_bind_udp(struct arena *a, const struct net_addr *address, int *out_fd)
{
    return bind_socket(a, address, SOCK_DGRAM, out_fd);
}

void net_allow_routed(int fd, int family)
{
    int on = 1;

    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
}

/* A connection to it arrives, or not. */
static bool is_connected(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int sys = 0;
    socklen_t len = sizeof(sys);

    return poll(&poll_fd, 1, ANSWER_TIMEOUT_MS) == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) == 0 && sys == 0;
}

bool net_addr_is_here(const struct net_addr *address)
{
    struct net_addr any_port = *address;
    const int family = address->storage.ss_family;

    net_addr_set_port(&any_port, 0);
    scoped(fd_close) int server = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    scoped(fd_close) int client = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server < 0 || client < 0)
        return false;
    net_allow_routed(server, family);
    if (bind(server, (const struct sockaddr *)&any_port.storage, any_port.len) != 0 ||
        listen(server, 1) != 0)
        return false;
    struct net_addr bound = net_addr_of_socket(server);
    if (connect(client, (const struct sockaddr *)&bound.storage, bound.len) != 0 &&
        errno != EINPROGRESS)
        return false;
    return is_connected(client);
}

/* Through the folder's descriptor: that makes a short name of any path. */
int net_connect_unix_in(const char *dir, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    scoped(fd_close) int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int len =
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
    if (dir_fd < 0 || len < 0 || (size_t)len >= sizeof(address.sun_path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fd_close(&fd);
    return fd;
}
