#include "agent/drivers/conf.h"
#include "base/arena.h"
#include "base/fs.h"

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
