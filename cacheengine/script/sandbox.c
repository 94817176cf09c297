/*
 * What scripts can reach: the libraries without files, processes and compiled code, in tables that
 * they cannot change.
 *
 * Lua 5.1 has no tables that are read-only. The one idea: a script is given an empty table in the
 * place of each, whose metatable finds everything in the real one and refuses what is written; the
 * few functions that go past metatables (rawset, next, table.insert ...) are ours and know both.
 */
#include "cacheengine/script/internal.h"

#include <lua-cjson.h>
#include <lualib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The key under which the metatable of a locked table has the real one. */
static const char lock_mark;

/* Longer patterns are refused: what matches them recurses once for each of their items. */
#define PATTERN_MAX 20000

static int refuse_write(lua_State *lua)
{
    return luaL_error(lua, "Attempt to modify a readonly table");
}

/* The same from within a function that goes past metatables. */
static int refuse_raw_write(lua_State *lua)
{
    lua_pushliteral(lua, "Attempt to modify a readonly table");
    return lua_error(lua);
}

static int refuse_unknown(lua_State *lua)
{
    lua_settop(lua, 2);
    if (!lua_isstring(lua, 2))
        return luaL_error(lua,
                          "Second argument to luaProtectedTableError must be a string or number");
    return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                      lua_tostring(lua, 2));
}

/* Gives the table on top a metatable in which names that are not there are an error. */
static void make_strict(lua_State *lua)
{
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, refuse_unknown);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
}

void sandbox_lock(lua_State *lua, bool is_strict)
{
    if (is_strict)
        make_strict(lua);
    lua_newtable(lua);
    lua_createtable(lua, 0, 3);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_write);
    lua_setfield(lua, -2, "__newindex");
    lua_pushlightuserdata(lua, (void *)(uintptr_t)&lock_mark);
    lua_pushvalue(lua, -4);
    lua_rawset(lua, -3);
    lua_setmetatable(lua, -2);
    lua_remove(lua, -2);
}

bool sandbox_unlock(lua_State *lua, int index)
{
    if (!lua_istable(lua, index) || !lua_getmetatable(lua, index))
        return false;
    lua_pushlightuserdata(lua, (void *)(uintptr_t)&lock_mark);
    lua_rawget(lua, -2);
    lua_remove(lua, -2);
    if (lua_istable(lua, -1))
        return true;
    lua_pop(lua, 1);
    return false;
}

/* ---- functions that go past metatables ---- */

static lua_CFunction original(lua_State *lua)
{
    return lua_tocfunction(lua, lua_upvalueindex(1));
}

/* rawset, setmetatable, table.insert and their kin: all change their first argument. */
static int changing(lua_State *lua)
{
    if (sandbox_unlock(lua, 1))
        return refuse_raw_write(lua);
    return original(lua)(lua);
}

/* rawget, table.foreach and their kin: all read their first argument. */
static int reading(lua_State *lua)
{
    if (sandbox_unlock(lua, 1))
        lua_replace(lua, 1);
    return original(lua)(lua);
}

static int base_next(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    if (sandbox_unlock(lua, 1))
        lua_replace(lua, 1);
    if (lua_next(lua, 1))
        return 2;
    lua_pushnil(lua);
    return 1;
}

