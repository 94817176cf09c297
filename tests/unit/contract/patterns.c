/* Patterns of the model as POSIX expressions: what they take and refuse must be the same. */
#include "api-spec/model.h"
#include "base/err.h"

#include <criterion/criterion.h>

#include <regex.h>
#include <stdint.h>
#include <stdlib.h>

static bool fits(const char *pattern, const char *text)
{
    const char *posix = pattern_to_posix(pattern);
    regex_t compiled;
    bool is_match;

    cr_assert_not_null(posix, "%s", pattern);
    cr_assert_eq(regcomp(&compiled, posix, REG_EXTENDED | REG_NOSUB), 0, "%s", posix);
    is_match = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    free((void *)(uintptr_t)posix);
    return is_match;
}

Test(patterns, the_whole_text_must_fit)
{
    static const struct {
        const char *pattern, *text;
        bool is_match;
    } rows[] = {
        {"\\d+",                    "0042",  true },
        {"\\d+",                    "42a",   false},
        {"\\d+",                    "",      false},
        {".*\\S.*",                 "  x ",  true },
        {".*\\S.*",                 " \t ",  false},
        {".*\\S.*",                 "",      false},
        {"[a-zA-Z]*",               "Redis", true },
        {"[a-zA-Z]*",               "",      true },
        {"[a-zA-Z]*",               "a1",    false},
        {"[a-zA-Z][a-zA-Z0-9\\-]*", "u-1",   true },
        {"[a-zA-Z][a-zA-Z0-9\\-]*", "1u",    false},
        {"[a-zA-Z][a-zA-Z0-9\\-]*", "u_1",   false},
        {"[a-zA-Z][a-zA-Z0-9\\-]*", "u\\",   false},
        {"a|b",                     "b",     true },
        {"a|b",                     "ab",    false},
        {"[\\w.\\-]+",              "a_1.-", true },
        {"[\\w.\\-]+",              "a b",   false},
        {"a\\.b\\-c",               "a.b-c", true },
        {"a\\.b\\-c",               "axb-c", false},
        {"[^\\s]{2,3}",             "ab",    true },
        {"[^\\s]{2,3}",             "a ",    false},
    };

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(fits(rows[i].pattern, rows[i].text), rows[i].is_match, "%s on '%s'",
                     rows[i].pattern, rows[i].text);
}

Test(patterns, what_posix_cannot_say_is_refused)
{
    static const char *const bad[] = {"\\u0009", "[\\u0009]", "(?=x)*", "[\\S]",
                                      "\\",      "[a",        "[a\\",   "(a"};

    for (size_t i = 0; i < countof(bad); i++)
        cr_expect_null(pattern_to_posix(bad[i]), "%s", bad[i]);
}
