/*
 * The engine's commands: one JSON file each becomes a row of contract/commands.c (base/command.h
 * says what it means) and a line of contract/command_procs.h, the list of functions that serve
 * them.
 */
#include "api-spec/specgen.h"
#include "base/command.h"

#include <cjson/cJSON.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 1024

/* What the rows of a file are called in messages. */
struct spec {
    const char *file;
    cJSON *json;
    const char *name;  /* "client|list" */
    const char *shown; /* "list" */
    int parent;        /* index of the container, or -1 */
    int id;
};

/* Filled once, then read: the generator is a program of its own. */
struct specs {
    struct spec rows[COMMANDS_MAX];
    int count;
};

__attribute__((noreturn, format(printf, 2, 3))) static void fail(const char *file, const char *fmt,
                                                                 ...)
{
    va_list ap;

    fprintf(stderr, "%s: ", file);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t len = 0, got;

    if (!f)
        fail(path, "cannot be read: %s", strerror(errno));
    do {
        text = realloc(text, len + 4097);
        if (!text)
            fail(path, "out of memory");
        got = fread(text + len, 1, 4096, f);
        len += got;
    } while (got > 0);
    text[len] = 0;
    fclose(f);
    return text;
}

static const cJSON *want(const struct spec *s, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(s->json, key);

    if (!v)
        fail(s->file, "\"%s\" is missing", key);
    return v;
}

static const char *text_of(const struct spec *s, const char *key)
{
    const cJSON *v = want(s, key);

    if (!cJSON_IsString(v))
        fail(s->file, "\"%s\" is not a string", key);
    return v->valuestring;
}

/* An optional number of an object. */
static int number_of(const cJSON *o, const char *key, int absent)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    return cJSON_IsNumber(v) ? v->valueint : absent;
}

static bool is_set(const struct spec *s, const char *member)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(s->json, member));
}

static void check_members(const struct spec *s)
{
    static const char *const known[] = {
        "name",     "summary",    "since",   "group",  "complexity", "arity",
        "flags",    "acl",        "tips",    "keys",   "reply",      "restricted",
        "internal", "deprecated", "history", "member", "node_only"};
    for (const cJSON *v = s->json->child; v; v = v->next) {
        size_t i = 0;

        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], v->string) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            fail(s->file, "\"%s\" is not a known member", v->string);
    }
}

static void load(struct specs *all, const char *file)
{
    char *text = read_file(file);
    struct spec *s = &all->rows[all->count++];

    if (all->count == COMMANDS_MAX)
        fail(file, "there are too many commands");
    *s = (struct spec){.file = file, .json = cJSON_Parse(text), .parent = -1};
    if (!s->json)
        fail(file, "is not JSON near \"%.20s\"", cJSON_GetErrorPtr());
    check_members(s);
    s->name = text_of(s, "name");
    s->shown = strchr(s->name, '|') ? strchr(s->name, '|') + 1 : s->name;
    for (const char *p = s->name; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && !strchr("|-_.", *p))
            fail(file, "the name is not in lower case");
    free(text);
}

static bool is_sub(const struct spec *s)
{
    return s->shown != s->name;
}

static int by_name(const void *a, const void *b)
{
    const struct spec *x = a, *y = b;

    if (is_sub(x) != is_sub(y))
        return is_sub(x) - is_sub(y);
    return strcmp(x->name, y->name);
}

/* Sorts top-level commands in front, and finds every subcommand's container. */
static void arrange(struct specs *all)
{
    qsort(all->rows, (size_t)all->count, sizeof(all->rows[0]), by_name);
    for (int i = 0; i < all->count; i++) {
        struct spec *s = &all->rows[i];

        s->id = i;
        if (i > 0 && strcmp(s->name, all->rows[i - 1].name) == 0)
            fail(s->file, "the command is described twice");
        if (!is_sub(s))
            continue;
        size_t len = (size_t)(s->shown - s->name) - 1;
        for (int j = 0; j < all->count; j++)
            if (strlen(all->rows[j].name) == len && memcmp(all->rows[j].name, s->name, len) == 0)
                s->parent = j;
        if (s->parent < 0)
            fail(s->file, "its container is not described");
    }
}

static int sub_count(const struct specs *all, int parent, int *first)
{
    int count = 0;

    for (int i = all->count - 1; i >= 0; i--)
        if (all->rows[i].parent == parent) {
            *first = i;
            count++;
        }
    return count;
}

static unsigned bits_of(const struct spec *s, const cJSON *list, const char *what,
                        const char *const *names, int name_count)
{
    const cJSON *v;
    unsigned bits = 0;

    if (!cJSON_IsArray(list))
        fail(s->file, "\"%s\" is not a list", what);
    cJSON_ArrayForEach(v, list)
    {
        int i = 0;

        while (i < name_count && (!cJSON_IsString(v) || strcmp(names[i], v->valuestring) != 0))
            i++;
        if (i == name_count)
            fail(s->file, "\"%s\" holds an unknown word: %s", what,
                 cJSON_IsString(v) ? v->valuestring : "(not a string)");
        bits |= 1U << i;
    }
    return bits;
}

