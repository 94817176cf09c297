/*
 * From the words behind `larder` to an exit status. Every operation takes the same way: find its
 * row, read the options by its input's shape, call, print by its output's shape.
 */
#include "cli/commands/commands.h"

#include "base/arena.h"
#include "base/buf.h"
#include "cli/commands/help.h"
#include "cli/commands/names.h"
#include "cli/commands/options.h"
#include "cli/commands/paging.h"
#include "cli/commands/print.h"
#include "cli/commands/remote.h"
#include "cli/commands/waiting.h"
#include "contract/elasticache.h"
#include "contract/sts.h"

#include <stdio.h>
#include <string.h>

const struct service_desc *const command_services[] = {&service_elasticache, &service_sts};
const size_t command_service_count = countof(command_services);

/* An operation with the service that it belongs to. */
struct target {
    const struct service_desc *service;
    const struct op_desc *op;
};

static void show(struct buf *text)
{
    fwrite(text->ptr, 1, text->len, stdout);
}

static int misuse(const char *sentence)
{
    fprintf(stderr, "larder: %s\n", sentence);
    return COMMAND_MISUSED;
}

static bool target_named(struct arena *a, const char *name, struct target *out)
{
    for (size_t i = 0; i < command_service_count; i++) {
        const struct service_desc *s = command_services[i];
        for (size_t j = 0; j < s->op_count; j++) {
            if (!name_is(a, name, s->ops[j].name))
                continue;
            *out = (struct target){s, &s->ops[j]};
            return true;
        }
    }
    return false;
}

static int unknown_command(struct arena *a, const char *name)
{
    struct name_guess guess = {.typed = name};

    name_guess_try(&guess, "up");
    name_guess_try(&guess, "wait");
    name_guess_try(&guess, "help");
    for (size_t i = 0; i < command_service_count; i++)
        for (size_t j = 0; j < command_services[i]->op_count; j++)
            name_guess_try(&guess, name_kebab(a, command_services[i]->ops[j].name));
    if (guess.best)
        return misuse(arena_printf(a, "unknown command %s: did you mean %s?", name, guess.best));
    return misuse(arena_printf(a, "unknown command %s: see larder help", name));
}

/* The sentence for a call that did not come back with a result; true when there was one. */
static bool failed(struct arena *a, const struct remote *r, const struct op_desc *op, struct err e,
                   const struct remote_fault *fault, int *status)
{
    if (err_is(e, ERR_INVALID)) {
        *status = misuse(e.why);
        return true;
    }
    if (err_failed(e)) {
        fprintf(stderr, "\nCould not get an answer from the endpoint URL \"%s\": %s\n",
                remote_url(r), err_text(a, e));
        *status = COMMAND_FAILED;
        return true;
    }
    if (fault->code) {
        fprintf(stderr, "\nAn error occurred (%s) when calling the %s operation: %s\n", fault->code,
                op->name, fault->message);
        *status = COMMAND_REFUSED;
        return true;
    }
    return false;
}

static int call_once(struct arena *a, struct remote *r, const struct op_desc *op, const void *in)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    void *out = op->out ? arena_zalloc(a, op->out->size) : NULL;
    struct remote_fault fault;
    int status = COMMAND_DONE;

    struct err e = remote_call(r, a, op, in, out, &fault);
    if (failed(a, r, op, e, &fault, &status) || !op->out)
        return status;
    print_result(a, (struct view){op->out, out}, NULL, &text);
    show(&text);
    return status;
}

static int call_paged(struct arena *a, struct remote *r, struct paged_call *call)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct remote_fault fault;
    int status = COMMAND_DONE;

    struct err e = paging_call(r, a, call, &fault);
    if (failed(a, r, call->op, e, &fault, &status))
        return status;
    print_result(a, (struct view){call->op->out, call->out}, call->next_token, &text);
    show(&text);
    return status;
}

static int run_operation(struct arena *a, const struct target *t, int argc, char **argv)
{
    struct call_options options;

    struct err e = options_parse(a, t->service, t->op, argc, argv, &options);
    if (err_failed(e))
        return misuse(e.why);
    if (options.is_help) {
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        help_operation(a, t->service, t->op, &text);
        show(&text);
        return COMMAND_DONE;
    }
    struct remote *r = remote_open(&options.globals, t->service);
    struct paged_call paged = {.op = t->op,
                               .pages = paginator_of(t->service, t->op->name),
                               .paging = &options.paging,
                               .in = options.input};
    int status =
        options.paging.is_on ? call_paged(a, r, &paged) : call_once(a, r, t->op, options.input);
    remote_close(r);
    return status;
}

