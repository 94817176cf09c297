/*
 * A question over a connection of its own, in plain RESP and as nobody: as the node will come when
 * it follows. What would keep it from following is found here, with a sentence, and not by a link
 * that never comes up.
 */
#include "agent/tasks/source.h"

#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_STEP        16384
#define ANSWER_MAX_BYTES (1U << 20)
#define VERSION_LEAST    20821 /* 2.8.21 */

/* --- the answer --- */

/* The value behind "name:"; empty where it is not said. */
static struct str field(struct str info, const char *name)
{
    while (info.len > 0) {
        struct str line = str_trim(str_cut(&info, '\n'));
        struct str key = str_cut(&line, ':');
        if (str_is(key, name))
            return line;
    }
    return (struct str){0};
}

static int64_t number(struct str info, const char *name)
{
    int64_t value = 0;

    return str_to_i64(field(info, name), &value) ? value : 0;
}

/* "2.8.21" as 20821; 0 for what is no version. */
static int64_t version_number(struct str text)
{
    int64_t major = 0, minor = 0, patch = 0;

    if (!str_to_i64(str_cut(&text, '.'), &major) || !str_to_i64(str_cut(&text, '.'), &minor))
        return 0;
    if (!str_to_i64(text, &patch))
        patch = 0;
    return major * 10000 + minor * 100 + patch;
}

/* The highest database that holds something. */
static int64_t last_database(struct str info)
{
    int64_t last = 0, n;

    while (info.len > 0) {
        struct str line = str_cut(&info, '\n');
        struct str key = str_cut(&line, ':');
        if (key.len > 2 && str_starts(key, "db") &&
            str_to_i64((struct str){key.ptr + 2, key.len - 2}, &n) && n > last)
            last = n;
    }
    return last;
}

static struct err check_kind(struct arena *a, struct str info)
{
    struct str version = field(info, "redis_version");

    if (version_number(version) < VERSION_LEAST)
        return err_format(a, ERR_UNSUPPORTED,
                          "the source is of version %.*s, and 2.8.21 is the least",
                          STR_ARG(version));
    if (number(info, "cluster_enabled") != 0)
        return err_make(ERR_UNSUPPORTED, "the source has cluster mode enabled");
    return OK;
}

static struct err check_state(struct str info)
{
    if (number(info, "loading") != 0)
        return err_make(ERR_UNAVAILABLE, "the source is loading its data");
    if (!str_is(field(info, "role"), "master") && !str_is(field(info, "master_link_status"), "up"))
        return err_make(ERR_UNAVAILABLE,
                        "the source is a replica that is not connected to its primary");
    return OK;
}

static struct err check_room(struct arena *a, const struct source_wish *wish, struct str info)
{
    int64_t data = number(info, "used_memory_dataset");

    if (data == 0)
        data = number(info, "used_memory");
    if (data > wish->memory_bytes)
        return err_format(a, ERR_LIMIT,
                          "the source has %lld bytes of data, and the nodes have room for %lld",
                          (long long)data, (long long)wish->memory_bytes);
    if (last_database(info) >= wish->databases)
        return err_format(a, ERR_LIMIT,
                          "the source has data in database %lld, and the nodes have %lld databases",
                          (long long)last_database(info), (long long)wish->databases);
    return OK;
}

struct err source_judge(struct arena *a, const struct source_wish *wish, struct str info,
                        struct source_facts *out)
{
    TRY(check_kind(a, info));
    TRY(check_state(info));
    TRY(check_room(a, wish, info));
    out->offset = number(info, "master_repl_offset");
    return OK;
}

/* --- the way there --- */

struct way {
    const struct source_wish *wish;
    int64_t end_ms; /* boot time */
    int fd;
};

static struct err gone(struct arena *a, const struct way *w, const char *why)
{
    return err_format(a, ERR_UNAVAILABLE, "the source %s:%d cannot be reached: %s",
                      w->wish->address, w->wish->port, why);
}

static struct err await(struct arena *a, const struct way *w, short events)
{
    struct pollfd p = {.fd = w->fd, .events = events};
    int got;

