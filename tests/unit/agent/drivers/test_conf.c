#include "agent/drivers/conf.h"
#include "base/arena.h"
#include "base/fs.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct arena arena;

static const char *line_of(const char *value)
{
    struct buf conf = BUF_EMPTY;

    conf_add(&conf, "name", value);
    const char *text = arena_strdup(&arena, buf_cstr(&conf));
    buf_fini(&conf);
    return text;
}

Test(conf, no_value_becomes_a_second_directive)
{
    cr_assert_str_eq(line_of("volatile-lru"), "name volatile-lru\n");
    cr_assert_str_eq(line_of(""), "name \"\"\n");
    cr_assert_str_eq(line_of("a b"), "name \"a b\"\n");
    cr_assert_str_eq(line_of("x\nport 1"), "name \"x\\x0aport 1\"\n");
    cr_assert_str_eq(line_of("\"\\'#"), "name \"\\\"\\\\'#\"\n");
    cr_assert_str_eq(line_of("\xc3\xa9"), "name \"\xc3\xa9\"\n");
}

static struct agent_parameter given[] = {
    {.name = "timeout",                                        .value = "20" },
    {.name = "databases",                                      .value = ""   },
    {.name = "new-one",                                        .value = "1"  },
    {.name = "reserved-memory-percent",                        .value = "25" },
    {.name = "client-output-buffer-limit-pubsub-hard-limit",   .value = "100"},
    {.name = "client-output-buffer-limit-pubsub-soft-limit",   .value = "50" },
    {.name = "client-output-buffer-limit-pubsub-soft-seconds", .value = "5"  },
    {.name = "client-output-buffer-limit-normal-hard-limit",   .value = "7"  },
};
static const struct agent_node_goal goal = {
    .parameters = {true, 8, given}
};

Test(conf, only_parameters_of_the_table_and_of_the_version_are_passed_on)
{
    static const struct conf_parameter table[] = {
        {"timeout",   "idle", 0  },
        {"databases", NULL,   0  },
        {"new-one",   NULL,   702},
        {"absent",    NULL,   0  },
    };
    struct buf conf = BUF_EMPTY;

    conf_add_parameters(&conf, &goal, table, 4, 700);
    cr_assert_str_eq(buf_cstr(&conf), "idle 20\n");
    buf_clear(&conf);
    conf_add_parameters(&conf, &goal, table, 4, 702);
    cr_assert_str_eq(buf_cstr(&conf), "idle 20\nnew-one 1\n");
    buf_clear(&conf);
    conf_add_output_limits(&conf, &goal); /* normal lacks two of its three parts */
    cr_assert_str_eq(buf_cstr(&conf), "client-output-buffer-limit pubsub 100 50 5\n");
    buf_fini(&conf);
}

Test(conf, versions_are_found_in_what_programs_say)
{
    static const struct {
        const char *said, *version;
    } rows[] = {
        {"Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "7.0.15"},
        {"memcached 1.6.18",                                                   "1.6.18"},
        {"larder-engine 0.1.0",                                                "0.1.0" },
        {"version 12 of nothing.",                                             NULL    },
        {"",                                                                   NULL    },
    };
    char folder[] = "/tmp/larder-conf-XXXXXX";

    cr_assert_not_null(mkdtemp(folder));
    const char *program = fs_join(&arena, folder, "engine");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *script = arena_printf(&arena, "#!/bin/sh\necho '%s'\n", rows[i].said);
        cr_assert_not(err_failed(fs_write_atomic(program, str_of(script), 0700, FS_NO_SYNC)));
        const char *version = program_version(&arena, program);
        if (rows[i].version)
            cr_expect_str_eq(version, rows[i].version);
        else
            cr_expect_null(version);
    }
    cr_expect_null(program_version(&arena, "/nonexistent/engine"));
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

Test(conf, versions_are_compared_as_numbers)
{
    cr_assert_eq(version_number("7.0.15"), 700);
    cr_assert_eq(version_number("7.2"), 702);
    cr_assert_eq(version_number("1.6.18"), 106);
    cr_assert_eq(version_number("8"), 800);
    cr_assert_eq(version_number("what"), 0);
    cr_assert_eq(version_number(NULL), 0);
}

static enum driver_reply answer(const struct driver_question *q, const char *text,
                                struct driver_stats *out)
{
    *out = (struct driver_stats){-2, -2};
    return q->read(str_of(text), out);
}

/* However an answer is cut in pieces, nothing but the whole of it counts. */
static void assert_whole(const struct driver_question *q, const char *text)
{
    struct driver_stats stats;

    for (size_t len = 0; len < strlen(text); len++)
        cr_assert_eq(q->read((struct str){text, len}, &stats), DRIVER_PARTIAL, "%zu of %s", len,
                     text);
    cr_assert_eq(q->read(str_of(text), &stats), DRIVER_GOOD, "%s", text);
}

Test(conf, answers_count_when_they_are_whole)
{
    assert_whole(&resp_probe, "+PONG\r\n");
    assert_whole(&memcached_probe, "VERSION 1.6.22\r\n");
    assert_whole(&memcached_stats, "STAT pid 1\r\nSTAT bytes 5\r\nEND\r\n");
    assert_whole(&resp_stats, "$18\r\nused_memory:1000\r\n\r\n$21\r\nconnected_clients:3\r\n\r\n");
}

Test(conf, numbers_are_taken_from_answers)
{
    struct driver_stats stats;

    cr_assert_eq(answer(&resp_stats,
                        "$50\r\n# Memory\r\nused_memory:1000\r\nused_memory_rss:2000\r\n\r\n"
                        "$21\r\nconnected_clients:3\r\n\r\n",
                        &stats),
                 DRIVER_GOOD);
    cr_assert(stats.used_memory_bytes == 1000 && stats.connected_clients == 3);
    cr_assert_eq(answer(&memcached_stats,
                        "STAT bytes_read 9\r\nSTAT bytes 5\r\nSTAT curr_connections 2\r\nEND\r\n",
                        &stats),
                 DRIVER_GOOD);
    cr_assert(stats.used_memory_bytes == 5 && stats.connected_clients == 2);
}

Test(conf, other_answers_are_bad_ones)
{
    struct driver_stats stats;

    cr_assert_eq(answer(&resp_probe, "-LOADING wait\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&resp_stats, "-NOAUTH\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&resp_stats, "$-1\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&memcached_probe, "ERROR\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&memcached_stats, "ERROR\r\n", &stats), DRIVER_BAD);
}
