/* The table `redis`: what a script can ask the engine for. */
#include "base/digest.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/script/internal.h"
#include "cacheengine/script/libraries.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define ARGS_MANY   32 /* so many arguments of a command need no memory */
#define NUMBER_ROOM 40

void api_push_error(lua_State *lua, struct str text)
{
    size_t word = 0;

    lua_createtable(lua, 0, 2);
    lua_pushliteral(lua, "err");
    if (text.len > 0 && text.ptr[0] == '-') {
        text.ptr++;
        text.len--;
        word = str_find(text, ' ');
    } else {
        word = SIZE_MAX;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    /* One that has no code gets the common one. */
    lua_pushstring(lua, word == SIZE_MAX ? "ERR " : "");
    lua_pushlstring(lua, text.ptr, text.len);
    lua_concat(lua, 2);
    lua_rawset(lua, -3);
}

static int raise(lua_State *lua, const char *text)
{
    /* Valkey calls its table by another name. */
    if (machine_of(lua)->host->valkey_version)
        text = luaL_gsub(lua, text, "redis.", "server.");
    api_push_error(lua, str_of(text));
    return lua_error(lua);
}

/* ---- commands ---- */

/* The arguments on the stack as a command's words. Numbers are written to `digits`, where there is
 * room for one each. False: one is neither a string nor a number. */
static bool words_of(lua_State *lua, int count, struct str *out, char (*digits)[NUMBER_ROOM])
{
    for (int i = 0; i < count; i++) {
        if (lua_type(lua, i + 1) == LUA_TNUMBER) {
            double v = lua_tonumber(lua, i + 1);
            bool is_whole = v == rint(v) && fabs(v) < 9007199254740992.0;

            out[i].ptr = digits[i];
            out[i].len = is_whole ? number_write_i64(digits[i], (int64_t)v)
                                  : number_write_double(digits[i], v);
        } else {
            out[i].ptr = lua_tolstring(lua, i + 1, &out[i].len);
            if (!out[i].ptr)
                return false;
        }
    }
    return true;
}

/* What a command answered, in one piece. */
static struct str flat_reply(struct machine *m)
{
    struct reply *r = &m->run->reply;
    struct iovec iov[16];
    int count = reply_gather(r, iov, 16);

    if (count == 1)
        return (struct str){iov[0].iov_base, iov[0].iov_len};
    buf_clear(&m->flat);
    while (count > 0) {
        size_t sent = 0;

        for (int i = 0; i < count; i++) {
            buf_add(&m->flat, iov[i].iov_base, iov[i].iov_len);
            sent += iov[i].iov_len;
        }
        reply_sent(r, sent);
        count = reply_gather(r, iov, 16);
    }
    return buf_str(&m->flat);
}

static int call_words(lua_State *lua, struct machine *m, struct str *words, int count, bool raises)
{
    struct script_run *run = m->run;

    /* What an error amid the last conversion left. */
    if (reply_pending(&run->reply))
        reply_sent(&run->reply, reply_pending(&run->reply));
    m->host->command(m->host->ctx, run, words, (uint32_t)count);
    struct str answer = flat_reply(m);
    bool has_failed = answer.ptr[0] == '-';
    lua_settop(lua, 0);
    convert_push(lua, answer);
    if (reply_pending(&run->reply))
        reply_sent(&run->reply, reply_pending(&run->reply));
    if (has_failed && raises)
        return lua_error(lua);
    return 1;
}

static int call_command(lua_State *lua, bool raises)
{
    struct machine *m = machine_of(lua);
    int count = lua_gettop(lua);
    struct str few[ARGS_MANY], *words = few;
    char few_digits[ARGS_MANY][NUMBER_ROOM], (*digits)[NUMBER_ROOM] = few_digits;
    const char *wrong = NULL;

    if (!m->run)
        return raise(lua, "redis.call/pcall can only be called inside a script invocation");
    if (count == 0)
        wrong = m->host->valkey_version
                    ? "Please specify at least one argument for this call"
                    : "Please specify at least one argument for this redis lib call";
    if (count > ARGS_MANY) {
        /* Lua's own memory: it goes with what is on the stack. */
        words = lua_newuserdata(lua, (size_t)count * sizeof(*words));
        digits = lua_newuserdata(lua, (size_t)count * sizeof(*digits));
    }
    if (!wrong && !words_of(lua, count, words, digits))
        wrong = m->host->valkey_version
                    ? "Command arguments must be strings or integers"
                    : "Lua redis lib command arguments must be strings or integers";
    if (!wrong)
        return call_words(lua, m, words, count, raises);
    api_push_error(lua, str_of(wrong));
    return raises ? lua_error(lua) : 1;
}

static int api_call(lua_State *lua)
{
    return call_command(lua, true);
}

static int api_pcall(lua_State *lua)
{
    return call_command(lua, false);
}

static int api_acl_check_cmd(lua_State *lua)
{
    struct machine *m = machine_of(lua);
    int count = lua_gettop(lua);
    struct str *words = lua_newuserdata(lua, (size_t)count * sizeof(*words) + 1);
    char(*digits)[NUMBER_ROOM] = lua_newuserdata(lua, (size_t)count * sizeof(*digits) + 1);

    if (!m->run)
        return raise(lua, "redis.acl_check_cmd can only be called inside a script invocation");
    if (count == 0)
        return raise(lua, "Please specify at least one argument for this redis lib call");
    if (!words_of(lua, count, words, digits))
        return raise(lua, "Lua redis lib command arguments must be strings or integers");
    int permitted = m->host->permits(m->host->ctx, m->run, words, (uint32_t)count);
    if (permitted < 0)
        return raise(lua, "Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(lua, permitted);
    return 1;
}

/* ---- replies ---- */

static int api_error_reply(lua_State *lua)
{
    struct str text;

    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
        api_push_error(lua, STR("wrong number or type of arguments"));
        return 1;
    }
    if (*lua_tostring(lua, 1) != '-') {
        lua_pushliteral(lua, "-");
        lua_insert(lua, 1);
        lua_concat(lua, 2);
    }
    text = str_of(lua_tostring(lua, 1));
    api_push_error(lua, text);
    return 1;
}

static int api_status_reply(lua_State *lua)
{
    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
        api_push_error(lua, STR("wrong number or type of arguments"));
        return 1;
    }
    lua_createtable(lua, 0, 1);
    lua_pushliteral(lua, "ok");
    lua_pushvalue(lua, 1);
    lua_rawset(lua, -3);
    return 1;
}

