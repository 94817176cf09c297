/* Numbers as text. Integers by hand, because every INCR and every reply needs them. */
#include "cacheengine/keyspace/number.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>

bool number_parse_i64(const char *p, size_t len, int64_t *out)
{
    bool is_negative = len > 0 && p[0] == '-';
    size_t i = is_negative;
    uint64_t v = 0;

    if (len == i || len - i > 19)
        return false;
    if (p[i] == '0') {
        *out = 0;
        return len == 1;
    }
    for (; i < len; i++) {
        unsigned digit = (unsigned char)p[i] - '0';

        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    if (v > (uint64_t)INT64_MAX + is_negative)
        return false;
    *out = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

unsigned number_write_u64(char *out, uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char text[20];
    unsigned at = sizeof(text);

    while (v >= 100) {
        at -= 2;
        memcpy(text + at, pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        at -= 2;
        memcpy(text + at, pairs + v * 2, 2);
    } else {
        text[--at] = (char)('0' + v);
    }
    memcpy(out, text + at, sizeof(text) - at);
    return (unsigned)sizeof(text) - at;
}

unsigned number_write_i64(char *out, int64_t v)
{
    if (v >= 0)
        return number_write_u64(out, (uint64_t)v);
    out[0] = '-';
    return 1 + number_write_u64(out + 1, 0 - (uint64_t)v);
}

/* A NUL-terminated copy for the C library; false when it is too long, empty or begins with a space.
 */
static bool float_text(struct str s, char *out, size_t room)
{
    if (s.len == 0 || s.len >= room || isspace((unsigned char)s.ptr[0]))
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
    return true;
}

/* What most numbers are: up to 15 digits, with a point among them or not. Both the digits and the
 * power of ten are exact as doubles, so their quotient is the nearest one. False: look closer. */
static bool parse_plain_double(struct str s, double *out)
{
    static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool is_negative = s.len > 0 && s.ptr[0] == '-', has_point = false;
    size_t digits = 0, places = 0;
    uint64_t v = 0;

    for (size_t i = is_negative; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - '0';

        if (s.ptr[i] == '.' && !has_point && digits > 0) {
            has_point = true;
            continue;
        }
        if (digit > 9 || ++digits > 15)
            return false;
        v = v * 10 + digit;
        places += has_point;
    }
    if (digits == 0)
        return false;
    *out = (double)v / tens[places];
    if (is_negative)
        *out = -*out;
    return true;
}

bool number_parse_double(struct str s, double *out)
{
    char text[512];
    char *end;

    if (parse_plain_double(s, out))
        return true;
    if (!float_text(s, text, sizeof(text)))
        return false;
    errno = 0;
    double v = strtod(text, &end);
    if (end != text + s.len || isnan(v))
        return false;
    if (errno == ERANGE && (fabs(v) == HUGE_VAL || fpclassify(v) == FP_ZERO))
        return false;
    *out = v;
    return true;
}

bool number_parse_long_double(struct str s, long double *out)
{
    char text[NUMBER_DOUBLE_MAX];
    char *end;

    if (!float_text(s, text, sizeof(text)))
        return false;
    errno = 0;
    long double v = strtold(text, &end);
    if (end != text + s.len || isnan(v))
        return false;
    if (errno == ERANGE && (fabsl(v) == HUGE_VALL || fpclassify(v) == FP_ZERO))
        return false;
    *out = v;
    return true;
}

/* The fewest digits that read back as v, as "d.ddde+x", maybe with zeros behind them. */
static void shortest_digits(char text[40], double v)
{
    /* Up to 15 digits survive every normal double, so 15 that read back are the fewest there are
     * and zeros. */
    for (int digits = v < DBL_MIN ? 0 : 14; digits <= 16; digits++) {
        snprintf(text, 40, "%.*e", digits, v);
        if (strtod(text, NULL) == v)
            return;
    }
}

static unsigned put_zeros(char *out, int count)
{
    memset(out, '0', (size_t)count);
    return (unsigned)count;
}

/* Lays out `count` digits with the decimal point behind `point` of them. */
static unsigned lay_out(char *out, const char *digits, int count, int point)
{
    int places = count - point; /* digits behind the decimal point */
    int exponent = point - 1;
    unsigned len = 0;

    if (places <= 0 && point < count + 8) {
        memcpy(out, digits, (size_t)count);
        return (unsigned)count + put_zeros(out + count, point - count);
    }
    if (places > 0 && (places < 7 || (exponent < 0 ? -exponent : exponent) < 4)) {
        if (point <= 0) {
            out[len++] = '0';
            out[len++] = '.';
            len += put_zeros(out + len, -point);
            memcpy(out + len, digits, (size_t)count);
            return len + (unsigned)count;
        }
        memcpy(out, digits, (size_t)point);
        out[point] = '.';
        memcpy(out + point + 1, digits + point, (size_t)places);
        return (unsigned)count + 1;
    }
    out[len++] = digits[0];
    if (count > 1) {
        out[len++] = '.';
        memcpy(out + len, digits + 1, (size_t)count - 1);
        len += (unsigned)count - 1;
    }
    out[len++] = 'e';
    out[len++] = exponent < 0 ? '-' : '+';
    return len + number_write_i64(out + len, exponent < 0 ? -exponent : exponent);
}

static unsigned put_text(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len + 1);
    return (unsigned)len;
}

unsigned number_write_double(char out[40], double v)
{
    char text[40], digits[20];
    int count = 0;
    unsigned len = 0;

    if (isnan(v))
        return put_text(out, "nan");
    if (isinf(v))
        return put_text(out, v < 0 ? "-inf" : "inf");
    if (v == 0)
        return put_text(out, signbit(v) ? "-0" : "0");
    /* Up to 2^62, so say the servers whose texts these are. */
    if (fabs(v) <= 4611686018427387904.0 && v == (double)(int64_t)v)
        return number_write_i64(out, (int64_t)v);
    if (v < 0)
        out[len++] = '-';
    shortest_digits(text, fabs(v));
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p != '.')
            digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return len + lay_out(out + len, digits, count, (int)strtol(p + 1, NULL, 10) + 1);
}

#define PLAIN_DIGITS 17
#define PLAIN_UNIT   UINT64_C(100000000000000000) /* 10^PLAIN_DIGITS */

/* A number below 2^63 in whole parts of 10^-17, to the nearest and of two to the even one, as
 * printf has it: 64 bits of it times 57 of the unit are exact in 128. */
static unsigned __int128 plain_parts(long double v)
{
    int exponent;
    uint64_t bits = (uint64_t)ldexpl(frexpl(v, &exponent), 64);
    unsigned __int128 parts = (unsigned __int128)bits * PLAIN_UNIT;
    unsigned shift = (unsigned)(64 - exponent);

    if (shift > 122)
        return 0;
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1), rest = parts & (2 * half - 1);
    parts >>= shift;
    return parts + (rest > half || (rest == half && (parts & 1)));
}

