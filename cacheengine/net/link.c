/*
 * Links. The one idea: whatever a link waits for (a name, a connection, bytes) is one descriptor in
 * epoll, and whatever is over is only noted and told by the loop, so that a user is never called
 * from within its own call and a closed link outlives the events that still name it.
 */
#include "cacheengine/net/link.h"

#include "base/clock.h"
#include "base/net.h"
#include "cacheengine/net/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEVER INT64_MAX

enum stage { RESOLVING, CONNECTING, HANDSHAKING, OPEN, BROKEN, CLOSED };

struct outlink {
    enum watch_kind kind;
    struct link link;
    struct loop *loop;
    struct outlink *next, **at; /* of loop->links, or of loop->closed_links */
    enum stage stage;
    struct transport transport; /* its fd is -1 while there is none */
    struct tls *tls;            /* NULL: plain */
    char *host;                 /* as it was dialled */
    struct resolution *names;
    const struct addrinfo *next_address;
    struct net_addr from;
    bool is_deaf;        /* nothing is to be read */
    bool is_again;       /* readable without an event: to be told in this round */
    bool waits_to_write; /* EPOLLOUT is asked for */
    struct buf unsent;
    size_t sent;        /* of the first bytes of `unsent` */
    struct err failure; /* to be told: BROKEN */
    int64_t give_up_ms; /* boot time by which it must be connected */
    int64_t wake_ms;
};

static struct outlink *outlink_of(const struct link *l)
{
    return container_of(l, struct outlink, link);
}

/* ---- what epoll is asked for ---- */

static uint32_t events_of(const struct outlink *o)
{
    bool wants_write = o->waits_to_write || (o->transport.wants_write && !o->is_deaf);

    return (o->is_deaf ? 0 : EPOLLIN) | (wants_write ? EPOLLOUT : 0);
}

static bool watch(struct outlink *o, int operation, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = o};

    return epoll_ctl(o->loop->epoll_fd, operation, fd, &ev) == 0;
}

static void ask(struct outlink *o)
{
    (void)watch(o, EPOLL_CTL_MOD, o->transport.fd, events_of(o));
}

/* ---- connecting ---- */

/* Ends whatever it waits for. */
static void let_go(struct outlink *o)
{
    if (o->stage == RESOLVING && o->names)
        (void)epoll_ctl(o->loop->epoll_fd, EPOLL_CTL_DEL, resolve_fd(o->names), NULL);
    transport_close(&o->transport);
}

/* Notes what is to be told; what was gathered so far is let go of. */
static void fail(struct outlink *o, struct err why)
{
    let_go(o);
    o->stage = BROKEN;
    o->failure = why;
}

static int open_socket(struct outlink *o, const struct addrinfo *to)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    bool may_bind = o->from.len > 0 && o->from.storage.ss_family == to->ai_family;
    if (may_bind && bind(fd, (const struct sockaddr *)&o->from.storage, o->from.len) != 0) {
        int kept = errno;

        close(fd);
        errno = kept;
        return -1;
    }
    return fd;
}

static bool try_address(struct outlink *o, const struct addrinfo *to)
{
    int fd = open_socket(o, to);

    if (fd < 0)
        return false;
    o->transport = transport_plain(fd);
    bool is_begun = connect(fd, to->ai_addr, to->ai_addrlen) == 0 || errno == EINPROGRESS;
    if (is_begun && watch(o, EPOLL_CTL_ADD, fd, EPOLLOUT))
        return true;
    int kept = errno;
    transport_close(&o->transport);
    errno = kept;
    return false;
}

/* Goes on with the next address; `error` is why the one before was none. */
static void connect_next(struct outlink *o, int error)
{
    o->stage = CONNECTING;
    transport_close(&o->transport);
    while (o->next_address) {
        const struct addrinfo *to = o->next_address;

        o->next_address = to->ai_next;
        if (try_address(o, to))
            return;
        error = errno;
    }
    fail(o, err_sys(error, "it cannot be connected"));
}

static void on_resolved(struct outlink *o)
{
    struct err e = resolve_result(o->names, &o->next_address);

    if (err_failed(e)) {
        fail(o, e);
        return;
    }
    (void)epoll_ctl(o->loop->epoll_fd, EPOLL_CTL_DEL, resolve_fd(o->names), NULL);
    connect_next(o, EADDRNOTAVAIL);
}

static void flush(struct outlink *o);

static void on_open(struct outlink *o)
{
    o->stage = OPEN;
    o->give_up_ms = NEVER;
    resolve_end(o->names);
    o->names = NULL;
    ask(o);
    o->link.user->connected(&o->link);
    if (o->stage == OPEN)
        flush(o);
}

static void go_on_shaking(struct outlink *o)
{
    switch (transport_handshake(&o->transport)) {
    case TRANSPORT_READY: on_open(o); break;
    case TRANSPORT_WANTS_READ: (void)watch(o, EPOLL_CTL_MOD, o->transport.fd, EPOLLIN); break;
    case TRANSPORT_WANTS_WRITE: (void)watch(o, EPOLL_CTL_MOD, o->transport.fd, EPOLLOUT); break;
    case TRANSPORT_FAILED: fail(o, err_make(ERR_UNAVAILABLE, transport_why(&o->transport))); break;
    }
}

