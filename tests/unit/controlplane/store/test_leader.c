/* Two stores on one database, as two control planes have them. */
#include "base/fs.h"
#include "controlplane/store/db.h"
#include "controlplane/store/leader.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(leader);

static int deposed;

static void count_deposed(void *context)
{
    (void)context;
    deposed++;
}

static struct err claim(int64_t instance, int64_t over, struct store **out)
{
    store_rollback(&f.tx); /* the fixture's own writer */

    const struct leader_claim c = {
        .instance = instance, .over = over, .process = "1 2 3", .has_lock = true, .wait_ms = 50};
    return store_open_leading(&f.arena, f.path, &c, out);
}

static struct store *lead(int64_t instance, int64_t over)
{
    struct store *s;

    must(claim(instance, over, &s));
    deposed = 0;
    store_on_deposed(s, count_deposed, NULL);
    return s;
}

static int code_of_begin(struct store *s, enum store_mode mode)
{
    struct store_tx *tx = NULL;
    struct err e = store_begin(s, mode, &f.arena, &tx);

    store_rollback(&tx);
    return e.code;
}

static struct leader peek(void)
{
    struct leader leader;

    must(leader_peek(&f.arena, f.path, &leader));
    return leader;
}

Test(leader, each_lead_has_a_higher_epoch)
{
    cr_assert_eq(peek().epoch, 0);
    cr_assert(peek().has_lock);
    struct store *first = lead(10, 0);
    cr_assert_eq(store_epoch(first), 1);
    store_close(first);
    struct store *second = lead(20, 10);
    cr_assert_eq(store_epoch(second), 2);
    cr_assert_eq(store_instance(second), 20);
    cr_assert_eq(peek().instance, 20);
    cr_assert_str_eq(peek().process, "1 2 3");
    store_close(second);
}

Test(leader, who_was_succeeded_neither_reads_nor_writes_any_more)
{
    struct store *old = lead(10, 0);
    cr_assert_eq(code_of_begin(old, STORE_WRITE), ERR_OK);
    struct store *next = lead(20, 10);
    store_on_deposed(old, count_deposed, NULL);

    cr_assert_eq(code_of_begin(old, STORE_WRITE), ERR_UNAVAILABLE);
    cr_assert_eq(code_of_begin(old, STORE_NOTE), ERR_UNAVAILABLE);
    cr_assert_eq(code_of_begin(old, STORE_READ), ERR_UNAVAILABLE);
    cr_assert_eq(deposed, 1, "it is told once");
    cr_assert_eq(code_of_begin(next, STORE_WRITE), ERR_OK);
    cr_assert_eq(code_of_begin(next, STORE_READ), ERR_OK);
    store_close(old);
    store_close(next);
}

Test(leader, what_was_begun_before_is_committed_before)
{
    struct store *old = lead(10, 0), *next = NULL;
    struct store_tx *tx = NULL;

    must(store_begin(old, STORE_WRITE, &f.arena, &tx));
    cr_assert_eq(claim(20, 10, &next).code, ERR_UNAVAILABLE, "a writer has the database");
    must(store_commit(&tx));
    next = lead(20, 10);
    cr_assert_eq(store_epoch(next), 2);
    store_close(old);
    store_close(next);
}

Test(leader, of_two_that_follow_one_the_first_leads)
{
    store_close(lead(10, 0));
    struct store *first = lead(20, 10), *second;

    cr_assert_eq(claim(30, 10, &second).code, ERR_CONFLICT);
    cr_assert_eq(store_epoch(first), 2);
    cr_assert_eq(code_of_begin(first, STORE_WRITE), ERR_OK);
    store_close(first);
}

Test(leader, answers_are_not_kept_by_who_may_have_been_succeeded)
{
    struct store *s = lead(10, 0);

    cr_assert_eq(store_revision(s), 0, "nobody asked yet");
    must(store_leader_check(s, &f.arena));
    cr_assert_neq(store_revision(s), 0);
    store_close(s);
}

Test(leader, an_epoch_that_hosts_know_is_outgrown_without_a_loss_of_the_lead)
{
    struct store *s = lead(10, 0);

    must(store_leader_outgrow(s, &f.arena, 7));
    cr_assert_eq(store_epoch(s), 8);
    must(store_leader_outgrow(s, &f.arena, 7));
    cr_assert_eq(store_epoch(s), 8, "once is enough");
    cr_assert_eq(code_of_begin(s, STORE_READ), ERR_OK);
    cr_assert_eq(deposed, 0);
    store_close(s);
    cr_assert_eq(peek().epoch, 8);
    s = lead(20, 10);
    cr_assert_eq(store_epoch(s), 9);
    store_close(s);
}

Test(leader, who_yields_to_one_with_another_database_remembers_it)
{
    struct store *s = lead(10, 0);

    store_leader_yield(s, &f.arena, 5);
    cr_assert_eq(deposed, 1);
    cr_assert_eq(code_of_begin(s, STORE_READ), ERR_UNAVAILABLE);
    store_close(s);
    cr_assert_eq(peek().deposed_by, 5);
    store_close(lead(20, 10));
    cr_assert_eq(peek().deposed_by, 0, "who leads all the same begins anew");
}

Test(leader, the_lock_may_come_later)
{
    const struct leader_claim without = {.instance = 10, .process = ""};
    struct store *s;

    store_rollback(&f.tx);
    must(store_open_leading(&f.arena, f.path, &without, &s));
    cr_assert_not(peek().has_lock);
    must(store_leader_locks(s, &f.arena));
    cr_assert(peek().has_lock);
    store_close(s);
}

Test(leader, nobody_leads_where_there_is_no_database_or_one_that_is_older)
{
    struct leader leader;
    struct db *db;
    const char *path = arena_printf(&f.arena, "%s/other.db", f.dir);

    cr_assert_eq(leader_peek(&f.arena, path, &leader).code, ERR_NOT_FOUND);
    must(db_open(&f.arena, path, &db));
    db_close(db);
    cr_assert_eq(leader_peek(&f.arena, path, &leader).code, ERR_NOT_FOUND);
    const struct leader_claim c = {.instance = 10, .process = "", .has_lock = true};
    struct store *s;
    must(store_open_leading(&f.arena, path, &c, &s));
    cr_assert_eq(store_epoch(s), 1);
    store_close(s);
}

Test(leader, a_store_that_belongs_to_nobody_asks_nothing)
{
    struct store *s = lead(10, 0);

    cr_assert_eq(store_epoch(f.store), 0);
    cr_assert_eq(code_of_begin(f.store, STORE_WRITE), ERR_OK);
    store_close(s);
}
