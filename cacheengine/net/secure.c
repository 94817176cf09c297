/*
 * From an accepted socket to a connection that can be read, where TLS is configured. The one idea:
 * nothing is decided before the first byte is there, and that byte is only looked at; so both kinds
 * of clients meet on one port, and whoever says nothing costs nothing but a socket.
 */
#include "base/clock.h"
#include "base/log.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/net/handshake.h"
#include "cacheengine/net/loop.h"
#include "cacheengine/net/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* ---- setting up ---- */

static struct err open_handshakes(struct loop *l)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->handshakes_kind};

    l->handshakes_kind = WATCH_HANDSHAKES;
    TRY(handshakes_open(&l->handshakes, (int)l->engine->settings.tls_threads));
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, handshakes_fd(l->handshakes), &ev) != 0)
        return err_sys(errno, "epoll refused the handshakes");
    return OK;
}

struct err loop_secure(struct loop *l, struct arena *a)
{
    const struct settings *s = &l->engine->settings;

    if (!tls_is_wanted(s)) {
        tls_rest();
        return OK;
    }
    if (!l->handshakes)
        TRY(open_handshakes(l));
    if (l->tls)
        return tls_reload(l->tls, s, a);
    return tls_open(s, a, &l->tls);
}

/* ---- the first byte ---- */

static void refuse_plain(struct conn *c)
{
    log_debug("connection refused: it is plain, and TLS is required", f_int("id", c->client.id));
    if (c->is_silent) {
        conn_doom(c);
        return;
    }
    c->stage = CONN_OPEN;
    c->loop->protocol->refuse_plain(&c->client.reply);
    c->client.is_closing = true;
    conn_write(c);
}

void conn_book_session(struct conn *c, bool is_added)
{
    struct account *account = &c->loop->engine->keyspace.account;

    if (is_added)
        account_add(account, TLS_SESSION_BYTES);
    else
        account_sub(account, TLS_SESSION_BYTES);
    account->client_bytes += is_added ? TLS_SESSION_BYTES : -(size_t)TLS_SESSION_BYTES;
}

static void shake(struct conn *c)
{
    struct loop *l = c->loop;
    int64_t timeout_ms = l->engine->settings.tls_handshake_timeout_s * 1000;
    struct transport away = c->transport;

    away.session = l->tls ? tls_accept(l->tls, away.fd) : NULL;
    if (!away.session) {
        conn_doom(c);
        return;
    }
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, away.fd, NULL);
    conn_book_session(c, true);
    c->stage = CONN_SHAKING;
    c->handshake =
        handshakes_begin(l->handshakes, away, c, clock_boot_ms(&clock_system) + timeout_ms);
}

void conn_greet(struct conn *c)
{
    unsigned char first = 0;
    ssize_t got = recv(c->transport.fd, &first, 1, MSG_PEEK);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        conn_doom(c);
    else if (first == TLS_FIRST_BYTE)
        shake(c);
    else if (c->takes_plain)
        c->stage = CONN_OPEN;
    else
        refuse_plain(c);
}

void conn_leave_handshake(struct conn *c)
{
    if (c->handshake) {
        /* Socket and session come back with it, when the thread has let go of them. */
        handshake_give_up(c->handshake);
        c->transport = transport_plain(-1);
    }
    if (c->handshake || c->transport.session)
        conn_book_session(c, false);
    c->handshake = NULL;
}

/* ---- back from the handshake ---- */

static void become_user(struct conn *c)
{
    const struct engine *e = c->loop->engine;
    char name[TLS_NAME_BYTES];

    if (e->settings.tls_user_field == TLS_USER_CN &&
        tls_session_peer_name(c->transport.session, name) &&
        !access_adopt(e, &c->client, str_of(name)))
        log_debug("the certificate's name is no user", f_str("name", name));
}

static void take_back(struct conn *c, struct handshake *s)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    struct loop *l = c->loop;

    c->handshake = NULL;
    c->transport = s->transport;
    s->transport = transport_plain(-1);
    if (!s->has_succeeded) {
        struct client_facts f;

        l->engine->stats.tls_failures++;
        c->client.host->facts(&c->client, &f);
        log_info("TLS handshake failed", f_str("peer", f.peer), f_str("why", s->why));
        conn_doom(c);
        return;
    }
    l->engine->stats.tls_handshakes++;
    c->stage = CONN_OPEN;
    c->client.is_tls = true;
    become_user(c);
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->transport.fd, &ev) != 0)
        conn_doom(c);
    else
        loop_serve(l, c); /* what came behind the handshake may be here already */
}

void loop_take_shaken(struct loop *l)
{
    uint64_t count;
    struct handshake *s;

    (void)!read(handshakes_fd(l->handshakes), &count, sizeof(count));
    while ((s = handshakes_take(l->handshakes))) {
        if (s->owner)
            take_back(s->owner, s);
        handshake_free(s);
    }
}
