/*
 * The machine. The one idea: everything that may fail inside Lua happens below one protected call,
 * and what is needed of an error is taken out of Lua by its handler, while that may still allocate;
 * outside of the protected call nothing is touched that could.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "cacheengine/script/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define HANDLER 1 /* places on the bottom of the stack */
#define PERFORM 2

/* So many instructions pass between two looks at the clock: a millisecond or so. */
#define LOOK_EVERY 100000

/* ---- memory ---- */

static void *allocate(void *ud, void *old, size_t old_size, size_t size)
{
    struct machine *m = ud;

    if (size == 0) {
        m->used_bytes -= old_size;
        account_sub(m->account, old_size);
        free(old);
        return NULL;
    }
    if (size > old_size && m->used_bytes + (size - old_size) > m->limit_bytes)
        return NULL;
    void *fresh = realloc(old, size);
    /* What becomes smaller must not fail. */
    if (!fresh)
        return size <= old_size ? old : NULL;
    m->used_bytes += size - old_size;
    account_add(m->account, size - old_size);
    return fresh;
}

size_t machine_bytes(const struct machine *m)
{
    return m ? m->used_bytes : 0;
}

/* ---- errors ---- */

/* Where the error happened: in the innermost function that is written in Lua. */
static bool place_of_error(lua_State *lua, lua_Debug *at)
{
    for (int level = 1; level <= 2; level++)
        if (lua_getstack(lua, level, at) && lua_getinfo(lua, "Sl", at) && *at->what != 'C')
            return true;
    return false;
}

static void note_text(lua_State *lua, struct buf *to)
{
    size_t len;
    const char *text = lua_tolstring(lua, 1, &len);

    buf_puts(to, "ERR ");
    if (text)
        buf_add(to, text, len);
    else if (lua_isboolean(lua, 1))
        buf_puts(to, lua_toboolean(lua, 1) ? "true" : "false");
    else
        buf_puts(to, luaL_typename(lua, 1));
}

static void note_table(struct machine *m, lua_State *lua)
{
    size_t len;
    const char *text;

    lua_pushliteral(lua, "err");
    lua_rawget(lua, 1);
    text = lua_tolstring(lua, -1, &len);
    if (text)
        buf_add(&m->error, text, len);
    else
        buf_puts(&m->error, "ERR unknown error");
    lua_pushliteral(lua, "ignore_error_stats_update");
    lua_rawget(lua, 1);
    m->error_is_counted = lua_toboolean(lua, -1);
}

/* Called by Lua with an error that nobody caught. */
static int on_error(lua_State *lua)
{
    struct machine *m = machine_of(lua);
    lua_Debug at;

    buf_clear(&m->error);
    m->error_is_counted = false;
    if (lua_istable(lua, 1))
        note_table(m, lua);
    else
        note_text(lua, &m->error);
    if (m->run && place_of_error(lua, &at))
        buf_printf(&m->error, " script: %s, on %s:%d.", m->run->name, at.source, at.currentline);
    return 1;
}

/* What came of a protected call: NULL, or the error as a text. */
static const char *outcome(struct machine *m, int status)
{
    switch (status) {
    case 0: return NULL;
    case LUA_ERRRUN: return buf_cstr(&m->error);
    case LUA_ERRMEM: return "ERR the script needs more memory than scripts may have";
    default: return "ERR error in error handling";
    }
}

static int on_panic(lua_State *lua)
{
    (void)lua;
    check(!"Lua failed outside of a protected call");
    return 0;
}

/* ---- time ---- */

static int64_t now_ms(void)
{
    return clock_boot_ms(&clock_system);
}

static void on_count(lua_State *lua, lua_Debug *at)
{
    struct machine *m = machine_of(lua);

    (void)at;
    if (m->loading && now_ms() > m->loading->ends_ms) {
        api_push_error(lua, STR("FUNCTION LOAD timeout"));
        lua_error(lua);
    }
    if (!m->run)
        return;
    m->host->tick(m->host->ctx, m->run);
    if (!m->run->is_killed)
        return;
    /* From now on each line is an end, whatever catches errors. */
    lua_sethook(lua, on_count, LUA_MASKLINE, 0);
    api_push_error(lua, m->run->is_function ? STR("Script killed by user with FUNCTION KILL.")
                                            : STR("Script killed by user with SCRIPT KILL."));
    lua_error(lua);
}

