/*
 * The result of anything that can fail.
 *
 * A `struct err` is returned by value (16 bytes, in registers). Whoever returns it stays silent;
 * whoever handles it logs it, once. Codes below ERR_FAULT_BASE are generic and defined here; codes
 * from there on are the FAULT_* constants that specgen makes from the interface model.
 */
#ifndef LARDER_BASE_ERR_H
#define LARDER_BASE_ERR_H

#include <stdbool.h>

struct arena;

#define must_use __attribute__((warn_unused_result))

/* Runs `fini(&variable)` when the variable leaves its scope. */
#define scoped(fini) __attribute__((cleanup(fini)))

enum err_code {
    ERR_OK = 0,
    ERR_INVALID,     /* the input is malformed or out of range */
    ERR_NOT_FOUND,   /* the thing asked for does not exist */
    ERR_EXISTS,      /* it exists already */
    ERR_CONFLICT,    /* the state of the thing forbids this */
    ERR_LIMIT,       /* a limit (size, count, depth, quota) was reached */
    ERR_DENIED,      /* the caller may not */
    ERR_IO,          /* the operating system refused; `sys` says why */
    ERR_CORRUPT,     /* stored data is damaged */
    ERR_TIMEOUT,     /* it took too long */
    ERR_UNAVAILABLE, /* the other side is not there (now) */
    ERR_UNSUPPORTED, /* known, but not served by this build */
    ERR_INTERNAL,    /* our own mistake, survived */

    ERR_FAULT_BASE = 1000, /* FAULT_* codes start here */
};

struct err {
    int code;        /* ERR_OK, a generic ERR_*, or a FAULT_* generated from the spec */
    int sys;         /* errno where it happened, or 0 */
    const char *why; /* one sentence; a literal or arena text, never freed */
};

#define OK ((struct err){0})

/* Returns early from the calling function when `expr` fails. */
#define TRY(expr)                                    \
    do {                                             \
        struct err try_err_ = (expr);                \
        if (__builtin_expect(try_err_.code != 0, 0)) \
            return try_err_;                         \
    } while (0)

static inline bool err_is(struct err e, int code)
{
    return e.code == code;
}

static inline bool err_failed(struct err e)
{
    return e.code != ERR_OK;
}

/* Makes an error from a code and a sentence that lives for ever (a literal). */
static inline struct err err_make(int code, const char *why)
{
    return (struct err){.code = code, .sys = 0, .why = why};
}

/* Makes an ERR_IO from an errno value and a literal that says what was tried. */
static inline struct err err_sys(int sys, const char *why)
{
    return (struct err){.code = ERR_IO, .sys = sys, .why = why};
}

/* Makes an error whose sentence is formatted into `a`. */
struct err err_format(struct arena *a, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies the sentence of `e` into `a`, for an error that outlives the arena it was made in. */
struct err err_keep(struct arena *a, struct err e);

/* The sentence of `e`, with the text of errno behind it where there is one; lives in `a`. */
const char *err_text(struct arena *a, struct err e);

/* The name of a generic code ("not_found"); "fault" for FAULT_* codes. */
const char *err_code_name(int code);

/* Drops an error on purpose; `why` says why that is right. */
static inline void err_ignore(struct err e, const char *why)
{
    (void)e;
    (void)why;
}

/* For our own mistakes: always compiled in, prints where and aborts. */
#define check(cond)                                            \
    do {                                                       \
        if (__builtin_expect(!(cond), 0))                      \
            check_failed(#cond, __FILE__, __LINE__, __func__); \
    } while (0)

__attribute__((noreturn)) void check_failed(const char *cond, const char *file, int line,
                                            const char *func);

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - __builtin_offsetof(type, member)))

#endif
