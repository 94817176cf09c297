/* Users made from lines of words. */
#ifndef LARDER_TESTS_ACL_FIXTURE_H
#define LARDER_TESTS_ACL_FIXTURE_H

#include "cacheengine/acl/acl.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct acl_fixture {
    struct acl acl;
    struct arena a;
    struct buf text;
};

static inline void acl_open(struct acl_fixture *f)
{
    *f = (struct acl_fixture){0};
    acl_init(&f->acl);
}

static inline void acl_close(struct acl_fixture *f)
{
    acl_fini(&f->acl);
    arena_fini(&f->a);
    buf_fini(&f->text);
}

/* ACL SETUSER of a line; the error's sentence, or "". */
static inline const char *acl_line(struct acl_fixture *f, const char *name, const char *rules)
{
    struct str words[64], rest = str_of(rules);
    size_t count = 0;

    while (rest.len > 0)
        words[count++] = str_cut(&rest, ' ');
    struct err e = acl_set_user(&f->acl, &f->a, str_of(name), words, count);
    return err_failed(e) ? e.why : "";
}

static inline void acl_set(struct acl_fixture *f, const char *name, const char *rules)
{
    cr_assert_str_eq(acl_line(f, name, rules), "", "%s", rules);
}

/* The user as text. */
static inline const char *acl_text(struct acl_fixture *f, const char *name)
{
    buf_clear(&f->text);
    acl_describe(acl_find(&f->acl, str_of(name)), &f->text);
    return buf_cstr(&f->text);
}

#endif
