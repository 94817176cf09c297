/*
 * One governor per process. Its connection carries one exchange at a time: a greeting, the question
 * for the role, or orders. Orders are sent together up to the first that waits for those before it
 * (the role does, so that nobody becomes primary without its users); a refusal ends the connection,
 * which drops what is still under way, and everything is ordered anew a little later. That is safe
 * because each order changes nothing when it is given again.
 *
 * An engine that can tells between answers that its role or its link changed; the role is asked for
 * at once then, and with each beat from all. One that cannot writes to its log when a replica's
 * link ends: that is taken for the same.
 */
#include "agent/govern.h"

#include "agent/drivers/driver.h"
#include "agent/supervise/logwatch.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"
#include "base/shim_protocol.h"
#include "contract/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BEAT_MS           1000
#define SOON_MS           5 /* while something is expected any moment; doubles up to the beat */
#define RETRY_MS          1000
#define LEASE_PATIENCE_MS 1000  /* then it is said that the lease is not there */
#define HUNG_MS           10000 /* a big table of users takes its time */
#define READ_STEP         16384
#define REPLY_MAX_BYTES   (1U << 20)
#define RECORD_MAX_BYTES  (64U << 20)

struct govern {
    struct govern_conf conf;
    int64_t epoch;         /* of the last orders */
    struct logwatch *logs; /* NULL: the system has none left */
};

enum govern_phase {
    GOVERN_DOWN,     /* no connection */
    GOVERN_DIALING,  /* it is being made */
    GOVERN_GREETING, /* the answer to the greeting is awaited */
    GOVERN_IDLE,     /* connected, nothing under way */
    GOVERN_ASKING,   /* the answer about the role is awaited */
    GOVERN_ORDERING, /* answers to orders are awaited */
};

struct governor {
    struct govern *govern;
    struct node *node;
    const struct driver *driver;
    struct driver_contact contact;
    int64_t pid, started_ms; /* of the process that is governed */
    enum govern_phase phase;
    int64_t phase_ms; /* boot time since which */
    int fd;           /* -1 while GOVERN_DOWN */
    struct loop_watch watch;
    struct loop_timer beat;
    struct logwatch_file log; /* of an engine that does not say by itself what happens to it */
    int64_t delay_ms;         /* to the next beat while something is expected soon */
    struct buf in, out;
    const struct driver_question *greeting; /* whose answer is awaited while GOVERN_GREETING */

    /* The orders under way. */
    struct arena arena;
    struct driver_orders orders;
    size_t sent, answered;
    const char *version;          /* of the settings that they are */
    const char *declined_version; /* and of those that are in force when it does not yield */
    int64_t term;                 /* of the role that they give; 0 for none */
    bool fences;                  /* they take the right to write away */
    bool is_ordering;             /* they were begun and are not all obeyed */
    bool is_obeyed;               /* they are, and the role that came of it is being asked for */

    int64_t goal_count;        /* the goal for which this was */
    int64_t goal_ms;           /* boot time since which it is wanted */
    int64_t retry_at_ms;       /* boot time before which nothing is ordered */
    struct driver_stats stats; /* what it last said of its role */
    bool has_stats;            /* since the connection was made */
    bool is_fenced;            /* by orders that it obeyed */
    char *bound;               /* where it listens, by the last that it obeyed; NULL: not known */
};

static int64_t now_ms(const struct governor *g)
{
    return loop_now_ms(g->govern->conf.loop);
}

static void set_phase(struct governor *g, enum govern_phase phase)
{
    g->phase = phase;
    g->phase_ms = now_ms(g);
}

static void drop_orders(struct governor *g)
{
    g->is_ordering = g->is_obeyed = false;
    g->orders = (struct driver_orders){0};
    g->sent = g->answered = 0;
}

static void hang_up(struct governor *g)
{
    loop_unwatch(g->govern->conf.loop, &g->watch);
    fd_close(&g->fd);
    buf_clear(&g->in);
    buf_clear(&g->out);
    drop_orders(g);
    g->has_stats = false;
    set_phase(g, GOVERN_DOWN);
}

static void beat_in(struct governor *g, int64_t delay_ms)
{
    loop_timer_set(g->govern->conf.loop, &g->beat, delay_ms);
}

/* The settings are not in force, because: they are ordered anew a little later. */
static void refuse(struct governor *g, const char *why, bool is_vital)
{
    struct govern_conf *conf = &g->govern->conf;
    scoped(arena_fini) struct arena a = {0};
    const char *kept = arena_strdup(&a, why); /* it may be of the orders that are dropped */

    hang_up(g);
    g->retry_at_ms = now_ms(g) + RETRY_MS;
    beat_in(g, RETRY_MS);
    conf->on_refused(conf->context, g->node, kept, is_vital);
}

