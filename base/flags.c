/* The command line as a table. One loop reads it, one loop explains it; what a flag means is its
 * row. */
#include "base/flags.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE      2
#define HELP_COLUMN     30
#define BYTES_UNIT_STEP 1024

struct parse {
    const struct flags *flags;
    struct arena *arena;
    void *options;
    bool *is_given; /* by row */
};

bool bytes_parse(struct str text, int64_t *out)
{
    static const char units[] = "KMGT";

    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;

    int64_t number;
    if (!str_to_i64((struct str){text.ptr, digits}, &number))
        return false;
    struct str unit = str_trim((struct str){text.ptr + digits, text.len - digits});
    if (unit.len == 0 || str_is_nocase(unit, "B")) {
        *out = number;
        return true;
    }

    char letter = (char)(unit.ptr[0] & ~0x20);
    const char *found = letter ? strchr(units, letter) : NULL;
    struct str tail = {unit.ptr + 1, unit.len - 1};
    if (!found || (tail.len > 0 && !str_is_nocase(tail, "B") && !str_is_nocase(tail, "iB")))
        return false;
    for (const char *u = units; u <= found; u++)
        if (__builtin_mul_overflow(number, BYTES_UNIT_STEP, &number))
            return false;
    *out = number;
    return true;
}

static bool in_range(const struct flag *row, int64_t number)
{
    if (row->min == 0 && row->max == 0)
        return number >= 0;
    return number >= row->min && number <= row->max;
}

static struct err unusable(struct parse *p, const struct flag *row, const char *value,
                           const char *expected)
{
    return err_format(p->arena, ERR_INVALID, "--%s: \"%s\" is not %s", row->name, value, expected);
}

static struct err set_number(struct parse *p, const struct flag *row, const char *value)
{
    int64_t number;
    bool is_number = row->kind == FLAG_NUMBER ? str_to_i64(str_of(value), &number)
                                              : bytes_parse(str_of(value), &number);

    if (row->kind == FLAG_BYTES && strcmp(value, "auto") == 0) {
        *(int64_t *)((char *)p->options + row->at) = 0;
        return OK;
    }
    if (!is_number)
        return unusable(p, row, value,
                        row->kind == FLAG_NUMBER ? "a whole number"
                                                 : "a size such as 512MB or 32GB");
    if (!in_range(row, number))
        return err_format(p->arena, ERR_INVALID, "--%s: %s is out of range", row->name, value);
    *(int64_t *)((char *)p->options + row->at) = number;
    return OK;
}

static struct err set_choice(struct parse *p, const struct flag *row, const char *value)
{
    scoped(buf_fini) struct buf all = BUF_EMPTY;

    for (const char *const *word = row->choices; *word; word++) {
        if (strcmp(*word, value) == 0) {
            *(const char **)((char *)p->options + row->at) = *word;
            return OK;
        }
        buf_printf(&all, "%s%s", word == row->choices ? "one of " : ", ", *word);
    }
    return unusable(p, row, value, buf_cstr(&all));
}

static struct err set_value(struct parse *p, const struct flag *row, const char *value)
{
    switch (row->kind) {
    case FLAG_SWITCH: *(bool *)((char *)p->options + row->at) = true; return OK;
    case FLAG_TEXT: *(const char **)((char *)p->options + row->at) = value; return OK;
    case FLAG_CHOICE: return set_choice(p, row, value);
    case FLAG_NUMBER:
    case FLAG_BYTES: return set_number(p, row, value);
    }
    return OK;
}

static const struct flag *row_named(const struct flags *f, struct str name)
{
    for (size_t i = 0; i < f->row_count; i++)
        if (str_is(name, f->rows[i].name))
            return &f->rows[i];
    return NULL;
}

/* Takes the flag at argv[*at], and the value behind it; leaves *at on the last word taken. */
static struct err take_flag(struct parse *p, int argc, char **argv, int *at)
{
    struct str value = str_of(argv[*at] + 2);
    bool has_value = str_find(value, '=') != SIZE_MAX;
    struct str name = str_cut(&value, '=');

    const struct flag *row = row_named(p->flags, name);
    if (!row)
        return err_format(p->arena, ERR_INVALID, "unknown option --%.*s", STR_ARG(name));
    size_t index = (size_t)(row - p->flags->rows);
    if (p->is_given[index])
        return err_format(p->arena, ERR_INVALID, "--%s is given twice", row->name);
    p->is_given[index] = true;

