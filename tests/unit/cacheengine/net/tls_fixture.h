/* Certificates that sign themselves, as files in a folder of their own. */
#ifndef LARDER_TESTS_TLS_FIXTURE_H
#define LARDER_TESTS_TLS_FIXTURE_H

#include "cacheengine/dispatch/config.h"
#include "cacheengine/net/tls.h"
#include "tls_certificate.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls_fixture {
    struct config config;
    struct settings settings;
    struct arena a;
    char dir[64];
};

/* A line of configuration; "%s" is the folder. */
static inline void tls_set(struct tls_fixture *f, const char *line)
{
    struct buf text = BUF_EMPTY;

    for (; *line; line++) {
        if (line[0] == '%' && line[1] == 's') {
            buf_puts(&text, f->dir);
            line++;
        } else {
            buf_putc(&text, *line);
        }
    }
    struct err e = config_load_text(&f->config, &f->a, buf_str(&text), "test");
    cr_assert_not(err_failed(e), "%s", e.why);
    buf_fini(&text);
}

/* Ready to serve as "one", trusting "one". */
static inline void tls_begin(struct tls_fixture *f)
{
    *f = (struct tls_fixture){0};
    signal(SIGPIPE, SIG_IGN); /* as main does */
    snprintf(f->dir, sizeof(f->dir), "/tmp/larder-tls-XXXXXX");
    cr_assert(mkdtemp(f->dir));
    config_init(&f->config, &f->settings);
    certificate_make(f->dir, "one");
    certificate_make(f->dir, "two");
    tls_set(f, "larder-tls-mode preferred\ntls-auth-clients no\ntls-cert-file %s/one.crt\n"
               "tls-key-file %s/one.key\ntls-ca-cert-file %s/one.crt");
}

static inline void tls_end(struct tls_fixture *f)
{
    static const char *const names[] = {"one.crt", "one.key", "two.crt", "two.key"};

    for (size_t i = 0; i < countof(names); i++)
        unlink(arena_printf(&f->a, "%s/%s", f->dir, names[i]));
    rmdir(f->dir);
    config_fini(&f->config);
    arena_fini(&f->a);
}

/* Both ends of a connection that is still to shake hands. */
static inline void tls_pair(struct tls *tls, struct transport *accepting,
                            struct transport *connecting)
{
    int fds[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *accepting = transport_plain(fds[0]);
    accepting->session = tls_accept(tls, fds[0]);
    cr_assert(accepting->session);
    struct err e = transport_connect(connecting, fds[1], tls, "somewhere.test");
    cr_assert_not(err_failed(e), "%s", e.why);
}

/* True when both succeeded. */
static inline bool tls_shake(struct transport *a, struct transport *b)
{
    for (int i = 0; i < 20; i++) {
        enum transport_state of_a = transport_handshake(a), of_b = transport_handshake(b);

        if (of_a == TRANSPORT_FAILED || of_b == TRANSPORT_FAILED)
            return false;
        if (of_a == TRANSPORT_READY && of_b == TRANSPORT_READY)
            return true;
    }
    return false;
}

#endif
