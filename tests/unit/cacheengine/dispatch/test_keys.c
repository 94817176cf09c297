#include "base/arena.h"
#include "cacheengine/dispatch/keys.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

/* A specification of its own against a line of words; the positions found, as text. */
static void finds(const struct command_keys *spec, const char *line, const char *positions)
{
    struct arena a = {0};
    struct command cmd = {.keys = spec, .key_specs = 1};
    struct str argv[32], rest = str_of(line);
    uint32_t argc = 0, count;
    char text[128] = "";

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    struct key_place *found = keys_find(&a, &cmd, argv, argc, &count);
    for (uint32_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "",
                 found[i].arg);
    cr_assert_str_eq(text, positions, "%s", line);
    arena_fini(&a);
}

Test(keys, ranges_from_an_index)
{
    struct command_keys one = {.begin = 1, .last = 0, .step = 1};
    struct command_keys all = {.begin = 1, .last = -1, .step = 1};
    struct command_keys pairs = {.begin = 1, .last = -1, .step = 2};
    struct command_keys but_last = {.begin = 1, .last = -2, .step = 1};
    struct command_keys not_one = {.begin = 1, .last = 0, .step = 1, .flags = KEY_NOT_KEY};

    finds(&one, "get a b", "1");
    finds(&one, "get", "");
    finds(&all, "del a b c", "1 2 3");
    finds(&pairs, "mset a 1 b 2", "1 3");
    finds(&but_last, "blpop a b 0", "1 2");
    finds(&not_one, "publish a b", "");
}

Test(keys, as_many_as_an_argument_says)
{
    struct command_keys eval = {
        .begin = 2, .is_counted = true, .count_at = 0, .first = 1, .step = 1};

    finds(&eval, "eval script 2 a b c", "3 4");
    finds(&eval, "eval script 0 a", "");
    finds(&eval, "eval script 9 a", "");
    finds(&eval, "eval script x a", "");
    finds(&eval, "eval script", "");
}

Test(keys, behind_a_keyword)
{
    struct command_keys streams = {
        .keyword = "STREAMS", .from = 1, .last = -1, .step = 1, .limit = 2};
    struct command_keys store = {.keyword = "STORE", .from = 2, .last = 0, .step = 1};
    struct command_keys last = {.keyword = "KEYS", .from = -2, .last = -1, .step = 1};

    finds(&streams, "xread count 1 streams a b 0 0", "4 5");
    finds(&store, "sort a store b", "3");
    finds(&store, "sort a", "");
    finds(&last, "migrate h p k 0 1 keys a b", "7 8");
}

static uint32_t flags_of(const char *name, const char *line)
{
    struct command_keys spec = {
        .begin = 1, .step = 1, .flags = KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS};
    struct command cmd = {.name = name, .keys = &spec, .key_specs = 1};
    struct arena a = {0};
    struct str argv[32], rest = str_of(line);
    uint32_t argc = 0, count, flags;

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    flags = keys_find(&a, &cmd, argv, argc, &count)[0].flags;
    arena_fini(&a);
    return flags;
}

Test(keys, what_is_done_to_them_may_depend_on_the_other_arguments)
{
    cr_assert_eq(flags_of("set", "set k v"), KEY_OW | KEY_UPDATE);
    cr_assert_eq(flags_of("set", "set k get"), KEY_OW | KEY_UPDATE);
    cr_assert_eq(flags_of("set", "set k v GET"), KEY_RW | KEY_ACCESS | KEY_UPDATE);
    cr_assert_eq(flags_of("bitfield", "bitfield k get u8 0"), KEY_RO | KEY_ACCESS);
    cr_assert_eq(flags_of("bitfield", "bitfield k set u8 0 1"), KEY_RW | KEY_ACCESS | KEY_UPDATE);
}

Test(keys, sort_stores_where_the_last_word_says)
{
    struct command_keys unknown = {.is_unknown = true, .flags = KEY_OW};
    struct command_keys read = {.is_unknown = true, .flags = KEY_RO};

    finds(&unknown, "sort a store b", "3");
    finds(&unknown, "sort a BY store limit 1 store STORE b store c", "10");
    finds(&unknown, "sort a get store", "");
    finds(&unknown, "sort a store", "");
    finds(&read, "sort a store b", "");
}