static void on_connected(struct outlink *o)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(o->transport.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error) {
        connect_next(o, error);
        return;
    }
    struct err e = transport_connect(&o->transport, o->transport.fd, o->tls, o->host);
    if (err_failed(e)) {
        fail(o, e);
        return;
    }
    o->stage = HANDSHAKING;
    go_on_shaking(o);
}

/* ---- reading and writing ---- */

static struct err link_read_some(struct link *l, void *to, size_t max, size_t *got)
{
    struct outlink *o = outlink_of(l);
    ssize_t part;

    *got = 0;
    if (o->stage != OPEN)
        return o->stage == BROKEN ? o->failure : OK;
    do
        part = transport_read(&o->transport, to, max);
    while (part < 0 && errno == EINTR);
    if (part < 0 && errno == EAGAIN) {
        /* It may be that reading waits for writing now. */
        if (o->transport.wants_write)
            ask(o);
        return OK;
    }
    if (part < 0)
        return err_sys(errno, transport_why(&o->transport));
    if (part == 0)
        return err_make(ERR_UNAVAILABLE, "the other side has closed the connection");
    *got = (size_t)part;
    o->loop->engine->stats.bytes_in += (uint64_t)part;
    return OK;
}

/* One system call; false when nothing more goes out now. What goes wrong is found by reading. */
static bool send_some(struct outlink *o)
{
    struct iovec iov = {o->unsent.ptr + o->sent, o->unsent.len - o->sent};
    ssize_t part = transport_writev(&o->transport, &iov, 1);

    if (part < 0 && errno == EINTR)
        return true;
    if (part < 0 && errno != EAGAIN)
        o->sent = o->unsent.len;
    if (part < 0)
        return false;
    o->sent += (size_t)part;
    o->loop->engine->stats.bytes_out += (uint64_t)part;
    return true;
}

static void flush(struct outlink *o)
{
    while (o->sent < o->unsent.len && send_some(o))
        continue;
    if (o->sent == o->unsent.len) {
        buf_clear(&o->unsent);
        o->sent = 0;
    } else if (o->sent > o->unsent.len / 2) {
        buf_consume(&o->unsent, o->sent);
        o->sent = 0;
    }
    bool waits = o->unsent.len > 0;
    if (waits == o->waits_to_write)
        return;
    o->waits_to_write = waits;
    ask(o);
}

static void link_write_all(struct link *l, const void *bytes, size_t len)
{
    struct outlink *o = outlink_of(l);

    if (o->stage >= BROKEN)
        return;
    buf_add(&o->unsent, bytes, len);
    if (o->stage == OPEN && !o->waits_to_write)
        flush(o);
}

static size_t link_unsent(const struct link *l)
{
    const struct outlink *o = outlink_of(l);

    return o->unsent.len - o->sent;
}

static void link_hear(struct link *l, bool is_listening)
{
    struct outlink *o = outlink_of(l);

    o->is_deaf = !is_listening;
    if (o->stage == OPEN)
        ask(o);
}

static void link_set_wake(struct link *l, int64_t ms)
{
    /* Not within this millisecond: the clients have their turn between two wakes. */
    outlink_of(l)->wake_ms = ms < 0 ? NEVER : clock_boot_ms(&clock_system) + (ms > 0 ? ms : 1);
}

static void link_name(const struct link *l, bool is_local, char out[128])
{
    const struct outlink *o = outlink_of(l);
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);
    scoped(arena_fini) struct arena arena = {0};

    out[0] = 0;
    if (o->transport.fd < 0 ||
        (is_local ? getsockname : getpeername)(o->transport.fd, (struct sockaddr *)&a, &len))
        return;
    struct net_addr address = net_addr_of((const struct sockaddr *)&a);
    if (address.len > 0)
        snprintf(out, 128, "%s", net_addr_text(&arena, &address));
}

/* ---- the end ---- */

/* Takes it out of the list of the living; it is freed when the round is over. */
static void bury(struct outlink *o)
{
    *o->at = o->next;
    if (o->next)
        o->next->at = o->at;
    o->next = o->loop->closed_links;
    o->loop->closed_links = o;
    o->stage = CLOSED;
    o->transport = transport_plain(-1);
}

static void link_end(struct link *l)
{
    struct outlink *o = outlink_of(l);

    check(o->stage != CLOSED);
    let_go(o);
    bury(o);
}

static struct client *link_become_client(struct link *l, struct str rest)
{
    struct outlink *o = outlink_of(l);
    struct transport t = o->transport;

    check(o->stage == OPEN);
    (void)epoll_ctl(o->loop->epoll_fd, EPOLL_CTL_DEL, t.fd, NULL);
    bury(o);
    struct client *c = conn_adopt(o->loop, t, rest);
    if (c && link_unsent(l) > 0)
        reply_raw(&c->reply, o->unsent.ptr + o->sent, link_unsent(l));
    return c;
}

