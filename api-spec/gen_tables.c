/* The source of a service: the tables that codecs, the command line and OpenAPI walk at run time.
 */
#include "api-spec/model.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *type, *kind, *size;
} kinds[] = {
    {"string",    "SHAPE_STRING",    "sizeof(const char *)"     },
    {"integer",   "SHAPE_INTEGER",   "sizeof(struct opt_int)"   },
    {"long",      "SHAPE_LONG",      "sizeof(struct opt_int)"   },
    {"double",    "SHAPE_DOUBLE",    "sizeof(struct opt_double)"},
    {"float",     "SHAPE_DOUBLE",    "sizeof(struct opt_double)"},
    {"boolean",   "SHAPE_BOOLEAN",   "sizeof(struct opt_bool)"  },
    {"timestamp", "SHAPE_TIMESTAMP", "sizeof(struct opt_time)"  },
    {"blob",      "SHAPE_BLOB",      "sizeof(struct opt_blob)"  },
    {"structure", "SHAPE_STRUCT",    NULL                       },
    {"list",      "SHAPE_LIST",      "sizeof(struct shape_seq)" },
    {"map",       "SHAPE_MAP",       "sizeof(struct shape_seq)" },
};

static bool is_required(const cJSON *shape, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(shape, "required"))
    {
        if (strcmp(item->valuestring, name) == 0)
            return true;
    }
    return false;
}

/* A list shape may carry the name of the element around it; a member's own name goes before. */
static const char *wire_name(const struct model_service *s, const cJSON *member)
{
    const cJSON *shape =
        model_shape(s, member->string, spec_text(s->file, member->string, member, "shape"));
    const char *otherwise =
        spec_text_or(s->file, shape->string, shape, "locationName", member->string);

    return spec_text_or(s->file, member->string, member, "name", otherwise);
}

/* EC2 requests write names with a capital, unless the model says otherwise; elsewhere requests and
 * answers have the same names, and this is NULL. */
static const char *query_name(const struct model_service *s, const cJSON *member)
{
    const char *wire = spec_text_or(s->file, member->string, member, "name", NULL);
    const char *query = spec_text_or(s->file, member->string, member, "queryName", NULL);

    if (!s->is_ec2 || query)
        return query;
    if (!wire)
        return member->string;
    return spec_format("%c%s", toupper((unsigned char)wire[0]), wire + 1);
}

static void write_members(const struct model_service *s, const char *table, const char *c_struct,
                          const cJSON *shape, struct spec_out *out)
{
    const cJSON *member;

    if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(shape, "members")) == 0)
        return;
    fprintf(out->stream, "static const struct shape_member %s[] = {\n", table);
    cJSON_ArrayForEach(member, cJSON_GetObjectItemCaseSensitive(shape, "members"))
    {
        fprintf(out->stream,
                "    {\"%s\", \"%s\", &%s_shape_%s,\n     offsetof(struct %s, %s), %s, ",
                member->string, wire_name(s, member), s->prefix,
                spec_snake(spec_text(s->file, member->string, member, "shape")), c_struct,
                spec_snake(member->string), is_required(shape, member->string) ? "true" : "false");
        spec_out_literal(out, model_member_doc(s, member));
        fputs(", ", out->stream);
        spec_out_literal(out, query_name(s, member));
        fputs("},\n", out->stream);
    }
    fputs("};\n", out->stream);
}

static void write_structure_rows(const struct model_service *s, const char *table,
                                 const char *c_struct, const cJSON *shape, FILE *f)
{
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(shape, "members");

    (void)s;
    fprintf(f, "    .size = sizeof(struct %s),\n", c_struct);
    if (cJSON_GetArraySize(members) > 0)
        fprintf(f, "    .members = %s,\n    .member_count = %d,\n", table,
                cJSON_GetArraySize(members));
}

static void write_list_rows(const struct model_service *s, const cJSON *shape, FILE *f)
{
    const cJSON *item = spec_object(s->file, shape->string, shape, "item");

    fprintf(f, "    .item = &%s_shape_%s,\n    .item_name = \"%s\",\n", s->prefix,
            spec_snake(spec_text(s->file, shape->string, item, "shape")),
            spec_text_or(s->file, shape->string, item, "name", "member"));
}

