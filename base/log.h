/*
 * One event, one line on standard error, as text or as a JSON object: a fixed lower-case message
 * plus fields.
 *
 *     log_info("goal set", f_str("node", id), f_str("goal", goal_name));
 *
 * error: someone must act. warn: we coped. info: a state changed. debug: everything else.
 * Secrets have no formatter.
 */
#ifndef LARDER_BASE_LOG_H
#define LARDER_BASE_LOG_H

#include "base/err.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
    const char *key;
    enum { LOG_FIELD_NONE, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_ERR } kind;
    const char *text;
    int64_t number;
    struct err error;
};

#define f_str(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .text = (v)})
#define f_int(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .number = (int64_t)(v)})
#define f_err(e)    ((struct log_field){.key = "error", .kind = LOG_FIELD_ERR, .error = (e)})

#define log_at(level, message, ...) \
    log_write((level), (message), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

#define log_debug(message, ...) log_at(LOG_LEVEL_DEBUG, message, __VA_ARGS__)
#define log_info(message, ...)  log_at(LOG_LEVEL_INFO, message, __VA_ARGS__)
#define log_warn(message, ...)  log_at(LOG_LEVEL_WARN, message, __VA_ARGS__)
#define log_error(message, ...) log_at(LOG_LEVEL_ERROR, message, __VA_ARGS__)

/* Sets what stands in front of each line ("larderd"; borrowed for ever) and the lowest level shown.
 */
void log_setup(const char *program, enum log_level least);

enum log_format { LOG_TEXT, LOG_JSON };

/* The form of lines, text until told otherwise, and what stands in each of them: fields, ended by a
 * zeroed one, borrowed until the next call; NULL: none. */
void log_shape(enum log_format format, const struct log_field *always);

/* How lines are made at present: for crash.c, which cannot wait for a line to be made. */
struct log_manner {
    const char *program;
    enum log_format format;
    const struct log_field *always;
};
struct log_manner log_manner_now(void);

/* "debug", "info", "warn", "error"; false for any other word. */
bool log_level_parse(const char *word, enum log_level *out);

/* `fields` ends with a zeroed one. Written with one write(2), so lines of processes do not mix. */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

#endif
