/* A resolver's side of a conversation with a server on loopback. */
#ifndef LARDER_TESTS_NAMESERVER_ASK_H
#define LARDER_TESTS_NAMESERVER_ASK_H

#include "wire.h"

/* A connected socket with a receive timeout; asserts. */
int ask_connect(const char *host, int port, int type);

/* Asks over UDP, from and to `host`; false when nothing came back. */
bool ask_udp(const char *host, int port, const char *name, int type, struct wire_reply *out);

/* Frames `query` onto a stream, and takes one framed reply off it; false at its end. */
void ask_stream_send(int fd, const struct wire *query);
bool ask_stream_read(int fd, struct wire_reply *out);

#endif
