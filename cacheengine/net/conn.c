/* One connection: its socket, what it has sent and what it is still to be sent. */
#include "base/log.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/amid.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/net/loop.h"
#include "cacheengine/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define WRITE_PIECES 64
#define INPUT_SMALL  1024
#define UNREAD_MAX   (1 << 20)
#define HELD_MAX     (1 << 20) /* of replies that wait for the append-only file */
#define FEED_AT_ONCE (1 << 20)

/* ---- facts ---- */

static void address_text(const struct sockaddr_storage *a, char out[128])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;
    const struct sockaddr_un *path = (const void *)a;

    if (a->ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
        snprintf(out, 128, "%s:%d", ip, ntohs(v4->sin_port));
    } else if (a->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
        snprintf(out, 128, "[%s]:%d", ip, ntohs(v6->sin6_port));
    } else {
        snprintf(out, 128, "%.108s:0", path->sun_path);
    }
}

static void conn_facts(const struct client *client, struct client_facts *out)
{
    const struct conn *c = conn_of(client);
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);

    *out = (struct client_facts){.fd = c->transport.fd, .is_unix = c->is_unix};
    getsockname(c->transport.fd, (struct sockaddr *)&a, &len);
    address_text(&a, out->local);
    if (c->is_unix)
        memcpy(out->peer, out->local, sizeof(out->peer));
    else
        memcpy(out->peer, "?:0", 4); /* of one that is gone already */
    len = sizeof(a);
    if (!c->is_unix && getpeername(c->transport.fd, (struct sockaddr *)&a, &len) == 0)
        address_text(&a, out->peer);
    out->input_bytes = c->input ? c->input_len : c->feed.len;
    out->input_room = c->input ? c->input->room : c->feed.len;
    memcpy(out->events, c->waits_to_write ? "rw" : "r", c->waits_to_write ? 3 : 2);
}

static size_t conn_bytes(const struct client *client)
{
    const struct conn *c = conn_of(client);

    return sizeof(*c) + (c->input ? c->input->cost : 0) +
           (c->transport.session ? TLS_SESSION_BYTES : 0);
}

static void check_overfull(struct conn *c);

/* It is freed when the round is over, which may take long; its other side is told now. */
static void conn_kill(struct client *client)
{
    struct conn *c = conn_of(client);

    if (c->transport.fd >= 0)
        (void)shutdown(c->transport.fd, SHUT_RDWR);
    conn_doom(c);
}

static void conn_wake(struct client *client)
{
    struct conn *c = conn_of(client);

    /* One that has calls to run sends when they have run. */
    if (c->calls == 0 && !c->is_feeding)
        conn_write(c);
}

static void conn_resume(struct client *client)
{
    struct conn *c = conn_of(client);

    if (c->is_resumed)
        return;
    c->is_resumed = true;
    c->next_resumed = c->loop->resumed;
    c->loop->resumed = c;
}

static void conn_post(struct client *client)
{
    struct conn *c = conn_of(client);

    if (c->is_posted)
        return;
    c->is_posted = true;
    c->next_posted = c->loop->posted;
    c->loop->posted = c;
}

void conns_send_posted(struct loop *l)
{
    while (l->posted) {
        struct conn *c = l->posted;

        l->posted = c->next_posted;
        c->is_posted = false;
        if (c->client.is_killed || c->stage != CONN_OPEN)
            continue;
        if (c->waits_to_write)
            check_overfull(c); /* it is woken when there is room */
        else
            conn_write(c);
    }
}

static const struct client_host conn_host = {conn_facts,  conn_kill,  conn_wake,
                                             conn_resume, conn_bytes, conn_post};

/* ---- beginning and end ---- */

