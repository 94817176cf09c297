#include "base/arena.h"
#include "base/buf.h"
#include "cli/commands/shorthand.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

/* The tree as text: {k=v,...}, [v,...], words in quotes. */
static void render(struct buf *out, const struct shorthand *s)
{
    if (s->kind == SHORTHAND_TEXT) {
        buf_printf(out, "'%s'", s->text);
        return;
    }
    buf_putc(out, s->kind == SHORTHAND_MAP ? '{' : '[');
    for (size_t i = 0; i < s->count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        if (s->kind == SHORTHAND_MAP)
            buf_printf(out, "%s=", s->keys[i]);
        render(out, &s->items[i]);
    }
    buf_putc(out, s->kind == SHORTHAND_MAP ? '}' : ']');
}

/* What aws-cli's parser makes of the same texts. */
Test(shorthand, reads_what_aws_cli_reads)
{
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"Key=a,Value=b",                                                     "{Key='a',Value='b'}"                  },
        {"Key=a",                                                             "{Key='a'}"                            },
        {"Key=",                                                              "{Key=''}"                             },
        {"Values=a,b,c",                                                      "{Values=['a','b','c']}"               },
        {"Name=n,Values=a,b,Other=x",                                         "{Name='n',Values=['a','b'],Other='x'}"},
        {"Values=[a,b]",                                                      "{Values=['a','b']}"                   },
        {"Values=[]",                                                         "{Values=[]}"                          },
        {"A={B=c,D=[e,f]},G=h",                                               "{A={B='c',D=['e','f']},G='h'}"        },
        {"Key=one two ,Value=x",                                              "{Key='one two',Value='x'}"            },
        {"Key='a,b',Value=\"c=d\"",                                           "{Key='a,b',Value='c=d'}"              },
        {"Key='it\\'s',Value=x",                                              "{Key='it's',Value='x'}"               },
        {"Key=a\\,b,Value=c",                                                 "{Key='a,b',Value='c'}"                },
        {"Key=a=b",                                                           "{Key='a=b'}"                          },
        {" Key = a , Value = b ",                                             "{Key='a',Value='b'}"                  },
        {"NodeGroupId=0001,NewReplicaCount=2,PreferredAvailabilityZones=a,b",
         "{NodeGroupId='0001',NewReplicaCount='2',PreferredAvailabilityZones=['a','b']}"                             },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        scoped(buf_fini) struct buf tree = BUF_EMPTY;
        struct shorthand s;
        struct err e = shorthand_parse(&a, rows[i].text, &s);
        cr_assert(not(err_failed(e)), "%s: %s", rows[i].text, e.why);
        render(&tree, &s);
        cr_expect(eq(str, (char *)buf_cstr(&tree), (char *)rows[i].tree));
    }
}

Test(shorthand, says_what_is_wrong_with_the_rest)
{
    static const char *const rows[] = {
        "",        "=",      "a",    "Key",   "Key=a,Key=b", "Key='a",
        "Key=\"a", "A={B=c", "A=[a", "A={B}", "A=[a]b",      "Key=a,=b",
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        struct shorthand s;
        struct err e = shorthand_parse(&a, rows[i], &s);
        cr_expect(eq(int, e.code, ERR_INVALID), "%s", rows[i]);
        cr_expect(ne(ptr, (void *)e.why, NULL));
    }
}

Test(shorthand, refuses_to_dig_without_end)
{
    scoped(arena_fini) struct arena a = {0};
    char text[2001] = "A=";
    struct shorthand s;

    memset(text + 2, '[', sizeof(text) - 3);
    cr_expect(eq(int, shorthand_parse(&a, text, &s).code, ERR_LIMIT));
}
