/* Manifests as text and as a list. */
#include "cacheengine/persist/manifest.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

void manifest_fini(struct manifest *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->files[i].name);
    free(m->files);
    *m = (struct manifest){0};
}

static void insert(struct manifest *m, size_t at, struct str name, int64_t seq,
                   enum manifest_type type)
{
    if (m->count == m->room) {
        m->room = m->room ? 2 * m->room : 8;
        m->files = realloc(m->files, m->room * sizeof(*m->files));
        check(m->files);
    }
    memmove(m->files + at + 1, m->files + at, (m->count - at) * sizeof(*m->files));
    m->files[at] = (struct manifest_file){strndup(name.ptr, name.len), seq, type};
    check(m->files[at].name);
    m->count++;
}

/* Where the files of a type end: base, history, increments is their order. */
static size_t end_of(const struct manifest *m, enum manifest_type type)
{
    size_t i = 0;

    while (i < m->count && (m->files[i].type == MANIFEST_BASE ||
                            (type != MANIFEST_BASE && m->files[i].type == MANIFEST_HISTORY) ||
                            type == MANIFEST_INCREMENT))
        i++;
    return i;
}

static void add(struct manifest *m, struct str name, int64_t seq, enum manifest_type type)
{
    insert(m, end_of(m, type), name, seq, type);
    if (type == MANIFEST_BASE && seq > m->base_seq)
        m->base_seq = seq;
    if (type == MANIFEST_INCREMENT && seq > m->increment_seq)
        m->increment_seq = seq;
}

/* ---- reading ---- */

struct line {
    struct str name;
    int64_t seq;
    char type;
};

static int digit_of(char c)
{
    const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* What stands behind a backslash at *i, which is moved to its last byte. */
static char unescape(struct str s, size_t *i)
{
    static const char from[] = "nrtab", to[] = "\n\r\t\a\b";
    char c = s.ptr[*i];

    if (c == 'x' && *i + 2 < s.len && digit_of(s.ptr[*i + 1]) >= 0 &&
        digit_of(s.ptr[*i + 2]) >= 0) {
        c = (char)(digit_of(s.ptr[*i + 1]) * 16 + digit_of(s.ptr[*i + 2]));
        *i += 2;
        return c;
    }
    const char *known = c ? strchr(from, c) : NULL;
    return known ? to[known - from] : c;
}

/* A word, or one in double quotes with escapes. */
static bool next_word(struct arena *a, struct str *rest, struct str *out)
{
    *rest = str_trim(*rest);
    if (rest->len == 0)
        return false;
    if (rest->ptr[0] != '"') {
        *out = str_cut(rest, ' ');
        return true;
    }
    char *word = arena_alloc(a, rest->len);
    size_t len = 0, i = 1;
    while (i < rest->len && rest->ptr[i] != '"') {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len) {
            i++;
            word[len++] = unescape(*rest, &i);
            i++;
        } else {
            word[len++] = rest->ptr[i++];
        }
    }
    if (i == rest->len)
        return false;
    *out = (struct str){word, len};
    *rest = (struct str){rest->ptr + i + 1, rest->len - i - 1};
    return true;
}

/* Pairs of a word and its value, of which those of later versions are skipped. */
static const char *parse_line(struct arena *a, struct str text, struct line *out)
{
    struct str key, value;

    *out = (struct line){.seq = 0};
    while (next_word(a, &text, &key)) {
        if (!next_word(a, &text, &value))
            return "Invalid AOF manifest file format";
        if (str_is_nocase(key, "file")) {
            if (memchr(value.ptr, '/', value.len) || memchr(value.ptr, 0, value.len))
                return "File can't be a path, just a filename";
            out->name = value;
        } else if (str_is_nocase(key, "seq")) {
            if (!str_to_i64(value, &out->seq))
                return "Invalid AOF manifest file format";
        } else if (str_is_nocase(key, "type") && value.len == 1) {
            out->type = value.ptr[0];
        }
    }
    if (out->name.len == 0 || out->seq <= 0 || !out->type)
        return "Invalid AOF manifest file format";
    return NULL;
}

static const char *take_line(struct manifest *m, const struct line *l)
{
    if (l->type == MANIFEST_BASE && manifest_base(m))
        return "Found duplicate base file information";
    if (l->type == MANIFEST_INCREMENT && l->seq <= m->increment_seq)
        return "Found a non-monotonic sequence number";
    if (l->type != MANIFEST_BASE && l->type != MANIFEST_INCREMENT && l->type != MANIFEST_HISTORY)
        return "Unknown AOF file type";
    add(m, l->name, l->seq, (enum manifest_type)l->type);
    return NULL;
}

