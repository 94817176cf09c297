/*
 * The library `cmsgpack`: values as MessagePack (msgpack.org), in the shortest form of each.
 *
 * A table whose keys are 1 to n is an array, any other a map. Binary strings and extensions are not
 * written, and not read.
 */
#include "cacheengine/script/internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define NESTING_MAX 16   /* tables in deeper ones are written as nil */
#define DEPTH_MAX   1000 /* of what is read */

/* ---- output ---- */

/* Bytes that grow, in memory of Lua's own: it goes when an error leaves, and is booked. */
struct output {
    lua_State *lua;
    int place; /* on the stack */
    char *bytes;
    size_t len, room;
};

static void output_begin(struct output *o, lua_State *lua)
{
    *o = (struct output){.lua = lua, .room = 256};
    o->bytes = lua_newuserdata(lua, o->room);
    o->place = lua_gettop(lua);
}

static void output_add(struct output *o, const void *bytes, size_t len)
{
    if (o->len + len > o->room) {
        size_t room = 2 * (o->len + len);
        char *fresh = lua_newuserdata(o->lua, room);

        memcpy(fresh, o->bytes, o->len);
        lua_replace(o->lua, o->place);
        o->bytes = fresh;
        o->room = room;
    }
    memcpy(o->bytes + o->len, bytes, len);
    o->len += len;
}

/* ---- packing ---- */

/* A tag, and a number in `size` bytes, high ones first. */
static void put(struct output *to, unsigned tag, uint64_t v, unsigned size)
{
    char bytes[9] = {(char)tag};

    for (unsigned i = 0; i < size; i++)
        bytes[1 + i] = (char)(v >> (8 * (size - 1 - i)));
    output_add(to, bytes, 1 + size);
}

/* A length behind the shortest tag that can say it: `fix` for less than `below`, then those for 1,
 * 2 and 4 bytes (0: there is none). */
static void put_length(struct output *to, size_t len, unsigned fix, size_t below,
                       const unsigned tags[3])
{
    if (len < below)
        put(to, fix | (unsigned)len, 0, 0);
    else if (len <= UINT8_MAX && tags[0])
        put(to, tags[0], len, 1);
    else if (len <= UINT16_MAX)
        put(to, tags[1], len, 2);
    else
        put(to, tags[2], len, 4);
}

static void put_integer(struct output *to, int64_t v)
{
    if (v >= 0) {
        if (v <= INT8_MAX)
            put(to, (unsigned)v, 0, 0);
        else if (v <= UINT8_MAX)
            put(to, 0xcc, (uint64_t)v, 1);
        else if (v <= UINT16_MAX)
            put(to, 0xcd, (uint64_t)v, 2);
        else if (v <= UINT32_MAX)
            put(to, 0xce, (uint64_t)v, 4);
        else
            put(to, 0xcf, (uint64_t)v, 8);
        return;
    }
    if (v >= -32)
        put(to, (unsigned)(v & 0xff), 0, 0);
    else if (v >= INT8_MIN)
        put(to, 0xd0, (uint64_t)v, 1);
    else if (v >= INT16_MIN)
        put(to, 0xd1, (uint64_t)v, 2);
    else if (v >= INT32_MIN)
        put(to, 0xd2, (uint64_t)v, 4);
    else
        put(to, 0xd3, (uint64_t)v, 8);
}

static void put_number(struct output *to, double n)
{
    float f = (float)n;
    uint32_t raw4;
    uint64_t raw;

    if (n == floor(n) && n >= -9223372036854775808.0 && n < 9223372036854775808.0) {
        put_integer(to, (int64_t)n);
    } else if ((double)f == n) {
        memcpy(&raw4, &f, sizeof(raw4));
        put(to, 0xca, raw4, 4);
    } else {
        memcpy(&raw, &n, sizeof(raw));
        put(to, 0xcb, raw, 8);
    }
}

/* The count of a table that is an array, or -1 - the count of its pairs. */
static int64_t shape_of(lua_State *lua, int table)
{
    int64_t count = 0;
    lua_Number most = 0;
    bool is_array = true;

    for (lua_pushnil(lua); lua_next(lua, table); lua_pop(lua, 1)) {
        lua_Number n = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;

        count++;
        is_array = is_array && n > 0 && n == floor(n);
        most = n > most ? n : most;
    }
    return is_array && most == (lua_Number)count ? count : -1 - count;
}

