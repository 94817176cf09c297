#include "acl_fixture.h"

/* What a user of these rules is shown as. */
static void shows(const char *rules, const char *text)
{
    struct acl_fixture f;

    acl_open(&f);
    acl_set(&f, "u", rules);
    cr_assert_str_eq(acl_text(&f, "u"), text, "%s: %s", rules, acl_text(&f, "u"));
    acl_close(&f);
}

static void fails(const char *rules, const char *sentence)
{
    struct acl_fixture f;

    acl_open(&f);
    const char *why = acl_line(&f, "u", rules);
    cr_assert(strstr(why, sentence), "%s: %s", rules, why);
    acl_close(&f);
}

#define OFF "off sanitize-payload "

Test(selector, commands_are_shown_in_the_order_of_their_rules)
{
    shows("", OFF "resetchannels -@all");
    shows("+@all", OFF "resetchannels +@all");
    shows("allcommands -get -set", OFF "resetchannels +@all -get -set");
    shows("+get +set -get", OFF "resetchannels -@all +set -get");
    shows("+GET", OFF "resetchannels -@all +get");
    shows("+@read -@STRING", OFF "resetchannels -@all +@read -@string");
    shows("+get -@all +set", OFF "resetchannels -@all +set");
    shows("-@all +@all", OFF "resetchannels +@all");
}

Test(selector, a_whole_command_takes_the_rules_of_its_parts_away)
{
    shows("+config|get +config|set -config", OFF "resetchannels -@all -config");
    shows("-config +config|get", OFF "resetchannels -@all -config +config|get");
    shows("+client +client|id", OFF "resetchannels -@all +client +client|id");
}

Test(selector, first_arguments_are_for_commands_without_subcommands)
{
    shows("+select|0 +select|1", OFF "resetchannels -@all +select|0 +select|1");
    fails("+config|nosuch", "Unknown command or category name in ACL");
    fails("-select|0", "Unknown command or category name in ACL");
    fails("+select|", "Syntax error");
    fails("+config|get|dir", "Allowing first-arg of a subcommand is not supported");
    fails("+nosuch|a", "Unknown command or category name in ACL");
}

Test(selector, keys_may_be_read_or_written_or_both)
{
    shows("~a* %R~b %W~c %RW~d %wr~e", OFF "~a* %R~b %W~c ~d ~e resetchannels -@all");
    shows("%R~a %W~a", OFF "~a resetchannels -@all");
    shows("~a ~a", OFF "~a resetchannels -@all");
    shows("~a allkeys", OFF "~* resetchannels -@all");
    shows("~* resetkeys ~b", OFF "~b resetchannels -@all");
    fails("~* ~a", "Adding a pattern after the * pattern (or the 'allkeys' flag)");
    fails("%~a", "Syntax error");
    fails("%X~a", "Syntax error");
    fails("%RR~a", "Syntax error");
    fails("~a\tb", "Syntax error");
}

Test(selector, channels_are_patterns_too)
{
    shows("&news.* &x", OFF "resetchannels &news.* &x -@all");
    shows("&news.* allchannels", OFF "&* -@all");
    fails("&* &a", "Adding a pattern after the * pattern (or the 'allchannels' flag)");
}

Test(selector, nonsense_is_refused)
{
    fails("+", "Syntax error");
    fails("+@nosuch", "Unknown command or category name in ACL");
    fails("~*x y", "Syntax error");
    fails("!short", "The password hash must be exactly 64 characters");
}
