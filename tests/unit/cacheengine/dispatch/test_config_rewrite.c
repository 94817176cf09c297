#include "base/fs.h"
#include "cacheengine/dispatch/config.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(config_rewrite, comments_stay_values_change_and_new_ones_are_added)
{
    static const char before[] =
        "# mine\nport 7000\n\nmaxmemory 1mb\nmaxmemory 2mb\nunknown-one x\n";
    char path[] = "/tmp/larder-test-XXXXXX";
    struct settings settings;
    struct config config;
    struct arena a = {0};
    struct buf text = BUF_EMPTY;
    int fd = mkstemp(path);

    cr_assert(fd >= 0 && write(fd, before, sizeof(before) - 1) > 0);
    close(fd);
    config_init(&config, &settings);
    cr_assert_not(err_failed(config_load_text(
        &config, &a, STR("port 7000\nmaxmemory 3mb\nrequirepass \"a \\\"b\""), "x")));
    cr_assert_not(err_failed(config_rewrite(&config, &a, path, (struct str){0})));
    cr_assert_not(err_failed(fs_read_all(path, 100000, &text)));
    cr_assert_str_eq(buf_cstr(&text), "# mine\nport 7000\n\nmaxmemory 3145728\nunknown-one x\n"
                                      "# Added by CONFIG REWRITE\nrequirepass \"a \\\"b\"\n");
    /* Once more changes nothing. */
    cr_assert_not(err_failed(config_rewrite(&config, &a, path, (struct str){0})));
    struct buf again = BUF_EMPTY;
    cr_assert_not(err_failed(fs_read_all(path, 100000, &again)));
    cr_assert(str_eq(buf_str(&text), buf_str(&again)));
    unlink(path);
    cr_assert(err_failed(config_rewrite(&config, &a, path, (struct str){0})));
    buf_fini(&text);
    buf_fini(&again);
    config_fini(&config);
    arena_fini(&a);
}

Test(config_rewrite, users_give_way_to_those_of_now)
{
    struct arena a = {0};
    struct settings settings;
    struct config config;
    const char *path = arena_printf(&a, "/tmp/larder-rewrite-%d", (int)getpid());
    struct buf text = BUF_EMPTY;

    cr_assert_not(err_failed(
        fs_write_atomic(path, STR("# c\nuser a on +@all\nport 7\nUSER b off\n"), 0600, FS_SYNC)));
    config_init(&config, &settings);
    cr_assert_not(err_failed(config_load_file(&config, &a, path)));
    cr_expect_str_eq(buf_cstr(&config.users), "user a on +@all\nUSER b off\n");
    cr_assert_not(err_failed(config_rewrite(&config, &a, path, STR("user c on nopass\n"))));
    cr_assert_not(err_failed(fs_read_all(path, 10000, &text)));
    cr_expect_str_eq(buf_cstr(&text), "# c\nport 7\nuser c on nopass\n");
    buf_fini(&text);
    unlink(path);
    config_fini(&config);
    arena_fini(&a);
}