static void put_value(lua_State *lua, struct output *to, int level);

/* The table on top, which stays. */
static void put_table(lua_State *lua, struct output *to, int level)
{
    static const unsigned array_tags[] = {0, 0xdc, 0xdd}, map_tags[] = {0, 0xde, 0xdf};
    int table = lua_gettop(lua);
    int64_t shape = shape_of(lua, table);

    if (shape >= 0) {
        put_length(to, (size_t)shape, 0x90, 16, array_tags);
        for (int64_t i = 1; i <= shape; i++) {
            lua_rawgeti(lua, table, (int)i);
            put_value(lua, to, level + 1);
        }
        return;
    }
    put_length(to, (size_t)(-1 - shape), 0x80, 16, map_tags);
    lua_pushnil(lua);
    while (lua_next(lua, table)) {
        lua_pushvalue(lua, -2);
        put_value(lua, to, level + 1);
        put_value(lua, to, level + 1);
    }
}

/* Writes and pops the value on top. */
static void put_value(lua_State *lua, struct output *to, int level)
{
    static const unsigned text_tags[] = {0xd9, 0xda, 0xdb};
    struct str text;

    luaL_checkstack(lua, 6, "too many nested tables");
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
        text.ptr = lua_tolstring(lua, -1, &text.len);
        put_length(to, text.len, 0xa0, 32, text_tags);
        output_add(to, text.ptr, text.len);
        break;
    case LUA_TBOOLEAN: put(to, lua_toboolean(lua, -1) ? 0xc3 : 0xc2, 0, 0); break;
    case LUA_TNUMBER: put_number(to, lua_tonumber(lua, -1)); break;
    case LUA_TTABLE:
        if (level < NESTING_MAX)
            put_table(lua, to, level);
        else
            put(to, 0xc0, 0, 0);
        break;
    default: put(to, 0xc0, 0, 0);
    }
    lua_pop(lua, 1);
}

static int cmsgpack_pack(lua_State *lua)
{
    int count = lua_gettop(lua);
    struct output out;

    if (count == 0)
        return luaL_argerror(lua, 0, "MessagePack pack needs input.");
    if (!lua_checkstack(lua, 4))
        return luaL_argerror(lua, 0, "Too many arguments for MessagePack pack.");
    output_begin(&out, lua);
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(lua, i);
        put_value(lua, &out, 0);
    }
    lua_pushlstring(lua, out.bytes, out.len);
    return 1;
}

/* ---- unpacking ---- */

struct input {
    lua_State *lua;
    const char *at, *end;
};

static void need(const struct input *in, uint64_t bytes)
{
    if ((uint64_t)(in->end - in->at) < bytes)
        luaL_error(in->lua, "Missing bytes in input.");
}

static uint64_t take(struct input *in, unsigned size)
{
    uint64_t v = 0;

    need(in, size);
    for (unsigned i = 0; i < size; i++)
        v = v << 8 | (unsigned char)*in->at++;
    return v;
}

static void push_text(struct input *in, uint64_t len)
{
    need(in, len);
    lua_pushlstring(in->lua, in->at, (size_t)len);
    in->at += len;
}

static void push_float(struct input *in)
{
    uint32_t raw = (uint32_t)take(in, 4);
    float v;

    memcpy(&v, &raw, sizeof(v));
    lua_pushnumber(in->lua, v);
}

static void push_double(struct input *in)
{
    uint64_t raw = take(in, 8);
    double v;

    memcpy(&v, &raw, sizeof(v));
    lua_pushnumber(in->lua, v);
}

static void push_value(struct input *in, int depth);

static void push_array(struct input *in, uint64_t count, int depth)
{
    lua_newtable(in->lua);
    for (uint64_t i = 1; i <= count; i++) {
        push_value(in, depth + 1);
        lua_rawseti(in->lua, -2, (int)i);
    }
}

static void push_map(struct input *in, uint64_t count, int depth)
{
    lua_newtable(in->lua);
    while (count-- > 0) {
        push_value(in, depth + 1);
        push_value(in, depth + 1);
        lua_settable(in->lua, -3);
    }
}

