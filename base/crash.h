/*
 * The last words of a process that a signal ends which is its own fault: SIGSEGV, SIGBUS, SIGFPE,
 * SIGABRT. One line in the log (log.h), text or JSON as the others, with the signal, the address,
 * the build and a backtrace of raw addresses; then the process dies as it would have.
 *
 *     addr2line -f -e larder-engine <address - base>
 */
#ifndef LARDER_BASE_CRASH_H
#define LARDER_BASE_CRASH_H

#include <stddef.h>

/*
 * Says what the process was about: puts up to `max` letters, digits and " |.-_:" into `out` and
 * returns how many. It runs amid the crash, so it may read memory and nothing else; should that
 * crash too, the line is without it.
 */
typedef size_t crash_describe_fn(void *ctx, char *out, size_t max);

/* From now on. `build` is borrowed for ever; `describe` may be NULL. Nothing happens where a
 * sanitizer has its own report. */
void crash_watch(const char *build, crash_describe_fn *describe, void *ctx);

#endif
