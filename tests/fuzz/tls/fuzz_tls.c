/*
 * The first bytes of a connection where TLS and plain clients meet: whatever they are, the loop
 * tells the two apart, and a handshake that goes wrong ends its own connection and nothing else.
 * The first byte of the input says which kind of port it is and how the rest is cut into reads.
 */
#include "cacheengine/net/loop.h"
#include "tests/unit/cacheengine/net/tls_certificate.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
    struct engine engine;
    struct loop loop;
    struct arena a;
};

static void world_open(struct world *w)
{
    char dir[] = "/tmp/larder-fuzz-tls-XXXXXX";

    signal(SIGPIPE, SIG_IGN);
    check(mkdtemp(dir));
    certificate_make(dir, "one");
    config_init(&w->engine.config, &w->engine.settings);
    /* The password keeps plain clients from everything but being parsed. */
    const char *lines = arena_printf(&w->a,
                                     "port 0\nunixsocket %s/s\nrequirepass secret\n"
                                     "tls-auth-clients no\ntls-cert-file %s/one.crt\n"
                                     "tls-key-file %s/one.key\nlarder-tls-mode preferred\n",
                                     dir, dir, dir);
    struct err e = config_load_text(&w->engine.config, &w->a, str_of(lines), "fuzz");
    check(!err_failed(e));
    engine_init(&w->engine);
    e = loop_open(&w->loop, &w->engine, &w->a);
    check(!err_failed(e));
    unlink(arena_printf(&w->a, "%s/one.crt", dir));
    unlink(arena_printf(&w->a, "%s/one.key", dir));
    unlink(arena_printf(&w->a, "%s/s", dir));
    rmdir(dir);
}

static void send_some(int fd, const uint8_t *bytes, size_t len)
{
    (void)!send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One connection from its first byte to its end. */
static void visit(struct world *w, const struct listener *from, const uint8_t *bytes, size_t len,
                  size_t cut)
{
    int fds[2];

    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    conn_open(&w->loop, fds[0], from);
    for (size_t at = 0; at < len; at += cut) {
        send_some(fds[1], bytes + at, len - at < cut ? len - at : cut);
        loop_round(&w->loop, 0);
    }
    shutdown(fds[1], SHUT_WR);
    while (w->engine.client_count > 0)
        loop_round(&w->loop, 100);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *w; /* one for all inputs: keys are dear */
    struct listener from = {0};

    if (size < 2)
        return 0;
    if (!w) {
        w = calloc(1, sizeof(*w));
        check(w);
        world_open(w);
        visit(w, &from, (const uint8_t *)"PING\r\n", 6, 6); /* buffers that stay are there now */
    }
    from.is_tls = data[0] & 1;
    w->engine.settings.tls_mode = data[0] & 2 ? TLS_PREFERRED : TLS_REQUIRED;
    size_t before = w->engine.keyspace.account.client_bytes;
    visit(w, &from, data + 1, size - 1, data[0] >> 2 ? data[0] >> 2 : size);
    check(w->engine.keyspace.account.client_bytes == before);
    return 0;
}
