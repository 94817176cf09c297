#include "script_fixture.h"

#include <sys/uio.h>

static void command(void *ctx, struct script_run *run, struct str *argv, uint32_t argc)
{
    (void)ctx;
    if (argc == 2 && str_is_nocase(argv[0], "resp"))
        reply_raw(&run->reply, argv[1].ptr, argv[1].len);
    else if (argc == 1 && str_is_nocase(argv[0], "version"))
        reply_int(&run->reply, run->reply.resp);
    else
        reply_errorf(&run->reply, "ERR no such command: %.*s of %u", STR_ARG(argv[0]), argc);
}

static int permits(void *ctx, struct script_run *run, struct str *argv, uint32_t argc)
{
    (void)ctx;
    (void)run;
    (void)argc;
    return str_is(argv[0], "allowed") ? 1 : str_is(argv[0], "denied") ? 0 : -1;
}

static void tick(void *ctx, struct script_run *run)
{
    struct script_fixture *f = ctx;

    f->ticks++;
    if (f->kill_at && f->ticks >= f->kill_at)
        run->is_killed = true;
}

static void log_words(void *ctx, int level, struct str text)
{
    struct script_fixture *f = ctx;

    buf_printf(&f->logged, "%d %.*s\n", level, STR_ARG(text));
}

void script_open(struct script_fixture *f, size_t limit_bytes)
{
    *f = (struct script_fixture){
        .host = {f, command, permits, tick, log_words, "7.2.4", "8.0.1"}
    };
    reply_pool_init(&f->replies, &f->account);
    reply_init(&f->reply, &f->replies);
    f->evals = eval_cache_new(&f->host, &f->account, limit_bytes);
    f->libraries = libraries_new(&f->host, &f->account, limit_bytes);
}

void script_close(struct script_fixture *f)
{
    eval_cache_free(f->evals);
    libraries_free(f->libraries);
    reply_fini(&f->reply);
    reply_pool_fini(&f->replies);
    arena_fini(&f->arena);
    buf_fini(&f->out);
    buf_fini(&f->logged);
    cr_expect_eq(f->account.used_bytes, 0, "%zu bytes are still booked", f->account.used_bytes);
}

/* Moves what was answered to f->out. */
static const char *take_answer(struct script_fixture *f)
{
    struct iovec iov[16];
    int count;

    while ((count = reply_gather(&f->reply, iov, 16)) > 0) {
        size_t sent = 0;

        for (int i = 0; i < count; i++) {
            buf_add(&f->out, iov[i].iov_base, iov[i].iov_len);
            sent += iov[i].iov_len;
        }
        reply_sent(&f->reply, sent);
    }
    return buf_cstr(&f->out);
}

const char *script_ask_with(struct script_fixture *f, const char *text, const char *key,
                            const char *arg)
{
    struct str body = str_of(text), k = str_of(key), a = str_of(arg);
    struct cmd_call call = {.reply = &f->reply};
    struct script_run run = {.caller = &call};
    struct machine_words words = {&k, &a, key ? 1 : 0, arg ? 1 : 0};
    uint64_t hash = body.len * 31 + (unsigned char)body.ptr[body.len / 2];
    struct eval_script *s = eval_cache_find_text(f->evals, hash, body);
    const char *wrong = NULL;

    buf_clear(&f->out);
    if (!s)
        s = eval_cache_add(f->evals, &f->arena, hash, body, &wrong);
    if (!s) {
        buf_puts(&f->out, wrong);
        return buf_cstr(&f->out);
    }
    run.name = s->sha;
    eval_cache_run(f->evals, s, &run, &words);
    return take_answer(f);
}

const char *script_ask(struct script_fixture *f, const char *text)
{
    return script_ask_with(f, text, NULL, NULL);
}

const char *script_call(struct script_fixture *f, const char *function, const char *key,
                        const char *arg)
{
    struct str k = str_of(key), a = str_of(arg);
    struct cmd_call call = {.reply = &f->reply};
    struct script_run run = {.caller = &call, .name = function, .is_function = true};
    struct machine_words words = {&k, &a, key ? 1 : 0, arg ? 1 : 0};
    const struct function *found = libraries_find_function(f->libraries, str_of(function));

    buf_clear(&f->out);
    if (!found)
        return "there is no such function";
    libraries_run(f->libraries, found, &run, &words);
    return take_answer(f);
}
