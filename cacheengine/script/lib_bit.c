/* The library `bit`: operations on 32 bits, with the semantics of LuaJIT's. */
#include "cacheengine/script/internal.h"

#include <string.h>

/* A number modulo 2^32, halves to even: adding 2^52 + 2^51 leaves the integer in the low bits. */
static uint32_t bits_of(lua_State *lua, int arg)
{
    double n = luaL_checknumber(lua, arg) + 6755399441055744.0;
    uint64_t raw;

    memcpy(&raw, &n, sizeof(raw));
    return (uint32_t)raw;
}

static int give(lua_State *lua, uint32_t v)
{
    lua_pushnumber(lua, (int32_t)v);
    return 1;
}

static int bit_tobit(lua_State *lua)
{
    return give(lua, bits_of(lua, 1));
}

static int bit_bnot(lua_State *lua)
{
    return give(lua, ~bits_of(lua, 1));
}

static int bit_band(lua_State *lua)
{
    uint32_t v = bits_of(lua, 1);

    for (int i = lua_gettop(lua); i > 1; i--)
        v &= bits_of(lua, i);
    return give(lua, v);
}

static int bit_bor(lua_State *lua)
{
    uint32_t v = bits_of(lua, 1);

    for (int i = lua_gettop(lua); i > 1; i--)
        v |= bits_of(lua, i);
    return give(lua, v);
}

static int bit_bxor(lua_State *lua)
{
    uint32_t v = bits_of(lua, 1);

    for (int i = lua_gettop(lua); i > 1; i--)
        v ^= bits_of(lua, i);
    return give(lua, v);
}

static int bit_lshift(lua_State *lua)
{
    return give(lua, bits_of(lua, 1) << (bits_of(lua, 2) & 31));
}

static int bit_rshift(lua_State *lua)
{
    return give(lua, bits_of(lua, 1) >> (bits_of(lua, 2) & 31));
}

static int bit_arshift(lua_State *lua)
{
    return give(lua, (uint32_t)((int32_t)bits_of(lua, 1) >> (bits_of(lua, 2) & 31)));
}

static int bit_rol(lua_State *lua)
{
    uint32_t v = bits_of(lua, 1), by = bits_of(lua, 2) & 31;

    return give(lua, v << by | v >> (-by & 31));
}

static int bit_ror(lua_State *lua)
{
    uint32_t v = bits_of(lua, 1), by = bits_of(lua, 2) & 31;

    return give(lua, v >> by | v << (-by & 31));
}

static int bit_bswap(lua_State *lua)
{
    return give(lua, __builtin_bswap32(bits_of(lua, 1)));
}

/* So many hexadecimal digits, in capitals where the number is negative. */
static int bit_tohex(lua_State *lua)
{
    uint32_t v = bits_of(lua, 1);
    int32_t wanted = lua_isnone(lua, 2) ? 8 : (int32_t)bits_of(lua, 2);
    const char *digits = wanted < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    uint32_t count = wanted < 0 ? -(uint32_t)wanted : (uint32_t)wanted;
    char text[8];

    if (count > sizeof(text))
        count = sizeof(text);
    for (uint32_t i = count; i > 0; i--, v >>= 4)
        text[i - 1] = digits[v & 15];
    lua_pushlstring(lua, text, count);
    return 1;
}

int lib_bit_open(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        {"tobit",   bit_tobit  },
        {"bnot",    bit_bnot   },
        {"band",    bit_band   },
        {"bor",     bit_bor    },
        {"bxor",    bit_bxor   },
        {"lshift",  bit_lshift },
        {"rshift",  bit_rshift },
        {"arshift", bit_arshift},
        {"rol",     bit_rol    },
        {"ror",     bit_ror    },
        {"bswap",   bit_bswap  },
        {"tohex",   bit_tohex  },
        {NULL,      NULL       },
    };

    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    return 1;
}
