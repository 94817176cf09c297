#include "base/arena.h"
#include "cacheengine/script/script.h"

#include <criterion/criterion.h>

static const char *read_script(struct arena *a, const char *text, struct script_header *out)
{
    return script_header_read(a, str_of(text), out);
}

Test(header, a_script_without_one_is_plain)
{
    struct arena a = {0};
    struct script_header h;

    cr_assert_null(read_script(&a, "return 1", &h));
    cr_assert_eq(h.flags, SCRIPT_PLAIN);
    cr_assert_eq(h.bytes, 0);
    arena_fini(&a);
}

Test(header, flags_of_a_script_are_read_and_the_end_of_its_line_stays)
{
    struct arena a = {0};
    struct script_header h;

    cr_assert_null(read_script(&a, "#!lua flags=no-writes,allow-stale\nreturn 1", &h));
    cr_assert_eq(h.flags, SCRIPT_NO_WRITES | SCRIPT_ALLOW_STALE);
    cr_assert_eq(h.bytes, 33);
    cr_assert_null(read_script(&a, "#!lua\nreturn 1", &h));
    cr_assert_eq(h.flags, 0);
    arena_fini(&a);
}

Test(header, what_is_wrong_with_a_script_is_said)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"#!lua",                       "Invalid script shebang"                   },
        {"#!js\nreturn 1",              "Unexpected engine in script shebang: #!js"},
        {"#!lua badger=data\nreturn 1", "Unknown lua shebang option: badger=data"  },
        {"#!lua flags=bad\nreturn 1",   "Unexpected flag in script shebang: bad"   },
    };
    struct arena a = {0};
    struct script_header h;

    for (size_t i = 0; i < countof(cases); i++)
        cr_expect_str_eq(read_script(&a, cases[i].text, &h), cases[i].wrong);
    arena_fini(&a);
}

Test(header, a_library_must_say_its_name)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"return 1",               "Missing library metadata"            },
        {"#!lua name=x",           "Invalid library metadata"            },
        {"#!lua\nx",               "Library name was not given"          },
        {"#!lua name=a name=b\nx",
         "Invalid metadata value, name argument was given multiple times"},
        {"#!lua name=a foo=b\nx",  "Invalid metadata value given: foo=b" },
        {"#!js name=a\nx",         "Engine 'js' not found"               },
        {"#!lua name=a-b\nx",
         "Library names can only contain letters, numbers, or underscores(_) and must be at "
         "least one character long"                                      },
    };
    struct arena a = {0};
    struct script_header h;

    for (size_t i = 0; i < countof(cases); i++)
        cr_expect_str_eq(library_header_read(&a, str_of(cases[i].text), &h), cases[i].wrong);
    cr_assert_null(library_header_read(&a, STR("#!lua \"name=my_\\x\" \nx"), &h));
    cr_assert(str_is(h.name, "my_x"));
    cr_assert_null(library_header_read(&a, STR("#!lua  name='it'\nx"), &h));
    cr_assert(str_is(h.name, "it"));
    cr_assert_str_eq(library_header_read(&a, STR("#!lua name='it\nx"), &h),
                     "Invalid library metadata");
    cr_assert_null(library_header_read(&a, STR("#!lua name=my_lib\nx"), &h));
    cr_assert(str_is(h.name, "my_lib"));
    arena_fini(&a);
}
