#include "acl_fixture.h"

static const char *part(struct acl_fixture *f,
                        void (*describe)(const struct acl_selector *s, struct buf *out))
{
    buf_clear(&f->text);
    describe(&acl_find(&f->acl, STR("u"))->selectors.items[0], &f->text);
    return buf_cstr(&f->text);
}

Test(describe, the_parts_of_a_selector)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", "~a %R~b &c &d +@all -get");
    cr_assert_str_eq(part(&f, acl_describe_commands), "+@all -get");
    cr_assert_str_eq(part(&f, acl_describe_keys), "~a %R~b");
    cr_assert_str_eq(part(&f, acl_describe_channels), "&c &d");
    acl_set(&f, "u", "resetkeys resetchannels");
    cr_assert_str_eq(part(&f, acl_describe_keys), "");
    cr_assert_str_eq(part(&f, acl_describe_channels), "");
    acl_set(&f, "u", "allkeys allchannels");
    cr_assert_str_eq(part(&f, acl_describe_keys), "~*");
    cr_assert_str_eq(part(&f, acl_describe_channels), "&*");
    acl_close(&f);
}