static void socket_setup(int fd, int64_t keepalive_s)
{
    int yes = 1, idle = (int)keepalive_s, interval = idle / 3 > 0 ? idle / 3 : 1, count = 3;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (keepalive_s <= 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int epoll_of(const struct conn *c)
{
    return c->client.is_admin ? c->loop->admin_fd : c->loop->epoll_fd;
}

/* A connection over the socket, or NULL: then the socket is closed. */
static struct conn *conn_new(struct loop *l, struct transport t, bool is_unix, bool is_admin)
{
    struct conn *c = calloc(1, sizeof(*c));
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

    check(c);
    *c = (struct conn){.kind = WATCH_CONN, .transport = t, .loop = l, .is_unix = is_unix};
    if (!is_unix)
        socket_setup(t.fd, l->engine->settings.keepalive_s);
    c->client.is_admin = is_admin;
    if (epoll_ctl(epoll_of(c), EPOLL_CTL_ADD, t.fd, &ev) != 0) {
        log_warn("connection dropped", f_err(err_sys(errno, "epoll refused the socket")));
        transport_close(&t);
        free(c);
        return NULL;
    }
    if (t.session)
        conn_book_session(c, true);
    account_add(&l->engine->keyspace.account, sizeof(*c));
    l->engine->keyspace.account.client_bytes += sizeof(*c);
    engine_client_add(l->engine, &c->client, &conn_host);
    return c;
}

void conn_open(struct loop *l, int fd, const struct listener *from)
{
    int64_t mode = l->engine->settings.tls_mode;
    struct conn *c = conn_new(l, transport_plain(fd), from->is_unix, from->is_admin);

    if (c && !from->is_unix && from->port == l->engine->settings.reader_port)
        c->client.is_reader = c->client.reads_replicas = true;
    if (!c || from->is_unix || (!from->is_tls && mode == TLS_OFF))
        return;
    c->stage = CONN_UNKNOWN;
    c->is_silent = from->is_tls;
    c->takes_plain = !from->is_tls && mode == TLS_PREFERRED;
}

static void input_keep(struct conn *c, struct str bytes);

struct client *conn_adopt(struct loop *l, struct transport t, struct str rest)
{
    struct conn *c = conn_new(l, t, false, false);

    if (!c)
        return NULL;
    if (rest.len > 0)
        input_keep(c, rest);
    if (rest.len > 0 || t.is_pending)
        conn_resume(&c->client);
    return &c->client;
}

static void input_drop(struct conn *c)
{
    struct account *account = &c->loop->engine->keyspace.account;

    if (!c->input)
        return;
    account->client_bytes -= c->input->cost;
    blob_drop(account, c->input);
    c->input = NULL;
    c->input_len = 0;
}

void conn_read_again(struct conn *c)
{
    if (c->is_unread)
        return;
    c->is_unread = true;
    c->next_unread = c->loop->unread;
    c->loop->unread = c;
}

static void forget_unread(struct conn *c)
{
    struct conn **at = &c->loop->unread;

    while (*at != c)
        at = &(*at)->next_unread;
    *at = c->next_unread;
}

/* What a command changed is in the append-only file before anybody is told: replies wait for the
 * end of the round, where all clients' changes are written at once. */
static void hold(struct conn *c)
{
    if (c->at_held)
        return;
    c->next_held = c->loop->held;
    c->at_held = &c->loop->held;
    if (c->next_held)
        c->next_held->at_held = &c->next_held;
    c->loop->held = c;
}

static void release(struct conn *c)
{
    if (!c->at_held)
        return;
    *c->at_held = c->next_held;
    if (c->next_held)
        c->next_held->at_held = c->at_held;
    c->at_held = NULL;
}

/* Much that waits is written now instead. What is answered amid a command has changed nothing. */
static bool is_held(struct conn *c)
{
    if (c->loop->is_amid && !c->at_held)
        return false;
    if (reply_pending(&c->client.reply) >= HELD_MAX) {
        append_flush(c->loop->engine->append, false);
        return false;
    }
    hold(c);
    return true;
}

static void forget_posted(struct conn *c)
{
    struct conn **at = &c->loop->posted;

    while (*at != c)
        at = &(*at)->next_posted;
    *at = c->next_posted;
}

void conn_close(struct conn *c)
{
    struct account *account = &c->loop->engine->keyspace.account;

    if (c->is_unread)
        forget_unread(c);
    if (c->is_posted)
        forget_posted(c);
    conn_leave_handshake(c);
    input_drop(c);
    release(c);
    engine_client_remove(c->loop->engine, &c->client);
    account_sub(account, sizeof(*c));
    account->client_bytes -= sizeof(*c);
    /* Closed with something unread, a connection is reset, and the client may lose its last
     * replies. MSG_TRUNC throws away without a copy. */
    if (c->client.is_closing && c->transport.fd >= 0)
        (void)!recv(c->transport.fd, NULL, UNREAD_MAX, MSG_DONTWAIT | MSG_TRUNC);
    /* A child that has just begun may hold it a moment longer: it must be heard of no more here. */
    if (saving_runs(c->loop->engine->saving))
        (void)epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_DEL, c->transport.fd, NULL);
    transport_close(&c->transport);
    free(c);
}

void conn_drain(struct conn *c)
{
    if (reply_pending(&c->client.reply) == 0 || c->client.is_killed) {
        conn_doom(c);
        return;
    }
    c->client.is_closing = true;
    c->feed = (struct str){NULL, 0};
    conn_write(c);
}

void conn_doom(struct conn *c)
{
    c->client.is_killed = true;
    if (c->is_doomed)
        return;
    c->is_doomed = true;
    c->next_doomed = c->loop->doomed;
    c->loop->doomed = c;
}

/* ---- reading ---- */

/* Makes room in the client's own input for the next read and says how much of it to use. */
static size_t input_room(struct conn *c)
{
    struct account *account = &c->loop->engine->keyspace.account;
    size_t want = c->parse.want > c->input_len ? c->parse.want : 0;
    size_t room = want ? want : c->input_len + READ_MIN;

    /* Grow with what really comes, not with what was announced. */
    if (want && room > 2 * c->input_len + READ_MAX)
        room = 2 * c->input_len + READ_MAX;
    if (room < c->input_len + c->input_len / 2 && !want)
        room = c->input_len + c->input_len / 2;
    if (c->input->room < room) {
        account->client_bytes -= c->input->cost;
        c->input = blob_grow(account, c->input, room);
        account->client_bytes += c->input->cost;
    }
    room = c->input->room - c->input_len;
    return want && room > want - c->input_len ? want - c->input_len : room;
}

/* Books a read. False when the connection is at its end. */
static bool note_read(struct conn *c, ssize_t got)
{
    struct engine *e = c->loop->engine;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    e->stats.reads++;
    e->stats.bytes_in += (uint64_t)got;
    c->client.bytes_in += (uint64_t)got;
    if (__builtin_expect(c->client.is_primary, 0))
        e->stats.repl_bytes_in += (uint64_t)got;
    c->client.active_ms = e->keyspace.passed_ms;
    return true;
}

bool conn_read(struct conn *c)
{
    struct loop *l = c->loop;
    ssize_t got;

    if (c->input) {
        size_t wanted = input_room(c); /* may move the input */

        got = transport_read(&c->transport, c->input->bytes + c->input_len, wanted);
        if (got > 0)
            c->input_len += (size_t)got;
        c->feed = (struct str){c->input->bytes, c->input_len};
        c->feed_begin = c->feed.ptr;
        c->noted = 0;
        if ((int64_t)c->input_len <= l->engine->settings.query_buffer_limit || c->client.is_primary)
            return note_read(c, got);
        log_warn("client dropped: its query buffer is over the limit", f_int("id", c->client.id),
                 f_int("bytes", c->input_len));
        l->engine->stats.query_limit_kills++;
        c->client.is_killed = true;
        return false;
    }
    size_t room = READ_POOL - l->pool_used;
    got = transport_read(&c->transport, l->pool + l->pool_used, room < READ_MAX ? room : READ_MAX);
    c->feed = (struct str){l->pool + l->pool_used, got > 0 ? (size_t)got : 0};
    c->feed_begin = c->feed.ptr;
    c->noted = 0;
    l->pool_used += c->feed.len;
    return note_read(c, got);
}

/* ---- writing ---- */

/* Of a parked one only its end is of interest, and of
 * one that is to be closed not even that: what it sends is never read. */
void conn_ask(const struct conn *c)
{
    /* Of one that is held back the end is not asked for: it may have sent all that it wanted. */
    uint32_t parked = c->client.waiting ? EPOLLRDHUP : 0;
    uint32_t events = c->client.is_closing ? 0 : c->is_parked ? parked : EPOLLIN;
    struct epoll_event ev = {.events = events | (c->waits_to_write ? EPOLLOUT : 0)};

    ev.data.ptr = (void *)(uintptr_t)c;
    (void)epoll_ctl(epoll_of(c), EPOLL_CTL_MOD, c->transport.fd, &ev);
}

static void ask_to_write(struct conn *c, bool waits)
{
    /* What closes is asked for nothing but that, whatever was asked before. */
    if (c->waits_to_write == waits && !c->client.is_closing)
        return;
    c->waits_to_write = waits;
    conn_ask(c);
}

/* Memory held for what it is still to be sent. */
static int64_t held_bytes(const struct conn *c)
{
    const struct client_feed *feed = c->client.feed;
    size_t bytes = reply_held_bytes(&c->client.reply), unsent = reply_pending(&c->client.reply);

    /* What is sent by reference counts, too: it may soon be held for this client alone. */
    if (unsent > REPLY_BIG && unsent > bytes)
        bytes = unsent;
    return (int64_t)(bytes + (feed ? feed->held_bytes(feed) : 0));
}

/* A replica may always be behind by the backlog: it could go on from there if it were dropped. */
static int64_t at_least_backlog(const struct engine *e, int64_t limit)
{
    int64_t backlog = e->settings.repl_backlog_bytes;

    return limit && limit < backlog ? backlog : limit;
}

static struct output_limit limit_of(const struct conn *c)
{
    const struct engine *e = c->loop->engine;
    enum output_class class = c->client.feed         ? OUTPUT_REPLICA
                              : c->client.subscriber ? OUTPUT_PUBSUB
                                                     : OUTPUT_NORMAL;
    struct output_limit limit = e->settings.output_limits[class];

    if (c->client.feed) {
        limit.hard_bytes = at_least_backlog(e, limit.hard_bytes);
        limit.soft_bytes = at_least_backlog(e, limit.soft_bytes);
    }
    return limit;
}

/* What waits to be sent is over the limits of its class. */
static bool is_overfull(struct conn *c)
{
    const struct engine *e = c->loop->engine;
    struct output_limit limit = limit_of(c);
    int64_t held = held_bytes(c);

    if (limit.hard_bytes && held >= limit.hard_bytes)
        return true;
    if (!limit.soft_bytes || held < limit.soft_bytes) {
        c->soft_since_ms = 0;
        return false;
    }
    if (!c->soft_since_ms)
        c->soft_since_ms = e->keyspace.passed_ms;
    return e->keyspace.passed_ms - c->soft_since_ms >= limit.soft_s * 1000;
}

static void check_overfull(struct conn *c)
{
    if (c->client.is_admin || !is_overfull(c))
        return;
    log_warn("Client closed for overcoming of output buffer limits", f_int("id", c->client.id),
             f_int("bytes", held_bytes(c)));
    c->loop->engine->stats.output_limit_kills++;
    conn_doom(c);
}

/* By the lease that is known; and if that is over, by what the owner has sent meanwhile: he renews
 * it while a long command runs, and is heard behind it. */
static bool may_acknowledge(struct conn *c)
{
    struct engine *e = c->loop->engine;

    if (authority_may_acknowledge(e))
        return true;
    if (e->guards & GUARD_BUSY)
        return false; /* he is being heard */
    amid_look_slow(e, &c->client);
    amid_end(e);
    return authority_may_acknowledge(e);
}

/* Leaves out what is held. What acknowledges a write after the lease is over must not leave at all:
 * then nobody learns of what was done, as if the node had died. */
static int keep_back(struct conn *c, struct iovec *iov, int pieces)
{
    size_t room = acks_sendable(&c->client);
    int kept = 0;

    if (room > 0 && !may_acknowledge(c)) {
        log_warn("client dropped: the lease was over before it was answered",
                 f_int("id", c->client.id));
        conn_doom(c);
    }
    if (c->client.is_killed)
        return 0;
    for (; kept < pieces && room > 0; kept++) {
        if (iov[kept].iov_len > room)
            iov[kept].iov_len = room;
        room -= iov[kept].iov_len;
    }
    return kept;
}

/* One system call; what was sent, or -1 when nothing goes out now. */
static ssize_t send_pieces(struct conn *c, struct iovec *iov, int pieces)
{
    ssize_t sent = transport_writev(&c->transport, iov, pieces);

    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR)
            conn_doom(c);
        return -1;
    }
    c->loop->engine->stats.writes++;
    c->loop->engine->stats.bytes_out += (uint64_t)sent;
    return sent;
}

