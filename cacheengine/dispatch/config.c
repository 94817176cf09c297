/* Directives. The one idea: config.def is the truth; everything here is a loop over its rows. */
#include "cacheengine/dispatch/config.h"

#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/dispatch/notify.h"
#include "cacheengine/dispatch/secret.h"
#include "cacheengine/keyspace/number.h"

#include <stdlib.h>

#define FILE_MAX_BYTES (1 << 20)

static const char *const brand_words[] = {"redis", "valkey", NULL};
static const char *const endpoint_words[] = {"ip", "hostname", "unknown-endpoint", NULL};
static const char *const diskless_load_words[] = {"disabled", "on-empty-db", "swapdb",
                                                  "flush-before-load", NULL};
static const char *const protocol_words[] = {"resp", "memcached", NULL};
static const char *const memcached_binding_words[] = {"auto", "ascii", "binary", NULL};
static const char *const log_level_words[] = {"debug",   "verbose", "notice",
                                              "warning", "nothing", NULL};
static const char *const log_format_words[] = {"text", "json", NULL};
static const char *const policy_words[] = {
    [EVICT_NONE] = "noeviction",
    [EVICT_ALLKEYS_LRU] = "allkeys-lru",
    [EVICT_VOLATILE_LRU] = "volatile-lru",
    [EVICT_ALLKEYS_LFU] = "allkeys-lfu",
    [EVICT_VOLATILE_LFU] = "volatile-lfu",
    [EVICT_ALLKEYS_RANDOM] = "allkeys-random",
    [EVICT_VOLATILE_RANDOM] = "volatile-random",
    [EVICT_VOLATILE_TTL] = "volatile-ttl",
    [EVICT_NONE + 1] = NULL,
};
static const char *const oom_score_words[] = {"no", "yes", "relative", "absolute", NULL};
static const char *const tls_mode_words[] = {"off", "preferred", "required", NULL};
static const char *const tls_clients_words[] = {"no", "yes", "optional", NULL};
static const char *const tls_user_words[] = {"off", "CN", NULL};
static const char *const channel_words[] = {"resetchannels", "allchannels", NULL};
static const char *const append_sync_words[] = {"no", "everysec", "always", NULL};
static const char *const reach_words[] = {"no", "yes", "local", NULL};
static const char *const ending_words[] = {"default", "save", "nosave", "now", "force", NULL};
static const char *const class_words[] = {"normal", "slave", "pubsub", NULL};

#define FIELD(f)                       offsetof(struct settings, f)
#define INT(n, a, f, d, lo, hi, m)     {n, a, CONFIG_INT, FIELD(f), d, lo, hi, NULL, NULL, m},
#define BYTES(n, a, f, d, lo, hi, m)   {n, a, CONFIG_BYTES, FIELD(f), d, lo, hi, NULL, NULL, m},
#define PERCENT(n, a, f, d, lo, hi, m) {n, a, CONFIG_PERCENT, FIELD(f), d, lo, hi, NULL, NULL, m},
#define OCTAL(n, a, f, d, lo, hi, m)   {n, a, CONFIG_OCTAL, FIELD(f), d, lo, hi, NULL, NULL, m},
#define BOOL(n, a, f, d, m)            {n, a, CONFIG_BOOL, FIELD(f), d, 0, 1, NULL, NULL, m},
#define TEXT(n, a, f, d, m)            {n, a, CONFIG_TEXT, FIELD(f), d, 0, 0, NULL, NULL, m},
#define EVENTS(n, a, f, d, m)          {n, a, CONFIG_EVENTS, FIELD(f), d, 0, 0, NULL, NULL, m},
#define NUMBERS(n, a, f, d, lo, hi, m) {n, a, CONFIG_NUMBERS, FIELD(f), d, lo, hi, NULL, NULL, m},
#define ENUM(n, a, f, d, w, m)         {n, a, CONFIG_ENUM, FIELD(f), d, 0, 0, w, NULL, m},
#define FLAGS(n, a, f, d, w, m)        {n, a, CONFIG_FLAGS, FIELD(f), d, 0, 0, w, NULL, m},
#define SAVES(n, a, f, d, m)           {n, a, CONFIG_SAVES, FIELD(f), d, 0, 0, NULL, NULL, m},
#define LIMITS(n, a, f, d, m)          {n, a, CONFIG_LIMITS, FIELD(f), d, 0, 0, NULL, NULL, m},
#define KEPT(n, a, d)                  {n, a, CONFIG_KEPT, 0, d, 0, 0, NULL, NULL, true},
#define ONLY(n, a, d, why)             {n, a, CONFIG_ONLY, 0, d, 0, 0, NULL, why, false},

