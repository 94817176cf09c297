/*
 * Names as people type them. The idea of the kebab form: a hyphen goes in front of a capital that
 * starts a word of lower-case letters, and between a lower-case letter or digit and a capital; a
 * plural of capitals at the end (ARNs, IDs) is one word.
 */
#include "cli/commands/names.h"

#include "base/arena.h"

#include <ctype.h>
#include <string.h>

enum { GUESS_WORD_MAX = 64 };

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where a plural of two or more capitals begins ("ARNs"), or the length of the text. */
static size_t plural_start(const char *text, size_t len)
{
    if (len < 3 || text[len - 1] != 's')
        return len;
    size_t start = len - 1;
    while (start > 0 && is_upper(text[start - 1]))
        start--;
    return len - 1 - start >= 2 ? start : len;
}

/* True when a word begins at `i`, which is not the first character. */
static bool word_begins(const char *text, size_t i)
{
    if (!is_upper(text[i]))
        return false;
    return is_lower(text[i + 1]) || is_lower(text[i - 1]) || is_digit(text[i - 1]);
}

char *name_kebab(struct arena *a, const char *camel)
{
    size_t len = strlen(camel), plural = plural_start(camel, len), used = 0;
    char *out = arena_alloc(a, 2 * len + 1);

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (i == plural || (i < plural && word_begins(camel, i))))
            out[used++] = '-';
        out[used++] = (char)tolower((unsigned char)camel[i]);
    }
    out[used] = '\0';
    return out;
}

bool name_is(struct arena *a, const char *typed, const char *camel)
{
    return strcmp(typed, name_kebab(a, camel)) == 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to add, drop or change between two words (Levenshtein, 1965), one row at a time. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[GUESS_WORD_MAX + 1], len = strlen(b);

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t changed = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[len];
}

void name_guess_try(struct name_guess *g, const char *word)
{
    if (strlen(word) > GUESS_WORD_MAX)
        return;
    size_t distance = edit_distance(g->typed, word), typed_len = strlen(g->typed);
    /* A word that was begun and not finished is near, however much is missing. */
    if (typed_len >= 3 && strncmp(g->typed, word, typed_len) == 0)
        distance = least(distance, 2);
    if (distance > typed_len / 3 + 1)
        return;
    if (!g->best || distance < g->distance) {
        g->best = word;
        g->distance = distance;
    }
}
