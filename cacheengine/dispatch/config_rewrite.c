/* CONFIG REWRITE: the file as its writer left it, with the values as they are now. */
#include "base/fs.h"
#include "cacheengine/dispatch/config.h"

#include <sys/stat.h>

#define FILE_MAX_BYTES (1 << 20)
#define ADDED_BY       "# Added by CONFIG REWRITE"

/* A value that could be taken for more or less than one word is quoted; lists are words by nature.
 */
static void put_value(struct buf *out, const struct config_row *row, struct str value)
{
    bool is_list = row->kind == CONFIG_LIMITS || row->kind == CONFIG_NUMBERS ||
                   row->kind == CONFIG_FLAGS || row->kind == CONFIG_SAVES ||
                   str_is(str_of(row->name), "bind");
    bool is_plain = value.len > 0;

    for (size_t i = 0; i < value.len && is_plain; i++)
        is_plain = value.ptr[i] > ' ' && value.ptr[i] != '"' && value.ptr[i] != '\'' &&
                   value.ptr[i] != '\\' && value.ptr[i] != 127;
    if (is_plain || (is_list && value.len > 0)) {
        buf_add_str(out, value);
        return;
    }
    buf_putc(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < ' ' || c >= 127)
            buf_printf(out, "\\x%02x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

static void put_row(const struct config *c, const struct config_row *row, struct buf *out)
{
    struct buf value = BUF_EMPTY;

    config_get(c, row, &value);
    buf_printf(out, "%s ", row->name);
    put_value(out, row, buf_str(&value));
    buf_putc(out, '\n');
    buf_fini(&value);
}

/* The first word of a line; empty for comments and what cannot be read. */
static struct str name_of_line(struct arena *a, struct str line)
{
    struct str *words = NULL;
    size_t count = 0;

    line = str_trim(line);
    if (line.len == 0 || line.ptr[0] == '#' || err_failed(config_split(a, line, &words, &count)))
        return (struct str){NULL, 0};
    return count ? words[0] : (struct str){NULL, 0};
}

static bool is_default(const struct config *c, const struct config *fresh,
                       const struct config_row *row)
{
    struct buf now = BUF_EMPTY, then = BUF_EMPTY;

    config_get(c, row, &now);
    config_get(fresh, row, &then);
    bool same = str_eq(buf_str(&now), buf_str(&then));
    buf_fini(&now);
    buf_fini(&then);
    return same;
}

/* Adds what differs from the defaults and was not in the file. */
static void add_missing(const struct config *c, const bool *is_written, struct buf *out)
{
    struct settings settings;
    struct config fresh;
    size_t count;
    const struct config_row *rows = config_rows(&count);
    bool has_title = memmem(out->ptr, out->len, ADDED_BY, sizeof(ADDED_BY) - 1) != NULL;

    config_init(&fresh, &settings);
    for (size_t i = 0; i < count; i++) {
        if (is_written[i] || is_default(c, &fresh, &rows[i]))
            continue;
        if (!has_title)
            buf_puts(out, ADDED_BY "\n");
        has_title = true;
        put_row(c, &rows[i], out);
    }
    config_fini(&fresh);
}

struct err config_rewrite(const struct config *c, struct arena *a, const char *path,
                          struct str users)
{
    scoped(buf_fini) struct buf old = BUF_EMPTY;
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct stat st = {.st_mode = 0644};
    size_t count;
    const struct config_row *rows = config_rows(&count);
    bool *is_written = arena_array(a, count, sizeof(*is_written));

    TRY(fs_read_all(path, FILE_MAX_BYTES, &old));
    (void)stat(path, &st);
    for (struct str rest = buf_str(&old); rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        struct str name = name_of_line(a, line);
        const struct config_row *row = name.len ? config_find(name) : NULL;

        if (str_is_nocase(name, "user"))
            continue;
        if (!row) {
            buf_add_str(&out, line);
            buf_putc(&out, '\n');
        } else if (!is_written[row - rows]) {
            put_row(c, row, &out);
            is_written[row - rows] = true;
        }
    }
    add_missing(c, is_written, &out);
    buf_add_str(&out, users);
    return fs_write_atomic(path, buf_str(&out), st.st_mode & 0777, FS_SYNC);
}