/* One system call. False when nothing more goes out now. */
static bool write_once(struct conn *c)
{
    struct iovec iov[WRITE_PIECES];
    int pieces = reply_gather(&c->client.reply, iov, WRITE_PIECES);

    if (c->client.acknowledges)
        pieces = keep_back(c, iov, pieces);
    if (pieces == 0)
        return false;
    ssize_t sent = send_pieces(c, iov, pieces);
    if (sent < 0)
        return false;
    c->client.bytes_out += (uint64_t)sent;
    reply_sent(&c->client.reply, (size_t)sent);
    return true;
}

/* Sends of a feed, but no more than others can wait for. True when there is more to be sent. */
static bool write_feed(struct conn *c)
{
    struct client_feed *feed = c->client.feed;
    size_t done = 0;

    while (!c->client.is_killed && done < FEED_AT_ONCE) {
        struct iovec iov[WRITE_PIECES];
        int pieces = feed->gather(feed, iov, WRITE_PIECES);

        if (pieces == 0)
            return false;
        ssize_t sent = send_pieces(c, iov, pieces);
        if (sent < 0)
            return true;
        done += (size_t)sent;
        feed->sent(feed, (size_t)sent);
    }
    return true;
}

/* The turn of a connection that is fed. It gets no replies, which would stand amid the feed: who
 * asks for some is no replica. */
