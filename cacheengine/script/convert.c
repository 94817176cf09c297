/* Values of Lua and replies of commands, one made of the other. */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/script/internal.h"

#include <string.h>

/* ---- from replies ---- */

/* A walk over a reply. The engine made it, so it is whole and sound. */
struct walk {
    const char *at, *end;
};

static struct str take_line(struct walk *w)
{
    const char *cr = memchr(w->at, '\r', (size_t)(w->end - w->at));

    check(cr);
    struct str line = {w->at, (size_t)(cr - w->at)};
    w->at = cr + 2;
    return line;
}

static int64_t take_number(struct walk *w)
{
    struct str digits = take_line(w);
    int64_t v;

    check(number_parse_i64(digits.ptr, digits.len, &v));
    return v;
}

static struct str take_bytes(struct walk *w, int64_t len)
{
    struct str bytes = {w->at, (size_t)len};

    check(len >= 0 && w->end - w->at >= len + 2);
    w->at += len + 2;
    return bytes;
}

static void push(lua_State *lua, struct walk *w);

static void push_field(lua_State *lua, const char *name, struct str value)
{
    lua_createtable(lua, 0, 1);
    lua_pushstring(lua, name);
    lua_pushlstring(lua, value.ptr, value.len);
    lua_rawset(lua, -3);
}

static void push_error(lua_State *lua, struct str text)
{
    api_push_error(lua, (struct str){text.ptr - 1, text.len + 1});
    lua_pushliteral(lua, "ignore_error_stats_update");
    lua_pushboolean(lua, 1);
    lua_rawset(lua, -3);
}

static void push_bulk(lua_State *lua, struct walk *w)
{
    int64_t len = take_number(w);

    if (len < 0) {
        lua_pushboolean(lua, 0);
        return;
    }
    struct str bytes = take_bytes(w, len);
    lua_pushlstring(lua, bytes.ptr, bytes.len);
}

static void push_array(lua_State *lua, struct walk *w)
{
    int64_t count = take_number(w);

    if (count < 0) {
        lua_pushboolean(lua, 0);
        return;
    }
    lua_createtable(lua, count < INT32_MAX ? (int)count : 0, 0);
    for (int64_t i = 0; i < count; i++) {
        push(lua, w);
        lua_rawseti(lua, -2, (int)i + 1);
    }
}

static void push_map(lua_State *lua, struct walk *w, bool is_set)
{
    int64_t count = take_number(w);

    lua_createtable(lua, 0, 1);
    lua_pushstring(lua, is_set ? "set" : "map");
    lua_createtable(lua, 0, count < INT32_MAX ? (int)count : 0);
    for (int64_t i = 0; i < count; i++) {
        push(lua, w);
        if (is_set)
            lua_pushboolean(lua, 1);
        else
            push(lua, w);
        /* Null is no key. */
        if (lua_isnil(lua, -2))
            lua_pop(lua, 2);
        else
            lua_rawset(lua, -3);
    }
    lua_rawset(lua, -3);
}

static void push_double(lua_State *lua, struct str digits)
{
    double v = 0;

    if (!number_parse_double(digits, &v))
        v = __builtin_nan("");
    lua_createtable(lua, 0, 1);
    lua_pushliteral(lua, "double");
    lua_pushnumber(lua, v);
    lua_rawset(lua, -3);
}

static void push_verbatim(lua_State *lua, struct str text)
{
    lua_createtable(lua, 0, 1);
    lua_pushliteral(lua, "verbatim_string");
    lua_createtable(lua, 0, 2);
    lua_pushliteral(lua, "string");
    lua_pushlstring(lua, text.ptr + 4, text.len - 4);
    lua_rawset(lua, -3);
    lua_pushliteral(lua, "format");
    lua_pushlstring(lua, text.ptr, 3);
    lua_rawset(lua, -3);
    lua_rawset(lua, -3);
}

static void push(lua_State *lua, struct walk *w)
{
    luaL_checkstack(lua, 6, "the reply is too deep");
    check(w->at < w->end);
    switch (*w->at++) {
    case ':': lua_pushnumber(lua, (lua_Number)take_number(w)); break;
    case '$': push_bulk(lua, w); break;
    case '+': push_field(lua, "ok", take_line(w)); break;
    case '-': push_error(lua, take_line(w)); break;
    case '*':
    case '>': push_array(lua, w); break;
    case '%': push_map(lua, w, false); break;
    case '~': push_map(lua, w, true); break;
    case '_':
        take_line(w);
        lua_pushnil(lua);
        break;
    case '#': lua_pushboolean(lua, *take_line(w).ptr == 't'); break;
    case ',': push_double(lua, take_line(w)); break;
    case '(': push_field(lua, "big_number", take_line(w)); break;
    case '=': push_verbatim(lua, take_bytes(w, take_number(w))); break;
    case '|':
        /* Attributes say something of what follows, which is all that counts. */
        for (int64_t i = 2 * take_number(w); i > 0; i--) {
            push(lua, w);
            lua_pop(lua, 1);
        }
        push(lua, w);
        break;
    default: check(!"a reply of a kind that there is not");
    }
}

void convert_push(lua_State *lua, struct str in)
{
    struct walk w = {in.ptr, in.ptr + in.len};

    push(lua, &w);
}

