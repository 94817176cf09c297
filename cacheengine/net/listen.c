/* Listening sockets: TCP on every address of `bind`, and unix sockets. */
#include "base/net.h"
#include "cacheengine/net/loop.h"

#include <errno.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Listens on a socket that becomes the loop's; `as` says for whom. */
static struct err add(struct loop *l, int fd, struct listener as)
{
    size_t at = 0;

    while (at < l->listener_count && l->listeners[at].fd >= 0)
        at++;
    struct listener *s = &l->listeners[at];
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
    if (at == LISTENERS_MAX) {
        close(fd);
        return err_make(ERR_LIMIT, "there are too many addresses to listen on");
    }
    *s = as;
    s->kind = WATCH_LISTENER;
    s->fd = fd;
    s->is_new = s->is_wanted = true;
    if (epoll_ctl(as.is_admin ? l->admin_fd : l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
        close(fd);
        s->fd = -1;
        return err_sys(errno, "epoll refused a listening socket");
    }
    l->listener_count += at == l->listener_count;
    return OK;
}

/* Of a block that is routed to this machine an address need not be its own. */
static bool bind_to(int fd, const struct sockaddr *a, socklen_t len)
{
    if (bind(fd, a, len) == 0)
        return true;
    if (errno != EADDRNOTAVAIL || a->sa_family != AF_INET6)
        return false;
    struct net_addr address = net_addr_of(a);
    net_allow_routed(fd, a->sa_family);
    if (net_addr_is_here(&address))
        return bind(fd, a, len) == 0;
    errno = EADDRNOTAVAIL;
    return false;
}

/* A listening socket on an address, or -1 with errno. */
static int listen_on(const struct sockaddr *a, socklen_t len, int backlog)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0)
        return -1;
    if (a->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    if (a->sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind_to(fd, a, len) && listen(fd, backlog) == 0)
        return fd;
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

/* "*" is every IPv4 address and "::*" every IPv6 one. */
static struct err open_tcp(struct loop *l, struct arena *a, struct str address, int64_t number,
                           bool is_tls)
{
    const struct settings *s = &l->engine->settings;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const char *port = arena_printf(a, "%lld", (long long)number);
    const char *host = str_dup(a, address);

    for (size_t i = 0; i < l->listener_count; i++) {
        struct listener *there = &l->listeners[i];

        if (there->fd < 0 || there->port != number || !str_is(address, there->address))
            continue;
        there->is_tls = is_tls;
        there->is_wanted = true;
        return OK;
    }
    hints.ai_family = str_is(address, "*") ? AF_INET : AF_UNSPEC;
    if (str_is(address, "::*"))
        hints.ai_family = AF_INET6;
    bool is_any = str_is(address, "*") || str_is(address, "::*");
    int failed = getaddrinfo(is_any ? NULL : host, port, &hints, &found);
    if (failed)
        return err_format(a, ERR_IO, "Could not create server TCP listening socket %s:%s: %s", host,
                          port, gai_strerror(failed));
    int fd = listen_on(found->ai_addr, found->ai_addrlen, (int)s->backlog);
    int kept = errno;
    freeaddrinfo(found);
    if (fd >= 0) {
        struct listener as = {.is_tls = is_tls, .port = number};

        snprintf(as.address, sizeof(as.address), "%s", host);
        return add(l, fd, as);
    }
    return err_format(a, ERR_IO, "Could not create server TCP listening socket %s:%s: bind: %s",
                      host, port, strerror(kept));
}

static struct err open_all_tcp(struct loop *l, struct arena *a, int64_t number, bool is_tls)
{
    const struct settings *s = &l->engine->settings;
    struct str *addresses;
    struct err last = OK;
    size_t count, open = 0;

    TRY(config_split(a, str_of(s->bind), &addresses, &count));
    for (size_t i = 0; i < count; i++) {
        bool may_fail = addresses[i].len > 0 && addresses[i].ptr[0] == '-';
        struct str address = {addresses[i].ptr + may_fail, addresses[i].len - may_fail};
        struct err e = open_tcp(l, a, address, number, is_tls);

        open += !err_failed(e);
        if (!err_failed(e))
            continue;
        last = e;
        if (!may_fail)
            open = 0;
        if (!may_fail)
            break;
    }
    if (open > 0 || count == 0)
        return OK;
    return err_format(a, last.code, "%s\nFailed listening on port %lld (tcp), aborting.",
                      err_text(a, last), (long long)number);
}

static struct err open_unix(struct loop *l, struct arena *a, const char *path, mode_t mode,
                            bool is_admin)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (len >= sizeof(address.sun_path))
        return err_format(a, ERR_INVALID, "the path of the unix socket is too long: %s", path);
    memcpy(address.sun_path, path, len + 1);
    unlink(path);
    /* Nobody else may connect before the mode is set. */
    mode_t old = umask(0077);
    int fd =
        listen_on((struct sockaddr *)&address, sizeof(address), (int)l->engine->settings.backlog);
    int kept = errno;
    umask(old);
    if (fd < 0)
        return err_format(a, ERR_IO, "Failed opening Unix socket: bind: %s: %s", path,
                          strerror(kept));
    if (mode && chmod(path, mode) != 0)
        return err_format(a, ERR_IO, "cannot set the mode of %s: %s", path, strerror(errno));
    return add(l, fd, (struct listener){.is_unix = true, .is_admin = is_admin, .path = path});
}

