#include "base/fs.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/ending.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/loading.h"
#include "dispatch_test.h"

#include <stdlib.h>

/* An engine on a folder, and a loop that lets another client ask one thing in each turn. */
struct place {
    struct resp_fixture f;
    struct resp_client other;
    const struct client *occupied;
    const char *line; /* NULL: nothing is asked */
    struct buf answer;
    int turns;
    bool ends;
    char dir[64], option[96];
};

static void serve_others(struct engine *e, const struct client *occupied)
{
    struct place *p = e->host_ctx;
    struct buf own = p->f.out; /* of who loads */

    cr_assert_eq(occupied, p->occupied);
    cr_assert(e->guards & GUARD_LOADING);
    cr_assert_gt(e->keyspace.now_ms, 0);
    p->turns++;
    if (p->ends)
        engine_end_by_signal(e, 15);
    if (!p->line)
        return;
    p->f.out = BUF_EMPTY;
    buf_clear(&p->answer);
    buf_puts(&p->answer, resp_ask_of(&p->f, &p->other, p->line));
    buf_fini(&p->f.out);
    p->f.out = own;
}

static const struct engine_host host = {.serve_others = serve_others};

static void start(struct place *p, const char *append)
{
    resp_open(&p->f, (const char *const[]){p->option, append, "lua-time-limit 1",
                                           "loading-process-events-interval-bytes 1024", NULL});
    resp_client_open(&p->f, &p->other, false);
    p->f.engine.host = &host;
    p->f.engine.host_ctx = p;
}

static void stop(struct place *p)
{
    p->f.engine.host = NULL;
    resp_client_close(&p->f, &p->other);
    resp_close(&p->f);
}