static void refuse_err(struct governor *g, struct err e)
{
    scoped(arena_fini) struct arena a = {0};
    refuse(g, err_text(&a, e), false);
}

/* ---- sending ---- */

/* Sends what the socket takes, and waits for room for the rest. */
static void flush(struct governor *g)
{
    while (g->out.len > 0) {
        ssize_t done = send(g->fd, g->out.ptr, g->out.len, MSG_NOSIGNAL);
        if (done <= 0)
            break;
        buf_consume(&g->out, (size_t)done);
    }
    uint32_t events = g->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if ((g->out.len > 0 && errno != EAGAIN) ||
        err_failed(loop_watch(g->govern->conf.loop, &g->watch, g->fd, events)))
        hang_up(g);
}

static void dial(struct governor *g)
{
    g->fd = net_connect_unix_in(g->node->dir, g->contact.socket);
    if (g->fd < 0)
        return;
    set_phase(g, GOVERN_DIALING);
    if (err_failed(loop_watch(g->govern->conf.loop, &g->watch, g->fd, EPOLLOUT)))
        hang_up(g);
}

static void ask(struct governor *g)
{
    set_phase(g, GOVERN_ASKING);
    buf_puts(&g->out, g->contact.role->request);
    flush(g);
}

/* ---- orders ---- */

static bool is_reached(const struct governor *g)
{
    return g->orders.after_offset <= 0 || g->stats.replication_offset >= g->orders.after_offset;
}

static bool may_send_next(const struct governor *g)
{
    const struct driver_order *next = &g->orders.items[g->sent];
    return !next->waits || (g->answered == g->sent && is_reached(g));
}

static void tell_obeyed(struct governor *g)
{
    struct govern_conf *conf = &g->govern->conf;
    scoped(arena_fini) struct arena a = {0};
    const char *version = arena_strdup(&a, g->version);
    int64_t term = g->term;

    drop_orders(g);
    conf->on_obeyed(conf->context, g->node, version, term);
}

/* Its successor is too slow: it keeps its role, and says so. The next attempt has another number.
 */
static void decline(struct governor *g)
{
    struct govern_conf *conf = &g->govern->conf;
    scoped(arena_fini) struct arena a = {0};
    const char *version = arena_strdup(&a, g->declined_version);
    int64_t term = g->term;

    drop_orders(g);
    set_phase(g, GOVERN_IDLE);
    g->retry_at_ms = now_ms(g) + RETRY_MS;
    conf->on_obeyed(conf->context, g->node, version, term);
}

static struct err write_file(struct governor *g, const struct driver_file *file)
{
    return fs_write_atomic(fs_join(&g->arena, g->node->dir, file->name), file->content, 0600,
                           FS_NO_SYNC);
}

/* What the engine listens on no more need not be the host's. */
static void take_bound(struct governor *g)
{
    struct govern_conf *conf = &g->govern->conf;

    if (!g->orders.bound)
        return;
    free(g->bound);
    g->bound = strdup(g->orders.bound);
    check(g->bound != NULL);
    if (conf->on_bound)
        conf->on_bound(conf->context, g->node, g->orders.endpoints);
}

/* All were obeyed: what came of it is told together with them. */
static void confirm(struct governor *g)
{
    struct err e = g->orders.record.name ? write_file(g, &g->orders.record) : OK;

    if (err_failed(e)) {
        refuse_err(g, e);
        return;
    }
    g->is_ordering = false;
    g->is_obeyed = true;
    g->delay_ms = SOON_MS;
    g->is_fenced = g->fences;
    take_bound(g);
    if (g->contact.role && g->fd >= 0) {
        ask(g);
        return;
    }
    if (g->fd >= 0)
        set_phase(g, GOVERN_IDLE); /* there is no role to be asked for */
    tell_obeyed(g);
}

/* False when the host cannot have the addresses: the orders are refused then. */
static bool may_bind(struct governor *g, const struct driver_order *next)
{
    struct govern_conf *conf = &g->govern->conf;

    if (!next->binds || !conf->on_bind)
        return true;
    struct err e = conf->on_bind(conf->context, &g->arena, g->node, g->orders.endpoints);
    if (err_failed(e))
        refuse_err(g, e);
    return !err_failed(e);
}

