/*
 * Loading and checking the interface model. Everything that could only show later as a wrong answer
 * (a shape that does not exist, a path that names no member, a fault with two meanings) ends the
 * build here.
 */
#include "api-spec/model.h"

#include <stdlib.h>
#include <string.h>

static void *grow(void *array, size_t count, size_t size)
{
    void *bigger = realloc(array, (count + 1) * size);

    if (!bigger)
        abort();
    return bigger;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

const cJSON *model_shape(const struct model_service *s, const char *place, const char *name)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(s->shapes, name);

    if (!shape)
        spec_fail(s->file, place, "there is no shape named %s", name);
    return shape;
}

const char *model_member_doc(const struct model_service *s, const cJSON *member)
{
    const char *common = spec_text_or(s->file, "memberDocs", s->member_docs, member->string, NULL);

    return spec_text_or(s->file, member->string, member, "doc", common);
}

const char *model_fault_constant(const char *shape_name)
{
    static const char *const endings[] = {"Fault", "Exception"};
    char *name = strdup(shape_name);
    size_t len = name ? strlen(name) : 0;

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t tail = strlen(endings[i]);
        if (len > tail && strcmp(name + len - tail, endings[i]) == 0) {
            name[len - tail] = '\0';
            break;
        }
    }
    return spec_format("FAULT_%s", spec_shout(name));
}

void model_add_fault(struct model *m, const char *file, struct model_fault fault)
{
    for (size_t i = 0; i < m->fault_count; i++) {
        const struct model_fault *there = &m->faults[i];
        if (strcmp(there->constant, fault.constant) != 0)
            continue;
        if (strcmp(there->wire, fault.wire) != 0 || there->status != fault.status)
            spec_fail(file, fault.name, "%s means another code or status already", fault.constant);
        if (!there->doc)
            m->faults[i].doc = fault.doc;
        return;
    }
    m->faults = grow(m->faults, m->fault_count, sizeof(*m->faults));
    m->faults[m->fault_count++] = fault;
}

static int status_of(const char *file, const char *place, const cJSON *error)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(error, "status");

    if (!cJSON_IsNumber(status) || status->valueint < 400 || status->valueint > 599)
        spec_fail(file, place, "needs an HTTP \"status\" from 400 to 599");
    return status->valueint;
}

static void add_error_shape(struct model *m, const char *file, const cJSON *shape)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(shape, "error");
    const char *wire;
    int status;

    spec_only(file, shape->string, error, "status code query fault");
    status = status_of(file, shape->string, error);
    wire = spec_text_or(file, shape->string, error, "code", shape->string);
    model_add_fault(
        m, file,
        (struct model_fault){.constant = model_fault_constant(shape->string),
                             .name = shape->string,
                             .wire = wire,
                             .status = status,
                             .is_receiver = status >= 500,
                             .doc = spec_text_or(file, shape->string, shape, "doc", NULL)});
}

static void load_generic_faults(struct model *m, const char *file, const cJSON *faults)
{
    const cJSON *fault;

    cJSON_ArrayForEach(fault, faults)
    {
        spec_only(file, fault->string, fault, "status doc");
        int status = status_of(file, fault->string, fault);
        model_add_fault(m, file,
                        (struct model_fault){.constant = model_fault_constant(fault->string),
                                             .name = fault->string,
                                             .wire = fault->string,
                                             .status = status,
                                             .is_receiver = status >= 500,
                                             .doc = spec_text(file, fault->string, fault, "doc")});
    }
}

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
        spec_only(s->file, place, item, "shape name deprecated idempotencyToken doc");
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

static void check_operation(const struct model_service *s, const cJSON *op)
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

static void use_shape(struct model_service *s, const char *name);

static void use_members(struct model_service *s, const cJSON *shape)
{
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(shape, "members");
    const cJSON *member;

    cJSON_ArrayForEach(member, members)
    {
        use_shape(s, spec_text(s->file, shape->string, member, "shape"));
    }
}

