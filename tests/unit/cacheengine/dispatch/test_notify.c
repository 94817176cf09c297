#include "cacheengine/dispatch/notify.h"

#include <criterion/criterion.h>

static void expect(const char *given, const char *shown)
{
    char letters[NOTIFY_LETTERS];
    uint32_t classes;

    cr_assert(notify_parse(str_of(given), &classes), "%s", given);
    notify_letters(classes, letters);
    cr_assert_str_eq(letters, shown, "%s: %s", given, letters);
}

Test(notify, classes_are_shown_in_one_order)
{
    expect("", "");
    expect("KEA", "AKE");
    expect("AE", "AE");
    expect("EKzg", "gzKE");
    expect("g$lshzxetdE", "AE");
    expect("mnE", "nEm");
}

Test(notify, other_letters_are_none)
{
    uint32_t classes = 7;

    cr_assert_not(notify_parse(STR("Kq"), &classes));
    cr_assert_eq(classes, 7);
}
