/*
 * Waiters by the model's table: the first row that matches an answer decides. The SDKs ask every 15
 * seconds; here a cache is there in a fraction of one, so the pause starts small and grows.
 */
#include "cli/commands/waiting.h"

#include "base/arena.h"
#include "base/clock.h"
#include "cli/commands/names.h"
#include "cli/commands/remote.h"
#include "cli/commands/view.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { FIRST_PAUSE_MS = 10, LONGEST_PAUSE_MS = 500 };

const struct waiter_desc *waiter_named(struct arena *a, const struct service_desc *s,
                                       const char *name)
{
    for (size_t i = 0; i < s->waiter_count; i++)
        if (name_is(a, name, s->waiters[i].name))
            return &s->waiters[i];
    return NULL;
}

struct matches {
    const char *expected;
    size_t seen, equal;
};

static void count_match(void *context, struct view v)
{
    struct matches *m = context;
    const char *text = view_text(v);

    m->seen++;
    m->equal += text && strcmp(text, m->expected) == 0;
}

static bool accepts(const struct waiter_accept *row, struct view root,
                    const struct remote_fault *fault)
{
    struct matches m = {.expected = row->expected};

    if (strcmp(row->matcher, "error") == 0)
        return fault->code && strcmp(fault->code, row->expected) == 0;
    if (fault->code)
        return false;
    view_each(root, row->argument, count_match, &m);
    if (strcmp(row->matcher, "pathAny") == 0)
        return m.equal > 0;
    return m.seen > 0 && m.equal == m.seen; /* pathAll */
}

enum waiter_verdict waiter_judge(struct arena *a, const struct waiter_desc *w,
                                 const struct shape *out_shape, const void *out,
                                 const struct remote_fault *fault, const char **why)
{
    for (size_t i = 0; i < w->accept_count; i++) {
        const struct waiter_accept *row = &w->accepts[i];
        if (!accepts(row, (struct view){out_shape, out}, fault))
            continue;
        if (strcmp(row->state, "success") == 0)
            return WAITER_CONTENT;
        if (strcmp(row->state, "retry") == 0)
            return WAITER_GOES_ON;
        *why = row->argument ? arena_printf(a, "%s is %s", row->argument, row->expected)
                             : arena_printf(a, "the answer was %s", row->expected);
        return WAITER_FAILED;
    }
    return WAITER_GOES_ON;
}

static void pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

struct err waiter_run(struct remote *r, struct arena *a, const struct waiter_desc *w,
                      const struct op_desc *op, const void *in, struct remote_fault *fault)
{
    const int64_t deadline = clock_boot_ms(&clock_system) + (int64_t)w->delay_s * w->tries * 1000;

    for (int64_t pause = FIRST_PAUSE_MS;;
         pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS) {
        scoped(arena_fini) struct arena round = {0};
        void *out = arena_zalloc(&round, op->out->size);
        const char *why = NULL;
        struct err e = remote_call(r, &round, op, in, out, fault);
        if (err_failed(e))
            return err_keep(a, e);
        fault->code = arena_strdup(a, fault->code);
        fault->message = arena_strdup(a, fault->message);
        switch (waiter_judge(&round, w, op->out, out, fault, &why)) {
        case WAITER_CONTENT: *fault = (struct remote_fault){0}; return OK;
        case WAITER_FAILED:
            *fault = (struct remote_fault){0};
            return err_format(a, ERR_CONFLICT, "it cannot be reached any more: %s", why);
        case WAITER_GOES_ON: break;
        }
        if (fault->code)
            return OK; /* refused, and no row of the waiter expects that */
        if (clock_boot_ms(&clock_system) >= deadline)
            return err_format(a, ERR_TIMEOUT, "not within %d seconds", w->delay_s * w->tries);
        pause_ms(pause);
    }
}