static void write_map_rows(const struct model_service *s, const cJSON *shape, FILE *f)
{
    const cJSON *key = spec_object(s->file, shape->string, shape, "key");
    const cJSON *value = spec_object(s->file, shape->string, shape, "value");

    fprintf(f, "    .item = &%s_shape_%s,\n    .item_name = \"%s\",\n    .key_name = \"%s\",\n",
            s->prefix, spec_snake(spec_text(s->file, shape->string, value, "shape")),
            spec_text_or(s->file, shape->string, value, "name", "value"),
            spec_text_or(s->file, shape->string, key, "name", "key"));
}

static void write_range(const cJSON *shape, FILE *f)
{
    static const char *const ends[] = {"min", "max"};

    for (size_t i = 0; i < 2; i++) {
        const cJSON *end = cJSON_GetObjectItemCaseSensitive(shape, ends[i]);
        if (end)
            fprintf(f, "    .has_%s = true,\n    .%s = %lld,\n", ends[i], ends[i],
                    (long long)end->valuedouble);
    }
}

/* What POSIX cannot say is left out; the model has made sure that nobody would check it. */
static void write_pattern(const struct model_service *s, const cJSON *shape, struct spec_out *out)
{
    const char *pattern = spec_text_or(s->file, shape->string, shape, "pattern", NULL);
    const char *posix = pattern ? pattern_to_posix(pattern) : NULL;

    if (!posix)
        return;
    fputs("    .pattern = ", out->stream);
    spec_out_literal(out, posix);
    fputs(",\n    .pattern_text = ", out->stream);
    spec_out_literal(out, pattern);
    fputs(",\n", out->stream);
}

static void write_values(const cJSON *shape, const char *c_name, struct spec_out *out)
{
    const cJSON *value;

    if (!cJSON_HasObjectItem(shape, "enum"))
        return;
    fprintf(out->stream, "static const char *const values_%s[] = {", c_name);
    cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(shape, "enum"))
    {
        spec_out_literal(out, value->valuestring);
        fputs(", ", out->stream);
    }
    fputs("NULL};\n", out->stream);
}

static void write_shape(const struct model_service *s, const cJSON *shape, struct spec_out *out)
{
    const char *type = spec_text(s->file, shape->string, shape, "type");
    const char *c_name = spec_snake(shape->string);
    const char *c_struct = spec_format("%s_%s", s->prefix, c_name);
    const char *table = spec_format("members_%s", c_name);
    FILE *f = out->stream;
    size_t kind = 0;

    while (strcmp(kinds[kind].type, type) != 0)
        kind++;
    write_members(s, table, c_struct, shape, out);
    write_values(shape, c_name, out);
    fprintf(f, "const struct shape %s_shape_%s = {\n    .kind = %s,\n    .name = \"%s\",\n",
            s->prefix, c_name, kinds[kind].kind, shape->string);
    if (kinds[kind].size)
        fprintf(f, "    .size = %s,\n", kinds[kind].size);
    else
        write_structure_rows(s, table, c_struct, shape, f);
    if (strcmp(type, "list") == 0)
        write_list_rows(s, shape, f);
    if (strcmp(type, "map") == 0)
        write_map_rows(s, shape, f);
    if (spec_flag(s->file, shape->string, shape, "flat"))
        fprintf(f, "    .is_flat = true,\n");
    if (cJSON_HasObjectItem(shape, "enum"))
        fprintf(f, "    .values = values_%s,\n    .value_count = %d,\n", c_name,
                cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(shape, "enum")));
    write_range(shape, f);
    write_pattern(s, shape, out);
    if (spec_flag(s->file, shape->string, shape, "sensitive"))
        fprintf(f, "    .is_sensitive = true,\n");
    fprintf(f, "};\n\n");
}

static void write_op_shape(const struct model_service *s, const char *op, const char *side,
                           const char *name, struct spec_out *out)
{
    const cJSON *shape = model_shape(s, op, name);
    const char *c_name = spec_format("%s_%s", spec_snake(op), side);
    const char *c_struct = spec_format("%s_%s", s->prefix, c_name);
    const char *table = spec_format("members_%s", c_name);

    write_members(s, table, c_struct, shape, out);
    fprintf(out->stream,
            "static const struct shape shape_%s = {\n    .kind = SHAPE_STRUCT,\n"
            "    .name = \"%s\",\n",
            c_name, shape->string);
    write_structure_rows(s, table, c_struct, shape, out->stream);
    fputs("};\n", out->stream);
}