/* Sends the orders that may go now. */
static void go_on(struct governor *g)
{
    if (g->answered == g->orders.count) {
        confirm(g);
        return;
    }
    while (g->sent < g->orders.count && may_send_next(g)) {
        if (!may_bind(g, &g->orders.items[g->sent]))
            return;
        order_write(&g->out, &g->orders.items[g->sent++]);
    }
    if (g->sent > g->answered) {
        set_phase(g, GOVERN_ORDERING);
        flush(g);
        return;
    }
    set_phase(g, GOVERN_IDLE); /* for the offset: asked for with the next beats */
}

static struct err write_files(struct governor *g)
{
    for (size_t i = 0; i < g->orders.file_count; i++)
        TRY(write_file(g, &g->orders.files[i]));
    return OK;
}

/* Who was chosen for what it had does not take the role with nothing. */
static struct err check_life(const struct node *n, const struct agent_node_role *role)
{
    if (role->life.value > 0 && role->life.value != n->crashes + 1)
        return err_make(ERR_CONFLICT, "the role is meant for an engine that has ended since");
    return OK;
}

/* A primary has its lease before its role: it is never one that takes no writes. */
static bool lacks_lease(const struct governor *g)
{
    const struct govern_conf *conf = &g->govern->conf;
    return role_is_leased(g->node->goal->role) && !conf->may_lead(conf->context, g->node);
}

static struct err prepare_orders(struct governor *g)
{
    struct govern *v = g->govern;
    const struct agent_node_goal *goal = g->node->goal;
    scoped(buf_fini) struct buf record = BUF_EMPTY;
    struct driver_now now = {.role = g->stats.role, .is_fenced = g->is_fenced, .bound = g->bound};

    drop_orders(g);
    arena_reset(&g->arena);
    if (g->driver->record)
        TRY(fs_read_all(fs_join(&g->arena, g->node->dir, g->driver->record), RECORD_MAX_BYTES,
                        &record));
    now.record = buf_str(&record);
    v->epoch = v->epoch + 1 > now_ms(g) ? v->epoch + 1 : now_ms(g);
    now.epoch = v->epoch;
    TRY(g->driver->orders(&g->arena, v->conf.host, goal, &now, &g->orders));
    if (goal->role)
        TRY(check_life(g->node, goal->role));
    if (lacks_lease(g))
        return err_make(ERR_UNAVAILABLE,
                        "no majority of the shard's voters grants this primary its lease");
    if (goal->role)
        TRY(v->conf.on_term(v->conf.context, &g->arena, g->node, goal->role->term.value));
    if (g->orders.count > 0 && !g->contact.socket)
        return err_make(ERR_UNSUPPORTED, "this kind of engine takes no orders");
    g->version = arena_strdup(&g->arena, goal->settings_version ? goal->settings_version : "");
    const struct agent_yield *yield = goal->role ? goal->role->yield : NULL;
    g->declined_version = yield ? arena_strdup(&g->arena, yield->declined_version) : "";
    g->term = goal->role ? goal->role->term.value : 0;
    g->fences = goal->role && goal->role->is_fenced.value;
    g->goal_count = g->node->goal_count;
    g->is_ordering = true;
    return write_files(g);
}

static void begin_orders(struct governor *g)
{
    struct err e = prepare_orders(g);

    if (err_failed(e))
        refuse_err(g, e);
    else
        go_on(g);
}

static bool is_due(const struct governor *g)
{
    bool waits = now_ms(g) < g->goal_ms + LEASE_PATIENCE_MS && lacks_lease(g);
    return !g->node->is_applied && !g->is_ordering && !g->is_obeyed && !waits &&
           now_ms(g) >= g->retry_at_ms;
}

/* Connected and idle: orders where there are any to give, once the role is known. */
static void act(struct governor *g)
{
    if (g->contact.role && !g->has_stats)
        ask(g);
    else if (is_due(g))
        begin_orders(g);
    else if (g->contact.role)
        ask(g);
}

/* ---- answers ---- */

static void take_role(struct governor *g, const struct driver_stats *stats)
{
    struct govern_conf *conf = &g->govern->conf;

    g->stats = *stats;
    g->has_stats = true;
    set_phase(g, GOVERN_IDLE);
    conf->on_role(conf->context, g->node, stats);
    if (g->is_obeyed)
        tell_obeyed(g);
    else if (g->is_ordering && g->goal_count != g->node->goal_count)
        begin_orders(g);
    else if (g->is_ordering)
        go_on(g);
    else if (is_due(g))
        begin_orders(g);
}

