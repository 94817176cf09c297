#include "agent/supervise/logwatch.h"
#include "agent/supervise/loop.h"
#include "base/clock.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96], aside[96];
static struct loop *loop;
static struct logwatch *watch;
static int told;

static void count(void *context)
{
    (*(int *)context)++;
}

static struct logwatch_file file = {.on_written = count, .context = &told};

static void add_line(const char *to)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_APPEND, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "line\n", 5), 5);
    close(fd);
}

static void open_all(void)
{
    strcpy(folder, "/tmp/larder-log-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/engine.log", folder);
    snprintf(aside, sizeof(aside), "%s/engine.log.1", folder);
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    cr_assert_not(err_failed(logwatch_open(loop, &watch)));
}

static void close_all(void)
{
    logwatch_end(watch, &file);
    logwatch_close(watch);
    loop_close(loop);
    unlink(path);
    unlink(aside);
    rmdir(folder);
}

/* What the kernel has to say is there when a write returns. */
static void turn(void)
{
    loop_turn(loop, 0);
}

TestSuite(logwatch, .init = open_all, .fini = close_all, .timeout = 60);

Test(logwatch, what_is_written_is_told)
{
    add_line(path);
    logwatch_begin(watch, &file, path);
    cr_assert(file.is_on);
    turn();
    cr_assert_eq(told, 0, "that was before");
    add_line(path);
    turn();
    cr_assert_eq(told, 1);
    logwatch_end(watch, &file);
    cr_assert_not(file.is_on);
    add_line(path);
    turn();
    cr_assert_eq(told, 1);
}

Test(logwatch, a_file_that_is_not_there_is_tried_again)
{
    logwatch_begin(watch, &file, path);
    cr_assert_not(file.is_on);
    add_line(path);
    logwatch_begin(watch, &file, path);
    cr_assert(file.is_on);
}

Test(logwatch, one_that_is_set_aside_is_let_go)
{
    add_line(path);
    logwatch_begin(watch, &file, path);
    rename(path, aside);
    turn();
    cr_assert_not(file.is_on);
    add_line(aside);
    add_line(path);
    turn();
    cr_assert_eq(told, 0);
    logwatch_begin(watch, &file, path);
    add_line(path);
    turn();
    cr_assert_eq(told, 1);
}

Test(logwatch, one_that_is_removed_is_let_go)
{
    add_line(path);
    logwatch_begin(watch, &file, path);
    unlink(path);
    turn();
    cr_assert_not(file.is_on);
}

Test(logwatch, each_has_its_own_file)
{
    int other_told = 0;
    struct logwatch_file other = {.on_written = count, .context = &other_told};

    add_line(path);
    add_line(aside);
    logwatch_begin(watch, &file, path);
    logwatch_begin(watch, &other, aside);
    add_line(aside);
    turn();
    cr_assert_eq(told, 0);
    cr_assert_eq(other_told, 1);
    logwatch_end(watch, &other);
}
