/*
 * What a description must fulfil before anything is made of it: shapes that exist, members that are
 * there, paths that name them, patterns that can be checked, names that stay apart in C.
 */
#include "api-spec/model.h"

#include <stdlib.h>
#include <string.h>

static bool is_required_named(const cJSON *shape, const char *name)
{
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(shape, "members");

    return cJSON_GetObjectItemCaseSensitive(members, name) != NULL;
}

static void check_structure(const struct model_service *s, const cJSON *shape)
{
    const cJSON *members = spec_object(s->file, shape->string, shape, "members");
    const cJSON *required = spec_array_or_null(s->file, shape->string, shape, "required");
    const cJSON *item;

    spec_only(s->file, shape->string, shape, "type members required wrapper error doc");
    cJSON_ArrayForEach(item, members)
    {
        const char *place = spec_format("%s.%s", shape->string, item->string);
        spec_only(s->file, place, item, "shape name queryName deprecated idempotencyToken doc");
        model_shape(s, place, spec_text(s->file, place, item, "shape"));
    }
    cJSON_ArrayForEach(item, required)
    {
        if (!cJSON_IsString(item) || !is_required_named(shape, item->valuestring))
            spec_fail(s->file, shape->string, "requires a member that it does not have");
    }
}

static void check_list(const struct model_service *s, const cJSON *shape)
{
    const cJSON *item = spec_object(s->file, shape->string, shape, "item");

    spec_only(s->file, shape->string, shape, "type item flat min max locationName doc");
    spec_only(s->file, shape->string, item, "shape name");
    model_shape(s, shape->string, spec_text(s->file, shape->string, item, "shape"));
}

static void check_map(const struct model_service *s, const cJSON *shape)
{
    const cJSON *key = spec_object(s->file, shape->string, shape, "key");
    const cJSON *value = spec_object(s->file, shape->string, shape, "value");
    const cJSON *key_shape;

    spec_only(s->file, shape->string, shape, "type key value flat min max doc");
    key_shape = model_shape(s, shape->string, spec_text(s->file, shape->string, key, "shape"));
    model_shape(s, shape->string, spec_text(s->file, shape->string, value, "shape"));
    if (strcmp(spec_text(s->file, key_shape->string, key_shape, "type"), "string") != 0)
        spec_fail(s->file, shape->string, "has keys that are no strings");
}

static void check_enum(const struct model_service *s, const cJSON *shape)
{
    const cJSON *values = spec_array_or_null(s->file, shape->string, shape, "enum");
    const cJSON *value;

    cJSON_ArrayForEach(value, values)
    {
        if (!cJSON_IsString(value))
            spec_fail(s->file, shape->string, "has an enum value that is no text");
        for (const cJSON *next = value->next; next; next = next->next)
            if (cJSON_IsString(next) && strcmp(next->valuestring, value->valuestring) == 0)
                spec_fail(s->file, shape->string, "has %s twice", value->valuestring);
    }
}

static void check_range(const struct model_service *s, const cJSON *shape)
{
    static const char *const ends[] = {"min", "max"};

    for (size_t i = 0; i < 2; i++) {
        const cJSON *end = cJSON_GetObjectItemCaseSensitive(shape, ends[i]);
        if (end && !cJSON_IsNumber(end))
            spec_fail(s->file, shape->string, "\"%s\" must be a number", ends[i]);
    }
}

/* Ranges of Unicode stand only in what goes out, where nobody checks them. */
static void check_pattern(const struct model_service *s, const cJSON *shape)
{
    const char *pattern = spec_text_or(s->file, shape->string, shape, "pattern", NULL);

    if (pattern && !strstr(pattern, "\\u") && !pattern_to_posix(pattern))
        spec_fail(s->file, shape->string, "has a pattern that cannot be translated: %s", pattern);
}

static void check_shape(const struct model_service *s, const cJSON *shape)
{
    static const char scalars[] = "string integer long double float boolean timestamp blob";
    const char *type = spec_text(s->file, shape->string, shape, "type");

    if (strcmp(type, "structure") == 0)
        check_structure(s, shape);
    else if (strcmp(type, "list") == 0)
        check_list(s, shape);
    else if (strcmp(type, "map") == 0)
        check_map(s, shape);
    else if (spec_is_among(scalars, type))
        spec_only(s->file, shape->string, shape,
                  "type enum min max pattern sensitive timestampFormat doc");
    else
        spec_fail(s->file, shape->string, "is of the unknown type %s", type);
    check_enum(s, shape);
    check_range(s, shape);
    check_pattern(s, shape);
}

/* "METHOD /path/{Member}" with members of the input that a path can carry. */
static void check_rest(const struct model_service *s, const cJSON *op, const cJSON *in,
                       const char *rest)
{
    static const char *const methods[] = {"GET /", "POST /", "PUT /", "PATCH /", "DELETE /"};
    const cJSON *members = spec_object(s->file, in->string, in, "members");
    bool is_known = false;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        is_known |= strncmp(rest, methods[i], strlen(methods[i])) == 0;
    if (!is_known)
        spec_fail(s->file, op->string, "\"%s\" is no METHOD and /path", rest);
    for (const char *p = strchr(rest, '{'); p; p = strchr(p + 1, '{')) {
        const char *name = spec_format("%.*s", (int)strcspn(p + 1, "}/"), p + 1);
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(members, name);
        const cJSON *shape;
        if (!member || p[-1] != '/')
            spec_fail(s->file, op->string, "%s names no member {%s} between slashes", rest, name);
        shape = model_shape(s, op->string, spec_text(s->file, op->string, member, "shape"));
        if (strcmp(spec_text(s->file, shape->string, shape, "type"), "string") != 0)
            spec_fail(s->file, op->string, "%s: {%s} is not a string", rest, name);
    }
}

