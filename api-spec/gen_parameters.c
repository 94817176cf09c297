/*
 * Parameter group families: one JSON file each, as DescribeEngineDefaultParameters lists it. All of
 * a family's parameters become one table in the order of the listing, those with a value for each
 * node type among the others.
 */
#include "api-spec/spec.h"
#include "api-spec/specgen.h"

#include <stdint.h>
#include <string.h>

#define PARAMETERS_MAX 256

struct parameter {
    const char *name;
    const cJSON *json;
    const cJSON *values; /* by node type; NULL where one value holds for all */
};

struct family {
    const char *file, *name;
    struct parameter rows[PARAMETERS_MAX];
    int count;
};

/* --- reading --- */

/* Letters as they are, hyphens as if they were not there. */
static int name_compare(const char *x, const char *y)
{
    for (;; x++, y++) {
        while (*x == '-')
            x++;
        while (*y == '-')
            y++;
        if (*x != *y || *x == '\0')
            return (unsigned char)*x - (unsigned char)*y;
    }
}

static void check_parameter(const struct family *f, const struct parameter *p)
{
    const char *change = spec_text(f->file, p->name, p->json, "ChangeType");
    const char *type = spec_text(f->file, p->name, p->json, "DataType");
    const cJSON *value;

    spec_only(f->file, p->name, p->json,
              "ParameterName ParameterValue Description DataType AllowedValues IsModifiable "
              "IsConditional MinimumEngineVersion ChangeType CacheNodeTypeSpecificValues");
    if (!spec_is_among("string integer float boolean", type))
        spec_fail(f->file, p->name, "unknown type %s", type);
    if (!spec_is_among("immediate requires-reboot", change))
        spec_fail(f->file, p->name, "unknown change type %s", change);
    spec_text(f->file, p->name, p->json, "Description");
    spec_text(f->file, p->name, p->json, "MinimumEngineVersion");
    if (!spec_text_or(f->file, p->name, p->json, "AllowedValues", NULL) &&
        strcmp(type, "string") != 0)
        spec_fail(f->file, p->name, "needs a text named \"AllowedValues\"");
    cJSON_ArrayForEach(value, p->values)
    {
        if (!cJSON_IsString(value))
            spec_fail(f->file, p->name, "has a value that is no text for %s", value->string);
    }
}

/* Sorted in, so that the two lists of the file become one. */
static void add_parameter(struct family *f, const cJSON *json, bool is_by_type)
{
    struct parameter p = {.name = spec_text(f->file, "parameters", json, "ParameterName"),
                          .json = json};
    int at = f->count;

    if (is_by_type)
        p.values = spec_object(f->file, p.name, json, "CacheNodeTypeSpecificValues");
    check_parameter(f, &p);
    if (f->count == PARAMETERS_MAX)
        spec_fail(f->file, p.name, "is one parameter too many");
    while (at > 0 && name_compare(f->rows[at - 1].name, p.name) > 0) {
        f->rows[at] = f->rows[at - 1];
        at--;
    }
    if (at > 0 && strcmp(f->rows[at - 1].name, p.name) == 0)
        spec_fail(f->file, p.name, "stands here twice");
    f->rows[at] = p;
    f->count++;
}

static void load_family(const char *path, struct family *out)
{
    const cJSON *root = spec_load(path), *item;
    const cJSON *plain = spec_array_or_null(path, "file", root, "Parameters");
    const cJSON *by_type =
        spec_array_or_null(path, "file", root, "CacheNodeTypeSpecificParameters");

    spec_only(path, "file", root,
              "CacheParameterGroupFamily Parameters CacheNodeTypeSpecificParameters");
    out->file = path;
    out->name = spec_text(path, "file", root, "CacheParameterGroupFamily");
    out->count = 0;
    if (!plain || !by_type)
        spec_fail(path, "file",
                  "needs the arrays \"Parameters\" and \"CacheNodeTypeSpecificParameters\"");
    cJSON_ArrayForEach(item, plain) add_parameter(out, item, false);
    cJSON_ArrayForEach(item, by_type) add_parameter(out, item, true);
}

/* --- writing --- */

