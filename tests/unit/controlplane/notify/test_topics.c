#include "base/arena.h"
#include "controlplane/notify/topics.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena a;

Test(topics, lines_have_an_arn_and_a_url)
{
    struct topics t;
    struct err e =
        topics_parse(&a,
                     str_of("# what the team hears of\n"
                            "\n"
                            "arn:aws:sns:us-east-1:1:one\thttp://127.0.0.1:1/a  # first\n"
                            "  arn:aws:sns:us-east-1:1:one https://x.test/b\r\n"
                            "arn:aws:sns:us-east-1:1:two http://127.0.0.1:1/c"),
                     &t);

    cr_assert_not(err_failed(e));
    cr_assert_eq(t.count, 3);
    cr_assert_str_eq(t.items[0].arn, "arn:aws:sns:us-east-1:1:one");
    cr_assert_str_eq(t.items[0].url, "http://127.0.0.1:1/a");
    cr_assert_str_eq(t.items[1].url, "https://x.test/b");
    cr_assert_str_eq(t.items[2].arn, "arn:aws:sns:us-east-1:1:two");
    cr_assert_not(err_failed(topics_parse(&a, str_of(""), &t)));
    cr_assert_eq(t.count, 0);
}

Test(topics, a_line_that_is_wrong_is_named)
{
    static const char *const rows[] = {
        "\nhttp://x arn:aws:sns:r:1:t",
        "\narn:aws:sns:r:1:t",
        "\narn:aws:sns:r:1:t ftp://x",
        "\narn:aws:sns:r:1:t http://x more",
    };
    struct topics t;

    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = topics_parse(&a, str_of(rows[i]), &t);
        cr_assert(err_is(e, ERR_INVALID), "%s", rows[i]);
        cr_assert_not_null(strstr(e.why, "line 2"), "%s", e.why);
    }
}
