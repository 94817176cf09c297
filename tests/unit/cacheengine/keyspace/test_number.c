#include "cacheengine/keyspace/number.h"

#include <criterion/criterion.h>

#include <math.h>
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