static const struct config_row rows[] = {
#include "cacheengine/dispatch/config.def"
};

#undef INT
#undef BYTES
#undef PERCENT
#undef OCTAL
#undef BOOL
#undef TEXT
#undef EVENTS
#undef NUMBERS
#undef ENUM
#undef FLAGS
#undef SAVES
#undef LIMITS
#undef KEPT
#undef ONLY

const struct config_row *config_rows(size_t *count)
{
    *count = countof(rows);
    return rows;
}

const struct config_row *config_find(struct str name)
{
    for (size_t i = 0; i < countof(rows); i++)
        if (str_is_nocase(name, rows[i].name) ||
            (rows[i].alias && str_is_nocase(name, rows[i].alias)))
            return &rows[i];
    return NULL;
}

static void *field(const struct config *c, const struct config_row *row)
{
    return (char *)c->settings + row->offset;
}

/* ---- values from text ---- */

static struct err parse_number(struct arena *a, const struct config_row *row, struct str value,
                               int64_t *out)
{
    int64_t v;

    if (row->kind == CONFIG_BYTES && !number_parse_bytes(value, &v))
        return err_make(ERR_INVALID, "argument must be a memory value");
    if (row->kind == CONFIG_INT && !str_to_i64(value, &v))
        return err_make(ERR_INVALID, "argument couldn't be parsed into an integer");
    if (row->kind == CONFIG_OCTAL) {
        const char *text = str_dup(a, value);
        char *end;

        v = strtol(text, &end, 8);
        if (value.len == 0 || *end)
            return err_make(ERR_INVALID, "argument couldn't be parsed into an integer");
    }
    if (v < row->min || v > row->max)
        return err_format(a, ERR_INVALID, "argument must be between %lld and %lld inclusive",
                          (long long)row->min, (long long)row->max);
    *out = v;
    return OK;
}

static struct err parse_percent(struct arena *a, const struct config_row *row, struct str value,
                                int64_t *out)
{
    bool is_percent = value.len > 0 && value.ptr[value.len - 1] == '%';
    struct str digits = {value.ptr, value.len - is_percent};
    int64_t v;

    if (is_percent ? !str_to_i64(digits, &v) || v < 0 : !number_parse_bytes(value, &v))
        return err_make(ERR_INVALID, "argument must be a memory or percent value");
    if (is_percent && v > -row->min)
        return err_format(a, ERR_INVALID, "percentage argument must be less or equal to %lld",
                          (long long)-row->min);
    *out = is_percent ? -v : v;
    return OK;
}

static struct err parse_word(struct arena *a, const struct config_row *row, struct str value,
                             int64_t *out)
{
    const char *all = "";

    for (int64_t i = 0; row->words[i]; i++) {
        if (str_is_nocase(value, row->words[i])) {
            *out = i;
            return OK;
        }
        all = arena_printf(a, "%s%s%s", all, i ? ", " : "", row->words[i]);
    }
    return err_format(a, ERR_INVALID, "argument(s) must be one of the following: %s", all);
}

static struct err parse_flags(struct arena *a, const struct config_row *row, struct str value,
                              int64_t *out)
{
    struct str *words;
    size_t count;
    int64_t bits = 0;

    TRY(config_split(a, value, &words, &count));
    for (size_t i = 0; i < count; i++) {
        int64_t word;

        TRY(parse_word(a, row, words[i], &word));
        bits |= word ? 1LL << (word - 1) : 0;
    }
    *out = bits;
    return OK;
}

/* One pair of `save`, added to the others. */
static struct err parse_save_point(const struct str *words, struct settings *s)
{
    struct save_point p;

    if (!str_to_i64(words[0], &p.seconds) || !str_to_i64(words[1], &p.changes) || p.seconds < 1 ||
        p.changes < 0)
        return err_make(ERR_INVALID, "Invalid save parameters");
    if (s->save_point_count == SAVE_POINTS_MAX)
        return err_make(ERR_INVALID, "there are too many save points");
    s->save_points[s->save_point_count++] = p;
    return OK;
}

/* The pairs, behind those that are there when the file is read (`adds`), else in their place; an
 * empty value takes all away. */
