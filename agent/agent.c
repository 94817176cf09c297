/*
 * The wiring. A change of a node goes two ways, to the link (which tells the control plane) and to
 * the observer (which begins or ends looking); what those two learn goes to the steps, which alone
 * change nodes.
 */
#include "agent/agent.h"

#include "agent/addresses/addresses.h"
#include "agent/addresses/interface.h"
#include "agent/govern.h"
#include "agent/leases.h"
#include "agent/link.h"
#include "agent/measure.h"
#include "agent/names/names.h"
#include "agent/observe.h"
#include "agent/peers/peers.h"
#include "agent/plane.h"
#include "agent/seeds.h"
#include "agent/ship.h"
#include "agent/steps/steps.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/supervise.h"
#include "agent/tasks/tasks.h"
#include "agent/tokens.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "contract/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_WAIT_MS    20000
#define SETTLE_MAX_MS   1000 /* how long shims may take to answer before the host shows itself */
#define LAST_WORDS_MS   200  /* for reports when the agent ends */
#define SHIM_PROGRAM    "larder-shim"
#define SETTLE_CHECK_MS 5

struct agent {
    const struct agent_options *options;
    struct arena *arena;
    struct rng rng;
    struct agent_host host;
    struct driver_host programs;
    int lock_fd, signal_fd;
    struct loop *loop;
    struct nodes nodes;
    struct supervisor *supervisor;
    struct steps *steps;
    struct observe *observe;
    struct govern *govern;
    struct seeds *seeds;
    struct tasks *tasks;
    struct tokens *tokens;
    struct measure *measure;
    struct ship *ship;
    struct plane *plane;
    struct link *link;
    struct peers *peers; /* NULL: this host has no part in leases */
    struct leases *leases;
    struct interface interface;
    struct addresses *addresses; /* NULL: endpoints' are the host's without us */
    struct names *names;         /* NULL: this host answers none */
    struct loop_watch signals, lease_news;
    struct loop_timer settle, last_words;
    int64_t began_ms;
    bool is_ending;
    int status;
};

/* What the parts say to each other. */

static void end_when_idle(struct agent *g)
{
    if (!g->is_ending || !steps_are_idle(g->steps) || g->last_words.is_on)
        return;
    loop_timer_set(g->loop, &g->last_words, link_is_quiet(g->link) ? 0 : LAST_WORDS_MS);
}

static void look_at_addresses(struct agent *g)
{
    if (g->addresses)
        addresses_look(g->addresses);
}

static void on_change(void *context, struct node *n)
{
    struct agent *g = context;

    observe_node(g->observe, n);
    leases_look(g->leases, n);
    look_at_addresses(g);
    govern_node(g->govern, n);
    tasks_look(g->tasks, n);
    tokens_look(g->tokens, n);
    if (n->state == NODE_ABSENT) {
        measure_forget(n);
        ship_forget(n);
    }
    seeds_look(g->seeds, n);
    link_tell(g->link, n);
    end_when_idle(g);
}

/* Leases. */

static void on_lease_news(void *context, uint32_t events)
{
    struct agent *g = context;

    (void)events;
    peers_news(g->peers);
    leases_check(g->leases);
    look_at_addresses(g);
    vec_each(at, &g->nodes)
        govern_wake(*at);
}

static bool may_lead(void *context, struct node *n)
{
    struct agent *g = context;
    return leases_allow(g->leases, n);
}

static void on_promised(void *context)
{
    struct agent *g = context;
    link_tell_promise(g->link);
}

static void on_leases(void *context, const struct agent_promise_list *promises, const char *key)
{
    struct agent *g = context;
    leases_ask(g->leases, promises, key);
}

static int64_t lease_late_ms(void *context)
{
    struct agent *g = context;
    return g->peers ? peers_late_ms(g->peers) : -1;
}

static struct agent_promise_list promised(void *context, struct arena *a)
{
    struct agent *g = context;
    return leases_promised(g->leases, a);
}

static void on_alive(void *context, struct node *n)
{
    struct agent *g = context;
    steps_alive(g->steps, n);
    steps_weighs(g->steps, n);
}

static void on_log_news(void *context, struct node *n)
{
    struct agent *g = context;
    link_tell(g->link, n);
}

static struct err open_ship(struct agent *g)
{
    const struct ship_conf conf = {
        .loop = g->loop, .nodes = &g->nodes, .on_news = on_log_news, .context = g};
    return ship_open(&conf, &g->ship);
}

static void on_numbers(void *context, struct node *n, struct str answer)
{
    struct agent *g = context;

    measure_take(g->measure, n, answer);
    link_tell_sample(g->link);
}

