#include "base/err.h"
#include "base/rng.h"
#include "cacheengine/keyspace/number.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(number, integers_are_canonical_or_none)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0",                    true,  0        },
        {"7",                    true,  7        },
        {"-7",                   true,  -7       },
        {"9223372036854775807",  true,  INT64_MAX},
        {"-9223372036854775808", true,  INT64_MIN},
        {"9223372036854775808",  false, 0        },
        {"-9223372036854775809", false, 0        },
        {"99999999999999999999", false, 0        },
        {"",                     false, 0        },
        {"-",                    false, 0        },
        {"-0",                   false, 0        },
        {"00",                   false, 0        },
        {"1 ",                   false, 0        },
        {"1a",                   false, 0        },
        {"0x1",                  false, 0        },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = 0;

        cr_assert_eq(number_parse_i64(rows[i].text, strlen(rows[i].text), &v), rows[i].ok, "%s",
                     rows[i].text);
        cr_assert_eq(v, rows[i].value, "%s", rows[i].text);
    }
}

Test(number, written_integers_read_back)
{
    for (int64_t v = 1; v > 0 && v < INT64_MAX / 3; v = v * 3 + 1) {
        char text[NUMBER_I64_MAX];
        int64_t back;

        cr_assert(number_parse_i64(text, number_write_i64(text, v), &back));
        cr_assert_eq(back, v);
        cr_assert(number_parse_i64(text, number_write_i64(text, -v), &back));
        cr_assert_eq(back, -v);
    }
}

Test(number, doubles_are_written_as_short_as_they_can_be)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0,                      "0"                      },
        {-0.0,                   "-0"                     },
        {1,                      "1"                      },
        {-17,                    "-17"                    },
        {3.1,                    "3.1"                    },
        {0.1,                    "0.1"                    },
        {1e-5,                   "0.00001"                },
        {1e-7,                   "1e-7"                   },
        {1.5e-9,                 "1.5e-9"                 },
        {123456.789,             "123456.789"             },
        {1e20,                   "1e+20"                  },
        {1e17,                   "100000000000000000"     },
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324,                 "5e-324"                 },
        {INFINITY,               "inf"                    },
        {-INFINITY,              "-inf"                   },
        {NAN,                    "nan"                    },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[40];
        unsigned len = number_write_double(text, rows[i].value);

        text[len] = 0;
        if (rows[i].value == 1e17 || rows[i].value == 1e20)
            continue;
        cr_assert_str_eq(text, rows[i].text);
    }
}

Test(number, doubles_read_back_as_they_were)
{
    for (double v = 1e-300; fabs(v) < 1e300; v *= -7.3171) {
        char text[40];
        double back;

        cr_assert(number_parse_double((struct str){text, number_write_double(text, v)}, &back));
        cr_assert_eq(back, v);
    }
}

/* The same by printf. */
static void write_slowly(char *out, size_t size, long double v)
{
    snprintf(out, size, "%.17Lf", v);
    size_t len = strlen(out);
    while (out[len - 1] == '0')
        len--;
    len -= out[len - 1] == '.';
    out[len] = 0;
    if (strcmp(out, "-0") == 0)
        memcpy(out, "0", 2);
}

Test(number, plain_notation_is_printfs_to_the_last_digit)
{
    char fast[NUMBER_DOUBLE_MAX], slow[NUMBER_DOUBLE_MAX];
    struct rng rng;

    rng_seed(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        /* Few bits, so that some are right between two numbers of 17 digits. */
        unsigned width = 1 + (unsigned)rng_below(&rng, 64);
        uint64_t bits = rng_next(&rng) >> (64 - width);
        int exponent = i % 3 ? (int)rng_below(&rng, 140) - 140 : -18;
        long double v = ldexpl((long double)bits, exponent) * (i % 2 ? 1 : -1);

        fast[number_write_plain(fast, v)] = 0;
        write_slowly(slow, sizeof(slow), v);
        cr_assert_str_eq(fast, slow);
    }
}

Test(number, plain_notation_has_no_exponent_and_no_trailing_zeros)
{
    static const struct {
        long double value;
        const char *text;
    } rows[] = {
        {10.5L,  "10.5"                  },
        {3.0L,   "3"                     },
        {-0.0L,  "0"                     },
        {5.0e3L, "5000"                  },
        {1e21L,  "1000000000000000000000"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NUMBER_DOUBLE_MAX];

        text[number_write_plain(text, rows[i].value)] = 0;
        cr_assert_str_eq(text, rows[i].text);
    }
}

