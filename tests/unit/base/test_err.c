#include "base/arena.h"
#include "base/err.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

static struct err fail_if(bool fails)
{
    return fails ? err_make(ERR_LIMIT, "too much") : OK;
}

static struct err try_both(bool first, bool second, int *reached)
{
    *reached = 0;
    TRY(fail_if(first));
    *reached = 1;
    TRY(fail_if(second));
    *reached = 2;
    return OK;
}

Test(err, try_returns_at_the_first_failure)
{
    int reached;

    cr_assert(err_is(try_both(true, false, &reached), ERR_LIMIT) && reached == 0);
    cr_assert(err_is(try_both(false, true, &reached), ERR_LIMIT) && reached == 1);
    cr_assert(!err_failed(try_both(false, false, &reached)) && reached == 2);
}

Test(err, sentences_are_formatted_kept_and_shown_with_the_system_s_reason)
{
    struct arena outer = {0}, inner = {0};

    struct err e = err_format(&inner, ERR_INVALID, "bad %s", "value");
    e = err_keep(&outer, e);
    arena_fini(&inner);
    cr_assert_str_eq(e.why, "bad value");
    cr_assert_str_eq(err_text(&outer, e), "bad value");
    cr_assert_str_eq(err_text(&outer, err_sys(ENOENT, "cannot open")),
                     "cannot open: No such file or directory");
    cr_assert_str_eq(err_text(&outer, err_make(ERR_TIMEOUT, NULL)), "timeout");
    arena_fini(&outer);
}

Test(err, every_generic_code_has_a_name_of_its_own)
{
    for (int i = ERR_OK; i <= ERR_INTERNAL; i++) {
        cr_assert_not_null(err_code_name(i));
        for (int k = ERR_OK; k < i; k++)
            cr_assert_str_neq(err_code_name(i), err_code_name(k));
    }
    cr_assert_str_eq(err_code_name(ERR_FAULT_BASE + 5), "fault");
    cr_assert_str_eq(err_code_name(-1), "unknown");
}

Test(err, a_failed_check_aborts, .signal = SIGABRT)
{
    check(1 + 1 == 3);
}