static void on_silent(void *context, struct node *n, int64_t silent_ms, const char *why)
{
    struct agent *g = context;
    steps_silent(g->steps, n, silent_ms, why);
}

static void on_hung(void *context, struct node *n, const char *why)
{
    struct agent *g = context;
    steps_hung(g->steps, n, why);
}

static struct err on_term(void *context, struct arena *a, struct node *n, int64_t term)
{
    struct agent *g = context;
    return steps_take_term(g->steps, a, n, term);
}

static void on_obeyed(void *context, struct node *n, const char *version, int64_t term)
{
    struct agent *g = context;
    steps_obeys(g->steps, n, version, term);
}

static void on_disobeyed(void *context, struct node *n, const char *why, bool is_vital)
{
    struct agent *g = context;
    steps_refuses(g->steps, n, why, is_vital);
}

static bool has_seeds(void *context, struct node *n)
{
    struct agent *g = context;
    return seeds_are_there(g->seeds, n);
}

static void on_seeded(void *context, struct node *n, const char *why)
{
    struct agent *g = context;
    steps_seeded(g->steps, n, why);
}

static void on_task_news(void *context, struct node *n)
{
    struct agent *g = context;
    link_tell(g->link, n);
}

static void on_role(void *context, struct node *n, const struct driver_stats *stats)
{
    struct agent *g = context;
    steps_sees(g->steps, n, stats);
}

static void on_refused(void *context, const char *why)
{
    struct agent *g = context;

    log_error("the control plane refuses this host", f_str("host", g->host.name),
              f_str("why", why));
    g->status = AGENT_EXIT_REFUSED;
    loop_end(g->loop);
}

static void on_turn(void *context)
{
    struct agent *g = context;
    names_turn(g->names);
}

static void on_first_answer(void *context)
{
    struct agent *g = context;

    log_info("enrolled", f_str("host", g->host.name), f_str("id", g->host.host_id),
             f_str("zone", g->host.zone), f_int("nodes", g->nodes.count));
    vec_each(at, &g->nodes)
        tasks_look(g->tasks, *at); /* also where goals are the ones of before */
    printf("ready %s\n", g->host.host_id);
    fflush(stdout);
}

/* Addresses. */

static struct err on_bind(void *context, struct arena *a, struct node *n, const char *endpoints)
{
    struct agent *g = context;
    return g->addresses ? addresses_bind(g->addresses, a, n, endpoints) : OK;
}

static void on_bound(void *context, struct node *n, const char *endpoints)
{
    struct agent *g = context;

    if (g->addresses)
        addresses_bound(g->addresses, n, endpoints);
}

/* Signals. */

static void begin_end(struct agent *g)
{
    if (g->is_ending)
        return;
    g->is_ending = true;
    if (!g->options->stops_engines) {
        log_info("agent ends, engines go on", f_int("nodes", g->nodes.count));
        loop_end(g->loop);
        return;
    }
    log_info("agent ends and stops its engines", f_int("nodes", g->nodes.count));
    steps_end_all(g->steps);
    end_when_idle(g);
}

/* Shims of this agent that ended; what they meant is known from their connections. */
static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static void on_signal(void *context, uint32_t events)
{
    struct agent *g = context;
    struct signalfd_siginfo info;

    (void)events;
    while (read(g->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            reap();
        else
            begin_end(g);
    }
}

static struct err watch_signals(struct agent *g)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    g->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (g->signal_fd < 0)
        return err_sys(errno, "cannot watch signals");
    g->signals = (struct loop_watch){.on_ready = on_signal, .context = g};
    return loop_watch(g->loop, &g->signals, g->signal_fd, EPOLLIN);
}

/* Timers. */

/* The link starts when every process of before was heard: what the host shows first are facts. */
static void on_settle(void *context)
{
    struct agent *g = context;
    bool is_late = loop_now_ms(g->loop) - g->began_ms > SETTLE_MAX_MS;

    if (!steps_are_settled(g->steps) && !is_late) {
        loop_timer_set(g->loop, &g->settle, SETTLE_CHECK_MS);
        return;
    }
    if (is_late)
        log_warn("not every engine's supervisor answers", f_int("waited_ms", SETTLE_MAX_MS));
    link_start(g->link);
}

static void on_last_words(void *context)
{
    struct agent *g = context;
    loop_end(g->loop);
}

/* Beginning and end. */

static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files); /* three descriptors a node; the default is for 300 of them */
}

static struct err find_programs(struct agent *g, const char **out_shim)
{
    const char *dir = g->options->engine_dir;