struct err manifest_parse(struct manifest *m, struct arena *a, struct str text)
{
    int number = 0;

    if (text.len == 0)
        return err_make(ERR_CORRUPT, "Found an empty AOF manifest");
    while (text.len > 0) {
        struct line l;
        struct str line = str_cut(&text, '\n');
        const char *wrong =
            line.len >= LINE_MAX_BYTES ? "The AOF manifest file contains too long line" : NULL;

        number++;
        if (line.len > 0 && line.ptr[0] == '#')
            continue;
        if (!wrong)
            wrong = parse_line(a, line, &l);
        if (!wrong)
            wrong = take_line(m, &l);
        if (wrong)
            return err_format(a, ERR_CORRUPT, "%s (line %d: '%.*s')", wrong, number,
                              STR_ARG(str_shorten(line, 100)));
    }
    return OK;
}

/* ---- writing ---- */

static void put_escaped(struct buf *out, unsigned char c)
{
    static const char from[] = "\n\r\t\a\b\\\"", to[] = "nrtab\\\"";
    const char *known = c ? strchr(from, c) : NULL;

    if (known)
        buf_printf(out, "\\%c", to[known - from]);
    else if (c < ' ' || c > '~')
        buf_printf(out, "\\x%02x", c);
    else
        buf_putc(out, (char)c);
}

static void put_name(struct buf *out, const char *name)
{
    bool is_plain = true;

    for (const char *at = name; *at; at++)
        is_plain &= *at > ' ' && *at <= '~' && *at != '"' && *at != '\'' && *at != '\\';
    if (is_plain) {
        buf_puts(out, name);
        return;
    }
    buf_putc(out, '"');
    for (; *name; name++)
        put_escaped(out, (unsigned char)*name);
    buf_putc(out, '"');
}

void manifest_format(const struct manifest *m, struct buf *out)
{
    for (size_t i = 0; i < m->count; i++) {
        buf_puts(out, "file ");
        put_name(out, m->files[i].name);
        buf_printf(out, " seq %lld type %c\n", (long long)m->files[i].seq, m->files[i].type);
    }
}

/* ---- changing ---- */

void manifest_copy(const struct manifest *m, struct manifest *out)
{
    *out = (struct manifest){0};
    for (size_t i = 0; i < m->count; i++)
        insert(out, i, str_of(m->files[i].name), m->files[i].seq, m->files[i].type);
    out->base_seq = m->base_seq;
    out->increment_seq = m->increment_seq;
}

const struct manifest_file *manifest_base(const struct manifest *m)
{
    return m->count && m->files[0].type == MANIFEST_BASE ? &m->files[0] : NULL;
}

const struct manifest_file *manifest_newest(const struct manifest *m)
{
    return m->count && m->files[m->count - 1].type == MANIFEST_INCREMENT ? &m->files[m->count - 1]
                                                                         : NULL;
}

/* Moves a file to the front of what is history. */
static void make_history(struct manifest *m, size_t at)
{
    struct manifest_file f = m->files[at];

    memmove(m->files + at, m->files + at + 1, (m->count - at - 1) * sizeof(*m->files));
    m->count--;
    size_t to = end_of(m, MANIFEST_BASE);
    memmove(m->files + to + 1, m->files + to, (m->count - to) * sizeof(*m->files));
    f.type = MANIFEST_HISTORY;
    m->files[to] = f;
    m->count++;
}

void manifest_add_base(struct manifest *m, const char *name, int64_t seq)
{
    if (manifest_base(m))
        make_history(m, 0);
    add(m, str_of(name), seq, MANIFEST_BASE);
}

void manifest_add_increment(struct manifest *m, const char *name, int64_t seq)
{
    add(m, str_of(name), seq, MANIFEST_INCREMENT);
}

void manifest_retire(struct manifest *m, int64_t up_to_seq)
{
    size_t at = end_of(m, MANIFEST_HISTORY);

    while (at < m->count && m->files[at].seq <= up_to_seq)
        make_history(m, at++);
}

void manifest_forget(struct manifest *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->count; i++)
        if (m->files[i].type == MANIFEST_HISTORY)
            free(m->files[i].name);
        else
            m->files[kept++] = m->files[i];
    m->count = kept;
    if (!manifest_newest(m))
        m->increment_seq = 0;
}

bool manifest_has_history(const struct manifest *m)
{
    size_t at = end_of(m, MANIFEST_BASE);

    return at < m->count && m->files[at].type == MANIFEST_HISTORY;
}
