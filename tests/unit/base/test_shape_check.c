#include "base/arena.h"
#include "base/err.h"
#include "base/shape_check.h"
#include "sample.h"

#include <criterion/criterion.h>

#include <string.h>

static struct shape_patterns *patterns;

static void compile(void)
{
    const struct service_desc *services[] = {&sample_service};

    patterns = shape_patterns_new(services, 1);
}

static void drop(void)
{
    shape_patterns_free(patterns);
}

TestSuite(shape_check, .init = compile, .fini = drop);

/* What is wrong with a sample; NULL when nothing is. */
static const char *why_not(struct arena *a, const struct sample *s)
{
    struct shape_breach breach;

    return shape_check(a, patterns, &sample_shape, s, &breach) ? NULL : breach.why;
}

Test(shape_check, what_the_spec_allows_passes)
{
    scoped(arena_fini) struct arena a = {0};
    struct sample_inner inner = {.name = "x", .rank = INT_OF(1)};
    struct sample s = {
        .text = "üüüü",
        .color = "green",
        .number = INT_OF(100000),
        .inner = &inner,
        .inners = {true, 1, &inner}
    };

    cr_expect_null(why_not(&a, &(struct sample){0}));
    cr_expect_null(why_not(&a, &s));
}

Test(shape_check, each_breach_has_its_sentence)
{
    struct sample_inner good = {.name = "x"}, high = {.name = "x", .rank = INT_OF(0)};
    struct sample_inner three[3] = {good, good, good}, bad[2] = {good, high};
    const char *texts[] = {"a", "b\x02"};
    struct {
        struct sample value;
        const char *why;
    } rows[] = {
        {{.text = "a"},
         "Value 'a' at 'text' failed to satisfy constraint: Member must have length greater than or "
         "equal to 2"                                                                         },
        {{.text = "abcde"},            "Member must have length less than or equal to 4"      },
        {{.text = "ab1"},
         "Value 'ab1' at 'text' failed to satisfy constraint: Member must satisfy regular expression "
         "pattern: [a-zü]*"                                                                  },
        {{.color = "blue"},
         "Value 'blue' at 'aColor' failed to satisfy constraint: Member must satisfy enum value set: "
         "[red, green]"                                                                       },
        {{.color = "RED"},             "enum value set"                                       },
        {{.number = INT_OF(0)},
         "Value '0' at 'number' failed to satisfy constraint: Member must have value greater than or "
         "equal to 1"                                                                         },
        {{.number = INT_OF(100001)},   "Member must have value less than or equal to 100000"  },
        {{.inners = {true, 3, three}},
         "Value at 'inners' failed to satisfy constraint: Member must have length less than or equal "
         "to 2"                                                                               },
        {{.inners = {true, 2, bad}},   "Value '0' at 'inners.2.member.rank' failed to satisfy"},
        {{.texts = {true, 2, texts}},
         "Value at 'texts.2.member' failed to satisfy constraint: Member must not contain control "
         "characters"                                                                         },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const char *why = why_not(&a, &rows[i].value);
        cr_expect(why && strstr(why, rows[i].why), "%zu: %s", i, why ? why : "(passed)");
    }
}

Test(shape_check, a_missing_member_is_named_as_on_the_wire)
{
    scoped(arena_fini) struct arena a = {0};
    struct sample_inner nameless[2] = {{.name = "x"}, {.rank = INT_OF(1)}};
    struct sample s = {
        .inners = {true, 2, nameless}
    };
    struct shape_breach breach;

    cr_assert_not(shape_check(&a, patterns, &sample_shape, &s, &breach));
    cr_assert_not_null(breach.missing);
    cr_expect_str_eq(breach.missing->name, "Name");
    cr_expect_str_eq(breach.path, "Inners.Inner.2.Name");
    cr_expect_str_eq(breach.why,
                     "Value null at 'inners.2.member.name' failed to satisfy constraint: "
                     "Member must not be null");
}

Test(shape_check, secrets_are_not_repeated)
{
    scoped(arena_fini) struct arena a = {0};
    const char *why = why_not(&a, &(struct sample){.secret = "hush"});

    cr_assert_not_null(why);
    cr_expect(strstr(why, "Value at 'secret'"));
    cr_expect_null(strstr(why, "hush"));
}

Test(shape_check, long_values_are_cut_at_a_character)
{
    scoped(arena_fini) struct arena a = {0};
    char text[1002] = "x";

    for (size_t i = 1; i < 1001; i += 2)
        memcpy(text + i, "ü", 2);
    text[1001] = '\0';
    const char *why = why_not(&a, &(struct sample){.color = text});
    cr_assert_not_null(why);
    cr_expect(strstr(why, "ü...' at"));
    cr_expect_lt(strlen(why), 400);
}

Test(shape_check, without_patterns_the_rest_is_checked_all_the_same)
{
    scoped(arena_fini) struct arena a = {0};
    struct shape_breach breach;
    struct sample digits = {.text = "123"}, color = {.color = "x"};

    cr_expect(shape_check(&a, NULL, &sample_shape, &digits, &breach));
    cr_expect_not(shape_check(&a, NULL, &sample_shape, &color, &breach));
}
