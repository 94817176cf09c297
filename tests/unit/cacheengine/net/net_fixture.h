/* An engine with its loop in a thread, on unix sockets in a folder of its own. */
#ifndef LARDER_TESTS_NET_FIXTURE_H
#define LARDER_TESTS_NET_FIXTURE_H

#include "cacheengine/net/loop.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct net_fixture {
    struct engine engine;
    struct loop loop;
    struct arena a;
    pthread_t thread;
    char dir[64], path[96], admin[96];
};

static inline void *net_run(void *arg)
{
    struct net_fixture *f = arg;

    loop_run(&f->loop);
    return NULL;
}

/* `options` are further directives, ended by NULL. */
static inline void net_configure(struct net_fixture *f, const char *const *options)
{
    *f = (struct net_fixture){0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/larder-net-XXXXXX");
    cr_assert(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
    snprintf(f->admin, sizeof(f->admin), "%s/a", f->dir);
    config_init(&f->engine.config, &f->engine.settings);
    const char *lines =
        arena_printf(&f->a, "port 0\nunixsocket %s\nlarder-admin-socket %s\n", f->path, f->admin);
    cr_assert_not(err_failed(config_load_text(&f->engine.config, &f->a, str_of(lines), "test")));
    for (; options && *options; options++)
        cr_assert_not(
            err_failed(config_load_text(&f->engine.config, &f->a, str_of(*options), "test")));
    engine_init(&f->engine);
}

static inline void net_begin(struct net_fixture *f, const char *const *options)
{
    net_configure(f, options);
    struct err e = loop_open(&f->loop, &f->engine, &f->a);
    cr_assert_not(err_failed(e), "%s", e.why);
    e = listeners_open_admin(&f->loop, &f->a);
    cr_assert_not(err_failed(e), "%s", e.why);
    cr_assert_eq(pthread_create(&f->thread, NULL, net_run, f), 0);
}

static inline int net_connect(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Sends all, from a process of its own kind of hurry: blocking. */
static inline void net_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        cr_assert(n > 0);
        bytes += n;
        len -= (size_t)n;
    }
}

/* Reads exactly `len` bytes; false when the connection ended before. */
static inline bool net_read(int fd, char *out, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, out, len);

        if (n <= 0)
            return false;
        out += n;
        len -= (size_t)n;
    }
    return true;
}

#define net_expect(fd, text)                               \
    do {                                                   \
        char got_[sizeof(text)] = {0};                     \
        cr_assert(net_read((fd), got_, sizeof(text) - 1)); \
        cr_assert_str_eq(got_, (text));                    \
    } while (0)

#define net_ask(fd, line, answer)                      \
    do {                                               \
        net_send((fd), line "\r\n", sizeof(line) + 1); \
        net_expect((fd), answer);                      \
    } while (0)

static inline void net_end(struct net_fixture *f)
{
    int fd = net_connect(f->admin);
    char c;

    net_send(fd, "SHUTDOWN\r\n", 10);
    pthread_join(f->thread, NULL);
    loop_close(&f->loop); /* ends the connection, too */
    cr_assert_not(net_read(fd, &c, 1));
    close(fd);
    engine_fini(&f->engine);
    arena_fini(&f->a);
    rmdir(f->dir);
}

#endif
