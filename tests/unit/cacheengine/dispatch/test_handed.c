#include "base/fs.h"
#include "cacheengine/cluster/cluster.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/saving.h"
#include "dispatch_test.h"

#include <stdlib.h>

#define D10(d) d d d d d d d d d d
#define ID(d)  D10(d) D10(d) D10(d) D10(d)

static const char topology[] = "LARDER.TOPOLOGY 1 " ID("1") " SHARD " ID("a") " 0-8191 NODE " ID(
    "1") " primary 1.1.1.1 1 0 - online SHARD " ID("b") " 8192-16383 NODE " ID("2") " primary 1.1.1.1 2 0 - online";
static const char given[] =
    "given " ID("7") " 5 " ID("a") " " ID("b") " " ID("e") " 1.1.1.1 2 plain";
static const char expected[] =
    "expected " ID("8") " 9000 " ID("b") " " ID("a") " " ID("e") " - 0 plain";

/* An engine with a folder of its own, which is started anew. */
struct place {
    struct resp_fixture f;
    struct resp_client agent;
    char dir[64], option[96];
    const char *how, *more;
};

static void start(struct place *p)
{
    scoped(arena_fini) struct arena a = {0};
    const char *const options[] = {p->option, "cluster-enabled yes", p->how, p->more, NULL};

    resp_open(&p->f, options);
    resp_client_open(&p->f, &p->agent, true);
    cr_assert_not(err_failed(engine_load_data(&p->f.engine, NULL, &a)));
}