static const struct link_host host = {
    .read = link_read_some,
    .write = link_write_all,
    .pending = link_unsent,
    .listen = link_hear,
    .wake_in = link_set_wake,
    .address = link_name,
    .adopt = link_become_client,
    .close = link_end,
};

/* ---- dialling ---- */

static struct link *dial(void *ctx, const struct link_target *to, const struct link_user *user,
                         void *owner)
{
    struct loop *l = ctx;
    struct outlink *o = calloc(1, sizeof(*o));

    check(o);
    *o = (struct outlink){
        .kind = WATCH_LINK,
        .link = {&host, user, owner},
        .loop = l,
        .next = l->links,
        .at = &l->links,
        .transport = transport_plain(-1),
        .tls = to->is_secure ? l->tls : NULL,
        .host = strdup(to->host),
        .give_up_ms = clock_boot_ms(&clock_system) + to->timeout_ms,
        .wake_ms = NEVER,
    };
    check(o->host);
    if (o->next)
        o->next->at = &o->next;
    l->links = o;
    if (to->is_secure && !l->tls) {
        fail(o, err_make(ERR_INVALID, "TLS is not configured"));
        return &o->link;
    }
    if (to->from && *to->from && !net_addr_parse_host(str_of(to->from), &o->from)) {
        fail(o, err_make(ERR_INVALID, "the address to connect from is none"));
        return &o->link;
    }
    struct err e = resolve_begin(l->resolver, to->host, to->port, &o->names);
    if (err_failed(e))
        fail(o, e);
    else if (!watch(o, EPOLL_CTL_ADD, resolve_fd(o->names), EPOLLIN))
        fail(o, err_sys(errno, "epoll refused a descriptor"));
    return &o->link;
}

struct link_dialer links_dialer(struct loop *l)
{
    return (struct link_dialer){l, dial};
}

/* ---- what the loop does ---- */

static void tell_failure(struct outlink *o)
{
    struct err why = o->failure;

    o->failure = OK;
    o->give_up_ms = o->wake_ms = NEVER;
    o->link.user->failed(&o->link, why);
}

void links_event(void *of, uint32_t events)
{
    struct outlink *o = of;

    switch (o->stage) {
    case RESOLVING: on_resolved(o); return;
    case CONNECTING: on_connected(o); return;
    case HANDSHAKING: go_on_shaking(o); return;
    case OPEN: break;
    default: return;
    }
    if (events & EPOLLOUT)
        flush(o);
    if (!(events & ~(uint32_t)EPOLLOUT) && !o->transport.wants_write)
        return;
    if (!o->is_deaf)
        o->link.user->readable(&o->link);
    else if (events & (EPOLLERR | EPOLLHUP))
        fail(o, err_make(ERR_UNAVAILABLE, "the other side has closed the connection"));
}

/* Notes who has something to read that no event will tell of. */
static void note_pending(struct loop *l)
{
    for (struct outlink *o = l->links; o; o = o->next)
        o->is_again = o->stage == OPEN && !o->is_deaf && o->transport.is_pending;
}

/* One thing that is due, if any is. True when something was told: the list may be another now. */
static bool tell_one(struct loop *l, int64_t now_ms)
{
    for (struct outlink *o = l->links; o; o = o->next) {
        if (o->stage < OPEN && o->give_up_ms <= now_ms)
            fail(o, err_make(ERR_TIMEOUT, "it could not be connected in time"));
        if (o->stage == BROKEN && err_failed(o->failure)) {
            tell_failure(o);
            return true;
        }
        if (o->is_again) {
            o->is_again = false;
            o->link.user->readable(&o->link);
            return true;
        }
        if (o->wake_ms <= now_ms) {
            o->wake_ms = NEVER;
            o->link.user->due(&o->link);
            return true;
        }
    }
    return false;
}

int links_due(struct loop *l)
{
    int64_t now_ms, next_ms = NEVER;

    if (!l->links)
        return INT_MAX;
    now_ms = clock_boot_ms(&clock_system);
    note_pending(l);
    while (tell_one(l, now_ms))
        continue;
    for (const struct outlink *o = l->links; o; o = o->next) {
        int64_t due_ms = o->stage < OPEN && o->give_up_ms < o->wake_ms ? o->give_up_ms : o->wake_ms;

        if (o->stage == OPEN && !o->is_deaf && o->transport.is_pending)
            due_ms = now_ms;
        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    return next_ms - now_ms < INT_MAX ? (int)(next_ms - now_ms) : INT_MAX;
}

void links_free_closed(struct loop *l)
{
    while (l->closed_links) {
        struct outlink *o = l->closed_links;

        l->closed_links = o->next;
        resolve_end(o->names);
        buf_fini(&o->unsent);
        free(o->host);
        free(o);
    }
}

void links_close(struct loop *l)
{
    while (l->links)
        link_end(&l->links->link);
    links_free_closed(l);
}
