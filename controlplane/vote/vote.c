/* One thread, one socket, and a lock over the voter that is held for the time of a few additions.
 */
#include "controlplane/vote/vote.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "lease/voter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct vote {
    const struct clock *clock;
    unsigned char key[LEASE_KEY_BYTES];
    uint64_t number; /* as a voter */
    int fd, stop_fd;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    struct lease_voter *voter;
    int trust_ms;
    int64_t confirmed_ms, promises_from_ms;
};

static int64_t now_ms(const struct vote *v)
{
    return clock_boot_ms(v->clock);
}

static bool is_trusted(const struct vote *v)
{
    return v->trust_ms == 0 || now_ms(v) - v->confirmed_ms <= v->trust_ms;
}

/* --- renewals --- */

static bool answer(struct vote *v, const struct lease_datagram *asked, struct lease_datagram *out)
{
    if (asked->kind != LEASE_RENEW || asked->voter != v->number)
        return false;
    pthread_mutex_lock(&v->lock);
    bool has_answer = is_trusted(v) && lease_voter_answer(v->voter, asked, now_ms(v), out);
    pthread_mutex_unlock(&v->lock);
    return has_answer;
}

/* False when nothing more waits. */
static bool serve_one(struct vote *v)
{
    unsigned char bytes[LEASE_DATAGRAM_MAX];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    struct lease_datagram asked, said;

    ssize_t len = recvfrom(v->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
    if (len < 0)
        return errno == EINTR;
    if (!lease_wire_read(bytes, (size_t)len, v->key, &asked) || !answer(v, &asked, &said))
        return true;
    size_t said_len = lease_wire_write(&said, v->key, bytes);
    (void)!sendto(v->fd, bytes, said_len, 0, (struct sockaddr *)&from, from_len); /* asked again */
    return true;
}

static void *serve(void *context)
{
    struct vote *v = context;
    struct pollfd fds[] = {
        {.fd = v->fd,      .events = POLLIN},
        {.fd = v->stop_fd, .events = POLLIN},
    };

    while (fds[1].revents == 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        while (fds[0].revents && serve_one(v))
            continue;
    }
    return NULL;
}

/* --- beginning and end --- */

/* A vote that comes late is none: before everything else that the machine does, where it may. */
static void hurry(pthread_t thread)
{
    const struct sched_param first = {.sched_priority = 1};

    if (pthread_setschedparam(thread, SCHED_RR, &first) != 0)
        log_debug("votes have no priority on this machine");
}

struct err vote_start(struct arena *a, const struct vote_conf *conf, struct vote **out)
{
    int fd;

    TRY(net_bind_udp(a, conf->listen, &fd));
    struct vote *v = calloc(1, sizeof(*v));
    check(v != NULL);
    v->clock = conf->clock;
    v->number = lease_voter_number(conf->name);
    for (size_t i = 0; i < LEASE_KEY_BYTES; i++)
        v->key[i] = conf->key[i];
    v->fd = fd;
    v->stop_fd = eventfd(0, EFD_CLOEXEC);
    check(v->stop_fd >= 0);
    v->voter = lease_voter_new();
    v->trust_ms = conf->trust_ms;
    v->confirmed_ms = now_ms(v);
    v->promises_from_ms = v->confirmed_ms + conf->other_ms;
    pthread_mutex_init(&v->lock, NULL);
    check(pthread_create(&v->thread, NULL, serve, v) == 0);
    hurry(v->thread);
    *out = v;
    return OK;
}

void vote_stop(struct vote *v)
{
    if (!v)
        return;
    check(eventfd_write(v->stop_fd, 1) == 0);
    pthread_join(v->thread, NULL);
    close(v->stop_fd);
    close(v->fd);
    lease_voter_free(v->voter);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

int vote_port(const struct vote *v)
{
    struct net_addr bound = net_addr_of_socket(v->fd);
    return net_addr_port(&bound);
}

void vote_confirm(struct vote *v, int64_t boot_ms)
{
    pthread_mutex_lock(&v->lock);
    v->confirmed_ms = boot_ms;
    pthread_mutex_unlock(&v->lock);
}

/* --- what it votes on --- */

void vote_know(struct vote *v, int64_t shard_id, int64_t term, int ms)
{
    pthread_mutex_lock(&v->lock);
    lease_voter_know(v->voter, shard_id, term, ms, now_ms(v));
    pthread_mutex_unlock(&v->lock);
}

void vote_forget(struct vote *v, int64_t shard_id)
{
    pthread_mutex_lock(&v->lock);
    lease_voter_forget(v->voter, shard_id);
    pthread_mutex_unlock(&v->lock);
}

/* What the other one granted, at the last moment that it could, has run out. */
static int64_t may_promise_ms(const struct vote *v, int64_t shard_id, int64_t term)
{
    int64_t at_ms = lease_voter_may_promise_ms(v->voter, shard_id, term);
    return at_ms < v->promises_from_ms ? v->promises_from_ms : at_ms;
}

bool vote_promise(struct vote *v, int64_t shard_id, int64_t term, int64_t *out_wait_ms)
{
    pthread_mutex_lock(&v->lock);
    int64_t now = now_ms(v), at_ms = may_promise_ms(v, shard_id, term);
    bool is_promised =
        now >= v->promises_from_ms && lease_voter_promise(v->voter, shard_id, term, now);
    pthread_mutex_unlock(&v->lock);
    *out_wait_ms = at_ms == INT64_MAX ? INT64_MAX : at_ms > now ? at_ms - now : 0;
    return is_promised;
}