static void check_rests(const struct model_service *s, const cJSON *op, const cJSON *in)
{
    const cJSON *rest = cJSON_GetObjectItemCaseSensitive(op, "rest");
    const cJSON *one;

    if (cJSON_IsString(rest))
        check_rest(s, op, in, rest->valuestring);
    else if (rest && !cJSON_IsArray(rest))
        spec_fail(s->file, op->string, "\"rest\" must be a text or an array of texts");
    if (!cJSON_IsArray(rest))
        return;
    cJSON_ArrayForEach(one, rest)
    {
        if (!cJSON_IsString(one))
            spec_fail(s->file, op->string, "\"rest\" must be a text or an array of texts");
        check_rest(s, op, in, one->valuestring);
    }
}

static const cJSON *op_structure(const struct model_service *s, const cJSON *op, const char *name)
{
    const cJSON *shape = model_shape(s, op->string, name);

    if (strcmp(spec_text(s->file, name, shape, "type"), "structure") != 0)
        spec_fail(s->file, op->string, "%s is not a structure", name);
    return shape;
}

void model_check_operation(const struct model_service *s, const cJSON *op)
{
    const cJSON *errors = spec_array_or_null(s->file, op->string, op, "errors");
    const char *out = spec_text_or(s->file, op->string, op, "out", NULL);
    const cJSON *in, *error;

    spec_only(s->file, op->string, op, "in out wrapper errors rest doc");
    in = op_structure(s, op, spec_text(s->file, op->string, op, "in"));
    check_rests(s, op, in);
    if (out)
        op_structure(s, op, out);
    cJSON_ArrayForEach(error, errors)
    {
        if (!cJSON_IsString(error) ||
            !cJSON_HasObjectItem(model_shape(s, op->string, error->valuestring), "error"))
            spec_fail(s->file, op->string, "lists an error that is none");
    }
}

static void check_named_ops(const struct model_service *s, const cJSON *list, const char *member)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const char *op = member ? spec_text(s->file, item->string, item, member) : item->string;
        bool is_there = false;
        for (size_t i = 0; i < s->op_count; i++)
            is_there |= strcmp(s->ops[i]->string, op) == 0;
        if (!is_there)
            spec_fail(s->file, item->string, "there is no operation named %s", op);
    }
}

/* A sentence about a member that no shape has is a slip of the pen. */
static void check_member_docs(const struct model_service *s)
{
    const cJSON *doc, *shape;

    cJSON_ArrayForEach(doc, s->member_docs)
    {
        bool is_there = false;
        cJSON_ArrayForEach(shape, s->shapes)
        {
            is_there |= cJSON_HasObjectItem(cJSON_GetObjectItemCaseSensitive(shape, "members"),
                                            doc->string);
        }
        if (!is_there)
            spec_fail(s->file, "memberDocs", "no shape has a member named %s", doc->string);
    }
}

/* True when two paths take the same requests: they differ in the names of parameters at most. */
static bool rests_collide(const char *a, const char *b)
{
    while (*a && *b) {
        if (*a == '{' && *b == '{') {
            a += strcspn(a, "}");
            b += strcspn(b, "}");
        }
        if (*a++ != *b++)
            return false;
    }
    return *a == *b;
}

struct rest_list {
    const char **items;
    size_t count;
};

static void add_rest(const struct model_service *s, struct rest_list *list, const cJSON *op,
                     const char *rest)
{
    for (size_t i = 0; i < list->count; i++)
        if (rests_collide(list->items[i], rest))
            spec_fail(s->file, op->string, "%s stands at another operation already", rest);
    list->items = realloc(list->items, (list->count + 1) * sizeof(const char *));
    if (!list->items)
        abort();
    list->items[list->count++] = rest;
}

static void check_rest_collisions(const struct model_service *s)
{
    struct rest_list list = {0};
    const cJSON *one;

    for (size_t i = 0; i < s->op_count; i++) {
        const cJSON *rest = cJSON_GetObjectItemCaseSensitive(s->ops[i], "rest");
        if (cJSON_IsString(rest))
            add_rest(s, &list, s->ops[i], rest->valuestring);
        for (one = cJSON_IsArray(rest) ? rest->child : NULL; one; one = one->next)
            add_rest(s, &list, s->ops[i], one->valuestring);
    }
    free(list.items);
}

/* Two names of the model that become one name in C would otherwise show as a compiler's riddle. */
static void check_c_names(const struct model_service *s)
{
    for (size_t i = 0; i < s->used_count; i++)
        for (size_t j = i + 1; j < s->used_count; j++)
            if (strcmp(spec_snake(s->used[i]->string), spec_snake(s->used[j]->string)) == 0)
                spec_fail(s->file, s->used[i]->string, "has the same name in C as %s",
                          s->used[j]->string);
}

void model_check_shapes(const struct model_service *s)
{
    const cJSON *shape;

    cJSON_ArrayForEach(shape, s->shapes)
    {
        check_shape(s, shape);
    }
}

void model_check_names(const struct model_service *s)
{
    check_named_ops(s, s->paginators, NULL);
    check_named_ops(s, s->waiters, "op");
    check_c_names(s);
    check_member_docs(s);
    check_rest_collisions(s);
}