static struct err parse_saves(struct config *c, struct arena *a, struct str value, bool adds)
{
    struct settings *s = c->settings;
    struct settings before = *s;
    struct str *words;
    size_t count;
    struct err e = OK;

    TRY(config_split(a, value, &words, &count));
    if (count % 2 != 0)
        return err_make(ERR_INVALID, "Invalid save parameters");
    if (!adds || count == 0)
        s->save_point_count = 0;
    for (size_t i = 0; i < count && !err_failed(e); i += 2)
        e = parse_save_point(words + i, s);
    if (err_failed(e))
        *s = before;
    return e;
}

static struct err parse_limit(struct arena *a, const struct str *words, struct output_limit *limits)
{
    struct output_limit limit;
    size_t class_id = 0;

    while (class_words[class_id] && !str_is_nocase(words[0], class_words[class_id]))
        class_id++;
    if (str_is_nocase(words[0], "replica"))
        class_id = OUTPUT_REPLICA;
    if (class_id >= OUTPUT_CLASSES)
        return err_make(ERR_INVALID,
                        "Invalid client class specified in buffer limit configuration.");
    if (!number_parse_bytes(words[1], &limit.hard_bytes) ||
        !number_parse_bytes(words[2], &limit.soft_bytes) || !str_to_i64(words[3], &limit.soft_s) ||
        limit.soft_s < 0)
        return err_format(
            a, ERR_INVALID,
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    limits[class_id] = limit;
    return OK;
}

static struct err parse_limits(struct arena *a, struct str value, struct output_limit *limits)
{
    struct output_limit parsed[OUTPUT_CLASSES];
    struct str *words;
    size_t count;

    memcpy(parsed, limits, sizeof(parsed));
    TRY(config_split(a, value, &words, &count));
    if (count % 4 != 0)
        return err_make(ERR_INVALID, "Wrong number of arguments in buffer limit configuration.");
    for (size_t i = 0; i < count; i += 4)
        TRY(parse_limit(a, words + i, parsed));
    memcpy(limits, parsed, sizeof(parsed));
    return OK;
}

static void set_text(struct config *c, const struct config_row *row, struct str value)
{
    char **text = &c->texts[row - rows];
    char *copy = malloc(value.len + 1);

    check(copy);
    memcpy(copy, value.ptr, value.len);
    copy[value.len] = 0;
    free(*text);
    *text = copy;
    if (row->kind == CONFIG_TEXT || row->kind == CONFIG_NUMBERS || row->kind == CONFIG_EVENTS)
        *(const char **)field(c, row) = copy;
}

/* Numbers in their shortest form, with one space between them. */
static struct err set_numbers(struct config *c, struct arena *a, const struct config_row *row,
                              struct str value)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct str *words;
    size_t count;

    TRY(config_split(a, value, &words, &count));
    for (size_t i = 0; i < count; i++) {
        double v;

        if (!number_parse_double(words[i], &v))
            return err_make(ERR_INVALID, "Invalid latency tracking percentile");
        if (v < (double)row->min || v > (double)row->max)
            return err_format(a, ERR_INVALID,
                              "latency tracking info percentiles must be in the range [%lld, %lld]",
                              (long long)row->min, (long long)row->max);
        buf_printf(&out, "%s%.6g", i ? " " : "", v);
    }
    set_text(c, row, buf_str(&out));
    return OK;
}

static struct err set_events(struct config *c, const struct config_row *row, struct str value)
{
    char letters[NOTIFY_LETTERS];
    uint32_t classes;

