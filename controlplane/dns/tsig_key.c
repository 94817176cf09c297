/* Both forms are a handful of words: what stands between them tells which form it is. */
#include "controlplane/dns/tsig_key.h"

#include "base/arena.h"
#include "controlplane/dns/backend.h"

#include <string.h>

/* Those that ldns computes and that a server should still take. */
static const char *const algorithms[] = {"hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"};

/* The text without comments to the ends of lines. */
static struct str without_comments(struct arena *a, struct str text)
{
    char *out = arena_array(a, text.len + 1, 1);
    size_t len = 0;

    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        for (size_t i = 0; i < line.len; i++) {
            if (line.ptr[i] == '#' ||
                (line.ptr[i] == '/' && i + 1 < line.len && line.ptr[i + 1] == '/' &&
                 (i == 0 || line.ptr[i - 1] == ' ')))
                break;
            out[len++] = line.ptr[i];
        }
        out[len++] = '\n';
    }
    return (struct str){out, len > 0 ? len - 1 : 0};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next word of the braced form: a mark, or what stands between marks and spaces, or in quotes;
 * empty at the end. */
static struct str next_word(struct str *rest)
{
    while (rest->len > 0 && is_space(rest->ptr[0]))
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
    if (rest->len > 0 && rest->ptr[0] == '"') {
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
        return str_cut(rest, '"');
    }
    size_t len = 0;
    while (len < rest->len && !is_space(rest->ptr[len]) && !strchr("{};\"", rest->ptr[len]))
        len++;
    if (len == 0 && rest->len > 0)
        len = 1; /* a mark */
    struct str word = {rest->ptr, len};
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return word;
}

struct parts {
    struct str name, algorithm, secret;
};

static bool parse_braced(struct str text, struct parts *out)
{
    if (!str_is(next_word(&text), "key"))
        return false;
    out->name = next_word(&text);
    if (!str_is(next_word(&text), "{"))
        return false;
    for (;;) {
        struct str word = next_word(&text);
        if (str_is(word, "}"))
            return true;
        if (str_is(word, "algorithm"))
            out->algorithm = next_word(&text);
        else if (str_is(word, "secret"))
            out->secret = next_word(&text);
        else
            return false;
        if (!str_is(next_word(&text), ";"))
            return false;
    }
}

static bool parse_colons(struct str text, struct parts *out)
{
    struct str rest = str_trim(text);

    out->algorithm = str_cut(&rest, ':');
    out->name = str_cut(&rest, ':');
    out->secret = rest;
    return out->name.len > 0;
}

static bool is_base64(struct str s)
{
    size_t padding = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '+' || c == '/';
        if (c == '=')
            padding++;
        else if (!is_digit || padding > 0)
            return false;
    }
    return s.len > 0 && s.len % 4 == 0 && padding <= 2;
}

struct err tsig_key_parse(struct arena *a, struct str text, struct tsig_key *out)
{
    struct str plain = without_comments(a, text);
    struct parts p = {0};
    char name[DNS_NAME_MAX];

    bool is_form = plain.len > 0 && memchr(plain.ptr, '{', plain.len) ? parse_braced(plain, &p)
                                                                      : parse_colons(plain, &p);
    if (!is_form)
        return err_make(ERR_INVALID, "neither key \"NAME\" { algorithm ...; secret ...; }; nor "
                                     "ALGORITHM:NAME:SECRET");
    if (!dns_name_clean(arena_strndup(a, p.name.ptr, p.name.len), name))
        return err_make(ERR_INVALID, "the key's name is not a domain name");
    if (!is_base64(p.secret))
        return err_make(ERR_INVALID, "the key's secret is not base64");
    for (size_t i = 0; i < countof(algorithms); i++) {
        if (!str_is_nocase(p.algorithm, algorithms[i]))
            continue;
        *out = (struct tsig_key){
            .name = arena_printf(a, "%s.", name),
            .algorithm = arena_printf(a, "%s.", algorithms[i]),
            .secret = arena_strndup(a, p.secret.ptr, p.secret.len),
        };
        return OK;
    }
    return err_make(ERR_INVALID,
                    "the key's algorithm is none of hmac-sha1, hmac-sha256, hmac-sha384 and "
                    "hmac-sha512");
}
