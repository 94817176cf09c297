#include "base/fs.h"
#include "cacheengine/persist/file.h"
#include "persist_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct folder {
    struct pair p;
    char dir[64];
};

static void begin(struct folder *f)
{
    pair_begin(&f->p);
    snprintf(f->dir, sizeof(f->dir), "/tmp/larder-persist-XXXXXX");
    cr_assert(mkdtemp(f->dir));
}

static void end(struct folder *f)
{
    cr_assert_not(err_failed(fs_remove_tree(f->dir)));
    pair_end(&f->p);
}

static struct err save(struct folder *f)
{
    return snapshot_save_file(&f->p.a.ks, f->dir, "dump.rdb", &f->p.options, &f->p.arena);
}

static struct err load(struct folder *f, enum snapshot_meeting meeting)
{
    return snapshot_load_file(&f->p.b.ks, f->dir, "dump.rdb", meeting, &f->p.loading, &f->p.arena);
}

/* How many files stand in the folder. */
static size_t files(struct folder *f)
{
    struct fs_names names;

    cr_assert_not(err_failed(fs_list(&f->p.arena, f->dir, &names)));
    return names.count;
}

Test(file, what_was_saved_is_loaded_in_place_of_what_was_there)
{
    struct folder f;

    begin(&f);
    pair_fill(&f.p);
    cr_assert_not(err_failed(save(&f)));
    cr_expect_eq(files(&f), 1);
    play_line(&f.p.b, "SET old value");
    cr_assert_not(err_failed(load(&f, SNAPSHOT_REPLACES)));
    cr_expect_eq(db_count(f.p.b.db), db_count(f.p.a.db));
    cr_expect_str_eq(play_line(&f.p.b, "EXISTS old"), ":0\r\n");
    cr_expect_str_eq(play_line(&f.p.b, "SCARD many"), ":1000\r\n");
    end(&f);
}

Test(file, keys_join_those_that_are_there_unless_both_have_one)
{
    struct folder f;

    begin(&f);
    play_line(&f.p.a, "SADD both x");
    play_line(&f.p.a, "HSET new f v");
    cr_assert_not(err_failed(save(&f)));
    play_line(&f.p.b, "SET own value");
    play_line(&f.p.b, "SADD both y");
    struct err e = load(&f, SNAPSHOT_JOINS);
    cr_expect_eq(e.code, ERR_EXISTS);
    cr_expect(strstr(e.why, "the key 'both' is there already"), "%s", e.why);
    cr_expect_eq(db_count(f.p.b.db), 2);
    cr_assert_not(err_failed(load(&f, SNAPSHOT_MERGES)));
    cr_expect_eq(db_count(f.p.b.db), 3);
    cr_expect_str_eq(play_line(&f.p.b, "SMEMBERS both"), "*1\r\n$1\r\nx\r\n");
    play_line(&f.p.b, "DEL both new");
    cr_assert_not(err_failed(load(&f, SNAPSHOT_JOINS)));
    cr_expect_eq(db_count(f.p.b.db), 3);
    end(&f);
}

Test(file, a_damaged_file_changes_nothing)
{
    struct folder f;

    begin(&f);
    pair_fill(&f.p);
    cr_assert_not(err_failed(save(&f)));
    char *path = fs_join(&f.p.arena, f.dir, "dump.rdb");
    cr_assert_eq(truncate(path, 5000), 0);
    play_line(&f.p.b, "SET own value");
    size_t before = keyspace_used_bytes(&f.p.b.ks);
    cr_expect_eq(load(&f, SNAPSHOT_REPLACES).code, ERR_CORRUPT);
    cr_expect_eq(keyspace_used_bytes(&f.p.b.ks), before);
    cr_expect_eq(db_count(f.p.b.db), 1);
    cr_assert_not(err_failed(fs_remove(path)));
    cr_expect_eq(load(&f, SNAPSHOT_REPLACES).code, ERR_NOT_FOUND);
    end(&f);
}

Test(file, what_cannot_be_written_leaves_the_old_file_and_no_other)
{
    struct folder f;

    begin(&f);
    play_line(&f.p.a, "SET k v");
    cr_assert_not(err_failed(save(&f)));
    cr_expect_eq(snapshot_save_file(&f.p.a.ks, f.dir, "a/b", &f.p.options, &f.p.arena).code,
                 ERR_INVALID);
    cr_expect_eq(
        snapshot_save_file(&f.p.a.ks, "/nowhere", "dump.rdb", &f.p.options, &f.p.arena).code,
        ERR_IO);
    /* The new file cannot take the place of a folder. */
    cr_assert_not(err_failed(fs_make_dirs(fs_join(&f.p.arena, f.dir, "folder"), 0755)));
    cr_expect_eq(snapshot_save_file(&f.p.a.ks, f.dir, "folder", &f.p.options, &f.p.arena).code,
                 ERR_IO);
    cr_expect_eq(files(&f), 2);
    cr_expect_not(err_failed(load(&f, SNAPSHOT_REPLACES)));
    end(&f);
}

Test(file, a_full_device_is_told)
{
    struct file_sink sink;
    int fd = open("/dev/full", O_WRONLY);

    cr_assert(fd >= 0);
    file_sink_init(&sink, fd);
    struct err e = sink.sink.write(&sink.sink, "x", 1);
    cr_expect_eq(e.code, ERR_IO);
    cr_expect_eq(e.sys, 28);
    close(fd);
}