static void take_order(struct governor *g, struct str first)
{
    const struct driver_order *order = &g->orders.items[g->answered];
    bool is_unknown = order->yields && str_starts(first, "-ERR unknown command");

    if (order->yields && str_starts(first, "-NOTLEVEL")) {
        decline(g);
        return;
    }
    if (first.ptr[0] == '-' && !is_unknown) {
        refuse(g,
               arena_printf(&g->arena, "the engine refuses %s: %.*s", order->what,
                            (int)first.len - 1, first.ptr + 1),
               order->is_vital);
        return;
    }
    g->answered++;
    if (g->answered == g->sent)
        go_on(g);
}

/* One whole reply, of which `first` is the first line. */
static void take(struct governor *g, struct str reply, struct str first)
{
    struct driver_stats stats = DRIVER_STATS_UNKNOWN;
    const struct driver_question *question =
        g->phase == GOVERN_GREETING ? g->greeting : g->contact.role;

    if (g->phase == GOVERN_ORDERING) {
        take_order(g, first);
    } else if (question->read(reply, &stats) != DRIVER_GOOD) {
        hang_up(g);
    } else if (g->phase == GOVERN_GREETING) {
        set_phase(g, GOVERN_IDLE);
        act(g);
    } else {
        take_role(g, &stats);
    }
}

/* What nobody asked for is news of the role: more is learnt by the question for it. */
static bool is_news(const struct governor *g, struct str first)
{
    return g->contact.listen && first.ptr[0] == '*';
}

/* Takes all that has come in whole. What is told of it may lead to the governor's end. */
static void take_all(struct governor *g)
{
    struct node *n = g->node;
    scoped(buf_fini) struct buf said = BUF_EMPTY;
    bool has_news = false;

    while (n->governor == g && g->in.len > 0) {
        struct str rest = buf_str(&g->in), first;
        enum driver_reply result = resp_cut(&rest, &first);

        if (result == DRIVER_BAD ||
            (result == DRIVER_GOOD && !is_news(g, first) && g->phase == GOVERN_IDLE)) {
            hang_up(g); /* nonsense, or what nobody asked */
            return;
        }
        if (result == DRIVER_PARTIAL)
            break;
        size_t len = g->in.len - rest.len;
        buf_clear(&said);
        buf_add(&said, g->in.ptr, len);
        first.ptr = said.ptr;
        buf_consume(&g->in, len);
        if (is_news(g, first))
            has_news = true;
        else
            take(g, buf_str(&said), first);
    }
    if (has_news && n->governor == g && g->phase == GOVERN_IDLE)
        ask(g);
}

static void on_connected(struct governor *g)
{
    if (!g->contact.listen && !g->contact.greeting[0]) {
        set_phase(g, GOVERN_IDLE);
        act(g);
        return;
    }
    set_phase(g, GOVERN_GREETING);
    g->greeting = g->contact.listen ? g->contact.listen : &driver_greeted;
    buf_puts(&g->out, g->contact.listen ? g->contact.listen->request : g->contact.greeting);
    flush(g);
}

static void on_ready(void *context, uint32_t events)
{
    struct governor *g = context;

    if (g->phase == GOVERN_DIALING) {
        if (events & (EPOLLERR | EPOLLHUP))
            hang_up(g);
        else
            on_connected(g);
        return;
    }
    if (g->out.len > 0 && (events & EPOLLOUT)) {
        flush(g);
        if (g->fd < 0)
            return;
    }
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        return;
    ssize_t got = recv(g->fd, buf_reserve(&g->in, READ_STEP), READ_STEP, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || g->in.len + (size_t)got > REPLY_MAX_BYTES) {
        hang_up(g);
        return;
    }
    g->in.len += (size_t)got;
    take_all(g);
}

/* ---- beats ---- */

static bool is_expectant(const struct governor *g)
{
    return !g->node->is_applied || (g->stats.role == DRIVER_REPLICA && !g->stats.is_link_up);
}

static void beat_again(struct governor *g)
{
    int64_t delay_ms = BEAT_MS;

    if (is_expectant(g)) {
        delay_ms = g->delay_ms;
        g->delay_ms = delay_ms * 2 < BEAT_MS ? delay_ms * 2 : BEAT_MS;
        if (g->is_ordering) /* a successor waits for the last bytes of its predecessor */
            delay_ms = SOON_MS;
    } else {
        g->delay_ms = SOON_MS;
    }
    beat_in(g, delay_ms);
}

static bool is_hung(const struct governor *g)
{
    bool is_waiting = g->phase != GOVERN_DOWN && g->phase != GOVERN_IDLE;
    return is_waiting && now_ms(g) - g->phase_ms > HUNG_MS;
}

