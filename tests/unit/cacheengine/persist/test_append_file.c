#include "base/fs.h"
#include "cacheengine/persist/append_file.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char dir[] = "/tmp/larder-append-XXXXXX";
static char path[64];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/file", dir);
}

static void end(void)
{
    cr_assert_not(err_failed(fs_remove_tree(dir)));
}

TestSuite(append_file, .init = begin, .fini = end);

static void holds(const char *text)
{
    struct buf b = BUF_EMPTY;

    cr_assert_not(err_failed(fs_read_all(path, 1 << 20, &b)));
    cr_assert_str_eq(buf_cstr(&b), text);
    buf_fini(&b);
}

Test(append_file, what_is_pending_is_written_behind_what_is_there)
{
    struct append_file f = APPEND_FILE_NONE;

    for (int i = 0; i < 2; i++) {
        cr_assert_not(err_failed(append_file_open(&f, path)));
        cr_assert_eq(f.bytes, 6U * (unsigned)i);
        buf_puts(&f.pending, "abc");
        cr_assert_not(err_failed(append_file_write(&f)));
        buf_puts(&f.pending, "def");
        cr_assert_not(err_failed(append_file_write(&f)));
        cr_assert_not(err_failed(append_file_sync(&f)));
        cr_assert_eq(f.pending.len, 0);
        append_file_close(&f);
        append_file_close(&f);
        cr_assert_not(append_file_is_open(&f));
    }
    holds("abcdefabcdef");
}

Test(append_file, a_write_that_does_in_part_is_taken_back)
{
    struct append_file f = APPEND_FILE_NONE;
    struct rlimit limit = {5, 100};

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_not(err_failed(append_file_open(&f, path)));
    buf_puts(&f.pending, "abc");
    cr_assert_not(err_failed(append_file_write(&f)));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    buf_puts(&f.pending, "defghi");
    struct err e = append_file_write(&f);
    cr_assert(err_is(e, ERR_IO));
    cr_assert_eq(e.sys, EFBIG);
    cr_assert_eq(f.bytes, 3);
    cr_assert_eq(f.pending.len, 6);
    holds("abc");
    limit.rlim_cur = 100;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_not(err_failed(append_file_write(&f)));
    holds("abcdefghi");
    append_file_close(&f);
}

Test(append_file, a_full_disk_and_a_missing_folder_are_errors)
{
    struct append_file f = APPEND_FILE_NONE;

    cr_assert(err_is(append_file_open(&f, "/nonexistent/file"), ERR_IO));
    cr_assert_not(append_file_is_open(&f));
    cr_assert_not(err_failed(append_file_open(&f, "/dev/full")));
    buf_puts(&f.pending, "abc");
    cr_assert_eq(append_file_write(&f).sys, ENOSPC);
    cr_assert_eq(f.pending.len, 3);
    int fd = append_file_take(&f);
    cr_assert_geq(fd, 0);
    cr_assert_not(append_file_is_open(&f));
    close(fd);
}
