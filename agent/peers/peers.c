/*
 * The thread and its lock. The lock lends the thread's priority to who has it, so that a starved
 * agent is not what a renewal waits for.
 */
#include "agent/peers/peers.h"

#include "agent/peers/inside.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/rng.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define KEY_FILE       "lease-key"
#define PORT_FILE      "peer-port"
#define PORT_MAX_BYTES 16
#define RT_PRIORITY    10
#define PLAIN_NICE     (-10)
#define NS_PER_MS      1000000L

static int64_t boot_ms(void)
{
    return clock_boot_ms(&clock_system);
}

/* ---- the thread ---- */

static void take_ticks(int fd)
{
    uint64_t ticks;
    ssize_t done = read(fd, &ticks, sizeof(ticks));
    (void)done; /* none: somebody took them before */
}

/* Real time where that is allowed, else as near to it as can be. Children get neither. */
static void hurry(void)
{
    const struct sched_param param = {.sched_priority = RT_PRIORITY};

    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) != 0)
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), PLAIN_NICE);
}

/* The timer's rounds are LEASE_RENEW_MS apart, unless one is late. */
static void measure(struct peers *p, int64_t now_ms)
{
    if (p->round_ms)
        lateness_add(&p->late, now_ms - p->round_ms - LEASE_RENEW_MS, now_ms);
    p->round_ms = now_ms;
}

static void turn(struct peers *p, const struct pollfd *fds)
{
    pthread_mutex_lock(&p->lock);
    int64_t now_ms = boot_ms();
    if (fds[0].revents)
        rounds_receive(p);
    if (fds[2].revents)
        take_ticks(p->wake_fd);
    if (fds[1].revents) {
        take_ticks(p->timer_fd);
        measure(p, now_ms);
    }
    if (fds[1].revents || fds[2].revents)
        rounds_send(p, now_ms);
    for (struct held *h = p->held; fds[1].revents && h; h = h->next)
        tell_drain(h);
    if (rounds_look(p, boot_ms()))
        eventfd_write(p->news_fd, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *run(void *context)
{
    struct peers *p = context;
    struct pollfd fds[] = {
        {.fd = p->socket_fd, .events = POLLIN},
        {.fd = p->timer_fd,  .events = POLLIN},
        {.fd = p->wake_fd,   .events = POLLIN},
    };

    hurry();
    for (;;) {
        if (poll(fds, countof(fds), -1) < 0)
            continue;
        pthread_mutex_lock(&p->lock);
        bool is_ending = p->is_ending;
        pthread_mutex_unlock(&p->lock);
        if (is_ending)
            return NULL;
        turn(p, fds);
    }
}

static struct err begin_thread(struct peers *p)
{
    pthread_mutexattr_t lends;
    const struct itimerspec every = {.it_interval = {.tv_nsec = LEASE_RENEW_MS * NS_PER_MS},
                                     .it_value = {.tv_nsec = NS_PER_MS}};

    pthread_mutexattr_init(&lends);
    pthread_mutexattr_setprotocol(&lends, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&p->lock, &lends);
    pthread_mutexattr_destroy(&lends);
    p->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    p->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->timer_fd < 0 || p->wake_fd < 0 || p->news_fd < 0)
        return err_sys(errno, "cannot make the timer of leases");
    timerfd_settime(p->timer_fd, 0, &every, NULL);
    int failure = pthread_create(&p->thread, NULL, run, p);
    if (failure)
        return err_sys(failure, "cannot start the thread of leases");
    p->has_thread = true;
    return OK;
}

static void wake(struct peers *p)
{
    eventfd_write(p->wake_fd, 1);
}

/* ---- beginning and end ---- */

static int port_of_before(struct arena *a, const char *state_dir)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    int64_t port;

    if (err_failed(fs_read_all(fs_join(a, state_dir, PORT_FILE), PORT_MAX_BYTES, &text)) ||
        !str_to_i64(str_trim(buf_str(&text)), &port) || port < 1 || port > UINT16_MAX)
        return 0;
    return (int)port;
}

/* The port of before, so that a start changes nothing for others; any other where it is taken. */
static struct err bind_socket(struct arena *a, const struct peers_conf *conf, int *out_fd)
{
    struct net_addr address = *conf->bind;

