#include "base/clock.h"
#include "cacheengine/dispatch/ending.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/persist/file.h"
#include "dispatch_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    struct resp_fixture f;
    char dir[64], option[96];
};

static void begin(struct place *p, const char *option)
{
    strcpy(p->dir, "/tmp/larder-saving-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->option, sizeof(p->option), "dir %s", p->dir);
    resp_open(&p->f,
              (const char *const[]){p->option, "enable-protected-configs yes", option, NULL});
}

static void end(struct place *p)
{
    char command[128];

    resp_close(&p->f);
    snprintf(command, sizeof(command), "rm -r %s", p->dir);
    cr_assert_eq(system(command), 0);
}

static void wait_for_end(struct place *p)
{
    struct saving *s = p->f.engine.saving;

    if (saving_runs(s)) {
        struct pollfd fd = {.fd = s->child.pidfd, .events = POLLIN};

        cr_assert_eq(poll(&fd, 1, 20000), 1);
        saving_tick(s);
    }
    cr_assert_not(saving_runs(s));
}

static bool is_there(struct place *p, const char *name)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    return stat(path, &st) == 0;
}

Test(saving, the_background_saves_and_what_changed_meanwhile_is_still_unsaved)
{
    struct place p;

    begin(&p, NULL);
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "CONFIG SET rdb-key-save-delay 100000", "+OK\r\n");
    says(&p.f, "BGSAVE", "+Background saving started\r\n");
    says(&p.f, "BGSAVE", "-ERR Background save already in progress\r\n");
    says(&p.f, "BGSAVE SCHEDULE", "-ERR Background save already in progress\r\n");
    says(&p.f, "SAVE", "-ERR Background save already in progress\r\n");
    says(&p.f, "BGSAVE NEVER", "-ERR syntax error\r\n");
    says(&p.f, "SET b 1", "+OK\r\n");
    shows(&p.f, "INFO persistence", "rdb_bgsave_in_progress:1\r\n");
    shows(&p.f, "INFO persistence", "rdb_changes_since_last_save:2\r\n");
    wait_for_end(&p);
    shows(&p.f, "INFO persistence", "rdb_changes_since_last_save:1\r\n");
    shows(&p.f, "INFO persistence", "rdb_last_bgsave_status:ok\r\n");
    shows(&p.f, "INFO stats", "total_forks:1\r\n");
    cr_assert(is_there(&p, "dump.rdb"));
    end(&p);
}

Test(saving, in_a_transaction_it_is_put_off)
{
    struct place p;

    begin(&p, NULL);
    says(&p.f, "MULTI", "+OK\r\n");
    says(&p.f, "BGSAVE", "+QUEUED\r\n");
    says(&p.f, "EXEC", "*1\r\n+Background saving scheduled\r\n");
    saving_tick(p.f.engine.saving);
    cr_assert(saving_runs_kind(p.f.engine.saving, SAVING_FILE));
    wait_for_end(&p);
    cr_assert(is_there(&p, "dump.rdb"));
    end(&p);
}

Test(saving, a_failed_one_forbids_writes_where_snapshots_are_kept_until_one_succeeds)
{
    struct place p;

    begin(&p, "save 900 1");
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "CONFIG SET rdb-key-save-delay 10000000", "+OK\r\n");
    says(&p.f, "BGSAVE", "+Background saving started\r\n");
    kill(p.f.engine.saving->child.pid, SIGKILL);
    wait_for_end(&p);
    says(&p.f, "GET a", "$1\r\n1\r\n");
    shows(&p.f, "SET a 2", "-MISCONF Redis is configured to save RDB snapshots, but");
    shows(&p.f, "PING", "-MISCONF ");
    says(&p.f, "MULTI", "+OK\r\n");
    shows(&p.f, "SET a 2", "-MISCONF ");
    shows(&p.f, "EXEC", "-EXECABORT ");
    says(&p.f, "CONFIG SET stop-writes-on-bgsave-error no", "+OK\r\n");
    says(&p.f, "SET a 2", "+OK\r\n");
    says(&p.f, "CONFIG SET stop-writes-on-bgsave-error yes", "+OK\r\n");
    shows(&p.f, "SET a 3", "-MISCONF ");
    says(&p.f, "CONFIG SET rdb-key-save-delay 0", "+OK\r\n");
    says(&p.f, "BGSAVE", "+Background saving started\r\n");
    wait_for_end(&p);
    says(&p.f, "SET a 3", "+OK\r\n");
    end(&p);
}