static void write_op_faults(const struct model_service *s, const cJSON *op, FILE *f)
{
    const cJSON *error;

    fprintf(f, "static const int faults_%s[] = {", spec_snake(op->string));
    cJSON_ArrayForEach(error, spec_array_or_null(s->file, op->string, op, "errors"))
    {
        fprintf(f, "%s, ", model_fault_constant(error->valuestring));
    }
    fprintf(f, "0};\n");
}

static void write_rest_row(const char *rest, FILE *f)
{
    size_t method = strcspn(rest, " ");

    fprintf(f, "    {\"%.*s\", \"%s\"},\n", (int)method, rest, rest + method + 1);
}

static int write_op_rests(const cJSON *op, FILE *f)
{
    const cJSON *rest = cJSON_GetObjectItemCaseSensitive(op, "rest");
    const cJSON *one;

    if (!rest)
        return 0;
    fprintf(f, "static const struct op_rest rests_%s[] = {\n", spec_snake(op->string));
    if (cJSON_IsString(rest))
        write_rest_row(rest->valuestring, f);
    for (one = cJSON_IsArray(rest) ? rest->child : NULL; one; one = one->next)
        write_rest_row(one->valuestring, f);
    fprintf(f, "};\n");
    return cJSON_IsString(rest) ? 1 : cJSON_GetArraySize(rest);
}

static bool reads_only(const char *op)
{
    return strncmp(op, "Describe", 8) == 0 || strncmp(op, "List", 4) == 0 ||
           strncmp(op, "Get", 3) == 0;
}

static void write_op_parts(const struct model_service *s, const cJSON *op, struct spec_out *out)
{
    const char *result = spec_text_or(s->file, op->string, op, "out", NULL);

    write_op_shape(s, op->string, "in", spec_text(s->file, op->string, op, "in"), out);
    if (result)
        write_op_shape(s, op->string, "out", result, out);
    write_op_faults(s, op, out->stream);
}

static void write_op_row(const struct model_service *s, const cJSON *op, int rests,
                         struct spec_out *out)
{
    const char *c_name = spec_snake(op->string);

    fprintf(out->stream, "    {.name = \"%s\",\n     .doc = ", op->string);
    spec_out_literal(out, spec_text_or(s->file, op->string, op, "doc", NULL));
    fprintf(out->stream, ",\n     .in = &shape_%s_in,\n", c_name);
    if (cJSON_HasObjectItem(op, "out"))
        fprintf(out->stream, "     .out = &shape_%s_out,\n", c_name);
    fputs("     .wrapper = ", out->stream);
    spec_out_literal(out, spec_text_or(s->file, op->string, op, "wrapper", NULL));
    fprintf(out->stream, ",\n     .faults = faults_%s,\n", c_name);
    if (rests > 0)
        fprintf(out->stream, "     .rests = rests_%s,\n     .rest_count = %d,\n", c_name, rests);
    fprintf(out->stream, "     .is_read_only = %s},\n", reads_only(op->string) ? "true" : "false");
}

static void write_ops(const struct model_service *s, struct spec_out *out)
{
    int rests[512] = {0};

    if (s->op_count > sizeof(rests) / sizeof(rests[0]))
        spec_fail(s->file, "operations", "there are more than specgen has room for");
    for (size_t i = 0; i < s->op_count; i++) {
        write_op_parts(s, s->ops[i], out);
        rests[i] = write_op_rests(s->ops[i], out->stream);
    }
    fprintf(out->stream, "\nstatic const struct op_desc ops[] = {\n");
    for (size_t i = 0; i < s->op_count; i++)
        write_op_row(s, s->ops[i], rests[i], out);
    fprintf(out->stream, "};\n\n");
}

