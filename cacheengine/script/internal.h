/* What the files of script/ share: the machine's inside and the parts of its sandbox. */
#ifndef LARDER_SCRIPT_INTERNAL_H
#define LARDER_SCRIPT_INTERNAL_H

#include "base/buf.h"
#include "cacheengine/script/machine.h"

#include <lauxlib.h>
#include <lua.h>

/* A library that is being loaded. */
struct machine_loading {
    struct library *library;
    int64_t ends_ms; /* on the clock of clock_boot_ms; INT64_MAX: never */
};

struct machine {
    lua_State *lua;
    enum machine_kind kind;
    const struct script_host *host;
    struct account *account;
    size_t used_bytes, limit_bytes;
    struct script_run *run;          /* NULL: none runs */
    struct machine_loading *loading; /* NULL: no library is being loaded */
    unsigned short random[3];        /* the state of math.random */
    struct reply_pool replies;       /* of scripts' commands: a buffer of their own */
    struct buf flat;                 /* a long reply in one piece */
    struct buf error;                /* what ended the script */
    bool error_is_counted;           /* it came from a command, which counted it */
};

/* The machine that a Lua state belongs to. */
static inline struct machine *machine_of(lua_State *lua)
{
    void *m;

    (void)lua_getallocf(lua, &m);
    return m;
}

/* As luaL_loadbuffer, but only text is taken. */
int machine_load_text(lua_State *lua, struct str text, const char *chunk);

/* Keys of the registry: the globals as they really are, what scripts see of them, and what the text
 * of a library sees. */
#define REGISTRY_GLOBALS "larder.globals"
#define REGISTRY_SANDBOX "larder.sandbox"
#define REGISTRY_LOADING "larder.loading"

/* ---- sandbox.c ---- */

/* Opens the libraries, locks them, and leaves what scripts see as the global table. */
void sandbox_build(struct machine *m, lua_State *lua);

/* Lets libraries that load see `redis` alone, or scripts everything again. */
void sandbox_narrow(lua_State *lua, bool is_loading);

/* Replaces the table on top by a view of it that cannot be written; with `is_strict`, names that
 * are not there are an error. */
void sandbox_lock(lua_State *lua, bool is_strict);

/* The real table behind a locked one at `index`, pushed; false and nothing: it is not locked. */
bool sandbox_unlock(lua_State *lua, int index);

/* ---- api.c ---- */

/* Pushes the table `redis`; for libraries that load a smaller one. */
void api_push(struct machine *m, lua_State *lua, bool is_loading);

/* Pushes the table that stands for an error: {err = "CODE words"}. */
void api_push_error(lua_State *lua, struct str text);

/* ---- convert.c ---- */

/* Pushes the value that stands for the reply at the front of `in`. */
void convert_push(lua_State *lua, struct str in);

/* Answers with the value on top, and pops it. `resp` is the version that the script has chosen. */
void convert_reply(lua_State *lua, struct reply *to, uint8_t resp);

/* ---- libraries of their own ---- */

int lib_bit_open(lua_State *lua);
int lib_struct_open(lua_State *lua);
int lib_cmsgpack_open(lua_State *lua);

#endif