static void write_header(const char *dir)
{
    struct spec_out out;

    spec_out_begin(&out, dir, "parameters.h");
    fprintf(out.stream,
            "#ifndef LARDER_CONTRACT_PARAMETERS_H\n#define LARDER_CONTRACT_PARAMETERS_H\n\n"
            "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
            "struct parameter_node_value {\n"
            "    const char *node_type, *value;\n"
            "};\n\n"
            "struct parameter {\n"
            "    const char *name;\n"
            "    const char *value; /* by default; NULL: none */\n"
            "    const char *type;  /* string, integer, float, boolean */\n"
            "    const char *allowed; /* \"yes,no\", \"0,20-\"; NULL: its own rules */\n"
            "    const char *since;   /* the first engine version that has it */\n"
            "    const char *doc;\n"
            "    bool is_modifiable;\n"
            "    bool is_conditional; /* can be set in a group; the caches that use it keep it */\n"
            "    bool is_static;      /* takes effect at a reboot */\n"
            "    const struct parameter_node_value *node_values; /* NULL: the same for all */\n"
            "    size_t node_value_count;\n"
            "};\n\n"
            "struct parameter_family {\n"
            "    const char *name; /* \"redis7\" */\n"
            "    const struct parameter *items; /* by name, as if hyphens were not there */\n"
            "    size_t count;\n"
            "};\n\n"
            "extern const struct parameter_family parameter_families[];\n"
            "extern const size_t parameter_family_count;\n\n"
            "/* Another number when anything in the tables differs. */\n"
            "extern const uint64_t parameter_catalogue_hash;\n\n#endif\n");
    spec_out_end(&out);
}

static void write_node_values(struct spec_out *out, const struct family *f)
{
    const cJSON *value;

    for (int i = 0; i < f->count; i++) {
        if (!f->rows[i].values)
            continue;
        fprintf(out->stream, "static const struct parameter_node_value %s_%s[] = {\n",
                spec_snake(f->name), spec_snake(f->rows[i].name));
        cJSON_ArrayForEach(value, f->rows[i].values)
        {
            fprintf(out->stream, "    {\"%s\", ", value->string);
            spec_out_literal(out, value->valuestring);
            fprintf(out->stream, "},\n");
        }
        fprintf(out->stream, "};\n\n");
    }
}

static void write_text(struct spec_out *out, const struct parameter *p, const char *member)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(p->json, member);

    spec_out_literal(out, cJSON_IsString(value) ? value->valuestring : NULL);
    fputs(", ", out->stream);
}

static void write_flag(struct spec_out *out, const struct family *f, const struct parameter *p,
                       const char *member)
{
    fprintf(out->stream, "%s, ", spec_flag(f->file, p->name, p->json, member) ? "true" : "false");
}

static void write_parameter(struct spec_out *out, const struct family *f, const struct parameter *p)
{
    static const char *const texts[] = {"ParameterName", "ParameterValue",       "DataType",
                                        "AllowedValues", "MinimumEngineVersion", "Description"};
    const char *change = spec_text(f->file, p->name, p->json, "ChangeType");

    fputs("    {", out->stream);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        write_text(out, p, texts[i]);
    write_flag(out, f, p, "IsModifiable");
    write_flag(out, f, p, "IsConditional");
    fprintf(out->stream, "%s, ", strcmp(change, "requires-reboot") == 0 ? "true" : "false");
    if (p->values)
        fprintf(out->stream, "%s_%s, %d},\n", spec_snake(f->name), spec_snake(p->name),
                cJSON_GetArraySize(p->values));
    else
        fprintf(out->stream, "NULL, 0},\n");
}

static void write_family(struct spec_out *out, const struct family *f)
{
    write_node_values(out, f);
    fprintf(out->stream, "static const struct parameter %s[] = {\n", spec_snake(f->name));
    for (int i = 0; i < f->count; i++)
        write_parameter(out, f, &f->rows[i]);
    fprintf(out->stream, "};\n\n");
}

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash;
}

int gen_parameters(int argc, char **argv)
{
    struct spec_out out;
    struct family f;

    if (argc < 2)
        return 2;
    write_header(argv[0]);
    spec_out_begin(&out, argv[0], "parameters.c");
    fprintf(out.stream, "#include \"contract/parameters.h\"\n\n");
    for (int i = 1; i < argc; i++) {
        load_family(argv[i], &f);
        write_family(&out, &f);
    }
    fprintf(out.stream, "const struct parameter_family parameter_families[] = {\n");
    for (int i = 1; i < argc; i++) {
        load_family(argv[i], &f);
        fprintf(out.stream, "    {\"%s\", %s, %d},\n", f.name, spec_snake(f.name), f.count);
    }
    fflush(out.stream);
    fprintf(out.stream,
            "};\nconst size_t parameter_family_count = %d;\n\n"
            "const uint64_t parameter_catalogue_hash = 0x%llx;\n",
            argc - 1, (unsigned long long)hash_of(out.text, out.len));
    spec_out_end(&out);
    return 0;
}
