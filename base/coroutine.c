/*
 * Coroutines over ucontext. The one idea: a switch every millisecond of work may cost a
 * microsecond, so the portable way is good enough. The sanitizer is told of each switch, or it
 * would take the other stack for a mistake.
 */
#include "base/coroutine.h"

#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#ifdef IS_SANITIZED
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack_save, const void **bottom_old,
                                     size_t *size_old);
#endif

struct coroutine {
    ucontext_t inside, outside;
    void (*run)(struct coroutine *self, void *arg);
    void *arg;
    char *stack; /* with a page that must not be touched at its low end */
    size_t stack_bytes;
    bool has_begun, has_ended;
    /* Of who resumes, for the sanitizer. */
    const void *outer_stack;
    size_t outer_bytes;
    void *inner_fake, *outer_fake;
};

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void leave_outside(struct coroutine *c)
{
#ifdef IS_SANITIZED
    __sanitizer_start_switch_fiber(&c->outer_fake, c->stack, c->stack_bytes);
#else
    (void)c;
#endif
}

static void arrive_inside(struct coroutine *c)
{
#ifdef IS_SANITIZED
    __sanitizer_finish_switch_fiber(c->inner_fake, &c->outer_stack, &c->outer_bytes);
#else
    (void)c;
#endif
}

static void leave_inside(struct coroutine *c)
{
#ifdef IS_SANITIZED
    __sanitizer_start_switch_fiber(c->has_ended ? NULL : &c->inner_fake, c->outer_stack,
                                   c->outer_bytes);
#else
    (void)c;
#endif
}

static void arrive_outside(struct coroutine *c)
{
#ifdef IS_SANITIZED
    __sanitizer_finish_switch_fiber(c->outer_fake, NULL, NULL);
#else
    (void)c;
#endif
}

/* makecontext hands on ints only: the pointer comes in two halves. */
static void enter(unsigned high, unsigned low)
{
    struct coroutine *c = (struct coroutine *)((uintptr_t)high << 32 | (uintptr_t)low);

    arrive_inside(c);
    c->run(c, c->arg);
    c->has_ended = true;
    leave_inside(c);
    swapcontext(&c->inside, &c->outside);
}

struct coroutine *coroutine_new(void (*run)(struct coroutine *self, void *arg), void *arg,
                                size_t stack_bytes)
{
    struct coroutine *c = calloc(1, sizeof(*c));
    size_t page = page_bytes(), bytes = (stack_bytes + page - 1) / page * page + page;

    check(c);
    *c = (struct coroutine){.run = run, .arg = arg, .stack_bytes = bytes};
    c->stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    check(c->stack != MAP_FAILED && mprotect(c->stack, page, PROT_NONE) == 0);
    check(getcontext(&c->inside) == 0);
    c->inside.uc_stack.ss_sp = c->stack;
    c->inside.uc_stack.ss_size = bytes;
    uintptr_t self = (uintptr_t)c;
    makecontext(&c->inside, (void (*)(void))(void *)enter, 2, (unsigned)((uint64_t)self >> 32),
                (unsigned)self);
    return c;
}

bool coroutine_resume(struct coroutine *c)
{
    check(!c->has_ended);
    c->has_begun = true;
    leave_outside(c);
    swapcontext(&c->outside, &c->inside);
    arrive_outside(c);
    return c->has_ended;
}

void coroutine_stop(struct coroutine *c)
{
    leave_inside(c);
    swapcontext(&c->inside, &c->outside);
    arrive_inside(c);
}

void coroutine_free(struct coroutine *c)
{
    if (!c)
        return;
    check(c->has_ended || !c->has_begun);
    munmap(c->stack, c->stack_bytes);
    free(c);
}