static void put_text(FILE *f, const char *text)
{
    if (!text) {
        fputs("NULL", f);
        return;
    }
    fputc('"', f);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static const char *optional_text(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static void put_tips(FILE *f, const struct spec *s)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(s->json, "tips"), *v;

    if (!list)
        return;
    fprintf(f, "static const char *const tips_%d[] = {", s->id);
    cJSON_ArrayForEach(v, list)
    {
        put_text(f, v->valuestring);
        fputs(", ", f);
    }
    fputs("NULL};\n", f);
}

static void put_history(FILE *f, const struct spec *s)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(s->json, "history"), *v;

    if (!list)
        return;
    fprintf(f, "static const struct command_history history_%d[] = {\n", s->id);
    cJSON_ArrayForEach(v, list)
    {
        fputs("    {", f);
        put_text(f, optional_text(v, "since"));
        fputs(", ", f);
        put_text(f, optional_text(v, "text"));
        fputs("},\n", f);
    }
    fputs("    {NULL, NULL},\n};\n", f);
}

static void put_keys(FILE *f, const struct spec *s)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(s->json, "keys"), *v;

    if (!list)
        return;
    fprintf(f, "static const struct command_keys keys_%d[] = {\n", s->id);
    cJSON_ArrayForEach(v, list)
    {
        const cJSON *flags = cJSON_GetObjectItemCaseSensitive(v, "flags");
        bool is_counted = cJSON_HasObjectItem(v, "count_at");

        bool is_unknown = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(v, "unknown"));

        if (!cJSON_HasObjectItem(v, "begin") && !optional_text(v, "keyword") && !is_unknown)
            fail(s->file, "a key specification says no \"begin\", \"keyword\" or \"unknown\"");
        fprintf(f,
                "    {.flags = 0x%x, .begin = %d, .from = %d, .is_unknown = %d, "
                ".is_counted = %d, .last = %d, ",
                bits_of(s, flags, "keys.flags", command_key_flag_names, COMMAND_KEY_FLAGS),
                number_of(v, "begin", 0), number_of(v, "from", 0), is_unknown, is_counted,
                number_of(v, "last", 0));
        fprintf(f, ".step = %d, .limit = %d, .count_at = %d, .first = %d, .keyword = ",
                number_of(v, "step", 1), number_of(v, "limit", 0), number_of(v, "count_at", 0),
                number_of(v, "first", 0));
        put_text(f, optional_text(v, "keyword"));
        fputs(", .notes = ", f);
        put_text(f, optional_text(v, "notes"));
        fputs("},\n", f);
    }
    fputs("};\n", f);
}

/* The plain range that old clients know: the specifications that begin at an index, joined while
 * one follows the other. */
static void plain_range(const struct spec *s, int *first, int *last, int *step)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(s->json, "keys"), *v;

    *first = *last = *step = 0;
    cJSON_ArrayForEach(v, list)
    {
        int begin = number_of(v, "begin", 0), end = number_of(v, "last", 0);

        if (begin == 0 || cJSON_HasObjectItem(v, "count_at"))
            continue;
        if (*first && (begin != *last + 1 || *step != 1 || number_of(v, "step", 1) != 1))
            continue;
        if (!*first)
            *first = begin;
        *last = end >= 0 ? begin + end : end;
        *step = number_of(v, "step", 1);
    }
}

static int top_count(const struct specs *all)
{
    int n = 0;

    while (n < all->count && !is_sub(&all->rows[n]))
        n++;
    return n;
}

static void put_row(FILE *f, const struct specs *all, const struct spec *s)
{
    int first, last, step, sub_first = 0, subs = sub_count(all, s->id, &sub_first);
    int arity = number_of(s->json, "arity", 0), member = number_of(s->json, "member", 0);
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(s->json, "keys");

    plain_range(s, &first, &last, &step);
    fputs("    {.name = ", f);
    put_text(f, s->name);
    fputs(", .shown = ", f);
    put_text(f, s->shown);
    fputs(",\n     .summary = ", f);
    put_text(f, text_of(s, "summary"));
    fputs(", .since = ", f);
    put_text(f, text_of(s, "since"));
    fputs(", .group = ", f);
    put_text(f, text_of(s, "group"));
    fputs(", .complexity = ", f);
    put_text(f, optional_text(s->json, "complexity"));
    if (cJSON_HasObjectItem(s->json, "tips"))
        fprintf(f, ", .tips = tips_%d", s->id);
    if (cJSON_HasObjectItem(s->json, "history"))
        fprintf(f, ", .history = history_%d", s->id);
    if (keys)
        fprintf(f, ", .keys = keys_%d, .key_specs = %d", s->id, cJSON_GetArraySize(keys));
    if (subs)
        fprintf(f, ", .subs = sub_table + %d, .sub_count = %d", sub_first - top_count(all), subs);
    if (s->parent >= 0)
        fprintf(f, ", .parent = command_table + %d", s->parent);
    fprintf(f, ",\n     .flags = 0x%x, .categories = 0x%x, .arity = %d, .first_key = %d, ",
            bits_of(s, want(s, "flags"), "flags", command_flag_names, COMMAND_FLAGS),
            bits_of(s, want(s, "acl"), "acl", command_category_names, COMMAND_CATEGORIES), arity,
            first);
    fprintf(f, ".last_key = %d, .key_step = %d, .id = %d, .member = %d, ", last, step, s->id,
            member);
    fprintf(f,
            ".is_restricted = %d, .is_internal = %d, .is_node_only = %d, .is_deprecated = %d},\n",
            is_set(s, "restricted"), is_set(s, "internal"), is_set(s, "node_only"),
            is_set(s, "deprecated"));
    if (arity == 0)
        fail(s->file, "\"arity\" is missing or 0");
    if (abs(member) >= abs(arity))
        fail(s->file, "\"member\" is an argument that need not be there");
}

