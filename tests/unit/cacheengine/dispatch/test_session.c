#include "cacheengine/dispatch/session.h"
#include "dispatch_test.h"

#include <stdlib.h>

Test(session, names_are_printable_and_whole)
{
    static const char *const good[] = {"", "a", "my-name_1", "~!"};
    static const char *const bad[] = {"a b", "a\n", "\x7f", "\xc3\xa4"};

    for (size_t i = 0; i < 4; i++) {
        cr_assert(session_name_is_valid(str_of(good[i])));
        cr_assert_not(session_name_is_valid(str_of(bad[i])));
    }
}

Test(session, a_text_is_replaced_and_removed)
{
    char *text = NULL;

    session_set_text(&text, STR("one"));
    session_set_text(&text, STR("two"));
    cr_assert_str_eq(text, "two");
    session_set_text(&text, STR(""));
    cr_assert_null(text);
}

Test(session, without_a_password_any_will_do)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "AUTH default anything", "+OK\r\n");
    shows(&f, "AUTH anything", "-ERR AUTH <password> called without any password configured");
    resp_close(&f);
}

Test(session, flags_tell_the_state)
{
    struct resp_fixture f;
    struct buf text = BUF_EMPTY;

    resp_open(&f, NULL);
    resp_ask(&f, "CLIENT NO-EVICT ON");
    resp_ask(&f, "MULTI");
    session_describe(&f.main.client, f.engine.keyspace.passed_ms, &text);
    cr_assert(strstr(buf_cstr(&text), " flags=xe "));
    cr_assert(strstr(buf_cstr(&text), " multi=0 "));
    buf_fini(&text);
    resp_close(&f);
}
