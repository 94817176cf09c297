#include "base/arena.h"
#include "base/buf.h"
#include "base/flags.h"

#include <criterion/criterion.h>

#include <string.h>

struct options {
    bool is_loud;
    const char *dir;
    int64_t port;
    int64_t memory;
    const char *level;
};

static const char *const levels[] = {"low", "high", NULL};

/* The formatter cannot align rows of unlike members. */
/* clang-format off */
static const struct flag rows[] = {
    {.name = "loud", .kind = FLAG_SWITCH, .at = offsetof(struct options, is_loud), .doc = "says more"},
    {.name = "dir", .kind = FLAG_TEXT, .at = offsetof(struct options, dir), .value = "DIR",
     .doc = "where", .is_required = true},
    {.name = "port", .kind = FLAG_NUMBER, .at = offsetof(struct options, port), .value = "PORT",
     .doc = "which", .fallback = "9379", .min = 1, .max = 65535},
    {.name = "memory", .kind = FLAG_BYTES, .at = offsetof(struct options, memory), .value = "BYTES",
     .doc = "how much"},
    {.name = "level", .kind = FLAG_CHOICE, .at = offsetof(struct options, level), .value = "LEVEL",
     .doc = "how", .fallback = "low", .choices = levels},
};
/* clang-format on */

static struct flags line = {.program = "tester", .about = "Tests.", FLAG_ROWS(rows)};

static struct arena arena;
static struct options options;
static struct flags_rest rest;

static struct err parse(enum flags_words takes, char **argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    line.takes = takes;
    options = (struct options){.memory = 77};
    rest = (struct flags_rest){0};
    return flags_parse(&line, &arena, argc, argv, &options, &rest);
}

#define PARSE(takes, ...) parse((takes), (char *[]){"tester", __VA_ARGS__, NULL})

Test(flags, values_are_taken_in_both_spellings)
{
    cr_assert_not(err_failed(PARSE(FLAGS_NO_WORDS, "--dir", "/x", "--port=80", "--loud",
                                   "--memory=2GB", "--level", "high")));
    cr_assert_str_eq(options.dir, "/x");
    cr_assert_eq(options.port, 80);
    cr_assert(options.is_loud);
    cr_assert_eq(options.memory, 2ll << 30);
    cr_assert_str_eq(options.level, "high");
}

Test(flags, fallbacks_hold_where_nothing_is_given)
{
    cr_assert_not(err_failed(PARSE(FLAGS_NO_WORDS, "--dir=")));
    cr_assert_str_eq(options.dir, "");
    cr_assert_eq(options.port, 9379);
    cr_assert_str_eq(options.level, "low");
    cr_assert_eq(options.memory, 77, "without a fallback the options stay");
    cr_assert_not(options.is_loud);
    cr_assert_not(err_failed(PARSE(FLAGS_NO_WORDS, "--dir=x", "--memory=auto")));
    cr_assert_eq(options.memory, 0);
}

Test(flags, mistakes_are_named)
{
    static const struct {
        const char *words; /* with spaces between */
        const char *why;
    } cases[] = {
        {"--dir x --colour",       "unknown option --colour"                               },
        {"--dir",                  "--dir needs a value (DIR)"                             },
        {"--port 80",              "--dir is required"                                     },
        {"--dir=x --dir=y",        "--dir is given twice"                                  },
        {"--dir=x --port http",    "--port: \"http\" is not a whole number"                },
        {"--dir=x --port=0",       "--port: 0 is out of range"                             },
        {"--dir=x --memory=much",  "--memory: \"much\" is not a size such as 512MB or 32GB"},
        {"--dir=x --memory=-1",    "--memory: \"-1\" is not a size such as 512MB or 32GB"  },
        {"--dir=x --level=middle", "--level: \"middle\" is not one of low, high"           },
        {"--dir=x --loud=yes",     "--loud takes no value"                                 },
        {"--dir=x word",           "unexpected argument \"word\""                          },
        {"--dir=x -p",             "unexpected argument \"-p\""                            },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str words = str_of(cases[i].words);
        char *argv[6] = {"tester"};
        for (int k = 1; words.len > 0; k++)
            argv[k] = str_dup(&arena, str_cut(&words, ' '));
        struct err e = parse(FLAGS_NO_WORDS, argv);
        cr_expect(err_is(e, ERR_INVALID), "case %zu", i);
        cr_expect_str_eq(e.why, cases[i].why);
    }
}

Test(flags, words_are_gathered_where_they_are_wanted)
{
    cr_assert_not(err_failed(PARSE(FLAGS_WORDS, "one", "--dir", "x", "two", "--", "--loud")));
    cr_assert_eq(rest.word_count, 3);
    cr_assert_str_eq(rest.words[1], "two");
    cr_assert_str_eq(rest.words[2], "--loud");
    cr_assert_null(rest.words[3]);
    cr_assert_not(options.is_loud);
}

Test(flags, the_first_word_may_end_the_flags)
{
    cr_assert_not(err_failed(PARSE(FLAGS_FIRST_WORD, "--dir", "x", "run", "--loud")));
    cr_assert_eq(rest.word_count, 2);
    cr_assert_str_eq(rest.words[0], "run");
    cr_assert_str_eq(rest.words[1], "--loud");
}

Test(flags, behind_two_dashes_everything_is_a_word)
{
    cr_assert_not(err_failed(PARSE(FLAGS_NO_WORDS, "--dir", "x", "--", "engine", "--port")));
    cr_assert_eq(rest.word_count, 2);
    cr_assert_str_eq(rest.words[0], "engine");
}

Test(flags, help_is_answered_whatever_else_is_wrong)
{
    cr_assert_not(err_failed(PARSE(FLAGS_NO_WORDS, "--help", "--nonsense")));
    cr_assert(rest.is_help);
    cr_assert_not(err_failed(PARSE(FLAGS_NO_WORDS, "--version")));
    cr_assert(rest.is_version && !rest.is_help);
}

Test(flags, the_help_text_says_all_that_the_rows_say)
{
    struct buf text = BUF_EMPTY;

    flags_help(&line, &text);
    const char *help = buf_cstr(&text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_not_null(strstr(help, rows[i].name));
        cr_expect_not_null(strstr(help, rows[i].doc));
    }
    cr_expect_not_null(strstr(help, "--dir DIR"));
    cr_expect_not_null(strstr(help, "(required)"));
    cr_expect_not_null(strstr(help, "(default 9379)"));
    cr_expect_not_null(strstr(help, "low, high"));
    buf_fini(&text);
}

Test(flags, sizes_have_units_of_1024)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        {"0",      0         },
        {"4096",   4096      },
        {"1B",     1         },
        {"64KB",   65536     },
        {"64k",    65536     },
        {"512 MB", 512 << 20 },
        {"1MiB",   1 << 20   },
        {"32GB",   32ll << 30},
        {"2tb",    2ll << 40 },
    };
    static const char *const bad[] = {"",     "MB",    "1.5GB",           "1XB",
                                      "1MBB", "1 M B", "9999999999999TB", "1M\xc3"};
    int64_t bytes;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect(bytes_parse(str_of(good[i].text), &bytes), "%s", good[i].text);
        cr_expect_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(bytes_parse(str_of(bad[i]), &bytes), "%s", bad[i]);
}
