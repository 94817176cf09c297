/*
 * A poll(2) loop over the listening socket and an eventfd. While the house is full, or the process
 * out of descriptors, the listening socket is left alone and newcomers wait in the kernel's
 * backlog.
 */
#include "controlplane/front/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "controlplane/front/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ACCEPT_BATCH   64
#define OUT_OF_FDS_MS  100
#define SLEEP_LIMIT_MS 3600000

struct keeper {
    struct keeper_conf conf;
    pthread_t thread;
    bool is_running; /* the thread is */
    int poke_fd;
    atomic_bool must_stop;
};

/* False when the process has no descriptor left. */
static bool accept_some(struct keeper *k)
{
    for (int i = 0; i < ACCEPT_BATCH && !conns_is_full(k->conf.conns); i++) {
        struct sockaddr_storage storage;
        socklen_t len = sizeof(storage);
        int fd = accept4(k->conf.listen_fd, (struct sockaddr *)&storage, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
        struct net_addr peer = net_addr_of((struct sockaddr *)&storage);
        k->conf.take(k->conf.context, fd, &peer);
    }
    return true;
}

static int wait_ms(int64_t until_ms, int64_t now)
{
    int64_t left = until_ms - now;

    if (left > SLEEP_LIMIT_MS)
        return SLEEP_LIMIT_MS;
    return left > 0 ? (int)left : 0;
}

static void poke_take(struct keeper *k)
{
    eventfd_t pokes;

    (void)eventfd_read(k->poke_fd, &pokes); /* fails when there was none: that is fine */
}

static void *keeper_loop(void *arg)
{
    struct keeper *k = arg;
    bool has_fds = true;

    while (!atomic_load(&k->must_stop)) {
        int64_t now = clock_boot_ms(k->conf.clock), next = conns_tick(k->conf.conns);
        bool may_accept = has_fds && !conns_is_full(k->conf.conns);
        struct pollfd fds[] = {
            {.fd = k->poke_fd,        .events = POLLIN},
            {.fd = k->conf.listen_fd, .events = POLLIN}
        };
        if (!has_fds && next > now + OUT_OF_FDS_MS)
            next = now + OUT_OF_FDS_MS;
        (void)poll(fds, may_accept ? 2 : 1, wait_ms(next, now));
        poke_take(k);
        has_fds = !may_accept || !fds[1].revents || accept_some(k);
        if (!has_fds)
            log_warn("no descriptors left: new connections wait");
    }
    return NULL;
}

struct err keeper_new(const struct keeper_conf *conf, struct keeper **out)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return err_sys(errno, "cannot make an eventfd");
    struct keeper *k = calloc(1, sizeof(*k));
    check(k != NULL);
    k->conf = *conf;
    k->poke_fd = fd;
    *out = k;
    return OK;
}

struct err keeper_start(struct keeper *k)
{
    int sys = pthread_create(&k->thread, NULL, keeper_loop, k);

    if (sys != 0)
        return err_sys(sys, "cannot start the thread that accepts connections");
    k->is_running = true;
    return OK;
}

void keeper_stop(struct keeper *k)
{
    if (!k || !k->is_running)
        return;
    atomic_store(&k->must_stop, true);
    keeper_poke(k);
    pthread_join(k->thread, NULL);
    k->is_running = false;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    close(k->poke_fd);
    free(k);
}

void keeper_poke(struct keeper *k)
{
    (void)eventfd_write(k->poke_fd, 1); /* full means poked already */
}
