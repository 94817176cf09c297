#include "dispatch_test.h"

static struct resp_fixture f;
static struct resp_client owner, c;

static void begin(void)
{
    resp_open(&f, NULL);
    resp_client_open(&f, &owner, true);
    resp_client_open(&f, &c, false);
}

static void end(void)
{
    resp_client_close(&f, &c);
    resp_client_close(&f, &owner);
    resp_close(&f);
}

TestSuite(cmd_users, .init = begin, .fini = end);

/* LARDER.USERS with each line as one word. */
static const char *give(int epoch, const char *const *lines, size_t count)
{
    struct buf text = BUF_EMPTY;
    char number[16];

    int digits = snprintf(number, sizeof(number), "%d", epoch);
    buf_printf(&text, "*%zu\r\n$12\r\nLARDER.USERS\r\n$%d\r\n%s\r\n", count + 2, digits, number);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "$%zu\r\n%s\r\n", strlen(lines[i]), lines[i]);
    resp_send(&f, &owner, text.ptr, text.len);
    buf_fini(&text);
    return buf_cstr(&f.out);
}

#define gives(epoch, answer, ...)                                           \
    do {                                                                    \
        static const char *const lines_[] = {__VA_ARGS__};                  \
        cr_assert_str_eq(give((epoch), lines_, countof(lines_)), (answer)); \
    } while (0)

#define DEFAULT "user default on nopass ~* &* +@all"

Test(cmd_users, all_users_change_at_once)
{
    says(&f, "ACL SETUSER old on nopass +@all ~*", "+OK\r\n");
    gives(1, ":0\r\n", DEFAULT, "user alice on >secret ~a* +@all", "user bob off +get");
    says(&f, "ACL USERS", "*3\r\n$5\r\nalice\r\n$3\r\nbob\r\n$7\r\ndefault\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &c, "AUTH alice secret"), "+OK\r\n");
}

Test(cmd_users, epochs_only_grow)
{
    gives(5, ":0\r\n", DEFAULT);
    gives(5, ":0\r\n", DEFAULT);
    gives(5, "-STALEEPOCH this node has other users of epoch 5\r\n", DEFAULT, "user a on");
    gives(4, "-STALEEPOCH the users are of epoch 4, and this node has those of epoch 5\r\n",
          DEFAULT);
    gives(6, ":0\r\n", DEFAULT, "user a on");
}

Test(cmd_users, nonsense_changes_nothing)
{
    static const char *const lines[][2] = {
        {DEFAULT,     "user a on +nosuchcommand"},
        {DEFAULT,     "user a on (~x"           },
        {DEFAULT,     "alice on"                },
        {DEFAULT,     "user a on\nuser b on"    },
        {DEFAULT,     "user default on nopass"  },
        {"user a on", "user b on"               },
        {DEFAULT,     "user"                    },
        {"",          ""                        },
        {DEFAULT,     "user a on #abc"          },
    };

    gives(1, ":0\r\n", DEFAULT, "user keep on nopass +@all");
    for (size_t i = 0; i < countof(lines); i++) {
        cr_assert_eq(give(9, lines[i], 2)[0], '-', "row %zu", i);
        says(&f, "ACL USERS", "*2\r\n$7\r\ndefault\r\n$4\r\nkeep\r\n");
        cr_assert_eq(f.engine.users.epoch, 1);
    }
    cr_assert_str_eq(resp_ask_of(&f, &owner, "LARDER.USERS x a"),
                     "-ERR the epoch must be a number above 0\r\n");
}

/* Each row: how alice's line is afterwards, and whether the connection that gave her password "p"
 * stays. */
Test(cmd_users, who_could_not_come_again_may_not_stay)
{
    static const struct {
        const char *line;
        bool stays;
    } rows[] = {
        {"user alice on >p +get",        true },
        {"user alice on >p >q +@all ~*", true },
        {"user alice on nopass",         true },
        {"user alice on >q",             false},
        {"user alice off >p",            false},
        {"user alice on iam",            false},
        {"user bob on >p",               false},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        const char *before[] = {DEFAULT, "user alice on >p +@all ~*"};
        const char *after[] = {DEFAULT, rows[i].line};
        struct resp_client alice, other;

        give((int)(2 * i + 1), before, 2);
        resp_client_open(&f, &alice, false);
        resp_client_open(&f, &other, false);
        cr_assert_str_eq(resp_ask_of(&f, &alice, "AUTH alice p"), "+OK\r\n");
        cr_assert_str_eq(give((int)(2 * i + 2), after, 2), rows[i].stays ? ":0\r\n" : ":1\r\n",
                         "row %zu", i);
        cr_assert_eq(alice.is_killed, !rows[i].stays, "row %zu", i);
        cr_assert_not(other.is_killed);
        resp_client_close(&f, &alice);
        resp_client_close(&f, &other);
    }
}

Test(cmd_users, who_needed_no_password_goes_when_one_is_asked_for)
{
    gives(1, ":2\r\n", "user default on >p ~* &* +@all");
    cr_assert(c.is_killed && f.main.is_killed);
    cr_assert_not(owner.is_killed);
}

Test(cmd_users, two_tokens_are_good_while_they_rotate)
{
    struct resp_client fresh;

    cr_assert_str_eq(resp_ask_of(&f, &owner, "CONFIG SET requirepass one"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &owner, "ACL SETUSER default >two"), "+OK\r\n");
    resp_client_open(&f, &fresh, false);
    cr_assert_str_eq(resp_ask_of(&f, &fresh, "AUTH one"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &fresh, "AUTH two"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &owner, "CONFIG SET requirepass two"), "+OK\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &fresh, "AUTH default two"), "+OK\r\n");
    cr_assert(strstr(resp_ask_of(&f, &fresh, "AUTH one"), "-WRONGPASS"));
    cr_assert_not(fresh.is_killed);
    cr_assert_str_eq(resp_ask_of(&f, &owner, "CONFIG GET requirepass"),
                     "*2\r\n$11\r\nrequirepass\r\n$3\r\ntwo\r\n");
    resp_client_close(&f, &fresh);
}

Test(cmd_users, a_password_that_is_good_no_more_is_shown_no_more)
{
    cr_assert_str_eq(resp_ask_of(&f, &owner, "CONFIG SET requirepass one"), "+OK\r\n");
    gives(1, ":2\r\n", "user default on >one >two ~* &* +@all");
    cr_assert(strstr(resp_ask_of(&f, &owner, "CONFIG GET requirepass"), "one"));
    gives(2, ":0\r\n", "user default on >two ~* &* +@all");
    cr_assert_str_eq(resp_ask_of(&f, &owner, "CONFIG GET requirepass"),
                     "*2\r\n$11\r\nrequirepass\r\n$0\r\n\r\n");
}
