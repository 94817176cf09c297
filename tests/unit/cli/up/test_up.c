#include "base/arena.h"
#include "base/fs.h"
#include "cli/up/up.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int run(char **words)
{
    int count = 0;

    while (words[count])
        count++;
    int status = up_main(count, words);
    fflush(stderr);
    return status;
}

TestSuite(up, .init = cr_redirect_stderr);

Test(up, refuses_a_bad_command_line)
{
    cr_expect_eq(run((char *[]){"up", "--frobnicate", NULL}), 2);
    cr_expect_eq(run((char *[]){"up", "--agents", "0", NULL}), 2);
    cr_expect_eq(run((char *[]){"up", "--auth", "maybe", NULL}), 2);
}

Test(up, refuses_a_state_folder_that_is_in_use)
{
    struct arena a = {0};
    char dir[] = "/tmp/larder-up-XXXXXX";
    int lock_fd = -1;

    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(fs_lock(fs_join(&a, dir, "up.lock"), &lock_fd).code, ERR_OK);
    cr_expect_eq(run((char *[]){"up", "--state-dir", dir, NULL}), 1);
    cr_expect_stderr_eq_str(
        arena_printf(&a,
                     "larder up: a service runs on %s already: stop it first, or "
                     "give another --state-dir\n",
                     dir));
    close(lock_fd);
    cr_expect_eq(fs_remove_tree(dir).code, ERR_OK);
    arena_fini(&a);
}

Test(up, refuses_a_state_folder_that_is_a_file)
{
    char path[] = "/tmp/larder-up-XXXXXX";
    int fd = mkstemp(path);

    cr_assert(fd >= 0);
    cr_expect_eq(run((char *[]){"up", "--state-dir", path, NULL}), 1);
    close(fd);
    unlink(path);
}

Test(up, refuses_a_pool_that_is_too_small)
{
    char dir[] = "/tmp/larder-up-XXXXXX";

    cr_assert_not_null(mkdtemp(dir));
    cr_expect_eq(run((char *[]){"up", "--state-dir", dir, "--pool", "127.0.0.0/29", NULL}), 2);
    cr_expect_stderr_eq_str(
        "larder up: 127.0.0.0/29 is too small for 3 hosts: give a /26 or larger\n");
    cr_expect_eq(fs_remove_tree(dir).code, ERR_OK);
}
