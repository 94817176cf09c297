#include "script_fixture.h"

Test(eval_cache, a_script_is_found_by_its_text_and_by_its_fingerprint)
{
    struct script_fixture f;

    script_open(&f, 16 << 20);
    answers(&f, "return 1", ":1\r\n");
    answers(&f, "return 1", ":1\r\n");
    cr_assert_eq(eval_cache_facts(f.evals).scripts, 1);
    cr_assert_not_null(eval_cache_find(f.evals, STR("E0e1f9fabfc9d4800c877a703b823ac0578ff8db")));
    cr_assert_null(eval_cache_find(f.evals, STR("e0e1f9fabfc9d4800c877a703b823ac0578ff8dc")));
    cr_assert_null(eval_cache_find(f.evals, STR("e0e1")));
    script_close(&f);
}

Test(eval_cache, the_longest_unused_is_forgotten_but_not_what_was_loaded)
{
    struct script_fixture f;
    char text[64];

    script_open(&f, 16 << 20);
    answers(&f, "return 'kept'", "$4\r\nkept\r\n");
    answers(&f, "return 'used'", "$4\r\nused\r\n");
    eval_cache_keep(f.evals, eval_cache_find_text(f.evals, 1, STR("return 'kept'")));
    for (int i = 0; i < EVAL_CACHE_MAX + 99; i++) {
        snprintf(text, sizeof(text), "return %d", i);
        (void)script_ask(&f, text);
        if (i % 100 == 0)
            (void)script_ask(&f, "return 'used'");
    }
    cr_assert_eq(eval_cache_facts(f.evals).scripts, EVAL_CACHE_MAX + 1);
    cr_assert_eq(eval_cache_facts(f.evals).evicted, 100);
    eval_cache_reset_stats(f.evals);
    cr_assert_eq(eval_cache_facts(f.evals).evicted, 0);
    cr_assert_not_null(eval_cache_find_text(f.evals, 2, STR("return 'kept'")));
    cr_assert_not_null(eval_cache_find_text(f.evals, 3, STR("return 'used'")));
    cr_assert_null(eval_cache_find_text(f.evals, 4, STR("return 0")));
    script_close(&f);
}

Test(eval_cache, a_flush_forgets_all_and_their_memory)
{
    struct script_fixture f;

    script_open(&f, 16 << 20);
    answers(&f, "return 1", ":1\r\n");
    cr_assert_gt(eval_cache_facts(f.evals).machine_bytes, 10000);
    eval_cache_flush(f.evals);
    cr_assert_eq(eval_cache_facts(f.evals).scripts, 0);
    cr_assert_eq(eval_cache_facts(f.evals).machine_bytes, 0);
    answers(&f, "return 1", ":1\r\n");
    script_close(&f);
}

Test(eval_cache, what_does_not_compile_is_not_kept)
{
    struct script_fixture f;

    script_open(&f, 16 << 20);
    fails(&f, "return return", "Error compiling script (new function): user_script:1: unexpected");
    fails(&f, "\033Lua", "Error compiling script");
    cr_assert_eq(eval_cache_facts(f.evals).scripts, 0);
    script_close(&f);
}
