#include "sweep.h"

#include "base/str.h"
#include "controlplane/reconcile/reconcile.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define SAMPLES 3 /* of the moments of a scenario */

static const char *run(const struct scenario *s)
{
    s->act();
    box_settle();
    return box_text();
}

static void compare(const char *got, const char *wanted, const struct failpoint_name *name,
                    const char *when)
{
    struct str a = str_of(got), b = str_of(wanted);

    while (a.len + b.len > 0) {
        struct str x = str_cut(&a, '\n'), y = str_cut(&b, '\n');
        cr_assert(str_eq(x, y), "%s:%s, %s: it is\n%s\nwhere it would be\n%s\n\n%s\nwhere\n%s",
                  name->operation, name->step, when, str_dup(&box.f.arena, x),
                  str_dup(&box.f.arena, y), got, wanted);
    }
}

static const struct way {
    const char *name;
    bool is_before, is_patient;
} ways[] = {
    {"ended before the commit", true,  false},
    {"ended after the commit",  false, false},
    {"the commit was refused",  true,  true },
};

/* True when the scenario came by there. */
static bool strike(const struct scenario *s, const struct failpoint_name *name,
                   const struct way *way, const char *wanted)
{
    box.failpoint = (struct failpoint){.operation = name->operation,
                                       .step = name->step,
                                       .fault = FAILPOINT_ERROR,
                                       .is_before = way->is_before};
    box.is_patient = way->is_patient;
    box_go_back();
    compare(run(s), wanted, name, way->name);
    cr_assert_eq(box.lives, box.failpoint.is_over && !way->is_patient ? 2 : 1);
    return box.failpoint.is_over;
}

#define HOUR_MS 3600000

/* The wall clock is set while the operation runs, also while nobody does. */
static void set_clock(const struct scenario *s, const char *operation, const char *wanted)
{
    static const struct {
        const char *name;
        int64_t by_ms;
        bool is_restart;
    } rows[] = {
        {"clock set back",               -HOUR_MS, false},
        {"clock set forward in between", HOUR_MS,  true },
    };

    box.failpoint = (struct failpoint){0};
    for (size_t i = 0; i < countof(rows); i++) {
        box_go_back();
        s->act();
        box_round();
        box_set_clock(rows[i].by_ms);
        if (rows[i].is_restart)
            box_restart();
        box_settle();
        compare(box_text(), wanted, &(struct failpoint_name){operation, "any"}, rows[i].name);
    }
}

/* At any other moment. All of them is for those who have the time. */
static void end_anywhere(const struct scenario *s, const char *operation, int rounds,
                         const char *wanted)
{
    int stride = getenv("LARDER_SWEEP_ALL") ? 1 : 1 + rounds / SAMPLES;

    box.failpoint = (struct failpoint){0};
    for (int i = 1; i < rounds; i += stride) {
        struct failpoint_name name = {operation, arena_printf(&box.f.arena, "round %d", i)};
        box.ends_after = i;
        box_go_back();
        compare(run(s), wanted, &name, "ended");
        cr_assert_eq(box.lives, 2);
    }
    box.ends_after = 0;
}

/* Nothing of an operation that came to nothing is in the way of others. */
static void check_clean(const char *text, const struct failpoint_name *name)
{
    static const char *const remains[] = {"\n  move ", " task "};

    for (size_t i = 0; i < countof(remains); i++)
        cr_assert_null(strstr(text, remains[i]), "%s:%s left\n%s", name->operation, name->step,
                       text);
    for (const char *at = text; (at = strstr(at, " fenced ")); at++)
        cr_assert_eq(at[strlen(" fenced ")], '0', "%s:%s left a fence\n%s", name->operation,
                     name->step, text);
}

/* A step is not taken for as long as its operation waits, and longer; then it is. A group that
 * goes is looked at no more when its last member is gone, which is the same commit. */
static void hang(const struct scenario *s, const struct failpoint_name *name, bool is_clearable)
{
    if (strcmp(name->operation, "group-delete") == 0)
        return;
    box.failpoint = (struct failpoint){
        .operation = name->operation, .step = name->step, .fault = FAILPOINT_HANG};
    box_go_back();
    s->act();
    box_wait();
    box.failpoint = (struct failpoint){0};
    box_restart(); /* which looks at everything */
    box_settle();
    check_clean(box_text(), name);
    if (is_clearable)
        box_clear();
}

/* What happens when nothing happens, in `a`. */
static const char *undisturbed(struct arena *a, const struct scenario *s)
{
    box.failpoint = (struct failpoint){0};
    if (s->prepare)
        s->prepare();
    box_settle();
    box_keep();
    box_go_back();
    const char *text = arena_strdup(a, run(s));
    cr_assert_eq(strstr(text, "failed") != NULL, s->is_failing, "%s", text);
    return text;
}

void sweep(const char *operation, const struct scenario *scenarios, size_t count)
{
    scoped(arena_fini) struct arena a = {0};
    struct failpoint_names names = reconcile_failpoints(&a);
    bool *reached = arena_array(&a, names.count, sizeof(*reached));

    for (size_t i = 0; i < count; i++) {
        box.failpoint = (struct failpoint){0};
        if (i > 0) {
            box_close();
            box_open();
        }
        const char *wanted = undisturbed(&a, &scenarios[i]);
        int rounds = box.rounds;
        for (size_t k = 0; k < names.count; k++)
            for (size_t w = 0; w < countof(ways) - (i > 0); w++) /* the last one once */
                if (strcmp(names.items[k].operation, operation) == 0)
                    reached[k] |= strike(&scenarios[i], &names.items[k], &ways[w], wanted);
        if (i == 0) {
            end_anywhere(&scenarios[i], operation, rounds, wanted);
            set_clock(&scenarios[i], operation, wanted);
        }
        for (size_t k = 0; k < names.count && i == 0; k++)
            if (strcmp(names.items[k].operation, operation) == 0)
                hang(&scenarios[i], &names.items[k], !scenarios[i].is_global);
    }
    for (size_t k = 0; k < names.count; k++)
        if (strcmp(names.items[k].operation, operation) == 0)
            cr_assert(reached[k], "nothing comes by %s:%s", operation, names.items[k].step);
}
