#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/larder-fs-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    cr_assert_not(fs_exists(folder));
    arena_fini(&arena);
}

TestSuite(fs, .init = make_folder, .fini = remove_folder);

static const char *in(const char *name)
{
    return fs_join(&arena, folder, name);
}

static const char *content(const char *path)
{
    struct buf text = BUF_EMPTY;
    cr_assert_not(err_failed(fs_read_all(path, 1 << 20, &text)));
    const char *copy = str_dup(&arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

Test(fs, a_file_is_replaced_as_a_whole_and_read_again)
{
    for (int sync = FS_NO_SYNC; sync <= FS_SYNC; sync++) {
        cr_assert_not(err_failed(fs_write_atomic(in("f"), STR("one"), 0600, (enum fs_sync)sync)));
        cr_assert_not(err_failed(fs_write_atomic(in("f"), STR("two\n"), 0600, (enum fs_sync)sync)));
        cr_assert_str_eq(content(in("f")), "two\n");
    }
    cr_assert_not(fs_exists(in("f.new")));
    struct stat st;
    cr_assert_eq(stat(in("f"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(fs, a_write_that_fails_leaves_the_old_content_and_no_rest)
{
    cr_assert_not(err_failed(fs_make_dirs(in("d/inside"), 0700)));
    struct err e =
        fs_write_atomic(in("d"), STR("x"), 0600, FS_SYNC); /* a folder cannot be replaced */
    cr_assert(err_is(e, ERR_IO));
    cr_assert(fs_exists(in("d/inside")));
    cr_assert_not(fs_exists(in("d.new")));
    cr_assert(err_is(fs_write_atomic(in("no/f"), STR("x"), 0600, FS_SYNC), ERR_IO));
}

Test(fs, reading_has_a_limit_and_tells_missing_from_broken)
{
    struct buf text = BUF_EMPTY;

    cr_assert_not(err_failed(fs_write_atomic(in("f"), STR("12345"), 0600, FS_NO_SYNC)));
    cr_assert(err_is(fs_read_all(in("f"), 4, &text), ERR_LIMIT));
    cr_assert_eq(text.len, 0, "untouched on failure");
    cr_assert(err_is(fs_read_all(in("g"), 4, &text), ERR_NOT_FOUND));
    cr_assert(err_is(fs_read_all(folder, 4, &text), ERR_IO));
    cr_assert_not(err_failed(fs_read_all(in("f"), 5, &text)));
    cr_assert_eq(text.len, 5);
    buf_fini(&text);
}

Test(fs, folders_are_made_with_all_above_them)
{
    cr_assert_not(err_failed(fs_make_dirs(in("a/b/c"), 0700)));
    cr_assert_not(err_failed(fs_make_dirs(in("a/b/c"), 0700)));
    cr_assert_not(err_failed(fs_make_dirs(in("a/b/c/"), 0700)));
    cr_assert_not(err_failed(fs_write_atomic(in("a/f"), STR(""), 0600, FS_NO_SYNC)));
    cr_assert(err_is(fs_make_dirs(in("a/f/d"), 0700), ERR_IO));
    cr_assert(err_is(fs_make_dirs(in("a/f"), 0700), ERR_IO));
}

Test(fs, a_tree_is_removed_without_following_links)
{
    cr_assert_not(err_failed(fs_make_dirs(in("keep"), 0700)));
    cr_assert_not(err_failed(fs_write_atomic(in("keep/f"), STR("x"), 0600, FS_NO_SYNC)));
    cr_assert_not(err_failed(fs_make_dirs(in("tree/a/b"), 0700)));
    cr_assert_not(err_failed(fs_write_atomic(in("tree/a/f"), STR("x"), 0600, FS_NO_SYNC)));
    cr_assert_eq(symlink(in("keep"), in("tree/a/link")), 0);
    cr_assert_not(err_failed(fs_remove_tree(in("tree"))));
    cr_assert_not(fs_exists(in("tree")));
    cr_assert(fs_exists(in("keep/f")));
    cr_assert_not(err_failed(fs_remove_tree(in("tree"))), "nothing there is fine");
    cr_assert_not(err_failed(fs_remove(in("tree"))));
}

Test(fs, names_are_listed_without_the_dots)
{
    struct fs_names names;

    cr_assert_not(err_failed(fs_make_dirs(in("a"), 0700)));
    cr_assert_not(err_failed(fs_write_atomic(in("b"), STR(""), 0600, FS_NO_SYNC)));
    cr_assert_not(err_failed(fs_list(&arena, folder, &names)));
    cr_assert_eq(names.count, 2);
    cr_assert_eq(names.items[0][0] + names.items[1][0], 'a' + 'b');
    cr_assert(err_is(fs_list(&arena, in("none"), &names), ERR_NOT_FOUND));
}

Test(fs, a_lock_is_held_until_its_last_descriptor_is_closed)
{
    int first = -1, second = -1;

    cr_assert_not(err_failed(fs_lock(in("lock"), &first)));
    cr_assert(err_is(fs_lock(in("lock"), &second), ERR_CONFLICT));
    int copy = dup(first);
    fd_close(&first);
    cr_assert_eq(first, -1);
    cr_assert(err_is(fs_lock(in("lock"), &second), ERR_CONFLICT), "the copy holds it");
    fd_close(&copy);
    cr_assert_not(err_failed(fs_lock(in("lock"), &second)));
    cr_assert(fcntl(second, F_GETFD) & FD_CLOEXEC);
    fd_close(&second);
    cr_assert(err_is(fs_lock(in("no/lock"), &second), ERR_IO));
}

Test(fs, paths_are_joined_and_made_absolute)
{
    const char *absolute;

    cr_assert_str_eq(fs_join(&arena, "a", "b"), "a/b");
    cr_assert_str_eq(fs_join(&arena, "a/", "b"), "a/b");
    cr_assert_str_eq(fs_join(&arena, "/", "b"), "/b");
    cr_assert_not(err_failed(fs_absolute(&arena, in("."), &absolute)));
    cr_assert_str_eq(absolute, folder);
    cr_assert(err_is(fs_absolute(&arena, in("none"), &absolute), ERR_NOT_FOUND));
    cr_assert_not(err_failed(fs_program_dir(&arena, &absolute)));
    cr_assert_eq(absolute[0], '/');
}

Test(fs, programs_are_found_as_a_shell_finds_them)
{
    const char *path;

    cr_assert_not(err_failed(fs_write_atomic(in("tool"), STR("#!/bin/sh\n"), 0700, FS_NO_SYNC)));
    cr_assert_not(err_failed(fs_write_atomic(in("text"), STR("x"), 0600, FS_NO_SYNC)));
    cr_assert_not(err_failed(fs_make_dirs(in("dir"), 0700)));
    setenv("PATH", arena_printf(&arena, "/nonexistent:%s", folder), 1);
    cr_assert_not(err_failed(fs_find_program(&arena, "tool", &path)));
    cr_assert_str_eq(path, in("tool"));
    cr_assert(err_is(fs_find_program(&arena, "text", &path), ERR_NOT_FOUND), "not executable");
    cr_assert(err_is(fs_find_program(&arena, "dir", &path), ERR_NOT_FOUND), "a folder");
    cr_assert_not(err_failed(fs_find_program(&arena, in("tool"), &path)));
    cr_assert(err_is(fs_find_program(&arena, "./tool", &path), ERR_NOT_FOUND));
}