    if (net_addr_port(&address) == 0)
        net_addr_set_port(&address, port_of_before(a, conf->state_dir));
    struct err e = net_bind_udp(a, &address, out_fd);
    if (err_is(e, ERR_CONFLICT) && net_addr_port(conf->bind) == 0)
        e = net_bind_udp(a, conf->bind, out_fd);
    TRY(e);
    address = net_addr_of_socket(*out_fd);
    return fs_write_atomic(fs_join(a, conf->state_dir, PORT_FILE),
                           str_of(arena_printf(a, "%d\n", net_addr_port(&address))), 0600,
                           FS_NO_SYNC);
}

static void read_key(struct peers *p)
{
    scoped(buf_fini) struct buf key = BUF_EMPTY;

    if (err_failed(fs_read_all(p->key_path, LEASE_KEY_BYTES, &key)) || key.len != LEASE_KEY_BYTES)
        return; /* it is told with the first goals */
    memcpy(p->key, key.ptr, LEASE_KEY_BYTES);
    p->has_key = true;
}

struct err peers_open(struct arena *a, const struct peers_conf *conf, struct peers **out)
{
    int socket_fd = -1;
    uint64_t chance;

    TRY(bind_socket(a, conf, &socket_fd));
    struct peers *p = calloc(1, sizeof(*p));
    check(p != NULL);
    *p = (struct peers){.number = lease_voter_number(conf->host_id),
                        .key_path = strdup(fs_join(a, conf->state_dir, KEY_FILE)),
                        .socket_fd = socket_fd,
                        .timer_fd = -1,
                        .wake_fd = -1,
                        .news_fd = -1,
                        .voter = lease_voter_new()};
    check(p->key_path != NULL);
    rng_system_bytes(&chance, sizeof(chance));
    lease_rounds_init(&p->rounds, chance);
    read_key(p);
    struct err e = begin_thread(p);
    if (err_failed(e)) {
        peers_close(p);
        return e;
    }
    *out = p;
    return OK;
}

static void held_free(struct held *h)
{
    const char *const texts[] = {h->lease.dir, h->lease.socket, h->lease.greeting, h->lease.fence,
                                 h->lease.unfence};

    for (size_t i = 0; i < countof(texts); i++)
        free((char *)texts[i]);
    fd_close(&h->fd);
    free(h);
}

void peers_close(struct peers *p)
{
    if (!p)
        return;
    if (p->has_thread) {
        pthread_mutex_lock(&p->lock);
        p->is_ending = true;
        pthread_mutex_unlock(&p->lock);
        wake(p);
        pthread_join(p->thread, NULL);
    }
    while (p->held) {
        struct held *h = p->held;
        p->held = h->next;
        held_free(h);
    }
    pthread_mutex_destroy(&p->lock);
    lease_voter_free(p->voter);
    fd_close(&p->socket_fd);
    fd_close(&p->timer_fd);
    fd_close(&p->wake_fd);
    fd_close(&p->news_fd);
    free(p->key_path);
    free(p);
}

struct net_addr peers_address(const struct peers *p)
{
    return net_addr_of_socket(p->socket_fd);
}

int peers_news_fd(const struct peers *p)
{
    return p->news_fd;
}

void peers_news(struct peers *p)
{
    take_ticks(p->news_fd);
}

struct err peers_set_key(struct peers *p, const unsigned char key[LEASE_KEY_BYTES])
{
    pthread_mutex_lock(&p->lock);
    bool is_same = p->has_key && memcmp(p->key, key, LEASE_KEY_BYTES) == 0;
    memcpy(p->key, key, LEASE_KEY_BYTES);
    p->has_key = true;
    pthread_mutex_unlock(&p->lock);
    if (is_same)
        return OK;
    wake(p);
    return fs_write_atomic(p->key_path, (struct str){(const char *)key, LEASE_KEY_BYTES}, 0600,
                           FS_NO_SYNC);
}

/* ---- leases ---- */

static struct held **find(struct peers *p, int64_t node)
{
    struct held **at = &p->held;

    while (*at && (*at)->lease.node != node)
        at = &(*at)->next;
    return at;
}

