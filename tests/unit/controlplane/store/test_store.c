#include "base/clock.h"
#include "fixture.h"

#include <criterion/criterion.h>
#include <sqlite3.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture f;

static void open_fixture(void)
{
    fixture_open(&f);
}

static void close_fixture(void)
{
    fixture_close(&f);
}

TestSuite(store, .init = open_fixture, .fini = close_fixture);

/* Runs SQL on the database behind the store's back. */
static void tamper(const char *sql)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(f.path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static struct err reopen(void)
{
    store_rollback(&f.tx);
    store_close(f.store);
    f.store = NULL;
    return store_open(&f.arena, f.path, &f.store);
}

Test(store, what_was_committed_is_there_after_reopening)
{
    struct cluster found;

    fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "kept", "redis");
    fixture_commit(&f);
    must(reopen());
    fixture_begin(&f, STORE_READ);
    must(store_cluster_find(f.tx, "000000000000", "us-east-1", "kept", &found));
    cr_assert_str_eq(found.engine, "redis");
}

Test(store, what_was_rolled_back_never_was)
{
    struct cluster found;

    fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "dropped", "redis");
    store_rollback(&f.tx);
    cr_assert_null(f.tx);
    fixture_begin(&f, STORE_READ);
    cr_assert(err_is(store_cluster_find(f.tx, "000000000000", "us-east-1", "dropped", &found),
                     ERR_NOT_FOUND));
}

Test(store, a_reader_keeps_its_snapshot_while_others_write)
{
    struct store_tx *reader;
    int64_t *ids;
    size_t count;

    must(store_begin(f.store, STORE_READ, &f.arena, &reader));
    must(store_cluster_ids(reader, &ids, &count));
    cr_assert_eq(count, 0);
    fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "new", "redis");
    fixture_commit(&f);
    must(store_cluster_ids(reader, &ids, &count));
    cr_assert_eq(count, 0);
    store_rollback(&reader);
    must(store_begin(f.store, STORE_READ, &f.arena, &reader));
    must(store_cluster_ids(reader, &ids, &count));
    cr_assert_eq(count, 1);
    store_rollback(&reader);
}

Test(store, a_database_from_the_future_is_refused_untouched)
{
    tamper("PRAGMA user_version = 999");
    struct err e = reopen();
    cr_assert(err_is(e, ERR_UNSUPPORTED));
    cr_assert_not_null(strstr(e.why, "999"));
}

Test(store, another_programs_database_is_refused)
{
    tamper("PRAGMA application_id = 7");
    cr_assert(err_is(reopen(), ERR_CORRUPT));
}

Test(store, rubbish_is_not_a_database)
{
    store_close(f.store);
    f.store = NULL;
    FILE *file = fopen(f.path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database at all ", file);
    fclose(file);
    unlink(arena_printf(&f.arena, "%s-wal", f.path));
    cr_assert(err_is(store_open(&f.arena, f.path, &f.store), ERR_CORRUPT));
}

Test(store, a_path_that_cannot_be_opened_says_so)
{
    struct store *other = NULL;
    cr_assert(err_is(store_open(&f.arena, "/nowhere/at/all.db", &other), ERR_IO));
    cr_assert_null(other);
}

Test(store, only_commits_that_touched_something_raise_the_generation)
{
    uint64_t before = store_generation(f.store);
    struct store_tx *tx = fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "quiet", "redis");
    fixture_commit(&f);
    cr_assert_eq(store_generation(f.store), before);

    tx = fixture_begin(&f, STORE_WRITE);
    store_touch_cluster(tx, 7);
    store_rollback(&f.tx);
    cr_assert_eq(store_generation(f.store), before);

    tx = fixture_begin(&f, STORE_WRITE);
    store_touch_cluster(tx, 7);
    fixture_commit(&f);
    cr_assert_neq(store_generation(f.store), before);
}

Test(store, commits_that_changed_a_row_raise_the_revision)
{
    uint64_t before = store_revision(f.store);

    cr_assert_neq(before, 0);
    fixture_begin(&f, STORE_WRITE);
    store_touch_cluster(f.tx, 7);
    fixture_commit(&f);
    fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "undone", "redis");
    cr_assert_eq(store_revision(f.store), before);
    store_rollback(&f.tx);
    cr_assert_eq(store_revision(f.store), before);

    fixture_begin(&f, STORE_WRITE);
    fixture_cluster(&f, "done", "redis");
    fixture_commit(&f);
    cr_assert_gt(store_revision(f.store), before);
}

