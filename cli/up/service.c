/*
 * A poll loop over children. The control plane starts first; its first line says where it answers,
 * and only then hosts can start, since they must be told (and a second one, which is to be second).
 * A program that ends before the service was ready ends the start: its last words say what to
 * change. Later it is started again, with patience but not for ever.
 */
#include "cli/up/service.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "cli/up/child.h"
#include "cli/up/plan.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILURES_MAX = 12,      /* starts in a row that came to nothing: most of a minute */
    START_LIMIT_MS = 60000, /* the first start takes a fraction of a second */
    STOP_PLANE_MS = 10000,  /* the control plane has only its store to close */
    STOP_HOSTS_MS = 120000, /* hosts stop engines, which write what they have in memory */
};

/* How all programs say it; what follows is their own. A control plane that stands by says the
 * second one. */
static const char ready_word[] = "ready ", standby_word[] = "standby ";

struct service {
    const struct service_conf *conf;
    const struct up_plan *plan;
    const struct clock *clock;
    struct child planes[UP_PLANES];
    const char *urls[UP_PLANES]; /* of each; NULL until it said it; in `memory` */
    struct child *hosts;
    bool is_ready;
    int64_t begun_ms;
    struct arena memory;
};

static struct err gave_up(struct arena *a, const struct child *c, const char *how)
{
    const char *words = child_last_words(a, c);

    if (words)
        return err_format(a, ERR_UNAVAILABLE, "%s could not be started (%s): %s", c->plan->name,
                          how, words);
    return err_format(a, ERR_UNAVAILABLE, "%s could not be started (%s); its log is %s",
                      c->plan->name, how, c->plan->log_path);
}

/* The address to dial for one that listens everywhere. */
static const char *dial_url(struct arena *a, const char *url)
{
    struct net_addr address;
    struct str rest = str_of(url);

    str_cut(&rest, '/');
    str_cut(&rest, '/');
    if (!net_addr_parse(rest, &address) || !net_addr_is_wildcard(&address))
        return arena_strdup(a, url);
    const char *host = address.storage.ss_family == AF_INET6 ? "[::1]" : "127.0.0.1";
    return arena_printf(a, "http://%s:%d", host, net_addr_port(&address));
}

/* All control planes are there, though not all lead. */
static bool has_urls(const struct service *s)
{
    for (size_t i = 0; i < s->plan->plane_count; i++)
        if (!s->urls[i])
            return false;
    return true;
}

/* The planned command line with the control planes' addresses behind it. */
static const char *const *complete_argv(struct service *s, const struct up_child *host)
{
    size_t count = 0;

    while (host->argv[count])
        count++;
    const char **argv = arena_array(&s->memory, count + 3, sizeof(*argv));
    memcpy(argv, host->argv, count * sizeof(*argv));
    argv[count] = "--control-plane";
    argv[count + 1] =
        s->urls[1] ? arena_printf(&s->memory, "%s,%s", s->urls[0], s->urls[1]) : s->urls[0];
    return argv;
}

static struct err start_hosts(struct arena *a, struct service *s)
{
    for (size_t i = 0; i < s->plan->host_count; i++) {
        s->hosts[i].argv = complete_argv(s, &s->plan->hosts[i]);
        TRY(child_start(a, &s->hosts[i]));
    }
    return OK;
}

static bool all_were_ready(const struct service *s)
{
    for (size_t i = 0; i < s->plan->plane_count; i++)
        if (!s->planes[i].was_ready)
            return false;
    for (size_t i = 0; i < s->plan->host_count; i++)
        if (!s->hosts[i].was_ready)
            return false;
    return true;
}

/* What stands behind one of the words, or NULL. */
static const char *said(const char *line)
{
    if (strncmp(line, ready_word, sizeof(ready_word) - 1) == 0)
        return line + sizeof(ready_word) - 1;
    if (strncmp(line, standby_word, sizeof(standby_word) - 1) == 0)
        return line + sizeof(standby_word) - 1;
    return NULL;
}

/* The one after which others start. */
static struct err take_first_word(struct arena *a, struct service *s, size_t plane, const char *url)
{
    s->urls[plane] = dial_url(&s->memory, url);
    if (plane + 1 < s->plan->plane_count)
        return child_start(a, &s->planes[plane + 1]);
    return start_hosts(a, s);
}

/* The control planes' first words tell the hosts where to go; the last host's makes the service. */
static struct err take_word(struct arena *a, struct service *s, struct child *c, const char *line)
{
    const char *what = said(line);

    if (!what)
        return OK;
    child_note_ready(c);
    for (size_t i = 0; i < s->plan->plane_count; i++)
        if (c == &s->planes[i] && !s->urls[i])
            return take_first_word(a, s, i, what);
    if (!s->is_ready && all_were_ready(s)) {
        s->is_ready = true;
        s->conf->ready(s->conf->context, s->urls[0]);
    }
    return OK;
}

/* One child after an event or a pause: takes its words, notices its end, starts it again. */
static struct err tend(struct arena *a, struct service *s, struct child *c)
{
    const int64_t now = clock_boot_ms(s->clock);
    const char *line;
    struct proc_exit end;

    while (child_read_line(a, c, &line))
        TRY(take_word(a, s, c, line));
    if (child_is_running(c)) {
        if (!child_reap(c, now, &end))
            return OK;
        const char *how = proc_exit_text(a, end);
        if (!s->is_ready || c->failures >= FAILURES_MAX)
            return gave_up(a, c, how);
        log_warn("a program ended and is started again", f_str("program", c->plan->name),
                 f_str("end", how), f_str("log", c->plan->log_path));
    }
    if (c->restart_at_ms == 0 || now < c->restart_at_ms)
        return OK;
    return child_start(a, c);
}