static bool is_text(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

static bool is_same_lease(const struct held *h, const struct peers_lease *l)
{
    bool is_same = h->is_renewed && h->lease.shard == l->shard && h->lease.term == l->term &&
                   h->lease.ms == l->ms && h->lease.voter_count == l->voter_count &&
                   h->lease.teller == l->teller && is_text(h->lease.dir, l->dir) &&
                   is_text(h->lease.socket, l->socket) && is_text(h->lease.greeting, l->greeting) &&
                   is_text(h->lease.fence, l->fence) && is_text(h->lease.unfence, l->unfence);

    for (size_t i = 0; is_same && i < l->voter_count; i++)
        is_same = h->voters[i].number == l->voters[i].number &&
                  h->voters[i].address.len == l->voters[i].address.len &&
                  memcmp(&h->voters[i].address.storage, &l->voters[i].address.storage,
                         l->voters[i].address.len) == 0;
    return is_same;
}

static const char *keep(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    check(!text || copy);
    return copy;
}

static struct held *held_new(const struct peers_lease *l)
{
    const struct lease_entry renewal = {
        .shard = l->shard, .term = l->term, .holder = l->node, .ms = l->ms};
    uint64_t numbers[LEASE_VOTERS_MAX];
    struct held *h = calloc(1, sizeof(*h));

    check(h != NULL);
    check(l->voter_count >= 1 && l->voter_count <= LEASE_VOTERS_MAX);
    for (size_t i = 0; i < l->voter_count; i++)
        numbers[i] = l->voters[i].number;
    lease_holder_init(&h->holder, &renewal, numbers, l->voter_count);
    memcpy(h->voters, l->voters, l->voter_count * sizeof(*l->voters));
    h->lease = *l;
    h->lease.voters = h->voters;
    h->lease.dir = keep(l->dir);
    h->lease.socket = keep(l->socket);
    h->lease.greeting = keep(l->greeting);
    h->lease.fence = keep(l->fence);
    h->lease.unfence = keep(l->unfence);
    h->fd = -1;
    h->told_ms = INT64_MIN;
    h->is_renewed = true;
    return h;
}

void peers_hold(struct peers *p, const struct peers_lease *lease)
{
    pthread_mutex_lock(&p->lock);
    struct held **at = find(p, lease->node), *before = *at;
    bool is_same = before && is_same_lease(before, lease);
    if (!is_same) {
        struct held *h = held_new(lease);
        if (before) {
            lease_holder_take_over(&h->holder, &before->holder);
            h->is_known_won = before->is_known_won;
            h->next = before->next;
            held_free(before);
        }
        *at = h;
    }
    pthread_mutex_unlock(&p->lock);
    if (!is_same)
        wake(p);
}

void peers_release(struct peers *p, int64_t node)
{
    pthread_mutex_lock(&p->lock);
    struct held *h = *find(p, node);
    if (h)
        h->is_renewed = false;
    pthread_mutex_unlock(&p->lock);
}

void peers_drop(struct peers *p, int64_t node)
{
    pthread_mutex_lock(&p->lock);
    struct held **at = find(p, node), *h = *at;
    if (h) {
        *at = h->next;
        tell_none(h);
        held_free(h);
    }
    pthread_mutex_unlock(&p->lock);
}

bool peers_has_lease(struct peers *p, int64_t node, int64_t term)
{
    pthread_mutex_lock(&p->lock);
    const struct held *h = *find(p, node);
    bool has = h && h->is_renewed && h->lease.term == term &&
               lease_holder_until_ms(&h->holder) > boot_ms();
    pthread_mutex_unlock(&p->lock);
    return has;
}

int64_t peers_late_ms(struct peers *p)
{
    pthread_mutex_lock(&p->lock);
    int64_t late_ms = lateness_ms(&p->late, boot_ms());
    pthread_mutex_unlock(&p->lock);
    return late_ms;
}

/* ---- the voter ---- */

void peers_know(struct peers *p, int64_t shard, int64_t term, int ms)
{
    pthread_mutex_lock(&p->lock);
    lease_voter_know(p->voter, shard, term, ms, boot_ms());
    pthread_mutex_unlock(&p->lock);
}

void peers_forget(struct peers *p, int64_t shard)
{
    pthread_mutex_lock(&p->lock);
    lease_voter_forget(p->voter, shard);
    pthread_mutex_unlock(&p->lock);
}

void peers_ended(struct peers *p, int64_t shard, int64_t term)
{
    pthread_mutex_lock(&p->lock);
    lease_voter_ended(p->voter, shard, term);
    pthread_mutex_unlock(&p->lock);
}

int64_t peers_may_promise_ms(struct peers *p, int64_t shard, int64_t term)
{
    pthread_mutex_lock(&p->lock);
    int64_t at_ms = lease_voter_may_promise_ms(p->voter, shard, term);
    pthread_mutex_unlock(&p->lock);
    return at_ms;
}

bool peers_promise(struct peers *p, int64_t shard, int64_t term)
{
    pthread_mutex_lock(&p->lock);
    bool is_promised = lease_voter_promise(p->voter, shard, term, boot_ms());
    pthread_mutex_unlock(&p->lock);
    return is_promised;
}
