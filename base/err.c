/* Errors as values: formatting them, and the end of the line for our own mistakes. */
#include "base/err.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const code_names[] = {
    [ERR_OK] = "ok",
    [ERR_INVALID] = "invalid",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_EXISTS] = "exists",
    [ERR_CONFLICT] = "conflict",
    [ERR_LIMIT] = "limit",
    [ERR_DENIED] = "denied",
    [ERR_IO] = "io",
    [ERR_CORRUPT] = "corrupt",
    [ERR_TIMEOUT] = "timeout",
    [ERR_UNAVAILABLE] = "unavailable",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_INTERNAL] = "internal",
};

struct err err_format(struct arena *a, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *why = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return err_make(code, why);
}

struct err err_keep(struct arena *a, struct err e)
{
    if (e.why)
        e.why = arena_strdup(a, e.why);
    return e;
}

const char *err_text(struct arena *a, struct err e)
{
    const char *why = e.why ? e.why : err_code_name(e.code);
    if (!e.sys)
        return arena_strdup(a, why);

    char text[128];
    return arena_printf(a, "%s: %s", why, strerror_r(e.sys, text, sizeof(text)));
}

const char *err_code_name(int code)
{
    if (code >= ERR_FAULT_BASE)
        return "fault";
    if (code < 0 || (size_t)code >= countof(code_names))
        return "unknown";
    return code_names[code];
}

void check_failed(const char *cond, const char *file, int line, const char *func)
{
    fprintf(stderr, "%s:%d: %s: check failed: %s\n", file, line, func, cond);
    abort();
}