static void write_fed(struct conn *c)
{
    if (reply_pending(&c->client.reply) > 0) {
        log_warn("replica dropped: it sent a command that is answered", f_int("id", c->client.id));
        conn_doom(c);
        return;
    }
    reply_settle(&c->client.reply);
    bool has_more = write_feed(c);
    if (c->client.is_killed)
        return;
    ask_to_write(c, has_more || c->transport.wants_write);
    check_overfull(c);
}

/* Who waits for keys is resumed by that, and so is one whose call is postponed; who is held back,
 * when less of it is held; and whose call goes on, when all was sent. */
static bool must_stay_parked(const struct conn *c)
{
    return c->client.waiting || c->client.is_postponed || acks_are_many(&c->client) ||
           (c->client.goes_on && reply_pending(&c->client.reply) > 0);
}

void conns_send_held(struct loop *l)
{
    append_flush(l->engine->append, false);
    append_wake(l->engine->append);
    while (l->held) {
        struct conn *c = l->held;

        release(c);
        conn_write(c);
    }
}

void conn_write(struct conn *c)
{
    struct reply *r = &c->client.reply;

    if (__builtin_expect(c->client.feed != NULL, 0)) {
        write_fed(c);
        return;
    }
    if (__builtin_expect(c->loop->engine->has_unwritten, 0) && is_held(c))
        return;

    /* What is more than may ever wait is not begun to be sent. */
    const struct output_limit *limit = &c->loop->engine->settings.output_limits[OUTPUT_NORMAL];
    if (__builtin_expect(limit->hard_bytes != 0, 0) && reply_pending(r) > REPLY_BIG)
        check_overfull(c);
    while (!c->client.is_killed && reply_pending(r) > 0)
        if (!write_once(c))
            break;
    reply_settle(r);
    if (c->client.is_killed)
        return;
    ask_to_write(c, acks_sendable(&c->client) > 0 || c->transport.wants_write);
    if (c->is_parked && !must_stay_parked(c))
        conn_resume(&c->client);
    if (reply_pending(r) > 0) {
        check_overfull(c);
        return;
    }
    c->client.acknowledges = false;
    if (c->client.is_closing)
        conn_doom(c);
}

