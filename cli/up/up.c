/* The command line of `larder up`, its state folder, and what it says to the person at the
 * terminal. */
#include "cli/up/up.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/flags.h"
#include "base/fs.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/net.h"
#include "base/rng.h"
#include "cli/up/plan.h"
#include "cli/up/service.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    TOKEN_BYTES = 32,
    AGENTS_MAX = 64,
    PREDECESSOR_WAIT_MS = 135000, /* as long as a stop may take */
    PREDECESSOR_PAUSE_MS = 50,
};

/* Of the private ones; a machine answers on it that has the route (docs/network.md). */
#define UP_POOL6       "fd4c:6172:6465:72::/64"
#define LOOPBACK_POOL6 "::1/128"

static const char *const auth_words[] = {"open", "scoped", NULL};
static const char *const endpoint_words[] = {"address", "dns", NULL};
static const char *const network_words[] = {"open", "declared", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

#define AT(field) offsetof(struct up_options, field)
#define TEXT(name_, field, value_, fallback_, doc_)                             \
    {                                                                           \
        .name = (name_), .kind = FLAG_TEXT, .at = AT(field), .value = (value_), \
        .fallback = (fallback_), .doc = (doc_)                                  \
    }
#define CHOICE(name_, field, words_, value_, fallback_, doc_)                     \
    {                                                                             \
        .name = (name_), .kind = FLAG_CHOICE, .at = AT(field), .value = (value_), \
        .choices = (words_), .fallback = (fallback_), .doc = (doc_)               \
    }
#define NUMBER(name_, kind_, field, value_, fallback_, min_, max_, doc_)      \
    {                                                                         \
        .name = (name_), .kind = (kind_), .at = AT(field), .value = (value_), \
        .fallback = (fallback_), .min = (min_), .max = (max_), .doc = (doc_)  \
    }

#define SWITCH(name_, field, doc_)                                           \
    {                                                                        \
        .name = (name_), .kind = FLAG_SWITCH, .at = AT(field), .doc = (doc_) \
    }

static const struct flag rows[] = {
    TEXT("state-dir", state_dir, "DIR", NULL,
         "where everything is kept (default: $XDG_DATA_HOME/larder or ~/.local/share/larder)"),
    TEXT("listen", listen, "HOST:PORT", "127.0.0.1:9379", "where the API answers"),
    TEXT("standby", standby, "HOST:PORT", NULL,
         "where a second control plane stands by, which takes over when the first one is gone"),
    TEXT("dns", dns, "HOST:PORT|off", "127.0.0.1:9353", "where endpoint names are answered"),
    TEXT("host-dns", host_dns, "HOST:PORT", NULL,
         "where the first host answers endpoint names, too; others on the ports behind it"),
    TEXT("region", regions, "LIST", "us-east-1",
         "the regions served, with commas between; each has its own hosts"),
    NUMBER("agents", FLAG_NUMBER, agents, "N", "3", 1, AGENTS_MAX,
           "hosts in each region, spread over three zones"),
    NUMBER("memory", FLAG_BYTES, memory_bytes, "SIZE|auto", "auto", 0, 0,
           "memory that each host offers to caches, such as 32GB; auto is what the machine has"),
    TEXT("pool", pool, "CIDR", "127.77.0.0/16",
         "addresses for cache nodes; each host gets an equal part"),
    TEXT("pool6", pool6, "CIDR|auto|none", "auto",
         "the same of IPv6; auto is " UP_POOL6 " where the machine answers on it, else ::1"),
    TEXT("drivers", drivers, "LIST", NULL,
         "what may run caches: bundled, redis, memcached (default: all that the machine has)"),
    TEXT("account", account, "ID", "000000000000", "the account of callers that do not name one"),
    CHOICE("auth", auth, auth_words, "open|scoped", NULL,
           "whether unsigned requests are served (default: open on loopback, else scoped)"),
    CHOICE("endpoints", endpoints, endpoint_words, "address|dns", "address",
           "whether endpoints are addresses or names"),
    TEXT("dns-zone", dns_zone, "ZONE", NULL,
         "the zone of endpoint names (default: cache.larder.internal)"),
    TEXT("dns-update", dns_update, "HOST:PORT", NULL,
         "another name server, whose zone is kept up to date (RFC 2136)"),
    TEXT("dns-update-key", dns_update_key, "FILE", NULL,
         "the key that signs those updates (TSIG), as tsig-keygen or keymgr write it"),
    TEXT("hosts-file", hosts_file, "FILE", NULL,
         "a hosts file, such as /etc/hosts, in which a part is kept with endpoints' names"),
    TEXT("network-file", network_file, "FILE", NULL,
         "a JSON file that declares VPCs, subnets and security groups"),
    CHOICE("network", network, network_words, "open|declared", "open",
           "whether ids of subnets and security groups that nobody named are taken as they come"),
    TEXT("snapshots", snapshots, "DIR", NULL,
         "where snapshots are kept; in the state directory when not given"),
    TEXT(
        "buckets", buckets, "FILE", NULL,
        "buckets for exports and seeds, one 'NAME /FOLDER' or 'NAME URL REGION KEY SECRET' a line"),
    NUMBER("replace-after", FLAG_NUMBER, replace_after_s, "S", NULL, 0, 86400,
           "seconds until members of a lost host are made anew on another one (default: 60); "
           "0: never"),
    NUMBER("update-days", FLAG_NUMBER, update_days, "N", NULL, 0, 365,
           "days until service updates are applied unasked (default: as their severity has it)"),
    TEXT("quota", quota, "NAME=N,...", NULL,
         "how much an account may have where that is not as usual: nodes-per-group=500"),
    TEXT("topics", topics, "FILE", NULL, "webhooks of notification topics, one 'ARN URL' a line"),
    TEXT("log-destinations", log_destinations, "FILE", NULL,
         "where delivered logs go, one 'NAME URL' a line; else to files in DIR/delivered-logs"),
    TEXT("keys-file", keys, "FILE", NULL,
         "access keys that sign tokens of IAM users, one 'KEY SECRET' a line"),
    SWITCH("no-keep-data", forgets_data,
           "what is in the caches is dropped at a stop; else it is back at the next start"),
    CHOICE("log-level", log_level, level_words, "LEVEL", "info",
           "how much the logs in DIR/logs tell: debug, info, warn or error"),
};

static const struct flags line = {
    .program = "larder up",
    .about = "Runs a whole service on this machine until Ctrl-C: one control plane and its hosts.",
    FLAG_ROWS(rows),
};

/* The folder's absolute path; it need not exist yet. */
static struct err settle_state_dir(struct arena *a, struct up_options *o)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char here[PATH_MAX];

    if (!o->state_dir && data && *data)
        o->state_dir = fs_join(a, data, "larder");
    else if (!o->state_dir && home && *home)
        o->state_dir = fs_join(a, home, ".local/share/larder");
    else if (!o->state_dir)
        return err_make(ERR_INVALID, "there is no $HOME: give --state-dir");
    if (o->state_dir[0] == '/')
        return OK;
    if (!getcwd(here, sizeof(here)))
        return err_sys(errno, "the current folder has no path: give an absolute --state-dir");
    o->state_dir = fs_join(a, here, o->state_dir);
    return OK;
}

