/*
 * Anybody's scripts, and anybody's bytes for what scripts decode. The first byte of the input says
 * which: 'm' MessagePack, 'j' JSON, 's' a format of struct and, behind a NUL, its data, 'l' a
 * library; anything else begins a script. Whatever it is, it ends, within its memory, and nothing
 * of it stays booked.
 */
#include "base/arena.h"
#include "cacheengine/script/eval_cache.h"
#include "cacheengine/script/libraries.h"

#define LIMIT_BYTES (4 << 20)
#define TICKS_MAX   20 /* of a hundred thousand instructions each */

struct session {
    struct account account;
    struct reply_pool replies;
    struct script_host host;
    struct arena arena;
    struct reply reply;
    int ticks;
};

static void command(void *ctx, struct script_run *run, struct str *argv, uint32_t argc)
{
    (void)ctx;
    if (argc == 1)
        reply_bulk_str(&run->reply, argv[0]);
    else if (argc == 2)
        reply_error(&run->reply, "ERR two words");
    else
        reply_array(&run->reply, 0);
}

static int permits(void *ctx, struct script_run *run, struct str *argv, uint32_t argc)
{
    (void)ctx;
    (void)run;
    return argc > 1 ? -1 : argv[0].len & 1;
}

static void tick(void *ctx, struct script_run *run)
{
    struct session *s = ctx;

    if (++s->ticks > TICKS_MAX)
        run->is_killed = true;
}

static void log_words(void *ctx, int level, struct str text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

static void run_text(struct session *s, struct str text, struct str key, struct str arg)
{
    struct eval_cache *evals = eval_cache_new(&s->host, &s->account, LIMIT_BYTES);
    struct cmd_call call = {.reply = &s->reply};
    struct script_run run = {.caller = &call, .name = "fuzz"};
    struct machine_words words = {&key, &arg, 1, 1};
    const char *wrong;
    struct eval_script *script = eval_cache_add(evals, &s->arena, 0, text, &wrong);

    s->reply.resp = arg.len & 1 ? 3 : 2;
    if (script) {
        eval_cache_run(evals, script, &run, &words);
        check(reply_pending(&s->reply) > 0);
        /* The next one finds the machine in order. */
        reply_drop(&s->reply);
        s->ticks = 0;
        eval_cache_run(evals, script, &run, &words);
    }
    reply_drop(&s->reply);
    eval_cache_free(evals);
}

static void load_library(struct session *s, struct str text)
{
    struct libraries *all = libraries_new(&s->host, &s->account, LIMIT_BYTES);
    struct library *l;

    if (!libraries_load(all, &s->arena, text, LIBRARY_ADD, 20, &l))
        check(libraries_find(all, l->name) == l);
    libraries_free(all);
}

#define NOTHING ((struct str){"", 0})

static void run_input(struct session *s, struct str in)
{
    char kind = in.ptr[0];
    struct str rest = {in.ptr + 1, in.len - 1};

    if (kind == 'm') {
        run_text(s, STR("return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))"), NOTHING, rest);
    } else if (kind == 'j') {
        run_text(s, STR("return cjson.encode(cjson.decode(ARGV[1]))"), NOTHING, rest);
    } else if (kind == 's') {
        struct str format = str_cut(&rest, 0);

        run_text(s, STR("return struct.pack(KEYS[1], struct.unpack(KEYS[1], ARGV[1]))"), format,
                 rest);
    } else if (kind == 'l') {
        load_library(s, rest);
    } else {
        run_text(s, in, STR("key"), STR("arg"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session s = {0};

    if (size < 1)
        return 0;
    s.host = (struct script_host){&s, command, permits, tick, log_words, "7.2.4", NULL};
    reply_pool_init(&s.replies, &s.account);
    reply_init(&s.reply, &s.replies);
    run_input(&s, (struct str){(const char *)data, size});
    reply_fini(&s.reply);
    reply_pool_fini(&s.replies);
    arena_fini(&s.arena);
    check(s.account.used_bytes == 0);
    return 0;
}
