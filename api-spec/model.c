/*
 * Loading the interface model and putting it in order. Everything that could only show later as a
 * wrong answer (a shape that does not exist, a path that names no member, a fault with two
 * meanings) ends the build here or in checks.c.
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

static void sort_by_name(const cJSON **items, size_t count)
{
    if (count)
        qsort(items, count, sizeof(const cJSON *), by_name);
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
    size_t len = strlen(shape_name);

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t tail = strlen(endings[i]);
        if (len > tail && strcmp(shape_name + len - tail, endings[i]) == 0) {
            len -= tail;
            break;
        }
    }
    return spec_format("FAULT_%s", spec_shout(spec_format("%.*s", (int)len, shape_name)));
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
    s->used = grow(s->used, s->used_count, sizeof(const cJSON *));
    s->used[s->used_count++] = shape;
    use_members(s, shape);
    for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(shape, inner[i]);
        if (item)
            use_shape(s, spec_text(s->file, name, item, "shape"));
    }
}

static void load_service(struct model *m, const char *file, const cJSON *root)
{
    struct model_service s = {.file = file};
    const cJSON *item;

    spec_only(file, "file", root, "service operations memberDocs shapes paginators waiters doc");
    s.meta = spec_object(file, "file", root, "service");
    s.name = spec_text(file, "service", s.meta, "name");
    s.prefix = spec_text(file, "service", s.meta, "prefix");
    s.is_ec2 = strcmp(spec_text(file, "service", s.meta, "protocol"), "ec2") == 0;
    s.has_handlers =
        s.is_ec2 || strcmp(spec_text(file, "service", s.meta, "protocol"), "query") == 0;
    s.shapes = spec_object(file, "file", root, "shapes");
    s.paginators = cJSON_GetObjectItemCaseSensitive(root, "paginators");
    s.member_docs = cJSON_GetObjectItemCaseSensitive(root, "memberDocs");
    s.waiters = cJSON_GetObjectItemCaseSensitive(root, "waiters");
    model_check_shapes(&s);
    cJSON_ArrayForEach(item, s.shapes)
    {
        if (cJSON_HasObjectItem(item, "error"))
            add_error_shape(m, file, item);
    }
    cJSON_ArrayForEach(item, spec_object(file, "file", root, "operations"))
    {
        model_check_operation(&s, item);
        s.ops = grow(s.ops, s.op_count, sizeof(const cJSON *));
        s.ops[s.op_count++] = item;
        use_members(&s, model_shape(&s, item->string, spec_text(file, item->string, item, "in")));
        if (cJSON_HasObjectItem(item, "out"))
            use_members(&s,
                        model_shape(&s, item->string, spec_text(file, item->string, item, "out")));
    }
    model_check_names(&s);
    sort_by_name(s.ops, s.op_count);
    sort_by_name(s.used, s.used_count);
    m->services = grow(m->services, m->service_count, sizeof(*m->services));
    m->services[m->service_count++] = s;
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
        } else {
            spec_fail(paths[i], "file", "has neither \"service\" nor \"faults\"");
        }
    }
    qsort(m->faults, m->fault_count, sizeof(*m->faults), by_constant);
}
