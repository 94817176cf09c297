#include "cacheengine/keyspace/glob.h"

#include <criterion/criterion.h>

#include <string.h>

Test(glob, patterns_match_what_they_say)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"*",         "anything",  true },
        {"",          "",          true },
        {"",          "a",         false},
        {"*",         "",          false},
        {"a*c",       "abbbc",     true },
        {"a*c",       "ac",        true },
        {"a*c",       "acb",       false},
        {"a**b*c",    "axxbyyc",   true },
        {"h?llo",     "hello",     true },
        {"h?llo",     "hllo",      false},
        {"h[ae]llo",  "hallo",     true },
        {"h[ae]llo",  "hillo",     false},
        {"h[^e]llo",  "hallo",     true },
        {"h[^e]llo",  "hello",     false},
        {"h[a-c]llo", "hbllo",     true },
        {"h[c-a]llo", "hbllo",     true },
        {"h[a-c]llo", "hdllo",     false},
        {"h\\*llo",   "h*llo",     true },
        {"h\\*llo",   "hello",     false},
        {"h[\\]]llo", "h]llo",     true },
        {"[abc",      "a",         true },
        {"a\\",       "a\\",       true },
        {"*a*a*a*b",  "aaaaaaaaa", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(glob_match(str_of(rows[i].pattern), str_of(rows[i].text)), rows[i].matches,
                     "%s %s", rows[i].pattern, rows[i].text);
}

Test(glob, case_matters_only_when_asked)
{
    cr_assert_not(glob_match(STR("MAX*"), STR("maxmemory")));
    cr_assert(glob_match_nocase(STR("MAX*"), STR("maxmemory")));
    cr_assert(glob_match_nocase(STR("[A-M]ax"), STR("max")));
}

Test(glob, many_stars_do_not_take_for_ever)
{
    char pattern[200], text[5000];

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[sizeof(pattern) - 1] = 'b';
    memset(text, 'a', sizeof(text));
    cr_assert_not(
        glob_match((struct str){pattern, sizeof(pattern)}, (struct str){text, sizeof(text)}));
}
