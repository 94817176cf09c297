#include "script_fixture.h"

Test(lib_bit, operations_are_of_32_bits)
{
    static const struct {
        const char *expression, *value;
    } cases[] = {
        {"bit.tobit(0xffffffff)",              ":-1\r\n"           },
        {"bit.tobit(2^32 + 5)",                ":5\r\n"            },
        {"bit.bnot(0)",                        ":-1\r\n"           },
        {"bit.band(0xff, 0x0f, 0x3c)",         ":12\r\n"           },
        {"bit.bor(1, 2, 4)",                   ":7\r\n"            },
        {"bit.bxor(7, 2)",                     ":5\r\n"            },
        {"bit.lshift(1, 33)",                  ":2\r\n"            },
        {"bit.rshift(-1, 28)",                 ":15\r\n"           },
        {"bit.arshift(-256, 4)",               ":-16\r\n"          },
        {"bit.rol(0x12345678, 0)",             ":305419896\r\n"    },
        {"bit.tohex(bit.rol(0x12345678, 12))", "$8\r\n45678123\r\n"},
        {"bit.tohex(bit.ror(0x12345678, 12))", "$8\r\n67812345\r\n"},
        {"bit.tohex(bit.bswap(0x12345678))",   "$8\r\n78563412\r\n"},
        {"bit.tohex(0x21, 4)",                 "$4\r\n0021\r\n"    },
        {"bit.tohex(-1, -4)",                  "$4\r\nFFFF\r\n"    },
        {"bit.tohex(65535, -2147483648)",      "$8\r\n0000FFFF\r\n"},
    };
    struct script_fixture f;
    char text[96];

    script_open(&f, 8 << 20);
    for (size_t i = 0; i < countof(cases); i++) {
        snprintf(text, sizeof(text), "return %s", cases[i].expression);
        cr_expect_str_eq(script_ask(&f, text), cases[i].value, "%s", cases[i].expression);
    }
    script_close(&f);
}