static void begin(struct place *p, const char *append)
{
    *p = (struct place){0};
    strcpy(p->dir, "/tmp/larder-loading-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->option, sizeof(p->option), "dir %s", p->dir);
    start(p, append);
}

static void end(struct place *p)
{
    buf_fini(&p->answer);
    stop(p);
    cr_assert_not(err_failed(fs_remove_tree(p->dir)));
}

static struct err load(struct place *p)
{
    struct arena a = {0};
    struct err e = engine_load_data(&p->f.engine, NULL, &a);

    e.why = NULL;
    arena_fini(&a);
    return e;
}

static void restart(struct place *p, const char *append)
{
    stop(p);
    start(p, append);
}

#define LOADING "-LOADING Redis is loading the dataset in memory\r\n"

Test(loading, clients_are_served_but_for_the_data)
{
    struct place p;

    begin(&p, "appendonly no");
    says(&p.f, "DEBUG POPULATE 100 k 64", "+OK\r\n");
    says(&p.f, "SAVE", "+OK\r\n");
    restart(&p, "appendonly no");
    p.line = "GET k:1";
    cr_assert_not(err_failed(load(&p)));
    cr_assert_gt(p.turns, 0);
    cr_assert_str_eq(buf_cstr(&p.answer), LOADING);
    cr_assert_eq(p.f.engine.guards, 0);
    p.line = NULL;
    says(&p.f, "DBSIZE", ":100\r\n");
    end(&p);
}

Test(loading, info_tells_how_far_it_is)
{
    struct place p;

    begin(&p, "appendonly no");
    says(&p.f, "DEBUG POPULATE 100 k 64", "+OK\r\n");
    says(&p.f, "SAVE", "+OK\r\n");
    p.occupied = &p.f.main.client;
    p.line = "INFO persistence";
    says(&p.f, "DEBUG RELOAD NOSAVE", "+OK\r\n");
    cr_assert(strstr(buf_cstr(&p.answer), "\nloading:1\r\n"));
    cr_assert(strstr(buf_cstr(&p.answer), "\nloading_loaded_bytes:"));
    cr_assert(strstr(buf_cstr(&p.answer), "\nloading_loaded_perc:100.00\r\n"));
    p.line = NULL;
    cr_assert(strstr(resp_ask(&p.f, "INFO persistence"), "\nloading:0\r\n"));
    cr_assert_not(strstr(resp_ask(&p.f, "INFO persistence"), "loading_loaded"));
    end(&p);
}

Test(loading, what_debug_does_to_the_data_is_refused_and_the_rest_is_not)
{
    struct place p;

    begin(&p, "appendonly no");
    says(&p.f, "DEBUG POPULATE 100 k 64", "+OK\r\n");
    p.occupied = &p.f.main.client;
    p.line = "DEBUG RELOAD";
    says(&p.f, "DEBUG RELOAD", "+OK\r\n");
    cr_assert_str_eq(buf_cstr(&p.answer), LOADING);
    p.line = "DEBUG LOG hello";
    says(&p.f, "DEBUG RELOAD", "+OK\r\n");
    cr_assert_str_eq(buf_cstr(&p.answer), "+OK\r\n");
    p.line = "CONFIG SET appendonly yes";
    says(&p.f, "DEBUG RELOAD", "+OK\r\n");
    cr_assert_str_eq(buf_cstr(&p.answer), LOADING);
    p.line = "CONFIG SET maxmemory 1";
    says(&p.f, "DEBUG RELOAD", "+OK\r\n");
    p.line = NULL;
    says(&p.f, "DBSIZE", ":100\r\n");
    end(&p);
}

Test(loading, the_clock_of_an_append_only_file_stands_whoever_has_a_turn)
{
    struct place p;

    begin(&p, "appendonly yes");
    cr_assert_not(err_failed(load(&p)));
    says(&p.f, "SET k v PXAT 1", "+OK\r\n");
    says(&p.f, "DEBUG POPULATE 100 k 64", "+OK\r\n");
    says(&p.f, "SET last v PX 1000000", "+OK\r\n");
    p.turns = 0;
    p.occupied = &p.f.main.client;
    p.line = "INFO stats";
    says(&p.f, "DEBUG LOADAOF", "+OK\r\n");
    cr_assert_gt(p.turns, 0);
    p.line = NULL;
    says(&p.f, "EXISTS last", ":1\r\n");
    says(&p.f, "EXISTS k", ":0\r\n");
    /* What the file's commands count is nobody's. */
    cr_assert_not(strstr(resp_ask(&p.f, "INFO stats"), "total_commands_processed:1"));
    end(&p);
}

Test(loading, a_script_of_a_file_that_takes_long_is_loading_to_others)
{
    struct place p;

    begin(&p, "appendonly yes");
    cr_assert_not(err_failed(load(&p)));
    says(&p.f, "SET k v", "+OK\r\n");
    const char *path =
        arena_printf(&p.f.engine.scratch, "%s/appendonlydir/appendonly.aof.1.incr.aof", p.dir);
    FILE *file = fopen(path, "a");
    static const char script[] = "for i = 1, 20000000 do end";

    says(&p.f, "PING", "+PONG\r\n");
    fprintf(file, "*3\r\n$4\r\nEVAL\r\n$%zu\r\n%s\r\n$1\r\n0\r\n", sizeof(script) - 1, script);
    fclose(file);
    p.occupied = &p.f.main.client;
    p.line = "PING";
    says(&p.f, "DEBUG LOADAOF", "+OK\r\n");
    cr_assert_gt(p.turns, 1);
    cr_assert_str_eq(buf_cstr(&p.answer), LOADING);
    p.line = NULL;
    end(&p);
}

Test(loading, a_signal_ends_it_and_nothing_is_written)
{
    struct place p;

    begin(&p, "appendonly no");
    says(&p.f, "DEBUG POPULATE 100 k 64", "+OK\r\n");
    says(&p.f, "SAVE", "+OK\r\n");
    restart(&p, "save '900 1'");
    p.ends = true;
    cr_assert(err_is(load(&p), ERR_UNAVAILABLE));
    cr_assert(p.f.engine.is_ending);
    restart(&p, "appendonly no");
    p.ends = false;
    cr_assert_not(err_failed(load(&p)));
    says(&p.f, "DBSIZE", ":100\r\n");
    end(&p);
}
