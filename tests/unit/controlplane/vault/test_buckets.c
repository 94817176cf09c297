#include "base/arena.h"
#include "base/fs.h"
#include "controlplane/vault/buckets.h"
#include "controlplane/vault/kept.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena a;
static char dir[] = "/tmp/larder-bucket-XXXXXX";

Test(vault_buckets, a_folder_takes_files_and_gives_them_back)
{
    struct bucket b = {.name = "b", .dir = mkdtemp(dir)};
    char text[8] = "";

    const char *path = fs_join(&a, dir, "source");
    cr_assert_not(err_failed(fs_write_atomic(path, STR("abc"), 0600, FS_NO_SYNC)));
    struct kept_file from;
    cr_assert_not(err_failed(kept_file_open(&from, open(path, O_RDONLY), "", 3)));
    cr_assert_not(err_failed(bucket_put(NULL, &a, &b, "in/here.rdb", &from, "")));
    kept_file_close(&from);
    cr_assert(fs_exists(fs_join(&a, dir, "in/here.rdb")));
    cr_assert_not(fs_exists(fs_join(&a, dir, "in/here.rdb.new")));

    int to = open(fs_join(&a, dir, "copy"), O_RDWR | O_CREAT, 0600);
    cr_assert_not(err_failed(bucket_get(NULL, &a, &b, "in/here.rdb", to)));
    cr_assert_eq(pread(to, text, sizeof(text), 0), 3);
    cr_assert_str_eq(text, "abc");
    struct err e = bucket_get(NULL, &a, &b, "none", to);
    cr_assert(err_is(e, ERR_NOT_FOUND));
    cr_assert_not_null(strstr(e.why, "bucket b, key none"));
    close(to);
    cr_assert_not(err_failed(fs_remove_tree(dir)));
    arena_fini(&a);
}
