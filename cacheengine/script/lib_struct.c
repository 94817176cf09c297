/*
 * The library `struct`: values as bytes, by a format.
 *
 *     < >    low, high bytes first        !n     aligned to at most n bytes
 *     b B    1 byte, signed or not        h H l L  2 and 8 bytes; T as L
 *     in In  n bytes (4)                  f d    4 and 8 bytes of a float
 *     s      a string and a NUL           cn     n bytes; c0: as many as there are, or as the value
 *     x      a NUL; a space means nothing        in front says
 */
#include "cacheengine/script/internal.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define INTEGER_MAX_BYTES 32
#define NATIVE_ALIGN      8

/* What one walk over a format works with. */
struct format {
    const char *at;
    bool is_big_endian;
    uint32_t align;
};

struct item {
    char kind;
    size_t size;
    size_t gap; /* in front of it */
};

static size_t take_count(lua_State *lua, struct format *f, size_t usual)
{
    size_t n = 0;

    if (!isdigit((unsigned char)*f->at))
        return usual;
    for (; isdigit((unsigned char)*f->at); f->at++) {
        if (n > (INT_MAX - 9) / 10)
            luaL_error(lua, "integral size overflow");
        n = n * 10 + (size_t)(*f->at - '0');
    }
    return n;
}

static size_t size_of(lua_State *lua, struct format *f, char kind)
{
    size_t n;

    switch (kind) {
    case 'B':
    case 'b':
    case 'x': return 1;
    case 'H':
    case 'h': return 2;
    case 'f': return 4;
    case 'L':
    case 'l':
    case 'T':
    case 'd': return 8;
    case 'c': return take_count(lua, f, 1);
    case 'i':
    case 'I':
        n = take_count(lua, f, 4);
        if (n > INTEGER_MAX_BYTES)
            luaL_error(lua, "integral size %d is larger than limit of %d", (int)n,
                       INTEGER_MAX_BYTES);
        return n;
    default: return 0;
    }
}

/* Settings of the walk; false: it is none. */
static bool take_setting(lua_State *lua, struct format *f, char kind)
{
    size_t n;

    switch (kind) {
    case ' ': return true;
    case '>': f->is_big_endian = true; return true;
    case '<': f->is_big_endian = false; return true;
    case '!':
        n = take_count(lua, f, NATIVE_ALIGN);
        if (n == 0 || (n & (n - 1)) != 0)
            luaL_error(lua, "alignment %d is not a power of 2", (int)n);
        f->align = (uint32_t)n;
        return true;
    default: return false;
    }
}

/* The next item behind `len` bytes; false at the format's end. */
static bool next_item(lua_State *lua, struct format *f, size_t len, struct item *out)
{
    while (*f->at) {
        char kind = *f->at++;
        size_t size = size_of(lua, f, kind), align = size < f->align ? size : f->align;

        if (take_setting(lua, f, kind))
            continue;
        if (!strchr("bBhHlLTiIxfdsc", kind)) {
            lua_pushfstring(lua, "invalid format option '%c'", kind);
            luaL_argerror(lua, 1, lua_tostring(lua, -1));
        }
        *out = (struct item){.kind = kind, .size = size};
        if (kind != 'c' && align > 1)
            out->gap = (align - (len & (align - 1))) & (align - 1);
        return true;
    }
    return false;
}

/* ---- packing ---- */

static void put_number(luaL_Buffer *to, uint64_t v, size_t size, bool is_big_endian)
{
    char bytes[INTEGER_MAX_BYTES] = {0};

    for (size_t i = 0; i < size && i < sizeof(v); i++)
        bytes[is_big_endian ? size - 1 - i : i] = (char)(v >> (8 * i));
    luaL_addlstring(to, bytes, size);
}

static uint64_t integer_at(lua_State *lua, int arg)
{
    double n = luaL_checknumber(lua, arg);

    if (n < 0)
        return n > -9223372036854775808.0 ? (uint64_t)(int64_t)n : (uint64_t)INT64_MIN;
    return n < 18446744073709551616.0 ? (uint64_t)n : 0;
}

static uint64_t float_at(lua_State *lua, int arg, size_t size)
{
    double n = luaL_checknumber(lua, arg);
    float f = (float)n;
    uint64_t raw = 0;
    uint32_t raw4;

    if (size == sizeof(n)) {
        memcpy(&raw, &n, sizeof(raw));
        return raw;
    }
    memcpy(&raw4, &f, sizeof(raw4));
    return raw4;
}

/* Adds a string; how many bytes that were. */
static size_t put_string(lua_State *lua, luaL_Buffer *to, const struct item *item, int arg)
{
    size_t len, size;
    const char *text = luaL_checklstring(lua, arg, &len);

    size = item->size ? item->size : len;
    /* It is the next one that is named, as ever. */
    luaL_argcheck(lua, len >= size, arg + 1, "string too short");
    luaL_addlstring(to, text, size);
    if (item->kind == 's')
        luaL_addchar(to, 0);
    return size + (item->kind == 's');
}