    if (!notify_parse(value, &classes))
        return err_make(ERR_INVALID, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    notify_letters(classes, letters);
    set_text(c, row, str_of(letters));
    return OK;
}

struct err config_set(struct config *c, struct arena *a, const struct config_row *row,
                      struct str value)
{
    switch (row->kind) {
    case CONFIG_INT:
    case CONFIG_BYTES:
    case CONFIG_OCTAL: return parse_number(a, row, value, field(c, row));
    case CONFIG_PERCENT: return parse_percent(a, row, value, field(c, row));
    case CONFIG_NUMBERS: return set_numbers(c, a, row, value);
    case CONFIG_EVENTS: return set_events(c, row, value);
    case CONFIG_ENUM: return parse_word(a, row, value, field(c, row));
    case CONFIG_FLAGS: return parse_flags(a, row, value, field(c, row));
    case CONFIG_SAVES: return parse_saves(c, a, value, false);
    case CONFIG_LIMITS: return parse_limits(a, value, field(c, row));
    case CONFIG_ONLY:
        if (!str_is_nocase(value, row->preset))
            return err_format(a, ERR_INVALID, "argument must be '%s': %s", row->preset, row->note);
        return OK;
    case CONFIG_BOOL:
        if (!str_is_nocase(value, "yes") && !str_is_nocase(value, "no"))
            return err_make(ERR_INVALID, "argument must be 'yes' or 'no'");
        *(bool *)field(c, row) = str_is_nocase(value, "yes");
        return OK;
    default: set_text(c, row, value); return OK;
    }
}

/* ---- values as text ---- */

static void put_limits(const struct output_limit *limits, struct buf *out)
{
    for (int i = 0; i < OUTPUT_CLASSES; i++)
        buf_printf(out, "%s%s %lld %lld %lld", i ? " " : "", class_words[i],
                   (long long)limits[i].hard_bytes, (long long)limits[i].soft_bytes,
                   (long long)limits[i].soft_s);
}

static void put_flags(const struct config_row *row, int64_t bits, struct buf *out)
{
    const char *between = "";

    for (int64_t i = 1; row->words[i]; i++)
        if (bits & 1LL << (i - 1)) {
            buf_printf(out, "%s%s", between, row->words[i]);
            between = " ";
        }
    if (!bits)
        buf_puts(out, row->words[0]);
}

static void put_saves(const struct settings *s, struct buf *out)
{
    for (int64_t i = 0; i < s->save_point_count; i++)
        buf_printf(out, "%s%lld %lld", i ? " " : "", (long long)s->save_points[i].seconds,
                   (long long)s->save_points[i].changes);
}

static void put_percent(int64_t v, struct buf *out)
{
    buf_printf(out, v < 0 ? "%lld%%" : "%lld", (long long)(v < 0 ? -v : v));
}

void config_get(const struct config *c, const struct config_row *row, struct buf *out)
{
    const void *at = field(c, row);

    switch (row->kind) {
    case CONFIG_INT:
    case CONFIG_BYTES: buf_printf(out, "%lld", (long long)*(const int64_t *)at); break;
    case CONFIG_PERCENT: put_percent(*(const int64_t *)at, out); break;
    case CONFIG_OCTAL: buf_printf(out, "%llo", (unsigned long long)*(const int64_t *)at); break;
    case CONFIG_BOOL: buf_puts(out, *(const bool *)at ? "yes" : "no"); break;
    case CONFIG_ENUM: buf_puts(out, row->words[*(const int64_t *)at]); break;
    case CONFIG_FLAGS: put_flags(row, *(const int64_t *)at, out); break;
    case CONFIG_SAVES: put_saves(c->settings, out); break;
    case CONFIG_LIMITS: put_limits(at, out); break;
    case CONFIG_ONLY: buf_puts(out, row->preset); break;
    default: buf_puts(out, c->texts[row - rows]); break;
    }
}

/* ---- beginning and end ---- */

void config_init(struct config *c, struct settings *settings)
{
    struct arena a = {0};

    *settings = (struct settings){0};
    *c = (struct config){.settings = settings};
    c->texts = calloc(countof(rows), sizeof(*c->texts));
    check(c->texts);
    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = config_set(c, &a, &rows[i], str_of(rows[i].preset));
        check(!err_failed(e));
    }
    arena_fini(&a);
}

void config_fini(struct config *c)
{
    for (size_t i = 0; c->texts && i < countof(rows); i++)
        free(c->texts[i]);
    free(c->texts);
    buf_fini(&c->users);
    *c = (struct config){0};
}

void config_warn_unread(const struct config *c)
{
    for (size_t i = 0; i < countof(rows); i++)
        if (rows[i].kind == CONFIG_KEPT && strcmp(c->texts[i], rows[i].preset) != 0)
            log_warn("directive has no effect in this engine", f_str("name", rows[i].name),
                     f_str("value",
                           secret_is_directive(str_of(rows[i].name)) ? "(redacted)" : c->texts[i]));
}