    if (row->kind == FLAG_SWITCH) {
        if (has_value)
            return err_format(p->arena, ERR_INVALID, "--%s takes no value", row->name);
        return set_value(p, row, "");
    }
    if (has_value)
        return set_value(p, row, value.ptr);
    if (*at + 1 >= argc)
        return err_format(p->arena, ERR_INVALID, "--%s needs a value (%s)", row->name, row->value);
    return set_value(p, row, argv[++*at]);
}

static bool is_flag(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2];
}

/* Answers -h, --help and --version, which stand above everything else on the line. */
static bool asks_about_program(const char *word, struct flags_rest *rest)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        rest->is_help = true;
    if (strcmp(word, "--version") == 0)
        rest->is_version = true;
    return rest->is_help || rest->is_version;
}

static struct err check_required(struct parse *p)
{
    for (size_t i = 0; i < p->flags->row_count; i++)
        if (p->flags->rows[i].is_required && !p->is_given[i])
            return err_format(p->arena, ERR_INVALID, "--%s is required", p->flags->rows[i].name);
    return OK;
}

static struct err set_fallbacks(struct parse *p)
{
    for (size_t i = 0; i < p->flags->row_count; i++)
        if (p->flags->rows[i].fallback)
            TRY(set_value(p, &p->flags->rows[i], p->flags->rows[i].fallback));
    return OK;
}

struct err flags_parse(const struct flags *f, struct arena *a, int argc, char **argv, void *options,
                       struct flags_rest *out)
{
    struct parse p = {f, a, options, arena_array(a, f->row_count + 1, sizeof(bool))};
    struct flags_rest rest = {.words = arena_array(a, (size_t)argc + 1, sizeof(char *))};
    int i = 1;

    TRY(set_fallbacks(&p));
    for (; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0 && ++i)
            break;
        if (asks_about_program(argv[i], &rest)) {
            *out = rest;
            return OK;
        }
        if (is_flag(argv[i])) {
            TRY(take_flag(&p, argc, argv, &i));
            continue;
        }
        if (f->takes == FLAGS_FIRST_WORD)
            break;
        if (f->takes == FLAGS_NO_WORDS)
            return err_format(a, ERR_INVALID, "unexpected argument \"%s\"", argv[i]);
        rest.words[rest.word_count++] = argv[i];
    }
    for (; i < argc; i++)
        rest.words[rest.word_count++] = argv[i];
    TRY(check_required(&p));
    *out = rest;
    return OK;
}

static void help_row(const struct flag *row, struct buf *out)
{
    size_t begin = out->len;

    buf_printf(out, "  --%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
    if (out->len - begin + 2 > HELP_COLUMN) {
        buf_putc(out, '\n');
        begin = out->len;
    }
    buf_printf(out, "%*s%s", (int)(HELP_COLUMN - (out->len - begin)), "", row->doc ? row->doc : "");
    if (row->kind == FLAG_CHOICE)
        for (const char *const *word = row->choices; *word; word++)
            buf_printf(out, "%s%s", word == row->choices ? ": " : ", ", *word);
    if (row->is_required)
        buf_puts(out, " (required)");
    if (row->fallback)
        buf_printf(out, " (default %s)", row->fallback);
    buf_putc(out, '\n');
}

void flags_help(const struct flags *f, struct buf *out)
{
    static const struct flag common[] = {
        {.name = "help",    .doc = "show this text"  },
        {.name = "version", .doc = "show the version"},
    };

    buf_printf(out, "Usage: %s [options]%s%s\n", f->program, f->words ? " " : "",
               f->words ? f->words : "");
    if (f->about)
        buf_printf(out, "\n%s\n", f->about);
    buf_puts(out, "\nOptions:\n");
    for (size_t i = 0; i < f->row_count; i++)
        help_row(&f->rows[i], out);
    for (size_t i = 0; i < countof(common); i++)
        help_row(&common[i], out);
}

bool flags_begin(const struct flags *f, struct arena *a, int argc, char **argv, void *options,
                 struct flags_rest *out, int *out_status)
{
    struct err e = flags_parse(f, a, argc, argv, options, out);

    if (err_failed(e)) {
        fprintf(stderr, "%s: %s\nTry '%s --help'.\n", f->program, e.why, f->program);
        *out_status = EXIT_USAGE;
        return false;
    }
    if (!out->is_help && !out->is_version)
        return true;

    scoped(buf_fini) struct buf text = BUF_EMPTY;
    if (out->is_help)
        flags_help(f, &text);
    else
        buf_printf(&text, "%s %s\n", f->program, LARDER_VERSION);
    fwrite(text.ptr, 1, text.len, stdout);
    *out_status = fflush(stdout) == 0 ? 0 : 1;
    return false;
}
