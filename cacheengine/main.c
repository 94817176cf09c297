/* larder-engine: reads the directives, builds the engine, serves until it is told to end. */
#include "base/crash.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/files.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/unkept.h"
#include "cacheengine/net/loop.h"
#include "cacheengine/proto/memcached_options.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int usage(FILE *to, int status)
{
    fputs(
        "usage: larder-engine [CONFFILE] [--DIRECTIVE VALUE ...] ...\n"
        "       larder-engine --memcached [OPTION ...]\n"
        "       larder-engine --version | --help\n"
        "CONFFILE has redis.conf's syntax; '-' reads it from standard input. Every directive may be\n"
        "given on the command line too, where it comes after the file's. With --memcached, or called\n"
        "memcached, it takes memcached's options.\n",
        to);
    return status;
}

/* The directives of the command line, from argv[at] on. */
static struct err load_arguments(struct config *config, struct arena *a, int argc, char **argv,
                                 int at)
{
    while (at < argc) {
        struct str *words = arena_array(a, (size_t)(argc - at) + 1, sizeof(*words));
        size_t count = 1;

        if (strncmp(argv[at], "--", 2) != 0 || !argv[at][2])
            return err_format(a, ERR_INVALID, "'%s' is no directive: those begin with --",
                              argv[at]);
        const char *name = argv[at++] + 2;
        words[0] = str_of(name);
        while (at < argc && strncmp(argv[at], "--", 2) != 0)
            words[count++] = str_of(argv[at++]);
        /* An empty value is what `save ""` means. */
        struct err e = config_load_words(config, a, words, count);
        if (err_failed(e))
            return err_format(a, e.code, "command line: '%s': %s", name, err_text(a, e));
    }
    return OK;
}

static struct err load_config(struct engine *e, struct arena *a, int argc, char **argv)
{
    int at = 1;

    config_init(&e->config, &e->settings);
    if (argc > 1 && (strncmp(argv[1], "--", 2) != 0)) {
        at = 2;
        TRY(config_load_file(&e->config, a, argv[1]));
        if (strcmp(argv[1], "-") != 0)
            TRY(fs_absolute(a, argv[1], &e->config_file));
    }
    return load_arguments(&e->config, a, argc, argv, at);
}

/* maxclients is what the system grants at most. */
static struct err fit_clients(struct settings *s, struct arena *a)
{
    int64_t wanted = s->max_clients, granted = files_for_clients(wanted);

    if (granted < 1)
        return err_format(a, ERR_LIMIT,
                          "the limit of open files is not enough to start: 'ulimit -n' must be at "
                          "least %lld for maxclients %lld",
                          (long long)wanted + FILES_RESERVED, (long long)wanted);
    if (granted < wanted)
        log_warn("maxclients reduced: the limit of open files is too low, see 'ulimit -n'",
                 f_int("from", wanted), f_int("to", granted));
    s->max_clients = granted;
    return OK;
}

static struct err prepare_process(struct engine *e, struct arena *a)
{
    const struct settings *s = &e->settings;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
    if (chdir(s->dir) != 0)
        return err_format(a, ERR_IO, "Can't chdir to '%s': %s", s->dir, strerror(errno));
    TRY(logs_open(e, a));
    /* What the kernel refuses has been logged, and is no reason not to serve. */
    struct err score = oom_score_apply(e, a);
    return score.code == ERR_INVALID ? score : fit_clients(&e->settings, a);
}

/* Keeps the folder as its absolute path, for files are named by it later and CONFIG GET shows it.
 */
static struct err settle_dir(struct config *config, struct arena *a)
{
    const char *dir;

    TRY(fs_absolute(a, ".", &dir));
    return config_set(config, a, config_find(STR("dir")), str_of(dir));
}

static void write_pid_file(const struct settings *s, int pid)
{
    FILE *f = *s->pid_file ? fopen(s->pid_file, "we") : NULL;

    if (!f) {
        if (*s->pid_file)
            log_warn("pid file not written", f_err(err_sys(errno, "it cannot be opened")));
        return;
    }
    fprintf(f, "%d\n", pid);
    fclose(f);
}

