#include "base/arena.h"
#include "base/buf.h"
#include "contract/faults.h"
#include "controlplane/model/access_string.h"

#include <criterion/criterion.h>

#include <string.h>

Test(access_string, text_that_is_whole_is_kept_and_other_text_is_made_whole)
{
    static const struct {
        const char *given, *kept;
    } rows[] = {
        {"on ~* +@all",                                                           "on ~* +@all"           },
        {"off -@all",                                                             "off -@all"             },
        {"ON ~* +@ALL",                                                           "ON ~* +@ALL"           },
        {"on ~app::* -@all +@read +@hash +@bitmap +@geo -setbit -bitfield -hset",
         "on ~app::* -@all +@read +@hash +@bitmap +@geo -setbit -bitfield -hset"                          },
        {"on %R~a* %W~b* %RW~c* resetchannels &news allcommands -@dangerous",
         "on %R~a* %W~b* %RW~c* resetchannels &news allcommands -@dangerous"                              },
        {"on ~* +@all (~b* +get)",                                                "on ~* +@all (~b* +get)"},
        {"on nocommands +acl|whoami +select|0 -client|kill",
         "on nocommands +acl|whoami +select|0 -client|kill"                                               },
 /* normalised */
        {"~objects:*",                                                            "off ~objects:* -@all"  },
        {"~* on +@all",                                                           "on ~* +@all"           },
        {"on ~* +@all off",                                                       "off ~* +@all"          },
        {"on ~* +get",                                                            "on ~* -@all +get"      },
        {"+get ~*",                                                               "off -@all +get ~*"     },
        {" on\t~*  +@all ",                                                       "on ~* +@all"           },
        {"on",                                                                    "on -@all"              },
        {"on (~b* +get)",                                                         "on (~b* +get) -@all"   },
        {"on ( ~b* +get ) ~a",                                                    "on (~b* +get) ~a -@all"},
        {"on ~* (+get ~x clearsome)",                                             NULL                    },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const char *kept = NULL, *again = NULL;
        struct err e = access_string_read(&a, rows[i].given, &kept);

        cr_assert_eq(err_failed(e), rows[i].kept == NULL, "%s: %s", rows[i].given, e.why);
        if (!rows[i].kept)
            continue;
        cr_assert_str_eq(kept, rows[i].kept);
        cr_assert_not(err_failed(access_string_read(&a, kept, &again)));
        cr_assert_str_eq(again, kept); /* what is kept stays as it is */
    }
    arena_fini(&a);
}

Test(access_string, what_is_not_the_tenants_to_say_is_refused)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"on >secret ~* +@all",  "Rules about passwords are not allowed in an access string."            },
        {"on <secret",           "Rules about passwords are not allowed in an access string."            },
        {"on #0123",             "Rules about passwords are not allowed in an access string."            },
        {"on !0123",             "Rules about passwords are not allowed in an access string."            },
        {"on nopass",            "Rules about passwords are not allowed in an access string."            },
        {"on resetpass",         "Rules about passwords are not allowed in an access string."            },
        {"reset on",             "Rules about passwords are not allowed in an access string."            },
        {"on +nosuch",           "Invalid rule +nosuch in the access string: there is no such command."  },
        {"on -nosuch|x",         "Invalid rule -nosuch|x in the access string: there is no such command."},
        {"on +@nosuch",          "Invalid rule +@nosuch in the access string: there is no such category."},
        {"on +client|nosuch",
         "Invalid rule +client|nosuch in the access string: there is no such subcommand."                },
        {"on -select|0",
         "Invalid rule -select|0 in the access string: first arguments can only be allowed, one by "
         "one."                                                                                          },
        {"on +larder.users",
         "Invalid rule +larder.users in the access string: there is no such command."                    },
        {"on +config",           "Invalid rule +config in the access string: the command is restricted." },
        {"on +CONFIG|GET",
         "Invalid rule +CONFIG|GET in the access string: the command is restricted."                     },
        {"on +migrate",          "Invalid rule +migrate in the access string: the command is restricted."},
        {"on +acl|setuser",
         "Invalid rule +acl|setuser in the access string: the command is restricted."                    },
        {"on +cluster|addslots",
         "Invalid rule +cluster|addslots in the access string: the command is restricted."               },
        {"on -save",             "Invalid rule -save in the access string: the command is restricted."   },
        {"on ~* ~a",             "Invalid rule ~a in the access string: it follows a rule that allows all of "
                     "them."                                                         },
        {"on allchannels &a",    "Invalid rule &a in the access string: it follows a rule that allows "
                              "all of them."                                },
        {"on %X~a",              "Invalid rule %X~a in the access string: keys are given as ~pattern, "
                    "%R~pattern, %W~pattern or %RW~pattern."                          },
        {"on iam",               "Invalid rule iam in the access string: it is not known."               },
        {"on owner",             "Invalid rule owner in the access string: it is not known."             },
        {"on db=0,1",            "Invalid rule db=0,1 in the access string: it is not known."            },
        {"on +",                 "Invalid rule + in the access string: it is not known."                 },
        {"on (on +get)",         "Invalid rule on in the access string: it is not known."                },
        {"on ((+get))",          "Invalid rule (+get) in the access string: it is not known."            },
        {"on () +@all",          "A selector in the access string has no rules."                         },
        {"on (+get ~a",          "A parenthesis in the access string is never closed."                   },
        {"",                     "The access string must not be empty."                                  },
        {" \n",                  "The access string must not be empty."                                  },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const char *kept = NULL;
        struct err e = access_string_read(&a, rows[i].text, &kept);

        cr_assert_eq(e.code, FAULT_INVALID_PARAMETER_VALUE, "%s", rows[i].text);
        cr_assert_str_eq(e.why, rows[i].why);
    }
    arena_fini(&a);
}