static void use_shape(struct model_service *s, const char *name)
{
    static const char *const inner[] = {"item", "value"};
    const cJSON *shape = model_shape(s, "shapes", name);

    for (size_t i = 0; i < s->used_count; i++)
        if (s->used[i] == shape)
            return;
    s->used = grow(s->used, s->used_count, sizeof(*s->used));
    s->used[s->used_count++] = shape;
    use_members(s, shape);
    for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(shape, inner[i]);
        if (item)
            use_shape(s, spec_text(s->file, name, item, "shape"));
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
    list->items = grow(list->items, list->count, sizeof(*list->items));
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

static void load_service(struct model *m, const char *file, const cJSON *root)
{
    struct model_service s = {.file = file};
    const cJSON *item;

    spec_only(file, "file", root, "service operations memberDocs shapes paginators waiters doc");
    s.meta = spec_object(file, "file", root, "service");
    s.name = spec_text(file, "service", s.meta, "name");
    s.prefix = spec_text(file, "service", s.meta, "prefix");
    s.has_handlers = strcmp(spec_text(file, "service", s.meta, "protocol"), "query") == 0;
    s.shapes = spec_object(file, "file", root, "shapes");
    s.paginators = cJSON_GetObjectItemCaseSensitive(root, "paginators");
    s.member_docs = cJSON_GetObjectItemCaseSensitive(root, "memberDocs");
    s.waiters = cJSON_GetObjectItemCaseSensitive(root, "waiters");
    cJSON_ArrayForEach(item, s.shapes)
    {
        check_shape(&s, item);
        if (cJSON_HasObjectItem(item, "error"))
            add_error_shape(m, file, item);
    }
    cJSON_ArrayForEach(item, spec_object(file, "file", root, "operations"))
    {
        check_operation(&s, item);
        s.ops = grow(s.ops, s.op_count, sizeof(*s.ops));
        s.ops[s.op_count++] = item;
        use_members(&s, model_shape(&s, item->string, spec_text(file, item->string, item, "in")));
        if (cJSON_HasObjectItem(item, "out"))
            use_members(&s,
                        model_shape(&s, item->string, spec_text(file, item->string, item, "out")));
    }
    check_named_ops(&s, s.paginators, NULL);
    check_named_ops(&s, s.waiters, "op");
    check_c_names(&s);
    check_member_docs(&s);
    check_rest_collisions(&s);
    qsort(s.ops, s.op_count, sizeof(*s.ops), by_name);
    qsort(s.used, s.used_count, sizeof(*s.used), by_name);
    m->services = grow(m->services, m->service_count, sizeof(*m->services));
    m->services[m->service_count++] = s;
}

static const struct model_service *service_named(const struct model *m, const char *name)
{
    for (size_t i = 0; i < m->service_count; i++)
        if (strcmp(m->services[i].name, name) == 0)
            return &m->services[i];
    return NULL;
}

static void check_unserved(const struct model *m)
{
    const cJSON *list, *name;

    cJSON_ArrayForEach(list, m->unserved)
    {
        const struct model_service *s = service_named(m, list->string);
        if (!s || !cJSON_IsArray(list))
            spec_fail(m->unserved_file, list->string, "is no array named after a service");
        cJSON_ArrayForEach(name, list)
        {
            bool is_there = false;
            for (size_t i = 0; i < s->op_count && cJSON_IsString(name); i++)
                is_there |= strcmp(s->ops[i]->string, name->valuestring) == 0;
            if (!is_there)
                spec_fail(m->unserved_file, list->string, "lists an operation that is none: %s",
                          cJSON_IsString(name) ? name->valuestring : "(no text)");
        }
    }
}

bool model_is_served(const struct model *m, const struct model_service *s, const char *op)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(m->unserved, s->name);
    const cJSON *name;

    cJSON_ArrayForEach(name, list)
    {
        if (strcmp(name->valuestring, op) == 0)
            return false;
    }
    return true;
}

static int by_constant(const void *a, const void *b)
{
    return strcmp(((const struct model_fault *)a)->constant,
                  ((const struct model_fault *)b)->constant);
}

void model_load(struct model *m, int count, char **paths)
{
    *m = (struct model){0};
    for (int i = 0; i < count; i++) {
        const cJSON *root = spec_load(paths[i]);
        if (cJSON_HasObjectItem(root, "service")) {
            load_service(m, paths[i], root);
        } else if (cJSON_HasObjectItem(root, "faults")) {
            load_generic_faults(m, paths[i], spec_object(paths[i], "file", root, "faults"));
        } else if (cJSON_HasObjectItem(root, "unserved")) {
            m->unserved = spec_object(paths[i], "file", root, "unserved");
            m->unserved_file = paths[i];
        } else {
            spec_fail(paths[i], "file", "has neither \"service\", \"faults\" nor \"unserved\"");
        }
    }
    check_unserved(m);
    qsort(m->faults, m->fault_count, sizeof(*m->faults), by_constant);
}