static void begin(struct place *p, const char *how, const char *more)
{
    strcpy(p->dir, "/tmp/larder-handed-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->option, sizeof(p->option), "dir %s", p->dir);
    p->how = how;
    p->more = more;
    start(p);
}

static void stop(struct place *p)
{
    resp_client_close(&p->f, &p->agent);
    resp_close(&p->f);
}

static void restart(struct place *p)
{
    append_flush(p->f.engine.append, true);
    stop(p);
    start(p);
}

static void end(struct place *p)
{
    stop(p);
    cr_assert_not(err_failed(fs_remove_tree(p->dir)));
}

static const char *ask(struct place *p, const char *line)
{
    return resp_ask_of(&p->f, &p->agent, line);
}

static void put(struct place *p, const char *one, const char *other)
{
    scoped(arena_fini) struct arena a = {0};

    cr_assert(handed_take_text(&p->f.engine, str_of(arena_printf(&a, "%s %s", one, other))));
    handed_tell(&p->f.engine);
}

static void check_there(struct place *p)
{
    cr_assert(strstr(ask(p, "LARDER.SLOTS"), "given " ID("7") " 5 " ID("a") " " ID("b")));
    cr_assert(strstr(ask(p, "LARDER.SLOTS"), "expected " ID("8") " 9000 " ID("b") " " ID("a")));
    cr_assert_null(strstr(ask(p, "LARDER.SLOTS"), ID("e")), "tokens are not shown");
    cr_assert(strstr(ask(p, "LARDER.MIGRATE STATUS"), "expected"));
}

Test(handed, records_outlive_the_process_in_the_file)
{
    struct place p;

    begin(&p, "appendonly yes", NULL);
    put(&p, given, expected);
    restart(&p);
    check_there(&p);
    end(&p);
}

Test(handed, records_are_in_bases_of_both_kinds)
{
    static const char *const kinds[] = {"aof-use-rdb-preamble yes", "aof-use-rdb-preamble no"};

    for (size_t i = 0; i < countof(kinds); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct place p;

        begin(&p, "appendonly no", kinds[i]);
        put(&p, given, expected);
        cr_assert_not(err_failed(fs_make_dirs(append_path(p.f.engine.append, &a, ""), 0755)));
        cr_assert_not(err_failed(append_base_now(p.f.engine.append, &a)));
        stop(&p);
        p.how = "appendonly yes";
        start(&p);
        check_there(&p);
        end(&p);
    }
}

Test(handed, records_are_in_the_heads_of_snapshots)
{
    struct place p;

    begin(&p, "save 1 1", NULL);
    put(&p, given, expected);
    cr_assert(saving_save_now(p.f.engine.saving, false));
    restart(&p);
    check_there(&p);
    end(&p);
}

Test(handed, topologies_end_them_in_the_file_too)
{
    struct place p;

    begin(&p, "appendonly yes", NULL);
    put(&p, given, expected);
    cr_assert_str_eq(ask(&p, topology), "+OK\r\n");
    check_there(&p);
    cr_assert_str_eq(
        ask(&p,
            "LARDER.TOPOLOGY 2 " ID("1") " SHARD " ID("a") " 0-4,6-9000 NODE " ID("1") " primary 1.1.1.1 1 0 - online SHARD " ID(
                "b") " 5,9001-16383 NODE " ID("2") " primary 1.1.1.1 2 0 - online"),
        "+OK\r\n");
    cr_assert_str_eq(ask(&p, "LARDER.SLOTS"), "*0\r\n");
    restart(&p);
    cr_assert_str_eq(ask(&p, "LARDER.SLOTS"), "*0\r\n");
    end(&p);
}

Test(handed, orders_end_them_by_what_is_known)
{
    static const struct {
        const char *record, *cancelled, *returned;
    } rows[] = {
        {"given " ID("7") " 5 " ID("a") " " ID("b") " " ID("e") " 1.1.1.1 2 plain",  "+OK\r\n",
         NULL                                                                                            },
        {"expected " ID("7") " 9000 " ID("b") " " ID("a") " " ID("e") " - 0 plain",  "+OK\r\n",
         NULL                                                                                            },
        {"handed " ID("7") " 5 " ID("a") " " ID("b") " " ID("e") " 1.1.1.1 2 plain",
         "-ERR the slots were taken: a topology is to confirm that\r\n",                        "+OK\r\n"},
        {"taken " ID("7") " 9000 " ID("b") " " ID("a") " " ID("e") " - 0 plain",
         "-ERR the slots were taken: a topology is to confirm that\r\n",                        "+OK\r\n"},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct place p;

        begin(&p, "appendonly yes", NULL);
        cr_assert(handed_take_text(&p.f.engine, str_of(rows[i].record)));
        cr_assert_str_eq(ask(&p, topology), "+OK\r\n");
        cr_assert_str_eq(ask(&p, "LARDER.MIGRATE CANCEL " ID("7")), rows[i].cancelled);
        if (rows[i].returned)
            cr_assert_str_eq(ask(&p, "LARDER.MIGRATE RETURN " ID("7")), rows[i].returned);
        cr_assert_str_eq(ask(&p, "LARDER.MIGRATE STATUS"), "*0\r\n");
        cr_assert(cluster_is_mine(p.f.engine.cluster, 5));
        cr_assert_not(cluster_is_mine(p.f.engine.cluster, 9000));
        restart(&p);
        cr_assert_str_eq(ask(&p, "LARDER.SLOTS"), "*0\r\n");
        end(&p);
    }
}

Test(handed, who_was_started_anew_and_had_taken_serves)
{
    static const char taken[] =
        "taken " ID("7") " 9000 " ID("b") " " ID("a") " " ID("e") " - 0 plain";
    struct place p;
    struct resp_client source;

    begin(&p, "appendonly yes", NULL);
    put(&p, taken, expected);
    restart(&p);
    resp_client_open(&p.f, &source, false);
    cr_assert_str_eq(resp_ask_of(&p.f, &source, "AUTH larder-import " ID("e")),
                     "-TRYAGAIN this node is no primary at present\r\n");
    cr_assert_str_eq(ask(&p, topology), "+OK\r\n");
    cr_assert(cluster_is_mine(p.f.engine.cluster, 9000));
    resp_client_close(&p.f, &source);
    end(&p);
}

Test(handed, what_makes_no_sense_is_nothing)
{
    struct place p;

    begin(&p, "appendonly no", NULL);
    put(&p, given, expected);
    cr_assert_not(handed_take_text(&p.f.engine, STR("given and so on")));
    cr_assert_str_eq(ask(&p, "LARDER.SLOTS"), "*0\r\n");
    cr_assert_str_eq(ask(&p, "LARDER.SLOTS x"),
                     "-ERR records of hand-overs come with the data\r\n");
    end(&p);
}

Test(handed, without_a_cluster_there_are_none)
{
    struct resp_fixture f;
    struct snapshot_field field;

    resp_open(&f, NULL);
    cr_assert(handed_take_text(&f.engine, str_of(given)));
    cr_assert_eq(handed_field(&f.engine, &field), 0);
    resp_close(&f);
}