static void watch_time(lua_State *lua)
{
    lua_sethook(lua, on_count, LUA_MASKCOUNT, LOOK_EVERY);
}

/* ---- beginning and end ---- */

static int build(lua_State *lua)
{
    sandbox_build(machine_of(lua), lua);
    return 0;
}

static int perform(lua_State *lua);

struct machine *machine_new(enum machine_kind kind, const struct script_host *host,
                            struct account *account, size_t limit_bytes)
{
    struct machine *m = calloc(1, sizeof(*m));

    check(m);
    *m = (struct machine){
        .kind = kind, .host = host, .account = account, .limit_bytes = limit_bytes};
    rng_system_bytes(m->random, sizeof(m->random));
    reply_pool_init(&m->replies, account);
    m->lua = lua_newstate(allocate, m);
    if (m->lua)
        lua_atpanic(m->lua, on_panic);
    if (!m->lua || lua_cpcall(m->lua, build, NULL) != 0) {
        machine_free(m);
        return NULL;
    }
    lua_settop(m->lua, 0);
    lua_pushcfunction(m->lua, on_error);
    lua_pushcfunction(m->lua, perform);
    watch_time(m->lua);
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    if (m->lua)
        lua_close(m->lua);
    reply_pool_fini(&m->replies);
    buf_fini(&m->flat);
    buf_fini(&m->error);
    free(m);
}

/* ---- the protected call ---- */

/* What is to be done inside of it. */
struct job {
    void (*run)(struct job *job, struct machine *m, lua_State *lua);
    struct str text;
    int ref;
    const struct machine_words *words;
};

static int perform(lua_State *lua)
{
    struct job *job = lua_touserdata(lua, 1);

    lua_settop(lua, 0);
    job->run(job, machine_of(lua), lua);
    return 0;
}

static int collect_all(lua_State *lua)
{
    lua_gc(lua, LUA_GCCOLLECT, 0);
    return 0;
}

/* What a script that ran out of memory leaves is in the way of the next one. */
static void collect(struct machine *m)
{
    size_t limit = m->limit_bytes;

    /* The call itself needs a little. */
    m->limit_bytes = SIZE_MAX;
    (void)lua_cpcall(m->lua, collect_all, NULL);
    m->limit_bytes = limit;
    lua_settop(m->lua, PERFORM);
}

static const char *protect(struct machine *m, struct job *job)
{
    lua_pushvalue(m->lua, PERFORM);
    lua_pushlightuserdata(m->lua, job);
    int status = lua_pcall(m->lua, 1, 0, HANDLER);
    lua_settop(m->lua, PERFORM);
    if (status == LUA_ERRMEM)
        collect(m);
    return outcome(m, status);
}

/* ---- compiling ---- */

/* Gives Lua a text in one piece, behind a space where it would be taken for a compiled one. */
struct text_source {
    struct str text;
    bool is_disguised;
};

static const char *next_piece(lua_State *lua, void *data, size_t *size)
{
    struct text_source *s = data;
    struct str piece = s->text;

    (void)lua;
    if (s->is_disguised) {
        s->is_disguised = false;
        *size = 1;
        return " ";
    }
    s->text.len = 0;
    *size = piece.len;
    return piece.len ? piece.ptr : NULL;
}

int machine_load_text(lua_State *lua, struct str text, const char *chunk)
{
    struct text_source s = {text, text.len > 0 && text.ptr[0] == LUA_SIGNATURE[0]};

    return lua_load(lua, next_piece, &s, chunk);
}

static void compile(struct job *job, struct machine *m, lua_State *lua)
{
    const char *chunk = m->kind == MACHINE_EVAL ? "@user_script" : "@user_function";

    if (machine_load_text(lua, job->text, chunk) != 0)
        lua_error(lua);
    job->ref = luaL_ref(lua, LUA_REGISTRYINDEX);
}

const char *machine_compile(struct machine *m, struct arena *a, struct str text, int *ref)
{
    struct job job = {.run = compile, .text = text};
    const char *failed = protect(m, &job);

    if (!failed) {
        *ref = job.ref;
        return NULL;
    }
    /* The handler gave it a code; what it says stands behind that. */
    return arena_strdup(a, strncmp(failed, "ERR ", 4) == 0 ? failed + 4 : failed);
}

static void forget(struct job *job, struct machine *m, lua_State *lua)
{
    (void)m;
    luaL_unref(lua, LUA_REGISTRYINDEX, job->ref);
}