static unsigned plain_write(char *out, bool is_negative, unsigned __int128 parts)
{
    uint64_t rest = (uint64_t)(parts % PLAIN_UNIT);
    unsigned len = 0;

    if (is_negative && parts)
        out[len++] = '-';
    len += number_write_u64(out + len, (uint64_t)(parts / PLAIN_UNIT));
    if (rest)
        out[len++] = '.';
    for (uint64_t unit = PLAIN_UNIT / 10; rest; unit /= 10) {
        out[len++] = (char)('0' + rest / unit);
        rest %= unit;
    }
    return len;
}

unsigned number_write_plain(char *out, long double v)
{
    if (isinf(v))
        return put_text(out, v > 0 ? "inf" : "-inf");
    if (fabsl(v) < 0x1p63L)
        return plain_write(out, v < 0, plain_parts(fabsl(v)));
    int written = snprintf(out, NUMBER_DOUBLE_MAX, "%.*Lf", PLAIN_DIGITS, v);
    if (written < 0 || written >= NUMBER_DOUBLE_MAX)
        return 0;
    unsigned len = (unsigned)written;
    if (memchr(out, '.', len)) {
        while (out[len - 1] == '0')
            len--;
        if (out[len - 1] == '.')
            len--;
    }
    if (len == 2 && memcmp(out, "-0", 2) == 0) {
        out[0] = '0';
        len = 1;
    }
    return len;
}

bool number_parse_bytes(struct str s, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t factor;
    } units[] = {
        {"",   1               },
        {"b",  1               },
        {"k",  1000            },
        {"kb", 1024            },
        {"m",  1000 * 1000     },
        {"mb", 1024 * 1024     },
        {"g",  1000LL * 1000000},
        {"gb", 1024LL * 1048576},
    };
    size_t digits = 0;
    int64_t v;

    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
        digits++;
    if (!str_to_i64((struct str){s.ptr, digits}, &v))
        return false;
    struct str unit = {s.ptr + digits, s.len - digits};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (str_is_nocase(unit, units[i].unit))
            return !__builtin_mul_overflow(v, units[i].factor, out);
    return false;
}
