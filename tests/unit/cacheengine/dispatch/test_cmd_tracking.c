#include "cacheengine/dispatch/tracking.h"
#include "dispatch_test.h"

Test(cmd_tracking, options_that_exclude_each_other_are_refused)
{
    static const struct {
        const char *line, *answer;
    } rows[] = {
        {"ON PREFIX a",                 "-ERR PREFIX option requires BCAST"                       },
        {"ON BCAST OPTIN",              "-ERR OPTIN and OPTOUT are not compatible"                },
        {"ON OPTIN OPTOUT",             "-ERR You can't specify both OPTIN"                       },
        {"ON REDIRECT 99",              "-ERR The client ID you want redirect to"                 },
        {"ON REDIRECT x",               "-ERR value is not an integer"                            },
        {"ON REDIRECT 1 REDIRECT 1",    "-ERR A client can only redirect to a single"             },
        {"ON REDIRECT",                 "-ERR syntax error"                                       },
        {"MAYBE",                       "-ERR syntax error"                                       },
        {"ON BCAST PREFIX ab PREFIX a",
         "-ERR Prefix 'ab' overlaps with another provided prefix 'a'."                            },
        {"ON OPTIN",                    "+OK"                                                     },
        {"ON OPTOUT",                   "-ERR You can't switch OPTIN/OPTOUT mode"                 },
        {"ON BCAST",                    "-ERR You can't switch BCAST mode on/off"                 },
        {"OFF",                         "+OK"                                                     },
        {"ON BCAST PREFIX foo",         "+OK"                                                     },
        {"ON BCAST PREFIX fo",          "-ERR Prefix 'fo' overlaps with an existing prefix 'foo'."},
        {"ON BCAST PREFIX bar",         "+OK"                                                     },
    };
    struct resp_fixture f;
    char line[80];

    resp_open(&f, NULL);
    for (size_t i = 0; i < countof(rows); i++) {
        snprintf(line, sizeof(line), "CLIENT TRACKING %s", rows[i].line);
        const char *said = resp_ask(&f, line);
        cr_assert_eq(strncmp(said, rows[i].answer, strlen(rows[i].answer)), 0, "%s: %s", line,
                     said);
    }
    says(&f, "CLIENT TRACKINGINFO",
         "*6\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$5\r\nbcast\r\n$8\r\nredirect\r\n:0\r\n"
         "$8\r\nprefixes\r\n*2\r\n$3\r\nbar\r\n$3\r\nfoo\r\n");
    shows(&f, "CLIENT INFO", "flags=tB ");
    shows(&f, "CLIENT INFO", " redir=0 ");
    says(&f, "RESET", "+RESET\r\n");
    shows(&f, "CLIENT INFO", " redir=-1 ");
    resp_close(&f);
}

Test(cmd_tracking, the_choice_is_shown_while_it_holds)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "CLIENT CACHING YES", "-ERR CLIENT CACHING can be called only when");
    resp_ask(&f, "CLIENT TRACKING ON OPTOUT");
    shows(&f, "CLIENT CACHING YES", "-ERR CLIENT CACHING YES is only valid");
    says(&f, "CLIENT CACHING NO", "+OK\r\n");
    shows(&f, "CLIENT TRACKINGINFO", "caching-no");
    resp_ask(&f, "PING");
    hides(&f, "CLIENT TRACKINGINFO", "caching-no");
    says(&f, "CLIENT CACHING x", "-ERR syntax error\r\n");
    resp_close(&f);
}

Test(cmd_tracking, the_owners_clients_are_no_targets)
{
    struct resp_client owner;
    struct resp_fixture f;
    char line[64];

    resp_open(&f, (const char *const[]){"larder-restricted yes", NULL});
    resp_client_open(&f, &owner, true);
    snprintf(line, sizeof(line), "CLIENT TRACKING ON REDIRECT %d", (int)owner.client.id);
    shows(&f, line, "-ERR The client ID you want redirect to does not exist");
    snprintf(line, sizeof(line), "CLIENT TRACKING ON REDIRECT %d", (int)f.main.client.id);
    cr_assert_str_eq(resp_ask_of(&f, &owner, line), "+OK\r\n");
    snprintf(line, sizeof(line), ":%d\r\n", (int)f.main.client.id);
    cr_assert_str_eq(resp_ask_of(&f, &owner, "CLIENT GETREDIR"), line);
    says(&f, "CLIENT GETREDIR", ":-1\r\n");
    resp_client_close(&f, &owner);
    resp_close(&f);
}
