/* At most two ways in are valid at once, and coming without a token counts as one. */
#include "controlplane/model/auth_token.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/model/users.h"

#include <string.h>

#define TOKEN_MIN 16
#define TOKEN_MAX 128

bool token_strategy_parse(const char *name, enum token_strategy *out)
{
    static const char *const names[] = {
        [TOKEN_ROTATE] = "ROTATE",
        [TOKEN_SET] = "SET",
        [TOKEN_DELETE] = "DELETE",
    };

    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum token_strategy)i;
            return true;
        }
    return false;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_allowed(char c, bool is_new)
{
    if (is_letter_or_digit(c))
        return true;
    if (is_new)
        return c != '\0' && strchr("!&#$^<>-", c);
    return c > ' ' && c <= '~' && !strchr("/\"@%", c);
}

struct err auth_token_check(struct arena *a, const char *token, bool is_new)
{
    size_t len = strlen(token);

    if (len < TOKEN_MIN || len > TOKEN_MAX)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The AuthToken must have between %d and %d characters.", TOKEN_MIN,
                          TOKEN_MAX);
    for (const char *c = token; *c; c++)
        if (!is_allowed(*c, is_new))
            return err_make(FAULT_INVALID_PARAMETER_VALUE,
                            is_new
                                ? "The AuthToken may consist of letters, digits and the symbols "
                                  "!, &, #, $, ^, <, > and -."
                                : "The AuthToken must consist of printable characters other than "
                                  "/, \", @ and %.");
    return OK;
}

/* The newer one of two; the only one of one. */
static struct str newest(const char *digests)
{
    struct str rest = str_of(digests);
    struct str last = str_cut(&rest, ',');

    return rest.len > 0 ? rest : last;
}

static void rotate(struct arena *a, struct auth_token *t, const char *digest)
{
    if (strstr(t->digests, digest))
        return;
    if (*t->digests == '\0') {
        t->is_optional = true;
        t->digests = digest;
        return;
    }
    t->is_optional = false;
    t->digests = arena_printf(a, "%.*s,%s", STR_ARG(newest(t->digests)), digest);
}

struct err auth_token_apply(struct arena *a, struct auth_token *t, enum token_strategy strategy,
                            const char *token, int64_t now_ms)
{
    const char *digest = strategy == TOKEN_DELETE ? "" : password_digest(a, token);

    if (strategy == TOKEN_ROTATE) {
        rotate(a, t, digest);
    } else {
        if (strategy == TOKEN_SET && *t->digests && !strstr(t->digests, digest))
            return err_make(FAULT_INVALID_PARAMETER_VALUE,
                            "Another AuthToken is in use: use the strategy ROTATE with the new one "
                            "first, then SET.");
        t->digests = digest;
        t->is_optional = false;
    }
    t->modified_ms = now_ms;
    return OK;
}