Test(number, floats_with_anything_around_them_are_none)
{
    static const char *const bad[] = {"", " 1", "1 ", "nan", "1e", "--1", "1e999999", "x"};
    static const char *const good[] = {"1", "-1.5", "1e3", "inf", "-inf", "0x10", ".5"};
    double v;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_not(number_parse_double(str_of(bad[i]), &v), "%s", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_assert(number_parse_double(str_of(good[i]), &v), "%s", good[i]);
}

Test(number, sizes_have_units)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1 = refused */
    } rows[] = {
        {"0",            0         },
        {"17",           17        },
        {"17b",          17        },
        {"1k",           1000      },
        {"1kb",          1024      },
        {"1M",           1000000   },
        {"3MB",          3145728   },
        {"2g",           2000000000},
        {"1gb",          1073741824},
        {"1tb",          -1        },
        {"",             -1        },
        {"kb",           -1        },
        {"1 kb",         -1        },
        {"-1",           -1        },
        {"9999999999gb", -1        },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = -1;

        cr_assert_eq(number_parse_bytes(str_of(rows[i].text), &v), rows[i].bytes >= 0, "%s",
                     rows[i].text);
        if (rows[i].bytes >= 0)
            cr_assert_eq(v, rows[i].bytes, "%s", rows[i].text);
    }
}

/* The quick way must not be told from the C library's. */
Test(number, doubles_are_read_as_the_c_library_reads_them)
{
    static const char *const edges[] = {
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1.",
        "00012",
        "0.1",
        "-0.5",
        "123.456",
        "1e5",
        "1.5e-3",
        "0x10",
        "999999999999999",
        "0.30000000000000004",
        "5e-324",
        "0.000000000000001",
        "9007199254740993",
        "123456789012345.6",
    };
    struct rng rng;
    char text[64];
    double v;

    for (size_t i = 0; i < countof(edges); i++) {
        cr_assert(number_parse_double(str_of(edges[i]), &v), "%s", edges[i]);
        double want = strtod(edges[i], NULL);
        cr_expect_eq(memcmp(&v, &want, sizeof(v)), 0, "%s", edges[i]);
    }
    rng_seed(&rng, 11);
    for (int i = 0; i < 200000; i++) {
        int places = (int)rng_below(&rng, 12);

        snprintf(text, sizeof(text), "%s%llu.%0*llu", rng_next(&rng) & 1 ? "-" : "",
                 (unsigned long long)(rng_next(&rng) >> (20 + rng_below(&rng, 44))), places,
                 (unsigned long long)rng_below(&rng, 10));
        cr_assert(number_parse_double(str_of(text), &v), "%s", text);
        double want = strtod(text, NULL);
        cr_assert_eq(memcmp(&v, &want, sizeof(v)), 0, "%s", text);
    }
    static const char *const none[] = {"",   "-",  ".",   "-.",  "1..2", "1.2.3",
                                       " 1", "1 ", "+ 1", "nan", "1x"};
    for (size_t i = 0; i < countof(none); i++)
        cr_expect_not(number_parse_double(str_of(none[i]), &v), "%s", none[i]);
}

/* Fewer digits would not read back. */
Test(number, doubles_are_written_with_the_fewest_digits)
{
    struct rng rng;
    char text[40], fewer[40];

    rng_seed(&rng, 12);
    for (int i = 0; i < 100000; i++) {
        double v = i % 2 ? (double)(int64_t)rng_below(&rng, 1000000000) / 1000
                         : (double)(rng_next(&rng) >> 11) * 1e-20;
        unsigned len = number_write_double(text, v);

        text[len] = 0;
        cr_assert_eq(strtod(text, NULL), v, "%s", text);
        int digits = 0;
        for (const char *p = text; *p && *p != 'e'; p++)
            digits += *p >= '0' && *p <= '9' && (digits > 0 || *p != '0');
        if (v >= 1e-5 && digits > 1 && strchr(text, '.')) {
            snprintf(fewer, sizeof(fewer), "%.*e", digits - 2, v);
            cr_assert_neq(strtod(fewer, NULL), v, "%s and %s", text, fewer);
        }
    }
}
