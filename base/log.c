/* The log sink: one of the few mutable globals, set once by main. logfmt lines, one write each. */
#include "base/log.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#include <string.h>
#include <unistd.h>

static const char *program_name = "larder";
static enum log_level least_level = LOG_LEVEL_INFO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(const char *program, enum log_level least)
{
    program_name = program;
    least_level = least;
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

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    if (level < least_level)
        return;

    scoped(buf_fini) struct buf line = BUF_EMPTY;
    scoped(arena_fini) struct arena a = {0};
    buf_printf(&line, "%s %s %s: %s", time_iso8601(&a, clock_wall_ms(&clock_system)), program_name,
               level_names[level], message);
    for (; fields->kind != LOG_FIELD_NONE; fields++)
        add_field(&line, &a, fields);
    buf_putc(&line, '\n');
    if (write(STDERR_FILENO, line.ptr, line.len) < 0)
        return; /* nowhere left to complain */
}