static int write_paginators(const struct model_service *s, struct spec_out *out)
{
    const cJSON *row;

    if (cJSON_GetArraySize(s->paginators) == 0)
        return 0;
    fprintf(out->stream, "static const struct paginator_desc paginators[] = {\n");
    cJSON_ArrayForEach(row, s->paginators)
    {
        fprintf(out->stream, "    {\"%s\", \"%s\", \"%s\", \"%s\", ", row->string,
                spec_text(s->file, row->string, row, "in"),
                spec_text(s->file, row->string, row, "out"),
                spec_text(s->file, row->string, row, "results"));
        spec_out_literal(out, spec_text_or(s->file, row->string, row, "limit", NULL));
        fputs("},\n", out->stream);
    }
    fprintf(out->stream, "};\n");
    return cJSON_GetArraySize(s->paginators);
}

static void write_accepts(const struct model_service *s, const cJSON *waiter, struct spec_out *out)
{
    const cJSON *row;

    fprintf(out->stream, "static const struct waiter_accept accepts_%s[] = {\n",
            spec_snake(waiter->string));
    cJSON_ArrayForEach(row, spec_array_or_null(s->file, waiter->string, waiter, "accept"))
    {
        fprintf(out->stream, "    {\"%s\", ", spec_text(s->file, waiter->string, row, "m"));
        spec_out_literal(out, spec_text_or(s->file, waiter->string, row, "arg", NULL));
        fprintf(out->stream, ", \"%s\", \"%s\"},\n",
                spec_text(s->file, waiter->string, row, "expect"),
                spec_text(s->file, waiter->string, row, "state"));
    }
    fprintf(out->stream, "};\n");
}

static int number_of(const struct model_service *s, const cJSON *in, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(in, name);

    if (!cJSON_IsNumber(value))
        spec_fail(s->file, in->string, "needs a number named \"%s\"", name);
    return value->valueint;
}

static int write_waiters(const struct model_service *s, struct spec_out *out)
{
    const cJSON *row;

    if (cJSON_GetArraySize(s->waiters) == 0)
        return 0;
    cJSON_ArrayForEach(row, s->waiters)
    {
        write_accepts(s, row, out);
    }
    fprintf(out->stream, "static const struct waiter_desc waiters[] = {\n");
    cJSON_ArrayForEach(row, s->waiters)
    {
        fprintf(out->stream, "    {\"%s\", \"%s\", %d, %d, accepts_%s, %d},\n", row->string,
                spec_text(s->file, row->string, row, "op"), number_of(s, row, "delay"),
                number_of(s, row, "tries"), spec_snake(row->string),
                cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "accept")));
    }
    fprintf(out->stream, "};\n");
    return cJSON_GetArraySize(s->waiters);
}

void write_service_source(const struct model_service *s, const char *dir)
{
    struct spec_out out;
    int paginators, waiters;

    spec_out_begin(&out, dir, spec_format("%s.c", s->name));
    fprintf(out.stream, "#include \"contract/%s.h\"\n\n", s->name);
    for (size_t i = 0; i < s->used_count; i++)
        write_shape(s, s->used[i], &out);
    write_ops(s, &out);
    paginators = write_paginators(s, &out);
    waiters = write_waiters(s, &out);
    fprintf(
        out.stream,
        "\nconst struct service_desc service_%s = {\n    .name = \"%s\",\n    .version = \"%s\","
        "\n    .xmlns = ",
        spec_snake(s->name), s->name, spec_text(s->file, "service", s->meta, "apiVersion"));
    spec_out_literal(&out, spec_text_or(s->file, "service", s->meta, "xmlNamespace", NULL));
    if (s->is_ec2)
        fprintf(out.stream, ",\n    .is_ec2 = true");
    if (spec_text_or(s->file, "service", s->meta, "target", NULL))
        fprintf(out.stream, ",\n    .target = \"%s\"",
                spec_text(s->file, "service", s->meta, "target"));
    fprintf(out.stream, ",\n    .ops = ops,\n    .op_count = %zu,\n", s->op_count);
    if (paginators)
        fprintf(out.stream, "    .paginators = paginators,\n    .paginator_count = %d,\n",
                paginators);
    if (waiters)
        fprintf(out.stream, "    .waiters = waiters,\n    .waiter_count = %d,\n", waiters);
    fprintf(out.stream, "};\n");
    spec_out_end(&out);
}
