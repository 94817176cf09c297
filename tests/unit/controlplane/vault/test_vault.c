#include "../store/fixture.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/vault/kept.h"
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

static void expect_text(const char *expected)
{
    scoped(kept_file_close) struct kept_file kept = {.fd = -1};
    char text[8] = "";
    size_t got;

    must(vault_read(v, &f.arena, part.id, &kept));
    must(kept_file_read(&kept, 0, text, sizeof(text), &got));
    cr_assert_str_eq(text, expected);
}

/* As they lie on the disk. */
static bool is_anywhere_in_files(const char *text)
{
    scoped(buf_fini) struct buf bytes = BUF_EMPTY;
    struct fs_names names;

    must(fs_list(&f.arena, dir, &names));
    for (size_t i = 0; i < names.count; i++)
        must(fs_read_all(fs_join(&f.arena, dir, names.items[i]), 1 << 20, &bytes));
    return memmem(bytes.ptr, bytes.len, text, strlen(text)) != NULL;
}

Test(vault, pieces_become_a_file_that_can_be_read)
{
    bring();
    expect_text("abcdef");
    cr_assert_not(is_anywhere_in_files("abc"));
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
    struct kept_file none;
    cr_assert(err_is(vault_read(v, &f.arena, part.id, &none), ERR_NOT_FOUND));
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
    cr_assert_eq(file_count(), 0, "it has no name");
    cr_assert_eq(write(fd, "abcdef", 6), 6);
    must(vault_import_end(v, &f.arena, part.id, fd));
    close(fd);
    expect_text("abcdef");
    cr_assert_not(is_anywhere_in_files("abc"));
    fixture_begin(&f, STORE_READ);
    must(store_part_get(f.tx, part.id, &read_back));
    cr_assert_eq(read_back.bytes, 6);
    cr_assert_str_eq(read_back.sha256, fingerprint("abcdef"));
}

static void have_plain(void)
{
    int64_t id;

    fixture_begin(&f, STORE_WRITE);
    must(
        store_part_keep(f.tx, part.id, &(struct kept_bytes){6, fingerprint("plain!"), ""}, 1, &id));
    fixture_commit(&f);
    must(fs_write_atomic(arena_printf(&f.arena, "%s/%lld.rdb", dir, (long long)id), STR("plain!"),
                         0600, FS_NO_SYNC));
}

Test(vault, plain_files_are_read_and_sealed_anew)
{
    have_plain();
    expect_text("plain!");
    cr_assert(is_anywhere_in_files("plain!"));
    must(vault_seal_anew(v, &f.arena, part.id));
    expect_text("plain!");
    cr_assert_eq(file_count(), 2);
    must(vault_sweep(v, &f.arena));
    cr_assert_eq(file_count(), 1);
    cr_assert_not(is_anywhere_in_files("plain!"));
}