static void put_slots(FILE *f, const struct specs *all)
{
    int slots[COMMAND_SLOTS] = {0};

    for (int i = 0; i < top_count(all); i++) {
        unsigned slot = command_hash(all->rows[i].name, strlen(all->rows[i].name));

        while (slots[slot])
            slot = (slot + 1) % COMMAND_SLOTS;
        slots[slot] = i + 1;
    }
    fputs("\nconst uint16_t command_slots[COMMAND_SLOTS] = {", f);
    for (int i = 0; i < COMMAND_SLOTS; i++)
        if (slots[i])
            fprintf(f, "[%d] = %d, ", i, slots[i]);
    fputs("};\n", f);
}

static FILE *out_open(const char *dir, const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f)
        fail(path, "cannot be written: %s", strerror(errno));
    fputs("/* Made by specgen from api-spec/engine; not to be edited. */\n", f);
    return f;
}

static void out_close(FILE *f, const char *path)
{
    if (fclose(f) != 0)
        fail(path, "cannot be written: %s", strerror(errno));
}

static void put_table(const struct specs *all, const char *dir)
{
    char path[4096];
    FILE *f = out_open(dir, "commands.c", path);
    int top = top_count(all);

    fputs("#include \"base/command.h\"\n\n", f);
    for (int i = 0; i < all->count; i++) {
        put_tips(f, &all->rows[i]);
        put_history(f, &all->rows[i]);
        put_keys(f, &all->rows[i]);
    }
    /* The two tables point at each other. */
    fprintf(f, "\nstatic const struct command sub_table[%d];\n", all->count - top + 1);
    fputs("\nconst struct command command_table[] = {\n", f);
    for (int i = 0; i < top; i++)
        put_row(f, all, &all->rows[i]);
    fputs("};\n", f);
    fprintf(f, "\nstatic const struct command sub_table[%d] = {\n", all->count - top + 1);
    for (int i = top; i < all->count; i++)
        put_row(f, all, &all->rows[i]);
    fputs("    {.name = NULL},\n};\n", f);
    fprintf(f, "\nconst size_t command_count = %d;\nconst size_t command_id_count = %d;\n", top,
            all->count);
    put_slots(f, all);
    out_close(f, path);
}

static void put_proc_name(FILE *f, const char *name)
{
    fputs("cmd_", f);
    for (; *name; name++)
        fputc(isalnum((unsigned char)*name) ? *name : '_', f);
}

/* Containers are not run themselves, but those that need no subcommand are. */
static bool is_run(const struct specs *all, int i)
{
    int unused;

    return sub_count(all, i, &unused) == 0 || number_of(all->rows[i].json, "arity", 0) == -1;
}

static void put_procs(const struct specs *all, const char *dir)
{
    char path[4096];
    FILE *f = out_open(dir, "command_procs.h", path);

    fputs("#ifndef LARDER_CONTRACT_COMMAND_PROCS_H\n#define LARDER_CONTRACT_COMMAND_PROCS_H\n\n"
          "struct cmd_call;\n\n",
          f);
    for (int i = 0; i < all->count; i++) {
        if (!is_run(all, i))
            continue;
        fputs("void ", f);
        put_proc_name(f, all->rows[i].name);
        fputs("(struct cmd_call *c);\n", f);
    }
    fputs("\n/* X(id, function) for every command that is run. */\n#define COMMAND_PROCS(X)", f);
    for (int i = 0; i < all->count; i++) {
        if (!is_run(all, i))
            continue;
        fprintf(f, " \\\n    X(%d, ", i);
        put_proc_name(f, all->rows[i].name);
        fputc(')', f);
    }
    fputs("\n\n#endif\n", f);
    out_close(f, path);
}

int gen_engine(int argc, char **argv)
{
    static struct specs all;

    if (argc < 2) {
        fputs("usage: specgen engine OUT_DIR COMMAND.json ...\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        load(&all, argv[i]);
    arrange(&all);
    put_table(&all, argv[0]);
    put_procs(&all, argv[0]);
    for (int i = 0; i < all.count; i++)
        cJSON_Delete(all.rows[i].json);
    return 0;
}
