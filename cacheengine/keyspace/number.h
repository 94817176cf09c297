/* Numbers as text, exactly as clients of Redis know them. */
#ifndef LARDER_KEYSPACE_NUMBER_H
#define LARDER_KEYSPACE_NUMBER_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_I64_MAX    21   /* bytes of the longest 64-bit integer and a NUL */
#define NUMBER_DOUBLE_MAX 5120 /* bytes of the longest long double in plain notation */

/* Canonical decimal only ("-0", "+1", "01" and " 1" are none): what can be stored as a number. */
bool number_parse_i64(const char *p, size_t len, int64_t *out);

/* Writes the decimal digits and returns how many; no NUL. */
unsigned number_write_i64(char *out, int64_t v);
unsigned number_write_u64(char *out, uint64_t v);

/* A finite or infinite double: no spaces, nothing behind it, no NaN. Hexadecimal is allowed. */
bool number_parse_double(struct str s, double *out);
bool number_parse_long_double(struct str s, long double *out);

/* The shortest text that reads back as the same double ("inf", "-inf", "nan" for those). */
unsigned number_write_double(char out[40], double v);

/* 17 digits behind the point without trailing zeros, never with an exponent: INCRBYFLOAT's form.
 * `out` holds NUMBER_DOUBLE_MAX bytes. */
unsigned number_write_plain(char *out, long double v);

/* "1gb", "100mb", "5k": bytes as configuration files have them. */
bool number_parse_bytes(struct str s, int64_t *out);

#endif
