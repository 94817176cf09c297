/*
 * A borrowed run of bytes, for parsing. Not NUL-terminated, never owned; what it points into must
 * outlive it.
 */
#ifndef LARDER_BASE_STR_H
#define LARDER_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *ptr;
    size_t len;
};

/* A str of a literal, and printf's arguments for "%.*s". */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_ARG(s)   (int)(s).len, (s).ptr

struct str str_of(const char *text); /* NULL gives an empty str */
bool str_eq(struct str a, struct str b);
bool str_is(struct str s, const char *text);
bool str_is_nocase(struct str s, const char *text);
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);

/* Index of the first `c`, or SIZE_MAX. */
size_t str_find(struct str s, char c);

/* What is left without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/* Cuts off and returns what stands before the first `c`, and drops that `c`. Without one, returns
 * all and leaves `rest` empty. */
struct str str_cut(struct str *rest, char c);

/* Whole decimal numbers only: no spaces, no plus sign, no overflow. */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_u64(struct str s, uint64_t *out);

/* At most `max` bytes of it, cut between characters where it is longer. */
struct str str_shorten(struct str s, size_t max);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);

/* A NUL-terminated copy in `a`. */
char *str_dup(struct arena *a, struct str s);

/* A NUL-terminated copy in `a` in ASCII lower case. */
char *str_lower(struct arena *a, struct str s);

#endif