/* ---- files and lines ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One escape of a double-quoted word; *p stands on the backslash and is moved to its last byte. */
static char unescape(struct str line, size_t *p)
{
    static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
    size_t i = *p;
    char c = line.ptr[i + 1];

    if (c == 'x' && i + 3 < line.len && hex_digit(line.ptr[i + 2]) >= 0 &&
        hex_digit(line.ptr[i + 3]) >= 0) {
        *p = i + 3;
        return (char)(hex_digit(line.ptr[i + 2]) * 16 + hex_digit(line.ptr[i + 3]));
    }
    *p = i + 1;
    const char *known = memchr(from, c, sizeof(from) - 1);
    return known ? to[known - from] : c;
}

/* Reads a quoted word; *p stands behind the opening quote and is moved behind the closing one. */
static bool split_quoted(struct str line, size_t *p, char quote, char *out, size_t *len)
{
    for (; *p < line.len; (*p)++) {
        char c = line.ptr[*p];

        if (c == quote) {
            (*p)++;
            /* A closing quote ends the word. */
            return *p == line.len || line.ptr[*p] == ' ' ||
                   (line.ptr[*p] >= 9 && line.ptr[*p] <= 13);
        }
        if (c == '\\' && quote == '"' && *p + 1 < line.len)
            c = unescape(line, p);
        else if (c == '\\' && *p + 1 < line.len && line.ptr[*p + 1] == '\'')
            c = line.ptr[++*p];
        out[(*len)++] = c;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0;
}

struct err config_split(struct arena *a, struct str line, struct str **out, size_t *count)
{
    struct str *words = arena_array(a, line.len / 2 + 1, sizeof(*words));
    size_t n = 0, p = 0;

    for (;;) {
        while (p < line.len && is_space(line.ptr[p]))
            p++;
        if (p == line.len)
            break;
        char *word = arena_alloc(a, line.len - p + 1);
        size_t len = 0;
        while (p < line.len && !is_space(line.ptr[p])) {
            char c = line.ptr[p++];

            if (c != '"' && c != '\'') {
                word[len++] = c;
                continue;
            }
            if (!split_quoted(line, &p, c, word, &len))
                return err_make(ERR_INVALID, "Unbalanced quotes in configuration line");
        }
        words[n++] = (struct str){word, len};
    }
    *out = words;
    *count = n;
    return OK;
}

static void add_user(struct buf *users, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_str(users, words[i]);
        buf_putc(users, i + 1 < count ? ' ' : '\n');
    }
}

struct err config_load_words(struct config *c, struct arena *a, const struct str *words,
                             size_t count)
{
    const struct config_row *row = config_find(words[0]);
    struct buf value = BUF_EMPTY;

    if (str_is_nocase(words[0], "user") && count >= 2) {
        add_user(&c->users, words, count);
        return OK;
    }
    /* `save` alone is what is left of an empty value. */
    if (!row || (count < 2 && !str_is_nocase(words[0], "save")))
        return err_make(ERR_INVALID, "Bad directive or wrong number of arguments");
    bool is_list = row->kind == CONFIG_LIMITS || row->kind == CONFIG_NUMBERS ||
                   row->kind == CONFIG_TEXT || row->kind == CONFIG_KEPT ||
                   row->kind == CONFIG_FLAGS || row->kind == CONFIG_SAVES;
    if (count > 2 && !is_list)
        return err_make(ERR_INVALID, "Bad directive or wrong number of arguments");
    for (size_t i = 1; i < count; i++) {
        if (i > 1)
            buf_putc(&value, ' ');
        buf_add_str(&value, words[i]);
    }
    struct err e = row->kind == CONFIG_SAVES ? parse_saves(c, a, buf_str(&value), true)
                                             : config_set(c, a, row, buf_str(&value));
    buf_fini(&value);
    return e;
}

struct err config_load_text(struct config *c, struct arena *a, struct str text, const char *origin)
{
    for (int number = 1; text.len > 0; number++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        struct str *words = NULL;
        size_t count = 0;

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        struct err e = config_split(a, line, &words, &count);
        if (!err_failed(e))
            e = config_load_words(c, a, words, count);
        if (err_failed(e))
            return err_format(a, e.code, "%s, line %d: '%.*s': %s", origin, number, STR_ARG(line),
                              err_text(a, e));
    }
    return OK;
}

struct err config_load_file(struct config *c, struct arena *a, const char *path)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct err e = fs_read_all(strcmp(path, "-") == 0 ? "/dev/stdin" : path, FILE_MAX_BYTES, &text);

    if (err_failed(e))
        return err_format(a, e.code, "can't open config file '%s': %s", path, err_text(a, e));
    return err_keep(a, config_load_text(c, a, buf_str(&text), path));
}