static struct err tend_all(struct arena *a, struct service *s)
{
    for (size_t i = 0; i < s->plan->plane_count && (i == 0 || s->urls[i - 1]); i++)
        TRY(tend(a, s, &s->planes[i]));
    for (size_t i = 0; has_urls(s) && i < s->plan->host_count; i++)
        TRY(tend(a, s, &s->hosts[i]));
    return OK;
}

static void watch(struct child *c, struct pollfd **next, int64_t *wake_ms)
{
    if (!child_is_running(c)) {
        if (c->restart_at_ms > 0 && (*wake_ms < 0 || c->restart_at_ms < *wake_ms))
            *wake_ms = c->restart_at_ms;
        return;
    }
    *(*next)++ = (struct pollfd){.fd = c->proc.pidfd, .events = POLLIN};
    if (c->out_fd >= 0)
        *(*next)++ = (struct pollfd){.fd = c->out_fd, .events = POLLIN};
}

/* Sleeps until something happens; true when the service shall end. */
static bool wait_for_events(struct arena *a, struct service *s)
{
    struct pollfd *fds = arena_array(a, 1 + 2 * (UP_PLANES + s->plan->host_count), sizeof(*fds)),
                  *next = fds;
    const int64_t now = clock_boot_ms(s->clock);
    int64_t wake_ms = s->is_ready ? -1 : s->begun_ms + START_LIMIT_MS;

    *next++ = (struct pollfd){.fd = s->conf->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < s->plan->plane_count; i++)
        watch(&s->planes[i], &next, &wake_ms);
    for (size_t i = 0; i < s->plan->host_count; i++)
        watch(&s->hosts[i], &next, &wake_ms);
    const int64_t pause = wake_ms < 0 ? -1 : wake_ms > now ? wake_ms - now : 0;
    if (poll(fds, (nfds_t)(next - fds), (int)pause) <= 0)
        return false;
    return fds[0].revents != 0;
}

static struct err start_limit(struct arena *a, const struct service *s)
{
    if (s->is_ready || clock_boot_ms(s->clock) - s->begun_ms < START_LIMIT_MS)
        return OK;
    return err_format(a, ERR_TIMEOUT,
                      "the service was not ready within %d s; the logs are beside %s",
                      START_LIMIT_MS / 1000, s->plan->control_planes[0].log_path);
}

static struct err loop(struct arena *a, struct service *s)
{
    TRY(child_start(a, &s->planes[0]));
    for (;;) {
        scoped(arena_fini) struct arena round = {0};
        if (wait_for_events(&round, s))
            return OK;
        struct err e = tend_all(&round, s);
        if (!err_failed(e))
            e = start_limit(&round, s);
        if (err_failed(e))
            return err_keep(a, e);
    }
}

static void ask_to_end(struct child *c)
{
    if (child_is_running(c))
        err_ignore(proc_signal(&c->proc, SIGTERM), "it has ended by itself");
}

/* Waits up to the deadline, and ends by force what does not listen. */
static void see_end(struct service *s, struct child *c, int64_t deadline_ms)
{
    struct proc_exit end;
    const int64_t left = deadline_ms - clock_boot_ms(s->clock);

    if (!child_is_running(c))
        return;
    if (!err_failed(proc_wait(&c->proc, left > 0 ? (int)left : 0, &end))) {
        proc_fini(&c->proc);
        c->proc = PROC_NONE;
        return;
    }
    log_warn("a program does not end and is killed", f_str("program", c->plan->name));
    proc_kill(&c->proc);
    c->proc = PROC_NONE;
}

static void stop_all(struct service *s)
{
    for (size_t i = 0; i < s->plan->plane_count; i++)
        ask_to_end(&s->planes[i]);
    for (size_t i = 0; i < s->plan->plane_count; i++)
        see_end(s, &s->planes[i], clock_boot_ms(s->clock) + STOP_PLANE_MS);
    for (size_t i = 0; i < s->plan->host_count; i++)
        ask_to_end(&s->hosts[i]);
    const int64_t deadline = clock_boot_ms(s->clock) + STOP_HOSTS_MS;
    for (size_t i = 0; i < s->plan->host_count; i++)
        see_end(s, &s->hosts[i], deadline);
}

struct err service_run(struct arena *a, const struct service_conf *conf)
{
    struct service s = {.conf = conf, .plan = conf->plan, .clock = &clock_system};

    s.begun_ms = clock_boot_ms(s.clock);
    s.hosts = arena_array(&s.memory, s.plan->host_count, sizeof(*s.hosts));
    for (size_t i = 0; i < s.plan->plane_count; i++)
        child_init(&s.planes[i], &s.plan->control_planes[i], conf->lock_fd);
    for (size_t i = 0; i < s.plan->host_count; i++)
        child_init(&s.hosts[i], &s.plan->hosts[i], conf->lock_fd);

    struct err e = loop(a, &s);
    stop_all(&s);
    for (size_t i = 0; i < s.plan->plane_count; i++)
        child_fini(&s.planes[i]);
    for (size_t i = 0; i < s.plan->host_count; i++)
        child_fini(&s.hosts[i]);
    arena_fini(&s.memory);
    return e;
}