Test(saving, a_save_point_is_reached_by_changes_and_time)
{
    struct place p;

    begin(&p, "save 10 2");
    says(&p.f, "SET a 1", "+OK\r\n");
    resp_advance(&p.f, 60000);
    saving_tick(p.f.engine.saving);
    cr_assert_not(saving_runs(p.f.engine.saving), "one change is not enough");
    says(&p.f, "SET a 2", "+OK\r\n");
    saving_tick(p.f.engine.saving);
    cr_assert(saving_runs(p.f.engine.saving));
    wait_for_end(&p);
    says(&p.f, "MSET a 1 b 2", "+OK\r\n");
    says(&p.f, "SET a 2", "+OK\r\n");
    saving_tick(p.f.engine.saving);
    cr_assert_not(saving_runs(p.f.engine.saving), "the last one is too fresh");
    end(&p);
}

Test(saving, flushing_ends_a_child_and_takes_what_it_had_written)
{
    struct place p;
    char temporary[32];

    begin(&p, NULL);
    says(&p.f, "MSET a 1 b 2", "+OK\r\n");
    says(&p.f, "CONFIG SET rdb-key-save-delay 10000000", "+OK\r\n");
    says(&p.f, "BGSAVE", "+Background saving started\r\n");
    snprintf(temporary, sizeof(temporary), "temp-%d.rdb", (int)p.f.engine.saving->child.pid);
    says(&p.f, "FLUSHALL", "+OK\r\n");
    cr_assert_not(saving_runs(p.f.engine.saving));
    cr_assert_not(is_there(&p, temporary));
    shows(&p.f, "INFO persistence", "rdb_last_bgsave_status:ok\r\n");
    end(&p);
}

Test(saving, what_flushing_has_saved_is_no_change_any_more)
{
    struct place p;

    begin(&p, NULL);
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "CONFIG SET save \"\"", "+OK\r\n");
    says(&p.f, "FLUSHALL", "+OK\r\n");
    shows(&p.f, "INFO persistence", "rdb_changes_since_last_save:3\r\n");
    says(&p.f, "CONFIG SET save \"3600 1\"", "+OK\r\n");
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "FLUSHALL", "+OK\r\n");
    shows(&p.f, "INFO persistence", "rdb_changes_since_last_save:0\r\n");
    end(&p);
}

static void wait_for_mender(struct saving *s)
{
    while (mender_runs(&s->mender))
        usleep(1000);
}

Test(saving, what_a_child_tore_is_put_together_and_who_can_wait_does)
{
    struct place p;

    begin(&p, NULL);
    struct saving *s = p.f.engine.saving;
    says(&p.f, "SETRANGE big 70000000 x", ":70000001\r\n");
    says(&p.f, "BGSAVE", "+Background saving started\r\n");
    cr_assert_not(saving_is_ready(s));
    wait_for_end(&p);
    cr_assert_not(s->is_torn, "a pass has begun with the child's end");
    wait_for_mender(s);
    cr_assert(saving_is_ready(s));
    end(&p);
}

Test(saving, a_fork_that_can_wait_has_memory_put_together_but_does_not_wait_for_ever)
{
    struct place p;

    begin(&p, NULL);
    struct saving *s = p.f.engine.saving;
    says(&p.f, "SETRANGE big 70000000 x", ":70000001\r\n");
    /* As if a pass were on its way and never ended. */
    atomic_store(&s->mender.is_running, true);
    cr_assert_not(saving_is_ready(s));
    resp_advance(&p.f, 5000);
    cr_assert_not(saving_is_ready(s));
    resp_advance(&p.f, 30000);
    cr_assert(saving_is_ready(s));
    cr_assert_not(saving_is_ready(s), "the next one waits as long");
    atomic_store(&s->mender.is_running, false);
    while (!saving_is_ready(s))
        usleep(1000);
    cr_assert_geq(s->mended_bytes, 70000000);
    end(&p);
}

