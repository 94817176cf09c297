#include "resp_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define says(f, line, answer) cr_assert_str_eq(resp_ask((f), (line)), (answer))

Test(resp, inline_and_array_requests_are_the_same)
{
    struct resp_fixture f;
    static const char array[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na b\r\n";

    resp_open(&f, NULL);
    cr_assert(str_is(resp_send(&f, &f.main, array, sizeof(array) - 1), "+OK\r\n"));
    says(&f, "GET k", "$3\r\na b\r\n");
    says(&f, "set k \"c\\x41\\n\"", "+OK\r\n");
    says(&f, "  gEt   'k'  ", "$3\r\ncA\n\r\n");
    says(&f, "", "");
    resp_close(&f);
}

Test(resp, requests_may_be_cut_anywhere)
{
    static const char bytes[] =
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\na\r\nb\r\nc\r\nd\r\nPING\r\n"
        "*0\r\n*-1\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n";
    static const char answers[] = "+OK\r\n+PONG\r\n$10\r\na\r\nb\r\nc\r\nd\r\n+PONG\r\n";
    struct buf all = BUF_EMPTY;

    for (size_t step = 1; step < sizeof(bytes); step++) {
        struct resp_fixture f;

        resp_open(&f, NULL);
        buf_clear(&all);
        for (size_t at = 0; at < sizeof(bytes) - 1; at += step) {
            size_t len = sizeof(bytes) - 1 - at < step ? sizeof(bytes) - 1 - at : step;

            buf_add_str(&all, resp_send(&f, &f.main, bytes + at, len));
        }
        cr_assert_str_eq(buf_cstr(&all), answers);
        resp_close(&f);
    }
    buf_fini(&all);
}

Test(resp, what_is_no_request_ends_the_connection_with_a_reason)
{
    static const struct {
        const char *bytes, *answer;
    } rows[] = {
        {"*x\r\n",                  "-ERR Protocol error: invalid multibulk length\r\n"         },
        {"*01\r\n",                 "-ERR Protocol error: invalid multibulk length\r\n"         },
        {"*99999999999\r\n",        "-ERR Protocol error: invalid multibulk length\r\n"         },
        {"*1\r\nPING\r\n",          "-ERR Protocol error: expected '$', got 'P'\r\n"            },
        {"*1\r\n$-1\r\n",           "-ERR Protocol error: invalid bulk length\r\n"              },
        {"*1\r\n$x\r\n",            "-ERR Protocol error: invalid bulk length\r\n"              },
        {"*1\r\n$999999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"              },
        {"SET \"a\r\n",             "-ERR Protocol error: unbalanced quotes in request\r\n"     },
        {"PING\r\n*x\r\nPING\r\n",  "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct resp_fixture f;

        resp_open(&f, NULL);
        resp_send(&f, &f.main, rows[i].bytes, strlen(rows[i].bytes));
        cr_assert_str_eq(buf_cstr(&f.out), rows[i].answer);
        cr_assert(f.main.client.is_closing);
        resp_close(&f);
    }
}

Test(resp, strangers_may_not_announce_much)
{
    struct resp_fixture f;
    static const char *const options[] = {"requirepass secret", NULL};

    resp_open(&f, options);
    resp_send(&f, &f.main, "*11\r\n", 5);
    cr_assert(strstr(buf_cstr(&f.out), "unauthenticated multibulk length"));
    resp_close(&f);
    resp_open(&f, options);
    resp_send(&f, &f.main, "*1\r\n$16385\r\n", 12);
    cr_assert(strstr(buf_cstr(&f.out), "unauthenticated bulk length"));
    resp_close(&f);
}

Test(resp, a_line_without_an_end_is_not_waited_for_for_ever)
{
    static char bytes[70000];

    for (int i = 0; i < 3; i++) {
        struct resp_fixture f;

        memset(bytes, i == 0 ? 'x' : '1', sizeof(bytes));
        memcpy(bytes, i == 2 ? "*1\r\n$" : "*", i == 0 ? 0 : i == 2 ? 5 : 1);
        resp_open(&f, NULL);
        resp_send(&f, &f.main, bytes, sizeof(bytes));
        cr_assert(strstr(buf_cstr(&f.out), "too big"), "%s", buf_cstr(&f.out));
        resp_close(&f);
    }
}

Test(resp, a_big_argument_says_how_much_is_wanted)
{
    struct resp_fixture f;
    static const char head[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nxyz";

    resp_open(&f, NULL);
    resp_send(&f, &f.main, head, sizeof(head) - 1);
    cr_assert_eq(f.main.parse.want, sizeof(head) - 1 - 3 + 100002);
    resp_close(&f);
}

Test(resp, many_arguments_are_read_however_they_come)
{
    struct resp_fixture f;
    struct buf b = BUF_EMPTY;
    enum { COUNT = 20000 };

    resp_open(&f, NULL);
    buf_printf(&b, "*%d\r\n$4\r\nMSET\r\n", 2 * COUNT + 1);
    for (int i = 0; i < COUNT; i++)
        buf_printf(&b, "$6\r\nk%05d\r\n$3\r\nval\r\n", i);
    for (size_t at = 0; at < b.len; at += 10007)
        resp_send(&f, &f.main, b.ptr + at, b.len - at < 10007 ? b.len - at : 10007);
    cr_assert_str_eq(buf_cstr(&f.out), "+OK\r\n");
    says(&f, "DBSIZE", ":20000\r\n");
    buf_fini(&b);
    resp_close(&f);
}
