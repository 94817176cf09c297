/* The kernel's score by role. Each test is a process of its own, so the score is nobody else's; it
 * is only ever raised, which everybody may. */
#include "base/fs.h"
#include "cacheengine/dispatch/oom_score.h"
#include "cacheengine/dispatch/replica.h"
#include "dispatch_test.h"

#include <stdio.h>

static int64_t score(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    int64_t v = -1;

    cr_assert_not(err_failed(fs_read_all("/proc/self/oom_score_adj", 64, &text)));
    cr_assert(str_to_i64(str_trim(buf_str(&text)), &v));
    return v;
}

/* What stands there before must leave room above it. */
static void begin(struct resp_fixture *f)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");

    if (file && score() < 100)
        fprintf(file, "100\n");
    if (file)
        fclose(file);
    if (score() > 900)
        cr_skip_test("the score cannot be raised any more");
    resp_open(f, NULL);
}

Test(oom_score, it_is_added_to_what_was_there_and_put_back)
{
    struct resp_fixture f;

    begin(&f);
    int64_t before = score();
    says(&f, "CONFIG SET oom-score-adj-values \"10 20 30\"", "+OK\r\n");
    cr_expect_eq(score(), before, "values alone change nothing");
    says(&f, "CONFIG SET oom-score-adj relative", "+OK\r\n");
    cr_expect_eq(score(), before + 10);
    shows(&f, "CONFIG GET oom-score-adj", "$3\r\nyes\r\n");
    says(&f, "CONFIG SET oom-score-adj-values \"15 20 30\"", "+OK\r\n");
    cr_expect_eq(score(), before + 15);
    says(&f, "CONFIG SET oom-score-adj no", "+OK\r\n");
    cr_expect_eq(score(), before);
    resp_close(&f);
}

Test(oom_score, the_role_and_a_child_have_their_own)
{
    struct resp_fixture f;

    begin(&f);
    int64_t before = score();
    says(&f, "CONFIG SET oom-score-adj yes oom-score-adj-values \"10 20 30\"", "+OK\r\n");
    repl_become_replica(&f.engine, STR("127.0.0.1"), 1);
    cr_expect_eq(score(), before + 20);
    repl_become_primary(&f.engine, 0);
    cr_expect_eq(score(), before + 10);
    oom_score_of_child(&f.engine);
    cr_expect_eq(score(), before + 30);
    resp_close(&f);
}

Test(oom_score, absolute_is_as_it_stands_and_no_more_than_the_kernel_takes)
{
    struct resp_fixture f;

    begin(&f);
    says(&f, "CONFIG SET oom-score-adj absolute oom-score-adj-values \"950 2000 2000\"", "+OK\r\n");
    cr_expect_eq(score(), 950);
    says(&f, "CONFIG SET oom-score-adj-values \"2000 2000 2000\"", "+OK\r\n");
    cr_expect_eq(score(), 1000);
    resp_close(&f);
}

Test(oom_score, values_that_are_none_are_refused_and_the_old_stay)
{
    struct resp_fixture f;

    begin(&f);
    shows(&f, "CONFIG SET oom-score-adj-values \"-2001 0 0\"", "must be between -2000 and 2000");
    shows(&f, "CONFIG SET oom-score-adj-values \"1 2\"", "wrong number of arguments");
    shows(&f, "CONFIG GET oom-score-adj-values", "0 200 800");
    resp_close(&f);
}