Test(saving, little_memory_is_left_as_it_is)
{
    struct place p;

    begin(&p, NULL);
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "BGSAVE", "+Background saving started\r\n");
    wait_for_end(&p);
    saving_tick(p.f.engine.saving);
    cr_assert(saving_is_ready(p.f.engine.saving));
    cr_assert_not(p.f.engine.saving->mender.is_started);
    end(&p);
}

Test(saving, growth_is_mended_now_and_then)
{
    struct place p;

    begin(&p, NULL);
    struct saving *s = p.f.engine.saving;
    resp_advance(&p.f, 20000);
    says(&p.f, "SETRANGE big 70000000 x", ":70000001\r\n");
    saving_tick(s);
    cr_assert_geq(s->mended_bytes, 70000000);
    wait_for_mender(s);
    says(&p.f, "DEL big", ":1\r\n");
    saving_tick(s);
    cr_assert_lt(s->mended_bytes, 70000000, "it counts from there");
    end(&p);
}

static void note_end(void *ctx, struct engine *e, enum child_state how)
{
    (void)e;
    *(int *)ctx = (int)how;
}

static size_t say_field(void *ctx, struct snapshot_field *out, size_t max)
{
    (void)ctx;
    cr_assert_eq(max, SAVING_FIELDS_MAX - 1);
    out[0] = (struct snapshot_field){"repl-id", STR("abc")};
    return 1;
}

Test(saving, a_stream_goes_to_a_pipe_with_the_fields_of_replication)
{
    struct place p;
    int ends[2], how = -1;
    char head[512] = {0};

    begin(&p, NULL);
    says(&p.f, "SET greeting hello", "+OK\r\n");
    p.f.engine.saving->fields = say_field;
    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    cr_assert_not(err_failed(saving_begin_stream(p.f.engine.saving, ends[1], note_end, &how)));
    close(ends[1]);
    cr_assert(err_is(saving_begin_file(p.f.engine.saving, NULL, NULL), ERR_CONFLICT));
    wait_for_end(&p);
    cr_assert_eq(how, CHILD_DONE);
    ssize_t got = read(ends[0], head, sizeof(head));
    cr_assert_gt(got, 40);
    cr_assert_eq(memcmp(head, "REDIS0011", 9), 0);
    cr_assert_not_null(memmem(head, (size_t)got, "repl-id", 7));
    cr_assert_not_null(memmem(head, (size_t)got, "greeting\x05hello", 14));
    shows(&p.f, "INFO persistence", "rdb_changes_since_last_save:1\r\n");
    close(ends[0]);
    end(&p);
}

Test(ending, it_saves_first_where_that_is_wanted_and_stays_when_that_fails)
{
    struct place p;
    char path[160];

    begin(&p, NULL);
    says(&p.f, "SET a 1", "+OK\r\n");
    snprintf(path, sizeof(path), "%s/taken", p.dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    says(&p.f, "CONFIG SET dbfilename taken", "+OK\r\n");
    says(&p.f, "SHUTDOWN SAVE NOSAVE", "-ERR syntax error\r\n");
    says(&p.f, "SHUTDOWN ABORT NOW", "-ERR syntax error\r\n");
    says(&p.f, "SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n");
    says(&p.f, "SHUTDOWN SAVE", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    cr_assert_not(p.f.engine.is_ending);
    engine_end_by_signal(&p.f.engine, SIGTERM);
    cr_assert(p.f.engine.is_ending, "without save points there is nothing to be saved");
    p.f.engine.is_ending = false;
    cr_assert_eq(engine_end(&p.f.engine, ENDING_SAVES | ENDING_WHATEVER), ENDING_DONE);
    end(&p);
}
