#include "base/arena.h"
#include "base/str.h"
#include "controlplane/reconcile/failpoint.h"
#include "controlplane/reconcile/reconcile.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>

static struct arena a;

static void close_arena(void)
{
    arena_fini(&a);
}

TestSuite(failpoint, .fini = close_arena);

static struct failpoint parse(const char *text)
{
    struct failpoint f;

    cr_assert(!err_failed(failpoint_parse(&a, text, &f)), "%s", text);
    return f;
}

Test(failpoint, names_an_operation_a_step_and_what_is_to_happen)
{
    struct failpoint f = parse("group-test-migration:ask:crash");

    cr_assert_str_eq(f.operation, "group-test-migration");
    cr_assert_str_eq(f.step, "ask");
    cr_assert_eq(f.fault, FAILPOINT_CRASH);
    cr_assert(!f.is_before);
    cr_assert(parse("group-switch:fence:error:before").is_before);
    cr_assert(!parse("group-switch:fence:error:after").is_before);
    cr_assert_eq(parse("group-switch:fence:hang").fault, FAILPOINT_HANG);
}

Test(failpoint, what_is_none_is_refused)
{
    static const char *const texts[] = {"",
                                        "group-switch",
                                        "group-switch:fence",
                                        "group-switch:fence:",
                                        "::",
                                        ":fence:crash",
                                        "group-switch::crash",
                                        "group-switch:fence:explode",
                                        "a:b:",
                                        "a:b:crash:sometime",
                                        "group-switch:fence:hang:before"};

    for (size_t i = 0; i < countof(texts); i++) {
        struct failpoint f;
        cr_assert_eq(failpoint_parse(&a, texts[i], &f).code, ERR_INVALID, "%s", texts[i]);
    }
}

Test(failpoint, the_commit_of_that_step_is_refused_once)
{
    struct failpoint f = parse("group-switch:fence:error:before");

    failpoint_reach(&f, "group", "switch", "promote");
    failpoint_reach(&f, "group", "roll", "fence");
    failpoint_reach(&f, "cluster", "switch", "fence");
    cr_assert(!err_failed(failpoint_before_commit(&f)), "another step's");
    failpoint_reach(&f, "group", "switch", "fence");
    cr_assert(!f.is_over);
    cr_assert_eq(failpoint_before_commit(&f).code, ERR_IO);
    cr_assert(f.is_over);
    failpoint_reach(&f, "group", "switch", "fence");
    cr_assert(!err_failed(failpoint_before_commit(&f)), "it is over");
}

Test(failpoint, or_taken_and_refused_all_the_same)
{
    struct failpoint f = parse("group-switch:fence:error");

    failpoint_reach(&f, "group", "switch", "fence");
    cr_assert(!err_failed(failpoint_before_commit(&f)));
    cr_assert_eq(failpoint_after_commit(&f).code, ERR_IO);
}

Test(failpoint, a_step_that_hangs_is_not_taken_however_often_it_is_asked)
{
    struct failpoint f = parse("group-switch:fence:hang");

    cr_assert(failpoint_holds(&f, "group", "switch", "fence"));
    cr_assert(failpoint_holds(&f, "group", "switch", "fence"));
    cr_assert(!failpoint_holds(&f, "group", "switch", "promote"));
    cr_assert(!err_failed(failpoint_before_commit(&f)));
    cr_assert(!err_failed(failpoint_after_commit(&f)));
}

Test(failpoint, a_crash_is_the_end_of_the_process, .signal = SIGKILL)
{
    struct failpoint f = parse("group-switch:fence:crash");

    failpoint_reach(&f, "group", "switch", "fence");
    err_ignore(failpoint_after_commit(&f), "nobody is there any more");
}

Test(failpoint, without_one_nothing_happens)
{
    cr_assert(!failpoint_holds(NULL, "group", "switch", "fence"));
    failpoint_reach(NULL, "group", "switch", "fence");
    cr_assert(!err_failed(failpoint_before_commit(NULL)));
    cr_assert(!err_failed(failpoint_after_commit(NULL)));
}

/* A step is named once, so that it is certain which one is meant. */
Test(failpoint, every_step_has_a_name_of_its_own)
{
    struct failpoint_names names = reconcile_failpoints(&a);

    cr_assert_gt(names.count, 70);
    for (size_t i = 0; i < names.count; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert(strcmp(names.items[i].operation, names.items[k].operation) != 0 ||
                          strcmp(names.items[i].step, names.items[k].step) != 0,
                      "%s:%s", names.items[i].operation, names.items[i].step);
    struct failpoint f = parse("group-move:settling:crash"), none = parse("group-move:done:crash");
    cr_assert(failpoint_is_of(&f, &names));
    cr_assert(!failpoint_is_of(&none, &names));
}
