/* One row per kind: how its text is read and written. */
#include "base/shape_text.h"

#include "base/arena.h"
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0001-01-01 and 9999-12-31T23:59:59.999: what four digits of a year can say. */
#define TIME_LEAST_MS (-62135596800000)
#define TIME_MOST_MS  253402300799999

#define MS_PER_DAY 86400000

#define NUMBER_MAX_CHARS 64

bool shape_is_scalar(const struct shape *s)
{
    return s->kind != SHAPE_STRUCT && s->kind != SHAPE_LIST && s->kind != SHAPE_MAP;
}

static struct err read_integer(struct str text, bool is_long, struct opt_int *out)
{
    int64_t value;

    if (!str_to_i64(text, &value))
        return err_make(ERR_INVALID, "must be an integer");
    if (!is_long && (value < INT32_MIN || value > INT32_MAX))
        return err_make(ERR_INVALID, "must be an integer of 32 bits");
    *out = (struct opt_int){true, value};
    return OK;
}

static struct err read_double(struct str text, struct opt_double *out)
{
    char copy[NUMBER_MAX_CHARS + 1];
    char *end;
    double value;

    if (text.len == 0 || text.len > NUMBER_MAX_CHARS)
        return err_make(ERR_INVALID, "must be a number");
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789+-.eE", text.ptr[i]) || text.ptr[i] == '\0')
            return err_make(ERR_INVALID, "must be a number");
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    value = strtod(copy, &end);
    if (end != copy + text.len || !isfinite(value))
        return err_make(ERR_INVALID, "must be a number");
    *out = (struct opt_double){true, value};
    return OK;
}

static struct err read_boolean(struct str text, struct opt_bool *out)
{
    if (!str_is_nocase(text, "true") && !str_is_nocase(text, "false"))
        return err_make(ERR_INVALID, "must be true or false");
    *out = (struct opt_bool){true, str_is_nocase(text, "true")};
    return OK;
}

static struct err read_timestamp(struct str text, struct opt_time *out)
{
    int64_t value;

    if (!time_parse(text, &value) || value < TIME_LEAST_MS || value > TIME_MOST_MS)
        return err_make(ERR_INVALID, "must be a timestamp such as 2015-02-02T09:30:00Z");
    *out = (struct opt_time){true, value};
    return OK;
}

static struct err read_string(struct arena *a, struct str text, const char **out)
{
    if (text.len && memchr(text.ptr, '\0', text.len))
        return err_make(ERR_INVALID, "must not contain a NUL character");
    *out = str_dup(a, text);
    return OK;
}

struct err shape_text_read(struct arena *a, const struct shape *s, struct str text, void *out)
{
    switch (s->kind) {
    case SHAPE_STRING: return read_string(a, text, out);
    case SHAPE_INTEGER: return read_integer(text, false, out);
    case SHAPE_LONG: return read_integer(text, true, out);
    case SHAPE_DOUBLE: return read_double(text, out);
    case SHAPE_BOOLEAN: return read_boolean(text, out);
    case SHAPE_TIMESTAMP: return read_timestamp(text, out);
    case SHAPE_BLOB:
        if (!base64_read(a, text, out))
            return err_make(ERR_INVALID, "must be base64");
        return OK;
    case SHAPE_STRUCT:
    case SHAPE_LIST:
    case SHAPE_MAP: break;
    }
    return err_make(ERR_INVALID, "must not be a single value");
}

void double_write(struct buf *out, double value)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_puts(out, text);
}

/* The decimal digits of an integer; snprintf is too slow for what every answer holds many of. */
static void write_integer(struct buf *out, int64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    buf_add(out, digits + at, sizeof(digits) - at);
}

static char *put_digits(char *at, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* Days since 1970 as a date of the Gregorian calendar. By hand because gmtime_r takes a lock of
 * libc that all threads share. Years are counted from March, so that the leap day comes last; an
 * era is the 400 years after which the calendar repeats. */
static char *put_date(char *at, int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int day_of_era = (int)(shifted - era * 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    int month = march_month < 10 ? march_month + 3 : march_month - 9;

    at = put_digits(at, (int)(era * 400) + year_of_era + (month <= 2), 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
}

void time_write(struct buf *out, int64_t wall_ms)
{
    int64_t days = wall_ms / MS_PER_DAY - (wall_ms % MS_PER_DAY < 0);
    int ms = (int)(wall_ms - days * MS_PER_DAY);
    char text[32];
    char *at = put_date(text, days);

    *at++ = 'T';
    at = put_digits(at, ms / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, ms / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, ms / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, ms % 1000, 3);
    *at++ = 'Z';
    buf_add(out, text, (size_t)(at - text));
}

static void write_string(struct buf *out, const char *text)
{
    if (text)
        buf_puts(out, text);
}

void shape_text_write(struct buf *out, const struct shape *s, const void *value)
{
    /* Every representation but the string's begins with `bool has`. */
    if (s->kind == SHAPE_STRING) {
        write_string(out, *(const char *const *)value);
        return;
    }
    if (!shape_is_scalar(s) || !*(const bool *)value)
        return;
    if (s->kind == SHAPE_INTEGER || s->kind == SHAPE_LONG)
        write_integer(out, ((const struct opt_int *)value)->value);
    else if (s->kind == SHAPE_DOUBLE)
        double_write(out, ((const struct opt_double *)value)->value);
    else if (s->kind == SHAPE_BOOLEAN)
        buf_puts(out, ((const struct opt_bool *)value)->value ? "true" : "false");
    else if (s->kind == SHAPE_TIMESTAMP)
        time_write(out, ((const struct opt_time *)value)->value);
    else
        base64_write(out, ((const struct opt_blob *)value)->ptr,
                     ((const struct opt_blob *)value)->len);
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(struct buf *out, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (; len >= 3; p += 3, len -= 3) {
        unsigned bits = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            buf_putc(out, base64_digits[bits >> shift & 63]);
    }
    if (len) {
        unsigned bits = (unsigned)p[0] << 16 | (len == 2 ? (unsigned)p[1] << 8 : 0);
        char last_but_one = '=';
        if (len == 2)
            last_but_one = base64_digits[bits >> 6 & 63];
        buf_putc(out, base64_digits[bits >> 18 & 63]);
        buf_putc(out, base64_digits[bits >> 12 & 63]);
        buf_putc(out, last_but_one);
        buf_putc(out, '=');
    }
}

static int base64_digit(char c)
{
    const char *at = c ? strchr(base64_digits, c) : NULL;

    return at ? (int)(at - base64_digits) : -1;
}

bool base64_read(struct arena *a, struct str text, struct opt_blob *out)
{
    size_t padding = 0;
    unsigned char *bytes = arena_alloc(a, text.len / 4 * 3 + 1);
    size_t len = 0;

    if (text.len % 4 != 0)
        return false;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.len; i += 4) {
        unsigned bits = 0;
        for (size_t k = i; k < i + 4; k++) {
            int digit = k >= text.len - padding ? 0 : base64_digit(text.ptr[k]);
            if (digit < 0)
                return false;
            bits = bits << 6 | (unsigned)digit;
        }
        for (int shift = 16; shift >= 0; shift -= 8)
            bytes[len++] = (unsigned char)(bits >> shift & 255);
    }
    *out = (struct opt_blob){true, bytes, len - padding};
    return true;
}