static int base_pairs(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_pushvalue(lua, lua_upvalueindex(1)); /* next: ours for locked ones, else Lua's own */
    if (sandbox_unlock(lua, 1)) {
        lua_pop(lua, 2);
        lua_pushvalue(lua, lua_upvalueindex(2));
    }
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

static int base_getmetatable(lua_State *lua)
{
    luaL_checkany(lua, 1);
    if (sandbox_unlock(lua, 1)) {
        bool is_strict = lua_getmetatable(lua, -1);

        if (!is_strict)
            lua_pushnil(lua);
        else
            sandbox_lock(lua, false);
        return 1;
    }
    if (lua_type(lua, 1) == LUA_TSTRING && lua_getmetatable(lua, 1)) {
        sandbox_lock(lua, false);
        return 1;
    }
    return original(lua)(lua);
}

/* Of a thread as a whole the environment stays: others run in it too. */
static int base_setfenv(lua_State *lua)
{
    if (lua_isnumber(lua, 1) && lua_tointeger(lua, 1) == 0)
        return luaL_error(lua, "'setfenv' cannot change environment of given object");
    return original(lua)(lua);
}

/* ---- compiling ---- */

static int load_into(lua_State *lua, struct str text, const char *chunk)
{
    if (machine_load_text(lua, text, chunk) == 0)
        return 1;
    lua_pushnil(lua);
    lua_insert(lua, -2);
    return 2;
}

static int base_loadstring(lua_State *lua)
{
    struct str text;

    text.ptr = luaL_checklstring(lua, 1, &text.len);
    return load_into(lua, text, luaL_optstring(lua, 2, text.ptr));
}

static int base_load(lua_State *lua)
{
    const char *chunk = luaL_optstring(lua, 2, "=(load)");
    luaL_Buffer all;
    struct str text;

    luaL_checktype(lua, 1, LUA_TFUNCTION);
    lua_settop(lua, 2);
    luaL_buffinit(lua, &all);
    for (;;) {
        lua_pushvalue(lua, 1);
        lua_call(lua, 0, 1);
        if (lua_isnil(lua, -1) || (lua_isstring(lua, -1) && lua_objlen(lua, -1) == 0))
            break;
        if (!lua_isstring(lua, -1))
            return luaL_error(lua, "reader function must return a string");
        luaL_addvalue(&all);
    }
    lua_pop(lua, 1);
    luaL_pushresult(&all);
    text.ptr = lua_tolstring(lua, -1, &text.len);
    return load_into(lua, text, chunk);
}

/* ---- errors ---- */

/* pcall, which gives the words of an error that redis.call raised as a table; what ends a killed
 * script it lets pass. */
static int base_pcall(lua_State *lua)
{
    const struct machine *m = machine_of(lua);

    luaL_checkany(lua, 1);
    int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
    if (status == 0) {
        lua_pushboolean(lua, 1);
        lua_insert(lua, 1);
        return lua_gettop(lua);
    }
    if (m->run && m->run->is_killed)
        return lua_error(lua);
    if (lua_istable(lua, -1)) {
        lua_pushliteral(lua, "err");
        lua_rawget(lua, -2);
        if (!lua_isstring(lua, -1))
            lua_pop(lua, 1);
    }
    lua_pushboolean(lua, 0);
    lua_insert(lua, -2);
    return 2;
}

/* ---- numbers by chance ---- */

#define RANDOM_MAX 0x7fffffff

static int math_random(lua_State *lua)
{
    struct machine *m = machine_of(lua);
    double r = (double)(nrand48(m->random) % RANDOM_MAX) / RANDOM_MAX;
    int low = 1, high;

    switch (lua_gettop(lua)) {
    case 0: lua_pushnumber(lua, r); return 1;
    case 1:
        high = luaL_checkint(lua, 1);
        luaL_argcheck(lua, 1 <= high, 1, "interval is empty");
        break;
    case 2:
        low = luaL_checkint(lua, 1);
        high = luaL_checkint(lua, 2);
        luaL_argcheck(lua, low <= high, 2, "interval is empty");
        break;
    default: return luaL_error(lua, "wrong number of arguments");
    }
    lua_pushnumber(lua, floor(r * ((double)high - low + 1)) + low);
    return 1;
}

static int math_randomseed(lua_State *lua)
{
    struct machine *m = machine_of(lua);
    unsigned seed = (unsigned)luaL_checkint(lua, 1);

    m->random[0] = 0x330e;
    m->random[1] = (unsigned short)seed;
    m->random[2] = (unsigned short)(seed >> 16);
    return 0;
}

/* ---- patterns ---- */

static int matching(lua_State *lua)
{
    if (lua_type(lua, 2) == LUA_TSTRING && lua_objlen(lua, 2) > PATTERN_MAX)
        return luaL_error(lua, "pattern too complex");
    return original(lua)(lua);
}

/* ---- building ---- */

static const struct {
    const char *name;
    lua_CFunction open;
} libraries[] = {
    {"",              luaopen_base     },
    {LUA_TABLIBNAME,  luaopen_table    },
    {LUA_STRLIBNAME,  luaopen_string   },
    {LUA_MATHLIBNAME, luaopen_math     },
    {LUA_OSLIBNAME,   luaopen_os       },
    {"cjson",         luaopen_cjson    },
    {"bit",           lib_bit_open     },
    {"struct",        lib_struct_open  },
    {"cmsgpack",      lib_cmsgpack_open},
};

/* Functions in front of others; of what table, NULL: the globals. */
static const struct {
    const char *table, *name;
    lua_CFunction ours;
} wrapped[] = {
    {NULL,     "rawset",       changing         },
    {NULL,     "setmetatable", changing         },
    {NULL,     "rawget",       reading          },
    {NULL,     "getmetatable", base_getmetatable},
    {NULL,     "setfenv",      base_setfenv     },
    {NULL,     "loadstring",   base_loadstring  },
    {NULL,     "load",         base_load        },
    {NULL,     "pcall",        base_pcall       },
    {"table",  "insert",       changing         },
    {"table",  "remove",       changing         },
    {"table",  "sort",         changing         },
    {"table",  "foreach",      reading          },
    {"math",   "random",       math_random      },
    {"math",   "randomseed",   math_randomseed  },
    {"string", "find",         matching         },
    {"string", "match",        matching         },
    {"string", "gmatch",       matching         },
    {"string", "gfind",        matching         },
    {"string", "gsub",         matching         },
};

static const char *const hidden[] = {"dofile",   "loadfile", "print",
                                     "newproxy", "require",  "module"};

static void open_libraries(lua_State *lua)
{
    for (size_t i = 0; i < countof(libraries); i++) {
        lua_pushcfunction(lua, libraries[i].open);
        lua_pushstring(lua, libraries[i].name);
        lua_call(lua, 1, 1);
        /* Some make themselves known, some only return what they have. */
        if (*libraries[i].name)
            lua_setglobal(lua, libraries[i].name);
        lua_settop(lua, 0);
    }
}

static void wrap_functions(lua_State *lua)
{
    for (size_t i = 0; i < countof(wrapped); i++) {
        lua_pushvalue(lua, LUA_GLOBALSINDEX);
        if (wrapped[i].table)
            lua_getfield(lua, -1, wrapped[i].table);
        lua_getfield(lua, -1, wrapped[i].name);
        lua_pushcclosure(lua, wrapped[i].ours, 1);
        lua_setfield(lua, -2, wrapped[i].name);
        lua_settop(lua, 0);
    }
    lua_getglobal(lua, "next");
    lua_pushcfunction(lua, base_next);
    lua_pushvalue(lua, -1);
    lua_setglobal(lua, "next");
    lua_pushcclosure(lua, base_pairs, 2);
    lua_setglobal(lua, "pairs");
}

static void hide_the_rest(lua_State *lua)
{
    for (size_t i = 0; i < countof(hidden); i++) {
        lua_pushnil(lua);
        lua_setglobal(lua, hidden[i]);
    }
    /* Of the system only its clock. */
    lua_getglobal(lua, LUA_OSLIBNAME);
    lua_createtable(lua, 0, 1);
    lua_getfield(lua, -2, "clock");
    lua_setfield(lua, -2, "clock");
    lua_setglobal(lua, LUA_OSLIBNAME);
    lua_settop(lua, 0);
}

/* Locks the tables in the globals, but not those themselves. */
static void lock_tables(lua_State *lua)
{
    static const char *const tables[] = {"string", "table",  "math",     "os",        "cjson",
                                         "bit",    "struct", "cmsgpack", "coroutine", "redis"};

    for (size_t i = 0; i < countof(tables); i++) {
        lua_getglobal(lua, tables[i]);
        sandbox_lock(lua, false);
        lua_setglobal(lua, tables[i]);
    }
    lua_getglobal(lua, "redis");
    lua_setglobal(lua, "server");
    /* Methods of strings are found in the locked table too. */
    lua_pushliteral(lua, "");
    lua_getmetatable(lua, -1);
    lua_getglobal(lua, "string");
    lua_setfield(lua, -2, "__index");
    lua_settop(lua, 0);
}

/* What the text of a library sees while it loads. */
static void build_loading(struct machine *m, lua_State *lua)
{
    lua_createtable(lua, 0, 2);
    api_push(m, lua, true);
    sandbox_lock(lua, true);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, "redis");
    lua_setfield(lua, -2, "server");
    make_strict(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, REGISTRY_LOADING);
}

void sandbox_narrow(lua_State *lua, bool is_loading)
{
    lua_getfield(lua, LUA_REGISTRYINDEX, REGISTRY_SANDBOX);
    lua_getmetatable(lua, -1);
    lua_getfield(lua, LUA_REGISTRYINDEX, is_loading ? REGISTRY_LOADING : REGISTRY_GLOBALS);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 2);
}

void sandbox_build(struct machine *m, lua_State *lua)
{
    lua_settop(lua, 0);
    open_libraries(lua);
    wrap_functions(lua);
    hide_the_rest(lua);
    api_push(m, lua, false);
    lua_setglobal(lua, "redis");
    lock_tables(lua);
    if (m->kind == MACHINE_FUNCTIONS)
        build_loading(m, lua);
    lua_pushvalue(lua, LUA_GLOBALSINDEX);
    lua_setfield(lua, LUA_REGISTRYINDEX, REGISTRY_GLOBALS);
    lua_pushvalue(lua, LUA_GLOBALSINDEX);
    sandbox_lock(lua, true);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, LUA_REGISTRYINDEX, REGISTRY_SANDBOX);
    lua_pushvalue(lua, -1);
    lua_setglobal(lua, "_G");
    lua_replace(lua, LUA_GLOBALSINDEX);
}
