/* Looking things up in the generated tables, and finding values by them. */
#include "base/shape.h"

#include <string.h>

const struct op_desc *service_op(const struct service_desc *s, const char *name)
{
    for (size_t low = 0, high = s->op_count; low < high;) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, s->ops[middle].name);
        if (order == 0)
            return &s->ops[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct shape_member *shape_find(const struct shape *s, const char *name)
{
    for (size_t i = 0; i < s->member_count; i++)
        if (strcmp(s->members[i].name, name) == 0)
            return &s->members[i];
    return NULL;
}

const void *shape_value(const struct shape_member *m, const void *owner)
{
    const char *place = (const char *)owner + m->offset;

    if (m->shape->kind == SHAPE_STRUCT)
        return *(const void *const *)place;
    if (m->shape->kind == SHAPE_STRING)
        return *(const char *const *)place ? place : NULL;
    return *(const bool *)place ? place : NULL; /* `has` comes first in all others */
}

size_t shape_stride(const struct shape *s)
{
    size_t size = s->item->size;

    if (s->kind == SHAPE_LIST)
        return size;
    return sizeof(char *) + (size + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
}

void *shape_entry(const struct shape *s, const struct shape_seq *seq, size_t i)
{
    char *entry = (char *)seq->items + i * shape_stride(s);

    return s->kind == SHAPE_MAP ? entry + sizeof(char *) : entry;
}

const char **shape_key(const struct shape *s, const struct shape_seq *seq, size_t i)
{
    return (const char **)((char *)seq->items + i * shape_stride(s));
}
