/*
 * One probe per process: a timer that beats, and a connection on which at most one question is
 * open. What is asked and how an answer is read comes from the driver.
 */
#include "agent/observe.h"

#include "agent/drivers/driver.h"
#include "agent/hang.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/net.h"
#include "contract/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SILENCE_MS      2000 /* shorter ones are not spoken of */
#define BEAT_MS         1000
#define FIRST_START_MS  5
#define LAST_START_MS   200
#define BEATS_PER_STATS 10
#define MINUTE_MS       60000
#define REPLY_MAX_BYTES (256U << 10)
#define READ_STEP       4096
#define HUNG_MS         5000 /* a connection that brings nothing for so long is made anew */

struct observe {
    struct observe_conf conf;
};

enum probe_phase {
    PROBE_DOWN,    /* no connection */
    PROBE_DIALING, /* it is being made */
    PROBE_IDLE,    /* connected, nothing asked */
    PROBE_ASKED,   /* an answer is awaited */
};

struct probe {
    struct observe *observe;
    struct node *node;
    struct driver_contact contact;
    int64_t pid, started_ms; /* of the process that is looked at */
    enum probe_phase phase;
    int64_t phase_ms; /* boot time since which */
    int fd;           /* -1 while PROBE_DOWN */
    struct loop_watch watch;
    struct loop_timer beat;
    int64_t start_delay_ms;              /* to the next question while it starts */
    const struct driver_question *asked; /* last */
    int64_t heard_ms; /* boot time of the last good answer, or of the beginning */
    struct buf reply;
    unsigned beats;
    struct hang hang; /* of a primary that has replicas */
    int64_t minute;   /* of the wall clock, in which its numbers were asked for last */
    bool is_greeted;  /* on this connection */
    bool is_hurried;  /* it is to become a primary */
};

static int64_t now_ms(const struct probe *p)
{
    return loop_now_ms(p->observe->conf.loop);
}

static void set_phase(struct probe *p, enum probe_phase phase)
{
    p->phase = phase;
    p->phase_ms = now_ms(p);
}

static void hang_up(struct probe *p)
{
    loop_unwatch(p->observe->conf.loop, &p->watch);
    fd_close(&p->fd);
    buf_clear(&p->reply);
    set_phase(p, PROBE_DOWN);
}

/* Others could take its place: whether it hangs matters. */
static bool is_replaceable(const struct node *n)
{
    const struct agent_node_role *role = n->goal ? n->goal->role : NULL;

    return n->state == NODE_RUNNING && role && role->is_primary.value && !role->is_fenced.value &&
           !n->goal->restarts_after_exit.value;
}

/* It was chosen to be the primary, and is none yet. */
static bool is_candidate(const struct node *n)
{
    return is_replaceable(n) && n->goal->role->life.value > 0 && !n->is_applied &&
           n->role != NODE_ROLE_PRIMARY;
}

static int64_t beat_of(const struct probe *p)
{
    return is_candidate(p->node)     ? HANG_LATE_BEAT_MS
           : is_replaceable(p->node) ? HANG_BEAT_MS
                                     : BEAT_MS;
}

/* The next beat: soon while the engine starts, less and less so. */
static void beat_later(struct probe *p)
{
    int64_t delay_ms = beat_of(p);

    if (p->node->state == NODE_STARTING) {
        delay_ms = p->start_delay_ms;
        p->start_delay_ms = delay_ms * 2 < LAST_START_MS ? delay_ms * 2 : LAST_START_MS;
    }
    loop_timer_set(p->observe->conf.loop, &p->beat, delay_ms);
}

/* Connecting. */

static int connect_socket(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, address, len) != 0 && errno != EINPROGRESS)
        fd_close(&fd);
    return fd;
}

static int connect_to(const char *host, int port)
{
    struct net_addr address;

    if (!net_addr_parse_host(str_of(host), &address))
        return -1;
    net_addr_set_port(&address, port);
    return connect_socket((struct sockaddr *)&address.storage, address.len);
}

