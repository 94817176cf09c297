#include "script_fixture.h"

#define LIB(name, body) "#!lua name=" name "\n" body
#define REGISTER(name) \
    "redis.register_function('" name "', function(keys, args) return '" name "' end)"

static const char *load(struct script_fixture *f, const char *text, enum library_policy policy)
{
    struct library *l;

    return libraries_load(f->libraries, &f->arena, str_of(text), policy, 0, &l);
}

Test(libraries, a_function_is_called_with_its_keys_and_arguments)
{
    struct script_fixture f;

    script_open(&f, 16 << 20);
    cr_assert_null(
        load(&f, LIB("a", "redis.register_function('f', function(k, v) return {k[1], v[1]} end)"),
             LIBRARY_ADD));
    cr_assert_str_eq(script_call(&f, "f", "x", "y"), "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    script_close(&f);
}

Test(libraries, what_fails_leaves_everything_as_it_was)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {LIB("a", REGISTER("f")),                                    "Library 'a' already exists"},
        {LIB("b", REGISTER("f")),                                    "Function f already exists" },
        {LIB("b", "return 1"),                                       "No functions registered"   },
        {LIB("b", "return return"),
         "ERR Error compiling function: user_function:2: unexpected symbol near 'return'"        },
        {LIB("b", "redis.call('x')"),
         "ERR Error registering functions: ERR user_function:2: Script attempted to access "
         "nonexistent global variable 'call'"                                                    },
        {LIB("b", "redis.register_function('g-h', function() end)"),
         "ERR Error registering functions: ERR Library names can only contain letters, numbers, or "
         "underscores(_) and must be at least one character long"                                },
    };
    struct script_fixture f;

    script_open(&f, 16 << 20);
    cr_assert_null(load(&f, LIB("a", REGISTER("f")), LIBRARY_ADD));
    for (size_t i = 0; i < countof(cases); i++)
        cr_expect_str_eq(load(&f, cases[i].text, LIBRARY_ADD), cases[i].wrong);
    cr_assert_eq(libraries_facts(f.libraries).libraries, 1);
    cr_assert_str_eq(script_call(&f, "f", NULL, NULL), "$1\r\nf\r\n");
    script_close(&f);
}

Test(libraries, one_takes_the_place_of_another_only_when_it_fits)
{
    struct script_fixture f;

    script_open(&f, 16 << 20);
    cr_assert_null(load(&f, LIB("a", REGISTER("f")), LIBRARY_ADD));
    cr_assert_null(load(&f, LIB("b", REGISTER("g")), LIBRARY_ADD));
    cr_assert_not_null(load(&f, LIB("a", REGISTER("g")), LIBRARY_REPLACE));
    cr_assert_not_null(libraries_find_function(f.libraries, STR("f")));
    cr_assert_null(load(&f, LIB("a", REGISTER("h")), LIBRARY_REPLACE));
    cr_assert_null(libraries_find_function(f.libraries, STR("f")));
    cr_assert_not_null(libraries_find_function(f.libraries, STR("h")));
    script_close(&f);
}

Test(libraries, several_are_loaded_all_or_none)
{
    const struct str good[] = {STR(LIB("c", REGISTER("x"))), STR(LIB("d", REGISTER("y")))};
    const struct str bad[] = {STR(LIB("c", REGISTER("x"))), STR(LIB("d", REGISTER("x")))};
    struct script_fixture f;

    script_open(&f, 16 << 20);
    cr_assert_null(load(&f, LIB("a", REGISTER("f")), LIBRARY_ADD));
    cr_assert_not_null(libraries_load_all(f.libraries, &f.arena, bad, 2, LIBRARY_ADD, true));
    cr_assert_eq(libraries_facts(f.libraries).libraries, 1);
    cr_assert_null(libraries_load_all(f.libraries, &f.arena, good, 2, LIBRARY_ADD, false));
    cr_assert_eq(libraries_facts(f.libraries).libraries, 3);
    cr_assert_not_null(libraries_load_all(f.libraries, &f.arena, good, 2, LIBRARY_ADD, false));
    cr_assert_null(libraries_load_all(f.libraries, &f.arena, good, 1, LIBRARY_ADD, true));
    cr_assert_eq(libraries_facts(f.libraries).libraries, 1);
    cr_assert_null(libraries_find_function(f.libraries, STR("f")));
    script_close(&f);
}

Test(libraries, a_text_that_does_not_end_is_ended)
{
    struct script_fixture f;
    struct library *l;

    script_open(&f, 16 << 20);
    cr_assert_str_eq(libraries_load(f.libraries, &f.arena, STR(LIB("a", "while true do end")),
                                    LIBRARY_ADD, 5, &l),
                     "ERR Error registering functions: ERR FUNCTION LOAD timeout");
    cr_assert_null(load(&f, LIB("a", REGISTER("f")), LIBRARY_ADD));
    script_close(&f);
}

Test(libraries, they_are_listed_by_name_and_removed)
{
    struct script_fixture f;
    size_t count;

    script_open(&f, 16 << 20);
    cr_assert_null(load(&f, LIB("b", REGISTER("f")), LIBRARY_ADD));
    cr_assert_null(load(&f,
                        LIB("a", "redis.register_function{function_name='g', description='d', "
                                 "callback=function() end, flags={'no-writes'}}"),
                        LIBRARY_ADD));
    struct library **all = libraries_list(f.libraries, &f.arena, &count);
    cr_assert_eq(count, 2);
    cr_assert(str_is(all[0]->name, "a") && str_is(all[1]->name, "b"));
    cr_assert(str_is(all[0]->functions->description, "d"));
    cr_assert_eq(all[0]->functions->flags, SCRIPT_NO_WRITES);
    libraries_remove(f.libraries, all[0]);
    cr_assert_null(libraries_find(f.libraries, STR("a")));
    libraries_flush(f.libraries);
    cr_assert_eq(libraries_facts(f.libraries).libraries, 0);
    script_close(&f);
}
