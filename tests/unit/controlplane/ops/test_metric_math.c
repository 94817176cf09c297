#include "base/arena.h"
#include "controlplane/ops/metric_math.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static const double a_values[] = {1, NAN, 3}, b_values[] = {10, 20, 30};

static struct err find(void *context, const char *id, struct math_series *out)
{
    (void)context;
    if (strcmp(id, "a") == 0)
        out->values = a_values;
    else if (strcmp(id, "b") == 0)
        out->values = b_values;
    else
        return err_make(ERR_INVALID, "there is no such id");
    return OK;
}

static struct err all(void *context, struct math_series **out, size_t *out_count)
{
    (void)context;
    *out = arena_array(&arena, 2, sizeof(**out));
    (*out)[0].values = a_values;
    (*out)[1].values = b_values;
    *out_count = 2;
    return OK;
}

static struct err run(const char *expression, struct math_series *out)
{
    const struct math m = {&arena, 3, 60, find, all, NULL};
    return math_run(&m, expression, out);
}

Test(metric_math, expressions_are_computed_at_each_time)
{
    static const struct {
        const char *text;
        double values[3];
    } rows[] = {
        {"a",                     {1, NAN, 3}                      },
        {"a+b",                   {11, NAN, 33}                    },
        {" 2 * b - a ",           {19, NAN, 57}                    },
        {"-a",                    {-1, NAN, -3}                    },
        {"(a + 1) * 2",           {4, NAN, 8}                      },
        {"a + 1 * 2",             {3, NAN, 5}                      },
        {"b / 4",                 {2.5, 5, 7.5}                    },
        {"a / (a - 1)",           {NAN, NAN, 1.5}                  },
        {"a ^ 2",                 {1, NAN, 9}                      },
        {"-a ^ 2",                {-1, NAN, -9}                    },
        {"SUM([a, b])",           {11, 20, 33}                     },
        {"AVG(METRICS())",        {5.5, 20, 16.5}                  },
        {"MAX([a,b])-MIN([a,b])", {9, 0, 27}                       },
        {"b - MIN(b)",            {0, 10, 20}                      },
        {"FILL(a, 0)",            {1, 0, 3}                        },
        {"FILL(a, REPEAT)",       {1, 1, 3}                        },
        {"RATE(b)",               {NAN, 10.0 / 60, 10.0 / 60}      },
        {"DIFF(a)",               {NAN, NAN, 2}                    },
        {"RATE(a)",               {NAN, NAN, 2.0 / 120}            },
        {"b / PERIOD(b)",         {10.0 / 60, 20.0 / 60, 30.0 / 60}},
        {"ABS(a - b)",            {9, NAN, 27}                     },
        {"CEIL(b / 7)",           {2, 3, 5}                        },
        {"FLOOR(b / 7)",          {1, 2, 4}                        },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct math_series out;
        struct err e = run(rows[i].text, &out);
        cr_assert(!err_failed(e), "%s: %s", rows[i].text, e.why);
        for (int k = 0; k < 3; k++) {
            double want = rows[i].values[k], got = out.values[k];
            cr_assert(isnan(want) ? isnan(got) : fabs(want - got) < 1e-9, "%s at %d: %f",
                      rows[i].text, k, got);
        }
    }
}

Test(metric_math, what_is_no_expression_is_refused_with_a_sentence)
{
    static const char *const wrong[] = {
        "",          "1",         "a +",        "(a",          "a)",        "[a]",
        "[a,1]",     "c",         "a b",        "SEARCH('x')", "SUM(a, b)", "SUM()",
        "SUM(1)",    "FILL(a)",   "FILL(1, a)", "a + [b]",     "1.2.3 * a", "#",
        "REPEAT(a)", "METRICS()", "RATE(1)",    "ABS([a])",
    };
    char deep[1001];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct math_series out;
        struct err e = run(wrong[i], &out);
        cr_assert(err_is(e, ERR_INVALID) && e.why, "%s", wrong[i]);
    }
    memset(deep, '(', 1000);
    deep[1000] = '\0';
    struct math_series out;
    cr_assert(err_is(run(deep, &out), ERR_INVALID));
    memset(deep, '-', 1000);
    cr_assert(err_is(run(deep, &out), ERR_INVALID));
}

static void note(void *context, const char *id, size_t len)
{
    strncat(context, id, len);
    strcat(context, " ");
}

Test(metric_math, the_ids_of_an_expression_are_its_words_in_lower_case)
{
    char ids[64] = "";

    math_each_id("SUM([m1, m2]) / e_1 + 10 * PERIOD(m1)", note, ids);
    cr_assert_str_eq(ids, "m1 m2 e_1 m1 ");
}
