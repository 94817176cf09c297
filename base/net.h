/*
 * Socket addresses as text, and listening sockets.
 *
 * Only literals are read ("127.0.0.1:9379", "[::1]:0"): the house never asks a resolver where to
 * listen. Every socket is non-blocking and close-on-exec.
 */
#ifndef LARDER_BASE_NET_H
#define LARDER_BASE_NET_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/socket.h>

struct arena;

struct net_addr {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* Reads "A.B.C.D:PORT" or "[IPv6]:PORT"; port 0 lets the system choose. False for anything else. */
bool net_addr_parse(struct str text, struct net_addr *out);

/* The same without a port: "127.0.0.1", "::1" (brackets allowed). The port is 0. */
bool net_addr_parse_host(struct str text, struct net_addr *out);

/* From what the kernel gave; another family than IPv4 and IPv6 gives an empty address (len 0). */
struct net_addr net_addr_of(const struct sockaddr *address);

/* The address that a socket is bound to. */
struct net_addr net_addr_of_socket(int fd);

int net_addr_port(const struct net_addr *address);
void net_addr_set_port(struct net_addr *address, int port);

/* 127.0.0.0/8, ::1 and IPv4 loopback mapped into IPv6. */
bool net_addr_is_loopback(const struct net_addr *address);

/* 0.0.0.0 and ::. */
bool net_addr_is_wildcard(const struct net_addr *address);

/* "127.0.0.1:9379", "[::1]:9379", and without the port "127.0.0.1", "::1"; in `a`. */
char *net_addr_text(struct arena *a, const struct net_addr *address);
char *net_addr_host_text(struct arena *a, const struct net_addr *address);

/*
 * A listening TCP socket, or a bound UDP socket, that the caller owns. ERR_CONFLICT when the port
 * is taken, ERR_UNAVAILABLE when the machine does not have the address, ERR_DENIED when the port
 * needs privileges, ERR_IO otherwise; the sentence (in `a`) names the address.
 */
must_use struct err net_listen_tcp(struct arena *a, const struct net_addr *address, int *out_fd);
must_use struct err net_bind_udp(struct arena *a, const struct net_addr *address, int *out_fd);

/* True when the machine answers on that address, whatever the port: it is one of its own, or of a
 * block that is routed to itself. */
bool net_addr_is_here(const struct net_addr *address);

/* Lets a socket be bound to an address of such a block. */
void net_allow_routed(int fd, int family);

/* A connection to the unix socket of that name in a folder, whose path may be longer than a
 * socket's name can be. The caller owns it; -1 when nobody listens there. */
int net_connect_unix_in(const char *dir, const char *name);

#endif