    if (err_failed(fs_find_program(g->arena, fs_join(g->arena, dir, SHIM_PROGRAM), out_shim)))
        return err_format(g->arena, ERR_NOT_FOUND,
                          "there is no " SHIM_PROGRAM " in %s: see --engine-dir", dir);
    g->programs.allowed = g->options->drivers;
    drivers_survey(g->arena, dir, &g->programs);
    for (size_t i = 0; i < g->programs.program_count; i++)
        log_info("engine found", f_str("driver", g->programs.programs[i].driver->name),
                 f_str("version", g->programs.programs[i].version),
                 f_str("path", g->programs.programs[i].path));
    if (g->programs.program_count == 0)
        log_error("this host has no engine to run", f_str("engine_dir", dir));
    return OK;
}

static struct err open_steps(struct agent *g)
{
    const struct observe_conf observe = {.loop = g->loop,
                                         .host = &g->programs,
                                         .on_alive = on_alive,
                                         .on_numbers = on_numbers,
                                         .on_silent = on_silent,
                                         .on_hung = on_hung,
                                         .context = g};
    const struct govern_conf govern = {.loop = g->loop,
                                       .host = &g->programs,
                                       .on_term = on_term,
                                       .may_lead = may_lead,
                                       .on_obeyed = on_obeyed,
                                       .on_refused = on_disobeyed,
                                       .on_bind = on_bind,
                                       .on_bound = on_bound,
                                       .on_role = on_role,
                                       .context = g};
    const struct steps_conf steps = {.loop = g->loop,
                                     .nodes = &g->nodes,
                                     .supervisor = g->supervisor,
                                     .host = &g->programs,
                                     .has_seeds = has_seeds,
                                     .pool = g->options->pool,
                                     .pool6 = g->options->pool6,
                                     .on_change = on_change,
                                     .context = g};

    const struct tasks_conf tasks = {.loop = g->loop,
                                     .host = &g->programs,
                                     .kinds = task_kinds,
                                     .url = plane_url(g->plane),
                                     .token = g->options->token,
                                     .on_news = on_task_news,
                                     .context = g};

    g->observe = observe_open(&observe);
    g->govern = govern_open(&govern);
    const struct seeds_conf seeds = {.loop = g->loop,
                                     .url = plane_url(g->plane),
                                     .token = g->options->token,
                                     .on_end = on_seeded,
                                     .context = g};

    g->measure = measure_open(&clock_system, "/proc");
    TRY(tasks_open(&tasks, &g->tasks));
    TRY(seeds_open(&seeds, &g->seeds));
    g->steps = steps_open(&steps);
    return OK;
}

static struct err open_tokens(struct agent *g)
{
    const struct tokens_conf conf = {.loop = g->loop,
                                     .programs = &g->programs,
                                     .host = &g->host,
                                     .url = plane_url(g->plane),
                                     .token = g->options->token};
    return tokens_open(&conf, &g->tokens);
}

static struct err open_plane(struct agent *g)
{
    const struct plane_conf conf = {
        .clock = &clock_system,
        .path = fs_join(g->arena, g->options->host.state_dir, "obeyed"),
        .urls = g->options->urls,
        .url_count = g->options->url_count,
    };
    return plane_open(g->arena, &conf, &g->plane);
}

static struct err open_link(struct agent *g)
{
    const struct link_conf conf = {.loop = g->loop,
                                   .nodes = &g->nodes,
                                   .steps = g->steps,
                                   .rng = &g->rng,
                                   .plane = g->plane,
                                   .token = g->options->token,
                                   .host = &g->host,
                                   .wait_ms = POLL_WAIT_MS,
                                   .on_turn = on_turn,
                                   .on_refused = on_refused,
                                   .on_leases = on_leases,
                                   .promised = promised,
                                   .lease_late_ms = lease_late_ms,
                                   .on_first_answer = on_first_answer,
                                   .context = g};
    return link_open(&conf, &g->link);
}

/* A host that cannot be reached there runs caches all the same, only without leases. */
static struct err open_peers(struct agent *g)
{
    const struct peers_conf conf = {.host_id = g->host.host_id,
                                    .state_dir = g->options->host.state_dir,
                                    .bind = g->options->peer};

    struct err e = peers_open(g->arena, &conf, &g->peers);
    if (err_failed(e) && !g->options->must_vote) {
        log_warn("this host has no part in leases", f_err(e));
        return OK;
    }
    TRY(e);
    const struct net_addr address = peers_address(g->peers);
    g->host.peer_address = net_addr_host_text(g->arena, &address);
    g->host.peer_port = INT_OF(net_addr_port(&address));
    g->lease_news = (struct loop_watch){.on_ready = on_lease_news, .context = g};
    return loop_watch(g->loop, &g->lease_news, peers_news_fd(g->peers), EPOLLIN);
}

