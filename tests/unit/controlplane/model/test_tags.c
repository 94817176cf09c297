#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/tags.h"

#include <criterion/criterion.h>

#include <string.h>

/* `count` times the text, in the arena. */
static const char *repeat(struct arena *a, const char *text, size_t count)
{
    size_t len = strlen(text);
    char *out = arena_zalloc(a, len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(out + i * len, text, len);
    return out;
}

Test(tags, lengths_are_counted_in_characters)
{
    struct arena a = {0};
    const struct {
        const char *key, *value;
        bool is_good;
    } rows[] = {
        {"k",             "",              true                      },
        {repeat(&a,       "k",             128),                       repeat(&a, "v", 256), true},
        {repeat(&a,            "\xc3\xa4",                       128),                                             repeat(&a, "\xe2\x82\xac", 256), true},
        {repeat(&a,       "k", 129), "", false},
        {"k", repeat(&a,            "v",                                  257), false},
        {"",       "v",             false                                  },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct tag t = {rows[i].key, rows[i].value};
        struct err e = tags_check(&a, &t, 1);
        cr_assert_eq(e.code, rows[i].is_good ? ERR_OK : FAULT_INVALID_PARAMETER_VALUE, "row %zu",
                     i);
    }
    arena_fini(&a);
}

Test(tags, the_reserved_prefix_is_refused_in_any_case)
{
    struct arena a = {0};
    struct tag rows[] = {
        {"aws:x", ""},
        {"AWS:x", ""},
    };
    struct tag fine = {"awsome", ""};

    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_eq(tags_check(&a, &rows[i], 1).code, FAULT_INVALID_PARAMETER_VALUE);
    cr_assert_not(err_failed(tags_check(&a, &fine, 1)));
    arena_fini(&a);
}

Test(tags, a_key_is_given_once_and_its_case_matters)
{
    struct arena a = {0};
    struct tag twice[] = {
        {"k", "1"},
        {"k", "2"},
    };
    struct tag differ[] = {
        {"k", "1"},
        {"K", "2"},
    };

    cr_assert_eq(tags_check(&a, twice, 2).code, FAULT_INVALID_PARAMETER_VALUE);
    cr_assert_not(err_failed(tags_check(&a, differ, 2)));
    arena_fini(&a);
}

Test(tags, the_limit_counts_replaced_keys_once)
{
    struct arena a = {0};
    struct tag old[TAGS_MAX];
    struct tag replaced = {"key0", "new"}, more = {"more", ""};

    for (size_t i = 0; i < countof(old); i++)
        old[i] = (struct tag){arena_printf(&a, "key%zu", i), ""};
    cr_assert_not(err_failed(tags_check_quota(NULL, 0, old, TAGS_MAX)));
    cr_assert_not(err_failed(tags_check_quota(old, TAGS_MAX, &replaced, 1)));
    cr_assert_eq(tags_check_quota(old, TAGS_MAX, &more, 1).code,
                 FAULT_TAG_QUOTA_PER_RESOURCE_EXCEEDED);
    arena_fini(&a);
}

Test(tags, what_is_obeyed_has_a_value_that_can_be)
{
    struct arena a = {0};
    struct tag good = {"larder:promote-stale", "30"}, bad = {"larder:promote-stale", "soon"};

    cr_assert_not(err_failed(tags_check(&a, &good, 1)));
    struct err e = tags_check(&a, &bad, 1);
    cr_assert(err_is(e, FAULT_INVALID_PARAMETER_VALUE));
    cr_assert_str_eq(e.why, "Invalid value soon for the tag larder:promote-stale. It must be never "
                            "or a number of seconds, at most 86400.");
    arena_fini(&a);
}
