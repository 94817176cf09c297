#include "agent/plane.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct clock_manual manual;
static char folder[64];
static const char *const urls[] = {"http://a", "http://b", "http://c"};
static struct plane *p;

static const char *path(void)
{
    return fs_join(&arena, folder, "obeyed");
}

static struct err try_open(size_t count)
{
    const struct plane_conf conf = {&manual.clock, path(), urls, count};
    return plane_open(&arena, &conf, &p);
}

static void open_it(size_t count)
{
    cr_assert_not(err_failed(try_open(count)));
}

static void begin(void)
{
    strcpy(folder, "/tmp/larder-plane-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    clock_manual_init(&manual, 1000, 1000);
    open_it(3);
}

static void end(void)
{
    plane_close(p);
    plane_close(NULL);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}

TestSuite(plane, .init = begin, .fini = end, .timeout = 60);

static int take(int64_t epoch, int64_t leader)
{
    return plane_take(p, &arena, epoch, leader).code;
}

Test(plane, who_has_been_succeeded_is_not_obeyed)
{
    cr_assert_eq(take(0, 0), ERR_OK, "one that knows no epochs, before all others");
    cr_assert_eq(take(4, 10), ERR_OK);
    cr_assert_eq(take(4, 10), ERR_OK);
    cr_assert_eq(take(3, 9), ERR_DENIED);
    cr_assert_eq(take(3, 10), ERR_DENIED);
    cr_assert_eq(take(4, 11), ERR_DENIED, "two have the same epoch: the first one counts");
    cr_assert_eq(take(0, 0), ERR_DENIED);
    cr_assert_eq(take(5, 10), ERR_OK, "it went above what it was told");
    cr_assert_eq(take(6, 11), ERR_OK);
    cr_assert_eq(take(5, 10), ERR_DENIED);
    cr_assert_eq(plane_word(p).epoch, 6);
    cr_assert_eq(plane_word(p).leader, 11);
}

Test(plane, what_is_obeyed_outlives_the_process)
{
    cr_assert_eq(take(4, 10), ERR_OK);
    plane_close(p);
    open_it(1);
    cr_assert_eq(plane_word(p).epoch, 4);
    cr_assert_eq(take(3, 9), ERR_DENIED);
    cr_assert_eq(take(4, 10), ERR_OK);
}

Test(plane, what_cannot_be_written_down_is_not_obeyed)
{
    cr_assert_eq(take(4, 10), ERR_OK);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    cr_assert_eq(take(5, 11), ERR_IO);
    cr_assert_eq(plane_word(p).epoch, 4);
    cr_assert_eq(take(4, 10), ERR_OK, "what is there already needs no disk");
    cr_assert_not(err_failed(fs_make_dirs(folder, 0700)));
}

Test(plane, a_file_that_says_nothing_is_told)
{
    cr_assert_not(err_failed(fs_write_atomic(path(), STR("what\n"), 0600, FS_NO_SYNC)));
    plane_close(p);
    p = NULL;
    cr_assert_eq(try_open(1).code, ERR_CORRUPT);
}

Test(plane, all_have_their_turn)
{
    cr_assert_str_eq(*plane_url(p), "http://a");
    cr_assert_not(plane_turn(p));
    cr_assert_not(plane_turn(p));
    cr_assert_str_eq(*plane_url(p), "http://c");
    cr_assert(plane_turn(p), "the round is over");
    cr_assert_str_eq(*plane_url(p), "http://a");
    cr_assert_not(plane_turn(p));
    plane_stay(p);
    cr_assert_str_eq(*plane_url(p), "http://b");
    cr_assert_not(plane_turn(p));
    cr_assert_not(plane_turn(p));
    cr_assert(plane_turn(p), "a round begins with the one that was of use");
    plane_close(p);
    open_it(1);
    cr_assert_eq(plane_count(p), 1);
    cr_assert(plane_turn(p));
    cr_assert_str_eq(*plane_url(p), "http://a");
}

Test(plane, how_long_ago_it_was_heard_counts_from_the_start_at_most)
{
    clock_manual_advance(&manual, 700);
    cr_assert_eq(plane_word(p).heard_ms, 700);
    cr_assert_eq(take(4, 10), ERR_OK);
    cr_assert_eq(plane_word(p).heard_ms, 0);
    clock_manual_advance(&manual, 50);
    cr_assert_eq(take(3, 9), ERR_DENIED);
    cr_assert_eq(plane_word(p).heard_ms, 50);
}