static void dial(struct probe *p)
{
    const struct node *n = p->node;

    p->fd = p->contact.socket ? net_connect_unix_in(n->dir, p->contact.socket)
                              : connect_to(n->run.address, n->run.port);
    if (p->fd < 0)
        return;
    p->is_greeted = !p->contact.greeting[0];
    set_phase(p, PROBE_DIALING);
    if (err_failed(loop_watch(p->observe->conf.loop, &p->watch, p->fd, EPOLLOUT)))
        hang_up(p);
}

/* Asking. */

static int64_t minute_now(const struct probe *p)
{
    return clock_wall_ms(loop_clock(p->observe->conf.loop)) / MINUTE_MS;
}

static const struct driver_question *next_question(struct probe *p)
{
    bool is_running = p->node->state == NODE_RUNNING;
    bool is_watched = p->node->goal && p->node->goal->watches_memory.value;

    if (is_running && is_watched && p->node->used_memory_bytes < 0)
        return p->contact.stats; /* somebody waits for it */
    if (is_running && minute_now(p) != p->minute) {
        p->minute = minute_now(p);
        return p->contact.numbers;
    }
    bool is_time = is_running && (is_watched || p->beats % BEATS_PER_STATS == 1);
    return is_time ? p->contact.stats : p->contact.probe;
}

