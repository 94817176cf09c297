/* Strict reading and calm writing for the generators. */
#include "api-spec/spec.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16u << 20)

void spec_fail(const char *file, const char *place, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "specgen: %s: %s: ", file, place);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    _exit(1); /* nothing to tidy up; exit() is for programs with one thread */
}

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = malloc(FILE_MAX_BYTES + 1);
    size_t len;

    if (!f || !text)
        spec_fail(path, "file", "cannot be read");
    len = fread(text, 1, FILE_MAX_BYTES + 1, f);
    if (ferror(f) || len > FILE_MAX_BYTES)
        spec_fail(path, "file", "cannot be read, or is larger than %u bytes", FILE_MAX_BYTES);
    fclose(f);
    text[len] = '\0';
    return text;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;

    for (const char *p = text; at && p < at && *p; p++)
        line += *p == '\n';
    return line;
}

/* cJSON keeps both of two equal names and finds only the first: a silent loss, hence refused. */
static void refuse_double_names(const char *path, const char *place, const cJSON *value)
{
    const cJSON *child;

    cJSON_ArrayForEach(child, value)
    {
        const char *here = child->string ? spec_format("%s.%s", place, child->string) : place;
        for (const cJSON *next = child->next; child->string && next; next = next->next)
            if (strcmp(next->string, child->string) == 0)
                spec_fail(path, here, "stands here twice");
        refuse_double_names(path, here, child);
    }
}

const cJSON *spec_load(const char *path)
{
    char *text = read_all(path);
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithOpts(text, &end, 1);

    if (!root)
        spec_fail(path, spec_format("line %d", line_of(text, end)), "is not valid JSON");
    if (!cJSON_IsObject(root))
        spec_fail(path, "file", "is not a JSON object");
    free(text);
    refuse_double_names(path, "file", root);
    return root;
}

const cJSON *spec_object(const char *file, const char *place, const cJSON *in, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(in, name);

    if (!cJSON_IsObject(value))
        spec_fail(file, place, "needs an object named \"%s\"", name);
    return value;
}

const char *spec_text_or(const char *file, const char *place, const cJSON *in, const char *name,
                         const char *otherwise)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(in, name);

    if (!value)
        return otherwise;
    if (!cJSON_IsString(value) || value->valuestring[0] == '\0')
        spec_fail(file, place, "\"%s\" must be a text that is not empty", name);
    return value->valuestring;
}

const char *spec_text(const char *file, const char *place, const cJSON *in, const char *name)
{
    const char *text = spec_text_or(file, place, in, name, NULL);

    if (!text)
        spec_fail(file, place, "needs a text named \"%s\"", name);
    return text;
}

const cJSON *spec_array_or_null(const char *file, const char *place, const cJSON *in,
                                const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(in, name);

    if (value && !cJSON_IsArray(value))
        spec_fail(file, place, "\"%s\" must be an array", name);
    return value;
}

bool spec_flag(const char *file, const char *place, const cJSON *in, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(in, name);

    if (value && !cJSON_IsBool(value))
        spec_fail(file, place, "\"%s\" must be true or false", name);
    return cJSON_IsTrue(value);
}

bool spec_is_among(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = words; (p = strstr(p, word)) != NULL; p += len)
        if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return true;
    return false;
}

void spec_only(const char *file, const char *place, const cJSON *in, const char *allowed)
{
    const cJSON *child;

    cJSON_ArrayForEach(child, in)
    {
        if (!spec_is_among(allowed, child->string))
            spec_fail(file, place, "has \"%s\"; known here are: %s", child->string, allowed);
    }
}

static bool starts_word(const char *name, size_t i)
{
    if (i == 0 || !isupper((unsigned char)name[i]))
        return false;
    if (!isupper((unsigned char)name[i - 1]))
        return true;
    return islower((unsigned char)name[i + 1]) != 0;
}

const char *spec_snake(const char *name)
{
    static const char language[] =
        "auto break case char const continue default do double else enum "
        "extern float for goto if inline int long register restrict "
        "return short signed sizeof static struct switch typedef union "
        "unsigned void volatile while asm typeof bool true false";
    char *out = malloc(2 * strlen(name) + 2);
    size_t len = 0;

    if (!out)
        abort();
    for (size_t i = 0; name[i]; i++) {
        if (starts_word(name, i) && out[len - 1] != '_')
            out[len++] = '_';
        out[len++] = isalnum((unsigned char)name[i]) ? (char)tolower((unsigned char)name[i]) : '_';
    }
    out[len] = '\0';
    if (spec_is_among(language, out))
        memcpy(out + len, "_", 2);
    return out;
}

const char *spec_shout(const char *name)
{
    char *out = (char *)(uintptr_t)spec_snake(name);

    for (char *p = out; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return out;
}

const char *spec_format(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    return text;
}

void spec_out_begin(struct spec_out *out, const char *dir, const char *name)
{
    *out = (struct spec_out){.path = spec_format("%s/%s", dir, name)};
    out->stream = open_memstream(&out->text, &out->len);
    if (!out->stream)
        spec_fail(out->path, "file", "no memory");
    fprintf(out->stream, "/* Made by specgen from api-spec; changes here are lost. */\n");
}

static bool stands_already(const struct spec_out *out)
{
    FILE *f = fopen(out->path, "rb");
    bool is_same = f != NULL;

    for (size_t i = 0; is_same && i < out->len; i++)
        is_same = getc(f) == (unsigned char)out->text[i];
    is_same = is_same && getc(f) == EOF;
    if (f)
        fclose(f);
    return is_same;
}

void spec_out_end(struct spec_out *out)
{
    FILE *f;

    fclose(out->stream);
    if (stands_already(out)) {
        free(out->text);
        return;
    }
    f = fopen(out->path, "wb");
    if (!f || fwrite(out->text, 1, out->len, f) != out->len || fclose(f) != 0)
        spec_fail(out->path, "file", "cannot be written");
    free(out->text);
}

void spec_out_literal(struct spec_out *out, const char *text)
{
    if (!text) {
        fputs("NULL", out->stream);
        return;
    }
    fputc('"', out->stream);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(out->stream, "\\%c", *p);
        else if (*p < 0x20 || *p == '?' || *p >= 0x7f)
            fprintf(out->stream, "\\%03o", *p);
        else
            fputc(*p, out->stream);
    }
    fputc('"', out->stream);
}
