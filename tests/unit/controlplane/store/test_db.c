#include "controlplane/store/db.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(db);

Test(db, arguments_are_bound_by_their_types)
{
    static const char sql[] = "SELECT ?1, ?2, ?3, NULL";
    struct query q;

    must(query_start(&q, f.tx, sql, "tib", "it's \"quoted\"", (int64_t)-5, 7));
    cr_assert(query_next(&q));
    cr_assert_str_eq(query_text(&q, 0), "it's \"quoted\"");
    cr_assert_eq(query_int(&q, 1), -5);
    cr_assert_eq(query_int(&q, 2), 1);
    cr_assert(query_is_null(&q, 3));
    cr_assert_str_eq(query_text(&q, 3), "");
    cr_assert_not(query_next(&q));
    must(query_end(&q));
}

Test(db, a_statement_can_be_used_again_and_again)
{
    static const char sql[] = "SELECT ?1 + 1";
    for (int64_t i = 0; i < 100; i++) {
        struct query q;
        must(query_start(&q, f.tx, sql, "i", i));
        cr_assert(query_next(&q));
        cr_assert_eq(query_int(&q, 0), i + 1);
        must(query_end(&q));
    }
}

Test(db, broken_sql_is_an_error_with_words)
{
    static const char sql[] = "SELEKT 1";
    struct err e = query_run(f.tx, sql, "");
    cr_assert(err_is(e, ERR_INTERNAL));
    cr_assert_not_null(e.why);
}

Test(db, a_violated_reference_is_our_mistake_not_a_double)
{
    static const char sql[] =
        "INSERT INTO cache_node (cluster_id, number, created_ms) VALUES (99, '1', 0)";
    struct err e = query_run(f.tx, sql, "");
    cr_assert_eq(e.code, ERR_INTERNAL);
}

Test(db, ids_become_a_json_array)
{
    cr_assert_str_eq(query_id_list(f.tx, (int64_t[]){3, -4}, 2), "[3,-4]");
    cr_assert_str_eq(query_id_list(f.tx, NULL, 0), "[]");
}
