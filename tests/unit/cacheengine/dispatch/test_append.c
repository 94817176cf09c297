#include "base/fs.h"
#include "cacheengine/dispatch/append_load.h"
#include "cacheengine/dispatch/append_retell.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/saving.h"
#include "dispatch_test.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct place {
    struct resp_fixture f;
    char dir[64], option[96];
};

/* Starts an engine in the folder as main does. */
static struct err start(struct place *p)
{
    struct arena a = {0};

    resp_open(&p->f, (const char *const[]){p->option, "appendonly yes", NULL});
    struct err e = engine_load_data(&p->f.engine, NULL, &a);
    if (err_failed(e))
        fprintf(stderr, "%s\n", e.why);
    e.why = NULL;
    arena_fini(&a);
    return e;
}

static void begin(struct place *p)
{
    strcpy(p->dir, "/tmp/larder-append-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->option, sizeof(p->option), "dir %s", p->dir);
    cr_assert_not(err_failed(start(p)));
}

static void restart(struct place *p)
{
    append_flush(p->f.engine.append, true);
    resp_close(&p->f);
    cr_assert_not(err_failed(start(p)));
}

static void end(struct place *p)
{
    resp_close(&p->f);
    cr_assert_not(err_failed(fs_remove_tree(p->dir)));
}

static const char *path(struct place *p, const char *name)
{
    static char text[160];

    snprintf(text, sizeof(text), "%s/appendonlydir/%s", p->dir, name);
    return text;
}

static void wait_for_child(struct place *p)
{
    struct saving *s = p->f.engine.saving;

    if (saving_runs(s)) {
        struct pollfd fd = {.fd = s->child.pidfd, .events = POLLIN};

        cr_assert_eq(poll(&fd, 1, 20000), 1);
        saving_tick(s);
    }
    cr_assert_not(saving_runs(s));
}

static void fill(struct place *p)
{
    says(&p->f, "MSET a 1 b two", "+OK\r\n");
    says(&p->f, "RPUSH l x y z", ":3\r\n");
    says(&p->f, "SADD s 1 2 q", ":3\r\n");
    says(&p->f, "HSET h f v g w", ":2\r\n");
    says(&p->f, "ZADD z 1.5 m -inf n", ":2\r\n");
    says(&p->f, "SELECT 3", "+OK\r\n");
    says(&p->f, "SET other base PX 1000000", "+OK\r\n");
    says(&p->f, "SELECT 0", "+OK\r\n");
}

static void is_filled(struct place *p)
{
    says(&p->f, "MGET a b", "*2\r\n$1\r\n1\r\n$3\r\ntwo\r\n");
    says(&p->f, "LRANGE l 0 -1", "*3\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n");
    says(&p->f, "SCARD s", ":3\r\n");
    says(&p->f, "HGET h g", "$1\r\nw\r\n");
    says(&p->f, "ZRANGE z 0 -1 WITHSCORES",
         "*4\r\n$1\r\nn\r\n$4\r\n-inf\r\n$1\r\nm\r\n$3\r\n1.5\r\n");
    says(&p->f, "SELECT 3", "+OK\r\n");
    says(&p->f, "GET other", "$4\r\nbase\r\n");
    cr_assert_str_neq(resp_ask(&p->f, "PTTL other"), ":-1\r\n");
    says(&p->f, "SELECT 0", "+OK\r\n");
}

Test(append, a_new_start_finds_what_was_told)
{
    struct place p;

    begin(&p);
    fill(&p);
    cr_assert(p.f.engine.has_unwritten);
    restart(&p);
    is_filled(&p);
    says(&p.f, "INCR a", ":2\r\n");
    restart(&p);
    says(&p.f, "GET a", "$1\r\n2\r\n");
    end(&p);
}

Test(append, a_rewrite_keeps_everything_in_either_form_and_drops_old_files)
{
    struct place p;

    begin(&p);
    fill(&p);
    for (int i = 0; i < 2; i++) {
        says(&p.f, "BGREWRITEAOF", "+Background append only file rewriting started\r\n");
        says(&p.f, "BGREWRITEAOF",
             "-ERR Background append only file rewriting already in progress\r\n");
        says(&p.f, "SET during rewrite", "+OK\r\n");
        wait_for_child(&p);
        says(&p.f, "SET after rewrite", "+OK\r\n");
        shows(&p.f, "INFO persistence", "aof_last_bgrewrite_status:ok\r\n");
        restart(&p);
        is_filled(&p);
        says(&p.f, "MGET during after", "*2\r\n$7\r\nrewrite\r\n$7\r\nrewrite\r\n");
        says(&p.f, "CONFIG SET aof-use-rdb-preamble no", "+OK\r\n");
    }
    cr_assert(fs_exists(path(&p, "appendonly.aof.3.base.aof")));
    cr_assert(fs_exists(path(&p, "appendonly.aof.3.incr.aof")));
    cr_assert_not(fs_exists(path(&p, "appendonly.aof.1.base.rdb")));
    cr_assert_not(fs_exists(path(&p, "appendonly.aof.2.incr.aof")));
    end(&p);
}

Test(append, turned_off_and_on_again_it_begins_with_a_base)
{
    struct place p;

    begin(&p);
    says(&p.f, "CONFIG SET appendonly no", "+OK\r\n");
    shows(&p.f, "INFO persistence", "aof_enabled:0\r\n");
    fill(&p);
    cr_assert_not(p.f.engine.has_unwritten);
    says(&p.f, "CONFIG SET appendonly yes", "+OK\r\n");
    cr_assert_eq(p.f.engine.append->state, APPEND_WAITS);
    says(&p.f, "SHUTDOWN", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    says(&p.f, "SET c 3", "+OK\r\n");
    wait_for_child(&p);
    cr_assert_eq(p.f.engine.append->state, APPEND_ON);
    restart(&p);
    is_filled(&p);
    says(&p.f, "GET c", "$1\r\n3\r\n");
    end(&p);
}

static void put(struct place *p, const char *name, const char *text)
{
    cr_assert_not(err_failed(fs_write_atomic(path(p, name), str_of(text), 0600, FS_NO_SYNC)));
}

#define SET(k, v) "*3\r\n$3\r\nSET\r\n$1\r\n" k "\r\n$1\r\n" v "\r\n"
#define MULTI     "*1\r\n$5\r\nMULTI\r\n"
#define EXEC      "*1\r\n$4\r\nEXEC\r\n"

Test(append, what_a_cut_tail_began_is_dropped_from_the_file_too)
{
    static const struct {
        const char *rest; /* behind SET a 1 */
        char a;
        size_t sound; /* of the rest */
    } cases[] = {
        {SET("a",                 "2"),         '2', sizeof(SET("a", "2")) - 1},
        {"*3\r\n$3\r\nSET\r\n$1", '1',          0  },
        {MULTI SET("a",                    "2"),                               '1',    0              },
        {MULTI SET("a",   "2") EXEC, '2',    sizeof(MULTI SET("a","2") EXEC) - 1           },
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct place p;
        struct buf file = BUF_EMPTY;

        begin(&p);
        resp_close(&p.f);
        buf_puts(&file, SET("a", "1"));
        buf_puts(&file, cases[i].rest);
        put(&p, "appendonly.aof.1.incr.aof", buf_cstr(&file));
        buf_clear(&file);
        cr_assert_not(err_failed(start(&p)));
        cr_assert_eq(resp_ask(&p.f, "GET a")[4], cases[i].a);
        cr_assert_not(
            err_failed(fs_read_all(path(&p, "appendonly.aof.1.incr.aof"), 1 << 20, &file)));
        cr_assert_eq(file.len, sizeof(SET("a", "1")) - 1 + cases[i].sound);
        says(&p.f, "INCR a", cases[i].a == '1' ? ":2\r\n" : ":3\r\n");
        restart(&p);
        says(&p.f, "STRLEN a", ":1\r\n");
        buf_fini(&file);
        end(&p);
    }
}

Test(append, damage_ends_the_start_with_a_reason)
{
    static const char *const bad[] = {
        SET("a", "1") "!!!" SET("b", "2"),
        SET("a", "1") "*1\r\n$7\r\nNOTHING\r\n",
    };
    struct place p;

    begin(&p);
    resp_close(&p.f);
    for (size_t i = 0; i < countof(bad); i++) {
        put(&p, "appendonly.aof.1.incr.aof", bad[i]);
        cr_assert(err_is(start(&p), ERR_CORRUPT));
        resp_close(&p.f);
    }
    put(&p, "appendonly.aof.1.incr.aof", "");
    put(&p, "appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1\n");
    cr_assert(err_is(start(&p), ERR_CORRUPT));
    resp_close(&p.f);
    put(&p, "appendonly.aof.manifest", "file gone seq 1 type b\n");
    cr_assert(err_is(start(&p), ERR_IO));
    end(&p);
}

Test(append, a_file_of_one_piece_is_taken_over)
{
    struct place p;
    char old[160], command[400];

    begin(&p);
    resp_close(&p.f);
    snprintf(old, sizeof(old), "%s/appendonly.aof", p.dir);
    snprintf(command, sizeof(command), "rm -r %s/appendonlydir", p.dir);
    cr_assert_eq(system(command), 0);
    cr_assert_not(err_failed(fs_write_atomic(old, STR(SET("a", "7")), 0600, FS_NO_SYNC)));
    cr_assert_not(err_failed(start(&p)));
    says(&p.f, "GET a", "$1\r\n7\r\n");
    cr_assert_not(fs_exists(old));
    says(&p.f, "SET b 1", "+OK\r\n");
    restart(&p);
    says(&p.f, "MGET a b", "*2\r\n$1\r\n7\r\n$1\r\n1\r\n");
    end(&p);
}

Test(append, what_cannot_be_written_forbids_writes_until_it_can)
{
    struct place p;
    struct append *a;

    begin(&p);
    a = p.f.engine.append;
    says(&p.f, "SET a 1", "+OK\r\n");
    append_flush(a, true);
    int good = a->file.fd;
    FILE *full = fopen("/dev/full", "w");
    a->file.fd = fileno(full);
    says(&p.f, "SET a 2", "+OK\r\n");
    append_flush(a, true);
    says(&p.f, "SET a 3", "-MISCONF Errors writing to the AOF file: No space left on device\r\n");
    says(&p.f, "GET a", "$1\r\n2\r\n");
    shows(&p.f, "INFO persistence", "aof_last_write_status:err\r\n");
    a->file.fd = good;
    fclose(full);
    append_flush(a, true);
    says(&p.f, "SET a 3", "+OK\r\n");
    restart(&p);
    says(&p.f, "GET a", "$1\r\n3\r\n");
    end(&p);
}

Test(append, growth_asks_for_a_rewrite)
{
    struct place p;

    begin(&p);
    says(&p.f, "CONFIG SET auto-aof-rewrite-min-size 100 auto-aof-rewrite-percentage 100",
         "+OK\r\n");
    for (int i = 0; i < 20; i++)
        says(&p.f, "SET key value", "+OK\r\n");
    append_tick(p.f.engine.append);
    cr_assert(saving_runs_kind(p.f.engine.saving, SAVING_REWRITE));
    wait_for_child(&p);
    append_tick(p.f.engine.append);
    cr_assert_not(saving_runs(p.f.engine.saving));
    shows(&p.f, "INFO persistence", "aof_rewrites:1\r\n");
    end(&p);
}

Test(append, debug_loadaof_reads_what_was_written)
{
    struct place p;

    begin(&p);
    fill(&p);
    says(&p.f, "DEBUG LOADAOF", "+OK\r\n");
    is_filled(&p);
    shows(&p.f, "INFO persistence", "aof_enabled:1\r\n");
    end(&p);
}

Test(append, a_time_is_noted_once_a_second_and_read_over)
{
    struct place p;
    struct buf file = BUF_EMPTY;

    begin(&p);
    says(&p.f, "CONFIG SET aof-timestamp-enabled yes", "+OK\r\n");
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "SET a 2", "+OK\r\n");
    resp_advance(&p.f, 1000);
    says(&p.f, "SET a 3", "+OK\r\n");
    append_flush(p.f.engine.append, true);
    cr_assert_not(err_failed(fs_read_all(path(&p, "appendonly.aof.1.incr.aof"), 1 << 20, &file)));
    unsigned stamps = 0;
    for (const char *at = buf_cstr(&file); (at = strstr(at, "#TS:")); at++)
        stamps++;
    cr_assert_eq(stamps, 2);
    buf_fini(&file);
    restart(&p);
    says(&p.f, "GET a", "$1\r\n3\r\n");
    end(&p);
}

Test(append, data_that_came_untold_gets_a_base_of_its_own)
{
    struct place p;

    begin(&p);
    says(&p.f, "SET old 1", "+OK\r\n");
    effect_sink_remove(&p.f.engine.keyspace, &p.f.engine.append->sink);
    says(&p.f, "FLUSHALL", "+OK\r\n");
    fill(&p);
    effect_sink_add(&p.f.engine.keyspace, &p.f.engine.append->sink);
    append_restart(p.f.engine.append);
    cr_assert_eq(p.f.engine.append->state, APPEND_WAITS);
    wait_for_child(&p);
    restart(&p);
    is_filled(&p);
    says(&p.f, "EXISTS old", ":0\r\n");
    end(&p);
}
