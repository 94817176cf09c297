#include "base/arena.h"
#include "base/clock.h"
#include "base/shape_text.h"
#include "sample.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct shape *shape_of(const char *member)
{
    return shape_find(&sample_shape, member)->shape;
}

/* Reads and writes again; NULL when it is refused. */
static const char *again(struct arena *a, const char *member, const char *text)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct sample s = {0};
    const struct shape_member *m = shape_find(&sample_shape, member);

    if (err_failed(shape_text_read(a, m->shape, str_of(text), (char *)&s + m->offset)))
        return NULL;
    shape_text_write(&out, m->shape, (char *)&s + m->offset);
    return arena_strdup(a, buf_cstr(&out));
}

Test(shape_text, each_kind_reads_what_it_writes)
{
    static const struct {
        const char *member, *text, *written;
    } rows[] = {
        {"Text",   "any text ü",               "any text ü"             },
        {"Text",   "",                          ""                        },
        {"Number", "2147483647",                "2147483647"              },
        {"Number", "-2147483648",               "-2147483648"             },
        {"Number", "007",                       "7"                       },
        {"Big",    "9223372036854775807",       "9223372036854775807"     },
        {"Big",    "-9223372036854775808",      "-9223372036854775808"    },
        {"Ratio",  "0.1",                       "0.1"                     },
        {"Ratio",  "1e21",                      "1e+21"                   },
        {"Ratio",  "-0.30000000000000004",      "-0.30000000000000004"    },
        {"Flag",   "true",                      "true"                    },
        {"Flag",   "False",                     "false"                   },
        {"When",   "2015-02-02T09:30:00.123Z",  "2015-02-02T09:30:00.123Z"},
        {"When",   "2015-02-02T10:30:00+01:00", "2015-02-02T09:30:00.000Z"},
        {"When",   "1422869400",                "2015-02-02T09:30:00.000Z"},
        {"When",   "1969-12-31T23:59:59.999Z",  "1969-12-31T23:59:59.999Z"},
        {"Bytes",  "",                          ""                        },
        {"Bytes",  "AA==",                      "AA=="                    },
        {"Bytes",  "AP8=",                      "AP8="                    },
        {"Bytes",  "bGFyZGVy",                  "bGFyZGVy"                },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const char *got = again(&a, rows[i].member, rows[i].text);
        cr_expect(got && strcmp(got, rows[i].written) == 0, "%s %s gave %s", rows[i].member,
                  rows[i].text, got ? got : "an error");
    }
}

Test(shape_text, what_is_of_another_kind_is_refused)
{
    static const struct {
        const char *member, *text;
    } rows[] = {
        {"Number", ""                   },
        {"Number", "2147483648"         },
        {"Number", "-2147483649"        },
        {"Number", "1 "                 },
        {"Number", "0x10"               },
        {"Number", "1.0"                },
        {"Number", "+1"                 },
        {"Big",    "9223372036854775808"},
        {"Ratio",  ""                   },
        {"Ratio",  "nan"                },
        {"Ratio",  "inf"                },
        {"Ratio",  "1e999"              },
        {"Ratio",  "0x1p3"              },
        {"Ratio",  " 1"                 },
        {"Ratio",  "1.2.3"              },
        {"Flag",   ""                   },
        {"Flag",   "1"                  },
        {"Flag",   "yes"                },
        {"When",   ""                   },
        {"When",   "yesterday"          },
        {"When",   "2015-02-30"         },
        {"When",   "99999999999999"     },
        {"Bytes",  "A"                  },
        {"Bytes",  "AA=A"               },
        {"Bytes",  "===="               },
        {"Bytes",  "AA\n="              },
        {"Inner",  "x"                  },
        {"Texts",  "x"                  },
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_null(again(&a, rows[i].member, rows[i].text), "%s takes '%s'", rows[i].member,
                       rows[i].text);
}

Test(shape_text, a_nul_character_is_refused)
{
    scoped(arena_fini) struct arena a = {0};
    const char *text = NULL;

    cr_expect(err_is(shape_text_read(&a, shape_of("Text"), STR("a\0b"), &text), ERR_INVALID));
    cr_expect_null(text);
}

Test(shape_text, absent_values_write_nothing)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct sample s = {0};

    for (size_t i = 0; i < sample_shape.member_count; i++)
        shape_text_write(&out, sample_shape.members[i].shape,
                         (char *)&s + sample_shape.members[i].offset);
    cr_expect_eq(out.len, 0);
}

Test(shape_text, base64_is_that_of_the_rfc)
{
    static const char *const rows[][2] = {
        {"",       ""        },
        {"f",      "Zg=="    },
        {"fo",     "Zm8="    },
        {"foo",    "Zm9v"    },
        {"foobar", "Zm9vYmFy"}
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(buf_fini) struct buf out = BUF_EMPTY;
        base64_write(&out, rows[i][0], strlen(rows[i][0]));
        cr_expect_str_eq(buf_cstr(&out), rows[i][1]);
    }
}

Test(shape_text, moments_are_written_as_libc_would)
{
    int64_t moment = -62135596800000; /* 0001-01-01 */

    for (int i = 0; moment <= 253402300799999; i++) {
        scoped(arena_fini) struct arena a = {0};
        scoped(buf_fini) struct buf out = BUF_EMPTY;
        time_write(&out, moment);
        cr_assert_str_eq(buf_cstr(&out), time_iso8601(&a, moment));
        moment += i % 2 ? 86399999 : 86400000ll * 97 + 12345; /* some days on, or nearly one */
    }
}
