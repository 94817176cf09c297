#include "base/map.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

static struct str key_of(int i, char *text, size_t size)
{
    return (struct str){text, (size_t)snprintf(text, size, "key-%d", i)};
}

Test(map, values_are_found_replaced_and_taken)
{
    struct map m;
    int one = 1, two = 2;

    map_init(&m);
    cr_assert_null(map_get(&m, STR("a")));
    cr_assert_null(map_put(&m, STR("a"), &one));
    cr_assert_eq(map_get(&m, STR("a")), &one);
    cr_assert_eq(map_put(&m, STR("a"), &two), &one);
    cr_assert_eq(m.count, 1);
    cr_assert_eq(map_take(&m, STR("a")), &two);
    cr_assert_null(map_take(&m, STR("a")));
    cr_assert_eq(m.count, 0);
    map_fini(&m);
    map_fini(NULL);
}

Test(map, keys_are_copied_and_may_hold_any_byte)
{
    struct map m;
    char key[] = "a\0b";
    int value;

    map_init(&m);
    map_put(&m, (struct str){key, 3}, &value);
    key[0] = 'x';
    cr_assert_eq(map_get(&m, (struct str){"a\0b", 3}), &value);
    cr_assert_null(map_get(&m, STR("a")));
    map_put(&m, STR(""), &value);
    cr_assert_eq(map_get(&m, STR("")), &value);
    map_fini(&m);
}

/* Deleting shifts entries back; whatever the order, none may be lost. */
Test(map, ten_thousand_keys_come_and_go_in_any_order)
{
    static int values[10000];
    char text[32];
    struct map m;

    map_init(&m);
    for (int i = 0; i < 10000; i++)
        cr_assert_null(map_put(&m, key_of(i, text, sizeof(text)), &values[i]));
    for (int i = 0; i < 10000; i += 3)
        cr_assert_eq(map_take(&m, key_of(i, text, sizeof(text))), &values[i]);
    for (int i = 0; i < 10000; i++)
        cr_assert_eq(map_get(&m, key_of(i, text, sizeof(text))), i % 3 ? &values[i] : NULL);

    size_t seen = 0;
    map_each(slot, &m)
        seen++;
    cr_assert_eq(seen, m.count);
    cr_assert_eq(seen, 6666);
    map_fini(&m);
}
