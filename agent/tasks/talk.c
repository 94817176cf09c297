/*
 * One connection, used as it becomes ready. Whoever listens may close the talk from within a call:
 * it is then freed when the call returned.
 */
#include "agent/tasks/talk.h"

#include "agent/drivers/driver.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/net.h"
#include "base/vec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_STEP       16384
#define REPLY_MAX_BYTES (1U << 20)

struct talk {
    struct talk_conf conf;
    int fd;
    struct loop_watch watch;
    struct loop_timer first; /* what went wrong at the beginning is told by it */
    struct buf in, out;
    bool is_connected;
    bool is_greeting; /* the answer to the greeting is awaited */
    bool is_in_call, is_closed, is_broken;
};

static void talk_free(struct talk *t)
{
    buf_fini(&t->in);
    buf_fini(&t->out);
    free(t);
}

static void hang_up(struct talk *t)
{
    loop_unwatch(t->conf.loop, &t->watch);
    loop_timer_stop(t->conf.loop, &t->first);
    fd_close(&t->fd);
}

/* True when the talk is over: whoever called has closed it, or is told that it broke. */
static bool call_ends(struct talk *t)
{
    t->is_in_call = false;
    if (!t->is_closed)
        return t->is_broken;
    talk_free(t);
    return true;
}

static void break_off(struct talk *t, const char *why)
{
    hang_up(t);
    t->is_broken = t->is_in_call = true;
    t->conf.on_broken(t->conf.context, why);
    call_ends(t);
}

/* False when that broke the talk. */
static bool flush(struct talk *t)
{
    while (t->is_connected && t->out.len > 0) {
        ssize_t sent = send(t->fd, t->out.ptr, t->out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN) {
            break_off(t, "the engine hung up");
            return false;
        }
        if (sent < 0)
            break;
        buf_consume(&t->out, (size_t)sent);
    }
    uint32_t events = !t->is_connected || t->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if (err_failed(loop_watch(t->conf.loop, &t->watch, t->fd, events))) {
        break_off(t, "the engine's socket cannot be watched");
        return false;
    }
    return true;
}

/* Hands on every whole reply that is there. */
static void hand_on(struct talk *t)
{
    struct str rest = buf_str(&t->in), first;
    enum driver_reply result;

    for (struct str whole = rest; (result = resp_cut(&rest, &first)) == DRIVER_GOOD; whole = rest) {
        whole.len -= rest.len;
        if (t->is_greeting) {
            t->is_greeting = false;
            if (!talk_is_error(whole))
                continue;
            break_off(t, "the engine refuses the agent's greeting");
            return;
        }
        t->is_in_call = true;
        t->conf.on_reply(t->conf.context, whole);
        if (call_ends(t))
            return;
    }
    if (result == DRIVER_BAD)
        break_off(t, "the engine answers what nobody understands");
    else
        buf_consume(&t->in, t->in.len - rest.len);
}

static void on_ready(void *context, uint32_t events)
{
    struct talk *t = context;

    t->is_connected |= !(events & (EPOLLERR | EPOLLHUP));
    if ((events & EPOLLOUT) && !flush(t))
        return;
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        return;
    ssize_t got = recv(t->fd, buf_reserve(&t->in, READ_STEP), READ_STEP, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || t->in.len + (size_t)got > REPLY_MAX_BYTES) {
        break_off(t, got > 0 ? "the engine's answer is too long" : "the engine hung up");
        return;
    }
    t->in.len += (size_t)got;
    hand_on(t);
}

static void on_first(void *context)
{
    struct talk *t = context;

    if (t->fd < 0)
        break_off(t, "the engine takes no orders");
    else
        flush(t);
}

struct talk *talk_open(const struct talk_conf *conf)
{
    const struct driver *driver = driver_find(conf->node->run.driver);
    struct talk *t = calloc(1, sizeof(*t));
    struct driver_contact contact;

    check(t != NULL);
    *t = (struct talk){
        .conf = *conf,
        .fd = -1,
        .watch = {.on_ready = on_ready, .context = t},
        .first = {.on_due = on_first,   .context = t},
    };
    (driver ? driver : drivers[0])->contact(conf->host, conf->node->goal, &contact);
    if (contact.socket)
        t->fd = net_connect_unix_in(conf->node->dir, contact.socket);
    if (contact.greeting[0]) {
        t->is_greeting = true;
        buf_puts(&t->out, contact.greeting);
    }
    loop_timer_set(conf->loop, &t->first, 0);
    return t;
}

void talk_say_words(struct talk *t, const char *const *words, size_t count)
{
    scoped(arena_fini) struct arena a = {0};
    struct driver_orders orders = {0};

    orders_add_words(&a, &orders, "", words, count);
    order_write(&t->out, &orders.items[0]);
    if (t->fd >= 0)
        loop_timer_set(t->conf.loop, &t->first, 0); /* sent from the loop: it may break */
}

void talk_say(struct talk *t, ...)
{
    scoped(arena_fini) struct arena a = {0};
    vec_of(const char *) words = VEC_EMPTY;
    va_list ap;

    va_start(ap, t);
    for (const char *word; (word = va_arg(ap, const char *)) != NULL;)
        *vec_add(&a, &words) = word;
    va_end(ap);
    talk_say_words(t, words.items, words.count);
}

void talk_close(struct talk *t)
{
    if (!t)
        return;
    hang_up(t);
    t->is_closed = true;
    if (!t->is_in_call)
        talk_free(t);
}

bool talk_is_error(struct str reply)
{
    return reply.len > 0 && reply.ptr[0] == '-';
}

const char *talk_error_text(struct arena *a, struct str reply)
{
    struct str line = str_cut(&reply, '\r');

    if (!talk_is_error(line))
        return str_dup(a, line);
    return str_dup(a, (struct str){line.ptr + 1, line.len - 1});
}
