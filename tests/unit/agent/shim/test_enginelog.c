#include "agent/shim/enginelog.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct arena arena;
static struct enginelog engine_log;
static char folder[64];
static const char *path;

static void open_log(void)
{
    strcpy(folder, "/tmp/larder-log-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    path = fs_join(&arena, folder, "engine.log");
    enginelog_open(&engine_log, path);
}

static void close_log(void)
{
    enginelog_close(&engine_log);
    enginelog_close(&engine_log);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(enginelog, .init = open_log, .fini = close_log);

static void add(const char *text)
{
    enginelog_add(&engine_log, text, strlen(text));
}

Test(enginelog, the_last_line_with_something_in_it_is_kept)
{
    cr_assert_str_eq(enginelog_last_line(&engine_log), "");
    add("first\nsec");
    add("ond\n\n  \n");
    cr_assert_str_eq(enginelog_last_line(&engine_log), "second");
    add("\tthird, unfinished\x01");
    cr_assert_str_eq(enginelog_last_line(&engine_log), "third, unfinished ");
}

Test(enginelog, a_long_line_is_cut)
{
    char line[ENGINELOG_LINE_BYTES * 3];

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    add(line);
    add("\n");
    cr_assert_eq(strlen(enginelog_last_line(&engine_log)), ENGINELOG_LINE_BYTES - 1);
}

Test(enginelog, everything_is_in_the_file_also_behind_what_was_there)
{
    struct buf text = BUF_EMPTY;

    add("one\n");
    enginelog_close(&engine_log);
    enginelog_open(&engine_log, path);
    add("two\n");
    cr_assert_not(err_failed(fs_read_all(path, 100, &text)));
    cr_assert_str_eq(buf_cstr(&text), "one\ntwo\n");
    buf_fini(&text);
}

Test(enginelog, the_file_is_bounded_by_a_turn_over)
{
    struct stat now, before;
    char block[4096];

    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 1000; i++)
        enginelog_add(&engine_log, block, sizeof(block));
    cr_assert_eq(stat(path, &now), 0);
    cr_assert_eq(stat(arena_printf(&arena, "%s.1", path), &before), 0);
    cr_assert_leq(now.st_size, ENGINELOG_MAX_BYTES);
    cr_assert_leq(before.st_size, ENGINELOG_MAX_BYTES);
    cr_assert_gt(before.st_size, ENGINELOG_MAX_BYTES / 2);
}

Test(enginelog, a_file_that_cannot_be_written_holds_up_nobody)
{
    enginelog_close(&engine_log);
    enginelog_open(&engine_log, "/nonexistent/engine.log");
    add("still heard\n");
    cr_assert_str_eq(enginelog_last_line(&engine_log), "still heard");
}