/* ---- settings of the run ---- */

static int api_setresp(lua_State *lua)
{
    const struct machine *m = machine_of(lua);

    if (lua_gettop(lua) != 1)
        return raise(lua, "redis.setresp() requires one argument.");
    lua_Number version = lua_tonumber(lua, 1);
    if (version != 2 && version != 3)
        return raise(lua, "RESP version must be 2 or 3.");
    if (m->run)
        m->run->reply.resp = (uint8_t)version;
    return 0;
}

static int api_set_repl(lua_State *lua)
{
    const struct machine *m = machine_of(lua);

    if (lua_gettop(lua) != 1)
        return raise(lua, "redis.set_repl() requires one argument.");
    int telling = (int)lua_tonumber(lua, 1);
    if (telling & ~SCRIPT_TELLS_ALL)
        return raise(
            lua, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    if (m->run)
        m->run->telling = (enum script_telling)telling;
    return 0;
}

static int api_replicate_commands(lua_State *lua)
{
    lua_pushboolean(lua, 1);
    return 1;
}

static int api_breakpoint(lua_State *lua)
{
    lua_pushboolean(lua, 0);
    return 1;
}

static int api_debug(lua_State *lua)
{
    (void)lua;
    return 0;
}

/* ---- tools ---- */

static int api_sha1hex(lua_State *lua)
{
    unsigned char digest[DIGEST_SHA1_BYTES];
    char hex[2 * DIGEST_SHA1_BYTES + 1];
    size_t len = 0;

    if (lua_gettop(lua) != 1)
        return raise(lua, "wrong number of arguments");
    const char *text = lua_tolstring(lua, 1, &len);
    digest_sha1(text ? text : "", text ? len : 0, digest);
    digest_hex(digest, sizeof(digest), hex);
    lua_pushlstring(lua, hex, 2 * DIGEST_SHA1_BYTES);
    return 1;
}

static int api_log(lua_State *lua)
{
    const struct machine *m = machine_of(lua);
    int count = lua_gettop(lua);
    luaL_Buffer all;
    struct str text;

    if (count < 2)
        return raise(lua, "redis.log() requires two arguments or more.");
    if (!lua_isnumber(lua, 1))
        return raise(lua, "First argument must be a number (log level).");
    lua_Number level = lua_tonumber(lua, 1);
    if (!(level >= 0 && level <= 3))
        return raise(lua, m->host->valkey_version ? "Invalid log level." : "Invalid debug level.");
    luaL_buffinit(lua, &all);
    for (int i = 2; i <= count; i++) {
        if (!lua_isstring(lua, i))
            continue;
        if (i > 2)
            luaL_addchar(&all, ' ');
        lua_pushvalue(lua, i);
        luaL_addvalue(&all);
    }
    luaL_pushresult(&all);
    text.ptr = lua_tolstring(lua, -1, &text.len);
    m->host->log(m->host->ctx, (int)level, text);
    return 0;
}

/* ---- functions of libraries ---- */

/* What redis.register_function was told. The function itself has a place in the registry from when
 * it was seen. */
struct registration {
    struct str name, description;
    uint32_t flags;
    int ref;
};

static const char *read_flags(lua_State *lua, uint32_t *flags)
{
    for (int i = 1;; i++) {
        struct str name;

        lua_rawgeti(lua, -1, i);
        if (lua_isnil(lua, -1))
            break;
        if (!lua_isstring(lua, -1))
            return "unknown flag given";
        name.ptr = lua_tolstring(lua, -1, &name.len);
        if (!script_flag_of(name))
            return "unknown flag given";
        *flags |= script_flag_of(name);
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return NULL;
}

/* One of the named arguments; its value is on top and is what `out` points into. */
static const char *read_named(lua_State *lua, const char *key, struct registration *out)
{
    struct str word = str_of(key);
    struct str *text = NULL;

    if (str_is_nocase(word, "function_name"))
        text = &out->name;
    else if (str_is_nocase(word, "description"))
        text = &out->description;
    if (text) {
        if (!lua_isstring(lua, -1))
            return text == &out->name
                       ? "function_name argument given to redis.register_function must be a string"
                       : "description argument given to redis.register_function must be a string";
        text->ptr = lua_tolstring(lua, -1, &text->len);
        return NULL;
    }
    if (str_is_nocase(word, "callback")) {
        if (!lua_isfunction(lua, -1))
            return "callback argument given to redis.register_function must be a function";
        lua_pushvalue(lua, -1);
        luaL_unref(lua, LUA_REGISTRYINDEX, out->ref);
        out->ref = luaL_ref(lua, LUA_REGISTRYINDEX);
        return NULL;
    }
    if (!str_is_nocase(word, "flags"))
        return "unknown argument given to redis.register_function";
    if (!lua_istable(lua, -1))
        return "flags argument to redis.register_function must be a table representing function flags";
    return read_flags(lua, &out->flags);
}

static const char *read_table(lua_State *lua, struct registration *out)
{
    const char *wrong = NULL;

    if (!lua_istable(lua, 1))
        return "calling redis.register_function with a single argument is only applicable to Lua "
               "table (representing named arguments).";
    for (lua_pushnil(lua); !wrong && lua_next(lua, 1); lua_settop(lua, 2)) {
        if (!lua_isstring(lua, 2))
            return "named argument key given to redis.register_function is not a string";
        /* A number is no name, and must stay one for the walk to go on. */
        wrong = read_named(lua, lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "", out);
        if (wrong)
            return wrong;
    }
    if (!out->name.ptr)
        return "redis.register_function must get a function name argument";
    if (out->ref == LUA_NOREF)
        return "redis.register_function must get a callback argument";
    return NULL;
}

static const char *read_registration(lua_State *lua, struct registration *out)
{
    int count = lua_gettop(lua);

    if (count < 1 || count > 2)
        return "wrong number of arguments to redis.register_function";
    if (count == 1)
        return read_table(lua, out);
    if (!lua_isstring(lua, 1))
        return "first argument to redis.register_function must be a string";
    if (!lua_isfunction(lua, 2))
        return "second argument to redis.register_function must be a function";
    out->name.ptr = lua_tolstring(lua, 1, &out->name.len);
    lua_pushvalue(lua, 2);
    out->ref = luaL_ref(lua, LUA_REGISTRYINDEX);
    return NULL;
}

static int api_register_function(lua_State *lua)
{
    const struct machine *m = machine_of(lua);
    struct registration r = {.ref = LUA_NOREF};
    const char *wrong;

    if (!m->loading)
        return raise(lua, "redis.register_function can only be called on FUNCTION LOAD command");
    wrong = read_registration(lua, &r);
    if (!wrong)
        wrong = library_add(m->loading->library, r.name, r.description, r.flags, r.ref);
    if (!wrong)
        return 0;
    luaL_unref(lua, LUA_REGISTRYINDEX, r.ref);
    return raise(lua, wrong);
}

/* ---- the table ---- */

static const luaL_Reg for_scripts[] = {
    {"call",          api_call         },
    {"pcall",         api_pcall        },
    {"setresp",       api_setresp      },
    {"sha1hex",       api_sha1hex      },
    {"error_reply",   api_error_reply  },
    {"status_reply",  api_status_reply },
    {"set_repl",      api_set_repl     },
    {"acl_check_cmd", api_acl_check_cmd},
    {"log",           api_log          },
    {NULL,            NULL             },
};

static const luaL_Reg for_eval[] = {
    {"breakpoint",         api_breakpoint        },
    {"debug",              api_debug             },
    {"replicate_commands", api_replicate_commands},
    {NULL,                 NULL                  },
};

static const luaL_Reg for_loading[] = {
    {"register_function", api_register_function},
    {"log",               api_log              },
    {NULL,                NULL                 },
};

static const struct {
    const char *name;
    int value;
} numbers[] = {
    {"LOG_DEBUG",    0                    },
    {"LOG_VERBOSE",  1                    },
    {"LOG_NOTICE",   2                    },
    {"LOG_WARNING",  3                    },
    {"REPL_NONE",    SCRIPT_TELLS_NONE    },
    {"REPL_AOF",     SCRIPT_TELLS_FILE    },
    {"REPL_SLAVE",   SCRIPT_TELLS_REPLICAS},
    {"REPL_REPLICA", SCRIPT_TELLS_REPLICAS},
    {"REPL_ALL",     SCRIPT_TELLS_ALL     },
};

/* A version as text and as the number that has a byte for each of its parts. */
static void put_version(lua_State *lua, const char *brand, const char *version)
{
    unsigned major = 0, minor = 0, patch = 0;

    (void)sscanf(version, "%u.%u.%u", &major, &minor, &patch);
    lua_pushfstring(lua, "%s_VERSION", brand);
    lua_pushstring(lua, version);
    lua_rawset(lua, -3);
    lua_pushfstring(lua, "%s_VERSION_NUM", brand);
    lua_pushnumber(lua, major << 16 | minor << 8 | patch);
    lua_rawset(lua, -3);
}

static void put_functions(lua_State *lua, const luaL_Reg *functions)
{
    for (; functions->name; functions++) {
        lua_pushcfunction(lua, functions->func);
        lua_setfield(lua, -2, functions->name);
    }
}

void api_push(struct machine *m, lua_State *lua, bool is_loading)
{
    lua_newtable(lua);
    put_functions(lua, is_loading ? for_loading : for_scripts);
    if (!is_loading && m->kind == MACHINE_EVAL)
        put_functions(lua, for_eval);
    for (size_t i = 0; i < countof(numbers); i++) {
        if (is_loading && numbers[i].name[0] == 'R')
            continue;
        lua_pushnumber(lua, numbers[i].value);
        lua_setfield(lua, -2, numbers[i].name);
    }
    put_version(lua, "REDIS", m->host->redis_version);
    if (m->host->valkey_version) {
        put_version(lua, "VALKEY", m->host->valkey_version);
        lua_pushliteral(lua, "valkey");
        lua_setfield(lua, -2, "SERVER_NAME");
    }
}
