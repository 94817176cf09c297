/* A parser that computes as it goes: an expression is short and is run once. */
#include "controlplane/ops/metric_math.h"

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH  32
#define WORD_BYTES 256
#define MAX_ARGS   2
#define NUMBER_MAX 64

enum value_kind { SCALAR, SERIES, SERIES_LIST };

struct value {
    enum value_kind kind;
    double number;
    struct math_series series;
    struct math_series *list;
    size_t count;
};

struct parser {
    const struct math *math;
    const char *at;
    int depth;
};

static struct err wrong(const struct parser *p, const char *what, const char *word)
{
    return err_format(p->math->arena, ERR_INVALID, "Error in expression: %s%s%s", what,
                      word ? " " : "", word ? word : "");
}

static void skip_blanks(struct parser *p)
{
    p->at += strspn(p->at, " \t\r\n");
}

static bool take_char(struct parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t word_len(const char *at)
{
    size_t len = 0;

    while (is_word_start(at[len]) || at[len] == '_' || (at[len] >= '0' && at[len] <= '9'))
        len++;
    return len;
}

/* --- computing --- */

static double *new_values(const struct parser *p)
{
    return arena_array(p->math->arena, p->math->count + 1, sizeof(double));
}

static double value_at(const struct value *v, size_t i)
{
    return v->kind == SCALAR ? v->number : v->series.values[i];
}

static double combine(char sign, double a, double b)
{
    double result = NAN;

    switch (sign) {
    case '+': result = a + b; break;
    case '-': result = a - b; break;
    case '*': result = a * b; break;
    case '/': result = a / b; break;
    case '^': result = pow(a, b); break;
    }
    return isfinite(result) ? result : NAN; /* what cannot be computed has no point */
}

static struct err apply(struct parser *p, char sign, struct value *left, const struct value *right)
{
    if (left->kind == SERIES_LIST || right->kind == SERIES_LIST)
        return wrong(p, "an array can only be given to a function", NULL);
    if (left->kind == SCALAR && right->kind == SCALAR) {
        left->number = combine(sign, left->number, right->number);
        return OK;
    }
    double *values = new_values(p);
    for (size_t i = 0; i < p->math->count; i++)
        values[i] = combine(sign, value_at(left, i), value_at(right, i));
    *left = (struct value){.kind = SERIES, .series = {values}};
    return OK;
}

/* --- functions --- */

static double fold(const char *name, double sum, double min, double max, size_t count)
{
    if (count == 0)
        return NAN;
    return strcmp(name, "SUM") == 0   ? sum
           : strcmp(name, "MIN") == 0 ? min
           : strcmp(name, "MAX") == 0 ? max
                                      : sum / (double)count;
}

struct tally {
    double sum, min, max;
    size_t count;
};

static void tally_add(struct tally *t, double v)
{
    if (isnan(v))
        return;
    t->min = t->count == 0 || v < t->min ? v : t->min;
    t->max = t->count == 0 || v > t->max ? v : t->max;
    t->sum += v;
    t->count++;
}

/* SUM, AVG, MIN, MAX: of an array at each time, of one series over all times. */
static struct err run_fold(struct parser *p, const char *name, struct value *args, size_t count,
                           struct value *out)
{
    (void)count;
    if (args[0].kind == SCALAR)
        return wrong(p, "this function takes a series or an array:", name);
    if (args[0].kind == SERIES) {
        struct tally all = {0};
        for (size_t i = 0; i < p->math->count; i++)
            tally_add(&all, args[0].series.values[i]);
        *out = (struct value){SCALAR, .number = fold(name, all.sum, all.min, all.max, all.count)};
        return OK;
    }
    double *values = new_values(p);
    for (size_t i = 0; i < p->math->count; i++) {
        struct tally at = {0};
        for (size_t k = 0; k < args[0].count; k++)
            tally_add(&at, args[0].list[k].values[i]);
        values[i] = fold(name, at.sum, at.min, at.max, at.count);
    }
    *out = (struct value){.kind = SERIES, .series = {values}};
    return OK;
}

/* ABS, CEIL, FLOOR. */
static struct err run_each(struct parser *p, const char *name, struct value *args, size_t count,
                           struct value *out)
{
    double (*function)(double) = strcmp(name, "ABS") == 0    ? fabs
                                 : strcmp(name, "CEIL") == 0 ? ceil
                                                             : floor;

    (void)count;
    if (args[0].kind == SERIES_LIST)
        return wrong(p, "this function takes no array:", name);
    if (args[0].kind == SCALAR) {
        *out = (struct value){SCALAR, .number = function(args[0].number)};
        return OK;
    }
    double *values = new_values(p);
    for (size_t i = 0; i < p->math->count; i++)
        values[i] = function(args[0].series.values[i]);
    *out = (struct value){.kind = SERIES, .series = {values}};
    return OK;
}

/* DIFF, RATE: against the point before. */
static struct err run_change(struct parser *p, const char *name, struct value *args, size_t count,
                             struct value *out)
{
    bool is_rate = strcmp(name, "RATE") == 0;
    double *values = new_values(p), before = NAN;
    size_t before_at = 0;

    (void)count;
    if (args[0].kind != SERIES)
        return wrong(p, "this function takes a series:", name);
    for (size_t i = 0; i < p->math->count; i++) {
        double now = args[0].series.values[i];
        double passed_s = (double)(i - before_at) * (double)p->math->period_s;
        values[i] = is_rate ? (now - before) / passed_s : now - before;
        if (isnan(now))
            continue;
        before = now;
        before_at = i;
    }
    *out = (struct value){.kind = SERIES, .series = {values}};
    return OK;
}

static struct err run_fill(struct parser *p, const char *name, struct value *args, size_t count,
                           struct value *out)
{
    if (count != 2 || args[0].kind != SERIES || args[1].kind != SCALAR)
        return wrong(p, "this function takes a series and a number:", name);
    double *values = new_values(p), last = NAN;
    for (size_t i = 0; i < p->math->count; i++) {
        double now = args[0].series.values[i];
        double filling = isnan(args[1].number) ? last : args[1].number; /* NAN: REPEAT */
        values[i] = isnan(now) ? filling : now;
        last = values[i];
    }
    *out = (struct value){.kind = SERIES, .series = {values}};
    return OK;
}

static struct err run_period(struct parser *p, const char *name, struct value *args, size_t count,
                             struct value *out)
{
    (void)name;
    (void)args;
    (void)count;
    *out = (struct value){SCALAR, .number = (double)p->math->period_s};
    return OK;
}

static struct err run_metrics(struct parser *p, const char *name, struct value *args, size_t count,
                              struct value *out)
{
    (void)name;
    (void)args;
    (void)count;
    *out = (struct value){.kind = SERIES_LIST};
    return p->math->metrics(p->math->context, &out->list, &out->count);
}

static const struct function {
    const char *name;
    size_t least, most; /* arguments */
    struct err (*run)(struct parser *p, const char *name, struct value *args, size_t count,
                      struct value *out);
} functions[] = {
    {"ABS",     1, 1, run_each   },
    {"AVG",     1, 1, run_fold   },
    {"CEIL",    1, 1, run_each   },
    {"DIFF",    1, 1, run_change },
    {"FILL",    2, 2, run_fill   },
    {"FLOOR",   1, 1, run_each   },
    {"MAX",     1, 1, run_fold   },
    {"METRICS", 0, 0, run_metrics},
    {"MIN",     1, 1, run_fold   },
    {"PERIOD",  1, 1, run_period },
    {"RATE",    1, 1, run_change },
    {"SUM",     1, 1, run_fold   },
};

static const struct function *function_find(const char *name)
{
    for (size_t i = 0; i < countof(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}

/* --- parsing --- */

static struct err parse_sum(struct parser *p, struct value *out);

static struct err parse_arguments(struct parser *p, const struct function *f, struct value *args,
                                  size_t *out_count)
{
    *out_count = 0;
    if (take_char(p, ')'))
        return OK;
    do {
        if (*out_count == f->most)
            return wrong(p, "too many arguments of", f->name);
        TRY(parse_sum(p, &args[(*out_count)++]));
    } while (take_char(p, ','));
    return take_char(p, ')') ? OK : wrong(p, "a bracket is not closed", NULL);
}

static struct err parse_call(struct parser *p, const char *name, struct value *out)
{
    const struct function *f = function_find(name);
    struct value args[MAX_ARGS];
    size_t count;

    if (!f)
        return wrong(p, "Unsupported function", name);
    TRY(parse_arguments(p, f, args, &count));
    if (count < f->least)
        return wrong(p, "too few arguments of", name);
    return f->run(p, name, args, count, out);
}

static struct err parse_word(struct parser *p, struct value *out)
{
    char word[WORD_BYTES];
    size_t len = word_len(p->at);

    if (len >= sizeof(word))
        return wrong(p, "a name is too long", NULL);
    memcpy(word, p->at, len);
    word[len] = '\0';
    p->at += len;
    if (take_char(p, '('))
        return parse_call(p, word, out);
    if (strcmp(word, "REPEAT") == 0) {
        *out = (struct value){SCALAR, .number = NAN};
        return OK;
    }
    *out = (struct value){.kind = SERIES};
    return p->math->find(p->math->context, word, &out->series);
}

static struct err parse_list(struct parser *p, struct value *out)
{
    vec_of(struct math_series) list = VEC_EMPTY;

    do {
        struct value item;
        TRY(parse_sum(p, &item));
        if (item.kind != SERIES)
            return wrong(p, "an array is of series", NULL);
        *vec_add(p->math->arena, &list) = item.series;
    } while (take_char(p, ','));
    *out = (struct value){.kind = SERIES_LIST, .list = list.items, .count = list.count};
    return take_char(p, ']') ? OK : wrong(p, "an array is not closed", NULL);
}

static struct err parse_number(struct parser *p, struct value *out)
{
    char text[NUMBER_MAX];
    size_t len = strspn(p->at, "0123456789.");
    char *end;

    if (len == 0 || len >= sizeof(text))
        return wrong(p, "something is missing, or cannot stand where it does", NULL);
    memcpy(text, p->at, len);
    text[len] = '\0';
    *out = (struct value){SCALAR, .number = strtod(text, &end)};
    p->at += len;
    return *end ? wrong(p, "this is no number:", text) : OK;
}

static struct err parse_atom(struct parser *p, struct value *out)
{
    skip_blanks(p);
    if (take_char(p, '(')) {
        TRY(parse_sum(p, out));
        return take_char(p, ')') ? OK : wrong(p, "a bracket is not closed", NULL);
    }
    if (take_char(p, '['))
        return parse_list(p, out);
    return is_word_start(*p->at) ? parse_word(p, out) : parse_number(p, out);
}

static struct err parse_power(struct parser *p, struct value *out)
{
    struct value minus = {SCALAR, .number = -1}, right;
    struct err e = OK;

    if (++p->depth > MAX_DEPTH)
        return wrong(p, "it is nested too deep", NULL);
    if (take_char(p, '-')) {
        e = parse_power(p, out);
        if (!err_failed(e))
            e = apply(p, '*', out, &minus);
    } else {
        e = parse_atom(p, out);
        if (!err_failed(e) && take_char(p, '^')) {
            e = parse_power(p, &right);
            if (!err_failed(e))
                e = apply(p, '^', out, &right);
        }
    }
    p->depth--;
    return e;
}

static struct err parse_product(struct parser *p, struct value *out)
{
    struct value right;

    TRY(parse_power(p, out));
    for (;;) {
        char sign = take_char(p, '*') ? '*' : take_char(p, '/') ? '/' : '\0';
        if (!sign)
            return OK;
        TRY(parse_power(p, &right));
        TRY(apply(p, sign, out, &right));
    }
}

static struct err parse_sum(struct parser *p, struct value *out)
{
    struct value right;

    TRY(parse_product(p, out));
    for (;;) {
        char sign = take_char(p, '+') ? '+' : take_char(p, '-') ? '-' : '\0';
        if (!sign)
            return OK;
        TRY(parse_product(p, &right));
        TRY(apply(p, sign, out, &right));
    }
}

struct err math_run(const struct math *m, const char *expression, struct math_series *out)
{
    struct parser p = {m, expression, 0};
    struct value value;

    TRY(parse_sum(&p, &value));
    skip_blanks(&p);
    if (*p.at)
        return wrong(&p, "this is not understood:", p.at);
    if (value.kind != SERIES)
        return wrong(&p, "it must come to one time series", NULL);
    *out = value.series;
    return OK;
}

void math_each_id(const char *expression, void (*take)(void *context, const char *id, size_t len),
                  void *context)
{
    for (const char *at = expression; *at;) {
        size_t len = is_word_start(*at) ? word_len(at) : 0;
        if (len > 0 && *at >= 'a')
            take(context, at, len);
        at += len ? len : 1;
    }
}