/* ---- the end of a turn ---- */

/* Keeps a copy as what has come and is not used up. */
static void input_keep(struct conn *c, struct str bytes)
{
    struct account *account = &c->loop->engine->keyspace.account;
    struct blob *b = blob_new(account, 0, bytes.len < INPUT_SMALL ? INPUT_SMALL : bytes.len);

    memcpy(b->bytes, bytes.ptr, bytes.len);
    input_drop(c);
    c->input = b;
    c->input_len = bytes.len;
    account->client_bytes += b->cost;
}

/* Keeps what is left of the input for the next read. */
static void keep_rest(struct conn *c)
{
    struct str rest = c->feed;

    c->feed = (struct str){NULL, 0};
    if (rest.len == 0) {
        input_drop(c);
        return;
    }
    if (c->input && !blob_is_shared(c->input)) {
        memmove(c->input->bytes, rest.ptr, rest.len);
        c->input_len = rest.len;
        return;
    }
    input_keep(c, rest);
}

void conn_park(struct conn *c, size_t input_end)
{
    const char *end = c->feed.ptr + c->feed.len;

    /* What was cut into calls behind this one is cut anew later. */
    c->feed.ptr = c->feed_begin + input_end;
    c->feed.len = (size_t)(end - c->feed.ptr);
    c->parse = (struct parse_state){0};
    if (c->client.is_admin && !c->heard_ms)
        c->heard_ms = c->loop->engine->authority.heard_ms;
    c->is_parked = true;
    conn_ask(c);
}

