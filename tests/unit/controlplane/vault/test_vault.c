#include "../store/fixture.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/vault/vault.h"

#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#define TASK 7

static struct fixture f;
static struct vault *v;
static struct snapshot s;
static struct snapshot_part part;
static char *dir;

static void open_vault(void)
{
    must(vault_open(&f.arena, f.store, &clock_system, dir, &v));
}

static void begin(void)
{
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};
    struct snapshot_part_list parts;

    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
    must(store_part_list(f.tx, &s.id, 1, &parts));
    part = parts.items[0];
    part.task_id = TASK;
    must(store_part_assign(f.tx, &part));
    fixture_commit(&f);
    dir = fs_join(&f.arena, f.dir, "snapshots");
    open_vault();
}

static void end(void)
{
    vault_close(v);
    fixture_close(&f);
}

TestSuite(vault, .init = begin, .fini = end);

static const char *fingerprint(const char *text)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    char *hex = arena_alloc(&f.arena, 2 * DIGEST_SHA256_BYTES + 1);

    digest_sha256(text, strlen(text), digest);
    digest_hex(digest, sizeof(digest), hex);
    return hex;
}

static size_t file_count(void)
{
    struct fs_names names;

    must(fs_list(&f.arena, dir, &names));
    return names.count;
}

static void bring(void)
{
    must(vault_take(v, &f.arena, TASK, 0, STR("abc")));
    must(vault_take(v, &f.arena, TASK, 3, STR("def")));
    must(vault_keep(v, &f.arena, TASK, 6, fingerprint("abcdef")));
}

Test(vault, pieces_become_a_file_that_can_be_read)
{
    char text[8] = "";
    int fd;

    bring();
    must(vault_read(v, &f.arena, part.id, &fd));
    cr_assert_eq(read(fd, text, sizeof(text)), 6);
    close(fd);
    cr_assert_str_eq(text, "abcdef");
    cr_assert_eq(file_count(), 1);
    cr_assert(err_is(vault_take(v, &f.arena, TASK, 0, STR("more")), ERR_NOT_FOUND),
              "nobody waits for it any more");
}

Test(vault, what_does_not_go_on_is_refused_and_beginning_anew_is_not)
{
    cr_assert(err_is(vault_take(v, &f.arena, TASK, 5, STR("x")), ERR_CONFLICT));
    must(vault_take(v, &f.arena, TASK, 0, STR("xyz")));
    cr_assert(err_is(vault_take(v, &f.arena, TASK, 4, STR("x")), ERR_CONFLICT));
    bring();
    cr_assert(err_is(vault_take(v, &f.arena, TASK + 1, 0, STR("x")), ERR_NOT_FOUND));
}

Test(vault, a_wrong_fingerprint_or_length_leaves_nothing)
{
    must(vault_take(v, &f.arena, TASK, 0, STR("abc")));
    cr_assert(err_is(vault_keep(v, &f.arena, TASK, 3, fingerprint("abd")), ERR_CORRUPT));
    cr_assert_eq(file_count(), 0);
    must(vault_take(v, &f.arena, TASK, 0, STR("abc")));
    cr_assert(err_is(vault_keep(v, &f.arena, TASK, 4, fingerprint("abc")), ERR_CORRUPT));
    cr_assert_eq(file_count(), 0);
    cr_assert(err_is(vault_keep(v, &f.arena, TASK, 3, fingerprint("abc")), ERR_NOT_FOUND));
    int fd;
    cr_assert(err_is(vault_read(v, &f.arena, part.id, &fd), ERR_NOT_FOUND));
}

Test(vault, a_restart_removes_what_was_not_finished_and_keeps_what_was)
{
    bring();
    must(fs_write_atomic(fs_join(&f.arena, dir, "999.rdb"), STR("x"), 0600, FS_NO_SYNC));
    must(fs_write_atomic(fs_join(&f.arena, dir, "task-3.part"), STR("x"), 0600, FS_NO_SYNC));
    must(fs_write_atomic(fs_join(&f.arena, dir, "notes"), STR("x"), 0600, FS_NO_SYNC));
    vault_close(v);
    open_vault();
    cr_assert_eq(file_count(), 2, "the snapshot's, and one that is none of ours");
}

Test(vault, files_of_removed_snapshots_are_swept_and_so_are_pieces_for_nobody)
{
    bring();
    fixture_begin(&f, STORE_WRITE);
    must(store_snapshot_remove(f.tx, &s, "arn"));
    fixture_commit(&f);
    must(vault_sweep(v, &f.arena));
    cr_assert_eq(file_count(), 0);
}

Test(vault, what_came_in_pieces_for_a_snapshot_that_failed_is_swept)
{
    must(vault_take(v, &f.arena, TASK, 0, STR("abc")));
    fixture_begin(&f, STORE_WRITE);
    must(store_snapshot_remove(f.tx, &s, "arn"));
    fixture_commit(&f);
    must(vault_sweep(v, &f.arena));
    cr_assert_eq(file_count(), 0);
}

Test(vault, what_is_fetched_by_ourselves_is_kept_the_same_way)
{
    struct snapshot_part read_back;
    int fd;

    must(vault_import(v, &f.arena, part.id, &fd));
    cr_assert_eq(write(fd, "abcdef", 6), 6);
    must(vault_import_end(v, &f.arena, part.id, fd));
    close(fd);
    fixture_begin(&f, STORE_READ);
    must(store_part_get(f.tx, part.id, &read_back));
    cr_assert_eq(read_back.bytes, 6);
    cr_assert_str_eq(read_back.sha256, fingerprint("abcdef"));
}