void machine_forget(struct machine *m, int ref)
{
    struct job job = {.run = forget, .ref = ref};

    (void)protect(m, &job);
}

/* ---- running ---- */

static void push_words(lua_State *lua, const struct str *words, uint32_t count)
{
    lua_createtable(lua, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushlstring(lua, words[i].ptr, words[i].len);
        lua_rawseti(lua, -2, (int)i + 1);
    }
}

static void run_script(struct job *job, struct machine *m, lua_State *lua)
{
    const struct machine_words *w = job->words;

    if (m->kind == MACHINE_EVAL) {
        lua_getfield(lua, LUA_REGISTRYINDEX, REGISTRY_GLOBALS);
        lua_pushliteral(lua, "KEYS");
        push_words(lua, w->keys, w->key_count);
        lua_rawset(lua, 1);
        lua_pushliteral(lua, "ARGV");
        push_words(lua, w->args, w->arg_count);
        lua_rawset(lua, 1);
        lua_rawgeti(lua, LUA_REGISTRYINDEX, job->ref);
        lua_call(lua, 0, 1);
    } else {
        lua_rawgeti(lua, LUA_REGISTRYINDEX, job->ref);
        push_words(lua, w->keys, w->key_count);
        push_words(lua, w->args, w->arg_count);
        lua_call(lua, 2, 1);
    }
    /* Into a buffer of our own: should it fail midway, nothing was said yet. */
    uint8_t resp = m->run->reply.resp;
    reply_drop(&m->run->reply);
    m->run->reply.resp = m->run->caller->reply->resp;
    m->run->reply.errors = 0;
    convert_reply(lua, &m->run->reply, resp);
}

/* Hands on what was written for the client. */
static void hand_over(struct script_run *run)
{
    struct reply *from = &run->reply, *to = run->caller->reply;
    struct iovec iov[16];
    int count = reply_gather(from, iov, 1);

    run->has_failed = count > 0 && *(const char *)iov[0].iov_base == '-' && from->errors == 0;
    while ((count = reply_gather(from, iov, 16)) > 0) {
        size_t sent = 0;

        for (int i = 0; i < count; i++) {
            reply_raw(to, iov[i].iov_base, iov[i].iov_len);
            sent += iov[i].iov_len;
        }
        reply_sent(from, sent);
    }
    if (from->errors > 0) {
        to->errors += from->errors;
        memcpy(to->error_code, from->error_code, sizeof(to->error_code));
    }
}

void machine_run(struct machine *m, int ref, struct script_run *run, const struct machine_words *w)
{
    struct job job = {.run = run_script, .ref = ref, .words = w};

    reply_init(&run->reply, &m->replies);
    m->run = run;
    m->error_is_counted = false;
    const char *failed = protect(m, &job);
    m->run = NULL;
    if (failed) {
        reply_error(run->caller->reply, failed);
        /* What a command refused was counted with the command. */
        run->has_failed = m->error_is_counted;
        if (m->error_is_counted)
            run->caller->reply->errors--;
    } else {
        hand_over(run);
    }
    if (run->is_killed)
        watch_time(m->lua);
    reply_settle(&run->reply);
    reply_fini(&run->reply);
}

/* ---- libraries ---- */

static void load_library(struct job *job, struct machine *m, lua_State *lua)
{
    (void)m;
    sandbox_narrow(lua, true);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, job->ref);
    lua_call(lua, 0, 0);
}

static void end_loading(struct job *job, struct machine *m, lua_State *lua)
{
    (void)m;
    luaL_unref(lua, LUA_REGISTRYINDEX, job->ref);
    sandbox_narrow(lua, false);
}

const char *machine_load_library(struct machine *m, struct arena *a, struct str text,
                                 struct library *to, int64_t limit_ms)
{
    struct machine_loading loading = {to, limit_ms ? now_ms() + limit_ms : INT64_MAX};
    struct job job = {.run = load_library};
    const char *failed = machine_compile(m, a, text, &job.ref);

    if (failed)
        return arena_printf(a, "ERR Error compiling function: %s", failed);
    m->loading = &loading;
    failed = protect(m, &job);
    m->loading = NULL;
    if (failed)
        failed = arena_printf(a, "ERR Error registering functions: %s", failed);
    struct job end = {.run = end_loading, .ref = job.ref};
    (void)protect(m, &end);
    watch_time(m->lua);
    return failed;
}
