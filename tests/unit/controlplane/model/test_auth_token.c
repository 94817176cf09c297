#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/auth_token.h"
#include "controlplane/model/users.h"

#include <criterion/criterion.h>

#include <string.h>

Test(auth_token, what_a_token_may_be_depends_on_whether_the_cache_is_new)
{
    static const struct {
        const char *token;
        bool if_new, if_there;
    } rows[] = {
        {"0123456789abcdef",         true,  true },
        {"0123456789abcde",          false, false},
        {"",                         false, false},
        {"0123456789ABCDEF!&#$^<>-", true,  true },
        {"0123456789abcdef*",        false, true },
        {"0123456789abcdef,",        false, true },
        {"0123456789abcdef/",        false, false},
        {"0123456789abcdef\"",       false, false},
        {"0123456789abcdef@",        false, false},
        {"0123456789abcdef%",        false, false},
        {"0123456789abcdef x",       false, false},
        {"0123456789abcdef\x7f",     false, false},
    };
    struct arena a = {0};
    char *longest = arena_zalloc(&a, 130);

    for (size_t i = 0; i < countof(rows); i++) {
        cr_assert_eq(!err_failed(auth_token_check(&a, rows[i].token, true)), rows[i].if_new,
                     "row %zu", i);
        cr_assert_eq(!err_failed(auth_token_check(&a, rows[i].token, false)), rows[i].if_there,
                     "row %zu", i);
    }
    memset(longest, 'x', 128);
    cr_assert_not(err_failed(auth_token_check(&a, longest, true)));
    longest[128] = 'x';
    cr_assert_eq(auth_token_check(&a, longest, true).code, FAULT_INVALID_PARAMETER_VALUE);
    arena_fini(&a);
}

Test(auth_token, strategies_have_their_words)
{
    enum token_strategy s;

    cr_assert(token_strategy_parse("ROTATE", &s) && s == TOKEN_ROTATE);
    cr_assert(token_strategy_parse("SET", &s) && s == TOKEN_SET);
    cr_assert(token_strategy_parse("DELETE", &s) && s == TOKEN_DELETE);
    cr_assert_not(token_strategy_parse("KEEP", &s));
}

/* A play: steps "R1" (rotate in token 1), "S2", "D"; then which tokens are valid. */
Test(auth_token, two_ways_in_are_valid_at_once)
{
    static const struct {
        const char *steps, *valid;
    } rows[] = {
        {"S1",       "1" },
        {"R1",       "-1"},
        {"R1 S1",    "1" },
        {"R1 R2",    "12"},
        {"R1 R2 R3", "23"},
        {"S1 R2",    "12"},
        {"S1 R2 S2", "2" },
        {"S1 R2 S1", "1" },
        {"S1 R1",    "1" },
        {"S1 S1",    "1" },
        {"R1 R1",    "-1"},
        {"S1 S2",    NULL},
        {"S1 D",     "-" },
        {"S1 D S2",  "2" },
    };
    static const char *const tokens[] = {"", "token-number-one", "token-number-two",
                                         "token-number-three"};
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct auth_token t = {.digests = ""};
        struct err e = OK;

        for (const char *step = rows[i].steps; *step; step += step[1] && step[1] != ' ' ? 2 : 1) {
            if (*step == ' ')
                step++;
            enum token_strategy s = *step == 'R'   ? TOKEN_ROTATE
                                    : *step == 'S' ? TOKEN_SET
                                                   : TOKEN_DELETE;
            e = auth_token_apply(&a, &t, s, s == TOKEN_DELETE ? "" : tokens[step[1] - '0'], 7);
        }
        cr_assert_eq(err_failed(e), rows[i].valid == NULL, "%s", rows[i].steps);
        if (!rows[i].valid)
            continue;
        char valid[8] = "";
        size_t n = 0;
        if (t.is_optional || !*t.digests)
            valid[n++] = '-';
        for (int k = 1; k <= 3; k++)
            if (strstr(t.digests, password_digest(&a, tokens[k])))
                valid[n++] = (char)('0' + k);
        cr_assert_str_eq(valid, rows[i].valid, "%s", rows[i].steps);
        cr_assert_leq(digests_count(t.digests), 2);
        cr_assert_eq(t.modified_ms, 7);
    }
    arena_fini(&a);
}
