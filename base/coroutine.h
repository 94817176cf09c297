/*
 * A function with a stack of its own that can stop in its middle and be gone on with later: for
 * work that is written as if it could wait, run by a loop that must not.
 *
 * Nothing runs at the same time: between coroutine_resume and its return only the coroutine runs,
 * otherwise only who resumes it. So what both touch needs no lock, and what the coroutine leaves
 * half done while it stops is all there is to think of.
 */
#ifndef LARDER_BASE_COROUTINE_H
#define LARDER_BASE_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

struct coroutine;

/* It does not run before it is resumed. The stack is mapped, and takes memory only as it is used.
 */
struct coroutine *coroutine_new(void (*run)(struct coroutine *self, void *arg), void *arg,
                                size_t stack_bytes);

/* Runs it until it stops or ends. True when it has ended. */
bool coroutine_resume(struct coroutine *c);

/* Stops, from within: returns when it is resumed. */
void coroutine_stop(struct coroutine *c);

/* It must have ended, or never begun: what stands on its stack is not unwound. Accepts NULL. */
void coroutine_free(struct coroutine *c);

#endif
