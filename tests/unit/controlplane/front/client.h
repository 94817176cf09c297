/* HTTP spoken by hand, well or badly, to a front on loopback. */
#ifndef LARDER_TESTS_FRONT_CLIENT_H
#define LARDER_TESTS_FRONT_CLIENT_H

#include "base/buf.h"

#include <stdbool.h>

struct answer {
    int status;      /* 0 when the connection ended without one */
    struct buf text; /* head and body, NUL-terminated by buf_cstr */
    size_t head_len;
};

void answer_fini(struct answer *a);

/* A connected socket; reads give up after ten seconds. */
int client_connect(const char *host, int port);

void client_send(int fd, const char *text);
void client_send_bytes(int fd, const void *data, size_t len);

/* Reads one answer, skipping "100 Continue"; to its Content-Length. */
struct answer client_read(int fd);

/* True when the other side ends the connection, whatever it still sends. */
bool client_is_closed(int fd);

const char *answer_body(struct answer *a);
bool answer_has(struct answer *a, const char *text);

/* Sends and reads on a connection of its own. */
struct answer client_ask(int port, const char *request);

#endif
