#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "cli/up/plan.h"
#include "cli/up/service.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Programs made of shell lines. */
struct stage {
    struct arena arena;
    char dir[32];
    int lock_fd;
    int signal_fds[2]; /* a pipe in place of the signalfd */
    struct up_plan plan;
    struct service_conf conf;
    int ready_count;
    char ready_url[64];
};

#define URL "http://127.0.0.1:4711"

static struct up_child program(struct stage *s, const char *name, const char *script)
{
    const char **argv = arena_array(&s->arena, 5, sizeof(*argv));

    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = name; /* $0; what is added behind stands in $1 and $2 */
    return (struct up_child){name, arena_printf(&s->arena, "%s/%s.log", s->dir, name), argv};
}

static void note_ready(void *context, const char *url)
{
    struct stage *s = context;

    s->ready_count++;
    snprintf(s->ready_url, sizeof(s->ready_url), "%s", url);
    if (write(s->signal_fds[1], "x", 1) != 1)
        abort();
}

/* In the scripts, DIR stands for the folder of the test. */
static const char *filled(struct stage *s, const char *script)
{
    return arena_printf(&s->arena, "DIR=%s; %s", s->dir, script);
}

static struct stage *begin(const char *plane, const char *host)
{
    static struct stage s;

    s = (struct stage){.dir = "/tmp/larder-service-XXXXXX"};
    log_setup("test", LOG_LEVEL_ERROR);
    cr_assert_not_null(mkdtemp(s.dir));
    cr_assert_eq(pipe(s.signal_fds), 0);
    cr_assert_eq(fs_lock(fs_join(&s.arena, s.dir, "lock"), &s.lock_fd).code, ERR_OK);
    s.plan.control_planes[0] = program(&s, "larderd", filled(&s, plane));
    s.plan.plane_count = 1;
    s.plan.hosts = arena_array(&s.arena, 1, sizeof(*s.plan.hosts));
    s.plan.hosts[0] = program(&s, "host-a", filled(&s, host));
    s.plan.host_count = 1;
    s.conf = (struct service_conf){.plan = &s.plan,
                                   .lock_fd = s.lock_fd,
                                   .signal_fd = s.signal_fds[0],
                                   .ready = note_ready,
                                   .context = &s};
    return &s;
}

static const char *content(struct stage *s, const char *name)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (err_failed(fs_read_all(fs_join(&s->arena, s->dir, name), 65536, &text)))
        return "";
    return str_dup(&s->arena, buf_str(&text));
}

static void end(struct stage *s)
{
    close(s->lock_fd);
    close(s->signal_fds[0]);
    close(s->signal_fds[1]);
    cr_expect_eq(fs_remove_tree(s->dir).code, ERR_OK);
    arena_fini(&s->arena);
}

/* Waits until the test has been told that the service is ready. */
#define AWAITS_READY "while [ ! -e $DIR/is-ready ]; do sleep 0.01; done; "
/* First, as who says that it is ready may be ended at once. */
#define TRAPS "trap 'echo end >> $DIR/order.$0; exit 0' TERM; "
#define LOOPS "while :; do sleep 0.01; done"
#define STAYS TRAPS LOOPS

Test(service, is_ready_when_its_hosts_are_heard_and_ends_them_all)
{
    struct stage *s = begin(TRAPS "echo ready " URL "; " LOOPS,
                            TRAPS "echo \"$1 $2\" > $DIR/args; echo ready h; " LOOPS);

    struct err e = service_run(&s->arena, &s->conf);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    cr_expect_eq(s->ready_count, 1);
    cr_expect_str_eq(s->ready_url, URL);
    cr_expect_str_eq(content(s, "args"), "--control-plane " URL "\n");
    cr_expect_str_eq(content(s, "order.larderd"), "end\n");
    end(s);
}

Test(service, that_cannot_start_repeats_the_last_words)
{
    struct stage *s = begin("echo '127.0.0.1:9379: the port is taken' >&2; exit 1", STAYS);

    struct err e = service_run(&s->arena, &s->conf);
    cr_assert_eq(e.code, ERR_UNAVAILABLE);
    cr_expect_not_null(strstr(e.why, "larderd could not be started (exit status 1)"), "%s", e.why);
    cr_expect_not_null(strstr(e.why, "127.0.0.1:9379: the port is taken"), "%s", e.why);
    cr_expect_eq(s->ready_count, 0);
    end(s);
}

