/*
 * Glob matching without recursion: a star is remembered and retried one byte further when what
 * follows it fails, which is enough because only the last star ever needs another try.
 */
#include "cacheengine/keyspace/glob.h"

static unsigned char fold(char c, bool nocase)
{
    unsigned char u = (unsigned char)c;

    return nocase && u >= 'A' && u <= 'Z' ? u | 0x20 : u;
}

/* Matches one byte against the set that begins behind '['; moves *p behind its ']'. */
static bool set_match(struct str pattern, size_t *p, char c, bool nocase)
{
    size_t i = *p;
    bool is_not = i < pattern.len && pattern.ptr[i] == '^';
    bool hit = false;

    if (is_not)
        i++;
    for (; i < pattern.len && pattern.ptr[i] != ']'; i++) {
        unsigned char low = fold(pattern.ptr[i], nocase), high = low, x = fold(c, nocase);

        if (pattern.ptr[i] == '\\' && i + 1 < pattern.len) {
            low = high = fold(pattern.ptr[++i], nocase);
        } else if (i + 2 < pattern.len && pattern.ptr[i + 1] == '-') {
            high = fold(pattern.ptr[i + 2], nocase);
            i += 2;
        }
        if (low > high) {
            unsigned char swap = low;

            low = high;
            high = swap;
        }
        hit |= x >= low && x <= high;
    }
    /* A set that is never closed ends with the pattern. */
    *p = i < pattern.len ? i + 1 : i;
    return hit != is_not;
}

/* Matches one byte against the pattern's element at *p and moves behind it. */
static bool one_match(struct str pattern, size_t *p, char c, bool nocase)
{
    char want = pattern.ptr[(*p)++];

    if (want == '?')
        return true;
    if (want == '[')
        return set_match(pattern, p, c, nocase);
    if (want == '\\' && *p < pattern.len)
        want = pattern.ptr[(*p)++];
    return fold(want, nocase) == fold(c, nocase);
}

static bool match(struct str pattern, struct str text, bool nocase)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

    /* Redis's matcher says so, and clients may see it: no pattern but the empty one matches
     * nothing. */
    if (text.len == 0)
        return pattern.len == 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.len && one_match(pattern, &p, text.ptr[t], nocase)) {
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        p = star;
        t = ++star_text;
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool glob_match(struct str pattern, struct str text)
{
    return match(pattern, text, false);
}

bool glob_match_nocase(struct str pattern, struct str text)
{
    return match(pattern, text, true);
}
