#include "cacheengine/dispatch/config.h"

#include <criterion/criterion.h>

#include <string.h>

struct fixture {
    struct settings settings;
    struct config config;
    struct arena a;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    config_init(&f->config, &f->settings);
}

static void end(struct fixture *f)
{
    config_fini(&f->config);
    arena_fini(&f->a);
}

static const char *shown(struct fixture *f, const char *name)
{
    struct buf b = BUF_EMPTY;

    config_get(&f->config, config_find(str_of(name)), &b);
    const char *text = arena_strdup(&f->a, buf_cstr(&b));
    buf_fini(&b);
    return text;
}

static struct err load(struct fixture *f, const char *text)
{
    return config_load_text(&f->config, &f->a, str_of(text), "here");
}

Test(config, a_file_has_comments_quotes_and_lists)
{
    struct fixture f;

    begin(&f);
    cr_assert_not(err_failed(load(&f, "# a comment\r\n\n  port 7000\nrequirepass \"a b\\x41\\n\"\n"
                                      "bind 127.0.0.1 -::1\nmaxmemory 1gb\nSAVE 900 1\nlogfile ''\n"
                                      "client-output-buffer-limit pubsub 1mb 2mb 3\n")));
    cr_assert_eq(f.settings.port, 7000);
    cr_assert_str_eq(f.settings.password, "a bA\n");
    cr_assert_str_eq(f.settings.bind, "127.0.0.1 -::1");
    cr_assert_eq(f.settings.max_memory, 1 << 30);
    cr_assert_str_eq(f.settings.log_file, "");
    cr_assert_str_eq(shown(&f, "save"), "900 1");
    cr_assert_str_eq(shown(&f, "client-output-buffer-limit"),
                     "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 3");
    end(&f);
}

Test(config, what_is_wrong_is_said_with_its_line)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"port 1\nnosuch 1",                    "here, line 2: 'nosuch 1': Bad directive"   },
        {"port",                                "wrong number of arguments"                 },
        {"port 1 2",                            "wrong number of arguments"                 },
        {"port x",                              "couldn't be parsed into an integer"        },
        {"port 65536",                          "must be between 0 and 65535"               },
        {"maxmemory 1zb",                       "must be a memory value"                    },
        {"protected-mode maybe",                "must be 'yes' or 'no'"                     },
        {"maxmemory-policy x",                  "must be one of the following: volatile-lru"},
        {"daemonize yes",                       "the engine stays in the foreground"        },
        {"unixsocketperm 9",                    "couldn't be parsed"                        },
        {"requirepass \"a",                     "Unbalanced quotes"                         },
        {"client-output-buffer-limit x 1 1 1",  "Invalid client class"                      },
        {"client-output-buffer-limit normal 1", "Wrong number of arguments"                 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;

        begin(&f);
        struct err e = load(&f, rows[i].text);
        cr_assert(err_failed(e), "%s", rows[i].text);
        cr_assert(strstr(e.why, rows[i].part), "%s: %s", rows[i].text, e.why);
        end(&f);
    }
}

Test(config, every_default_reads_back_as_itself)
{
    struct fixture f;
    size_t count;
    const struct config_row *rows = config_rows(&count);

    begin(&f);
    for (size_t i = 0; i < count; i++) {
        const char *before = shown(&f, rows[i].name);
        struct err e = config_set(&f.config, &f.a, &rows[i], str_of(before));

        cr_assert_not(err_failed(e), "%s", rows[i].name);
        cr_assert_str_eq(shown(&f, rows[i].name), before);
        cr_assert_eq(config_find(str_of(rows[i].name)), &rows[i], "%s stands twice", rows[i].name);
    }
    end(&f);
}

Test(config, words_are_split_as_in_redis)
{
    static const struct {
        const char *line;
        int count; /* -1 = unbalanced */
        const char *last;
    } rows[] = {
        {"",                 0,  ""     },
        {"   ",              0,  ""     },
        {"one two",          2,  "two"  },
        {"a \"\"",           2,  ""     },
        {"'it\\'s'",         1,  "it's" },
        {"'a\\n'",           1,  "a\\n" },
        {"\"\\x41\\t\\\"\"", 1,  "A\t\""},
        {"ab\"c d\"",        1,  "abc d"},
        {"\"a\"b",           -1, ""     },
        {"\"a",              -1, ""     },
        {"'a",               -1, ""     },
    };
    struct arena a = {0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str *words = NULL;
        size_t count = 0;
        struct err e = config_split(&a, str_of(rows[i].line), &words, &count);

        cr_assert_eq(err_failed(e), rows[i].count < 0, "%s", rows[i].line);
        if (rows[i].count < 0)
            continue;
        cr_assert_eq(count, (size_t)rows[i].count, "%s", rows[i].line);
        if (count)
            cr_assert(str_is(words[count - 1], rows[i].last), "%s", rows[i].line);
    }
    arena_fini(&a);
}
