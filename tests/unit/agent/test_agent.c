/* What the agent says when it cannot begin; how it lives is in tests/e2e/test_agent.py. */
#include "agent/agent.h"
#include "base/arena.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct arena arena;
static char folder[64];

static void begin(void)
{
    strcpy(folder, "/tmp/larder-agent-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void end(void)
{
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(agent, .init = begin, .fini = end, .timeout = 60);

static const char *const nowhere[] = {"http://127.0.0.1:1"};

static struct err run(const char *engine_dir)
{
    const struct agent_options options = {
        .host = {.state_dir = folder, .region = "us-east-1", .pool = "127.1.0.0/16"},
        .urls = nowhere,
        .url_count = 1,
        .engine_dir = engine_dir,
    };
    int status = 77;

    struct err e = agent_run(&arena, &options, &status);
    cr_assert_eq(status, 77, "untouched on failure");
    return e;
}

Test(agent, a_directory_in_use_is_not_used_twice)
{
    int fd;

    cr_assert_not(err_failed(host_lock(&arena, folder, &fd)));
    cr_assert(err_is(run(BIN_DIR), ERR_CONFLICT));
    fd_close(&fd);
}

Test(agent, without_a_shim_there_is_no_agent)
{
    struct err e = run("/nonexistent");
    cr_assert(err_is(e, ERR_NOT_FOUND));
    cr_assert_not_null(strstr(e.why, "larder-shim"));
    cr_assert_not_null(strstr(e.why, "--engine-dir"));
}

Test(agent, what_stands_in_the_way_of_the_nodes_is_named)
{
    cr_assert_not(
        err_failed(fs_write_atomic(fs_join(&arena, folder, "nodes"), STR("x"), 0600, FS_NO_SYNC)));
    cr_assert(err_is(run(BIN_DIR), ERR_IO));
}