Test(access_string, length_is_limited)
{
    struct arena a = {0};
    const char *kept;
    char *text = arena_zalloc(&a, ACCESS_STRING_MAX + 2);

    memset(text, 'x', ACCESS_STRING_MAX + 1);
    memcpy(text, "on +@all ~", 10);
    cr_assert_eq(access_string_read(&a, text, &kept).code, FAULT_INVALID_PARAMETER_VALUE);
    text[ACCESS_STRING_MAX] = '\0';
    cr_assert_not(err_failed(access_string_read(&a, text, &kept)));
    arena_fini(&a);
}

Test(access_string, rules_of_newer_engines_need_them)
{
    cr_assert_str_eq(access_string_since("on ~* +@all"), "6.0");
    cr_assert_str_eq(access_string_since("on ~* &a +@all"), "6.2");
    cr_assert_str_eq(access_string_since("on ~* allchannels +@all +config|get"), "6.2");
    cr_assert_str_eq(access_string_since("on &a %R~* +@all"), "7.0");
    cr_assert_str_eq(access_string_since("on ~* +@all (~a +get)"), "7.0");
    cr_assert_str_eq(access_string_since("on clearselectors +@all"), "7.0");
    cr_assert_str_eq(access_string_since("on +@all -client|kill"), "7.0");
}

static const char *rules(struct arena *a, const char *text, bool is_bundled)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    access_string_rules(str_of(text), is_bundled, &out);
    return str_dup(a, buf_str(&out));
}

Test(access_string, engines_are_told_what_is_given_less_what_is_the_owners)
{
    static const struct {
        const char *text, *rules;
    } rows[] = {
        {"on ~* -@all +get",                            "on ~* -@all +get"                                              },
        {"on ~* -@all +@read +@hash",                   "on ~* -@all +@read +@hash"                                     },
        {"on ~* -@all +acl",                            "on ~* -@all +acl -acl|deluser -acl|load -acl|save -acl|setuser"},
        {"on &a -@all +get",                            "resetchannels on &a -@all +get"                                },
        {"on &* -@all +get",                            "on &* -@all +get"                                              },
        {"on -@all (+get ~a) (+acl ~b)",
         "on -@all (+get ~a) (+acl ~b -acl|deluser -acl|load -acl|save -acl|setuser)"                                   },
        {"on (+get ~a) clearselectors -@all (+set ~b)", "on -@all (+set ~b)"                                            },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_str_eq(rules(&a, rows[i].text, true), rows[i].rules);
    arena_fini(&a);
}

Test(access_string, every_command_that_is_forbidden_is_taken_back_from_who_may_all)
{
    static const char *const names[] = {"acl|deluser",  "acl|load", "acl|save",      "acl|setuser",
                                        "bgrewriteaof", "bgsave",   "cluster|links", "config",
                                        "debug",        "psync",    "replicaof",     "save",
                                        "slaveof",      "shutdown", "sync"};
    static const char *const elsewhere[] = {"cluster|addslots", "cluster|setslot", "migrate",
                                            "cluster|set-config-epoch"};
    struct arena a = {0};
    const char *own = rules(&a, "on ~* +@all", true);
    const char *others = rules(&a, "on ~* +@all", false);

    for (size_t i = 0; i < countof(names); i++) {
        const char *word = arena_printf(&a, " -%s", names[i]);
        cr_assert(strstr(own, word), "%s is not in %s", word, own);
        cr_assert(strstr(others, word));
    }
    for (size_t i = 0; i < countof(elsewhere); i++) {
        const char *word = arena_printf(&a, " -%s", elsewhere[i]);
        cr_assert_not(strstr(own, word)); /* the bundled engine has no such command */
        cr_assert(strstr(others, word));
    }
    cr_assert(strstr(rules(&a, "on ~* -@all +@dangerous", true), " -config"));
    arena_fini(&a);
}