/* ---- to replies ---- */

/* Pushes a member of the table on top, which stays where it is if it is of that type. */
static bool has_field(lua_State *lua, const char *name, int type)
{
    lua_pushstring(lua, name);
    lua_rawget(lua, -2);
    if (lua_type(lua, -1) == type)
        return true;
    lua_pop(lua, 1);
    return false;
}

/* A text for one line, with spaces for ends of line; it hangs from the value on top. */
static struct str line_on_top(lua_State *lua)
{
    struct str text;

    luaL_gsub(lua, lua_tostring(lua, -1), "\r", " ");
    luaL_gsub(lua, lua_tostring(lua, -1), "\n", " ");
    lua_replace(lua, -3);
    lua_pop(lua, 1);
    text.ptr = lua_tolstring(lua, -1, &text.len);
    return text;
}

static void reply_err_field(lua_State *lua, struct reply *to)
{
    const char *text = lua_tostring(lua, -1);

    reply_error(to, text);
    lua_pushliteral(lua, "ignore_error_stats_update");
    lua_rawget(lua, -3);
    /* A command's error was counted with the command. */
    if (lua_toboolean(lua, -1))
        to->errors--;
    lua_pop(lua, 2);
}

static bool reply_verbatim_field(lua_State *lua, struct reply *to)
{
    struct str text;

    if (!has_field(lua, "verbatim_string", LUA_TTABLE))
        return false;
    if (has_field(lua, "format", LUA_TSTRING)) {
        char format[4] = {' ', ' ', ' ', 0};
        size_t len;
        const char *given = lua_tolstring(lua, -1, &len);

        memcpy(format, given, len < 3 ? len : 3);
        lua_pop(lua, 1);
        if (has_field(lua, "string", LUA_TSTRING)) {
            text.ptr = lua_tolstring(lua, -1, &text.len);
            reply_verbatim(to, text, format);
            lua_pop(lua, 2);
            return true;
        }
    }
    lua_pop(lua, 1);
    return false;
}

static void reply_map_field(lua_State *lua, struct reply *to, uint8_t resp, bool is_set)
{
    struct reply_mark mark = reply_open(to);
    size_t count = 0;

    for (lua_pushnil(lua); lua_next(lua, -2); count++) {
        if (is_set) {
            lua_pop(lua, 1);
            lua_pushvalue(lua, -1);
            convert_reply(lua, to, resp);
        } else {
            lua_pushvalue(lua, -2);
            convert_reply(lua, to, resp);
            convert_reply(lua, to, resp);
        }
    }
    reply_close(to, mark, is_set ? '~' : '%', count);
    lua_pop(lua, 1);
}

static void reply_elements(lua_State *lua, struct reply *to, uint8_t resp)
{
    struct reply_mark mark = reply_open(to);
    int count = 0;

    for (;;) {
        lua_rawgeti(lua, -1, count + 1);
        if (lua_isnil(lua, -1))
            break;
        convert_reply(lua, to, resp);
        count++;
    }
    lua_pop(lua, 1);
    reply_close(to, mark, '*', (size_t)count);
}

static void reply_table(lua_State *lua, struct reply *to, uint8_t resp)
{
    if (has_field(lua, "err", LUA_TSTRING)) {
        reply_err_field(lua, to);
    } else if (has_field(lua, "ok", LUA_TSTRING)) {
        line_on_top(lua);
        reply_status(to, lua_tostring(lua, -1));
        lua_pop(lua, 1);
    } else if (has_field(lua, "double", LUA_TNUMBER)) {
        reply_double(to, lua_tonumber(lua, -1));
        lua_pop(lua, 1);
    } else if (has_field(lua, "big_number", LUA_TSTRING)) {
        reply_big_number(to, line_on_top(lua));
        lua_pop(lua, 1);
    } else if (reply_verbatim_field(lua, to)) {
        return;
    } else if (has_field(lua, "map", LUA_TTABLE)) {
        reply_map_field(lua, to, resp, false);
    } else if (has_field(lua, "set", LUA_TTABLE)) {
        reply_map_field(lua, to, resp, true);
    } else {
        reply_elements(lua, to, resp);
    }
}

static void reply_number(lua_State *lua, struct reply *to)
{
    double v = lua_tonumber(lua, -1);
    bool fits = v > -9223372036854775808.0 && v < 9223372036854775808.0;

    reply_int(to, fits ? (int64_t)v : INT64_MIN);
}

void convert_reply(lua_State *lua, struct reply *to, uint8_t resp)
{
    struct str text;

    if (!lua_checkstack(lua, 8)) {
        reply_error(to, "ERR reached lua stack limit");
        lua_pop(lua, 1);
        return;
    }
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
        text.ptr = lua_tolstring(lua, -1, &text.len);
        reply_bulk_str(to, text);
        break;
    case LUA_TNUMBER: reply_number(lua, to); break;
    case LUA_TTABLE: reply_table(lua, to, resp); break;
    case LUA_TBOOLEAN:
        if (resp == 3)
            reply_bool(to, lua_toboolean(lua, -1));
        else if (lua_toboolean(lua, -1))
            reply_int(to, 1);
        else
            reply_null(to);
        break;
    default: reply_null(to);
    }
    lua_pop(lua, 1);
}