struct err listeners_open(struct loop *l, struct arena *a)
{
    const struct settings *s = &l->engine->settings;

    if (s->port)
        TRY(open_all_tcp(l, a, s->port, false));
    if (s->tls_port)
        TRY(open_all_tcp(l, a, s->tls_port, true));
    if (s->reader_port)
        TRY(open_all_tcp(l, a, s->reader_port, false));
    if (*s->unix_socket)
        TRY(open_unix(l, a, s->unix_socket,
                      s->unix_socket_mode ? (mode_t)s->unix_socket_mode : 0777 & ~umask(umask(0)),
                      false));
    if (l->listener_count == 0 && !*s->admin_socket)
        return err_make(ERR_INVALID, "Configured to not listen anywhere, exiting.");
    return OK;
}

struct err listeners_open_admin(struct loop *l, struct arena *a)
{
    const char *path = l->engine->settings.admin_socket;

    return *path ? open_unix(l, a, path, 0600, true) : OK;
}

struct err listeners_reopen(struct loop *l, struct arena *a)
{
    const struct settings *s = &l->engine->settings;
    struct err e = OK;

    for (size_t i = 0; i < l->listener_count; i++) {
        l->listeners[i].is_wanted = l->listeners[i].path != NULL;
        l->listeners[i].is_new = false;
    }
    if (s->port)
        e = open_all_tcp(l, a, s->port, false);
    if (!err_failed(e) && s->tls_port)
        e = open_all_tcp(l, a, s->tls_port, true);
    if (!err_failed(e) && s->reader_port)
        e = open_all_tcp(l, a, s->reader_port, false);
    for (size_t i = 0; i < l->listener_count; i++) {
        struct listener *there = &l->listeners[i];
        bool goes = err_failed(e) ? there->is_new : !there->is_wanted;

        if (!goes || there->fd < 0)
            continue;
        close(there->fd);
        there->fd = -1;
    }
    return e;
}

void listeners_close(struct loop *l)
{
    for (size_t i = 0; i < l->listener_count; i++) {
        if (l->listeners[i].fd >= 0)
            close(l->listeners[i].fd);
        if (l->listeners[i].path)
            unlink(l->listeners[i].path);
    }
    l->listener_count = 0;
}

void listeners_rest(const struct loop *l, bool rests)
{
    for (size_t i = 0; i < l->listener_count; i++) {
        const struct listener *s = &l->listeners[i];
        struct epoll_event ev = {.events = rests ? 0 : EPOLLIN};

        if (s->fd < 0)
            continue;

        ev.data.ptr = (void *)(uintptr_t)s;
        (void)epoll_ctl(s->is_admin ? l->admin_fd : l->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
    }
}