static bool answers_on(struct arena *a, const char *pool)
{
    struct net_addr address;
    struct ip_block block;

    check(ip_block_parse(str_of(pool), &block));
    const struct ip first = ip_block_usable(&block).first;
    check(net_addr_parse_host(str_of(ip_text(a, &first)), &address));
    return net_addr_is_here(&address);
}

/* What the machine has of IPv6; NULL where that is nothing. */
static void settle_pool6(struct arena *a, struct up_options *o)
{
    if (strcmp(o->pool6, "none") == 0)
        o->pool6 = NULL;
    else if (strcmp(o->pool6, "auto") != 0)
        return;
    else if (answers_on(a, UP_POOL6))
        o->pool6 = UP_POOL6;
    else
        o->pool6 = answers_on(a, LOOPBACK_POOL6) ? LOOPBACK_POOL6 : NULL;
}

static struct err make_state_dir(struct arena *a, const char *dir)
{
    struct err e = fs_make_dirs(fs_join(a, dir, "logs"), 0750);

    if (err_failed(e))
        return err_format(a, e.code, "--state-dir %s cannot be used: %s", dir, err_text(a, e));
    return OK;
}

static void pause_ms(int ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    (void)nanosleep(&span, NULL); /* woken early, the caller looks early */
}

/*
 * Two locks. The first is held by this process alone and says that a service runs here. The second
 * is handed to every program: after a crash of this process they need a moment to end, and a new
 * service must not start among them.
 */