/* A line or two each time: who writes much is not asked more often than one that is waited for. */
static void on_written(void *context)
{
    struct governor *g = context;
    int64_t since_ms = now_ms(g) - g->phase_ms;

    if (g->stats.role == DRIVER_REPLICA)
        beat_in(g, g->phase == GOVERN_IDLE && since_ms >= SOON_MS ? 0 : SOON_MS);
}

/* Anew when its log was set aside for another one. */
static void watch_log(struct governor *g)
{
    struct logwatch *logs = g->govern->logs;
    scoped(arena_fini) struct arena a = {0};

    if (logs && !g->log.is_on && g->contact.role && !g->contact.listen)
        logwatch_begin(logs, &g->log, fs_join(&a, g->node->dir, SHIM_LOG));
}

static void on_beat(void *context)
{
    struct governor *g = context;

    beat_again(g);
    watch_log(g);
    if (is_hung(g)) {
        if (g->node->is_applied)
            hang_up(g);
        else
            refuse(g, "the engine does not answer to orders", false);
        return;
    }
    if (!g->contact.socket && is_due(g))
        begin_orders(g);
    else if (g->contact.socket && g->phase == GOVERN_DOWN && now_ms(g) >= g->retry_at_ms)
        dial(g);
    else if (g->phase == GOVERN_IDLE)
        act(g);
}

/* ---- which nodes are governed ---- */

static void governor_begin(struct govern *v, struct node *n)
{
    const struct driver *driver = driver_find(n->run.driver);
    struct governor *g = calloc(1, sizeof(*g));

    check(g != NULL);
    *g = (struct governor){
        .govern = v,
        .node = n,
        .driver = driver ? driver : drivers[0],
        .pid = n->run.pid,
        .started_ms = n->run.started_ms,
        .fd = -1,
        .watch = {.on_ready = on_ready,     .context = g},
        .beat = {.on_due = on_beat,        .context = g},
        .log = {.on_written = on_written, .context = g},
        .delay_ms = SOON_MS,
        .goal_count = n->goal_count,
        .goal_ms = loop_now_ms(v->conf.loop),
        .stats = DRIVER_STATS_UNKNOWN,
    };
    g->driver->contact(v->conf.host, n->goal, &g->contact);
    n->governor = g;
    beat_in(g, 0);
}

void govern_forget(struct node *n)
{
    struct governor *g = n->governor;

    if (!g)
        return;
    hang_up(g);
    loop_timer_stop(g->govern->conf.loop, &g->beat);
    logwatch_end(g->govern->logs, &g->log);
    buf_fini(&g->in);
    buf_fini(&g->out);
    arena_fini(&g->arena);
    free(g->bound);
    free(g);
    n->governor = NULL;
}

/* It serves, or would if it had its settings, and its goal is that it does. */
static bool is_governable(const struct node *n)
{
    bool serves = n->state == NODE_RUNNING || (n->state == NODE_STARTING && n->is_ready);
    return serves && n->run.pid > 0 && !n->is_exited && !n->is_adopted && n->goal &&
           n->goal_state == NODE_RUNNING;
}

void govern_node(struct govern *v, struct node *n)
{
    struct governor *g = n->governor;
    bool is_other = g && (g->pid != n->run.pid || g->started_ms != n->run.started_ms);

    if (g && (is_other || !is_governable(n))) {
        govern_forget(n);
        g = NULL;
    }
    if (!g && is_governable(n)) {
        governor_begin(v, n);
    } else if (g && !n->is_applied && g->goal_count != n->goal_count) {
        if (!g->is_ordering)
            g->goal_count = n->goal_count;
        g->goal_ms = now_ms(g);
        g->retry_at_ms = 0;
        g->delay_ms = SOON_MS;
        beat_in(g, 0);
    }
}

void govern_wake(struct node *n)
{
    struct governor *g = n->governor;

    if (!g || n->is_applied || !role_is_leased(n->goal->role) || lacks_lease(g))
        return;
    g->retry_at_ms = 0;
    beat_in(g, 0);
}

struct govern *govern_open(const struct govern_conf *conf)
{
    struct govern *v = calloc(1, sizeof(*v));

    check(v != NULL);
    v->conf = *conf;
    struct err e = logwatch_open(conf->loop, &v->logs);
    if (err_failed(e))
        log_warn("engines that say nothing by themselves are asked once a second", f_err(e));
    return v;
}

void govern_close(struct govern *v)
{
    if (v)
        logwatch_close(v->logs);
    free(v);
}
