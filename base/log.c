/* The log sink: one of the few mutable globals, set by main. logfmt lines or JSON objects, one
 * write each. */
#include "base/log.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/jsonline.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *program_name = "larder";
static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_TEXT;
static const struct log_field *common_fields;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(const char *program, enum log_level least)
{
    program_name = program;
    least_level = least;
}

void log_shape(enum log_format format, const struct log_field *always)
{
    line_format = format;
    common_fields = always;
}

struct log_manner log_manner_now(void)
{
    return (struct log_manner){program_name, line_format, common_fields};
}

bool log_level_parse(const char *word, enum log_level *out)
{
    for (size_t i = 0; i < countof(level_names); i++)
        if (strcmp(word, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

static bool needs_quotes(const char *text)
{
    if (!*text)
        return true;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == '"' || *text == '=' || *text == '\\' ||
            (unsigned char)*text == 0x7f)
            return true;
    return false;
}

static void add_text(struct buf *line, const char *text)
{
    if (!needs_quotes(text)) {
        buf_puts(line, text);
        return;
    }
    buf_putc(line, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buf_putc(line, '\\');
        if (c < ' ' || c == 0x7f)
            buf_printf(line, "\\x%02x", c);
        else
            buf_putc(line, (char)c);
    }
    buf_putc(line, '"');
}

static void add_field(struct buf *line, struct arena *a, const struct log_field *f)
{
    buf_printf(line, " %s=", f->key);
    if (f->kind == LOG_FIELD_INT)
        buf_printf(line, "%lld", (long long)f->number);
    else if (f->kind == LOG_FIELD_ERR)
        add_text(line, err_text(a, f->error));
    else
        add_text(line, f->text ? f->text : "-");
}

static void text_line(struct buf *line, struct arena *a, enum log_level level, const char *message,
                      const struct log_field *fields)
{
    buf_printf(line, "%s %s %s: %s", time_iso8601(a, clock_wall_ms(&clock_system)), program_name,
               level_names[level], message);
    for (; fields->kind != LOG_FIELD_NONE; fields++)
        add_field(line, a, fields);
    for (fields = common_fields; fields && fields->kind != LOG_FIELD_NONE; fields++)
        add_field(line, a, fields);
}

static void json_field(struct buf *line, struct arena *a, const struct log_field *f)
{
    jsonline_put_text(line, str_of(f->key));
    buf_putc(line, ':');
    if (f->kind == LOG_FIELD_INT)
        buf_printf(line, "%lld", (long long)f->number);
    else if (f->kind == LOG_FIELD_ERR)
        jsonline_put_text(line, str_of(err_text(a, f->error)));
    else if (f->text)
        jsonline_put_text(line, str_of(f->text));
    else
        buf_puts(line, "null");
    buf_putc(line, ',');
}

/* Names, levels and time are those that the hosted service delivers. */
static void json_line(struct buf *line, struct arena *a, enum log_level level, const char *message,
                      const struct log_field *fields)
{
    static const char *const names[] = {"VERBOSE", "NOTICE", "WARNING", "WARNING"};
    int64_t now_ms = clock_wall_ms(&clock_system);
    time_t now_s = (time_t)(now_ms / 1000);
    char when[48];
    struct tm tm;

    gmtime_r(&now_s, &tm);
    strftime(when, sizeof(when), "%d %b %Y %H:%M:%S", &tm);
    buf_putc(line, '{');
    for (const struct log_field *f = common_fields; f && f->kind != LOG_FIELD_NONE; f++)
        json_field(line, a, f);
    buf_printf(line, "\"LogLevel\":\"%s\",\"Time\":\"%s.%03d UTC\",", names[level], when,
               (int)(now_ms % 1000));
    for (; fields->kind != LOG_FIELD_NONE; fields++)
        json_field(line, a, fields);
    buf_puts(line, "\"Message\":");
    jsonline_put_text(line, str_of(message));
    buf_putc(line, '}');
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    if (level < least_level)
        return;

    scoped(buf_fini) struct buf line = BUF_EMPTY;
    scoped(arena_fini) struct arena a = {0};
    if (line_format == LOG_JSON)
        json_line(&line, &a, level, message, fields);
    else
        text_line(&line, &a, level, message, fields);
    buf_putc(&line, '\n');
    if (write(STDERR_FILENO, line.ptr, line.len) < 0)
        return; /* nowhere left to complain */
}
