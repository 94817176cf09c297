/*
 * Patterns of the interface model are written for Java. What ElastiCache uses of that is small:
 * classes such as \d and \S, and escapes inside of brackets. It becomes a POSIX extended expression
 * for the whole text; anything else is refused rather than guessed.
 */
#include "api-spec/model.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    char letter;
    const char *outside, *inside;
} classes[] = {
    {'d', "[0-9]",         "0-9"       },
    {'D', "[^0-9]",        NULL        },
    {'w', "[A-Za-z0-9_]",  "A-Za-z0-9_"},
    {'W', "[^A-Za-z0-9_]", NULL        },
    {'s', "[[:space:]]",   "[:space:]" },
    {'S', "[^[:space:]]",  NULL        },
};

static const char *class_of(char letter, bool is_inside)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (classes[i].letter == letter)
            return is_inside ? classes[i].inside : classes[i].outside;
    return NULL;
}

/* One bracket: POSIX takes a literal ] only at its start and a literal - only at its end. */
static const char *translate_bracket(const char *p, FILE *out)
{
    bool has_hyphen = false;

    fputc('[', out);
    p++;
    if (*p == '^')
        fputc(*p++, out);
    for (; *p && *p != ']'; p++) {
        if (*p != '\\') {
            fputc(*p, out);
            continue;
        }
        p++;
        if (class_of(*p, true))
            fputs(class_of(*p, true), out);
        else if (*p == '-')
            has_hyphen = true;
        else if (*p && strchr("./$^+*?()|{}@:", *p))
            fputc(*p, out);
        else
            return NULL;
    }
    fputs(has_hyphen ? "-]" : "]", out);
    return *p == ']' ? p : NULL;
}

static bool translate(const char *p, FILE *out)
{
    fputs("^(", out);
    for (; *p; p++) {
        if (*p == '[') {
            p = translate_bracket(p, out);
            if (!p)
                return false;
        } else if (*p != '\\') {
            fputc(*p, out);
        } else if (class_of(*++p, false)) {
            fputs(class_of(*p, false), out);
        } else if (*p && strchr(".-/$^+*?()[]{}|\\", *p)) {
            fprintf(out, *p == '-' || *p == '/' ? "%c" : "\\%c", *p);
        } else {
            return false;
        }
    }
    fputs(")$", out);
    return true;
}

const char *pattern_to_posix(const char *pattern)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    regex_t compiled;
    bool is_good;

    if (!out)
        abort();
    is_good = translate(pattern, out);
    fclose(out);
    if (!is_good || regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) != 0) {
        free(text);
        return NULL;
    }
    regfree(&compiled);
    return text;
}