Test(service, whose_host_cannot_start_ends_the_rest)
{
    struct stage *s = begin(TRAPS "echo ready " URL "; " LOOPS, "echo 'no such pool' >&2; exit 2");

    struct err e = service_run(&s->arena, &s->conf);
    cr_assert_eq(e.code, ERR_UNAVAILABLE);
    cr_expect_not_null(strstr(e.why, "host-a could not be started"), "%s", e.why);
    cr_expect_not_null(strstr(e.why, "no such pool"), "%s", e.why);
    cr_expect_str_eq(content(s, "order.larderd"), "end\n");
    end(s);
}

struct later {
    struct stage *stage;
    const char *file;
    size_t lines;
};

/* Asks for the end once a file has so many lines. */
static void *end_after_lines(void *context)
{
    const struct later *l = context;
    struct arena a = {0};
    const char *path = fs_join(&a, l->stage->dir, l->file);

    for (int i = 0; i < 1000; i++) {
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        size_t lines = 0;
        err_ignore(fs_read_all(path, 65536, &text), "it may not be there yet");
        for (size_t j = 0; j < text.len; j++)
            lines += text.ptr[j] == '\n';
        if (lines >= l->lines)
            break;
        usleep(10000);
    }
    if (write(l->stage->signal_fds[1], "x", 1) != 1)
        abort();
    arena_fini(&a);
    return NULL;
}

static void only_count(void *context, const char *url)
{
    struct stage *s = context;

    (void)url;
    s->ready_count++;
    const char *path = fs_join(&s->arena, s->dir, "is-ready");
    cr_assert_eq(fs_write_atomic(path, STR(""), 0600, FS_NO_SYNC).code, ERR_OK);
}

static void run_until_lines(struct stage *s, const char *file, size_t lines)
{
    const struct later later = {s, file, lines};
    pthread_t thread;

    s->conf.ready = only_count;
    cr_assert_eq(pthread_create(&thread, NULL, end_after_lines, (void *)&later), 0);
    struct err e = service_run(&s->arena, &s->conf);
    cr_expect_eq(e.code, ERR_OK, "%s", e.why);
    pthread_join(thread, NULL);
}

Test(service, starts_a_host_again_that_died)
{
    struct stage *s = begin(TRAPS "echo ready " URL "; " LOOPS,
                            "echo start >> $DIR/starts; echo ready h; " AWAITS_READY
                            "[ $(wc -l < $DIR/starts) -ge 3 ] || kill -9 $$; " STAYS);

    run_until_lines(s, "starts", 3);
    cr_expect_eq(s->ready_count, 1);
    cr_expect_str_eq(content(s, "starts"), "start\nstart\nstart\n");
    end(s);
}

Test(service, starts_the_control_plane_again_without_disturbing_hosts)
{
    struct stage *s = begin("echo start >> $DIR/starts; echo ready " URL "; " AWAITS_READY
                            "[ $(wc -l < $DIR/starts) -ge 2 ] || exit 1; " STAYS,
                            "echo start >> $DIR/host-starts; echo ready h; " STAYS);

    run_until_lines(s, "starts", 2);
    cr_expect_eq(s->ready_count, 1);
    cr_expect_str_eq(content(s, "host-starts"), "start\n");
    end(s);
}

Test(service, hosts_are_told_of_a_second_control_plane_that_stands_by)
{
    struct stage *s = begin(TRAPS "echo ready " URL "; " LOOPS,
                            TRAPS "echo \"$1 $2\" > $DIR/args; echo ready h; " LOOPS);

    s->plan.control_planes[1] =
        program(s, "larderd-2", filled(s, TRAPS "echo standby http://127.0.0.1:4712; " LOOPS));
    s->plan.plane_count = 2;
    struct err e = service_run(&s->arena, &s->conf);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    cr_expect_eq(s->ready_count, 1);
    cr_expect_str_eq(s->ready_url, URL);
    cr_expect_str_eq(content(s, "args"), "--control-plane " URL ",http://127.0.0.1:4712\n");
    cr_expect_str_eq(content(s, "order.larderd-2"), "end\n");
    end(s);
}
