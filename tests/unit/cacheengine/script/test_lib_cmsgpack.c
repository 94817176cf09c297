#include "script_fixture.h"

static void setup(void);
static void teardown(void);
static struct script_fixture f;

TestSuite(lib_cmsgpack, .init = setup, .fini = teardown);

static void setup(void)
{
    script_open(&f, 8 << 20);
}

static void teardown(void)
{
    script_close(&f);
}

#define HEX \
    "local function hex(s) return (s:gsub('.', function(c) return string.format('%%02x', c:byte()) end)) end "

Test(lib_cmsgpack, each_value_has_its_shortest_form)
{
    static const struct {
        const char *value, *hex;
    } cases[] = {
        {"0",                  "00"                },
        {"127",                "7f"                },
        {"128",                "cc80"              },
        {"256",                "cd0100"            },
        {"65536",              "ce00010000"        },
        {"4294967296",         "cf0000000100000000"},
        {"-1",                 "ff"                },
        {"-33",                "d0df"              },
        {"-129",               "d1ff7f"            },
        {"-32769",             "d2ffff7fff"        },
        {"-2147483649",        "d3ffffffff7fffffff"},
        {"0.5",                "ca3f000000"        },
        {"0.1",                "cb3fb999999999999a"},
        {"nil",                "c0"                },
        {"true, false",        "c3c2"              },
        {"'ab'",               "a26162"            },
        {"{}",                 "90"                },
        {"{1, 2}",             "920102"            },
        {"{a = 1}",            "81a16101"          },
        {"{[1] = 1, [3] = 3}", "8201010303"        },
    };
    char text[256];

    for (size_t i = 0; i < countof(cases); i++) {
        snprintf(text, sizeof(text), HEX "return {ok = hex(cmsgpack.pack(%s))}", cases[i].value);
        const char *said = script_ask(&f, text);
        cr_expect(strncmp(said + 1, cases[i].hex, strlen(cases[i].hex)) == 0 &&
                      strlen(said) == strlen(cases[i].hex) + 3,
                  "%s: %s", cases[i].value, said);
    }
}

Test(lib_cmsgpack, values_come_back)
{
    answers(&f, "return cmsgpack.unpack(cmsgpack.pack({1, 'a', {true, -5}}))",
            "*3\r\n:1\r\n$1\r\na\r\n*2\r\n:1\r\n:-5\r\n");
    answers(&f, "return cmsgpack.unpack(cmsgpack.pack(string.rep('x', 300))):len()", ":300\r\n");
    answers(&f, "return {cmsgpack.unpack_one(cmsgpack.pack(1, 2))}", "*2\r\n:1\r\n:1\r\n");
    answers(&f, "return {cmsgpack.unpack_one(cmsgpack.pack(1, 2), 1)}", "*2\r\n:-1\r\n:2\r\n");
    answers(&f, "return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}",
            "*3\r\n:2\r\n:1\r\n:2\r\n");
}

Test(lib_cmsgpack, what_is_cut_off_or_endless_is_an_error)
{
    fails(&f, "cmsgpack.unpack('\\146\\1')", "Missing bytes in input.");
    fails(&f, "cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes in input.");
    fails(&f, "cmsgpack.unpack('\\193')", "Bad data format in input.");
    fails(&f, "cmsgpack.unpack(string.rep('\\145', 100000))", "Bad data format in input.");
    fails(&f, "cmsgpack.unpack_one('a', 5)", "Start offset 5 greater than input length 1.");
    fails(&f, "cmsgpack.pack()", "MessagePack pack needs input.");
    answers(&f, "local t = {} t[1] = t return cmsgpack.pack(t):len()", ":17\r\n");
}