static void push_fixed(struct input *in, unsigned tag, int depth)
{
    if (tag <= 0x7f)
        lua_pushnumber(in->lua, tag);
    else if (tag >= 0xe0)
        lua_pushnumber(in->lua, (lua_Number)tag - 256);
    else if (tag >= 0xa0 && tag <= 0xbf)
        push_text(in, tag & 31);
    else if (tag >= 0x90 && tag <= 0x9f)
        push_array(in, tag & 15, depth);
    else if (tag <= 0x8f)
        push_map(in, tag & 15, depth);
    else
        luaL_error(in->lua, "Bad data format in input.");
}

static void push_value(struct input *in, int depth)
{
    lua_State *lua = in->lua;
    unsigned tag = (unsigned)take(in, 1);

    if (depth > DEPTH_MAX)
        luaL_error(lua, "Bad data format in input.");
    luaL_checkstack(lua, 4, "too many nested values");
    switch (tag) {
    case 0xc0: lua_pushnil(lua); break;
    case 0xc2: lua_pushboolean(lua, 0); break;
    case 0xc3: lua_pushboolean(lua, 1); break;
    case 0xca: push_float(in); break;
    case 0xcb: push_double(in); break;
    case 0xcc: lua_pushnumber(lua, (lua_Number)take(in, 1)); break;
    case 0xcd: lua_pushnumber(lua, (lua_Number)take(in, 2)); break;
    case 0xce: lua_pushnumber(lua, (lua_Number)take(in, 4)); break;
    case 0xcf: lua_pushnumber(lua, (lua_Number)take(in, 8)); break;
    case 0xd0: lua_pushnumber(lua, (int8_t)take(in, 1)); break;
    case 0xd1: lua_pushnumber(lua, (int16_t)take(in, 2)); break;
    case 0xd2: lua_pushnumber(lua, (int32_t)take(in, 4)); break;
    case 0xd3: lua_pushnumber(lua, (lua_Number)(int64_t)take(in, 8)); break;
    case 0xd9: push_text(in, take(in, 1)); break;
    case 0xda: push_text(in, take(in, 2)); break;
    case 0xdb: push_text(in, take(in, 4)); break;
    case 0xdc: push_array(in, take(in, 2), depth); break;
    case 0xdd: push_array(in, take(in, 4), depth); break;
    case 0xde: push_map(in, take(in, 2), depth); break;
    case 0xdf: push_map(in, take(in, 4), depth); break;
    default: push_fixed(in, tag, depth);
    }
}

/* Unpacks `limit` values from `offset` on; with neither all there are. */
static int unpack(lua_State *lua, lua_Integer limit, lua_Integer offset)
{
    bool takes_all = limit == 0 && offset == 0;
    struct str text;
    int count = 0;

    text.ptr = luaL_checklstring(lua, 1, &text.len);
    lua_settop(lua, 1);
    if (offset < 0 || limit < 0)
        return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
                          (int)offset, (int)text.len);
    if ((size_t)offset > text.len)
        return luaL_error(lua, "Start offset %d greater than input length %d.", (int)offset,
                          (int)text.len);
    struct input in = {lua, text.ptr + offset, text.ptr + text.len};
    for (; in.at < in.end && (takes_all || count < limit); count++)
        push_value(&in, 0);
    if (takes_all)
        return count;
    luaL_checkstack(lua, 1, "too many values");
    lua_pushinteger(lua, in.at == in.end ? -1 : (lua_Integer)(in.at - text.ptr));
    lua_insert(lua, 2);
    return count + 1;
}

static int cmsgpack_unpack(lua_State *lua)
{
    return unpack(lua, 0, 0);
}

static int cmsgpack_unpack_one(lua_State *lua)
{
    return unpack(lua, 1, luaL_optinteger(lua, 2, 0));
}

static int cmsgpack_unpack_limit(lua_State *lua)
{
    return unpack(lua, luaL_checkinteger(lua, 2), luaL_optinteger(lua, 3, 0));
}

int lib_cmsgpack_open(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        {"pack",         cmsgpack_pack        },
        {"unpack",       cmsgpack_unpack      },
        {"unpack_one",   cmsgpack_unpack_one  },
        {"unpack_limit", cmsgpack_unpack_limit},
        {NULL,           NULL                 },
    };

    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    lua_pushliteral(lua, "cmsgpack");
    lua_setfield(lua, -2, "_NAME");
    lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
    lua_setfield(lua, -2, "_VERSION");
    lua_pushliteral(lua, "MessagePack C implementation for Lua");
    lua_setfield(lua, -2, "_DESCRIPTION");
    return 1;
}