static struct err open_leases(struct agent *g)
{
    TRY(open_peers(g));
    const struct leases_conf conf = {.loop = g->loop,
                                     .nodes = &g->nodes,
                                     .steps = g->steps,
                                     .programs = &g->programs,
                                     .peers = g->peers,
                                     .on_promised = on_promised,
                                     .context = g};
    g->leases = leases_open(&conf);
    return OK;
}

static struct err open_names(struct agent *g)
{
    const struct names_conf conf = {.loop = g->loop,
                                    .rng = &g->rng,
                                    .url = plane_url(g->plane),
                                    .token = g->options->token,
                                    .path = fs_join(g->arena, g->options->host.state_dir, "names"),
                                    .listen = g->options->dns,
                                    .wait_ms = POLL_WAIT_MS};
    return g->options->dns ? names_open(g->arena, &conf, &g->names) : OK;
}

static struct err open_addresses(struct agent *g)
{
    const struct agent_options *o = g->options;

    if (!o->interface)
        return OK;
    TRY(interface_open(g->arena, o->interface, o->interface_prefix, &g->interface));
    const struct addresses_conf conf = {.loop = g->loop,
                                        .nodes = &g->nodes,
                                        .interface = &g->interface,
                                        .state_dir = o->host.state_dir,
                                        .may_lead = may_lead,
                                        .context = g};
    g->addresses = addresses_open(&conf);
    return OK;
}

static struct err agent_begin(struct agent *g)
{
    struct arena *a = g->arena;
    const char *state_dir = g->options->host.state_dir, *shim;

    TRY(host_lock(a, state_dir, &g->lock_fd));
    raise_file_limit();
    rng_seed_system(&g->rng);
    TRY(host_describe(a, &g->rng, &g->options->host, &g->host));
    TRY(find_programs(g, &shim));
    TRY(host_secret(a, &g->rng, state_dir, &g->programs.secret));
    g->programs.forgets_data = g->options->forgets_data;
    drivers_report(a, &g->programs, &g->host.engines);
    TRY(loop_open(&clock_system, &g->loop));
    TRY(watch_signals(g));

    const char *nodes_dir = fs_join(a, state_dir, "nodes");
    TRY(fs_make_dirs(nodes_dir, 0700));
    nodes_init(&g->nodes, nodes_dir, g->host.boot_id);
    g->supervisor = supervise_open(g->loop, shim);
    TRY(open_plane(g));
    TRY(open_steps(g));
    TRY(open_tokens(g));
    TRY(open_link(g));
    TRY(open_ship(g));
    TRY(open_names(g));
    TRY(open_leases(g));
    TRY(open_addresses(g));
    TRY(steps_resume(g->steps));
    if (g->addresses)
        TRY(addresses_resume(g->addresses, a));
    vec_each(at, &g->nodes)
        leases_look(g->leases, *at);

    g->settle = (struct loop_timer){.on_due = on_settle, .context = g};
    g->last_words = (struct loop_timer){.on_due = on_last_words, .context = g};
    g->began_ms = loop_now_ms(g->loop);
    loop_timer_set(g->loop, &g->settle, 0);
    return OK;
}

static void agent_fini(struct agent *g)
{
    steps_close(g->steps);
    vec_each(at, &g->nodes) {
        struct node *n = *at;

        observe_forget(n);
        govern_forget(n);
        tasks_forget(n);
        tokens_forget(n);
        measure_forget(n);
        seeds_forget(n);
        ship_forget(n);
        supervise_forget(n);
    }
    addresses_close(g->addresses);
    interface_close(&g->interface);
    leases_close(g->leases);
    loop_unwatch(g->loop, &g->lease_news);
    peers_close(g->peers);
    link_close(g->link);
    names_close(g->names);
    plane_close(g->plane);
    observe_close(g->observe);
    govern_close(g->govern);
    tasks_close(g->tasks);
    tokens_close(g->tokens);
    measure_close(g->measure);
    seeds_close(g->seeds);
    ship_close(g->ship);
    supervise_close(g->supervisor);
    nodes_fini(&g->nodes);
    loop_close(g->loop);
    fd_close(&g->signal_fd);
    fd_close(&g->lock_fd);
}

struct err agent_run(struct arena *a, const struct agent_options *options, int *out_status)
{
    struct agent g = {.options = options, .arena = a, .lock_fd = -1, .signal_fd = -1};

    struct err e = agent_begin(&g);
    if (!err_failed(e)) {
        loop_run(g.loop);
        *out_status = g.status;
    }
    agent_fini(&g);
    return e;
}