static int struct_pack(lua_State *lua)
{
    struct format f = {.at = luaL_checkstring(lua, 1), .align = 1};
    struct item item;
    luaL_Buffer out;
    size_t len = 0;
    int arg = 2;

    lua_pushnil(lua); /* between the arguments and what the buffer keeps on the stack */
    luaL_buffinit(lua, &out);
    while (next_item(lua, &f, len, &item)) {
        for (size_t i = 0; i < item.gap; i++)
            luaL_addchar(&out, 0);
        len += item.gap;
        if (item.kind == 'x') {
            luaL_addchar(&out, 0);
        } else if (item.kind == 's' || item.kind == 'c') {
            item.size = put_string(lua, &out, &item, arg++);
        } else {
            bool is_float = item.kind == 'f' || item.kind == 'd';
            uint64_t v = is_float ? float_at(lua, arg, item.size) : integer_at(lua, arg);

            arg++;
            put_number(&out, v, item.size, f.is_big_endian);
        }
        len += item.size;
    }
    luaL_pushresult(&out);
    return 1;
}

/* ---- unpacking ---- */

static uint64_t take_number(const char *bytes, size_t size, bool is_big_endian)
{
    uint64_t v = 0;

    for (size_t i = 0; i < size; i++)
        v = v << 8 | (unsigned char)bytes[is_big_endian ? i : size - 1 - i];
    return v;
}

static void push_integer(lua_State *lua, uint64_t v, const struct item *item)
{
    if (isupper((unsigned char)item->kind)) {
        lua_pushnumber(lua, (lua_Number)v);
        return;
    }
    if (item->size > 0 && item->size < sizeof(v) && v >> (item->size * 8 - 1))
        v |= ~(uint64_t)0 << (item->size * 8);
    lua_pushnumber(lua, (lua_Number)(int64_t)v);
}

static void push_float(lua_State *lua, uint64_t raw, size_t size)
{
    uint32_t raw4 = (uint32_t)raw;
    double d;
    float f;

    if (size == sizeof(d)) {
        memcpy(&d, &raw, sizeof(d));
        lua_pushnumber(lua, d);
        return;
    }
    memcpy(&f, &raw4, sizeof(f));
    lua_pushnumber(lua, f);
}

/* Pushes a string that begins at `at`; how many bytes it takes. */
static size_t push_string(lua_State *lua, const struct item *item, struct str data, size_t at)
{
    size_t size = item->size;

    if (item->kind == 's') {
        const char *end = memchr(data.ptr + at, 0, data.len - at);

        if (!end)
            luaL_error(lua, "unfinished string in data");
        size = (size_t)(end - (data.ptr + at));
        lua_pushlstring(lua, data.ptr + at, size);
        return size + 1;
    }
    if (size == 0) {
        lua_Number said = lua_isnumber(lua, -1) ? lua_tonumber(lua, -1) : -1;

        if (!(said >= 0))
            luaL_error(lua, "format 'c0' needs a previous size");
        size = said < (lua_Number)INT64_MAX ? (size_t)said : SIZE_MAX;
        lua_pop(lua, 1);
        luaL_argcheck(lua, size <= data.len && at <= data.len - size, 2, "data string too short");
    }
    lua_pushlstring(lua, data.ptr + at, size);
    return size;
}

static int struct_unpack(lua_State *lua)
{
    struct format f = {.at = luaL_checkstring(lua, 1), .align = 1};
    struct item item;
    struct str data;
    int given;

    data.ptr = luaL_checklstring(lua, 2, &data.len);
    lua_Integer from = luaL_optinteger(lua, 3, 1);
    luaL_argcheck(lua, from > 0, 3, "offset must be 1 or greater");
    size_t at = (size_t)from - 1;
    lua_settop(lua, 2);
    while (next_item(lua, &f, at, &item)) {
        at += item.gap;
        luaL_argcheck(lua, item.size <= data.len && at <= data.len - item.size, 2,
                      "data string too short");
        luaL_checkstack(lua, 4, "too many results");
        if (item.kind == 's' || item.kind == 'c')
            item.size = push_string(lua, &item, data, at);
        else if (item.kind == 'f' || item.kind == 'd')
            push_float(lua, take_number(data.ptr + at, item.size, f.is_big_endian), item.size);
        else if (item.kind != 'x')
            push_integer(lua, take_number(data.ptr + at, item.size, f.is_big_endian), &item);
        at += item.size;
    }
    given = lua_gettop(lua) - 2;
    lua_pushnumber(lua, (lua_Number)at + 1);
    return given + 1;
}

static int struct_size(lua_State *lua)
{
    struct format f = {.at = luaL_checkstring(lua, 1), .align = 1};
    struct item item;
    size_t len = 0;

    while (next_item(lua, &f, len, &item)) {
        if (item.kind == 's')
            luaL_argerror(lua, 1, "option 's' has no fixed size");
        if (item.kind == 'c' && item.size == 0)
            luaL_argerror(lua, 1, "option 'c0' has no fixed size");
        len += item.gap + item.size;
    }
    lua_pushnumber(lua, (lua_Number)len);
    return 1;
}

int lib_struct_open(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        {"pack",   struct_pack  },
        {"unpack", struct_unpack},
        {"size",   struct_size  },
        {NULL,     NULL         },
    };

    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    return 1;
}