/* Who runs here; before the files are loaded, which may take long or fail. */
static void announce_start(const struct engine *e)
{
    printf("larder-engine " LARDER_VERSION ", %s protocol, PID: %d\n",
           e->settings.protocol == PROTOCOL_RESP ? "redis" : "memcached", e->pid);
    fflush(stdout);
}

static void announce(const struct engine *e)
{
    if (e->settings.port)
        printf("port %lld on %s\n", (long long)e->settings.port, e->settings.bind);
    printf("Ready to accept connections\n");
    fflush(stdout);
    notify_ready();
}

static struct err serve(struct engine *e, struct arena *a)
{
    struct loop loop = {0};

    TRY(unkept_check(&e->settings));
    TRY(prepare_process(e, a));
    TRY(settle_dir(&e->config, a));
    engine_init(e);
    crash_watch(LARDER_VERSION, logs_describe_running, e);
    announce_start(e);
    struct err failed = access_load(e, a);
    if (!err_failed(failed)) {
        failed = loop_open(&loop, e, a);
        /* What watches the output takes another port then. */
        if (err_failed(failed))
            printf("Failed listening on port %lld, aborting.\n", (long long)e->settings.port);
    }
    if (!err_failed(failed)) {
        puts("Server initialized");
        fflush(stdout);
        failed = engine_load_data(e, NULL, a);
    }
    if (e->is_ending) {
        loop_close(&loop);
        return OK;
    }
    if (!err_failed(failed))
        failed = listeners_open_admin(&loop, a);
    if (!err_failed(failed)) {
        config_warn_unread(&e->config);
        replica_start(e);
        write_pid_file(&e->settings, e->pid);
        announce(e);
        loop_run(&loop);
        log_info("ends", f_int("pid", e->pid));
        if (*e->settings.pid_file)
            unlink(e->settings.pid_file);
    }
    loop_close(&loop);
    return failed;
}

/* ---- in memcached's place ---- */

static struct err become(const char *name, struct arena *a)
{
    const struct passwd *user = getpwnam(name);

    if (!user)
        return err_format(a, ERR_NOT_FOUND, "can't find the user %s to switch to", name);
    if (user->pw_uid == getuid())
        return OK;
    if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        return err_format(a, ERR_IO, "failed to assume identity of user %s", name);
    return OK;
}

static struct err serve_as_memcached(struct engine *e, struct arena *a, int argc, char **argv)
{
    struct mc_options options;

    config_init(&e->config, &e->settings);
    TRY(mc_options_read(&e->config, a, argc, argv, &options));
    if (options.shows_help) {
        mc_options_help(stdout);
        return OK;
    }
    if (options.shows_version) {
        printf("memcached %s\n", e->settings.memcached_version);
        return OK;
    }
    if (getuid() == 0 && !options.user)
        return err_make(ERR_INVALID, "can't run as root without the -u switch");
    if (getuid() == 0)
        TRY(become(options.user, a));
    if (options.is_daemon && daemon(1, 0) != 0)
        return err_sys(errno, "failed to daemonize");
    return serve(e, a);
}

int main(int argc, char **argv)
{
    scoped(arena_fini) struct arena a = {0};
    struct engine engine = {.executable = argv[0]};
    bool is_memcached = mc_options_are_meant(argc, argv);
    struct err e;

    if (!is_memcached && argc == 2 &&
        (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0)) {
        puts("larder-engine " LARDER_VERSION);
        return 0;
    }
    if (!is_memcached && argc == 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return usage(stdout, 0);
    if (is_memcached) {
        e = serve_as_memcached(&engine, &a, argc, argv);
    } else {
        e = load_config(&engine, &a, argc, argv);
        if (!err_failed(e))
            e = serve(&engine, &a);
    }
    if (err_failed(e))
        fprintf(stderr, "larder-engine: %s\n", err_text(&a, e));
    engine_fini(&engine);
    return err_failed(e) ? 1 : 0;
}