static struct err take_locks(struct arena *a, const char *state_dir, int *out_own, int *out_shared)
{
    struct err e = fs_lock(fs_join(a, state_dir, "up.lock"), out_own);

    if (err_is(e, ERR_CONFLICT))
        return err_format(
            a, ERR_CONFLICT,
            "a service runs on %s already: stop it first, or give another --state-dir", state_dir);
    TRY(e);
    const char *path = fs_join(a, state_dir, "programs.lock");
    e = fs_lock(path, out_shared);
    if (err_is(e, ERR_CONFLICT))
        fprintf(stderr, "larder up: waiting for the programs of an earlier service to end\n");
    for (int waited = 0; err_is(e, ERR_CONFLICT) && waited < PREDECESSOR_WAIT_MS;
         waited += PREDECESSOR_PAUSE_MS) {
        pause_ms(PREDECESSOR_PAUSE_MS);
        e = fs_lock(path, out_shared);
    }
    if (err_is(e, ERR_CONFLICT))
        return err_format(a, ERR_CONFLICT, "programs of an earlier service on %s do not end",
                          state_dir);
    return e;
}

/* The secret between hosts and control plane is made once and kept. */
static struct err make_token(struct arena *a, const char *path)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    unsigned char bytes[TOKEN_BYTES];

    if (fs_exists(path))
        return OK;
    rng_system_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        buf_printf(&text, "%02x", bytes[i]);
    buf_putc(&text, '\n');
    struct err e = fs_write_atomic(path, buf_str(&text), 0600, FS_SYNC);
    return err_failed(e) ? err_format(a, e.code, "%s: %s", path, err_text(a, e)) : OK;
}

/* SIGTERM, SIGINT and SIGHUP become readable instead of deadly. */
static struct err catch_signals(int *out_fd)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    *out_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *out_fd < 0 ? err_make(ERR_IO, "cannot watch for signals") : OK;
}

static void say_ready(void *context, const char *url)
{
    const struct up_options *o = context;

    printf("ready %s\n", url);
    fflush(stdout);
    if (isatty(STDERR_FILENO))
        fprintf(stderr,
                "  state and logs:  %s\n"
                "  to use it:       export AWS_ENDPOINT_URL=%s\n"
                "  to stop it:      Ctrl-C\n",
                o->state_dir, url);
}

static struct err run(struct arena *a, struct up_options *o)
{
    scoped(fd_close) int own_lock = -1, shared_lock = -1, signal_fd = -1;
    const char *program_dir;
    struct up_plan plan;

    TRY(settle_state_dir(a, o));
    settle_pool6(a, o);
    TRY(fs_program_dir(a, &program_dir));
    TRY(up_plan_make(a, o, program_dir, &plan));
    TRY(make_state_dir(a, o->state_dir));
    TRY(catch_signals(&signal_fd));
    TRY(take_locks(a, o->state_dir, &own_lock, &shared_lock));
    TRY(make_token(a, plan.token_path));
    const struct service_conf conf = {.plan = &plan,
                                      .lock_fd = shared_lock,
                                      .signal_fd = signal_fd,
                                      .ready = say_ready,
                                      .context = o};
    return service_run(a, &conf);
}

int up_main(int argc, char **argv)
{
    scoped(arena_fini) struct arena a = {0};
    struct up_options options = {.update_days = -1, .replace_after_s = -1};
    struct flags_rest rest;
    int status;

    if (!flags_begin(&line, &a, argc, argv, &options, &rest, &status))
        return status;
    log_setup("larder up", LOG_LEVEL_WARN);
    struct err e = run(&a, &options);
    if (!err_failed(e))
        return 0;
    fprintf(stderr, "larder up: %s\n", err_text(&a, e));
    return err_is(e, ERR_INVALID) || err_is(e, ERR_LIMIT) ? 2 : 1;
}