/* Who reads a new number has read all that was told by a lower one. */
static void *write_numbers(void *context)
{
    (void)context;
    for (int i = 1; i <= 200; i++) {
        scoped(arena_fini) struct arena a = {0};
        struct store_tx *tx;
        must(store_begin(f.store, STORE_WRITE, &a, &tx));
        must(store_tag_put(tx, "000000000000", "us-east-1", "arn", "n", arena_printf(&a, "%d", i)));
        must(store_commit(&tx));
    }
    return NULL;
}

static int read_number(uint64_t *out_revision)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct tag *tags;
    size_t count;

    *out_revision = store_revision(f.store);
    must(store_begin(f.store, STORE_READ, &a, &tx));
    must(store_tag_list(tx, "arn", &tags, &count));
    return count ? (int)strtol(tags[0].value, NULL, 10) : 0;
}

Test(store, the_same_revision_is_the_same_rows)
{
    uint64_t kept_at = 0, at;
    int kept = 0, now = 0;
    pthread_t writer;

    cr_assert_eq(pthread_create(&writer, NULL, write_numbers, NULL), 0);
    while (now < 200) {
        now = read_number(&at);
        if (at == 0 || store_revision(f.store) != at)
            continue;
        if (at == kept_at)
            cr_assert_eq(now, kept);
        kept_at = at;
        kept = now;
    }
    pthread_join(writer, NULL);
}

Test(store, touched_clusters_are_taken_once_sorted_without_doubles)
{
    int64_t *ids;
    size_t count;
    bool is_all;

    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert(is_all, "everything needs a look when the store is opened");
    struct store_tx *tx = fixture_begin(&f, STORE_WRITE);
    for (int i = 20; i > 0; i--)
        store_touch_cluster(tx, i / 2);
    fixture_commit(&f);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert_not(is_all);
    cr_assert_eq(count, 11);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(ids[i], (int64_t)i);
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert_eq(count, 0);
}

Test(store, what_nobody_waits_for_is_taken_apart_and_wakes_once)
{
    int64_t *ids;
    size_t count;
    bool is_all;

    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert_not(store_has_touched_later(f.store));
    uint64_t seen = store_generation(f.store);
    for (int i = 3; i > 0; i--) {
        store_touch_cluster_later(fixture_begin(&f, STORE_WRITE), 7 + i / 2);
        fixture_commit(&f);
    }
    cr_assert_eq(store_generation(f.store), seen + 1);
    cr_assert(store_has_touched_later(f.store));
    store_take_touched(f.store, &f.arena, &ids, &count, &is_all);
    cr_assert_eq(count, 0);
    store_take_touched_later(f.store, &f.arena, &ids, &count);
    cr_assert_eq(count, 2);
    cr_assert_eq(ids[0], 7);
    cr_assert_eq(ids[1], 8);
    cr_assert_not(store_has_touched_later(f.store));
}

static void *wake_soon(void *context)
{
    store_wake(context);
    return NULL;
}

Test(store, waiting_ends_by_a_wake_or_by_the_deadline)
{
    pthread_t thread;
    uint64_t seen = store_generation(f.store);
    int64_t start_ms = clock_boot_ms(&clock_system);

    store_wait(f.store, seen, start_ms + 20);
    cr_assert_geq(clock_boot_ms(&clock_system), start_ms + 19);
    pthread_create(&thread, NULL, wake_soon, f.store);
    store_wait(f.store, seen, start_ms + 60000);
    cr_assert_neq(store_generation(f.store), seen);
    cr_assert_lt(clock_boot_ms(&clock_system), start_ms + 30000);
    pthread_join(thread, NULL);
}

static void *write_many(void *context)
{
    for (int i = 0; i < 50; i++) {
        struct arena a = {0};
        struct store_tx *tx;
        must(store_begin(f.store, STORE_WRITE, &a, &tx));
        must(store_tag_put(tx, "a", "r", context, arena_printf(&a, "%d", i), "v"));
        must(store_commit(&tx));
        arena_fini(&a);
    }
    return NULL;
}

Test(store, writers_queue_and_none_is_lost)
{
    static char *const arns[] = {"one", "two", "three", "four"};
    pthread_t threads[4];
    struct tag *tags;
    size_t count;

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_many, arns[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    fixture_begin(&f, STORE_READ);
    for (int i = 0; i < 4; i++) {
        must(store_tag_list(f.tx, arns[i], &tags, &count));
        cr_assert_eq(count, 50);
    }
}
