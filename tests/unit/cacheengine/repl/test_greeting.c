#include "base/err.h"
#include "cacheengine/repl/greeting.h"

#include <criterion/criterion.h>

#include <string.h>

#define ID "0123456789abcdef0123456789abcdef01234567"

static const struct greeting_self plain = {
    .user = "", .password = "", .port = 6380, .address = "", .version = "7.2.4"};

/* Takes one line; what is said then must be `says` (NULL: anything). */
static enum greeting_step take(struct greeting *h, const char *line, const char *says)
{
    struct buf out = BUF_EMPTY;
    enum greeting_step step = greeting_take(h, str_of(line), &out);

    if (says)
        cr_assert_str_eq(buf_cstr(&out), says);
    buf_fini(&out);
    return step;
}

static void begin(struct greeting *h, const struct greeting_self *self)
{
    struct buf out = BUF_EMPTY;

    greeting_begin(h, self, &out);
    cr_assert_str_eq(buf_cstr(&out), "*1\r\n$4\r\nPING\r\n");
    buf_fini(&out);
}

/* Up to the question PSYNC, whose answer is next. */
static void introduce(struct greeting *h, const struct greeting_self *self)
{
    begin(h, self);
    cr_assert_eq(take(h, "+PONG\r", NULL), GREETING_GOES_ON);
    if (h->stage == GREETING_AUTH)
        cr_assert_eq(take(h, "+OK\r", NULL), GREETING_GOES_ON);
    while (h->stage == GREETING_CONF)
        cr_assert_eq(take(h, "+OK\r", NULL), GREETING_GOES_ON);
    cr_assert_eq(h->stage, GREETING_PSYNC);
}

Test(greeting, it_says_who_it_is_and_asks_for_all)
{
    struct greeting h;

    begin(&h, &plain);
    take(&h, "+PONG\r",
         "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6380\r\n"
         "*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
         "*3\r\n$8\r\nREPLCONF\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n");
    take(&h, "+OK\r", "");
    take(&h, "-ERR unknown\r", "");
    take(&h, "-ERR unknown\r", "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
    cr_assert_eq(take(&h, "\r", ""), GREETING_GOES_ON);
    cr_assert_eq(take(&h, "+FULLRESYNC " ID " 77\r", ""), GREETING_GOES_ON);
    cr_assert_eq(h.stage, GREETING_HEAD);
    cr_assert_eq(take(&h, "", ""), GREETING_GOES_ON);
    cr_assert_eq(take(&h, "$1234\r", ""), GREETING_SENDS_ALL);
    cr_assert(h.has_history);
    cr_assert_str_eq(h.id, ID);
    cr_assert_eq(h.offset, 77);
    cr_assert_eq(h.length, 1234);
}

Test(greeting, it_logs_in_where_it_has_a_password)
{
    struct greeting_self self = plain;
    struct greeting h;

    self.password = "secret";
    begin(&h, &self);
    take(&h, "-NOAUTH Authentication required.\r", "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
    cr_assert_eq(take(&h, "-WRONGPASS no\r", ""), GREETING_FAILED);
    cr_assert_str_eq(h.why, "Unable to AUTH to MASTER: -WRONGPASS no");
    self.user = "bob";
    begin(&h, &self);
    take(&h, "+PONG\r", "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n");
    cr_assert_eq(take(&h, "+OK\r", NULL), GREETING_GOES_ON);
    cr_assert_eq(h.stage, GREETING_CONF);
}

Test(greeting, it_asks_to_go_on_with_what_it_has)
{
    struct greeting_self self = plain;
    struct greeting h;

    self.id = ID;
    self.offset = 99;
    self.address = "10.0.0.1";
    self.takes_over = true;
    begin(&h, &self);
    take(&h, "+PONG\r", NULL);
    for (int i = 0; i < 3; i++)
        take(&h, "+OK\r", "");
    take(&h, "+OK\r", "*4\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$3\r\n100\r\n$8\r\nFAILOVER\r\n");
    cr_assert_eq(take(&h, "+CONTINUE " ID "\r", ""), GREETING_CONTINUES);
    cr_assert_str_eq(h.id, ID);
}

Test(greeting, answers_to_psync)
{
    static const struct {
        const char *line;
        enum greeting_step step;
    } rows[] = {
        {"+CONTINUE",                            GREETING_CONTINUES},
        {"+CONTINUE " ID,                        GREETING_CONTINUES},
        {"+CONTINUE " ID "x",                    GREETING_FAILED   },
        {"+CONTINUE abc",                        GREETING_FAILED   },
        {"+FULLRESYNC " ID,                      GREETING_FAILED   },
        {"+FULLRESYNC " ID " -5",                GREETING_FAILED   },
        {"+FULLRESYNC " ID " x",                 GREETING_FAILED   },
        {"+FULLRESYNC short 5",                  GREETING_FAILED   },
        {"+FULLRESYNC " ID " 0",                 GREETING_GOES_ON  },
        {"-NOMASTERLINK Can't SYNC while not",   GREETING_LATER    },
        {"-LOADING",                             GREETING_LATER    },
        {"-NOPERM this user has no permissions", GREETING_FAILED   },
        {"-ERR unknown command",                 GREETING_GOES_ON  },
        {":1",                                   GREETING_FAILED   },
    };
    struct greeting_self self = plain;

    self.id = ID;
    for (size_t i = 0; i < countof(rows); i++) {
        struct greeting h;

        introduce(&h, &self);
        cr_assert_eq(take(&h, rows[i].line, NULL), rows[i].step, "%s", rows[i].line);
    }
}

Test(greeting, who_has_nothing_cannot_go_on)
{
    struct greeting h;

    introduce(&h, &plain);
    cr_assert_eq(take(&h, "+CONTINUE\r", ""), GREETING_FAILED);
}

Test(greeting, an_old_primary_is_asked_with_sync)
{
    struct greeting h;

    introduce(&h, &plain);
    cr_assert_eq(take(&h, "-ERR unknown command 'PSYNC'\r", "SYNC\r\n"), GREETING_GOES_ON);
    cr_assert_eq(take(&h, "$EOF:" ID "\r", ""), GREETING_SENDS_ALL);
    cr_assert_not(h.has_history);
    cr_assert_eq(h.length, -1);
    cr_assert_arr_eq(h.mark, ID, REPL_ID_LEN);
}

Test(greeting, heads_that_are_none)
{
    static const char *const lines[] = {"$", "$-1", "$12x", "$EOF:", "$EOF:abc", "+OK", "*3"};

    for (size_t i = 0; i < countof(lines); i++) {
        struct greeting h;

        introduce(&h, &plain);
        take(&h, "+FULLRESYNC " ID " 1\r", "");
        cr_assert_eq(take(&h, lines[i], ""), GREETING_FAILED, "%s", lines[i]);
    }
}