void conn_unpark(struct conn *c)
{
    if (must_stay_parked(c))
        return;
    c->is_parked = c->client.goes_on = false;
    conn_ask(c);
    if (__builtin_expect(c->transport.is_pending, 0))
        conn_read_again(c);
    if (!c->input)
        return;
    c->feed = (struct str){c->input->bytes, c->input_len};
    c->feed_begin = c->feed.ptr;
    c->noted = 0;
    batch_feed(c->loop, c);
}

void conn_note_used(struct conn *c, size_t end)
{
    if (c->client.is_killed)
        return;
    replica_note_bytes(c->loop->engine, (struct str){c->feed_begin + c->noted, end - c->noted});
    c->noted = end;
}

void conn_finish(struct conn *c)
{
    /* What is between requests counts too. */
    if (__builtin_expect(c->client.is_primary, 0) && c->feed.ptr)
        conn_note_used(c, (size_t)(c->feed.ptr - c->feed_begin));
    keep_rest(c);
    if (!c->client.is_killed)
        conn_write(c);
    if (acks_are_many(&c->client) && !c->is_parked) {
        c->is_parked = true;
        conn_ask(c);
    }
}

static void end_idle(struct conn *c)
{
    c->loop->engine->stats.idle_kills++;
    conn_doom(c);
}

/* What a token opens does not stay open for ever. */
static void end_session(struct conn *c)
{
    log_info("client dropped: it has not logged in again in time", f_int("id", c->client.id));
    conn_doom(c);
}

void conns_sweep(struct loop *l)
{
    const struct engine *e = l->engine;
    int64_t idle_ms = e->settings.idle_timeout_s * 1000;
    int64_t first_byte_ms = e->settings.tls_handshake_timeout_s * 1000;

    for (struct client *o = e->oldest; o; o = o->newer) {
        struct conn *c = conn_of(o);

        if (c->stage == CONN_UNKNOWN && !c->takes_plain &&
            e->keyspace.passed_ms - o->created_ms > first_byte_ms)
            conn_doom(c);
        else if (o->feed)
            check_overfull(c);
        else if (idle_ms > 0 && !o->is_admin && !o->waiting &&
                 e->keyspace.passed_ms - o->active_ms > idle_ms)
            end_idle(c);
        else if (o->login_until_ms && e->keyspace.passed_ms >= o->login_until_ms)
            end_session(c);
        else if (reply_pending(&o->reply) > 0)
            check_overfull(c);
    }
}
