/* The header of a service: one struct per shape in use, one pair of structs per operation. */
#include "api-spec/model.h"

#include <string.h>

static const struct {
    const char *type, *c_type;
} scalars[] = {
    {"string",    "const char *"      },
    {"integer",   "struct opt_int "   },
    {"long",      "struct opt_int "   },
    {"double",    "struct opt_double "},
    {"float",     "struct opt_double "},
    {"boolean",   "struct opt_bool "  },
    {"timestamp", "struct opt_time "  },
    {"blob",      "struct opt_blob "  },
};

static bool is_type(const cJSON *shape, const char *type)
{
    return strcmp(cJSON_GetObjectItemCaseSensitive(shape, "type")->valuestring, type) == 0;
}

/* The representation of a value inside of a list or map, with what stands before the name. */
static const char *item_type(const struct model_service *s, const cJSON *shape)
{
    const char *type = spec_text(s->file, shape->string, shape, "type");

    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
        if (strcmp(scalars[i].type, type) == 0)
            return scalars[i].c_type;
    return spec_format("struct %s_%s ", s->prefix, spec_snake(shape->string));
}

static void write_member(const struct model_service *s, const cJSON *member, FILE *f)
{
    const char *name = spec_text(s->file, member->string, member, "shape");
    const cJSON *shape = model_shape(s, member->string, name);
    const char *doc = model_member_doc(s, member);

    fprintf(f, "    %s%s%s;", item_type(s, shape), is_type(shape, "structure") ? "*" : "",
            spec_snake(member->string));
    if (doc && !strstr(doc, "*/"))
        fprintf(f, " /* %s */", doc);
    fputc('\n', f);
}

static void write_struct(const struct model_service *s, const char *name, const cJSON *shape,
                         FILE *f)
{
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(shape, "members");
    const cJSON *member;

    fprintf(f, "struct %s {\n", name);
    cJSON_ArrayForEach(member, members)
    {
        write_member(s, member, f);
    }
    if (cJSON_GetArraySize(members) == 0)
        fprintf(f, "    char has_no_members; /* C wants one */\n");
    fprintf(f, "};\n\n");
}

static const cJSON *inner_shape(const struct model_service *s, const cJSON *shape)
{
    const char *inner = is_type(shape, "list") ? "item" : "value";
    const cJSON *item = spec_object(s->file, shape->string, shape, inner);

    return model_shape(s, shape->string, spec_text(s->file, shape->string, item, "shape"));
}

static void write_forward(const struct model_service *s, FILE *f)
{
    for (size_t i = 0; i < s->used_count; i++)
        if (is_type(s->used[i], "structure") || is_type(s->used[i], "list") ||
            is_type(s->used[i], "map"))
            fprintf(f, "struct %s_%s;\n", s->prefix, spec_snake(s->used[i]->string));
    fputc('\n', f);
}

static void write_lists(const struct model_service *s, FILE *f)
{
    for (size_t i = 0; i < s->used_count; i++) {
        const cJSON *shape = s->used[i];
        const char *name = spec_format("%s_%s", s->prefix, spec_snake(shape->string));
        if (is_type(shape, "list"))
            fprintf(f, "struct %s {\n    bool has;\n    size_t count;\n    %s*items;\n};\n\n", name,
                    item_type(s, inner_shape(s, shape)));
        if (is_type(shape, "map"))
            fprintf(f,
                    "struct %s {\n    bool has;\n    size_t count;\n"
                    "    struct %s_entry *items;\n};\n\n",
                    name, name);
    }
}

static void write_structs(const struct model_service *s, FILE *f)
{
    for (size_t i = 0; i < s->used_count; i++)
        if (is_type(s->used[i], "structure"))
            write_struct(s, spec_format("%s_%s", s->prefix, spec_snake(s->used[i]->string)),
                         s->used[i], f);
}

/* Entries hold structs by value, so they come behind all structs. */
static void write_entries(const struct model_service *s, FILE *f)
{
    for (size_t i = 0; i < s->used_count; i++)
        if (is_type(s->used[i], "map"))
            fprintf(f, "struct %s_%s_entry {\n    const char *key;\n    %svalue;\n};\n\n",
                    s->prefix, spec_snake(s->used[i]->string),
                    item_type(s, inner_shape(s, s->used[i])));
}

static void write_operations(const struct model_service *s, FILE *f)
{
    static const cJSON nothing = {0};

    for (size_t i = 0; i < s->op_count; i++) {
        const cJSON *op = s->ops[i];
        const char *name = spec_format("%s_%s", s->prefix, spec_snake(op->string));
        const char *doc = spec_text_or(s->file, op->string, op, "doc", NULL);
        const char *out = spec_text_or(s->file, op->string, op, "out", NULL);
        const char *in = spec_text(s->file, op->string, op, "in");

        if (doc && !strstr(doc, "*/"))
            fprintf(f, "/* %s */\n", doc);
        write_struct(s, spec_format("%s_in", name), model_shape(s, op->string, in), f);
        write_struct(s, spec_format("%s_out", name),
                     out ? model_shape(s, op->string, out) : &nothing, f);
    }
}

void write_service_header(const struct model *m, const struct model_service *s, const char *dir)
{
    struct spec_out out;
    const char *shout = spec_shout(s->name);

    (void)m;
    spec_out_begin(&out, dir, spec_format("%s.h", s->name));
    fprintf(out.stream,
            "#ifndef LARDER_CONTRACT_%s_H\n#define LARDER_CONTRACT_%s_H\n\n"
            "#include \"base/shape.h\"\n#include \"contract/faults.h\"\n\n"
            "extern const struct service_desc service_%s;\n\n",
            shout, shout, spec_snake(s->name));
    write_forward(s, out.stream);
    write_lists(s, out.stream);
    write_structs(s, out.stream);
    write_entries(s, out.stream);
    write_operations(s, out.stream);
    for (size_t i = 0; i < s->used_count; i++)
        fprintf(out.stream, "extern const struct shape %s_shape_%s;\n", s->prefix,
                spec_snake(s->used[i]->string));
    fprintf(out.stream, "\n#endif\n");
    spec_out_end(&out);
}
