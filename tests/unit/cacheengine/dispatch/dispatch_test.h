/* What the tests of dispatch include. */
#ifndef LARDER_TESTS_DISPATCH_TEST_H
#define LARDER_TESTS_DISPATCH_TEST_H

#include "../proto/resp_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define says(f, line, answer) cr_assert_str_eq(resp_ask((f), (line)), (answer))
#define shows(f, line, part) \
    cr_assert(strstr(resp_ask((f), (line)), (part)), "%s: %s", (line), buf_cstr(&(f)->out))
#define hides(f, line, part) \
    cr_assert_null(strstr(resp_ask((f), (line)), (part)), "%s: %s", (line), buf_cstr(&(f)->out))

#endif