    do {
        int64_t left_ms = w->end_ms - clock_boot_ms(&clock_system);
        got = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (got < 0 && errno == EINTR);
    return got > 0 ? OK : gone(a, w, "it does not answer in time");
}

static struct err connect_to(struct arena *a, struct way *w, const struct addrinfo *at)
{
    int error = 0;
    socklen_t len = sizeof(error);

    fd_close(&w->fd);
    w->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return err_sys(errno, "socket");
    if (connect(w->fd, at->ai_addr, at->ai_addrlen) == 0)
        return OK;
    if (errno != EINPROGRESS)
        return gone(a, w, err_text(a, err_sys(errno, "connect")));
    TRY(await(a, w, POLLOUT));
    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return err_sys(errno, "getsockopt");
    return error ? gone(a, w, err_text(a, err_sys(error, "connect"))) : OK;
}

static struct err dial(struct arena *a, struct way *w)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const char *port = arena_printf(a, "%d", w->wish->port);
    struct addrinfo *found;
    struct err e = OK;

    int rc = getaddrinfo(w->wish->address, port, &hints, &found);
    if (rc != 0)
        return gone(a, w, gai_strerror(rc));
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        e = connect_to(a, w, at);
        if (!err_failed(e))
            break;
    }
    freeaddrinfo(found);
    return e;
}

static struct err say(struct arena *a, const struct way *w, struct str text)
{
    while (text.len > 0) {
        ssize_t sent = send(w->fd, text.ptr, text.len, MSG_NOSIGNAL);
        if (sent > 0)
            text = (struct str){text.ptr + sent, text.len - (size_t)sent};
        else if (errno == EAGAIN)
            TRY(await(a, w, POLLOUT));
        else if (errno != EINTR)
            return gone(a, w, "it hangs up");
    }
    return OK;
}

/* One whole reply off the front of what came. */
static struct err hear(struct arena *a, const struct way *w, struct buf *in, struct str *out)
{
    for (;;) {
        struct str rest = buf_str(in), first;
        enum driver_reply result = resp_cut(&rest, &first);
        if (result == DRIVER_BAD || in->len > ANSWER_MAX_BYTES)
            return err_make(ERR_UNSUPPORTED, "the source does not speak the protocol of Redis");
        if (result == DRIVER_GOOD) {
            *out = str_of(str_dup(a, (struct str){in->ptr, in->len - rest.len}));
            buf_consume(in, in->len - rest.len);
            return OK;
        }
        TRY(await(a, w, POLLIN));
        ssize_t got = recv(w->fd, buf_reserve(in, READ_STEP), READ_STEP, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return gone(a, w, "it hangs up");
        in->len += got > 0 ? (size_t)got : 0;
    }
}

/* Where it lets nobody in without a password, or nobody from afar, it says so to the first word. */
static struct err check_reply(struct arena *a, struct str reply)
{
    struct str line = str_trim(str_cut(&reply, '\n'));

    if (line.len == 0 || line.ptr[0] != '-')
        return OK;
    line = (struct str){line.ptr + 1, line.len - 1};
    if (str_starts(line, "NOAUTH"))
        return err_make(ERR_DENIED, "the source asks for a password");
    return err_format(a, ERR_DENIED, "the source refuses: %.*s", STR_ARG(line));
}

static struct err converse(struct arena *a, struct way *w, struct source_facts *out)
{
    static const char question[] = "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINFO\r\n";
    scoped(buf_fini) struct buf in = BUF_EMPTY;
    struct str reply = {0};

    TRY(dial(a, w));
    TRY(say(a, w, str_of(question)));
    TRY(hear(a, w, &in, &reply));
    TRY(check_reply(a, reply));
    TRY(hear(a, w, &in, &reply));
    TRY(check_reply(a, reply));
    return source_judge(a, w->wish, reply, out);
}

struct err source_ask(struct arena *a, const struct source_wish *wish, int64_t limit_ms,
                      struct source_facts *out)
{
    struct way w = {.wish = wish, .end_ms = clock_boot_ms(&clock_system) + limit_ms, .fd = -1};

    struct err e = converse(a, &w, out);
    fd_close(&w.fd);
    return e;
}
