#include "base/arena.h"
#include "cacheengine/persist/manifest.h"

#include <criterion/criterion.h>

#include <string.h>

static struct err parse(struct manifest *m, struct arena *a, const char *text)
{
    *m = (struct manifest){0};
    return manifest_parse(m, a, str_of(text));
}

static void is_text(const struct manifest *m, const char *want)
{
    struct buf out = BUF_EMPTY;

    manifest_format(m, &out);
    cr_assert_str_eq(buf_cstr(&out), want);
    buf_fini(&out);
}

#define TEXT                               \
    "file a.aof.2.base.rdb seq 2 type b\n" \
    "file a.aof.1.base.rdb seq 1 type h\n" \
    "file a.aof.3.incr.aof seq 3 type i\n" \
    "file \"with \\n space\\x01\\\"\" seq 4 type i\n"

Test(manifest, what_is_read_is_written_again)
{
    struct arena a = {0};
    struct manifest m;

    cr_assert_not(err_failed(parse(&m, &a, TEXT)));
    is_text(&m, TEXT);
    cr_assert_str_eq(manifest_base(&m)->name, "a.aof.2.base.rdb");
    cr_assert_str_eq(manifest_newest(&m)->name, "with \n space\x01\"");
    cr_assert_eq(m.base_seq, 2);
    cr_assert_eq(m.increment_seq, 4);
    manifest_fini(&m);
    cr_assert_not(err_failed(parse(&m, &a, "# a note\nfile x seq 1 type i later yes\n")));
    is_text(&m, "file x seq 1 type i\n");
    cr_assert_null(manifest_base(&m));
    manifest_fini(&m);
    arena_fini(&a);
}

Test(manifest, a_rewrite_makes_history_of_what_was_before)
{
    struct arena a = {0};
    struct manifest m, next;

    cr_assert_not(err_failed(parse(&m, &a, TEXT)));
    manifest_copy(&m, &next);
    manifest_add_increment(&next, "new", 5);
    manifest_add_base(&next, "base", 3);
    manifest_retire(&next, 4);
    is_text(&next, "file base seq 3 type b\n"
                   "file \"with \\n space\\x01\\\"\" seq 4 type h\n"
                   "file a.aof.3.incr.aof seq 3 type h\n"
                   "file a.aof.2.base.rdb seq 2 type h\n"
                   "file a.aof.1.base.rdb seq 1 type h\n"
                   "file new seq 5 type i\n");
    cr_assert(manifest_has_history(&next));
    manifest_forget(&next);
    cr_assert_not(manifest_has_history(&next));
    is_text(&next, "file base seq 3 type b\nfile new seq 5 type i\n");
    is_text(&m, TEXT);
    manifest_fini(&m);
    manifest_fini(&next);
    manifest_fini(&next);
    arena_fini(&a);
}

Test(manifest, what_is_wrong_is_said_with_its_line)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"",                                           "empty"          },
        {"file a seq 1 type b\nfile b seq 2 type b\n", "duplicate base" },
        {"file a seq 2 type i\nfile b seq 1 type i\n", "non-monotonic"  },
        {"file a seq 1 type x\n",                      "Unknown AOF"    },
        {"file a/b seq 1 type b\n",                    "can't be a path"},
        {"file a seq one type b\n",                    "Invalid AOF"    },
        {"file a seq 1\n",                             "Invalid AOF"    },
        {"seq 1 type b\n",                             "Invalid AOF"    },
        {"file \"a seq 1 type b\n",                    "Invalid AOF"    },
        {"file a seq 1 type i\nwhat\n",                "line 2"         },
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a = {0};
        struct manifest m;
        struct err e = parse(&m, &a, cases[i].text);

        cr_assert(err_is(e, ERR_CORRUPT), "%s", cases[i].text);
        cr_assert(strstr(e.why, cases[i].why), "%s: %s", cases[i].text, e.why);
        manifest_fini(&m);
        arena_fini(&a);
    }
}