static int unknown_waiter(struct arena *a, const struct service_desc *s, const char *name)
{
    struct name_guess guess = {.typed = name};

    for (size_t i = 0; i < s->waiter_count; i++)
        name_guess_try(&guess, name_kebab(a, s->waiters[i].name));
    return misuse(arena_printf(a, "nothing waits for %s: %s%s%s", name,
                               guess.best ? "did you mean " : "see larder wait --help",
                               guess.best ? guess.best : "", guess.best ? "?" : ""));
}

static int wait_for(struct arena *a, struct remote *r, const struct waiter_desc *w,
                    const struct target *t, const void *in)
{
    struct remote_fault fault;
    int status;

    struct err e = waiter_run(r, a, w, t->op, in, &fault);
    if (err_is(e, ERR_CONFLICT) || err_is(e, ERR_TIMEOUT)) {
        fprintf(stderr, "\nWaiter %s failed: %s\n", w->name, e.why);
        return COMMAND_FAILED;
    }
    if (!failed(a, r, t->op, e, &fault, &status))
        return COMMAND_DONE;
    return status == COMMAND_MISUSED ? status : COMMAND_FAILED; /* as aws-cli's waiters end */
}

static int run_wait(struct arena *a, int argc, char **argv)
{
    const struct service_desc *s = command_services[0];
    struct call_options options;

    if (argc < 1 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0) {
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        help_waiters(a, s, &text);
        show(&text);
        return argc < 1 ? COMMAND_MISUSED : COMMAND_DONE;
    }
    const struct waiter_desc *w = waiter_named(a, s, argv[0]);
    if (!w)
        return unknown_waiter(a, s, argv[0]);
    const struct target t = {s, service_op(s, w->op)};
    check(t.op);
    struct err e = options_parse(a, s, t.op, argc - 1, argv + 1, &options);
    if (err_failed(e))
        return misuse(e.why);
    if (options.is_help) {
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        help_operation(a, s, t.op, &text);
        show(&text);
        return COMMAND_DONE;
    }
    struct remote *r = remote_open(&options.globals, s);
    int status = wait_for(a, r, w, &t, options.input);
    remote_close(r);
    return status;
}

static int run_help(struct arena *a, int argc, char **argv)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct target t;

    if (argc == 0)
        help_all(a, &text);
    else if (strcmp(argv[0], "wait") == 0)
        help_waiters(a, command_services[0], &text);
    else if (target_named(a, argv[0], &t))
        help_operation(a, t.service, t.op, &text);
    else
        return unknown_command(a, argv[0]);
    show(&text);
    return COMMAND_DONE;
}

/* aws-cli's global options may stand in front of the command: they are moved behind it. */
static char **command_first(struct arena *a, int argc, char **argv)
{
    int lead = 0, used = 0;

    while (lead < argc && argv[lead][0] == '-')
        lead += options_is_switch(argv[lead]) ? 1 : 2;
    if (lead == 0 || lead >= argc)
        return argv;
    char **sorted = arena_array(a, (size_t)argc + 1, sizeof(*sorted));
    for (int i = lead; i < argc; i++)
        sorted[used++] = argv[i];
    for (int i = 0; i < lead; i++)
        sorted[used++] = argv[i];
    return sorted;
}

static bool is_service_name(const char *word)
{
    for (size_t i = 0; i < command_service_count; i++)
        if (strcmp(word, command_services[i]->name) == 0)
            return true;
    return false;
}

int command_run(int argc, char **argv)
{
    scoped(arena_fini) struct arena a = {0};
    struct target t;

    argv = command_first(&a, argc, argv);
    if (argc > 1 &&
        is_service_name(argv[0])) /* `larder elasticache describe-...`, pasted from aws */
        argc--, argv++;
    if (argc == 0 || strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 ||
        strcmp(argv[0], "-h") == 0) {
        int status = run_help(&a, argc > 1 ? 1 : 0, argv + 1);
        return argc == 0 ? COMMAND_MISUSED : status;
    }
    if (strcmp(argv[0], "wait") == 0)
        return run_wait(&a, argc - 1, argv + 1);
    if (!target_named(&a, argv[0], &t))
        return unknown_command(&a, argv[0]);
    return run_operation(&a, &t, argc - 1, argv + 1);
}