/* Sends the question. The connection is idle, so a few bytes always fit or it is broken. */
static void ask(struct probe *p)
{
    const struct driver_question *question = p->is_greeted ? next_question(p) : &driver_greeted;
    const char *request = p->is_greeted ? question->request : p->contact.greeting;
    size_t len = strlen(request);

    p->beats += p->is_greeted;
    if (send(p->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len ||
        err_failed(loop_watch(p->observe->conf.loop, &p->watch, p->fd, EPOLLIN))) {
        hang_up(p);
        return;
    }
    p->asked = question;
    set_phase(p, PROBE_ASKED);
}

/* It did not answer since the last beat. */
static void look_at_silence(struct probe *p)
{
    struct observe *o = p->observe;
    struct hang_sight sight;

    if (!hang_see("/proc", p->pid, &sight))
        return; /* its end is told by its shim */
    enum hang_verdict verdict = hang_step(&p->hang, &sight, beat_of(p), now_ms(p));
    bool is_late = is_candidate(p->node) && hang_is_late(&p->hang, &sight);
    if (verdict == HANG_NOT && !is_late)
        return;
    hang_reset(&p->hang, now_ms(p));
    o->conf.on_hung(o->conf.context, p->node,
                    is_late                 ? "it did not take its role in time"
                    : verdict == HANG_STILL ? "it hangs"
                                            : "it is busy for too long");
}

/* Who would hang is ended before; what is left computes, or waits for a processor. */
static void tell_silence(struct probe *p)
{
    struct observe *o = p->observe;
    bool is_watched = is_replaceable(p->node);
    int64_t silent_ms = is_watched ? p->hang.silent_ms : now_ms(p) - p->heard_ms;

    if (silent_ms > SILENCE_MS)
        o->conf.on_silent(o->conf.context, p->node, silent_ms,
                          is_watched ? "it is busy and does not answer"
                                     : "it runs and does not answer");
}

static void on_beat(void *context)
{
    struct probe *p = context;
    struct node *n = p->node;
    bool is_waiting = p->phase == PROBE_DIALING || p->phase == PROBE_ASKED;

    if (is_waiting && is_replaceable(n))
        look_at_silence(p);
    else
        hang_reset(&p->hang, now_ms(p));

    if (is_waiting && now_ms(p) - p->phase_ms > HUNG_MS)
        hang_up(p);
    if (p->phase == PROBE_DOWN)
        dial(p);
    else if (p->phase == PROBE_IDLE)
        ask(p);
    beat_later(p);
    tell_silence(p);
}

static void take_answer(struct probe *p, enum driver_reply result, const struct driver_stats *stats)
{
    struct observe *o = p->observe;
    struct node *n = p->node;

    if (result == DRIVER_BAD) {
        hang_up(p);
        return;
    }
    if (p->asked == &driver_greeted) {
        p->is_greeted = true;
        buf_clear(&p->reply);
        ask(p);
        return;
    }
    if (p->asked == p->contact.stats) {
        n->used_memory_bytes = stats->used_memory_bytes;
        n->connected_clients = stats->connected_clients;
    }
    if (p->asked == p->contact.numbers)
        o->conf.on_numbers(o->conf.context, n, buf_str(&p->reply));
    set_phase(p, PROBE_IDLE);
    p->heard_ms = now_ms(p);
    hang_reset(&p->hang, now_ms(p));
    buf_clear(&p->reply);
    o->conf.on_alive(o->conf.context, n); /* may end this probe */
}

static void on_readable(struct probe *p)
{
    struct driver_stats stats = DRIVER_STATS_UNKNOWN;

    ssize_t got = recv(p->fd, buf_reserve(&p->reply, READ_STEP), READ_STEP, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || p->reply.len > REPLY_MAX_BYTES) {
        hang_up(p);
        return;
    }
    p->reply.len += (size_t)got;
    enum driver_reply result = p->asked->read(buf_str(&p->reply), &stats);
    if (result != DRIVER_PARTIAL)
        take_answer(p, result, &stats);
}

static void on_ready(void *context, uint32_t events)
{
    struct probe *p = context;

    if (p->phase == PROBE_ASKED)
        on_readable(p);
    else if (p->phase == PROBE_DIALING && !(events & (EPOLLERR | EPOLLHUP)))
        ask(p);
    else
        hang_up(p); /* refused, ended, or it says something that nobody asked */
}

/* Which nodes are looked at. */

static void probe_begin(struct observe *o, struct node *n)
{
    const struct driver *driver = driver_find(n->run.driver);
    struct probe *p = calloc(1, sizeof(*p));

    check(p != NULL);
    *p = (struct probe){
        .observe = o,
        .node = n,
        .pid = n->run.pid,
        .started_ms = n->run.started_ms,
        .fd = -1,
        .watch = {.on_ready = on_ready, .context = p},
        .beat = {.on_due = on_beat,    .context = p},
        .start_delay_ms = FIRST_START_MS,
        .heard_ms = loop_now_ms(o->conf.loop)
    };
    (driver ? driver : drivers[0])->contact(o->conf.host, n->goal, &p->contact);
    n->probe = p;
    p->minute = minute_now(p);
    loop_timer_set(o->conf.loop, &p->beat, n->state == NODE_STARTING ? FIRST_START_MS : 0);
}

void observe_forget(struct node *n)
{
    struct probe *p = n->probe;

    if (!p)
        return;
    hang_up(p);
    loop_timer_stop(p->observe->conf.loop, &p->beat);
    buf_fini(&p->reply);
    free(p);
    n->probe = NULL;
}

/* Worth looking at: it starts or runs, its pid is known, and its goal says what kind it is. */
static bool is_observable(const struct node *n)
{
    return (n->state == NODE_STARTING || n->state == NODE_RUNNING) && n->run.pid > 0 &&
           !n->is_exited && n->goal && n->goal_state == NODE_RUNNING;
}

/* From the moment on in which it is to be the primary its time counts. */
static void hurry(struct probe *p)
{
    bool was_hurried = p->is_hurried;

    p->is_hurried = is_candidate(p->node);
    if (!p->is_hurried || was_hurried)
        return;
    hang_reset(&p->hang, now_ms(p));
    loop_timer_set(p->observe->conf.loop, &p->beat, 0);
}

void observe_node(struct observe *o, struct node *n)
{
    bool is_other =
        n->probe && (n->probe->pid != n->run.pid || n->probe->started_ms != n->run.started_ms);

    if (n->probe && (is_other || !is_observable(n)))
        observe_forget(n);
    if (!n->probe && is_observable(n))
        probe_begin(o, n);
    if (n->probe)
        hurry(n->probe);
}

struct observe *observe_open(const struct observe_conf *conf)
{
    struct observe *o = calloc(1, sizeof(*o));

    check(o != NULL);
    o->conf = *conf;
    return o;
}

void observe_close(struct observe *o)
{
    free(o);
}
